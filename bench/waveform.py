"""`python -m bench.waveform`: how soon a long recording is seen at one look, and what its copies take.

A recording of three hours in a store of files: a minute of speech, encoded as a room does, again and again. Its overview is
made, and what that saves, all of it decoded, in turns; then of a minute a masked copy, and a fragment with another voice.

Exits with 1 if a target is missed.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.progress import track

from bench import command, results, source, uploads
from bench.figures import Line
from recorder.archive.copying import Track, fragment, masked, ogg_file
from recorder.archive.decoder import decode
from recorder.archive.derived import keep, sealed
from recorder.archive.folder import FolderStore
from recorder.archive.hearing import Hearing
from recorder.archive.masking import Range
from recorder.archive.voice import Alteration
from recorder.archive.waveform import RATE, overview
from recorder.audio import FRAME_TICKS, TICKS_PER_SECOND, OpusBlock, PcmBlock
from recorder.config import load
from recorder.encoder import Encoder
from recorder.sealed.keys import RecipientPrivateKey

OVERVIEW_RATIO_MAX = 0.1
TILE_SECONDS = 60
COPY_SECONDS = 60
ROUNDS = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.waveform", description="How soon a recording is seen, and copied.")
    parser.add_argument("--hours", type=float, default=3.0, help="of the recording (default %(default)s)")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=Path.home()) as folder:
        lines, raw = run(Path(folder), round(arguments.hours * 3_600), console)
    results.tell(lines, console)
    return results.finish(lines, raw, "waveform", console)


def run(folder: Path, seconds: int, console: Console) -> tuple[list[Line], dict[str, list[float]]]:
    hearing, short = (_keep(folder, each, console) for each in (seconds, COPY_SECONDS))
    opus = load().opus
    looks, alls = [], []
    for _ in track(range(ROUNDS), "overview", console=console):
        looks.append(_seconds(lambda: overview(hearing)))
        alls.append(_seconds(lambda: _decode(hearing)))
    ratio = statistics.median(look / everything for look, everything in zip(looks, alls, strict=True))
    mask = Range(10_000, 15_000)
    copy = _seconds(lambda: _through(ogg_file(masked(short, [mask], opus), 1)))
    other = Alteration.drawn(random.Random(1).uniform)
    cut = _seconds(lambda: _through(ogg_file(fragment(short, Range(0, 60_000), [mask], other, opus), 1)))
    lines = [
        Line("recorded", f"{seconds / 3_600:g} h, in {len(hearing.headers):,} blocks"),
        Line(
            "an overview, to decoding all of it",
            f"{ratio:.3f} x",
            f"at most {OVERVIEW_RATIO_MAX} x",
            ratio <= OVERVIEW_RATIO_MAX,
        ),
        Line("  the overview", f"{statistics.median(looks):.2f} s; all of it {statistics.median(alls):.1f} s"),
        Line("a masked copy, a minute of it", f"{copy:.2f} s"),
        Line("a fragment with another voice, a minute of it", f"{cut:.2f} s"),
    ]
    for each in (hearing, short):
        each.close()
    return lines, {"overview_seconds": looks, "all_seconds": alls}


def _keep(folder: Path, seconds: int, console: Console) -> Hearing:
    """A recording of so many seconds of speech that was kept."""
    device, recipient = Ed25519PrivateKey.generate(), RecipientPrivateKey.generate("x25519")
    store = FolderStore.make(folder / str(seconds))
    settings = load()
    encoder = Encoder(settings.opus, TICKS_PER_SECOND, settings.seal.block_frames)
    items = track(_speech(folder, encoder, seconds), "recording", total=seconds, console=console)
    records = sealed(
        Track(48_000, encoder.preskip, iter(items), []),
        signing_key=device,
        recipients=[recipient.public],
        moment=uploads.MOMENT,
        boot=uploads.BOOT,
        settings=settings.seal,
        random=os.urandom,
    )
    return Hearing(store, keep(store, records, uploads.WALL_MS, 1), device.public_key(), recipient)


def _speech(folder: Path, encoder: Encoder, seconds: int) -> Iterator[OpusBlock]:
    """Blocks of a minute, again and again."""
    file = folder / "speech.wav"
    source.write(file, TILE_SECONDS, lambda _: None)
    with wave.open(str(file)) as sound:
        pcm = sound.readframes(TILE_SECONDS * TICKS_PER_SECOND)
    blocks = encoder.encode(PcmBlock(0, len(pcm) // 2, pcm, uploads.MOMENT))
    position = 0
    for block in cycle(blocks):
        if position >= seconds * TICKS_PER_SECOND:
            return
        assert isinstance(block, OpusBlock) and block.length >= FRAME_TICKS
        yield replace(block, position=position)
        position += block.length


def _decode(hearing: Hearing) -> None:
    _through(decode(hearing.items(), preskip=hearing.report.preamble.preskip, rate=RATE))


def _through(pieces: Iterator[object]) -> None:
    for _ in pieces:
        pass


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    command.run(main)

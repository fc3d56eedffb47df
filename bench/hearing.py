"""`python -m bench.hearing`: how soon a place in a long recording is heard at the archive, and how fast it is unsealed.

A recording of three hours in a store of files, brought together as the archive does it. It is opened as for somebody who may
hear it; then ranges of its playable file are read, as a browser asks for them: the beginning, the end, and places that chance
picks. What the browser and the road to it take comes on top.

- Unsealing: each block opened, against the same ciphertexts through the same library's AEAD alone, and through what the format
  asks for a block and no more, its hash, two keys and the AEAD; in turns.

Exits with 1 if a target is missed.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from rich.console import Console
from rich.progress import track

from bench import command, results, uploads
from bench.figures import Line
from recorder import canonical
from recorder.archive import naming
from recorder.archive.folder import FolderStore
from recorder.archive.hearing import Hearing
from recorder.sealed import keybox, layout
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.layout import Preamble, RecordType, ciphertext, hash_body, header_bytes
from recorder.sealed.ledger import Ledger
from recorder.sealed.open import Opener
from recorder.sealed.ratchet import NONCE, Ratchet
from recorder.wire.upload import Name

BLOCK_BYTES = 4_096
"""Of a second."""
FIRST_SOUND_BYTES = 65_536
"""More than a browser needs before it plays: some ten seconds."""
FIRST_SOUND_MS_MAX = 300.0
UNSEAL_RATIO_MIN = 0.5
PLACES, ROUNDS = 50, 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.hearing", description="How soon and how fast a recording is heard.")
    parser.add_argument("--hours", type=float, default=3.0, help="of the recording (default %(default)s)")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=Path.home()) as folder:
        lines, raw = run(FolderStore.make(Path(folder) / "objects"), round(arguments.hours * 3_600), console)
    results.tell(lines, console)
    return results.finish(lines, raw, "hearing", console)


def run(store: FolderStore, seconds: int, console: Console) -> tuple[list[Line], dict[str, list[float]]]:
    device, recipient = Ed25519PrivateKey.generate(), RecipientPrivateKey.generate("mlkem768-x25519")
    recording, bodies, box = _keep(store, device, recipient, seconds, console)
    began = time.perf_counter()
    hearing = Hearing(store, recording, device.public_key(), recipient)
    opened = time.perf_counter() - began
    places_ms = [_first(hearing, at) for at in _places(hearing.size)]
    began = time.perf_counter()
    heard = sum(len(piece) for piece in hearing.read(0, hearing.size))
    everything = time.perf_counter() - began
    rounds = _unseal(hearing, bodies, box, recipient, console)
    ratios = [alone / mine for mine, alone, _ in rounds]
    mine, alone, asked = (statistics.median(each) / len(bodies) * 1e6 for each in zip(*rounds, strict=True))
    ratio = statistics.median(ratios)
    lines = [
        Line("recorded", f"{seconds / 3_600:g} h, in {len(bodies):,} blocks; {hearing.size / 1e6:.1f} MB to play"),
        Line("verified and ready to be heard", f"{opened:.2f} s, before anybody presses play"),
        Line(
            "from a wish to the first 64 KiB",
            f"{max(places_ms):.0f} ms at the worst of {len(places_ms)} places; half of them {statistics.median(places_ms):.0f}",
            f"at most {FIRST_SOUND_MS_MAX:.0f} ms",
            max(places_ms) <= FIRST_SOUND_MS_MAX,
        ),
        Line("all of it", f"{everything:.1f} s, {seconds / everything:,.0f} times as fast as it is played"),
        Line(
            "unsealing, to the AEAD alone",
            f"{ratio:.2f} x",
            f"at least {UNSEAL_RATIO_MIN} x",
            ratio >= UNSEAL_RATIO_MIN,
        ),
        Line("  a block", f"{mine:.0f} µs; the AEAD alone {alone:.0f} µs"),
        Line("  what the format asks of it", f"{asked:.0f} µs, so that none reaches more than {alone / asked:.2f} x"),
    ]
    assert heard == hearing.size
    hearing.close()
    return lines, {"places_ms": places_ms, "ratios": ratios}


def _keep(
    store: FolderStore, device: Ed25519PrivateKey, recipient: RecipientPrivateKey, blocks: int, console: Console
) -> tuple[str, Sequence[bytes], bytes]:
    """A recording that was kept and brought together: its id, the bodies of its blocks, and its keybox."""
    record, box, sealer = uploads.begin("bench-1", device, recipient.public, 1, pad_bytes=uploads.PAD_BYTES)
    _, preamble = layout.parse_record(record)
    recording = canonical.decode(preamble[canonical.SIGNATURE_BYTES :], Preamble).recording
    ledger, records = Ledger(preamble), []
    sealing = uploads.sealed(sealer, blocks, BLOCK_BYTES, ends=True)
    for each in track(sealing, "recording", total=blocks, console=console):
        records.append(each)
        ledger.add(layout.parse_record(each)[1])
    manifest = ledger.manifest(
        device, ended="stop", events=[], moment=uploads.MOMENT, boot=uploads.BOOT, keybox_body=box
    )
    objects = {
        naming.items([Name(recording, RecordType.PREAMBLE, 0)]): record,
        naming.items([Name(recording, RecordType.MANIFEST, 0)]): manifest,
        naming.items([Name(recording, RecordType.KEYBOX, 0)]): layout.record(RecordType.KEYBOX, box),
    }
    names = [Name(recording, RecordType.BLOCK, index) for index in range(blocks)]
    for stretch in naming.together(names):
        objects[naming.items(stretch)] = b"".join(records[each.index] for each in stretch)
    store.put(objects)
    return recording, [layout.parse_record(each)[1] for each in records], box


def _places(size: int) -> list[int]:
    """Where somebody may want to hear: the beginning, the end, and between."""
    chance = random.Random(1)
    return [0, size - FIRST_SOUND_BYTES, *(chance.randrange(size - FIRST_SOUND_BYTES) for _ in range(PLACES))]


def _first(hearing: Hearing, at: int) -> float:
    """Milliseconds until as much as a player needs is there."""
    began = time.perf_counter()
    for _ in hearing.read(at, at + FIRST_SOUND_BYTES):
        pass
    return (time.perf_counter() - began) * 1e3


def _unseal(
    hearing: Hearing, bodies: Sequence[bytes], box: bytes, recipient: RecipientPrivateKey, console: Console
) -> list[tuple[float, float, float]]:
    """Seconds for all blocks, in each round: opened, through the AEAD alone, and through what the format asks."""
    preamble_hash = hearing.report.preamble_hash
    key = ChaCha20Poly1305.generate_key()
    sealed = [
        (
            ChaCha20Poly1305(key).encrypt(NONCE, ciphertext(body)[: -layout.TAG_BYTES], header_bytes(body)),
            header_bytes(body),
        )
        for body in bodies
    ]

    def alone() -> None:
        for data, associated in sealed:
            ChaCha20Poly1305(key).decrypt(NONCE, data, associated)

    def ours() -> None:
        opener = Opener(hearing.report, keybox.unwrap(box, recipient, preamble_hash))
        for index, body in enumerate(bodies):
            opener.open(index, body)
        opener.wipe()

    def asked() -> None:
        data_key = keybox.unwrap(box, recipient, preamble_hash)
        ratchet = Ratchet(data_key, preamble_hash, hearing.report.preamble.suite)
        for body in bodies:
            hash_body(body)
            ratchet.decrypt(ciphertext(body), preamble_hash + header_bytes(body))

    return [
        (_seconds(ours), _seconds(alone), _seconds(asked)) for _ in track(range(ROUNDS), "unsealing", console=console)
    ]


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    command.run(main)

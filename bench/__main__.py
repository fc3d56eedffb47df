"""`python -m bench`: hold the meeting, measure it, show the table, keep the result. Exits with 1 if a target is missed."""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import alignment, command, figures, meeting, reference, results, source
from recorder import config
from recorder.errors import TrialError
from recorder.trial.soundstage import RATE

SECONDS_MIN, SECONDS_MAX = 60, 10_000
"""Below, nothing settles; above, the room's own limit ends the recording."""
COPIES = 4
"""WAV files of that length that lie on disk at once: speech, two decoded, and room to spare."""


def main() -> int:
    arguments = _arguments()
    console = Console(highlight=False)
    if arguments.readme:
        console.print(f"README.md has the figures of {', '.join(file.name for file in results.renew_readme())}")
        return 0
    lines = run(arguments.seconds, console)
    return 1 if any(line.kept is False for line in lines) else 0


def run(seconds: int, console: Console) -> list[figures.Line]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        need, free = COPIES * 2 * RATE * seconds, shutil.disk_usage(folder).free
        if free < need:
            raise TrialError(
                f"{folder} has {free >> 20} MiB free; this takes {need >> 20} MiB: set TMPDIR to a larger disk"
            )
        speech, twin = folder / "speech.wav", folder / "opusenc.opus"
        opus = config.load(None).opus
        with Progress(
            TextColumn("{task.description:32}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=console
        ) as bar:
            step = _steps(bar)
            source.write(speech, seconds, step("synthesising speech"))
            tell = step("opusenc, before")
            opusenc_cpu = [reference.encode_cpu_seconds(opus, speech, twin)]
            tell(1.0)
            held = meeting.hold(speech, seconds, folder / "room", step(f"recording {seconds} s"))
            tell = step("opusenc, after")
            opusenc_cpu.append(reference.encode_cpu_seconds(opus, speech, twin))
            tell(1.0)
            tell = step("comparing every sample")
            gaps = [(gap["position_ticks"], gap["length_ticks"]) for gap in held.account["gaps"]]
            reference.decode(held.audio, folder / "ours.wav")
            reference.decode(twin, folder / "opusenc.wav")
            tell(0.3)
            recorded, played = alignment.samples(folder / "ours.wav"), alignment.samples(speech)
            theirs = alignment.samples(folder / "opusenc.wav")
            pieces = alignment.pieces(recorded, theirs, played, gaps)
            tell(1.0)
            likeness, _ = alignment.likeness(theirs, played)
        lines = figures.lines(held, opusenc_cpu, seconds, len(recorded), pieces, likeness)
        raw = {
            "seconds": seconds,
            "opusenc": " ".join(reference.command(opus)),
            "opusenc_cpu_seconds": opusenc_cpu,
            "pieces": [asdict(piece) for piece in pieces],
            **figures.json_of(held),
        }
    _show(lines, console)
    console.print(f"Kept in {results.keep(lines, raw, 'meeting')}", soft_wrap=True)
    return lines


def _steps(bar: Progress) -> Callable[[str], Callable[[float], None]]:
    def step(name: str) -> Callable[[float], None]:
        task = bar.add_task(name, total=1.0)
        return lambda share: bar.update(task, completed=share)

    return step


def _show(lines: list[figures.Line], console: Console) -> None:
    table = Table(box=None, header_style="dim")
    for column in ("", "measured", "target", ""):
        table.add_column(column, overflow="fold")
    for line in lines:
        style = {True: "green", False: "bold red", None: ""}[line.kept]
        table.add_row(line.name, line.value, line.target, line.verdict, style=style)
    console.print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="What a recording costs, beside opusenc.")
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=3600,
        help=f"to record, in real time ({SECONDS_MIN} to {SECONDS_MAX}; default %(default)s)",
    )
    parser.add_argument("--readme", action="store_true", help="only put the newest result into bench/README.md")
    return parser.parse_args()


def _seconds(text: str) -> int:
    if not text.isdigit() or not SECONDS_MIN <= int(text) <= SECONDS_MAX:
        raise argparse.ArgumentTypeError(f"should be {SECONDS_MIN} to {SECONDS_MAX}")
    return int(text)


if __name__ == "__main__":
    command.run(main)

"""`python -m bench.flash`: what an hour of recording writes to a room's card. Needs root, for a file system of its own.

A meeting is kept by the device's own code, at the pace of a meeting, on an ext4 that is mounted as on a Raspberry Pi, over a
loop device whose every sector the kernel counts: records, journal, chain and receipts, and what the file system adds to each
of them. Then the archive has signed for it, and it is forgotten.
"""

import argparse
import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import track

from bench import command, processes, results
from bench.card import Card
from bench.figures import Line
from bench.rooms import BITRATE
from recorder import config
from recorder.errors import TrialError
from recorder.keyfiles import save_recipient_public
from recorder.sealed.keys import RecipientPrivateKey
from recorder.trial.machines import RAM, found_authority, room_settings, toml

CARD_BYTES = 4 * 2**30
SECTOR_BYTES = 512
SWEEP_FILES = 32
FORMAT = ("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0")
"""As Raspberry Pi OS has it, but for what would be written later by the kernel, at its own pace."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.flash", description="What an hour of recording writes to the card.")
    parser.add_argument("--seconds", type=int, default=600, help="of the meeting (default %(default)s)")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    with _card() as (folder, device):
        lines, raw = _measure(folder, device, arguments.seconds, console)
    results.tell(lines, console)
    return results.finish(lines, raw, "flash", console)


def _measure(folder: Path, device: str, seconds: int, console: Console) -> tuple[list[Line], dict[str, float]]:
    settings = _room(folder)
    card = Card(settings)
    block_seconds = settings.seal.block_seconds
    meeting = card.begin(round(seconds / block_seconds), round(BITRATE / 8 * block_seconds))
    os.sync()
    sectors, asked = _sectors(device), processes.written_bytes(os.getpid())
    began = time.monotonic()
    for at, block in enumerate(track(meeting.blocks, "recording", console=console)):
        time.sleep(max(0.0, began + at * block_seconds - time.monotonic()))
        meeting.keep(block)
    meeting.end()
    _sync(folder)
    kept = (_sectors(device) - sectors) * SECTOR_BYTES
    by_process = processes.written_bytes(os.getpid()) - asked
    card.custody.forget(meeting.recording)
    while card.spool.sweep(SWEEP_FILES):
        pass
    _sync(folder)
    all_of_it = (_sectors(device) - sectors) * SECTOR_BYTES
    sealed = sum(map(len, meeting.blocks))
    hour = 3_600 / seconds / 1e6
    lines = [
        Line("recorded", f"{seconds} s in blocks of {block_seconds:g} s"),
        Line("sealed, an hour at constant bitrate", f"{sealed * hour:.1f} MB"),
        Line("written to the card, an hour", f"{all_of_it * hour:.1f} MB"),
        Line("  to what was sealed", f"{all_of_it / sealed:.1f} x"),
        Line("  while it records", f"{kept * hour:.1f} MB"),
        Line("  to forget it", f"{(all_of_it - kept) * hour:.1f} MB"),
        Line("  of which the room's own pages", f"{by_process * hour:.1f} MB; the rest is the file system's journal"),
    ]
    raw = {"sealed": sealed, "kept": kept, "all": all_of_it, "by_process": by_process, "seconds": seconds}
    return lines, {name: float(value) for name, value in raw.items()}


@contextlib.contextmanager
def _card() -> Iterator[tuple[Path, str]]:
    """A card with a file system on it: where it is mounted, and the name of its device."""
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=RAM)))
        image, folder = place / "card", place / "mounted"
        folder.mkdir()
        with image.open("wb") as file:
            file.truncate(CARD_BYTES)
        device = _do("losetup", "--find", "--show", str(image))
        stack.callback(_do, "losetup", "--detach", device)
        _do(*FORMAT, device)
        _do("mount", "-o", "noatime", device, str(folder))
        stack.callback(_do, "umount", str(folder))
        yield folder, Path(device).name


def _do(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise TrialError(f"{command[0]}: {getattr(error, 'stderr', '') or error}; it needs root") from error


def _room(folder: Path) -> config.Config:
    authority = found_authority(folder.parent, folder.parent / "archive")
    save_recipient_public(folder.parent / "reader.pub", RecipientPrivateKey.generate("x25519").public)
    authority.enrol_room("room-1", folder / "room", [folder.parent / "reader.pub"])
    file = folder.parent / "room.toml"
    file.write_text(toml(room_settings("room-1", folder / "room", folder.parent)))
    return config.load(file)


def _sync(folder: Path) -> None:
    _do("sync", "--file-system", str(folder))


def _sectors(device: str) -> int:
    """Written so far (Documentation/block/stat.rst)."""
    return int(Path(f"/sys/block/{device}/stat").read_text().split()[6])


if __name__ == "__main__":
    command.run(main)

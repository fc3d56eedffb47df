"""The reading room: the one place where private keys and audio meet.

What comes out is an ordinary `.opus` file with the very packets that the room's encoder made. It has no name until every
block was verified and opened: a file of that name is always complete, and whatever ends the process before, no audio is
left behind.
"""

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recorder.archive import unnamed
from recorder.archive.ogg import OggOpusWriter, check
from recorder.audio import TICKS_PER_SECOND, Moment
from recorder.errors import SealedError, StoreError
from recorder.keyfiles import load_keybox_beside
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.open import Opened, open_recording
from recorder.sealed.verify import Report, State

GAPS_TOLD_MAX = 256
"""Gaps named one by one in the file's comments; of more, their number is told."""
FLAW_CHARACTERS_MAX = 500
"""Of a flaw, in the file's comments: it may quote what a device signed, and they have an end."""


def listen(
    sealed_file: Path,
    device_keys: Sequence[Ed25519PublicKey],
    recipient: RecipientPrivateKey,
    out_file: Path,
    *,
    salvage: bool = False,
) -> Report:
    """Open `sealed_file` into `out_file` (mode 0600, replaced if it is there), gaps at their true length.

    By the keybox that the archive made for other keys, if its file lies beside.
    SealedError if it cannot be opened, StoreError if a file cannot be read or written, or `out_file` is the sealed file
    itself; then `out_file` is as it was.
    With `salvage` the audio before a flaw is written, also one that only the key shows; the file's comments and the
    report say so.
    """
    if _same(sealed_file, out_file):
        raise StoreError(f"{out_file}: is the sealed recording itself, which is never overwritten; give another name")
    other_keybox = load_keybox_beside(sealed_file)
    try:
        with sealed_file.open("rb") as stream, _unnamed(out_file.parent) as out:
            open_it = partial(
                open_recording, stream, device_keys, recipient, other_keybox=other_keybox, salvage=salvage
            )
            report = _write(stream, open_it, out, salvage=salvage)
            out.flush()
            os.fsync(out.fileno())
            _name(out, out_file)
    except StoreError:  # which is an OSError too, and says what failed
        raise
    except OSError as error:
        failed = sealed_file if error.filename == str(sealed_file) else out_file
        raise StoreError(f"{failed}: {error.strerror}") from error
    return report


def _unnamed(folder: Path) -> IO[bytes]:
    try:
        return os.fdopen(unnamed.make(folder), "wb")
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        raise StoreError(
            f"{folder}: on its file system an opening that is interrupted would leave audio behind; "
            "write to a disk of this computer (ext4, xfs, btrfs), and copy the file from there"
        ) from error


def _name(out: IO[bytes], out_file: Path) -> None:
    # A rename would be gentler to an old file, but needs another name first, and a kill could leave audio under that.
    out_file.unlink(missing_ok=True)
    if not unnamed.link(out.fileno(), out_file):
        raise StoreError(f"{out_file}: somebody has just made a file of this name; give another name")


def _write(stream: BinaryIO, open_it: Callable[[], Opened], out: IO[bytes], *, salvage: bool) -> Report:
    """Write the audio into `out`; returns what it is of."""
    opened = open_it()
    report = opened.report
    if salvage:  # the comments come first, and must know what only the key shows
        report = _sound(opened)
        stream.seek(0)
        opened = open_it()
    preamble = report.preamble
    writer = OggOpusWriter(
        out,
        serial=int(preamble.recording[:8], 16),
        rate=preamble.rate,
        preskip=preamble.preskip,
        comments=comments(report),
    )
    for item in islice(opened.items, report.blocks):
        writer.write(item)
    writer.close()
    return report


def _sound(opened: Opened) -> Report:
    """The report of what stands before the first flaw, were it one that only the key shows."""
    report, blocks, ticks, last = opened.report, 0, 0, None
    try:
        for item in opened.items:
            check(item)
            blocks, ticks, last = blocks + 1, item.position + item.length, item.moment
    except SealedError as error:
        return replace(
            report,
            state=State.CUT,
            flaw=str(error),
            contents=report.contents[:blocks],
            ticks=ticks,
            gaps=tuple(gap for gap in report.gaps if gap.position < ticks),
            final=False,
            first=report.first if blocks else None,
            last=last,
            clock_steps=tuple(step for step in report.clock_steps if step.index < blocks),
        )
    return report


def _same(file: Path, other: Path) -> bool:
    try:
        return file.samefile(other)
    except OSError:  # one of them is not there
        return False


def comments(report: Report) -> list[tuple[str, str]]:
    """What an audio file of this recording says of it, as `NAME=text`."""
    preamble = report.preamble
    comments = [
        ("RECORDING", preamble.recording),
        ("DEVICE", preamble.device),
        ("SEQUENCE", str(preamble.sequence)),
        ("DATE", _utc(report.first or preamble.made)),
        ("STATE", report.state if report.flaw is None else f"{report.state}: {report.flaw[:FLAW_CHARACTERS_MAX]}"),
    ]
    for gap in report.gaps[:GAPS_TOLD_MAX]:
        start, length = gap.position / TICKS_PER_SECOND, gap.length / TICKS_PER_SECOND
        comments.append(("GAP", f"{length:.4f} s at {start:.4f} s, {gap.cause}"))
    if len(report.gaps) > GAPS_TOLD_MAX:
        comments.append(("GAPS", str(len(report.gaps))))
    return comments


def _utc(moment: Moment) -> str:
    trust = "" if moment.synced else " (clock not synchronised)"
    return ("after the year 9999" if moment.utc is None else moment.utc.isoformat(timespec="seconds")) + trust

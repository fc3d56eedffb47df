"""The reading room: the one place where private keys and audio meet.

What comes out is an ordinary `.opus` file with the very packets that the room's encoder made. It is written beside its
final name and renamed only once every block was verified and opened, so that a file of that name is always complete.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recorder.archive.ogg import OggOpusWriter
from recorder.audio import TICKS_PER_SECOND, Moment
from recorder.errors import StoreError
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.open import open_recording
from recorder.sealed.verify import Report

GAPS_TOLD_MAX = 256
"""Gaps named one by one in the file's comments; of more, their number is told."""


def listen(
    sealed_file: Path,
    device_keys: Sequence[Ed25519PublicKey],
    recipient: RecipientPrivateKey,
    out_file: Path,
    *,
    salvage: bool = False,
) -> Report:
    """Open `sealed_file` into `out_file` (mode 0600, replaced if it is there), gaps at their true length.

    SealedError if it cannot be opened, StoreError if a file cannot be read or written, or `out_file` is the sealed file
    itself; then `out_file` is as it was.
    With `salvage` the audio before a flaw is written, and the file's comments say so.
    """
    if _same(sealed_file, out_file):
        raise StoreError(f"{out_file}: is the sealed recording itself, which is never overwritten; give another name")
    try:
        with (
            sealed_file.open("rb") as stream,
            tempfile.NamedTemporaryFile(dir=out_file.parent, prefix=".listen-", delete=False) as out,
        ):
            temporary = Path(out.name)
            try:
                opened = open_recording(stream, device_keys, recipient, salvage=salvage)
                preamble = opened.report.preamble
                writer = OggOpusWriter(
                    out,
                    serial=int(preamble.recording[:8], 16),
                    rate=preamble.rate,
                    preskip=preamble.preskip,
                    comments=_comments(opened.report),
                )
                for item in opened.items:
                    writer.write(item)
                writer.close()
                out.flush()
                os.fsync(out.fileno())
                temporary.replace(out_file)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    except OSError as error:
        # Not the temporary file's name, which means nothing to anyone.
        failed = sealed_file if error.filename == str(sealed_file) else out_file
        raise StoreError(f"{failed}: {error.strerror}") from error
    return opened.report


def _same(file: Path, other: Path) -> bool:
    try:
        return file.samefile(other)
    except OSError:  # one of them is not there
        return False


def _comments(report: Report) -> list[tuple[str, str]]:
    preamble = report.preamble
    comments = [
        ("RECORDING", preamble.recording),
        ("DEVICE", preamble.device),
        ("SEQUENCE", str(preamble.sequence)),
        ("DATE", _utc(report.first or preamble.made)),
        ("STATE", report.state if report.flaw is None else f"{report.state}: {report.flaw}"),
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

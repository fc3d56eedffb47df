"""The list of deletions: what must never be served again, whatever a backup brings back.

A file with one line a deletion, `RECORDING WHEN CAUSE`, which only grows. It is written before anything of the recording is
destroyed, and must be newer than every backup of objects and catalogue that may be restored: so it lies where a restore puts no
older one in its place. Lines that are older than the oldest backup may be taken out: nothing can bring those back.
"""

import fcntl
import os
import re
from pathlib import Path
from typing import NamedTuple

from recorder.archive.retention import Cause
from recorder.config import Archive
from recorder.errors import StoreError

_LINE = re.compile(rf"([0-9a-f]{{32}}) ([0-9]{{1,16}}) ({'|'.join(Cause)})", re.ASCII)


class Listed(NamedTuple):
    """One deletion. `decided_ms` is Unix time."""

    decided_ms: int
    cause: Cause


def place(config: Archive) -> Path:
    """Where the settings say that the list is."""
    return Path(config.deletions) if config.deletions else Path(config.folder) / "deletions"


class Deletions:
    """The list in `file`. Raises StoreError if it cannot be read or written, or is damaged."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def note(self, recording: str, listed: Listed) -> None:
        """Add one, durably. One that is there already may be there twice: it was deleted once more."""
        line = f"{recording} {listed.decided_ms} {listed.cause}\n".encode()
        try:
            file = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                _mend(file)
                _write(file, line)
                os.fsync(file)
            finally:
                os.close(file)
            _sync_folder(self._file.parent)
        except OSError as error:
            raise StoreError(f"{self._file}: cannot be written: {error.strerror}; check archive.deletions") from error

    def read(self) -> dict[str, Listed]:
        """Recording to its deletion, the first of several; none if there is no list yet.

        What stands behind the last line was being written when the power went: its deletion had not begun, and is begun again.
        """
        try:
            *lines, _ = self._file.read_bytes().split(b"\n")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreError(f"{self._file}: cannot be read: {error.strerror}; check archive.deletions") from error
        found: dict[str, Listed] = {}
        for number, line in enumerate(lines, start=1):
            match = _LINE.fullmatch(line.decode("ascii", errors="replace"))
            if match is None:
                raise StoreError(
                    f"{self._file}: line {number} is none of a deletion: the list is damaged, and what it lacks would be "
                    "served again. Take a sound copy of it; or take that line out, if nothing was restored from a backup since"
                )
            found.setdefault(match[1], Listed(int(match[2]), Cause(match[3])))
        return found


def _mend(file: int) -> None:
    """Take away what a power cut left behind the last line."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        os.ftruncate(file, os.pread(file, size, 0).rfind(b"\n") + 1)


def _write(file: int, line: bytes) -> None:
    while line:
        line = line[os.write(file, line) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

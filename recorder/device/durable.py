"""Writing so that a power cut leaves the old or the new, never half: temporary file, fsync, rename, fsync of the folder.

And reading what became of it.
"""

import errno
import mmap
import os
from pathlib import Path

TEMPORARY_SUFFIX = ".tmp"
_ALIGNED_BYTES = 4096
"""Of what is read directly, place and length are multiples of the largest sector (open(2))."""
_WRITE_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def write(file: Path, data: bytes) -> None:
    """Replace `file` by `data`; durable when this returns. Raises OSError, and then the old or the new is there, whole."""
    temporary = file.with_name(file.name + TEMPORARY_SUFFIX)
    try:
        _write(temporary, _WRITE_NEW, data)
        temporary.rename(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def append(file: Path, data: bytes) -> None:
    """Add `data` at the end of `file`; durable when this returns. A power cut may leave a part of it.

    Raises OSError, and then nothing of `data` is left.
    """
    before = file.stat().st_size if file.exists() else None
    try:
        _write(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, data)
    except OSError:
        if file.exists():
            shorten(file, before or 0)
        raise
    if before is None:
        sync_folder(file.parent)


def overwrite(file: Path) -> None:
    """Zeros in the place of what `file` holds; durable when this returns. Raises OSError."""
    _write(file, os.O_WRONLY, bytes(file.stat().st_size))


def shorten(file: Path, size_bytes: int) -> None:
    """Cut `file` off at that size; durable when this returns. Raises OSError."""
    handle = os.open(file, os.O_WRONLY)
    try:
        os.ftruncate(handle, size_bytes)
        os.fsync(handle)
    finally:
        os.close(handle)


def read_back(file: Path) -> bytes:
    """What the card has under that name, and not what the kernel remembers to have written there. Raises OSError.

    For a file that is read at once. A file system in RAM has no such difference, and is read as any other.
    """
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        size_bytes = os.fstat(handle).st_size
    finally:
        os.close(handle)
    try:
        handle = os.open(file, os.O_RDONLY | os.O_DIRECT)
        try:
            with mmap.mmap(-1, size_bytes // _ALIGNED_BYTES * _ALIGNED_BYTES + _ALIGNED_BYTES) as pages:
                return pages[: os.readv(handle, [pages])]
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return file.read_bytes()  # no direct reading here; but what was remembered is forgotten


def make_folder(folder: Path) -> None:
    """A new folder, for its owner alone, durable when this returns; nothing if it is there. Raises OSError."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make what was created, renamed or removed in `folder` durable. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(file: Path, flags: int, data: bytes) -> None:
    handle = os.open(file, flags, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)

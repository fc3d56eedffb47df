"""One process a room: an exclusive lock on its folder, held for as long as the process serves the room.

A second one on the same settings would take the running meeting for one that was cut off, and its no would be one of two. The
lock is the kernel's (flock(2)) and on the folder itself: it ends with the process, however that ends, and leaves nothing to
clear away. It is close-on-exec, so neither the capture process nor the guard holds it on.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from recorder.errors import RoomError

LOCKS = Path("/proc/locks")


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else is in the room with this folder meanwhile. Raises RoomError if somebody is, having touched nothing.

    A folder that is not there, or whose card fails, is no error here: nobody can serve a room in it, and whoever tries
    says so once the light is dark.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError as error:
        raise RoomError(f"{folder}: this user may not read the folder of this room; give it to the user") from error
    except OSError:
        yield
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _holder(os.fstat(handle))
            process = "" if holder is None else f" (process {holder})"
            raise RoomError(
                f"{folder}: this room runs already{process}; stop that one before you start another"
            ) from error
        yield
    finally:
        os.close(handle)


def _holder(folder: os.stat_result) -> int | None:
    """The process that has the lock (proc_locks(5)); None if the kernel does not tell."""
    place = f"{os.major(folder.st_dev):02x}:{os.minor(folder.st_dev):02x}:{folder.st_ino}"
    with contextlib.suppress(OSError):
        for line in LOCKS.read_text().splitlines():
            _, kind, _, _, process, where, *_ = line.split()
            if (kind, where) == ("FLOCK", place):
                return int(process)
    return None

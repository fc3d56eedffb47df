"""A process that dies, or a room that loses its power, before any chosen call that changes a file system.

`dying(n)` lets n such calls happen and raises Crash in the place of the next; a write is then done half. With
`lost` something of what was not synced by then is undone, as file systems may: "everything", which is contents since the
file's last fsync and names since the last fsync of their folder, or the names of the "outermost" such folder alone.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from unittest import mock

Lost = Literal["nothing", "everything", "outermost"]


class Crash(BaseException):
    """Not an Exception: the dead handle no errors."""


@contextmanager
def dying(calls: int, lost: Lost = "nothing") -> Iterator[None]:
    disk = _Disk(calls)
    changes = ("open", "write", "fsync", "rename", "unlink", "mkdir", "rmdir", "ftruncate", "posix_fallocate")
    with mock.patch.multiple(os, **{name: getattr(disk, name) for name in changes}):
        try:
            yield
        except Crash:
            for handle in list(disk.paths):
                disk.release(handle)
            if lost != "nothing":
                with mock.patch.multiple(os, **{name: getattr(disk, f"real_{name}") for name in changes}):
                    disk.undo(lost)
            raise


class _Disk:
    real_open, real_write, real_fsync, real_rename = os.open, os.write, os.fsync, os.rename
    real_unlink, real_mkdir, real_rmdir = os.unlink, os.mkdir, os.rmdir
    real_ftruncate, real_posix_fallocate = os.ftruncate, os.posix_fallocate

    def __init__(self, calls: int) -> None:
        self.left = calls
        self.paths: dict[int, Path] = {}
        self.unsynced: dict[Path, bytes] = {}
        """Content at the last fsync."""
        self.names: list[tuple[Path, Callable[[], object]]] = []
        """Folder, and how to undo the change in it."""

    def undo(self, lost: Lost) -> None:
        outermost = min((folder for folder, _ in self.names), key=lambda folder: len(folder.parts), default=None)
        for path, content in self.unsynced.items():
            if path.exists() and lost == "everything":
                path.write_bytes(content)
        for folder, undo in reversed(self.names):
            # A folder that is not there any more: its own removal is durable.
            if folder.exists() and (lost == "everything" or folder == outermost):
                undo()

    def release(self, handle: int) -> None:
        """Closed meanwhile, most often; the number may be another file's by now."""
        path = self.paths.pop(handle)
        try:
            if Path(f"/proc/self/fd/{handle}").resolve() == path:
                os.close(handle)
        except OSError:
            pass

    def _count(self) -> None:
        if self.left == 0:
            raise Crash
        self.left -= 1

    def open(self, path: os.PathLike[str], flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        whole = self._path(path, dir_fd)
        new = flags & os.O_CREAT and not whole.exists()
        if flags & (os.O_CREAT | os.O_TRUNC):
            self._count()
        if flags & os.O_TRUNC and not new:
            self._dirty(whole)
        handle = self.real_open(path, flags, mode, dir_fd=dir_fd)
        self.paths[handle] = whole
        if new:
            self.unsynced[whole] = b""
            self.names.append((whole.parent, lambda: whole.unlink(missing_ok=True)))
        return handle

    def write(self, handle: int, data: bytes) -> int:
        self._dirty(self.paths[handle])
        if self.left == 0:
            self.real_write(handle, data[: len(data) // 2])
        self._count()
        return self.real_write(handle, data)

    def ftruncate(self, handle: int, size: int) -> None:
        self._count()
        self._dirty(self.paths[handle])
        self.real_ftruncate(handle, size)

    def posix_fallocate(self, handle: int, at: int, size: int) -> None:
        self._count()
        self.real_posix_fallocate(handle, at, size)

    def fsync(self, handle: int) -> None:
        self._count()
        path = self.paths[handle]
        self.unsynced.pop(path, None)
        self.names = [each for each in self.names if each[0] != path]

    def rename(self, old: os.PathLike[str], new: os.PathLike[str]) -> None:
        self._count()
        source, target = Path(old), Path(new)
        replaced = target.read_bytes() if target.is_file() else None
        self.real_rename(source, target)

        def undo() -> None:
            if target.exists():
                target.rename(source)
            if replaced is not None:
                target.write_bytes(replaced)

        self.names.append((target.parent, undo))
        moved = {path: content for path, content in self.unsynced.items() if path.is_relative_to(source)}
        for path, content in moved.items():
            del self.unsynced[path]
            self.unsynced[target / path.relative_to(source) if path != source else target] = content

    def unlink(self, path: os.PathLike[str], *, dir_fd: int | None = None) -> None:
        self._count()
        whole = self._path(path, dir_fd)
        content = self.unsynced.pop(whole, None)
        if content is None and whole.exists():
            content = whole.read_bytes()
        self.real_unlink(path, dir_fd=dir_fd)
        self.names.append((whole.parent, lambda: whole.write_bytes(content or b"")))

    def mkdir(self, path: os.PathLike[str], mode: int = 0o777) -> None:
        self._count()
        self.real_mkdir(path, mode)
        self.names.append((Path(path).parent, Path(path).rmdir))

    def rmdir(self, path: os.PathLike[str], *, dir_fd: int | None = None) -> None:
        self._count()
        whole = self._path(path, dir_fd)
        self.real_rmdir(path, dir_fd=dir_fd)
        self.names.append((whole.parent, whole.mkdir))

    def _dirty(self, path: Path) -> None:
        if path not in self.unsynced:
            self.unsynced[path] = path.read_bytes()

    def _path(self, path: os.PathLike[str], dir_fd: int | None) -> Path:
        return Path(path) if dir_fd is None else Path(f"/proc/self/fd/{dir_fd}").resolve() / path

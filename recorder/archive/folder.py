"""The object store as a folder."""

import contextlib
import ctypes
import errno
import os
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

from recorder.archive import unnamed
from recorder.archive.store import check_name, check_prefix
from recorder.errors import StoreError

FILES_OPEN_MAX = 256
"""By one `put`: a process may have 1,024 open files, unless somebody allowed it more."""
FOLDERS_MADE_MAX = 8
"""For one object."""

_LIBC = ctypes.CDLL(None, use_errno=True)


class FolderStore:
    """Objects as files of one file system that has O_TMPFILE and hard links (ext4, xfs, btrfs, tmpfs).

    Files without a name are written and synced, then linked to their names, which fails if a name is taken; then the
    names are synced. So a crash leaves no half file and nothing to clean up. Of many objects this is done in portions
    of FILES_OPEN_MAX. A folder is made with its first object and goes with its last.

    It is the file system that is synced, once for all objects of a batch, which takes as long as one of them would. So
    it should have one of its own: what others write there is waited for too.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StoreError(_not_opened(folder, error)) from error
        self._folder = folder
        weakref.finalize(self, os.close, self._root)

    @classmethod
    def make(cls, folder: Path) -> Self:
        """The store in `folder`, which is made if it is not there; where it shall lie must be there."""
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            _fsync_folder(folder.parent)
        except OSError as error:
            raise StoreError(f"{folder}: the object store cannot be made: {error.strerror}") from error
        return cls(folder)

    def put(self, objects: Mapping[str, bytes]) -> frozenset[str]:
        paths = {name: self._path(name) for name in objects}
        names = list(paths)
        clashes: set[str] = set()
        try:
            for at in range(0, len(names), FILES_OPEN_MAX):
                portion = {name: paths[name] for name in names[at : at + FILES_OPEN_MAX]}
                clashes |= self._put_portion(portion, objects)
            sync_file_system(self._root)
        except OSError as error:
            raise StoreError(f"{self._folder}: objects cannot be kept: {error}") from error
        return frozenset(clashes)

    def get(self, name: str) -> bytes:
        path = self._path(name)
        try:
            return path.read_bytes()
        except OSError as error:
            raise StoreError(f"{self._folder}: {name} cannot be read: {error.strerror}") from error

    def list(self, prefix: str) -> Iterator[str]:
        check_prefix(prefix)
        root = f"{self._folder}/"
        top = self._folder / prefix.rpartition("/")[0]
        try:
            found = [
                f"{folder}/{file}".removeprefix(root)
                for folder, _, files in os.walk(top, onerror=_unless_gone)
                for file in files
            ]
        except OSError as error:
            raise StoreError(f"{self._folder}: cannot be listed: {error}") from error
        return iter(sorted(name for name in found if name.startswith(prefix)))

    def delete(self, names: Iterable[str]) -> None:
        paths = [self._path(name) for name in names]
        try:
            for path in paths:
                path.unlink(missing_ok=True)
            for folder in {path.parent for path in paths}:
                self._remove_if_empty(folder)
            sync_file_system(self._root)
        except OSError as error:
            raise StoreError(f"{self._folder}: objects cannot be deleted: {error}") from error

    def settle(self, prefix: str) -> None:
        check_prefix(prefix)
        try:
            for folder, _, _ in os.walk(self._folder / prefix, topdown=False, onerror=_unless_gone):
                self._remove_if_empty(Path(folder))
            sync_file_system(self._root)
        except OSError as error:
            raise StoreError(f"{self._folder}: objects cannot be kept or deleted: {error}") from error

    def _put_portion(self, paths: Mapping[str, Path], objects: Mapping[str, bytes]) -> set[str]:
        """Write durable files and name them, the names not yet durable. Returns those that other bytes had."""
        files: dict[str, int] = {}
        try:
            for name in paths:
                files[name] = unnamed.make(self._folder)  # beside each other, which is quicker than here and there
                _write(files[name], objects[name])
            sync_file_system(self._root)
            return {
                name
                for name, path in paths.items()
                if not self._link(files[name], path) and path.read_bytes() != objects[name]
            }
        finally:
            for file in files.values():
                os.close(file)

    def _path(self, name: str) -> Path:
        check_name(name)
        return self._folder / name

    def _link(self, file: int, path: Path) -> bool:
        """Give the file its name, in a folder that is made if need be; False if the name is taken."""
        folder = path.relative_to(self._folder).parent
        for _ in range(FOLDERS_MADE_MAX):
            # The folder may not be there, and go again with its last object, one of another recording's, just now.
            with contextlib.suppress(FileNotFoundError):
                return unnamed.link(file, path)
            with contextlib.suppress(FileNotFoundError):
                for each in (*reversed(folder.parents), folder):
                    (self._folder / each).mkdir(mode=0o700, exist_ok=True)
        return unnamed.link(file, path)

    def _remove_if_empty(self, folder: Path) -> None:
        """Remove `folder`, and those above it that are empty then."""
        while folder != self._folder:
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:
                    raise
                return
            folder = folder.parent


def _not_opened(folder: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return (
            f"{folder}: there is no object store; check archive.folder, and that its disk is mounted. "
            "A new archive's is made when its first device is enrolled"
        )
    return f"{folder}: the object store cannot be opened: {error.strerror}"


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def sync_file_system(file: int) -> None:
    """Make everything durable that was written to the file system of this open file (syncfs(2)).

    OSError if anything could not be, since it was opened: so Linux has it from 5.8 on.
    """
    if _LIBC.syncfs(file):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The object store as a folder."""

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

from recorder.archive import unnamed
from recorder.archive.store import check_name, check_prefix
from recorder.errors import StoreError

FILES_OPEN_MAX = 256
"""By one `put`: a process may have 1,024 open files, unless somebody allowed it more."""


class FolderStore:
    """Objects as files of one file system that has O_TMPFILE and hard links (ext4, xfs, btrfs, tmpfs).

    A file without a name is written and fsynced, then linked to its name, which fails if the name is taken; then the
    folder is fsynced. So a crash leaves no half file and nothing to clean up. Of many objects this is done in portions
    of FILES_OPEN_MAX, and the folders are fsynced once. A folder is made with its first object and goes with its last.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise StoreError(f"{folder}: there is no object store; check the configuration's archive.folder")
        self._folder = folder

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
            for folder in {path.parent for path in paths.values()}:
                _fsync_folder(folder)
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
        top = self._folder / prefix.rpartition("/")[0]
        try:
            found = [
                path.relative_to(self._folder).as_posix()
                for folder, _, files in os.walk(top, onerror=_unless_gone)
                for path in (Path(folder, file) for file in files)
                if path.is_file()  # not what was deleted since it was listed
            ]
        except OSError as error:
            raise StoreError(f"{self._folder}: cannot be listed: {error}") from error
        return iter(sorted(name for name in found if name.startswith(prefix)))

    def delete(self, names: Iterable[str]) -> None:
        paths = [self._path(name) for name in names]
        try:
            for path in paths:
                path.unlink(missing_ok=True)
            for folder in {self._without_empty(folder) for folder in {path.parent for path in paths}}:
                if folder.is_dir():  # or its last folder went after it was looked at
                    _fsync_folder(folder)
        except OSError as error:
            raise StoreError(f"{self._folder}: objects cannot be deleted: {error}") from error

    def _put_portion(self, paths: Mapping[str, Path], objects: Mapping[str, bytes]) -> set[str]:
        """Write durable files and name them, their folders apart. Returns the names that other bytes had."""
        files: dict[str, int] = {}
        try:
            for name, path in paths.items():
                self._make_folders(path.parent)
                files[name] = unnamed.make(path.parent)
                _write(files[name], objects[name])
            for file in files.values():  # after all are written: the file system commits them together
                os.fsync(file)
            return {
                name
                for name, path in paths.items()
                if not unnamed.link(files[name], path) and path.read_bytes() != objects[name]
            }
        finally:
            for file in files.values():
                os.close(file)

    def _path(self, name: str) -> Path:
        check_name(name)
        return self._folder / name

    def _without_empty(self, folder: Path) -> Path:
        """Remove `folder` and those above it that are empty, or were removed before; returns the first that is not."""
        while folder != self._folder:
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:
                    raise
                return folder
            folder = folder.parent
        return folder

    def _make_folders(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folders(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _fsync_folder(folder.parent)


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The object store: write-once objects, each under one name for ever.

Rules, which the contract suite holds every store to:

1. When `put` returns, what it wrote survives a power cut.
2. An object is there whole or not at all, and never changes. Of several writers of one name, one wins.
3. Writing what is already there, byte for byte, succeeds. Other bytes under that name are not written, and named.
4. When `delete` returns, what it deleted stays gone after a power cut, and nothing tells that it was there. Deleting
   what is not there succeeds. Nobody may put meanwhile.
5. A process that is killed leaves unfinished what it did, and what is there need not be durable. `put` does not rely on
   that; whoever else does has `settle` finish it first.

A name is one or more parts of `a-z 0-9 -`, parted by `/`. Nothing else comes near the file system.
"""

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol, Self

from recorder.archive import unnamed
from recorder.errors import StoreError

NAME_PATTERN = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*", re.ASCII)
PREFIX_PATTERN = re.compile(r"([a-z0-9-]+/)*[a-z0-9-]*", re.ASCII)
NAME_CHARACTERS_MAX = 255
FOLDERS_KNOWN_MAX = 10_000
"""Whose names this process has made durable; beyond that it does so again. Some 2 MB."""
FILES_OPEN_MAX = 256
"""By one `put`: a process may have 1,024 open files, unless somebody allowed it more."""


class Store(Protocol):
    """Where the archive keeps its objects. Every method raises StoreError if the store fails."""

    def put(self, objects: Mapping[str, bytes]) -> frozenset[str]:
        """Write `objects` durably, in their order. Returns the names that were there with other bytes."""
        ...

    def get(self, name: str) -> bytes:
        """The object's bytes; StoreError if it is not there."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """The names of all objects that begin with `prefix`, in their order."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Delete these objects durably."""
        ...

    def settle(self, prefix: str) -> None:
        """Finish what killed processes began below `prefix`, which ends in `/`: what is there, and what is not, is durable."""
        ...


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
        self._known: set[Path] = set()
        """Folders in it whose names are durable."""

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
        if len(prefix) > NAME_CHARACTERS_MAX or not PREFIX_PATTERN.fullmatch(prefix):
            raise StoreError(f"{prefix[:NAME_CHARACTERS_MAX]!r} begins no object's name")
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
            self._sync_or_remove({path.parent for path in paths})
        except OSError as error:
            raise StoreError(f"{self._folder}: objects cannot be deleted: {error}") from error

    def settle(self, prefix: str) -> None:
        top = self._path(prefix.removesuffix("/"))
        below = (Path(folder) for folder, _, _ in os.walk(top, onerror=_unless_gone))
        above = (folder for folder in top.parents if folder.is_relative_to(self._folder))
        try:
            self._sync_or_remove({*below, *above})
        except OSError as error:
            raise StoreError(f"{self._folder}: objects cannot be kept or deleted: {error}") from error

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
        if len(name) > NAME_CHARACTERS_MAX or not NAME_PATTERN.fullmatch(name):
            raise StoreError(f"{name[:NAME_CHARACTERS_MAX]!r} is no name for an object")
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

    def _sync_or_remove(self, folders: Iterable[Path]) -> None:
        """Make the names in these folders durable, and remove those that are empty."""
        for folder in {self._without_empty(folder) for folder in folders}:
            if folder.is_dir():  # or its last folder went after it was looked at
                _fsync_folder(folder)

    def _make_folders(self, folder: Path) -> None:
        """One that is there may have been made by a process that was killed before its name was durable."""
        if folder == self._folder or (folder in self._known and folder.is_dir()):
            return
        self._make_folders(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _fsync_folder(folder.parent)
        if len(self._known) >= FOLDERS_KNOWN_MAX:
            self._known.clear()
        self._known.add(folder)


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

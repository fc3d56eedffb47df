"""A card and a hold whose power may be cut before every change, and what each such crash would leave.

`Card` stands under the operating system's calls that change a folder, and under each byte that is written into a hold. It calls
`watch` before every one of them, and knows what was made durable by then: a file's bytes by its own fsync, names by their
folder's (fsync(2)). `after` then tells what a crash at this point leaves in the folder:

    killed       everything that was written is there: the process died, the machine did not
    synced       nothing is there but what was synced: the power was cut
    torn         as synced, but of what was being appended or written a half arrived too
    disordered   as killed, but the outermost folder with names that were not synced has lost these: a file system may write
                 what is deeper first

So one run of a story tells what a crash at each of its points leaves, and `lay` makes that a folder again. A folder in RAM:
elsewhere a new file may get the inode of an old one.
"""

import builtins
import io
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

KILLED, SYNCED, TORN, DISORDERED = "killed", "synced", "torn", "disordered"
AFTERMATHS = (KILLED, SYNCED, TORN, DISORDERED)
Names = dict[str, tuple[int, bool]]
"""Of a folder; with each its inode, and whether it is a folder itself."""
Files = tuple[tuple[str, bytes | None], ...]
"""Every file below a folder with its content, every folder with None: a folder before what is in it."""


class PowerCut(BaseException):
    """Not an Exception: no code of the product may catch it."""


class Card:
    """A folder; what is in it at first is durable. `watch` is called before every change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watch: Callable[[], None] = lambda: None
        folder.mkdir(parents=True, exist_ok=True)
        self._bytes: dict[int, bytes] = {}
        """Durable content by inode."""
        self._names: dict[int, Names] = {}
        """Durable names by inode of their folder."""
        self._left: dict[str, Files] | None = None
        """What crashes leave, until the next change here."""
        self._sync_all(folder)

    @contextmanager
    def inserted(self) -> Iterator[None]:
        """Let every change go through this card."""
        passed = ("rename", "unlink", "mkdir", "rmdir", "write", "ftruncate", "posix_fallocate")
        real: dict[str, Any] = {name: getattr(os, name) for name in passed}
        real_open, real_os_open, real_pwrite = io.open, os.open, os.pwrite

        def passing(name: str) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                self._about_to_change()
                return real[name](*args, **kwargs)

            return call

        def fsync(handle: int) -> None:
            self._about_to_change()
            self._sync(handle)

        def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            ours = not isinstance(file, int) and Path(file).is_relative_to(self.folder)
            assert not (ours and set(mode) & set("wax+")), "what is written through a buffer is not seen here"
            return real_open(file, mode, *args, **kwargs)

        def os_opened(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
            if flags & (os.O_CREAT | os.O_TRUNC):
                self._about_to_change()
            return real_os_open(path, flags, *args, **kwargs)

        def pwrite(handle: int, data: bytes, at: int) -> int:
            for index in range(len(data)):
                self.watch()
                real_pwrite(handle, data[index : index + 1], at + index)
            return len(data)

        with (
            mock.patch.multiple(
                os, fsync=fsync, open=os_opened, pwrite=pwrite, **{name: passing(name) for name in real}
            ),
            mock.patch.object(io, "open", opened),
            mock.patch.object(builtins, "open", opened),
        ):
            yield

    def durable(self, file: Path) -> bytes | None:
        """What a power cut now would leave of `file`."""
        inode = self.folder.stat().st_ino
        for part in file.relative_to(self.folder).parts:
            found = self._names.get(inode, {}).get(part)
            if found is None:
                return None
            inode, _ = found
        return self._bytes.get(inode, b"")

    def after(self, aftermath: str) -> Files:
        """What a crash now would leave."""
        if self._left is None:
            written = list(_written(self.folder, ""))
            content = {inode: content for _, inode, content in written if content is not None}
            folders = [self.folder, *(self.folder / path for path, _, content in written if content is None)]
            names = {folder.stat().st_ino: _names(folder) for folder in folders}
            by_depth = sorted(folders, key=lambda folder: len(folder.parts))
            unsynced = [
                each
                for each in (folder.stat().st_ino for folder in by_depth)
                if names[each] != self._names.get(each, {})
            ]
            disordered = {**self._names, **names, **{each: self._names.get(each, {}) for each in unsynced[:1]}}
            top = self.folder.stat().st_ino
            self._left = {
                KILLED: tuple((path, content) for path, _, content in written),
                SYNCED: tuple(_listed(top, "", self._names, self._bytes)),
                TORN: tuple(_listed(top, "", self._names, self._bytes | self._torn(content))),
                DISORDERED: tuple(_listed(top, "", disordered, self._bytes | content)),
            }
        return self._left[aftermath]

    def _about_to_change(self) -> None:
        self.watch()
        self._left = None

    def _torn(self, content: dict[int, bytes]) -> dict[int, bytes]:
        """Of each file that grew the durable beginning, and half of the rest."""
        kept = {inode: self._bytes.get(inode, b"") for inode in content}
        return {
            inode: written[: (len(kept[inode]) + len(written)) // 2]
            for inode, written in content.items()
            if written.startswith(kept[inode])
        }

    def _sync(self, handle: int) -> None:
        status, path = os.fstat(handle), Path(f"/proc/self/fd/{handle}").readlink()
        if stat.S_ISDIR(status.st_mode):
            self._names[status.st_ino] = _names(path)
        else:
            self._bytes[status.st_ino] = path.read_bytes()

    def _sync_all(self, folder: Path) -> None:
        self._names[folder.stat().st_ino] = _names(folder)
        for each in folder.iterdir():
            if each.is_dir():
                self._sync_all(each)
            else:
                self._bytes[each.stat().st_ino] = each.read_bytes()


def lay(folder: Path, files: Files) -> None:
    """Make the folder what they say, and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path, content in files:
        if content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(content)


def left(folder: Path, act: Callable[[], object], aftermaths: Iterable[str] = AFTERMATHS) -> list[Files]:
    """What a crash before each change that `act` makes in the folder leaves, and one after the last."""
    card, found = Card(folder), []

    def note() -> None:
        found.extend(card.after(aftermath) for aftermath in aftermaths)

    card.watch = note
    with card.inserted():
        act()
        note()
    return found


def _listed(
    folder: int, above: str, names: dict[int, Names], content: dict[int, bytes]
) -> Iterator[tuple[str, bytes | None]]:
    """Everything below a folder of that inode, by path, and its content if it is a file."""
    for name, (inode, is_folder) in sorted(names.get(folder, {}).items()):
        yield above + name, None if is_folder else content.get(inode, b"")
        if is_folder:
            yield from _listed(inode, f"{above}{name}/", names, content)


def _written(folder: Path, above: str) -> Iterator[tuple[str, int, bytes | None]]:
    """Everything below a folder: its path, its inode, and its content if it is a file."""
    for each in sorted(os.scandir(folder), key=lambda each: each.name):
        path = above + each.name
        yield path, each.inode(), None if each.is_dir() else Path(each.path).read_bytes()
        if each.is_dir():
            yield from _written(Path(each.path), f"{path}/")


def _names(folder: Path) -> Names:
    return {each.name: (each.inode(), each.is_dir()) for each in os.scandir(folder)}

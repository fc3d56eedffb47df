"""A card whose power can be cut at every step, and a hold beside it.

`Card` stands under the operating system's calls that change a folder. It counts them, stops everything at a chosen one, and
knows what was made durable by then: a file's bytes by its own fsync, names by their folder's (fsync(2)). `cut` then leaves the
folder as a crash would:

    killed    everything that was written is there: the process died, the machine did not
    synced    nothing is there but what was synced: the power was cut
    torn      as synced, but of what was being appended or written a half arrived too
"""

import builtins
import io
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from recorder.device.hold import Hold

KILLED, SYNCED, TORN = "killed", "synced", "torn"
AFTERMATHS = (KILLED, SYNCED, TORN)


class PowerCut(BaseException):
    """Not an Exception: no code of the product may catch it."""


class Card:
    """A folder. `steps` counts the calls; the one numbered `last` is not made, nor any after it."""

    def __init__(self, folder: Path, last: int | None = None) -> None:
        self.folder = folder
        self.steps = 0
        self.last = last
        folder.mkdir(parents=True, exist_ok=True)
        self._bytes: dict[int, bytes] = {}
        """Durable content by inode."""
        self._names: dict[int, dict[str, tuple[int, bool]]] = {}
        """Durable names by inode of their folder; with each its own inode, and whether it is a folder."""
        self._sync_all(folder)

    def step(self) -> None:
        """Something is about to change."""
        if self.last is not None and self.steps >= self.last:
            raise PowerCut
        self.steps += 1

    @contextmanager
    def inserted(self) -> Iterator[None]:
        """Let every change go through this card."""
        real: dict[str, Any] = {name: getattr(os, name) for name in ("fsync", "rename", "unlink", "mkdir", "rmdir")}
        real_open = io.open

        def passing(name: str) -> Any:
            def call(*args: Any, **kwargs: Any) -> Any:
                self.step()
                return real[name](*args, **kwargs)

            return call

        def fsync(handle: int) -> None:
            self.step()
            self._sync(handle)

        def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if set(mode) & set("wax+"):
                self.step()
            return real_open(file, mode, *args, **kwargs)

        with (
            mock.patch.multiple(os, fsync=fsync, **{name: passing(name) for name in real if name != "fsync"}),
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

    def cut(self, aftermath: str) -> None:
        """Leave the folder as the crash does."""
        if aftermath == KILLED:
            return
        now = {path.stat().st_ino: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        top = self.folder.stat().st_ino
        for each in self.folder.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()

        def lay(folder: Path, inode: int) -> None:
            for name, (inner, is_folder) in self._names.get(inode, {}).items():
                if is_folder:
                    (folder / name).mkdir()
                    lay(folder / name, inner)
                    continue
                kept = self._bytes.get(inner, b"")
                written = now.get(inner, kept)
                if aftermath == TORN and written.startswith(kept):
                    kept = written[: len(kept) + (len(written) - len(kept)) // 2]
                (folder / name).write_bytes(kept)

        lay(self.folder, top)

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


def _names(folder: Path) -> dict[str, tuple[int, bool]]:
    return {each.name: (each.inode(), each.is_dir()) for each in os.scandir(folder)}


class CountedHold:
    """A hold whose calls are steps of a card too."""

    def __init__(self, hold: Hold, card: Card) -> None:
        self._hold, self._card = hold, card

    def put(self, recording: bytes, key: bytearray) -> None:
        self._card.step()
        self._hold.put(recording, key)

    def take(self) -> tuple[bytes, bytearray] | None:
        return self._hold.take()

    def refused(self) -> bytes | None:
        return self._hold.refused()

    def commit(self) -> bool:
        self._card.step()
        return self._hold.commit()

    def committed(self) -> bool:
        return self._hold.committed()

    def refuse(self) -> bool:
        self._card.step()
        return self._hold.refuse()

    def erase(self, *, refused: bool = False) -> None:
        self._card.step()
        self._hold.erase(refused=refused)

"""A disk that keeps what was synced, and of the rest whatever a legal file system may.

Everything that a process does is taken apart into changes of places. A place is a page of a file, its size, or an entry of
a folder. `sync` makes the changes of one file or folder durable. Of all others each may have arrived when the power goes, or
not, in any order, but for this: the changes of one place arrive in their order. So

- a file may have its name and none of its bytes, zeros in their place, or its bytes and no name;
- a write of several pages may arrive in part, and the last one in part of a page;
- a later write may be there and an earlier one not;
- what shortens a file arrives whole, and before what is written there afterwards.

What POSIX does not promise is not assumed either: no sync of a new file makes its name durable (ext4 does), nothing reaches
the disk in the order in which it was written (ext4's data=ordered, a journal), nothing before it is synced, however long ago.

Not modelled: bytes that nobody wrote, as a disk gives them that breaks or lies about what it has; another length of a page
than PAGE_BYTES; owners, modes and times; links to folders' own names (`rename`); a disk that is full.
"""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

PAGE_BYTES = 4_096
SECTOR_BYTES = 512
EXACT_CHANGES_MAX = 6
"""So many changes on the way are tried in every combination (at most 64); of more, those that `Disk.aftermaths` names."""
ROOT = ""
"""The path of the folder that the disk is."""
_SIZE = "/size"
"""No entry has this name."""

Place = tuple[int, int | str]
"""A node, and a page's number, or _SIZE, or an entry's name."""
Files = dict[str, bytes | None]
"""Path to content; None for a folder."""


@dataclass(frozen=True, eq=False)
class Change:
    """Arrives whole."""

    values: Mapping[Place, Any]
    """A page's bytes, a size in bytes, or an entry's node (None: it is gone)."""
    time: int

    @property
    def of_entry(self) -> bool:
        return any(isinstance(what, str) and what != _SIZE for _, what in self.values)


@dataclass(frozen=True, eq=False)
class Aftermath:
    """What a crash may leave: what was durable, and these changes."""

    durable: Mapping[Place, Any]
    folders: Collection[int]
    arrived: tuple[Change, ...]

    def files(self) -> Files:
        values = dict(self.durable)
        for change in self.arrived:
            values |= change.values
        entries: dict[int, dict[str, int]] = {}
        for (node, what), value in values.items():
            if isinstance(what, str) and what != _SIZE and value is not None:
                entries.setdefault(node, {})[what] = value
        return dict(self._below(0, "", entries, values))

    def _below(
        self, folder: int, above: str, entries: Mapping[int, Mapping[str, int]], values: Mapping[Place, Any]
    ) -> Iterator[tuple[str, bytes | None]]:
        for name, node in sorted(entries.get(folder, {}).items()):
            if node in self.folders:
                yield above + name, None
                yield from self._below(node, f"{above}{name}/", entries, values)
            else:
                yield above + name, content(node, values)


def content(node: int, values: Mapping[Place, Any]) -> bytes:
    """Of a file: zeros where a page did not arrive."""
    size = values.get((node, _SIZE), 0)
    pages = (values.get((node, page), b"").ljust(PAGE_BYTES, b"\0") for page in range(-(-size // PAGE_BYTES)))
    return b"".join(pages)[:size]


class Disk:
    """Empty at first. A node is a number: 0 is the folder itself. A path is relative to it; times only grow."""

    def __init__(self) -> None:
        self._durable: dict[Place, Any] = {}
        self._changes: list[Change] = []
        """That are not durable, in their order."""
        self._now: dict[Place, Any] = {}
        self._folders = {0}
        self._nodes = 0
        self._last: tuple[Change, ...] = ()
        """Of the last write."""

    @classmethod
    def of(cls, folder: Path) -> Self:
        """The disk that has what is in `folder`, durably."""
        disk = cls()
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_dir():
                disk.mkdir(name, 0)
            else:
                node = disk.file()
                disk.link(node, name, 0)
                disk.write(node, 0, path.read_bytes(), 0)
        disk.sync(None, 1)
        return disk

    def find(self, path: str) -> int | None:
        """The node that has this path now."""
        node: int | None = 0
        for name in path.split("/") if path else ():
            node = None if node is None else self._now.get((node, name))
        return node

    def file(self) -> int:
        """A new file without a name."""
        self._nodes += 1
        return self._nodes

    def mkdir(self, path: str, time: int) -> None:
        node = self.file()
        self._folders.add(node)
        self.link(node, path, time)

    def link(self, node: int, path: str, time: int) -> None:
        self._change({self._entry(path): node}, time)

    def unlink(self, path: str, time: int) -> None:
        """Or `rmdir`."""
        self._change({self._entry(path): None}, time)

    def write(self, node: int, at: int, data: bytes, time: int) -> None:
        before = len(self._changes)
        if at + len(data) > self._now.get((node, _SIZE), 0):
            self._change({(node, _SIZE): at + len(data)}, time)
        for page, new in _pages(at, data, lambda page: self._now.get((node, page), b"")):
            self._change({(node, page): new}, time)
        self._last = tuple(self._changes[before:])

    def truncate(self, node: int, size: int, time: int) -> None:
        values: dict[Place, Any] = {(node, _SIZE): size}
        for page in range(size // PAGE_BYTES, -(-self._now.get((node, _SIZE), 0) // PAGE_BYTES)):
            values[node, page] = self._now.get((node, page), b"")[: max(0, size - page * PAGE_BYTES)]
        self._change(values, time)

    def sync(self, node: int | None, time: int) -> None:
        """Make durable what was done to this node (None: to all) before `time`."""
        self._last = ()
        done = [
            change
            for change in self._changes
            if change.time < time and (node is None or any(place[0] == node for place in change.values))
        ]
        self._durable = dict(self._durable)  # aftermaths have the old one
        for change in done:
            self._durable |= change.values
        kept = set(done)
        self._changes = [change for change in self._changes if change not in kept]

    def killed(self) -> Aftermath:
        """What is there if the process dies, and the machine does not."""
        return self._aftermath(self._changes)

    def torn(self) -> Iterator[Aftermath]:
        """The power goes while the last write is on its way: of its last page a part arrives, with all else or nothing else."""
        if not self._last or not (pages := [change for change in self._last if change in self._changes]):
            return
        last = pages[-1]
        ((place, new),) = last.values.items()
        if not isinstance(new, bytes):
            return
        before = self._now_before(place, last)
        first = next((at for at in range(len(new)) if new[at : at + 1] != before[at : at + 1]), 0)
        for end in sorted({first + (len(new) - first) // 2, (first // SECTOR_BYTES + 1) * SECTOR_BYTES}):
            part = Change({place: new[:end] + before[end:]}, last.time)
            others = [change for change in self._changes if change is not last]
            yield self._aftermath([*others, part])
            yield self._aftermath([*(change for change in self._needed(pages) if change is not last), part])

    def aftermaths(self) -> Iterator[Aftermath]:
        """What a power cut now may leave. Of more than EXACT_CHANGES_MAX changes on the way:

        all or none of them; each alone missing, with what follows it in its place; each alone there, with what goes before
        it in its place; all entries of folders and nothing of files; the other way round.
        """
        if len(self._changes) <= EXACT_CHANGES_MAX:
            wanted: Iterable[Iterable[Change]] = itertools.chain.from_iterable(
                itertools.combinations(self._changes, number) for number in range(len(self._changes) + 1)
            )
        else:
            everything = list(self._changes)
            wanted = [
                everything,
                [],
                *([other for other in everything if other is not change] for change in everything),
                *(self._needed([change]) for change in everything),
                [change for change in everything if change.of_entry],
                [change for change in everything if not change.of_entry],
            ]
        seen: set[tuple[Change, ...]] = set()
        for each in wanted:
            arrived = self._possible(each)
            if arrived not in seen:
                seen.add(arrived)
                yield self._aftermath(arrived)

    def _possible(self, wanted: Iterable[Change]) -> tuple[Change, ...]:
        """Of these, what can be there without the others."""
        wanted, missing, found = set(wanted), set[Place](), []
        for change in self._changes:
            if change in wanted and not missing & change.values.keys():
                found.append(change)
            else:
                missing |= change.values.keys()
        return tuple(found)

    def _needed(self, wanted: Iterable[Change]) -> list[Change]:
        """These, and all without which they cannot be there."""
        found: list[Change] = []
        places: set[Place] = set()
        asked = set(wanted)
        for change in reversed(self._changes):
            if change in asked or places & change.values.keys():
                found.append(change)
                places |= change.values.keys()
        return found[::-1]

    def _now_before(self, place: Place, last: Change) -> Any:
        values = [change.values[place] for change in self._changes if place in change.values and change is not last]
        return values[-1] if values else self._durable.get(place, b"")

    def _aftermath(self, arrived: Iterable[Change]) -> Aftermath:
        return Aftermath(self._durable, frozenset(self._folders), tuple(arrived))

    def _entry(self, path: str) -> Place:
        folder, _, name = path.rpartition("/")
        node = self.find(folder)
        assert node in self._folders, f"{path}: its folder is not there"
        return node, name

    def _change(self, values: Mapping[Place, Any], time: int) -> None:
        self._changes.append(Change(values, time))
        self._now |= values
        self._last = ()


def _pages(at: int, data: bytes, before: Any) -> Iterator[tuple[int, bytes]]:
    """The pages that a write touches, as they are after it."""
    end = at + len(data)
    for page in range(at // PAGE_BYTES, -(-end // PAGE_BYTES)):
        start = max(at, page * PAGE_BYTES)
        piece = data[start - at : (page + 1) * PAGE_BYTES - at]
        first = start - page * PAGE_BYTES
        old = before(page)
        yield page, old[:first].ljust(first, b"\0") + piece + old[first + len(piece) :]

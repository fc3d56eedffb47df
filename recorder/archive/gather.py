"""Bring the blocks of a kept recording together: thousands came one by one, and what a store costs is counted in objects.

Whoever calls has the recording's lock. A crash leaves blocks twice, or leaves what is to be deleted: the next call goes on.
"""

from collections.abc import Mapping

from recorder.archive import naming
from recorder.archive.rebuild import lie_together, read_items
from recorder.archive.store import Store
from recorder.errors import StoreError
from recorder.sealed.layout import RecordType
from recorder.wire.upload import Name

RUN_BYTES_MAX = 67_108_864
"""Of one object, which is made in memory: some three hours of speech."""


def gather(store: Store, recording: str, contents: Mapping[Name, bytes]) -> list[tuple[Name, bytes]]:
    """Put the blocks in `contents` (name to content: all that is kept) into as few objects as can be.

    Other records that lie among them are put beside; returns their names and contents. StoreError if a block is missing.
    """
    if lie_together(store, recording, contents):
        store.settle(naming.blocks(recording))  # a clerk that was killed may have deleted the others just now
        return []
    wanted = [name for name in contents if name.type is RecordType.BLOCK]
    found = list(store.list(naming.blocks(recording)))
    runs = _Runs(store)
    beside: dict[tuple[Name, bytes], bytes] = {}
    waiting: dict[Name, bytes] = {}
    """What was read before its turn."""
    at = 0
    for object_ in found:
        for item, record in read_items(store, object_):
            if contents.get(item.name) == item.content:
                waiting[item.name] = record
            else:
                beside[item.name, item.content] = record
        while at < len(wanted) and wanted[at] in waiting:
            runs.add(wanted[at], waiting.pop(wanted[at]))
            at += 1
    if at < len(wanted):
        raise StoreError(f"{recording}: block {wanted[at].index} is missing, which the catalogue tells of")
    runs.end()
    for (name, content), record in beside.items():
        _put(store, naming.conflict(name, content), record)
    store.delete(set(found) - runs.made)
    return list(beside)


class _Runs:
    """Objects of consecutive blocks, none larger than it may be."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: list[Name] = []
        self._records: list[bytes] = []
        self._bytes = 0
        self.made: set[str] = set()

    def add(self, name: Name, record: bytes) -> None:
        if self._bytes + len(record) > RUN_BYTES_MAX:
            self.end()
        self._names.append(name)
        self._records.append(record)
        self._bytes += len(record)

    def end(self) -> None:
        if not self._names:
            return
        object_ = naming.items(self._names)
        _put(self._store, object_, b"".join(self._records))
        self.made.add(object_)
        self._names, self._records, self._bytes = [], [], 0


def _put(store: Store, name: str, data: bytes) -> None:
    if store.put({name: data}):
        raise StoreError(f"{name}: the object is damaged: it is there with other bytes")

"""Bring the blocks of a kept recording together: thousands came one by one, and what a store costs is counted in objects.

Some stretches of it at a time, and whoever calls has the recording's lock meanwhile: so nobody waits for a whole meeting. A
crash leaves blocks twice, or leaves what is to be deleted: the next call goes on.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from recorder.archive import naming
from recorder.archive.catalogue import Item
from recorder.archive.naming import stretch
from recorder.archive.rebuild import read_items
from recorder.archive.store import Store
from recorder.errors import StoreError
from recorder.wire.upload import Name

READS_MAX = 1_024
"""After so many objects a call ends: on a disk they take a quarter of a second."""
READS_AT_ONCE_MAX = 16
"""From a store that is far away each takes some 20 ms."""


def gather(store: Store, recording: str, contents: Mapping[Name, bytes]) -> bool:
    """Go on bringing together the blocks in `contents` (name to content: all that is kept); whether that is done.

    Other records that lie among them are put beside, which the catalogue does not know then. StoreError if a block is missing,
    or an object is damaged.
    """
    together = {stretch(names[0]): names for names in naming.together(contents)}
    made = {naming.items(names): at for at, names in together.items()}
    there = {object_ for object_ in store.list(naming.blocks(recording)) if naming.parse_items(object_)}
    reached: defaultdict[int, list[str]] = defaultdict(list)
    # An object that reaches into several stretches goes with the last of them: those before are together then.
    going: defaultdict[int, list[str]] = defaultdict(list)
    for object_ in sorted(there):
        stretches = _stretches(object_)
        for at in stretches:
            reached[at].append(object_)
        if object_ not in made:
            going[stretches[-1]].append(object_)
    to_do = sorted(going.keys() | {at for object_, at in made.items() if object_ not in there})
    if not to_do:
        store.settle(naming.blocks(recording))  # a clerk that was killed may have deleted the others just now
    reads = 0
    for at in to_do:
        if reads >= READS_MAX:
            return False
        reads += len(reached[at])
        _bring_together(store, together.get(at, []), contents, reached[at])
        store.delete(going[at])
    return True


def _bring_together(store: Store, wanted: list[Name], contents: Mapping[Name, bytes], objects: list[str]) -> None:
    """Put what is `wanted` of these objects into one, and beside what is of another content."""
    records: dict[Name, bytes] = {}
    for item, record in _read(store, objects):
        if contents.get(item.name) == item.content:
            records[item.name] = record
        else:
            _put(store, naming.conflict(item.name, item.content), record)
    for name in wanted:
        if name not in records:
            raise StoreError(f"{name.recording}: block {name.index} is missing, which the catalogue tells of")
    if wanted:
        _put(store, naming.items(wanted), b"".join(records[name] for name in wanted))


def _read(store: Store, objects: list[str]) -> Iterator[tuple[Item, bytes]]:
    with ThreadPoolExecutor(READS_AT_ONCE_MAX) as pool:
        for items in pool.map(lambda each: list(read_items(store, each)), objects):
            yield from items


def _stretches(object_: str) -> range:
    """Those that this object has blocks of."""
    names = naming.parse_items(object_)
    return range(stretch(names[0]), stretch(names[-1]) + 1)


def _put(store: Store, name: str, data: bytes) -> None:
    if store.put({name: data}):
        raise StoreError(f"{name}: the object is damaged: it is there with other bytes")

"""Bring the blocks of a kept recording together: thousands came one by one, and what a store costs is counted in objects.

One stretch of it after the other, and whoever calls has the recording's lock meanwhile: so nobody waits for a whole meeting. A
crash leaves blocks twice, or leaves what is to be deleted: the next call goes on.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import NamedTuple

from recorder.archive import naming
from recorder.archive.naming import stretch
from recorder.archive.rebuild import read_items
from recorder.archive.store import Store
from recorder.errors import StoreError
from recorder.wire.upload import Name

READS_AT_ONCE_MAX = 16
"""From a store that is far away each takes some 20 ms, and a stretch may lie in as many objects as it has blocks."""


class Gathered(NamedTuple):
    """What one call did."""

    beside: list[tuple[Name, bytes]]
    """Names and contents of other records that lay among the blocks, and were put beside."""
    done: bool
    """Whether all blocks lie together now."""


def gather(store: Store, recording: str, contents: Mapping[Name, bytes]) -> Gathered:
    """Bring the first stretch together that is not, of the blocks in `contents` (name to content: all that is kept).

    StoreError if a block is missing, or an object is damaged.
    """
    together = {stretch(names[0]): names for names in naming.together(contents)}
    made = {naming.items(names) for names in together.values()}
    found = list(store.list(naming.blocks(recording)))
    apart = [each for each in found if each not in made]
    lacking = {at for at, names in together.items() if naming.items(names) not in found}
    # An object that reaches into several stretches goes with the last of them: those before are together then.
    to_do = sorted(lacking.union(map(_last_stretch, apart)))
    if not to_do:
        store.settle(naming.blocks(recording))  # a clerk that was killed may have deleted the others just now
        return Gathered([], done=True)
    at = to_do[0]
    records: dict[Name, bytes] = {}
    beside: dict[tuple[Name, bytes], bytes] = {}
    reached = [each for each in found if at in map(stretch, naming.parse_items(each))]
    with ThreadPoolExecutor(READS_AT_ONCE_MAX) as pool:
        for item, record in chain.from_iterable(pool.map(lambda each: list(read_items(store, each)), reached)):
            if contents.get(item.name) == item.content:
                records[item.name] = record
            else:
                beside[item.name, item.content] = record
    wanted = together.get(at, [])
    for name in wanted:
        if name not in records:
            raise StoreError(f"{recording}: block {name.index} is missing, which the catalogue tells of")
    if wanted:
        _put(store, naming.items(wanted), b"".join(records[name] for name in wanted))
    for (name, content), record in beside.items():
        _put(store, naming.conflict(name, content), record)
    store.delete(each for each in apart if _last_stretch(each) == at)
    return Gathered(list(beside), done=len(to_do) == 1)


def _last_stretch(object_: str) -> int:
    return stretch(naming.parse_items(object_)[-1])


def _put(store: Store, name: str, data: bytes) -> None:
    if store.put({name: data}):
        raise StoreError(f"{name}: the object is damaged: it is there with other bytes")

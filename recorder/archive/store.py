"""The object store: write-once objects, each under one name for ever.

Rules, which the contract suite holds every store to:

1. When `put` returns, what it wrote survives a power cut, and so does what it found there.
2. An object is there whole or not at all, and never changes. Of several writers of one name, one wins.
3. Writing what is already there, byte for byte, succeeds. Other bytes under that name are not written, and named.
4. When `delete` returns, what it deleted stays gone after a power cut, and nothing tells that it was there. Deleting
   what is not there succeeds. Nobody may put meanwhile.
5. Objects whose names have their first part in common are written in their order: of a `put` that fails, or whose
   process ends, the first of them are there, and none behind one that is not. So no item is without its origin.
6. A process that is killed leaves unfinished what it did, and what is there need not be durable. `put` and `delete` do not
   rely on that; whoever else does has `settle` finish it first.

A name is one or more parts of `a-z 0-9 -`, parted by `/`. Nothing else comes near the file system or the server.

`folder.py` and `s3.py` are the stores that there are, `stores.py` opens the one that the settings name.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from recorder.errors import StoreError

NAME_PATTERN = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*", re.ASCII)
PREFIX_PATTERN = re.compile(r"([a-z0-9-]+/)*[a-z0-9-]*", re.ASCII)
NAME_CHARACTERS_MAX = 255


class Store(Protocol):
    """Where the archive keeps its objects. Every method raises StoreError if the store fails."""

    def put(self, objects: Mapping[str, bytes]) -> frozenset[str]:
        """Write `objects` durably, in the order that rule 5 says. Returns the names that were there with other bytes."""
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
        """Finish what killed processes began below `prefix` (empty, or it ends in `/`): what is there or not is so durably."""
        ...


def check_name(name: str) -> None:
    """StoreError if no object can be called this."""
    if len(name) > NAME_CHARACTERS_MAX or not NAME_PATTERN.fullmatch(name):
        raise StoreError(f"{name[:NAME_CHARACTERS_MAX]!r} is no name for an object")


def check_prefix(prefix: str) -> None:
    """StoreError if no object's name can begin with this."""
    if len(prefix) > NAME_CHARACTERS_MAX or not PREFIX_PATTERN.fullmatch(prefix):
        raise StoreError(f"{prefix[:NAME_CHARACTERS_MAX]!r} begins no object's name")

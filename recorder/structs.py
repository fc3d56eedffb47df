"""Types that are read before threads use them.

msgspec reads the fields of a Struct when it is first decoded, and shows other threads what it has so far: two that decode the
same type for the first time end the process with SIGSEGV (msgspec 0.22.0, tests/structs_at_once.py). Later they may.
"""

from collections.abc import Iterator

import msgspec


def read_all() -> None:
    """Have the fields of each Struct that is imported read, in a few ms. To be called before there are threads that decode."""
    for kind in _below(msgspec.Struct):
        msgspec.json.Decoder(kind)


def _below(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)

"""Pages: how the catalogue keeps the contents of a recording's items, so that a block costs it 32 bytes and no row.

A page holds the contents of PAGE_ITEMS items of one type whose indices follow each other, each in the place of its index; of an
item that is not there the place is zero, which no hash is. What is not there at the end is left out.
"""

from collections.abc import Iterator, Mapping

CONTENT_BYTES = 32
PAGE_ITEMS = 32
"""A page is written anew with each block of a live meeting: so it is small. A kilobyte."""
_ABSENT = bytes(CONTENT_BYTES)


def read(page: bytes) -> Iterator[tuple[int, bytes]]:
    """Place and content of what is there."""
    for at in range(0, len(page), CONTENT_BYTES):
        content = page[at : at + CONTENT_BYTES]
        if content != _ABSENT:
            yield at // CONTENT_BYTES, content


def at(page: bytes, place: int) -> bytes | None:
    """The content in this place; None if it is not there."""
    content = page[place * CONTENT_BYTES : (place + 1) * CONTENT_BYTES]
    return None if content in (b"", _ABSENT) else content


def write(page: bytes, contents: Mapping[int, bytes]) -> bytes:
    """The page with these contents, by place, added."""
    changed = bytearray(page)
    for place, content in contents.items():
        end = (place + 1) * CONTENT_BYTES
        changed.extend(bytes(max(0, end - len(changed))))
        changed[end - CONTENT_BYTES : end] = content
    return bytes(changed)


def cut(page: bytes, place: int) -> bytes:
    """The page without what stands from this place on."""
    return page[: place * CONTENT_BYTES]

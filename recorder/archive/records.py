"""A recording's records, as they come out of the store, as a stream that can be read from its beginning again."""

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Records(io.RawIOBase):
    """What `make` yields."""

    def __init__(self, make: Callable[[], Iterator[bytes]]) -> None:
        self._make = make
        self._left, self._rest, self._at = make(), memoryview(b""), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        while not self._rest:
            record = next(self._left, None)
            if record is None:
                return 0
            self._rest = memoryview(record)
        taken = min(len(self._rest), memoryview(buffer).nbytes)
        memoryview(buffer)[:taken] = self._rest[:taken]
        self._rest, self._at = self._rest[taken:], self._at + taken
        return taken

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("only to the beginning")
        self._left, self._rest, self._at = self._make(), memoryview(b""), 0
        return 0

"""Between the archive and its S3 server: what passes can be counted, and cut at a certain byte."""

import socket
import threading
from collections.abc import Callable
from functools import partial

from bench.forwarder import Forwarder, Way


class _Way(Way):
    """`look` gives what passes of what came; None to close."""

    def __init__(self, look: Callable[[bytes], bytes | None], source: socket.socket, target: socket.socket) -> None:
        super().__init__(source, target)
        self._look = look

    def pass_on(self, data: bytes) -> None:
        passes = self._look(data)
        if passes is None:
            self.cut()
        else:
            super().pass_on(passes)


class Relay(Forwarder):
    """`at(bytes_)` and `swallow()` say what happens to what passes next."""

    def __init__(self, to: int) -> None:
        super().__init__(to, partial(_Way, self._there), partial(_Way, self._back))
        self._lock = threading.Lock()
        self._passed = 0
        self._at: tuple[int, Callable[[], None]] | None = None
        self._swallows, self._silently = 0, False
        self.swallowed = 0

    def at(self, bytes_: int, happens: Callable[[], None]) -> None:
        """Once so many bytes more have gone to the server, this happens; nothing else passes before it has."""
        self._passed, self._at = 0, (bytes_, happens)

    def swallow(self, answers: int, *, silently: bool = False) -> None:
        """The next so many answers do not come back: their connections are closed, or stay open and nothing comes."""
        self._swallows, self._silently = answers, silently

    def _there(self, data: bytes) -> bytes:
        with self._lock:
            self._passed += len(data)
            if self._at is not None and self._passed >= self._at[0]:
                (_, happens), self._at = self._at, None
                happens()
        return data

    def _back(self, data: bytes) -> bytes | None:
        with self._lock:
            if self._swallows:
                self._swallows -= 1
                self.swallowed += 1
                return b"" if self._silently else None
        return data

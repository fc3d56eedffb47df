"""Between a client and a server on loopback: what passes can be counted, and cut at a certain byte."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

PORTION_BYTES = 16_384


class Relay:
    """A context manager. `at(bytes_)` and `swallow()` say what happens to what passes next."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._sockets: list[socket.socket] = []
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

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self._sockets.append(client)
                try:
                    server = socket.create_connection(("127.0.0.1", self._to))
                except ConnectionRefusedError:
                    client.close()
                    continue
                self._sockets.append(server)
                for way in ((client, server, self._there), (server, client, self._back)):
                    threading.Thread(target=self._carry, args=way, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, look: Callable[[bytes], bytes | None]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(PORTION_BYTES):
                passes = look(data)
                if passes is None:
                    break
                target.sendall(passes)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _there(self, data: bytes) -> bytes | None:
        with self._lock:
            self._passed += len(data)
            if self._at is not None and self._passed >= self._at[0]:
                (_, happens), self._at = self._at, None
                happens()
        return data

    def _back(self, data: bytes) -> bytes | None:
        """What comes back; None to close."""
        with self._lock:
            if self._swallows:
                self._swallows -= 1
                self.swallowed += 1
                return b"" if self._silently else None
        return data

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Or accept() would go on waiting.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        for each in (self._server, *self._sockets):
            each.close()

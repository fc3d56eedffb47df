"""A line to the broker that can be cut, go dead, or be slow, as a network can."""

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self

PORTION_BYTES = 4_096


class _Connection:
    """From one who connected to here, and on to the broker."""

    def __init__(self, line: "Line", near: socket.socket, far: socket.socket) -> None:
        self._line = line
        self._ends = near, far
        self.dead = line.dead
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def cut(self) -> None:
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(PORTION_BYTES):
                if self._line.bytes_per_second:
                    time.sleep(len(data) / self._line.bytes_per_second)
                if not self.dead:
                    target.sendall(data)
        if not self.dead:  # else nobody is told
            self.cut()


class Line:
    """A context manager: listens on `port`."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._connections: list[_Connection] = []
        self.dead = False
        self.bytes_per_second = 0.0
        """0: as fast as it goes."""

    def cut(self) -> None:
        """All that is connected now; both sides hear of it."""
        connections, self._connections = self._connections, []
        for each in connections:
            each.cut()

    def die(self) -> None:
        """Nothing passes any more, and nobody hears of it: what is connected now stays so for ever."""
        self.dead = True
        for each in self._connections:
            each.dead = True

    def revive(self) -> None:
        """For those who connect from now on."""
        self.dead = False

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    near.close()
                    continue
                self._connections.append(_Connection(self, near, far))

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()

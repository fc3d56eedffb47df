"""Stands on loopback before a server, and carries to and fro what passes. What is done to it on the way is another `Way`'s."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

PORTION_BYTES = 4_096


class Way:
    """One of the two of a connection."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self._source = source
        self._target = target

    def carry(self) -> None:
        """Until one of both ends."""
        with contextlib.suppress(OSError):
            while data := self._source.recv(PORTION_BYTES):
                self.pass_on(data)
        self.ended()

    def pass_on(self, data: bytes) -> None:
        """What came; nothing more is read before this returns."""
        self._target.sendall(data)

    def ended(self) -> None:
        """Nothing comes any more."""
        self.cut()

    def cut(self) -> None:
        """End the connection; both sides hear of it."""
        for each in (self._source, self._target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


MakeWay = Callable[[socket.socket, socket.socket], Way]
"""From source and target."""


class Forwarder:
    """A context manager: listens on `port`, and connects to the port `to` for each who comes.

    `there` makes the way of each to the server, `back` the way back.
    """

    def __init__(self, to: int, there: MakeWay, back: MakeWay) -> None:
        self._to = to
        self._make_there, self._make_back = there, back
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._ways: set[Way] = set()
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    @property
    def ways(self) -> list[Way]:
        """Of all that is connected now."""
        return list(self._ways)

    def cut(self) -> None:
        """All that is connected now."""
        for way in self.ways:
            way.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    client.close()
                    continue
                for each in (client, server):
                    # What is small shall not wait here for what went before it.
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ways = self._make_there(client, server), self._make_back(server, client)
                self._ways.update(ways)
                threading.Thread(target=self._carry, args=(client, server, *ways), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket, there: Way, back: Way) -> None:
        with client, server:
            other = threading.Thread(target=back.carry, daemon=True)
            other.start()
            there.carry()
            other.join()
        self._ways.difference_update((there, back))

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Or accept() would go on waiting.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._acceptor.join()  # who was let in meanwhile is cut off, too
        self.cut()

"""A slow link on loopback: so many bits a second each way, and so long from one end to the other."""

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing.connection import Connection

from bench.forwarder import Forwarder, Way
from bench.processes import SPAWN, running

LATE_SECONDS_MAX = 0.05
"""What a timer that comes late loses is made up for, if it is no more than that."""


@contextlib.contextmanager
def link(port: int, bits_a_second: float, delay_seconds: float) -> Iterator[int]:
    """A process that takes connections to `port` of this machine over the link; the port where it listens."""
    ours, theirs = SPAWN.Pipe()
    with running(_run, theirs, port, bits_a_second / 8, delay_seconds):
        yield ours.recv()


def _run(pipe: Connection, port: int, bytes_a_second: float, delay_seconds: float) -> None:
    way = partial(SlowWay, bytes_a_second, delay_seconds)
    with Forwarder(port, way, way) as forwarder:
        pipe.send(forwarder.port)
        threading.Event().wait()


class SlowWay(Way):
    """What has left stays on its way for the delay, while more leaves."""

    def __init__(
        self, bytes_a_second: float, delay_seconds: float, source: socket.socket, target: socket.socket
    ) -> None:
        super().__init__(source, target)
        self._bytes_a_second = bytes_a_second
        self._delay_seconds = delay_seconds
        self._left: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        self._free_at = 0.0
        self._arriving = threading.Thread(target=self._arrive, daemon=True)
        self._arriving.start()

    def pass_on(self, data: bytes) -> None:
        self._free_at = max(self._free_at, time.monotonic() - LATE_SECONDS_MAX) + len(data) / self._bytes_a_second
        _sleep_until(self._free_at)
        self._left.put((self._free_at + self._delay_seconds, data))

    def ended(self) -> None:
        self._left.put((0.0, b""))
        self._arriving.join()
        super().ended()

    def _arrive(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                at, data = self._left.get()
                if not data:
                    return
                _sleep_until(at)
                super().pass_on(data)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))

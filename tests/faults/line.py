"""A line to the broker that can be cut, go dead, or be slow, as a network can."""

import socket
import time
from functools import partial

from bench.forwarder import Forwarder, Way


class _Way(Way):
    def __init__(self, line: "Line", source: socket.socket, target: socket.socket) -> None:
        super().__init__(source, target)
        self._line = line
        self.dead = line.dead

    def pass_on(self, data: bytes) -> None:
        if self._line.bytes_per_second:
            time.sleep(len(data) / self._line.bytes_per_second)
        if not self.dead:
            super().pass_on(data)

    def ended(self) -> None:
        if not self.dead:  # else nobody is told
            super().ended()


class Line(Forwarder):
    """What happens to it: `cut`, `die`, `revive`, and a change of `bytes_per_second`."""

    def __init__(self, to: int) -> None:
        super().__init__(to, partial(_Way, self), partial(_Way, self))
        self.dead = False
        self.bytes_per_second = 0.0
        """0: as fast as it goes."""

    def die(self) -> None:
        """Nothing passes any more, and nobody hears of it: what is connected now stays so for ever."""
        self.dead = True
        for way in self.ways:
            way.dead = True

    def revive(self) -> None:
        """For those who connect from now on."""
        self.dead = False

"""Rooms that record and send, many in one process: the device's own sender and uplink, without microphone and card.

Each seals a block when it is due, and hands it to the road as the daemon does. How long each takes from sealed to receipted is
noted. A room's blocks are in memory until the archive has signed for them, as they would be on its card.
"""

import contextlib
import heapq
import os
import queue
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.uploads import meeting
from recorder import config
from recorder.device.uplink import Connected, Lost, Message, Uplink
from recorder.keyfiles import load_device, load_device_public, load_recipient_public
from recorder.wire import sender
from recorder.wire.receipt import Receipt
from recorder.wire.status import Status
from recorder.wire.upload import Name, Upload

BITRATE = 32_000
BLOCKS_MAX = 1_000_000
CONNECTING_MAX = 8
"""Handshakes at once: how rooms come is not what is measured here."""
TICK_SECONDS = 1.0
DRAIN_SECONDS_MAX = 30.0
"""For the last receipts."""
PAD_BYTES = config.load(None).seal.pad_bytes


@dataclass(frozen=True)
class Load:
    """What the rooms of one process do."""

    folder: Path
    names: tuple[str, ...]
    port: int
    block_seconds: float
    window: int
    sequence: int
    """Of the recordings that they make."""


@dataclass
class Outcome:
    """What came of it."""

    seconds: list[float] = field(default_factory=list)
    """From sealed to receipted, of each block that was sealed while it was measured."""
    unsigned: int = 0
    """Blocks without a receipt when it was over."""
    lost: int = 0
    """Connections that ended."""


class Room:
    def __init__(self, load: Load, name: str, wake: Any, outcome: Outcome) -> None:
        keys = load.folder / name / "keys"
        settings = config.Uplink("localhost", load.port, load.window, 30.0, 0.5, 60.0)
        self._name = name
        self._archive = load_device_public(keys / "archive.pub")
        recipient = load_recipient_public(load.folder / "reader.pub")
        size = round(BITRATE / 8 * load.block_seconds)
        self._uploads = meeting(
            name, load_device(keys / "signing.key"), recipient, load.sequence, BLOCKS_MAX, size, PAD_BYTES
        )
        self._sequence = load.sequence
        self._sender = sender.Sender(load.window, settings.receipt_timeout_seconds)
        self._uplink = Uplink(name, settings, keys, wake)
        self._here: dict[Name, tuple[Upload, float]] = {}
        """What has no receipt, and when it was sealed."""
        self._outcome = outcome
        self.measured = False

    @property
    def connected(self) -> bool:
        return self._uplink.connected

    @property
    def unsigned(self) -> int:
        return len(self._here)

    def record(self) -> None:
        """Seal the next record, and send it; the preamble is the first."""
        upload = next(self._uploads)
        now = time.monotonic()
        self._here[upload.name] = upload, now if self.measured else 0.0
        self._do(self._sender.step(sender.Added(upload.name, upload.content, self._sequence), now))

    def hear(self) -> None:
        """What the road has; as the daemon's loop does."""
        now = time.monotonic()
        for event in self._uplink.hear(now):
            match event:
                case Connected(most):
                    self._do(self._sender.step(sender.Connected(most), now))
                case Lost():
                    self._outcome.lost += 1
                    self._do(self._sender.step(sender.Disconnected(), now))
                case Message(payload):
                    receipt = Receipt.verify(payload, self._archive, self._name)
                    self._do(self._sender.step(sender.Received(receipt), now))

    def tick(self) -> None:
        self.hear()
        self._do(self._sender.step(sender.Tick(), time.monotonic()))

    def leave(self) -> None:
        self._uplink.close(Status(self._name, online=False))

    def _do(self, actions: list[sender.Action]) -> None:
        for action in actions:
            match action:
                case sender.Publish(name):
                    self._uplink.publish(name.recording, bytes(self._here[name][0]))
                case sender.Receipted(names):
                    now = time.monotonic()
                    for name in names:
                        _, sealed = self._here.pop(name)
                        if sealed:
                            self._outcome.seconds.append(now - sealed)
                case sender.NotTaken(name, reason):
                    raise ValueError(f"the archive does not take what the bench sends: {name}: {reason}")
                case sender.Reconnect(reason):
                    self._uplink.drop(reason, time.monotonic())
                    self._do(self._sender.step(sender.Disconnected(), time.monotonic()))


def run(load: Load, pipe: Connection) -> None:
    """The process: connect all, say so, wait for the word, and record until the next one; then tell the outcome.

    The word is for how many seconds to record before it is measured, and for how many it is.
    """
    outcome = Outcome()
    woken: queue.SimpleQueue[Room] = queue.SimpleQueue()
    rooms: list[Room] = []
    for name in load.names:
        # The room is not made yet, and is woken only later.
        room = Room(load, name, partial(lambda at: woken.put(rooms[at]), len(rooms)), outcome)
        rooms.append(room)
    waiting = list(rooms)
    while waiting:
        for room in waiting[:CONNECTING_MAX]:
            room.hear()
        waiting = [room for room in waiting if not room.connected]
        with contextlib.suppress(queue.Empty):
            woken.get(timeout=0.01)
    pipe.send("ready")
    settle, seconds = pipe.recv()
    began = time.monotonic()
    due = [(began + random.random() * load.block_seconds, at) for at in range(len(rooms))]
    heapq.heapify(due)
    tick = began + TICK_SECONDS
    while (now := time.monotonic()) < began + settle + seconds:
        while due[0][0] <= now:
            at_moment, at = due[0]
            rooms[at].measured = now >= began + settle
            rooms[at].record()
            heapq.heapreplace(due, (at_moment + load.block_seconds, at))
        if now >= tick:
            tick += TICK_SECONDS
            for room in rooms:
                room.tick()
        for room in _woken(woken, min(due[0][0], tick) - now):
            room.hear()
    over = time.monotonic() + DRAIN_SECONDS_MAX
    while any(room.unsigned for room in rooms) and time.monotonic() < over:
        for room in _woken(woken, 0.1):
            room.hear()
    outcome.unsigned = sum(room.unsigned for room in rooms)
    for room in rooms:
        room.leave()
    pipe.send(outcome)
    pipe.recv()
    os._exit(0)  # hundreds of threads that wait for nothing


def _woken(woken: "queue.SimpleQueue[Room]", seconds: float) -> Iterator[Room]:
    """Whom something has reached, once each, waiting so long for the first."""
    try:
        found = {woken.get(timeout=max(0.0, seconds))}
    except queue.Empty:
        return
    while not woken.empty():
        found.add(woken.get())
    yield from found

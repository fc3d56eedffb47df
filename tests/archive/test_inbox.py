"""The bounds of the intake's inbox, with real brokers that have far more for it than it may take."""

import contextlib
import math
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from bench.forwarder import Forwarder, Way
from recorder.archive import intake
from recorder.archive.catalogue import Catalogue
from recorder.archive.clerk import Clerk, Message
from recorder.archive.figures import Figures
from recorder.archive.road import PACKET_BYTES_MAX
from recorder.config import load
from recorder.keyfiles import load_device
from recorder.trial.broker import Broker
from recorder.wire.upload import PAYLOAD_BYTES_MAX
from tests.archive.site import SECONDS_MAX, Device, Site
from tests.rumqttd import Rumqttd

ITEMS_MAX = 8
MANY = 10
"""Times what the inbox may have."""
QUIET_SECONDS = 2.0
QUEUED = 1_500
"""Uploads in line at the broker: more than it hands over at once."""
STORED = 200
"""Of those; the intake reads no more than these and what its inbox holds."""


class Unlimited(Broker):
    """Takes messages of any size."""

    def _command(self) -> list[str]:
        command = super()._command()
        file = Path(command[-1])
        limit = f"message_size_limit {PAYLOAD_BYTES_MAX}\n"
        settings = file.read_text(encoding="utf-8")
        assert limit in settings
        file.write_text(settings.replace(limit, ""), encoding="utf-8")
        return command


class Still(Clerk):
    """Its keeper stands still until it is let go, and again when it has done as much as it was let."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self._changed = threading.Condition()
        self.done = 0
        self._may: float = 0

    def let_go(self, items: float = math.inf) -> None:
        with self._changed:
            self._may = items
            self._changed.notify()

    def process(self, batch, now_ms):
        with self._changed:
            assert self._changed.wait_for(lambda: self.done < self._may, SECONDS_MAX)
            self.done += len(batch)
            self._changed.notify()
        return super().process(batch, now_ms)

    def rest(self) -> None:
        """Wait until something came to it, and nothing does any more."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.done, SECONDS_MAX)
            while self._changed.wait_for(lambda before=self.done: self.done > before, QUIET_SECONDS):
                pass


class Wordy(Still):
    """Says much more than receipts, to a room that does not listen."""

    def process(self, batch, now_ms):
        return [*super().process(batch, now_ms), Message("rec/v1/room-2/down", bytes(1_000_000))]


class Dam(Way):
    """Nothing passes while it is shut."""

    def __init__(self, opened: threading.Event, *ends: socket.socket) -> None:
        super().__init__(*ends)
        self._opened = opened

    def pass_on(self, data: bytes) -> None:
        assert self._opened.wait(SECONDS_MAX)
        super().pass_on(data)


class Inbox(Figures):
    """The most that the inbox ever had."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.items = self.bytes = 0
        self.changed = threading.Condition()

    def waits(self, items: int, bytes_: int) -> None:
        with self.changed:
            self.items, self.bytes = max(self.items, items), max(self.bytes, bytes_)
            self.changed.notify()

    def wait(self, condition) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), SECONDS_MAX)


@contextlib.contextmanager
def serving(
    folder: Path, broker: type[Broker], kind: type[Still] = Still, dam: threading.Event | None = None
) -> Iterator[tuple[Site, Still, Inbox]]:
    """With a `dam` on the way from the intake to its broker."""
    site = Site(folder, broker=broker)
    site.config.write_text(site.config.read_text() + f"queue_items = {ITEMS_MAX}\nbatch_items = 2\n")
    site.broker.start()
    config = load(site.config).archive
    way = None if dam is None else Forwarder(site.broker.port, partial(Dam, dam), Way)
    if way is not None:
        config = msgspec.structs.replace(config, port=way.port)
    catalogue = Catalogue(f"sqlite:///{folder / 'archive' / 'catalogue.sqlite'}")
    clerk = kind(config.name, load_device(folder / "archive/keys/receipt.key"), site.store, catalogue, 126)
    inbox = Inbox(Counter(), folder, 2e9, ITEMS_MAX, intake.INBOX_BYTES_MAX)
    listening = threading.Event()
    served = intake.Intake(config, clerk, listening.set, inbox)
    thread = threading.Thread(target=served.run)
    try:
        with way or contextlib.nullcontext():
            thread.start()
            assert listening.wait(SECONDS_MAX)
            yield site, clerk, inbox
    finally:
        clerk.let_go()
        served.stop()
        thread.join()
        catalogue.close()
        site.close()


@pytest.mark.parametrize("broker", [Broker, Rumqttd])
def test_no_more_items_are_taken_than_the_inbox_holds(tmp_path, broker):
    """Neither at first, nor when each acknowledgement lets more come."""
    with serving(tmp_path, broker) as (site, clerk, inbox):
        devices = [Device(site, name) for name in site.rooms]
        recordings = [device.room.record(MANY * ITEMS_MAX) for device in devices]
        for device, recording in zip(devices, recordings, strict=True):
            assert device.connect()
            device.send(*recording.kept)
        inbox.wait(lambda it: it.items >= ITEMS_MAX)
        clerk.let_go()
        for device, recording in zip(devices, recordings, strict=True):
            device.deliver(*recording.kept)
            device.close()
        assert inbox.items == ITEMS_MAX


def test_nor_more_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "INBOX_BYTES_MAX", PAYLOAD_BYTES_MAX * 5 // 2)
    with serving(tmp_path, Broker) as (site, clerk, inbox):
        device = Device(site, "room-1")
        recording = device.room.record(3)
        assert device.connect()
        for _ in range(ITEMS_MAX):
            device.publish(str(recording.topic), b"?" * PAYLOAD_BYTES_MAX)
        inbox.wait(lambda it: it.bytes >= 2 * PAYLOAD_BYTES_MAX)
        clerk.let_go()
        device.deliver(*recording.kept)
        device.close()
        assert inbox.bytes == 2 * PAYLOAD_BYTES_MAX


def test_what_is_larger_than_an_upload_is_not_handed_over(tmp_path):
    """Whatever the broker takes: the bound in bytes leaves room for one upload."""
    with serving(tmp_path, Unlimited) as (site, clerk, inbox):
        clerk.let_go()
        device = Device(site, "room-1")
        recording = device.room.record(3)
        assert device.connect()
        assert device.publish(str(recording.topic), b"?" * PACKET_BYTES_MAX) == 0
        device.deliver(*recording.kept)
        device.close()
        assert 0 < inbox.bytes < PAYLOAD_BYTES_MAX


@pytest.mark.parametrize("broker", [Broker, Rumqttd])
def test_what_was_stored_is_signed_for_before_what_waits_is_read(tmp_path, broker):
    """The clerk stands still again once it has stored some: those who sent these hear of it, however many wait behind."""
    with serving(tmp_path, broker) as (site, clerk, _):
        device = Device(site, "room-1")
        recording = device.room.record(QUEUED)
        assert device.connect()
        device.send(*recording.kept)
        last = device._client.publish(str(recording.topic), bytes(recording.keybox), qos=1)
        last.wait_for_publish(SECONDS_MAX)
        assert last.is_published()
        clerk.let_go(STORED)
        device.wait(lambda device: len(device.stored) >= STORED)
        clerk.let_go()
        device.deliver(*recording.kept)
        device.close()


def test_nothing_is_read_while_the_broker_takes_nothing(tmp_path):
    """Or what it does not take would wait in memory, for as long as it hands on uploads. That Mosquitto does no longer than
    Receive Maximum says, as it has no acknowledgement; rumqttd does.
    """
    dam = threading.Event()
    dam.set()
    with serving(tmp_path, Rumqttd, Wordy, dam) as (site, clerk, _):
        device = Device(site, "room-1")
        recording = device.room.record(MANY * ITEMS_MAX)
        assert device.connect()
        dam.clear()
        clerk.let_go()
        device.send(*recording.kept)
        clerk.rest()
        assert clerk.done < len(recording.kept) / 2
        dam.set()
        device.deliver(*recording.kept)
        device.close()

"""The bounds of the intake's inbox, with real brokers that have far more for it than it may take."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.archive import intake
from recorder.archive.catalogue import Catalogue
from recorder.archive.clerk import Clerk
from recorder.archive.figures import Figures
from recorder.config import load
from recorder.keyfiles import load_device
from recorder.trial.broker import Broker
from recorder.wire.upload import PAYLOAD_BYTES_MAX
from tests.archive.site import SECONDS_MAX, Device, Site
from tests.rumqttd import Rumqttd

ITEMS_MAX = 8
MANY = 10
"""Times what the inbox may have."""


class Still(Clerk):
    """Its keeper stands still until it is let go."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.go = threading.Event()

    def process(self, *arguments):
        assert self.go.wait(SECONDS_MAX)
        return super().process(*arguments)


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
def serving(folder: Path, broker: type[Broker]) -> Iterator[tuple[Site, Still, Inbox]]:
    site = Site(folder, broker=broker)
    site.config.write_text(site.config.read_text() + f"queue_items = {ITEMS_MAX}\nbatch_items = 2\n")
    site.broker.start()
    config = load(site.config).archive
    catalogue = Catalogue(f"sqlite:///{folder / 'archive' / 'catalogue.sqlite'}")
    clerk = Still(config.name, load_device(folder / "archive/keys/receipt.key"), site.store, catalogue, 126)
    inbox = Inbox(Counter(), folder, 2e9, ITEMS_MAX, intake.INBOX_BYTES_MAX)
    listening = threading.Event()
    served = intake.Intake(config, clerk, listening.set, inbox)
    thread = threading.Thread(target=served.run)
    thread.start()
    try:
        assert listening.wait(SECONDS_MAX)
        yield site, clerk, inbox
    finally:
        clerk.go.set()
        served.stop()
        thread.join()
        catalogue.close()
        site.close()


@pytest.mark.parametrize("broker", [Broker, Rumqttd])
def test_no_more_items_are_taken_than_the_inbox_holds(tmp_path, broker):
    """Neither at first, nor when each acknowledgement lets more come and receipts are on the road."""
    with serving(tmp_path, broker) as (site, clerk, inbox):
        devices = [Device(site, name) for name in site.rooms]
        recordings = [device.room.record(MANY * ITEMS_MAX) for device in devices]
        for device, recording in zip(devices, recordings, strict=True):
            assert device.connect()
            device.send(*recording.kept)
        inbox.wait(lambda it: it.items >= ITEMS_MAX)
        clerk.go.set()
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
        clerk.go.set()
        device.deliver(*recording.kept)
        device.close()
        assert inbox.bytes == 2 * PAYLOAD_BYTES_MAX

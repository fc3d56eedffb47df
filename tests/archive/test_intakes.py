"""Many intakes at one archive: they share the load, any of them may be killed at any time, and nothing is lost or doubled."""

import random
import signal
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest

from recorder.archive.catalogue import Catalogue, Counts
from recorder.archive.export import export
from recorder.sealed.verify import State, verify
from recorder.wire.upload import Name
from tests.archive.databases import Database
from tests.archive.site import SECONDS_MAX, Device, Site
from tests.rooms import Recording

ROOMS = tuple(f"room-{number}" for number in range(1, 5))
BLOCKS = 120
KILLS = 4
KILLED_AFTER_ITEMS = 80
"""More are stored before the next intake is killed."""
WORK_BYTES_MIN = 10_000
"""Written by an intake that had any work: two blocks, or so."""


def written(process: subprocess.Popen[str]) -> int:
    """Bytes that it wrote so far, wherever."""
    told = Path(f"/proc/{process.pid}/io").read_text()
    return int(told.partition("wchar: ")[2].split()[0])


class Sender(threading.Thread):
    """A room that records one meeting after the other, until it is told that it was the last; in parts, as a room sends."""

    def __init__(self, site: Site, name: str) -> None:
        super().__init__(name=name)
        self.device = Device(site, name)
        self.recordings: list[Recording] = []
        self.last = threading.Event()
        self.flaw: Exception | None = None

    def run(self) -> None:
        try:
            while not self.last.is_set():
                self.send(BLOCKS)
        except Exception as error:  # noqa: BLE001 - shown by the test
            self.flaw = error

    def send(self, blocks: int) -> None:
        recording = self.device.room.record(blocks)
        self.recordings.append(recording)
        for part in (
            (recording.preamble,),
            (*recording.blocks, recording.manifest),
            (recording.keybox, recording.receipt),
        ):
            self.device.deliver(*part)


def items_of(senders: list[Sender]) -> int:
    """That were signed for."""
    return sum(len(sender.device.stored) for sender in senders)


@pytest.mark.parametrize(("database", "intakes"), [("sqlite", 2), ("postgresql", 8)], indirect=["database"])
def test_intakes_are_killed_and_started_at_random(database: Database, intakes: int, tmp_path: Path) -> None:
    dice = random.Random(intakes)
    site = Site(tmp_path / "site", ROOMS, database.url)
    site.broker.start()
    senders = [Sender(site, name) for name in ROOMS]
    try:
        with ThreadPoolExecutor(intakes) as pool:
            site.helpers = list(pool.map(lambda _: site.serve(), range(intakes)))
        for sender in senders:
            sender.start()
        for _ in range(KILLS):
            await_items(senders, items_of(senders) + KILLED_AFTER_ITEMS)
            victim = site.helpers.pop(dice.randrange(intakes))
            victim.kill()
            victim.communicate(timeout=SECONDS_MAX)
            site.start_helper()
        for sender in senders:
            sender.last.set()
            sender.join()
        at_start = [written(process) for process in site.helpers]
        senders[0].send(BLOCKS * intakes)
        assert [process.poll() for process in site.helpers] == [None] * intakes, site.log[-2_000:]
        assert min(now - then for now, then in zip(map(written, site.helpers), at_start, strict=True)) > WORK_BYTES_MIN
        for process in site.helpers:
            process.terminate()
        assert [process.wait(SECONDS_MAX) for process in site.helpers] == [0] * intakes
        site.start_archive()  # once more, to finish what one that was killed had begun to bring together
        assert site.end_archive(signal.SIGTERM) == 0
    finally:
        for sender in senders:
            sender.last.set()
            if sender.is_alive():
                sender.join()
            sender.device.close()
        site.close()
    assert [sender.flaw for sender in senders] == [None] * len(senders)
    assert_all_there_once(site, senders, database)


def await_items(senders: list[Sender], number: int) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while items_of(senders) < number:
        assert time.monotonic() < deadline and all(sender.flaw is None for sender in senders)
        time.sleep(0.01)


def assert_all_there_once(site: Site, senders: list[Sender], database: Database) -> None:
    """In the store and in the catalogue, and nothing besides."""
    recordings = [recording for sender in senders for recording in sender.recordings]
    assert len(recordings) > len(senders)
    catalogue = Catalogue(database.url)
    assert catalogue.counts() == Counts(devices=len(senders), kept=len(recordings), open=0, refused=0, beside=0)
    with catalogue.write() as writing:
        contents = writing.contents([recording.id for recording in recordings])
    catalogue.close()
    for sender in senders:
        assert sender.device.rejected == [] and sender.device.strange == []
        for recording in sender.recordings:
            uploads = (*recording.kept, recording.receipt)
            there: Counter[Name] = Counter(site.names(recording))
            assert there == Counter(upload.name for upload in uploads)
            assert site.records(recording) == {upload.name: upload.record for upload in uploads}
            assert contents[recording.id] == {upload.name: upload.content for upload in uploads}
            sealed = b"".join(export(site.store, recording.id))
            assert verify(BytesIO(sealed), [sender.device.room.public_key]).state is State.WHOLE
    assert not (site.folder / "archive" / "objects" / "conflicts").exists()

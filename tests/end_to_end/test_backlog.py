"""Days without an archive, and an archive that is slow or hangs: what waits, waits on the card, and holds nobody up."""

import contextlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import processes
from bench.card import fill
from recorder import config
from recorder.archive.catalogue import Catalogue
from recorder.device.daemon import BACKLOG_STEP_ITEMS
from recorder.sealed.verify import State
from recorder.trial import broker
from recorder.trial.machines import RAM, room_settings, toml
from recorder.wire import topics
from recorder.wire.upload import Upload
from tests.archive.site import Device, Site
from tests.archive.test_watch import free_port
from tests.end_to_end.conftest import MakeHouse
from tests.end_to_end.house import SECONDS_MAX, Watched, recorder, until

BLOCK_BYTES = 1_000
LARGE_BLOCKS, LARGE_BLOCK_BYTES = 1_500, 40_000
LOST_FIRST, LOST_BLOCKS = 50, 3_000
"""Far more in a row than Python lets calls go within calls."""
MIB = 1_048_576
ROOM_RSS_MAX = 96 * MIB
BROKER_RSS_MAX = 32 * MIB
INTAKE_RSS_MAX = 176 * MIB
"""Above what each needs (50, 16 and 159 MiB here), and below what a queue without a bound would come to, of 60 MB."""


def rss(pid: int) -> int:
    """The most that it ever had resident, in bytes."""
    memory = processes.memory(pid)
    assert memory is not None
    return memory.peak * 1_024


@contextlib.contextmanager
def slowed(pid: int, runs: float, stands: float) -> Iterator[None]:
    """Let a process run and stand still in turns, so many seconds each; it runs again at the end."""
    over = threading.Event()

    def alternate() -> None:
        while not over.is_set():
            for number, seconds in ((signal.SIGSTOP, stands), (signal.SIGCONT, runs)):
                os.kill(pid, number)
                over.wait(seconds)

    thread = threading.Thread(target=alternate)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.close()


MakeRoom = Callable[..., Watched]


@pytest.fixture
def start_room(site: Site, tmp_path: Path) -> Iterator[MakeRoom]:
    """Starts a room without buttons and microphone, on whose card so many meetings lie."""
    rooms: list[Watched] = []
    hold = Path(tempfile.mkdtemp(prefix="wederhoor-", dir=RAM))

    def start(name: str, meetings: int, blocks: int, **uplink: float) -> Watched:
        file = tmp_path / f"{name}.toml"
        road = {
            "host": "localhost",
            "port": site.broker.port,
            "retry_first_seconds": 0.2,
            "retry_last_seconds": 0.5,
            **uplink,
        }
        file.write_text(toml(room_settings(name, tmp_path / name, hold) | {"uplink": road}))
        fill(config.load(file), meetings, blocks, BLOCK_BYTES)
        rooms.append(Watched(file, {}, tmp_path / f"{name}.log"))
        return rooms[-1]

    yield start
    for room in rooms:
        room.stop()
    shutil.rmtree(hold)


def status(room: Watched) -> tuple[int, int, int]:
    """Waiting, backlog, caught up: to the item, as the room's own panel has it."""
    told = room.latest
    return told.waiting, told.backlog, told.caught_up


def kept(site: Site) -> int:
    """Recordings that the archive has whole."""
    catalogue = Catalogue(f"sqlite:///{site.folder / 'archive' / 'catalogue.sqlite'}")
    try:
        return catalogue.counts().kept
    finally:
        catalogue.close()


def test_a_days_backlog_of_one_room_holds_up_no_other_and_is_seen_to_go(site: Site, start_room: MakeRoom) -> None:
    """Promise 4, for who is there now: a live room's receipts do not wait behind all that another has kept."""
    site.broker.start()
    site.start_archive()
    assert site.archive is not None
    with slowed(site.archive.pid, runs=0.05, stands=0.1), contextlib.closing(Device(site, "room-2")) as live:
        behind = start_room("room-1", meetings=10, blocks=150)
        behind.wait_for("backlog that goes", lambda it: it.report is not None and status(it)[2] > 0, SECONDS_MAX)
        assert live.room is not None and live.connect()
        meeting = live.room.record(5)
        before = len(behind.happened("receipted"))
        for upload in (meeting.preamble, *meeting.blocks):
            live.deliver(upload)
        while_live = len(behind.happened("receipted")) - before
        assert while_live < 1_000, "each record waited for the little that was on the road, and not for all 1,500"
        assert status(behind)[0] > 100
        live.deliver(meeting.manifest, meeting.keybox, meeting.receipt)
    behind.wait_for("end of the backlog", lambda it: status(it) == (0, 0, 0), SECONDS_MAX)
    assert kept(site) == 11
    told = [each for each in behind.reports if each.caught_up]
    assert len(told) > 1
    assert [each.backlog for each in told] == sorted((each.backlog for each in told), reverse=True)
    assert {each.backlog + each.caught_up for each in told} == {10 * (150 + 4)}, "so many of so many"
    said = [each.status for each in told]
    assert [each.backlog for each in said] == sorted((each.backlog for each in said), reverse=True)
    assert {each.backlog % BACKLOG_STEP_ITEMS for each in said} == {0}
    everything = -(-10 * (150 + 4) // BACKLOG_STEP_ITEMS) * BACKLOG_STEP_ITEMS
    assert {each.backlog + each.caught_up for each in said if each.backlog} == {everything}, "and in steps for the road"
    assert not any((site.folder / "room-1" / "spool").glob("?" * 32))


def test_a_meeting_is_not_held_up_by_what_lies_on_the_card_from_before(make_house: MakeHouse) -> None:
    """Promise 4, within one room, at an archive that is slow: every second place on the road is the meeting's."""
    house = make_house({"archive": {"batch_items": 1}, "seal": {"block_seconds": 0.2}})
    fill(house.settings, 10, 400, BLOCK_BYTES)
    room = house.start_room()
    recording = house.begin(blocks=10)
    room.wait_for("receipts", lambda it: len(it.happened("receipted", recording)) >= 10, SECONDS_MAX)
    assert status(room)[1] > 1_000, "the backlog was over before: this test shows nothing"
    others = [each for each in room.happened("receipted") if each.recording != recording]
    first = room.happened("sealed", recording)[0].monotonic_ms
    last = room.happened("receipted", recording)[9].monotonic_ms
    meanwhile = [each for each in others if first < each.monotonic_ms < last]
    sealed = [each for each in room.happened("sealed", recording) if each.monotonic_ms < last]
    assert len(sealed) < 30, "the tenth is not far behind what was sealed by then"
    assert meanwhile, "nor does the backlog stand still"


def test_behind_an_archive_that_hangs_the_spool_grows_and_nothing_else(make_house: MakeHouse) -> None:
    """Back-pressure from end to end: what cannot be stored waits on the card, not in anybody's memory; and that is told."""
    changes = {
        "archive": {"batch_items": 64, "queue_items": 64},
        "seal": {"block_seconds": 0.2},
        "metrics": {"intake_port": free_port()},
        "uplink": {"retry_first_seconds": 1.5, "retry_last_seconds": 1.5},  # long enough to be seen in a report
    }
    house = make_house(changes)
    fill(house.settings, 3, LARGE_BLOCKS // 3, LARGE_BLOCK_BYTES)
    archive = house.archive_pid
    os.kill(archive, signal.SIGSTOP)  # before there is a room: else it signs for some of the backlog by then
    try:
        room = house.start_room()
        recording = house.begin(blocks=2)
        room.wait_for("alarm", lambda it: "has signed for nothing" in it.latest.alarm, SECONDS_MAX)
        before = room.latest
        room.wait_for("ten blocks more", lambda it: it.latest.sealed >= before.sealed + 10, SECONDS_MAX)
        told = room.latest
        more = told.sealed - before.sealed
        assert told.waiting == before.waiting + more
        assert told.status.backlog == before.status.backlog >= LARGE_BLOCKS
        assert len(house.spooled_blocks(recording)) >= told.sealed
        to_go = f"{told.status.backlog} of {told.status.backlog + told.status.caught_up} to go"

        def looked() -> bool:
            look = recorder("status", "--config", house.folder / "archive.toml", "--language", "en")
            assert look.returncode == 1 and "The intake does not answer" in look.stdout
            return to_go in look.stdout  # else it is just connecting anew

        until("word of how much is to go", looked)
    finally:
        os.kill(archive, signal.SIGCONT)
    with slowed(archive, runs=0.05, stands=0.1):
        house.end()
        room.wait_for("backlog that goes", lambda it: status(it)[2] > 0, SECONDS_MAX)
    room.wait_for("end of the backlog", lambda it: status(it) == (0, 0, 0), SECONDS_MAX)
    assert house.verified(recording).state is State.WHOLE
    house.until_forgotten(recording)
    assert rss(room.process.pid) < ROOM_RSS_MAX
    assert rss(house.broker.pid) < BROKER_RSS_MAX
    assert rss(archive) < INTAKE_RSS_MAX


def test_what_the_broker_drops_is_sent_again(site: Site, start_room: MakeRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker acknowledges what it then drops, where an intake is too slow for its queue (docs/operating.md)."""
    monkeypatch.setattr(broker, "QUEUED_MESSAGES_MAX", 4)
    site.config.write_text(site.config.read_text() + "queue_items = 4\n")
    site.broker.start()
    site.start_archive()
    room = start_room("room-1", meetings=2, blocks=60, window=32, receipt_timeout_seconds=1.0)
    room.wait_for("report", lambda it: it.report is not None, SECONDS_MAX)
    room.wait_for("end of the backlog", lambda it: status(it) == (0, 0, 0), SECONDS_MAX)
    assert "dropped" in site.broker.log, "this test shows nothing"
    assert kept(site) == 2


def test_what_a_card_loses_while_it_waits_is_told_and_holds_nothing_else_up(site: Site, start_room: MakeRoom) -> None:
    """Promise 4, on a card that dies: thousands in a row that it does not give back, and all the rest goes."""
    blocks = LOST_BLOCKS + 2 * LOST_FIRST
    lost = range(LOST_FIRST, LOST_FIRST + LOST_BLOCKS)
    site.broker.start()
    with contextlib.closing(Device(site, topics.ARCHIVE_USER)) as ear:
        assert ear.connect(topics.UPLOADS)
        room = start_room("room-1", meetings=1, blocks=blocks, receipt_timeout_seconds=3.0)
        until("preamble, which goes when all of its recording was read", lambda: ear.strange)
        recording = Upload.parse(ear.strange[0]).recording
    for index in lost:
        (site.folder / "room-1" / "spool" / recording / f"block-{index:08}").unlink()
    site.start_archive()
    room.wait_for("all that there is", lambda it: it.report is not None and status(it)[1] == LOST_BLOCKS, SECONDS_MAX)
    assert {int(each.detail) for each in room.happened("receipted", recording)} == {*range(blocks)} - {*lost}
    assert "damage" in room.latest.status.faults
    told = room.latest.status.said_ms
    room.wait_for("another report", lambda it: it.latest.status.said_ms > told, SECONDS_MAX)

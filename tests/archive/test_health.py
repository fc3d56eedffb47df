"""What the watch keeps of rooms: enough to see one that is dead, and nothing of a meeting."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from recorder import config
from recorder.archive import health
from recorder.archive import watch as watch_module
from recorder.archive.catalogue import Catalogue
from recorder.archive.health import KEPT_DAYS, Day, Failed, days, failed, note, now
from recorder.archive.rooms import SILENT_SECONDS, Told
from recorder.archive.tables import FAILED
from recorder.archive.watch import NOTED_SECONDS, Watch
from recorder.wire.consent import DAY_MS
from recorder.wire.status import Status
from tests.archive.databases import Database, SqliteFile
from tests.archive.test_clerk import ROOM, Archive

TODAY = 20_000
MIDNIGHT_MS = TODAY * DAY_MS
HOUR_MS = 3_600_000
WELL = Told("room-1", True, (), False, False, 0.3, 9_000_000, 1_000_000, 0, ())


@pytest.fixture
def catalogue(database: Database) -> Iterator[Catalogue]:
    made = Catalogue(database.url)
    yield made
    made.close()


def test_a_room_is_kept_as_it_is_now(catalogue: Catalogue) -> None:
    other = WELL._replace(name="room-2", faults=("clock", "speaker"), spool=None, selftest_found=("clock",))
    note(catalogue, [other, WELL], MIDNIGHT_MS)
    assert now(catalogue) == [
        health.Now("room-1", MIDNIGHT_MS, True, None, False, False, 3, 9_000_000, 1_000_000, 0, (), ()),
        health.Now(
            "room-2",
            MIDNIGHT_MS,
            True,
            None,
            False,
            False,
            None,
            9_000_000,
            1_000_000,
            0,
            ("clock", "speaker"),
            ("clock",),
        ),
    ]
    note(catalogue, [WELL._replace(rejected=True)], MIDNIGHT_MS + 1)  # room-2 is not enrolled any more
    (one,) = now(catalogue)
    assert (one.rejected, one.told_ms) == (True, MIDNIGHT_MS + 1)


def test_a_silence_has_the_hour_in_which_it_began(catalogue: Catalogue) -> None:
    def silent_ms(told: Told, at_ms: int) -> int | None:
        note(catalogue, [told], at_ms)
        return now(catalogue)[0].silent_ms

    gone = WELL._replace(heard=False)
    assert silent_ms(gone, MIDNIGHT_MS) is None  # it never was heard: since when, nobody knows
    assert silent_ms(WELL, MIDNIGHT_MS + 60_000) is None
    assert silent_ms(gone, MIDNIGHT_MS + 5 * HOUR_MS + 1_234) == MIDNIGHT_MS + 5 * HOUR_MS
    assert silent_ms(gone, MIDNIGHT_MS + 29 * HOUR_MS) == MIDNIGHT_MS + 5 * HOUR_MS
    assert silent_ms(WELL, MIDNIGHT_MS + 30 * HOUR_MS) is None


def test_a_day_tells_its_hours_and_what_was_wrong_on_it_at_all(catalogue: Catalogue) -> None:
    for hour in (8, 9, 10):
        for minute in range(0, 60, 10):
            told = WELL._replace(heard=(hour, minute) != (9, 30), faults=("speaker",) if hour == 8 else ())
            note(catalogue, [told], MIDNIGHT_MS + hour * HOUR_MS + minute * 60_000)
    note(catalogue, [WELL._replace(faults=("clock",))], MIDNIGHT_MS + 11 * HOUR_MS)
    note(catalogue, [WELL._replace(rejected=True)], MIDNIGHT_MS + 25 * HOUR_MS)
    assert list(days(catalogue, ["room-1"], TODAY, TODAY + 1)) == [
        Day("room-1", TODAY, 4, 1, ("clock", "speaker"), False),
        Day("room-1", TODAY + 1, 1, 0, (), True),
    ]
    assert list(days(catalogue, ["room-2"], TODAY, TODAY + 1)) == []


def test_what_is_old_goes(catalogue: Catalogue) -> None:
    for day in (TODAY - KEPT_DAYS - 1, TODAY - KEPT_DAYS, TODAY):
        note(catalogue, [WELL], day * DAY_MS)
    assert [each.day for each in days(catalogue, ["room-1"], 0, TODAY)] == [TODAY - KEPT_DAYS, TODAY]


def test_nothing_that_is_kept_moves_with_a_meeting(catalogue: Catalogue) -> None:
    """A no after one block, and one after four hundred: what the watch hears of them leaves the same rows."""

    def kept(blocks: int) -> tuple[list[Any], list[Any]]:
        from recorder.archive.rooms import Rooms

        rooms, start = Rooms(), 100 * 3_600.0 + 600
        rooms.enrol(["room-1"])
        idle = Status("room-1", True, "1", "idle", clock_synced=True, spool_capacity_bytes=1 << 30, started_ms=1_000)
        story = [(0.0, "idle"), (60.0, "recording"), (60.0 + blocks, "refused"), (600.0, "idle")]
        for after, state in story:
            said = msgspec.structs.replace(idle, state=state, said_ms=int(after * 1_000))
            rooms.hear("rec/v1/room-1/status", msgspec.json.encode(said), start + after)
            note(catalogue, list(rooms.told(start + after)), MIDNIGHT_MS + int(after * 1_000))
        note(catalogue, list(rooms.told(start + 700)), MIDNIGHT_MS + 700_000)
        return now(catalogue), list(days(catalogue, ["room-1"], TODAY, TODAY))

    assert kept(1) == kept(400)


def test_meetings_that_failed_are_told_and_refused_ones_never(tmp_path: Path, database: Database) -> None:
    site = Archive(tmp_path, database)
    kept, cut, refused = (ROOM.record(3) for _ in range(3))
    site.send(kept, *kept.kept)
    site.send(cut, cut.preamble, *cut.blocks[:2], ROOM.cut_short(cut, 2), cut.keybox)
    site.send(refused, refused.preamble, refused.refusal)
    assert failed(site.catalogue, 0) == [Failed(ROOM.name, ROOM.wall_ms, "power_loss")]
    assert failed(site.catalogue, site.now_ms + 1) == []
    site.catalogue.close()


def test_the_failed_ones_have_an_index_of_their_own(catalogue: Catalogue, database: Database) -> None:
    if database.url.startswith("sqlite"):
        with catalogue.read() as connection:
            query = f"EXPLAIN QUERY PLAN SELECT device FROM recordings WHERE {FAILED.text} AND first_ms >= 5"
            (row,) = connection.execute(text(query))
            assert "ix_recordings_failed" in row.detail


class Clock:
    """Monotonic seconds that stand still."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return MIDNIGHT_MS * 1_000_000 + int(self.now * 1e9)


def test_the_watch_keeps_nothing_before_every_room_could_have_spoken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Archive(tmp_path, SqliteFile(tmp_path))
    clock = Clock()
    monkeypatch.setattr(watch_module, "time", clock)
    settings = config.load().archive
    watch = Watch(settings, None, site.catalogue, lambda: None)  # type: ignore[arg-type] # it does not connect
    assert watch._going()
    assert now(site.catalogue) == []  # the broker was not reached: a room's silence is ours
    watch._on_subscribed(0.0)
    said = Status(ROOM.name, True, "1", "idle", clock_synced=True)
    watch._hear(f"rec/v1/{ROOM.name}/status", msgspec.json.encode(said))
    clock.now += SILENT_SECONDS - 1
    watch._going()
    assert now(site.catalogue) == []
    watch._hear(f"rec/v1/{ROOM.name}/status", msgspec.json.encode(said))
    clock.now += 1
    watch._going()
    assert {each.name: each.heard for each in now(site.catalogue)}[ROOM.name]
    told_ms = now(site.catalogue)[0].told_ms
    clock.now += NOTED_SECONDS - 1
    watch._going()
    assert now(site.catalogue)[0].told_ms == told_ms
    clock.now += SILENT_SECONDS
    watch._going()
    assert not {each.name: each.heard for each in now(site.catalogue)}[ROOM.name]
    site.catalogue.close()

"""What is due: every recording that is kept or open is judged by what is known of it, however many there are."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, text

from recorder.archive import due as module
from recorder.archive.catalogue import Catalogue
from recorder.archive.certificate import Tombstone
from recorder.archive.clerk import Clerk, Message
from recorder.archive.due import People, due
from recorder.archive.enrolled import enrol
from recorder.archive.folder import FolderStore
from recorder.archive.naming import Enrolment
from recorder.archive.retention import HOUR_MS, Cause, Terms
from recorder.archive.tables import LIVE, PARTITIONS, RECORDINGS
from recorder.wire.consent import DAY_MS
from tests.archive.databases import Database
from tests.rooms import WALL_MS, Recording, Room

DAYS = 126
TERMS = Terms()
LINKED = People(linked=True)
HOUR = HOUR_MS
ROOM = Room()


class Site:
    def __init__(self, database: Database, folder: Path) -> None:
        self.catalogue = Catalogue(database.url)
        self._clerk = Clerk(
            "archive", Ed25519PrivateKey.generate(), FolderStore.make(folder / "objects"), self.catalogue, DAYS
        )
        self.people: dict[str, People] = {}
        self.asked: list[Collection[str]] = []
        enrolment = Enrolment(ROOM.name, ROOM.public_key.public_bytes_raw().hex(), WALL_MS)
        enrol(self._clerk._store, self.catalogue, [enrolment])

    def take(self, recording: Recording, *uploads, at_ms: int = WALL_MS) -> str:
        batch = [Message(str(recording.topic), bytes(upload)) for upload in uploads]
        self._clerk.process(self._clerk.check(batch), at_ms)
        return recording.id

    def due(self, at_ms: int) -> dict[str, Cause]:
        return {recording: fate.cause for recording, fate in due(self.catalogue, self._known, TERMS, at_ms)}

    def _known(self, recordings: Collection[str]) -> Mapping[str, People]:
        self.asked.append(recordings)
        return {each: self.people[each] for each in recordings if each in self.people}

    def first(self, recording: str, people: People, cause: Cause, at_ms: int) -> None:
        """It is due at this moment for this cause, and not a millisecond before."""
        self.people[recording] = people
        assert recording not in self.due(at_ms - 1)
        assert self.due(at_ms)[recording] == cause


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Iterator[Site]:
    site = Site(database, tmp_path)
    yield site
    site.catalogue.close()


def day(number: int) -> int:
    return WALL_MS + number * DAY_MS


def test_each_cause_has_its_day(site: Site) -> None:
    meeting = ROOM.record(2)
    recording = site.take(meeting, *meeting.kept, meeting.receipt)
    site.first(recording, People(), Cause.UNLINKED, day(14))
    site.first(recording, LINKED, Cause.TERM, day(126))
    site.first(recording, replace(LINKED, decided_ms=day(100)), Cause.DECISION, day(156))
    site.first(recording, replace(LINKED, decided_ms=day(360)), Cause.CEILING, day(365))
    site.first(recording, replace(LINKED, erasure_asked_ms=day(2), erasure_confirmed_ms=day(3)), Cause.CLIENT, day(4))
    site.first(recording, replace(LINKED, holds_until_ms=(day(300),)), Cause.TERM, day(300))
    site.people[recording] = replace(LINKED, request_open=True)
    assert site.due(day(3_000)) == {}


def test_without_a_receipt_it_goes_after_three_days_from_when_it_had_come(site: Site) -> None:
    meeting = ROOM.record(2)
    site.take(meeting, *meeting.kept[:3], at_ms=WALL_MS)
    recording = site.take(meeting, *meeting.kept[3:], at_ms=day(5))
    site.first(recording, LINKED, Cause.NO_RECEIPT, day(5) + 72 * HOUR)
    site.take(meeting, meeting.receipt, at_ms=day(6))
    site.first(recording, People(), Cause.UNLINKED, day(5 + 14))


def test_one_that_never_ended_goes_when_its_time_is_over_and_not_before(site: Site) -> None:
    meeting = ROOM.record(2)
    recording = site.take(meeting, *meeting.kept[:2])
    site.first(recording, People(), Cause.TERM, day(126))
    ((_, fate),) = due(site.catalogue, site._known, TERMS, day(126))
    assert fate.locked
    site.first(recording, People(erasure_asked_ms=day(2), erasure_confirmed_ms=day(2)), Cause.CLIENT, day(3))
    site.people[recording] = People(holds_until_ms=(day(200),))
    assert site.due(day(150)) == {}


def test_one_whose_keybox_never_came_counts_from_its_end(site: Site) -> None:
    meeting = ROOM.record(2)
    recording = site.take(meeting, *meeting.kept[:-1], meeting.receipt)
    site.first(recording, People(), Cause.UNLINKED, day(14))


def test_what_was_refused_or_deleted_is_never_due(site: Site) -> None:
    meeting, refused = ROOM.record(2), ROOM.record(2)
    recording = site.take(meeting, *meeting.kept, meeting.receipt)
    site.take(refused, refused.preamble, refused.refusal, refused.refusal_receipt)
    assert site.due(day(3_000)).keys() == {recording}
    with site.catalogue.write() as writing:
        writing.bury(Tombstone(recording, Cause.TERM, day(1), kept=True, manifest=None, keybox=None))
    assert site.due(day(3_000)) == {}
    assert site.asked == [[recording]]


def test_all_of_many_are_walked_once_in_portions(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PORTION_ROWS", 7)
    states = ("kept", "open", "refused")
    rows = [
        {
            "id": f"{at * 2_654_435_761 % 2**32:08x}" * 4,
            "device": "room-1",
            "preamble_hash": bytes(32),
            "first_ms": day(at),
            "delete_after_ms": day(at + DAYS),
            "state": states[at % 3],
            "settled": True,
        }
        for at in range(150)
    ]
    with site.catalogue.write() as writing:
        writing._connection.execute(insert(RECORDINGS), rows)
    live = [row["id"] for row in rows if row["state"] != "refused"]
    found = site.due(day(DAYS + 60))
    assert list(found) == sorted(row["id"] for row in rows[:61] if row["state"] != "refused")
    assert [each for portion in site.asked for each in portion] == sorted(live)
    assert max(map(len, site.asked)) == 7


def test_a_portion_is_found_by_the_index_of_what_is_live(site: Site) -> None:
    sqlite = site.catalogue._database.engine.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
    with site.catalogue.read() as connection:
        query = f"{explain} SELECT id, code FROM recordings WHERE {LIVE} AND id > 'a' ORDER BY id LIMIT 500"
        plan = "\n".join(str(tuple(row)) for row in connection.execute(text(query)))
    # PostgreSQL merges its partitions, each in the order of its part of that index.
    assert ("ix_recordings_live" if sqlite else "Merge Append") in plan
    assert sqlite or plan.count("_id_idx") >= PARTITIONS
    assert not any(slow in plan for slow in ("Seq Scan", "SCAN", "TEMP B-TREE", "->  Sort"))

"""The rooms in the metrics: what an operator must hear of, and what shows of a meeting: nothing."""

from collections.abc import Iterator

import msgspec
import pytest

from recorder.archive.rooms import BEHIND_SECONDS, OTHER_FAULT, SILENT_SECONDS, Rooms, Told
from recorder.wire.status import SAID_SECONDS_MAX, Status

HOUR = 3_600.0
START = 100 * HOUR + 600
CAPACITY = 1_073_741_824
BLOCK_BYTES = 5_500
WATCHED_SECONDS = BEHIND_SECONDS + 2 * HOUR
REFUSAL_ITEMS = 64
"""Preamble, manifest and consent receipt, in the step that a room tells."""
IDLE = Status(
    "room-1",
    online=True,
    version="1",
    state="idle",
    clock_synced=True,
    spool_capacity_bytes=CAPACITY,
    certificate_ends_ms=9_000_000,
    started_ms=1_000_000,
)


def hear(rooms: Rooms, said: Status, now: float, topic: str = "") -> None:
    rooms.hear(topic or f"rec/v1/{said.room}/status", msgspec.json.encode(said), now)


def make(*names: str) -> Rooms:
    rooms = Rooms()
    rooms.enrol(names or ("room-1",))
    return rooms


def one(rooms: Rooms, now: float) -> Told:
    (told,) = rooms.told(now)
    return told


def test_a_room_that_says_how_it_is() -> None:
    rooms = make()
    assert one(rooms, START) == Told("room-1", False, (), False, False, None, 0, 0)
    hear(rooms, msgspec.structs.replace(IDLE, spool_bytes=CAPACITY // 3), START)
    assert one(rooms, START) == Told("room-1", True, (), False, False, 0.3, 9_000_000, 1_000_000)


def test_a_room_that_is_silent_or_gone_is_not_heard() -> None:
    rooms = make()
    hear(rooms, IDLE, START)
    assert one(rooms, START + SILENT_SECONDS - 1).heard
    assert not one(rooms, START + SILENT_SECONDS).heard
    hear(rooms, IDLE, START + SILENT_SECONDS)
    assert one(rooms, START + SILENT_SECONDS).heard
    hear(rooms, Status("room-1", online=False), START + SILENT_SECONDS + 1)
    told = one(rooms, START + SILENT_SECONDS + 2)
    assert not told.heard
    assert (told.certificate_ends_ms, told.spool) == (9_000_000, 0.0), "a last will makes nothing else forgotten"


def test_faults_and_what_is_not_taken_are_told_at_once_and_into_the_next_hour() -> None:
    rooms = make()
    faulty = msgspec.structs.replace(IDLE, faults=("microphone_silent", "haunted", "cursed"), complaint="unknown room")
    hear(rooms, faulty, START)
    hear(rooms, IDLE, START + 60)
    told = one(rooms, START + 61)
    assert (told.faults, told.rejected) == (("microphone_silent", OTHER_FAULT), True)
    assert one(rooms, START + HOUR).rejected
    told = one(rooms, START + 2 * HOUR)
    assert (told.faults, told.rejected) == ((), False)


def test_what_waits_for_longer_than_a_meeting_is_told() -> None:
    rooms = make()
    waits = msgspec.structs.replace(IDLE, backlog=1)
    hour_ends = START // HOUR * HOUR + HOUR
    due = hour_ends + BEHIND_SECONDS
    hear(rooms, waits, START)
    hear(rooms, waits, due - 1)
    assert not one(rooms, due - 1).behind
    assert one(rooms, due).behind
    hear(rooms, IDLE, due + 1)
    hear(rooms, waits, due + 2)
    assert not one(rooms, due + 3).behind


def test_only_who_is_enrolled_has_a_place() -> None:
    rooms = make("room-1", "room-2")
    assert not rooms.strangers.told(START)
    name = "stranger"
    why = rooms.hear(f"rec/v1/{name}/status", msgspec.json.encode(msgspec.structs.replace(IDLE, room=name)), START)
    assert why == "stranger is not enrolled"
    for number in range(10_000):
        hear(rooms, msgspec.structs.replace(IDLE, room=f"stranger-{number}"), START)
    assert [told.name for told in rooms.told(START)] == ["room-1", "room-2"]
    assert rooms.strangers.told(START) and not rooms.unreadable.told(START)
    hear(rooms, IDLE, START)
    rooms.enrol(["room-1", "stranger-1"])
    assert [(told.name, told.heard) for told in rooms.told(START)] == [("room-1", True), ("stranger-1", False)]


def test_what_is_no_status_is_told_and_changes_nothing() -> None:
    rooms = make("room-1", "room-2")
    hear(rooms, IDLE, START)
    hear(rooms, msgspec.structs.replace(IDLE, online=False), START, "rec/v1/room-2/status")
    assert rooms.hear("rec/v1/room-1/status", msgspec.json.encode(IDLE), START) == ""
    assert rooms.hear("rec/v1/room-1/status", b"{", START) == "what room-1 says of itself is no status"
    assert rooms.hear("rec/v1/\n/status", b"{", START) == "something is said on a topic that is no room's"
    assert [told.heard for told in rooms.told(START)] == [True, False]
    assert rooms.unreadable.told(START) and not rooms.strangers.told(START)


def said_around_a_no(blocks: int, *, archived: bool, muted: bool, unset: bool) -> Iterator[tuple[float, Status]]:
    """What a room says, and when, of a meeting whose client says no after so many blocks of a second."""
    found = ("clock",) if unset else ()

    def idle(state: str) -> Status:  # a fault of the last glance is left out of a meeting
        return msgspec.structs.replace(IDLE, state=state, faults=found if state == "idle" else ())

    for minute in range(5):
        yield 60.0 * minute, idle("idle")
    yield 290.0, idle("preparing")
    yield 295.0, idle("notice")
    for block in range(blocks):
        if block == 0 or (block == 1 and muted) or block % SAID_SECONDS_MAX == 0:
            yield (
                300.0 + block,
                msgspec.structs.replace(
                    IDLE,
                    state="recording",
                    faults=("microphone_silent",) if muted else (),
                    spool_bytes=(block + 1) * BLOCK_BYTES,
                ),
            )
    backlog = 0 if archived else REFUSAL_ITEMS
    yield 300.0 + blocks, msgspec.structs.replace(idle("refused"), backlog=REFUSAL_ITEMS)
    lifted = 300.0 + blocks + 30
    yield lifted, msgspec.structs.replace(idle("idle"), backlog=backlog)
    at = lifted
    while at < WATCHED_SECONDS:
        at += SAID_SECONDS_MAX
        yield at, msgspec.structs.replace(idle("idle"), backlog=backlog)


def scrapes(said: Iterator[tuple[float, Status]]) -> list[Told]:
    """Every second, until what waits is told."""
    rooms, told = make(), []
    coming = next(said, None)
    for second in range(int(WATCHED_SECONDS)):
        while coming is not None and coming[0] <= second:
            hear(rooms, coming[1], START + coming[0])
            coming = next(said, None)
        told.append(one(rooms, START + second))
    return told


@pytest.mark.parametrize("unset", [False, True])
@pytest.mark.parametrize("muted", [False, True])
@pytest.mark.parametrize("archived", [False, True])
def test_a_no_after_one_block_looks_like_one_after_four_hundred(archived: bool, muted: bool, unset: bool) -> None:
    short, long = (
        scrapes(said_around_a_no(blocks, archived=archived, muted=muted, unset=unset)) for blocks in (1, 400)
    )
    assert short == long
    assert any(told.faults for told in short) is (muted or unset)
    assert short[-1].behind is not archived

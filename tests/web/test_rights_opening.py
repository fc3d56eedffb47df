"""Requests: opened once, with a clock that keeps the calendar, and what they mean for deletion."""

import calendar
from datetime import datetime

import pytest
from django.core.exceptions import PermissionDenied
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive.access import Role
from recorder.archive.web.known import known
from recorder.archive.web.meetings.seen import see
from recorder.archive.web.rights.deadline import EXTENDED_MONTHS, due_ms
from recorder.archive.web.rights.deciding import confirm, may_extend
from recorder.archive.web.rights.kinds import Channel, Kind, State
from recorder.archive.web.rights.models import Request
from recorder.archive.web.rights.opening import open_request
from recorder.archive.web.times import moment
from recorder.archive.web.trail.models import Line
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000)


def had_come_ms(recording: str) -> int:
    """When it had come."""
    return see([recording])[0].row.came_ms or 0


@pytest.mark.parametrize(
    ("came", "due"),
    [
        ("2026-01-15T10:00+01:00", "2026-02-15T23:59:59.999+01:00"),
        ("2026-01-31T10:00+01:00", "2026-02-28T23:59:59.999+01:00"),  # February has no 31st
        ("2028-01-31T10:00+01:00", "2028-02-29T23:59:59.999+01:00"),
        ("2026-12-31T23:30+01:00", "2027-01-31T23:59:59.999+01:00"),
        ("2026-12-31T23:30+00:00", "2027-02-01T23:59:59.999+01:00"),  # it is the new year in Amsterdam
        ("2026-03-10T10:00+01:00", "2026-04-10T23:59:59.999+02:00"),  # summer time begins between
    ],
)
def test_a_month_is_the_calendars(came: str, due: str) -> None:
    assert due_ms(at(came)) == at(due)


@given(st.integers(0, 4_000_000_000_000))
def test_the_clock_never_gives_less_than_four_weeks_or_more_than_a_month(came_ms: int) -> None:
    due = due_ms(came_ms)
    assert 28 * DAY_MS - 3_600_000 <= due - came_ms <= 32 * DAY_MS + 3_600_000
    assert due_ms(came_ms, EXTENDED_MONTHS) > due
    came, end = moment(came_ms), moment(due)
    assert (end.hour, end.minute, end.second) == (23, 59, 59)
    assert (end.year * 12 + end.month) - (came.year * 12 + came.month) == 1
    assert end.day == min(came.day, calendar.monthrange(end.year, end.month)[1])


def test_a_clients_request_is_open_once(archive: Archive, db: None) -> None:
    recording = archive.record().id
    first = open_request(recording, Kind.ACCESS, "Ik wil een kopie", person=None)
    assert open_request(recording, Kind.ACCESS, "Nog een keer", person=None) == first
    assert open_request(recording, Kind.RESTRICTION, "Stop", person=None) != first
    assert Request.objects.get(pk=first.pk).words == "Ik wil een kopie"
    line = Line.objects.filter(action="open_request").first()
    assert line is not None
    assert (line.person, line.recording) == ("client", recording)
    assert b"kopie" not in bytes(line.text) + bytes(line.details or b"")
    Request.objects.filter(pk=first.pk).update(state=State.REFUSED.value)
    assert open_request(recording, Kind.ACCESS, "Opnieuw", person=None) != first


def test_the_desk_opens_one_for_a_letter_that_came_before(archive: Archive, make: Make) -> None:
    recording, person = archive.record(days_ago=6).id, make(Role.RIGHTS_DESK)
    came = now_ms() - 5 * DAY_MS
    made = open_request(recording, Kind.ERASURE, "Weg", person=person, channel=Channel.LETTER, came_ms=came)
    assert (made.came_ms, made.due_ms) == (came, had_come_ms(recording) + 14 * DAY_MS)
    month = open_request(recording, Kind.ACCESS, "", person=person, channel=Channel.LETTER, came_ms=came)
    assert month.due_ms == due_ms(came)
    assert may_extend(month)
    assert not may_extend(made)
    assert {each.person for each in made.events.all()} == {person}


def test_nobody_else_opens_one(archive: Archive, make: Make) -> None:
    recording = archive.record().id
    for role in Role:
        if role is not Role.RIGHTS_DESK:
            with pytest.raises(PermissionDenied):
                open_request(recording, Kind.ACCESS, "", person=make(role))
    assert not Request.objects.exists()


def test_an_erasure_by_the_code_alone_waits_for_the_desk(archive: Archive, db: None) -> None:
    recording = archive.record(days_ago=3).id
    made = open_request(recording, Kind.ERASURE, "", person=None)
    (seen,) = see([recording])
    assert seen.fate.locked
    assert not seen.fate.is_due(now_ms() + 365 * DAY_MS)  # whoever found the code has destroyed nothing
    Request.objects.filter(pk=made.pk).update(state=State.GRANTED.value, decided_ms=now_ms() + 20 * DAY_MS)
    (seen,) = see([recording])
    assert seen.fate.locked
    assert seen.fate.goes_ms is not None  # asked in time, whenever the desk saw who it was: no request keeps it
    assert not seen.fate.kept
    assert known([recording])[recording].erasure_asked_ms == made.came_ms


def test_a_request_pauses_deletion_and_an_erasure_asked_in_time_ends_it(archive: Archive, make: Make) -> None:
    recording = archive.record(days_ago=130).id
    (seen,) = see([recording])
    assert seen.fate.is_due(now_ms())
    made = open_request(recording, Kind.ACCESS, "", person=None)
    assert known([recording])[recording].request_open
    (seen,) = see([recording])
    assert seen.fate.kept
    assert not seen.fate.is_due(now_ms())
    Request.objects.filter(pk=made.pk).update(state=State.REFUSED.value)
    assert see([recording])[0].fate.is_due(now_ms())

    young = archive.record(days_ago=3).id
    asked = open_request(young, Kind.ERASURE, "", person=make(Role.RIGHTS_DESK), channel=Channel.COUNTER)
    open_request(young, Kind.ACCESS, "", person=None)
    confirm(make(Role.PRIVACY_OFFICER), Role.PRIVACY_OFFICER, asked, asked.proposed_ms or 0)
    fate = see([young])[0].fate
    assert fate.locked
    assert fate.is_due(now_ms() + DAY_MS)
    assert fate.cause == "client"
    Request.objects.filter(recording=young).update(state=State.WITHDRAWN.value)
    assert not see([young])[0].fate.locked

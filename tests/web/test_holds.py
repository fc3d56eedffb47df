"""Holds: they keep what is past its date, need two people and an end, and let nobody hear more than before (D2, D3)."""

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest
from django.test import Client
from django.utils.translation import override
from pytest_django import DjangoAssertNumQueries

from recorder.archive.access import DISPUTES, TABLE, Action, Purpose, Role, could
from recorder.archive.web import clock
from recorder.archive.web.holds.models import Going, Hold, State
from recorder.archive.web.known import known
from recorder.archive.web.listening.judging import NotNow, judge
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.meetings.models import Case, Link
from recorder.archive.web.meetings.seen import see
from recorder.archive.web.paging import PAGE_ROWS
from recorder.archive.web.people.models import Person
from recorder.archive.web.times import day, minute, moment
from recorder.archive.web.trail.models import Line
from tests.rooms import Recording
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make

SignIn = Callable[[Person], Client]
ENGLISH = {"Accept-Language": "en"}
KINDS = ("objection", "appeal", "complaint", "other")


def link(recording: Recording, case: str, person: Person | None = None) -> None:
    found, _ = Case.objects.get_or_create(number=case)
    Link.objects.create(recording=recording.id, case=found, person=person, device="room-1", at_ms=now_ms())


def typed(kind: str = "objection", case: str = "Z-1", days: int = 90) -> dict[str, str]:
    until = moment(clock.now_ms()).date() + timedelta(days)
    return {"kind": kind, "case": case, "reason": "Hearing on 3 May", "until": until.isoformat()}


def english(shown: Callable[[int], str], unix_ms: int) -> str:
    with override("en"):
        return shown(unix_ms)


def kept(*recordings: Recording) -> list[bool]:
    by = {each.recording: each for each in see([each.id for each in recordings])}
    return [by[each.id].fate.kept for each in recordings]


@pytest.fixture
def held(archive: Archive, make: Make, sign_in: SignIn) -> tuple[Recording, Person, Hold]:
    """A recording of case Z-1, the listener who set a hold on it, and the hold."""
    recording = archive.record(days_ago=2)
    link(recording, "Z-1")
    person = make(Role.LISTENER, name="first")
    assert sign_in(person).post(f"/recordings/{recording.id}/hold/", typed()).status_code == 302
    return recording, person, Hold.objects.get()


@pytest.mark.parametrize("kind", KINDS)
def test_a_hold_of_a_dispute_counts_at_once_and_any_other_when_it_is_confirmed(
    kind: str, archive: Archive, make: Make, sign_in: SignIn
) -> None:
    recording = archive.record(days_ago=2)
    link(recording, "Z-1")
    placer = make(Role.RIGHTS_DESK)
    answer = sign_in(placer).post(f"/recordings/{recording.id}/hold/", typed(kind), follow=True)
    assert "Z-1" in answer.content.decode()
    assert kept(recording) == [kind != "other"]
    sign_in(make(Role.PRIVACY_OFFICER)).post(f"/holds/{Hold.objects.get().pk}/confirm/")
    assert kept(recording) == [True]
    (people,) = known([recording.id]).values()
    assert people.holds_until_ms == (Hold.objects.get().expires_ms,)
    first, second = Line.objects.filter(recording=recording.id)
    assert (first.action, second.action) == ("hold", "confirm_hold")
    assert b"Hearing" in bytes(first.details or b"")
    assert b"Hearing" not in bytes(first.text)


def test_who_set_it_never_confirms_it_and_it_lapses(
    held: tuple[Recording, Person, Hold], make: Make, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, first, hold = held
    for act in ("confirm", "refuse"):
        assert sign_in(first).post(f"/holds/{hold.pk}/{act}/", {"why": "x"}).status_code == 403
    assert Line.objects.filter(action="confirm_hold", person=str(first.pk)).count() == 2
    hold.refresh_from_db()
    assert hold.state(clock.now_ms()) is State.WAITING
    assert kept(recording) == [True]
    later_ms = now_ms() + 14 * DAY_MS
    monkeypatch.setattr("recorder.archive.web.holds.views.now_ms", lambda: later_ms)
    monkeypatch.setattr("recorder.archive.web.meetings.seen.now_ms", lambda: later_ms)
    assert kept(recording) == [False]
    second = sign_in(make(Role.LISTENER, name="second"))
    assert second.get(f"/holds/{hold.pk}/").context["each"].state is State.LAPSED
    second.post(f"/holds/{hold.pk}/confirm/")
    hold.refresh_from_db()
    assert hold.confirmed_ms is None


def test_one_person_alone_cannot_hold_again_and_again(
    held: tuple[Recording, Person, Hold], make: Make, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, first, hold = held
    sign_in(make(Role.LISTENER, name="second")).post(f"/holds/{hold.pk}/refuse/", {"why": "No objection came."})
    monkeypatch.setattr("recorder.archive.web.meetings.seen.now_ms", lambda: now_ms() + DAY_MS)
    assert kept(recording) == [False]
    sign_in(first).post(f"/recordings/{recording.id}/hold/", typed())
    assert kept(recording) == [False]
    again = Hold.objects.latest("pk")
    sign_in(make(Role.PRIVACY_OFFICER)).post(f"/holds/{again.pk}/confirm/")
    assert kept(recording) == [True]


def test_another_person_who_sets_one_after_it_lapsed_keeps_at_once(
    held: tuple[Recording, Person, Hold], make: Make, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, first, _ = held
    Hold.objects.update(placed_ms=now_ms() - 15 * DAY_MS)
    assert kept(recording) == [False]
    other = make(Role.LISTENER, name="other")
    sign_in(other).post(f"/recordings/{recording.id}/hold/", typed())
    assert kept(recording) == [True]
    Hold.objects.update(placed_ms=now_ms() - 15 * DAY_MS)
    for person in (first, other):  # each had their turn
        sign_in(person).post(f"/recordings/{recording.id}/hold/", typed())
        assert kept(recording) == [False]
        assert not Hold.objects.latest("pk").at_once


def test_an_ended_hold_tells_when_it_ended_and_until_when_it_keeps(
    held: tuple[Recording, Person, Hold], make: Make, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, first, hold = held
    client = sign_in(first)
    its_date, own_page = english(day, hold.expires_ms - 1), f"/recordings/{recording.id}/"
    pages = ("/holds/", f"/holds/{hold.pk}/", own_page)
    assert all(its_date in client.get(each, headers=ENGLISH).content.decode() for each in pages)
    client.post(f"/holds/{hold.pk}/end/", {"why": "Withdrawn"})
    hold.refresh_from_db()
    until_ms = (hold.ended_ms or 0) + DAY_MS
    for each in pages:
        page = client.get(each, headers=ENGLISH).content.decode()
        assert its_date not in page, each
        assert english(day if each == own_page else minute, until_ms) in page, each
        assert "ended by a person" in page
    Hold.objects.update(ended_ms=now_ms() - 2 * DAY_MS)
    for each in pages:
        page = client.get(each, headers=ENGLISH).content.decode()
        assert its_date not in page
        assert english(day, now_ms() - DAY_MS) not in page
        assert ("ended by a person" in page) == (each != own_page)
    Hold.objects.update(ended_ms=None, how=None, placed_ms=now_ms() - 20 * DAY_MS)
    page = client.get(f"/holds/{hold.pk}/", headers=ENGLISH).content.decode()
    assert its_date not in page
    assert english(day, now_ms() - 6 * DAY_MS) in page  # it lapsed, though no night has written that down


def test_nor_by_naming_another_case_each_time(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording, first = archive.record(days_ago=2), sign_in(make(Role.LISTENER))  # of no case: any may be typed
    first.post(f"/recordings/{recording.id}/hold/", typed(case="Z-1"))
    assert kept(recording) == [True]
    first.post(f"/holds/{Hold.objects.get().pk}/end/", {"why": "over"})
    first.post(f"/recordings/{recording.id}/hold/", typed(case="Z-2"))
    assert not Hold.objects.latest("pk").at_once


def test_a_hold_is_of_the_case_and_what_is_linked_later_is_kept_too(
    held: tuple[Recording, Person, Hold], archive: Archive
) -> None:
    recording, _, _ = held
    later, elsewhere = archive.record(days_ago=1), archive.record(days_ago=1)
    assert kept(recording, later, elsewhere) == [True, False, False]
    link(later, "Z-1")
    link(elsewhere, "Z-2")
    assert kept(recording, later, elsewhere) == [True, True, False]


def test_a_recording_without_a_case_is_kept_too(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record(days_ago=13)
    sign_in(make(Role.RIGHTS_DESK)).post(f"/recordings/{recording.id}/hold/", typed(case="Z-7"))
    assert kept(recording) == [True]
    assert not Link.objects.exists()


def test_it_ends_at_its_date_or_when_somebody_ends_it(
    held: tuple[Recording, Person, Hold], make: Make, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, first, hold = held
    sign_in(make(Role.LISTENER, name="second")).post(f"/holds/{hold.pk}/confirm/")
    hold.refresh_from_db()
    monkeypatch.setattr("recorder.archive.web.meetings.seen.now_ms", lambda: hold.expires_ms - 1)
    assert kept(recording) == [True]
    monkeypatch.setattr("recorder.archive.web.meetings.seen.now_ms", lambda: hold.expires_ms)
    assert kept(recording) == [False]
    monkeypatch.undo()
    sign_in(first).post(f"/holds/{hold.pk}/end/", {"why": ""})
    assert kept(recording) == [True]
    sign_in(first).post(f"/holds/{hold.pk}/end/", {"why": "Withdrawn"})
    assert kept(recording) == [True]  # for a day: who ends it is one person alone
    with monkeypatch.context() as later:
        later.setattr("recorder.archive.web.meetings.seen.now_ms", lambda: now_ms() + DAY_MS)
        assert kept(recording) == [False]
    line = Line.objects.get(action="end_hold")
    assert b"Withdrawn" in bytes(line.details or b"")
    sign_in(first).post(f"/holds/{hold.pk}/end/", {"why": "Again"})
    assert Line.objects.filter(action="end_hold").count() == 1


@pytest.mark.parametrize("days", [-1, 0, 366])
def test_its_end_lies_ahead_and_within_a_year(days: int, archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record()
    client = sign_in(make(Role.LISTENER))
    answer = client.post(f"/recordings/{recording.id}/hold/", typed(days=days))
    assert 'role="alert"' in answer.content.decode()
    client.post(f"/recordings/{recording.id}/hold/", typed() | {"until": ""})
    assert not Hold.objects.exists()


def test_the_case_of_a_linked_recording_is_its_own(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record()
    link(recording, "Z-1")
    answer = sign_in(make(Role.LISTENER)).post(f"/recordings/{recording.id}/hold/", typed(case="Z-2"))
    assert list(answer.context["form"].errors) == ["case"]
    assert not Hold.objects.exists()


def test_a_listener_sets_none_for_another_claim(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record()
    sign_in(make(Role.LISTENER)).post(f"/recordings/{recording.id}/hold/", typed("other"))
    assert not Hold.objects.exists()


def hearable(recording: Recording, people: list[Person]) -> set[tuple[object, str]]:
    """Who may hear it, and what for, as the reading room judges."""
    found = set()
    for person, purpose in product(people, Purpose):
        permit = Permit(
            person=person, recording=recording.id, purpose=purpose.value, case="", reason="", until_ms=now_ms() + DAY_MS
        )
        try:
            judge(permit)
        except NotNow:
            continue
        found.add((person.pk, purpose.value))
    return found


@pytest.mark.parametrize("receipt", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_hold_lets_nobody_hear_who_could_not_before(  # D3
    kind: str, receipt: bool, archive: Archive, make: Make, sign_in: SignIn
) -> None:
    recording = archive.record(receipt=receipt, days_ago=1)
    people = [make(role, rooms=["room-1"]) for role in Role]
    owner = people[list(Role).index(Role.CASEWORKER)]
    link(recording, "Z-1", owner)
    before = hearable(recording, people)
    assert bool(before) == receipt
    desk = people[list(Role).index(Role.RIGHTS_DESK)]
    assert sign_in(desk).post(f"/recordings/{recording.id}/hold/", typed(kind)).status_code == 302
    assert hearable(recording, people) == before
    sign_in(make(Role.PRIVACY_OFFICER)).post(f"/holds/{Hold.objects.get().pk}/confirm/")
    assert kept(recording) == [True]
    assert hearable(recording, people) == before


@pytest.mark.parametrize("role", Role)
def test_who_comes_to_which_address(
    role: Role, held: tuple[Recording, Person, Hold], make: Make, sign_in: SignIn
) -> None:
    recording, _, hold = held
    client = sign_in(make(role, rooms=["room-1"]))
    may = set(TABLE[role])
    touches = bool(may & {Action.HOLD, Action.CONFIRM_HOLD, Action.END_HOLD})
    assert client.get("/holds/").status_code == (200 if touches else 403)
    sees = touches and (Action.CONFIRM_HOLD in may or could([role], Action.SEE, own=False))
    assert client.get(f"/holds/{hold.pk}/").status_code == (200 if sees else 404 if touches else 403)
    assert client.get("/holds/999999/").status_code == (404 if touches else 403)
    sets = could([role], Action.HOLD, own=False)
    expected = 200 if sets else 404 if Action.HOLD in may else 403
    assert client.get(f"/recordings/{recording.id}/hold/").status_code == expected
    for act, action in (("confirm", Action.CONFIRM_HOLD), ("refuse", Action.CONFIRM_HOLD), ("end", Action.END_HOLD)):
        status = client.post(f"/holds/{hold.pk}/{act}/", {"why": "x"}).status_code
        assert (status == 302) == (action in may), act
    hold.refresh_from_db()
    assert (hold.confirmed_ms is not None) == (Action.CONFIRM_HOLD in may)
    assert (hold.ended_ms is not None) == (Action.END_HOLD in may)


def test_a_caseworker_sees_their_own_holds_alone(
    held: tuple[Recording, Person, Hold], archive: Archive, make: Make, sign_in: SignIn
) -> None:
    theirs = archive.record(days_ago=2)
    person = make(Role.CASEWORKER, rooms=["room-1"])
    link(theirs, "Z-5", person)
    client = sign_in(person)
    answer = client.post(f"/recordings/{theirs.id}/hold/", typed(case="Z-5"), follow=True)
    assert answer.status_code == 200
    page = client.get("/holds/").content.decode()
    assert "Z-5" in page
    assert "Z-1" not in page
    assert "Z-5" in client.get(f"/recordings/{theirs.id}/").content.decode()


def test_the_lists_cost_the_same_however_many_there_are(
    held: tuple[Recording, Person, Hold],
    make: Make,
    sign_in: SignIn,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    _, first, _ = held
    values = {"kind": "objection", "reason": "r", "placed_by": first, "placed_ms": now_ms(), "at_once": True}
    for index in range(3 * PAGE_ROWS):
        case = Case.objects.create(number=f"M-{index}")
        days = 100 if index % 3 else 5
        Hold.objects.create(
            case=case, expires_ms=now_ms() + days * DAY_MS, confirmed_by=first, confirmed_ms=1, **values
        )
    client = sign_in(make(Role.LISTENER, name="second"))
    with django_assert_max_num_queries(20):
        page = client.get("/holds/").content.decode()
    assert page.count("M-") == 2 * PAGE_ROWS  # all of those that end soon, and a page of the others
    (further,) = re.findall(r'href="(\?running=[\d-]+)#running"', page)
    assert client.get(f"/holds/{further}").content.decode().count("M-") == 2 * PAGE_ROWS


def test_every_kind_is_a_purpose_of_the_table() -> None:
    assert {Purpose(each) for each in KINDS[:3]} == DISPUTES


def test_a_hold_is_not_confirmed_when_all_that_it_covers_is_being_deleted(
    archive: Archive, make: Make, sign_in: SignIn, held: tuple[Recording, Person, Hold]
) -> None:
    recording, _first, hold = held
    client = sign_in(make(Role.LISTENER, name="second"))
    Going.objects.create(recording=recording.id, cause="term")
    before = Line.objects.count()
    answer = client.post(f"/holds/{hold.pk}/confirm/", follow=True, headers=ENGLISH)
    told = answer.content.decode()
    assert "The recording is being deleted at this moment." in told and "You confirmed the hold." not in told
    assert Hold.objects.get().confirmed_ms is None and Line.objects.count() == before
    link(archive.record(days_ago=2), "Z-1")  # which it keeps
    answer = client.post(f"/holds/{hold.pk}/confirm/", follow=True, headers=ENGLISH)
    assert "You confirmed the hold." in answer.content.decode()
    assert Hold.objects.get().confirmed_ms is not None

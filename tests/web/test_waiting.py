"""The first page of who watches over all of it: what waits is counted, and leads to where it is dealt with."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from recorder.archive.access import Role
from recorder.archive.web.holds import holding
from recorder.archive.web.holds.models import Expected, Kind, Run
from recorder.archive.web.meetings.models import Dispute
from recorder.archive.web.people.models import Change, Person
from recorder.archive.web.policy import decided
from recorder.archive.web.policy.models import State, Version
from recorder.archive.web.rights.kinds import Ground
from recorder.archive.web.rights.kinds import Kind as RequestKind
from recorder.archive.web.rights.models import Disclosure, Request, Restriction
from recorder.archive.web.rights.opening import open_request
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make
from tests.web.deciding import DECIDED

SignIn = Callable[[Person], Client]
ENGLISH = {"accept-language": "en"}
ADDRESSES = (
    "/disputes/",
    "/holds/",
    "/disclosures/",
    "/second-look/",
    "/confirmations/",
    "/policy/",
    "/deletions/",
    "/deletions/#overdue",
)
NOTHING = "Nothing waits for you now."
LATE = "Without it nothing is deleted."


def counts(client: Client) -> dict[str, int]:
    """By the address that each leads to."""
    page = client.get("/waiting/", headers=ENGLISH).content.decode()
    rows = re.findall(r'<tr[^>]*><th[^>]*><a href="([^"]+)">.*?</th><td[^>]*>(?:<span[^>]*>)?(\d+)', page)
    return {address: int(count) for address, count in rows}


def hold(person: Person | None, case: str) -> None:
    holding.place(person, Kind.OBJECTION, case=case, reason="why", expires_ms=now_ms() + 50 * DAY_MS, recording=None)


def ran(ago_ms: int) -> None:
    Run.objects.create(began_ms=now_ms() - ago_ms, ended_ms=now_ms() - ago_ms)


@pytest.fixture
def officer(make: Make) -> Person:
    return make(Role.PRIVACY_OFFICER)


def test_it_is_the_first_page_of_the_privacy_officer_and_of_nobody_else(
    archive: Archive, make: Make, sign_in: SignIn
) -> None:
    for role in Role:
        client = sign_in(make(role))
        first, page = client.get("/"), client.get("/waiting/")
        if role is Role.PRIVACY_OFFICER:
            assert first.headers["Location"] == "/waiting/"
        else:
            assert first.headers.get("Location") != "/waiting/"
            assert page.status_code == 403


def test_what_waits_is_counted_and_leads_there(archive: Archive, officer: Person, make: Make, sign_in: SignIn) -> None:
    client = sign_in(officer)
    ran(DAY_MS)
    assert counts(client) == dict.fromkeys(ADDRESSES, 0)
    page = client.get("/waiting/", headers=ENGLISH).content.decode()
    assert NOTHING in page
    assert LATE not in page

    recording, other = archive.record().id, make(Role.CASEWORKER)
    Dispute.objects.create(
        recording=recording, device="room-1", linked_by=other, linked_ms=now_ms(), person=other, at_ms=now_ms()
    )
    Dispute.objects.create(
        recording="1" * 32,
        device="room-1",
        linked_by=other,
        linked_ms=now_ms(),
        person=other,
        at_ms=now_ms(),
        settled_ms=now_ms(),
        stands=True,
    )
    hold(other, "Z-1")
    hold(None, "Z-2")  # of the organisation's program
    hold(officer, "Z-3")  # whose own it is cannot confirm it
    for confirmed in (None, None, None, True):
        Disclosure.objects.create(
            recording=recording,
            to="court",
            ground=Ground.DUTY.value,
            words="x",
            person=other,
            at_ms=now_ms(),
            confirmed=confirmed,
        )
    Version.objects.create(
        text=decided.write(DECIDED), why="more", state=State.PROPOSED, person=other.pk, at_ms=now_ms()
    )
    for at, kept in enumerate((True, True, False)):
        Expected.objects.create(
            recording=f"{at:032}", device="room-1", made_ms=0, cause="term", due_ms=0, goes_ms=None, kept=kept
        )
    said = {"kind": "erasure", "channel": "letter", "words": "", "came_ms": 1, "due_ms": 2}
    for at, proposed in enumerate(("granted", "refused", None)):
        by = {"proposed": proposed, "proposed_by": other, "proposed_ms": 3} if proposed else {}
        Request.objects.create(recording=f"{at:032}", **said, **by)
    for whom in (make(Role.LISTENER), make(Role.TRAINER)):
        Person.objects.filter(pk=whom.pk).update(confirmed_ms=None)
    Change.objects.create(person=whom, by=officer, line=1, at_ms=now_ms())  # as an administrator, which they were then
    assert counts(client) == dict(zip(ADDRESSES, (1, 2, 3, 2, 1, 1, 2, 3), strict=True))
    assert NOTHING not in client.get("/waiting/", headers=ENGLISH).content.decode()
    for address in counts(client):
        assert client.get(address).status_code == 200


def test_what_nobody_at_the_desk_touched_waits_for_the_officer_once_it_is_late(
    archive: Archive, officer: Person, sign_in: SignIn
) -> None:
    """An erasure of the client's first days is late at their end, anything else when its month is over."""
    client, address = sign_in(officer), "/deletions/#overdue"
    early, later = archive.record(days_ago=5).id, archive.record(days_ago=20).id
    for recording in (early, later):
        for kind in (RequestKind.ERASURE, RequestKind.ACCESS):
            open_request(recording, kind, "", person=None)
    assert counts(client)[address] == 0
    due = {(each.recording, each.kind): each.due_ms for each in Request.objects.all()}
    end_ms = due.pop((early, "erasure"))
    assert 8 * DAY_MS < end_ms - now_ms() < 9 * DAY_MS
    assert all(each - now_ms() > 27 * DAY_MS for each in due.values())
    Request.objects.update(due_ms=F("due_ms") - 10 * DAY_MS)
    assert counts(client)[address] == 1
    assert NOTHING not in client.get("/waiting/", headers=ENGLISH).content.decode()
    assert client.get("/deletions/").content.decode().count(early) == 1
    Request.objects.update(due_ms=F("due_ms") - 25 * DAY_MS)
    assert counts(client)[address] == 4
    restricted = Request.objects.create(
        recording=later, kind="restriction", channel="letter", words="", came_ms=1, due_ms=2, state="granted"
    )
    for again_ms in (now_ms() - 1, now_ms() + DAY_MS):
        Restriction.objects.create(recording=later, request=restricted, at_ms=1, look_again_ms=again_ms)
    assert counts(client)[address] == 5


@pytest.mark.parametrize(("ago_ms", "late"), [(None, True), (2 * DAY_MS, True), (DAY_MS, False)])
def test_a_night_that_nothing_ran_is_told_first(
    ago_ms: int | None, late: bool, archive: Archive, officer: Person, sign_in: SignIn
) -> None:
    if ago_ms is not None:
        ran(ago_ms)
    assert (LATE in sign_in(officer).get("/waiting/", headers=ENGLISH).content.decode()) == late


def test_it_asks_no_more_of_a_full_database_than_of_an_empty_one(
    archive: Archive, officer: Person, sign_in: SignIn
) -> None:
    client = sign_in(officer)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get("/waiting/")
        return len(queries)

    asked()
    before = asked()
    for at in range(20):
        hold(None, f"Z-{at}")
    assert asked() == before

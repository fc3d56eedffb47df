"""A case is one, however its number is written: for who names, finds, hears, holds and tells of it, and what was there."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils.timezone import localdate
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive.access import Action, Purpose, Role
from recorder.archive.web.holds.models import Hold
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.meetings.forms import CaseNumber, one_spelling
from recorder.archive.web.meetings.models import Case, Link
from recorder.archive.web.people.models import Person
from tests.web.archive import Archive
from tests.web.conftest import Make
from tests.web.desk import SECONDS_MAX
from tests.web.test_api import MakeToken, call, token
from tests.web.test_rights_at_once import Site, site

__all__ = ["site", "token"]
SignIn = Callable[[Person], Client]


def test_two_people_who_write_a_number_otherwise_name_one_case(archive: Archive, make: Make, sign_in: SignIn) -> None:
    first, second = archive.record("room-1"), archive.record("room-2")
    clients = [sign_in(make(Role.CASEWORKER, rooms=[room])) for room in ("room-1", "room-2")]
    for client, recording, typed in zip(clients, (first, second), ("z-1  a", " Z-1 A "), strict=True):
        client.post(f"/meetings/{recording.id}/case/", {"case": typed, "there": "on"})
    assert [each.number for each in Case.objects.all()] == ["Z-1 A"]
    assert Link.objects.count() == 2
    listener = sign_in(make(Role.LISTENER))
    for address, field in (("/find/", "case"), ("/rights/find/", "what")):
        who = listener if field == "case" else sign_in(make(Role.RIGHTS_DESK))
        page = who.post(address, {field: "z-1 a"}).content.decode()
        assert (first.id in page, second.id in page) == (True, True), address
    clients[0].post(f"/recordings/{first.id}/case/", {"case": "z-2"})
    assert Link.objects.get(recording=first.id).case.number == "Z-2"


def test_it_is_heard_and_held_by_either_spelling(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record("room-1")
    person = make(Role.CASEWORKER, Role.LISTENER, rooms=["room-1"])
    client = sign_in(person)
    client.post(f"/meetings/{recording.id}/case/", {"case": "Z-1", "there": "on"})
    assert (
        "capitals make no difference"
        in client.get(f"/recordings/{recording.id}/hear/", headers={"accept-language": "en"}).content.decode()
    )
    told = {"purpose": Purpose.OBJECTION.value, "case": "z-1", "reason": "objection"}
    client.post(f"/recordings/{recording.id}/hear/", told)
    assert Permit.objects.get().case == "Z-1"
    until = (localdate() + timedelta(30)).isoformat()
    held = {"kind": "objection", "case": "z-1", "reason": "objection", "until": until}
    client.post(f"/recordings/{recording.id}/hold/", held)
    assert Hold.objects.get().case == Case.objects.get(number="Z-1")


def test_a_program_may_write_it_as_it_likes(archive: Archive, token: MakeToken) -> None:
    recording, bearer = archive.record("room-1"), token(Action.LINK, Action.DECIDE, Action.HOLD)
    for case in ("z-1", "Z-1"):
        assert call("PUT", f"/recordings/{recording.id}/case", bearer, {"case": case}).status_code == 200
    day = {"day": localdate().isoformat()}
    assert call("POST", "/decisions", bearer, {"case": "z-1"} | day).json() == {"recordings": 1}
    hold = {"kind": "objection", "reason": "letter", "days": 30}
    for case in ("z-1", "Z-1"):  # said again while it holds, it changes nothing
        assert call("POST", "/holds", bearer, hold | {"case": case}).json() == {"recordings": 1}
    assert Hold.objects.count() == Case.objects.count() == 1


@given(st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9 ./_-]{0,63}\Z"))
def test_a_number_has_one_spelling(typed: str) -> None:
    found = one_spelling(typed)
    assert one_spelling(found) == one_spelling(typed.lower()) == one_spelling(f" {typed.upper()} ") == found


def test_the_database_keeps_no_other_spelling(db: None) -> None:
    """Of a version that still runs while the new one has brought the database up to date."""
    Case.objects.create(number="Z-1 A/B")
    with pytest.raises(IntegrityError, match="case_in_capitals"), transaction.atomic():
        Case.objects.create(number="z-1")
    with pytest.raises(IntegrityError, match="case_in_capitals"), transaction.atomic():
        Case.objects.update(number="z-1")


@pytest.mark.parametrize("typed", ["Straße-1", "ſ-1", "ı-1"])
def test_no_letter_becomes_another_one(typed: str) -> None:
    with pytest.raises(ValidationError):
        CaseNumber().clean(typed)


def test_cases_that_were_named_in_two_spellings_become_one(site: Site) -> None:
    command = [sys.executable, "-m", "tests.web.older_cases", str(site.config)]
    done = subprocess.run(command, check=True, timeout=SECONDS_MAX, capture_output=True, text=True)
    assert json.loads(done.stdout) == {
        "cases": [["Z-1", 300], ["Z-2", None], ["Z-3/B", 100]],
        "links": [["0" * 32, "Z-1"], ["1" * 32, "Z-1"], ["2" * 32, "Z-1"], ["3" * 32, "Z-3/B"]],
        "holds": ["Z-1", "Z-1", "Z-2"],
        "trail_is_as_it_was": True,
        "typed": [{"case": "z-1"}],
    }

"""Linking a meeting to a case, finding it, and who sees what of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import localdate

from recorder.archive.access import Role
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.meetings.forms import is_citizen_number
from recorder.archive.web.meetings.models import Case, Link
from recorder.archive.web.people.models import Person
from recorder.archive.web.trail.models import Line
from tests.web.archive import Archive
from tests.web.conftest import Make

SignIn = Callable[[Person], Client]


def test_a_caseworker_names_the_case_of_a_meeting_in_their_room(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record("room-1")
    elsewhere = archive.record("room-2")
    client = sign_in(make(Role.CASEWORKER, rooms=["room-1"]))
    page = client.get("/meetings/").content.decode()
    assert recording.id in page
    assert elsewhere.id not in page
    answer = client.post(f"/meetings/{recording.id}/case/", {"case": "Z-2026/17", "there": "on"}, follow=True)
    assert "Z-2026/17" in answer.content.decode()
    assert Link.objects.get(recording=recording.id).case.number == "Z-2026/17"
    line = Line.objects.get(action="link")
    assert line.recording == recording.id
    assert b"Z-2026/17" in bytes(line.details or b"")
    assert b"Z-2026/17" not in bytes(line.text)


def test_what_a_colleague_has_linked_is_theirs_alone(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record("room-1")
    first, second = make(Role.CASEWORKER, rooms=["room-1"]), make(Role.CASEWORKER, rooms=["room-1"])
    sign_in(first).post(f"/meetings/{recording.id}/case/", {"case": "Z-1", "there": "on"})
    other = sign_in(second)
    page = other.get("/meetings/").content.decode()
    assert f"/recordings/{recording.id}/" not in page
    assert f"/meetings/{recording.id}/case/" not in page
    assert "Z-1" not in page
    for address in (
        f"/recordings/{recording.id}/",
        f"/recordings/{recording.id}/hear/",
        f"/meetings/{recording.id}/case/",
    ):
        assert other.get(address).status_code == 404
    assert other.post(f"/meetings/{recording.id}/case/", {"case": "Z-2", "there": "on"}).status_code == 404
    assert Link.objects.get(recording=recording.id).case.number == "Z-1"
    assert Line.objects.filter(person=str(second.pk), recording=recording.id).exists()


@pytest.mark.parametrize("case", ["", "123456782", "1234.56.782", "<script>", "-1", "x" * 65])
def test_a_case_number_that_is_none_is_told_so(case: str, archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record()
    answer = sign_in(make(Role.CASEWORKER, rooms=["room-1"])).post(
        f"/meetings/{recording.id}/case/", {"case": case, "there": "on"}
    )
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert not Link.objects.exists()


def test_a_citizen_number_is_known_by_its_test() -> None:
    assert is_citizen_number("123456782")
    assert is_citizen_number("12345672")  # of eight digits
    assert not is_citizen_number("123456789")
    assert not is_citizen_number("000000000")
    assert not is_citizen_number("Z-123456782")


def test_a_listener_finds_by_case_and_no_list_of_a_colleague(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record()
    sign_in(make(Role.CASEWORKER, rooms=["room-1"])).post(
        f"/meetings/{recording.id}/case/", {"case": "Z-9", "there": "on"}
    )
    client = sign_in(make(Role.LISTENER))
    assert recording.id in client.post("/find/", {"case": "Z-9"}).content.decode()
    assert recording.id not in client.post("/find/", {"case": "Z-10"}).content.decode()
    assert client.get("/meetings/").status_code == 403
    assert client.get(f"/recordings/{recording.id}/").status_code == 200


def test_nobody_gets_past_setting_up_a_second_factor(archive: Archive, db: None, sign_in: SignIn) -> None:
    person = Person.objects.make("a@gemeente.example", "A", [Role.CASEWORKER], ["room-1"])
    answer = sign_in(person).get("/meetings/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/account/2fa/"


def test_a_day_of_decision_is_not_to_come_and_never_goes_back(
    archive: Archive, make: Make, sign_in: SignIn
) -> None:  # D1
    recording = archive.record("room-1").id
    client = sign_in(make(Role.CASEWORKER, rooms=["room-1"]))
    client.post(f"/meetings/{recording}/case/", {"case": "Z-1", "there": "on"})
    today = localdate()

    def decide(day: str) -> int:
        return client.post(f"/recordings/{recording}/decision/", {"day": day}).status_code

    for day in ((today + timedelta(days=1)).isoformat(), "9999-12-31"):
        assert decide(day) == 200
        assert Case.objects.get().decided_ms is None
    assert decide((today - timedelta(days=3)).isoformat()) == 302
    noted = Case.objects.get().decided_ms
    assert decide("1900-01-01") == 302  # it would take away what the client has against the decision
    assert Case.objects.get().decided_ms == noted
    assert decide(today.isoformat()) == 302
    assert (Case.objects.get().decided_ms or 0) > (noted or 0)
    assert Line.objects.filter(action="decide", recording=recording).count() == 3


@pytest.mark.parametrize(
    ("purpose", "case", "reason"),
    [
        ("objection", "Z-1", "To prepare."),  # a caseworker has no such purpose
        ("training", "Z-1", "To prepare."),
        ("", "Z-1", "To prepare."),
        ("decision", "Z-2", "To prepare."),
        ("decision", "", "To prepare."),
        ("decision", "Z-1", " "),
    ],
)
def test_nobody_listens_without_a_purpose_of_theirs_the_right_case_and_a_reason(
    purpose: str, case: str, reason: str, archive: Archive, make: Make, sign_in: SignIn
) -> None:
    recording = archive.record()
    client = sign_in(make(Role.CASEWORKER, rooms=["room-1"]))
    client.post(f"/meetings/{recording.id}/case/", {"case": "Z-1", "there": "on"})
    told = {"purpose": purpose, "case": case, "reason": reason}
    answer = client.post(f"/recordings/{recording.id}/hear/", told)
    assert answer.status_code == 200
    assert 'id="errors"' in answer.content.decode()
    assert not Permit.objects.exists()
    right = {"purpose": "decision", "case": "Z-1", "reason": "To prepare."}
    assert client.post(f"/recordings/{recording.id}/hear/", right).status_code == 302
    assert Permit.objects.get().reason == "To prepare."

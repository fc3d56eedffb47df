"""What the organisation decides: nothing is heard before it has, and nobody decides alone."""

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from django.test import Client

from recorder.archive.access import NEEDS_POLICY, Action, Purpose, Role
from recorder.archive.web.archive import terms
from recorder.archive.web.listening.judging import NotNow, judge
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.meetings.models import Link
from recorder.archive.web.people.models import Person
from recorder.archive.web.policy import decided
from recorder.archive.web.policy.decided import Basis, Decided
from recorder.archive.web.policy.live import in_use, live
from recorder.archive.web.policy.models import State, Version
from recorder.archive.web.policy.risks import RISKS
from recorder.archive.web.policy.words import GROUPS, LABELS
from recorder.archive.web.trail.models import Line
from recorder.errors import PolicyError
from tests.web.archive import Archive
from tests.web.conftest import Make
from tests.web.deciding import DECIDED

SignIn = Callable[[Person], Client]
NOT_YET = "Nog niet in gebruik"


def test_of_a_new_archive_nobody_is_given_anything(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record()
    caseworker = make(Role.CASEWORKER, rooms=["room-1"])
    client = sign_in(caseworker)
    client.post(f"/meetings/{recording.id}/case/", {"case": "Z-1", "there": "on"})
    permit = Permit.objects.create(
        person=caseworker, recording=recording.id, purpose=Purpose.DECISION, case="Z-1", reason="", until_ms=2**50
    )
    assert judge(permit)[1] is Role.CASEWORKER
    other = archive.record()
    Version.objects.all().delete()
    assert not in_use()
    page = client.get("/meetings/", headers={"accept-language": "en"}).content.decode()
    assert "Not yet in use" in page
    assert "You cannot name a case yet." in page
    assert "Ask the privacy officer when it can begin." in page
    assert f"/meetings/{other.id}/case/" not in page
    assert "Say of which case" not in page
    for address in (
        f"/meetings/{other.id}/case/",
        f"/recordings/{recording.id}/hear/",
        f"/listen/{permit.pk}/",
        f"/listen/{permit.pk}/audio/",
    ):
        answer = client.get(address)
        assert answer.status_code == 403, address
        assert NOT_YET in answer.content.decode()
    assert client.post(f"/meetings/{other.id}/case/", {"case": "Z-2", "there": "on"}).status_code == 403
    assert not Link.objects.filter(recording=other.id).exists()
    refused = [each.action for each in Line.objects.order_by("number") if b'"refused"' in bytes(each.text)]
    assert refused == ["link", "hear", "hear", "hear", "link"]
    with pytest.raises(NotNow, match="not_in_use"):  # the reading room believes the pages nothing
        judge(permit)
    assert client.get(f"/recordings/{recording.id}/").status_code == 200
    assert live().terms.unlinked_days == 14  # and retention goes on

    # Whom to ask is told as soon as that is decided, and what to do once all is.
    half = msgspec.structs.replace(DECIDED, hosting="", unlinked_days=10)
    made = Version.objects.create(
        text=decided.write(half), why="", state=State.LIVE, person=uuid.uuid4(), at_ms=0, second=uuid.uuid4()
    )
    page = client.get("/meetings/", headers={"accept-language": "en"}).content.decode()
    assert "Ask the privacy officer when it can begin: words for privacy_officer." in page
    assert f"/meetings/{other.id}/case/" not in page
    Version.objects.filter(pk=made.pk).update(text=decided.write(msgspec.structs.replace(half, hosting="here")))
    page = client.get("/meetings/", headers={"accept-language": "en"}).content.decode()
    assert f"/meetings/{other.id}/case/" in page
    assert "Without one it is erased 10 days after it came." in page
    assert "when it can begin" not in page


def test_what_waits_for_the_policy_is_all_that_gives_a_recording_to_somebody() -> None:
    gives = {Action.LINK, Action.HEAR, Action.COPY, Action.CUT, Action.HEAR_FRAGMENT, Action.DISCLOSE}
    assert gives | {Action.CONFIRM_DISCLOSURE} == NEEDS_POLICY


def form(**changes: str) -> dict[str, str]:
    """As the page would send it: what counts, with these changes."""
    values = {name: "" if value is None else str(value) for name, value in decided.flat(live()).items()}
    return values | {"why": "because"} | changes


def propose(client: Client, **changes: str) -> Version:
    answer = client.post("/policy/propose/", form(**changes), follow=True)
    assert answer.redirect_chain, answer.content.decode().partition('id="errors"')[2][:600]
    return Version.objects.get(state=State.PROPOSED)


def test_one_person_proposes_and_another_one_confirms(archive: Archive, make: Make, sign_in: SignIn) -> None:
    administrator, officer = make(Role.ADMINISTRATOR), make(Role.PRIVACY_OFFICER)
    first, second = sign_in(administrator), sign_in(officer)
    before = Version.objects.get(state=State.LIVE)
    proposed = propose(first, unlinked_days="21")
    assert live().unlinked_days == 14
    assert "21 dagen" in second.get("/policy/").content.decode()
    assert first.post(f"/policy/versions/{proposed.pk}/confirm/").status_code == 403
    assert second.get("/policy/propose/").status_code == 403
    assert second.get(f"/policy/versions/{proposed.pk}/confirm/").status_code == 405
    assert live().unlinked_days == 14
    assert second.post(f"/policy/versions/{proposed.pk}/confirm/", follow=True).status_code == 200
    assert terms().unlinked_days == 21
    before.refresh_from_db()
    assert (before.state, before.decided.unlinked_days) == (State.PAST, 14)  # history stays
    assert "14 dagen" in first.get(f"/policy/versions/{before.pk}/").content.decode()
    assert second.post(f"/policy/versions/{proposed.pk}/confirm/").status_code == 404
    told = [json.loads(bytes(line.details or b"{}")) for line in Line.objects.filter(action__contains="_policy")]
    assert {"version": str(proposed.pk), "why": "because"} in told
    assert {"version": str(proposed.pk), "answer": "live"} in told


def test_who_proposed_it_does_not_confirm_it_whatever_role_they_have_by_then(
    archive: Archive, make: Make, sign_in: SignIn
) -> None:
    person = make(Role.ADMINISTRATOR)
    proposed = propose(sign_in(person), client_days="20")
    person.give([Role.PRIVACY_OFFICER], [])
    client = sign_in(Person.objects.get(pk=person.pk))
    for answer in ("confirm", "drop"):
        assert client.post(f"/policy/versions/{proposed.pk}/{answer}/").status_code == 403
    assert live().client_days == 14
    assert Version.objects.get(pk=proposed.pk).state == State.PROPOSED
    assert f"/policy/versions/{proposed.pk}/confirm/" not in client.get("/policy/").content.decode()


def test_a_no_and_a_newer_proposal_leave_what_counts(archive: Archive, make: Make, sign_in: SignIn) -> None:
    first, second = sign_in(make(Role.ADMINISTRATOR)), sign_in(make(Role.PRIVACY_OFFICER))
    old = propose(first, client_days="20")
    new = propose(first, client_days="21")
    assert second.post(f"/policy/versions/{old.pk}/confirm/").status_code == 404  # they saw another one
    second.post(f"/policy/versions/{new.pk}/drop/")
    assert live().client_days == 14
    assert [each.state for each in Version.objects.order_by("pk")] == ["live", "dropped", "dropped"]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_days": "13"},
        {"after_decision_days": "41"},
        {"reminder_days": "14"},
        {"evidence_days": "400"},
        {"ceiling_days": "100"},
        {"ceiling_days": ""},
        {"dpia_on": "2999-01-01"},
        {"basis_training": "g"},
        {"why": ""},
        {"address": "x" * 2_001},
        {},
    ],
)
def test_what_does_not_fit_is_told(changes: dict[str, str], archive: Archive, make: Make, sign_in: SignIn) -> None:
    answer = sign_in(make(Role.ADMINISTRATOR)).post("/policy/propose/", form(**changes))
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert not Version.objects.filter(state=State.PROPOSED).exists()


def test_no_ceiling_takes_back_what_an_earlier_version_promised(archive: Archive, make: Make, sign_in: SignIn) -> None:
    first, second = sign_in(make(Role.ADMINISTRATOR)), sign_in(make(Role.PRIVACY_OFFICER))
    for days in ("200", "126"):
        proposed = propose(first, evidence_days=days)
        second.post(f"/policy/versions/{proposed.pk}/confirm/")
    page = first.post("/policy/propose/", form(ceiling_days="199")).content.decode()
    assert 'role="alert"' in page
    assert propose(first, ceiling_days="200").decided.ceiling_days == 200


@pytest.mark.parametrize("name", [*decided.REQUIRED, *(f"basis_{each}" for each in Purpose)])
def test_anything_that_lacks_keeps_it_out_of_use(name: str, db: None) -> None:
    values = dict(decided.flat(DECIDED))
    assert values[name]
    purpose = Purpose(name.removeprefix("basis_")) if name.startswith("basis_") else None
    bases = {each: basis for each, basis in DECIDED.bases.items() if each is not purpose}
    empty = {name: "" if name in decided.TEXTS else None} if purpose is None else {}
    lacking = msgspec.structs.replace(DECIDED, bases=bases, **empty)
    assert decided.lacking(lacking, 126) == [name]
    assert decided.lacking(DECIDED, 126) == []
    assert decided.lacking(DECIDED, 127) == ["intake_days"]


def test_what_was_written_is_read_and_everything_has_its_words() -> None:
    assert decided.read(decided.write(DECIDED)) == DECIDED
    assert decided.read("{}") == Decided()
    named = [name for _title, names in GROUPS for name in names]
    assert sorted(named) == sorted(decided.flat(DECIDED))
    assert set(named) | {"intake_days"} == set(LABELS)
    assert [each.letter for each in Basis] == list("abcdef")


@pytest.mark.parametrize(
    ("first", "second"), [({"reminder_days": 14}, "reminder_days"), ({"ceiling_days": 100}, "ceiling_days")]
)
def test_what_does_not_go_together_cannot_be_made(first: dict[str, int], second: str) -> None:
    with pytest.raises(PolicyError) as raised:
        Decided(**first)
    assert raised.value.field == second


def test_documents_are_of_what_counts_in_both_languages(archive: Archive, make: Make, sign_in: SignIn) -> None:
    first, second = sign_in(make(Role.ADMINISTRATOR)), sign_in(make(Role.PRIVACY_OFFICER))
    proposed = propose(first, unlinked_days="23", hosting="Datacentre Noord", basis_training="consent")
    second.post(f"/policy/versions/{proposed.pk}/confirm/")
    for language, days, basis in (("nl", "23 dagen", "6 lid 1 onder a"), ("en", "23 days", "6(1)(a)")):
        second.post("/language/", {"language": language})
        register = second.get("/policy/register/").content.decode()
        for part in "abcdefg":
            assert f"({part})" in register
        for text in (days, basis, "Datacentre Noord", "words for privacy_officer", "words for transfers"):
            assert text in register, text
        dpia = second.get("/policy/dpia/").content.decode()
        for text in (
            days,
            basis,
            "Datacentre Noord",
            "words for necessity",
            "15 January 2026",
            "keep what was refused",
        ):
            assert text.replace("January", {"nl": "januari", "en": "January"}[language]) in dpia, text
        for kind, page in (("register", register), ("dpia", dpia)):
            answer = second.get(f"/policy/{kind}/download/")
            assert answer.headers["Content-Disposition"] == f'attachment; filename="{kind}-{language}.html"'
            assert f'lang="{language}"' in answer.content.decode()
            assert "<form" not in answer.content.decode()
            assert ("Datacentre Noord" in page) and ("Datacentre Noord" in answer.content.decode())
    assert second.get("/policy/other/").status_code == 404


def test_risks_name_rows_of_the_threats_to_the_letter() -> None:
    rows = re.findall(r"^\| (.+?) \|", Path("docs/threats.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [row for risk in RISKS for row in risk.threats if row not in rows] == []


def test_nobody_else_sees_what_is_decided(archive: Archive, make: Make, sign_in: SignIn) -> None:
    number = Version.objects.create(text="{}", why="", state=State.DROPPED, person=uuid.uuid4(), at_ms=0).pk
    for role in Role:
        client = sign_in(make(role))
        sees = role in (Role.ADMINISTRATOR, Role.PRIVACY_OFFICER)
        for address in (
            "/policy/",
            f"/policy/versions/{number}/",
            "/policy/register/",
            "/policy/dpia/",
            "/policy/register/download/",
        ):
            assert client.get(address).status_code == (200 if sees else 403), (role, address)
        assert client.get("/policy/propose/").status_code == (200 if role is Role.ADMINISTRATOR else 403)
        for answer in ("confirm", "drop"):
            got = client.post(f"/policy/versions/{number}/{answer}/").status_code
            assert got == (404 if role is Role.PRIVACY_OFFICER else 403)

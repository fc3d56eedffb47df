"""Nobody gets at a recording by what one administrator did to an account: a second person confirms it first."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls.converters import UUIDConverter
from django.utils import timezone

from recorder.archive.access import TABLE, Action, Purpose, Role, waits
from recorder.archive.web.access import Unconfirmed, permit
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.models import Hold
from recorder.archive.web.listening.judging import NotNow, judge
from recorder.archive.web.listening.models import PERMIT_MS, Permit
from recorder.archive.web.meetings.models import Case, Link, Statement
from recorder.archive.web.people import keeping
from recorder.archive.web.people.models import Change, Person
from recorder.archive.web.rights import copy_judging
from recorder.archive.web.rights.kinds import Kind, State
from recorder.archive.web.rights.models import CopyPermit, Request
from recorder.archive.web.rights.opening import open_request
from recorder.archive.web.trail.models import Head, Line
from recorder.archive.web.trail.reading import details
from recorder.archive.web.training import judging as fragment_judging
from tests.web.archive import Archive
from tests.web.conftest import Make
from tests.web.test_routes import GUARDED, VALUES

SignIn = Callable[[Person], Client]
ENGLISH = {"Accept-Language": "en"}
FIRST = "A second person must confirm your account first"
WIDER = {"roles": ["caseworker", "listener"], "rooms": ["room-1"]}
MORE_ROOMS = {"roles": ["caseworker"], "rooms": ["room-1", "room-2"]}
BECAUSE = {"reason": "came to my desk"}


def again(person: Person) -> Person:
    return Person.objects.get(pk=person.pk)


def come(person: Person) -> None:
    """As if this person had signed in just now."""
    Person.objects.filter(pk=person.pk).update(last_login=timezone.now() + timedelta(seconds=1))


def unconfirmed(person: Person) -> Person:
    Person.objects.filter(pk=person.pk).update(confirmed_ms=None)
    return again(person)


def confirm(client: Client, whom: Person) -> Any:
    """Look at the account, and say that it is right, whatever the page offers."""
    address = f"/confirmations/{whom.pk}/"
    found = re.search(r'name="seen" value="(\d*)"', client.get(address).content.decode())
    newest = Change.objects.filter(person=whom).order_by("pk").last()
    return client.post(address, {"seen": found[1] if found else str(newest.pk if newest else "")}, headers=ENGLISH)


@pytest.mark.parametrize(
    ("act", "said", "waiting"),
    [
        ("invite", BECAUSE, True),
        ("second-step", BECAUSE, True),
        ("roles", WIDER, True),
        ("roles", MORE_ROOMS, True),
        ("roles", {"roles": ["caseworker"], "rooms": ["room-1"]}, False),
        ("roles", {"roles": ["caseworker"], "rooms": []}, False),
        ("roles", {"roles": [], "rooms": []}, False),
        ("reviewed", {}, False),
        ("deactivate", {}, False),
    ],
)
def test_what_one_administrator_does_to_an_account_a_second_person_confirms(
    act: str, said: dict[str, Any], waiting: bool, archive: Archive, make: Make, sign_in: SignIn
) -> None:
    by, whom = make(Role.ADMINISTRATOR), make(Role.CASEWORKER, rooms=["room-1"])
    make(Role.PRIVACY_OFFICER)
    assert sign_in(by).post(f"/accounts/{whom.pk}/{act}/", said).status_code in (200, 302)
    assert again(whom).confirmed is not waiting
    assert [each.by for each in whom.changes.all()] == ([by] if waiting else [])


def test_a_new_account_and_one_that_was_let_in_again_wait(archive: Archive, make: Make, sign_in: SignIn) -> None:
    client, ended = sign_in(make(Role.ADMINISTRATOR)), make(Role.LISTENER)
    make(Role.PRIVACY_OFFICER)
    client.post("/accounts/new/", {"email": "n@gemeente.example", "name": "N", "roles": ["listener"], "rooms": []})
    assert not Person.objects.get(email="n@gemeente.example").confirmed
    client.post(f"/accounts/{ended.pk}/deactivate/")
    assert again(ended).confirmed
    client.post(f"/accounts/{ended.pk}/invite/", BECAUSE)
    assert again(ended).is_active and not again(ended).confirmed


@pytest.mark.parametrize(("address", "actions"), GUARDED)
def test_every_page_of_what_waits_says_so_and_writes_it_down(
    address: str, actions: tuple[Action, ...], archive: Archive, make: Make, sign_in: SignIn
) -> None:
    for role in Role:
        person = unconfirmed(make(role))
        held = [each for each in actions if each in TABLE[role]]
        if not held:
            continue
        before = Line.objects.count()
        answer = sign_in(person).get(f"/{address}", headers=ENGLISH)
        if all(waits(each, own=True) for each in held):
            assert (answer.status_code, FIRST in answer.content.decode()) == (403, True), (role, address)
            (line,) = Line.objects.order_by("number")[before:]
            assert (line.result, line.person) == ("refused", str(person.pk))
        else:
            assert answer.status_code in (200, 404, 405), (role, address)


@pytest.mark.parametrize("role", Role)
def test_whatever_a_view_asks_for_is_refused_until_then(role: Role, archive: Archive, make: Make) -> None:
    person = unconfirmed(make(role))
    for action, permission in TABLE[role].items():
        for purpose in permission.purposes or (None,):
            for own in {permission.own, True}:
                if waits(action, own=own):
                    with pytest.raises(Unconfirmed):
                        permit(person, action, purpose, own=own)
                else:
                    permit(person, action, purpose, own=own)


def test_a_new_caseworker_names_cases_and_sees_their_own_and_hears_nothing(
    archive: Archive, make: Make, sign_in: SignIn
) -> None:
    whom = unconfirmed(make(Role.CASEWORKER, rooms=["room-1"]))
    client, recording = sign_in(whom), archive.record("room-1").id
    page = client.get("/meetings/", headers=ENGLISH).content.decode()
    assert recording in page and "Your account is not yet confirmed." in page
    client.post(f"/meetings/{recording}/case/", {"case": "Z-1", "there": "on"})
    assert client.get(f"/recordings/{recording}/").status_code == 200
    said = {"purpose": "decision", "case": "Z-1", "reason": "because"}
    assert FIRST in client.post(f"/recordings/{recording}/hear/", said, headers=ENGLISH).content.decode()
    assert not Permit.objects.exists()
    keeping.confirm(again(whom))
    assert "/listen/" in client.post(f"/recordings/{recording}/hear/", said).headers["Location"]


def test_who_waits_says_nothing_against_a_colleagues_link(archive: Archive, make: Make, sign_in: SignIn) -> None:
    """Until it was settled the colleague could not hear their own meeting."""
    colleague, whom = (make(Role.CASEWORKER, rooms=["room-1"]) for _ in range(2))
    recording, disputed = archive.record("room-1").id, "/wrong/"
    sign_in(colleague).post(f"/meetings/{recording}/case/", {"case": "Z-1", "there": "on"})
    client = sign_in(unconfirmed(whom))
    page = client.get("/meetings/").content.decode()
    assert colleague.name in page and disputed not in page
    assert client.post(f"/meetings/{recording}/wrong/").status_code == 403
    assert not Link.objects.get().disputed
    keeping.confirm(again(whom))
    assert disputed in client.get("/meetings/").content.decode()
    assert client.post(f"/meetings/{recording}/wrong/").status_code == 302


def test_who_waits_reads_no_words_of_a_client_and_takes_no_case_away(
    archive: Archive, make: Make, sign_in: SignIn
) -> None:
    """Who took over an account would lock its person out of the meeting, and have it erased sooner."""
    whom, recording = make(Role.CASEWORKER, rooms=["room-1"]), archive.record("room-1").id
    sign_in(whom).post(f"/meetings/{recording}/case/", {"case": "Z-1", "there": "on"})
    Statement.objects.create(recording=recording, text="Ik was ziek", of_client=True, person=whom, at_ms=now_ms())
    before = list(Link.objects.values())
    client = sign_in(unconfirmed(whom))
    page = client.get(f"/recordings/{recording}/", headers=ENGLISH).content.decode()
    assert "Ik was ziek" not in page and "You see them once a second person" in page
    for offered in ("hear", "statement", "case", "decide", "hold"):
        assert f"/recordings/{recording}/{offered}/" not in page
    assert client.post(f"/recordings/{recording}/back/").status_code == 403
    assert client.get(f"/recordings/{recording}/case/").status_code == 403
    assert client.post(f"/recordings/{recording}/case/", {"case": "Z-2"}).status_code == 403
    assert list(Link.objects.values()) == before
    assert [each.result for each in Line.objects.filter(action="unlink")] == ["refused"] * 3
    keeping.confirm(again(whom))
    assert "Ik was ziek" in client.get(f"/recordings/{recording}/").content.decode()
    assert client.post(f"/recordings/{recording}/back/").status_code == 302


@pytest.mark.parametrize("role", sorted({*Role} - {Role.CASE_SYSTEM}))
def test_who_waits_is_led_to_nothing_that_is_refused(role: Role, archive: Archive, make: Make, sign_in: SignIn) -> None:
    client = sign_in(unconfirmed(make(role)))
    page = client.get("/", follow=True, headers=ENGLISH)
    assert page.status_code == 200 and "Your account is not yet confirmed." in page.content.decode()
    for address in re.findall(r'<li><a href="([^"]+)"', page.content.decode()):
        assert client.get(address).status_code == 200, address
    assert not Line.objects.exists()


@pytest.mark.parametrize("role", [Role.PRIVACY_OFFICER, Role.ADMINISTRATOR, Role.LISTENER])
def test_who_waits_reads_for_whom_and_asks_nobody(role: Role, archive: Archive, make: Make, sign_in: SignIn) -> None:
    """A privacy officer was told to ask the privacy officer, and a listener to ask who keeps the accounts."""
    make(Role.ADMINISTRATOR, name="Bea")
    client = sign_in(unconfirmed(make(role)))
    for address in ("/", "/confirmations/", "/find/"):
        page = client.get(address, follow=True, headers=ENGLISH).content.decode()
        assert "Ask the privacy officer" not in page and "Ask who keeps" not in page
        if FIRST in page or "Your account is not yet confirmed." in page:
            assert "An administrator or a privacy officer does that: not you," in page
            assert "You need to do nothing else." in page
    first = client.get("/", follow=True, headers=ENGLISH).content.decode()
    assert ("once your account is confirmed" in first) is (role is Role.LISTENER)


def test_the_first_administrator_reads_that_nobody_can_confirm_and_by_which_command_somebody_will(
    archive: Archive, make: Make, sign_in: SignIn
) -> None:
    first, stuck = make(Role.ADMINISTRATOR), "there is nobody who may confirm it"
    client = sign_in(first)
    assert stuck not in client.get("/confirmations/", headers=ENGLISH).content.decode(), "nothing waits"
    told = {"email": "wim@gemeente.example", "name": "Wim", "roles": ["privacy_officer"]}
    assert client.post("/accounts/new/", told).status_code == 200
    wim = Person.objects.get(name="Wim")
    TOTP.activate(wim, generate_totp_secret())
    for address in ("/confirmations/", f"/confirmations/{wim.pk}/"):
        page = client.get(address, headers=ENGLISH).content.decode()
        assert stuck in page and "account ADDRESS &quot;NAME&quot; --role administrator" in page.replace('"', "&quot;")
    page = sign_in(wim).get("/", follow=True, headers=ENGLISH).content.decode()
    assert "At this moment nobody can" in page and "You need to do nothing else." not in page
    second = make(Role.ADMINISTRATOR, name="Bob")  # as the command makes it
    for person in (first, second):
        assert stuck not in sign_in(person).get("/confirmations/", headers=ENGLISH).content.decode()
        assert stuck not in sign_in(person).get(f"/confirmations/{wim.pk}/", headers=ENGLISH).content.decode()
    page = sign_in(wim).get("/", follow=True, headers=ENGLISH).content.decode()
    assert "At this moment nobody can" not in page and "You need to do nothing else." in page
    keeping.deactivate(second)
    assert stuck in client.get("/confirmations/", headers=ENGLISH).content.decode()


def test_a_token_that_nobody_may_confirm_is_told(archive: Archive, make: Make, sign_in: SignIn) -> None:
    client = sign_in(make(Role.ADMINISTRATOR))
    client.post("/tokens/", {"name": "Suite", "actions": ["link"], "days": "30"})
    assert "there is nobody who may confirm it" in client.get("/confirmations/", headers=ENGLISH).content.decode()
    make(Role.PRIVACY_OFFICER)
    assert "there is nobody who may confirm it" not in client.get("/confirmations/", headers=ENGLISH).content.decode()


SAID = {
    "case": "Z-2",
    "there": "on",
    "number": "K-1",
    "what": "Z-1",
    "token": "x",
    "name": "X",
    "email": "x@y.example",
    "words": "x",
    "reason": "x",
    "text": "x",
    "why": "x",
    "found": "wrong",
    "kind": "access",
    "channel": "letter",
    "purpose": "decision",
    "until": "2030-01-01",
    "outcome": "granted",
    "day": "2026-01-01",
    "to": "x",
    "sure": "on",
    "given_to": "x",
    "language": "nl",
    "ground": "duty",
    "actions": "decide",
    "days": "3",
    "roles": "caseworker",
    "start": "0:01",
    "stop": "0:03",
    "whom": "x",
    "proposed_ms": "1",
    "seen": "",
    "goal": "x",
    "statement": "x",
}
"""Something for whatever a form asks."""


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows but of the trail, which tells of what was refused, and of sessions and tries."""
    models = [each for each in apps.get_models() if each.__module__.startswith("recorder.archive.web.")]
    return {each.__name__: list(each.objects.order_by("pk").values()) for each in models if each not in (Line, Head)}


@pytest.mark.parametrize("role", sorted({*Role} - {Role.CASE_SYSTEM}))
def test_who_waits_changes_nothing_that_others_see(role: Role, archive: Archive, make: Make, sign_in: SignIn) -> None:
    """Whatever they send to whatever address: a colleague's link, a request, a hold, an account stay as they are."""
    colleague, whom = make(Role.CASEWORKER, rooms=["room-1"]), make(role, rooms=["room-1"])
    theirs, own = archive.record("room-1").id, archive.record("room-1").id
    for person, recording in ((colleague, theirs), (whom, own)):
        case = Case.objects.get_or_create(number="Z-1")[0]
        Link.objects.create(recording=recording, case=case, person=person, device="room-1", at_ms=now_ms())
    asked = open_request(theirs, Kind.ACCESS, "", person=None)
    Hold.objects.create(
        case=case,
        kind="objection",
        reason="x",
        expires_ms=now_ms() + 10**9,
        placed_by=colleague,
        placed_ms=now_ms(),
        at_once=True,
    )
    client, before = sign_in(unconfirmed(whom)), everything()
    for pattern, _actions in GUARDED:
        parts = {"0" * 32: (theirs, own), str(VALUES[UUIDConverter]): (str(asked.pk), str(colleague.pk))}
        for part, values in parts.items():
            for value in values if part in pattern else ():
                client.post(f"/{pattern.replace(part, value)}", SAID)
        client.post(f"/{pattern}", SAID)
    assert everything() == before


def test_nobody_elses_recording_is_seen_by_its_number(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record("room-1").id
    for role in (Role.LISTENER, Role.RIGHTS_DESK):
        answer = sign_in(unconfirmed(make(role))).get(f"/recordings/{recording}/", headers=ENGLISH)
        assert answer.status_code == 403 and FIRST in answer.content.decode()


def test_the_reading_room_judges_it_itself(archive: Archive, make: Make) -> None:
    """By what the pages wrote nobody hears: who breaks into them would have it so."""
    recording, whom = archive.record("room-1").id, make(Role.LISTENER)
    Link.objects.create(
        recording=recording, case=Case.objects.create(number="Z-1"), person=None, device="room-1", at_ms=now_ms()
    )
    held = Permit.objects.create(
        person=whom,
        recording=recording,
        purpose=Purpose.OBJECTION.value,
        case="Z-1",
        reason="x",
        until_ms=now_ms() + PERMIT_MS,
    )
    judge(held)
    held.person = unconfirmed(whom)
    with pytest.raises(NotNow, match="unconfirmed"):
        judge(held)


def test_so_it_judges_a_copy(archive: Archive, make: Make) -> None:
    recording, clerk = archive.record("room-1").id, make(Role.RIGHTS_DESK)
    asked = open_request(recording, Kind.ACCESS, "", person=None)
    Request.objects.filter(pk=asked.pk).update(state=State.GRANTED.value, decided_by=clerk, decided_ms=now_ms())
    held = CopyPermit.objects.create(
        person=clerk,
        recording=recording,
        request=Request.objects.get(pk=asked.pk),
        given_to="x",
        language="nl",
        at_ms=now_ms(),
        until_ms=now_ms() + 60_000,
    )
    copy_judging.judge(held)
    held.person = unconfirmed(clerk)
    with pytest.raises(NotNow, match="unconfirmed"):
        copy_judging.judge(held)


@pytest.mark.parametrize("action", [Action.CUT, Action.HEAR_FRAGMENT, Action.APPROVE_FRAGMENT])
def test_so_it_judges_a_fragment(action: Action, archive: Archive, make: Make) -> None:
    trainer = make(Role.TRAINER)
    assert fragment_judging._role(trainer, action) is Role.TRAINER
    with pytest.raises(NotNow, match="unconfirmed"):
        fragment_judging._role(unconfirmed(trainer), action)


@pytest.mark.parametrize("second", [Role.ADMINISTRATOR, Role.PRIVACY_OFFICER])
def test_another_person_sees_what_was_done_and_confirms_it(
    second: Role, archive: Archive, make: Make, sign_in: SignIn
) -> None:
    by, whom = make(Role.ADMINISTRATOR, name="Bea"), make(Role.CASEWORKER, rooms=["room-1"], name="Wim")
    client = sign_in(make(second))
    sign_in(by).post(f"/accounts/{whom.pk}/roles/", WIDER)
    sign_in(by).post(f"/accounts/{whom.pk}/invite/", BECAUSE)
    come(whom)
    assert "Accounts to confirm (1)" in client.get("/confirmations/", headers=ENGLISH).content.decode()
    assert "Wim" in client.get("/confirmations/").content.decode()
    page = client.get(f"/confirmations/{whom.pk}/", headers=ENGLISH).content.decode()
    for told in ("Bea", "roles changed", "new link", "came to my desk", "Roles before: caseworker", "listener for"):
        assert told in page, told
    answer = confirm(client, whom)
    assert answer.headers["Location"] == "/confirmations/"
    assert again(whom).confirmed and not Change.objects.exists()
    line = Line.objects.get(action="confirm_account")
    assert details(line) == {"account": str(whom.pk), "roles": "caseworker listener"}
    assert str(whom.pk).encode() not in bytes(line.text)
    assert client.get(f"/confirmations/{whom.pk}/").status_code == 404, "no more of accounts is seen there"
    assert "Accounts to confirm (" not in client.get("/confirmations/", headers=ENGLISH).content.decode()


def test_administrators_see_on_top_of_the_accounts_which_wait(archive: Archive, make: Make, sign_in: SignIn) -> None:
    whom = unconfirmed(make(Role.CASEWORKER))
    client = sign_in(make(Role.ADMINISTRATOR))
    assert f"/confirmations/{whom.pk}/" in client.get("/accounts/").content.decode()
    assert "not yet" in client.get(f"/accounts/{whom.pk}/", headers=ENGLISH).content.decode()


def test_who_did_any_of_it_confirms_none_of_it(archive: Archive, make: Make, sign_in: SignIn) -> None:
    """Also not when a colleague has done something to it since, which was all they looked at."""
    first, last, whom = make(Role.ADMINISTRATOR), make(Role.ADMINISTRATOR), make(Role.CASEWORKER)
    sign_in(first).post(f"/accounts/{whom.pk}/roles/", WIDER)
    sign_in(last).post(f"/accounts/{whom.pk}/invite/", BECAUSE)
    come(whom)
    for each in (first, last):
        page = sign_in(each).get(f"/confirmations/{whom.pk}/").content.decode()
        assert 'name="seen"' not in page
        assert confirm(sign_in(each), whom).status_code == 403
        line = Line.objects.filter(action="confirm_account").order_by("number").last()
        assert line is not None and (line.person, line.result) == (str(each.pk), "refused")
    assert not again(whom).confirmed


def test_nobody_confirms_themself_or_by_an_account_that_waits_too(
    archive: Archive, make: Make, sign_in: SignIn
) -> None:
    """Who took over a colleague's account has two accounts, and is still one person."""
    by, colleague, whom = make(Role.ADMINISTRATOR), make(Role.ADMINISTRATOR), make(Role.CASEWORKER)
    make(Role.PRIVACY_OFFICER)
    sign_in(by).post(f"/accounts/{colleague.pk}/second-step/", BECAUSE)
    sign_in(by).post(f"/accounts/{whom.pk}/roles/", WIDER)
    for each in (colleague, whom):
        come(each)
    taken_over = sign_in(again(colleague))
    TOTP.activate(again(colleague), generate_totp_secret())
    for each in (colleague, whom):
        assert taken_over.post(f"/confirmations/{each.pk}/", {"seen": ""}).status_code == 403
        assert not again(each).confirmed
    new = {"email": "n@gemeente.example", "name": "N", "roles": ["listener"], "rooms": []}
    assert taken_over.post("/accounts/new/", new).status_code == 403
    with pytest.raises(PermissionDenied), keeping.keeping(again(colleague), by):
        pass
    with pytest.raises(PermissionDenied), keeping.keeping(by, by, Action.CONFIRM_ACCOUNT):
        pass


def test_nothing_is_confirmed_before_its_person_has_signed_in(archive: Archive, make: Make, sign_in: SignIn) -> None:
    """Until then there is a link, and who else has it nobody knows."""
    by, whom, officer = make(Role.ADMINISTRATOR), make(Role.CASEWORKER), sign_in(make(Role.PRIVACY_OFFICER))
    come(whom)
    Person.objects.filter(pk=whom.pk).update(last_login=timezone.now() - timedelta(days=1))
    sign_in(by).post(f"/accounts/{whom.pk}/invite/", BECAUSE)
    assert 'name="seen"' not in officer.get(f"/confirmations/{whom.pk}/").content.decode()
    confirm(officer, whom)
    assert not again(whom).confirmed


def test_a_link_is_worth_nothing_after_a_sign_in(archive: Archive, make: Make) -> None:
    whom = make(Role.CASEWORKER)
    link = keeping.invite(whom)
    assert b"password1" in Client().get(link, follow=True).content
    come(whom)
    assert b"password1" not in Client().get(link, follow=True).content


def test_what_was_done_meanwhile_is_not_confirmed_unseen(archive: Archive, make: Make, sign_in: SignIn) -> None:
    by, whom, officer = make(Role.ADMINISTRATOR), make(Role.CASEWORKER), sign_in(make(Role.PRIVACY_OFFICER))
    sign_in(by).post(f"/accounts/{whom.pk}/invite/", BECAUSE)
    seen = str(Change.objects.get().pk)
    sign_in(by).post(f"/accounts/{whom.pk}/roles/", WIDER)
    come(whom)
    answer = officer.post(f"/confirmations/{whom.pk}/", {"seen": seen}, follow=True, headers=ENGLISH)
    assert "Nothing is confirmed" in answer.content.decode()
    assert not again(whom).confirmed and Change.objects.count() == 2
    assert not Line.objects.filter(action="confirm_account").exists()


@pytest.mark.parametrize("role", sorted({*Role} - {Role.ADMINISTRATOR, Role.PRIVACY_OFFICER}))
def test_nobody_else_confirms(role: Role, archive: Archive, make: Make, sign_in: SignIn) -> None:
    whom = unconfirmed(make(Role.CASEWORKER))
    client = sign_in(make(role))
    assert client.get("/confirmations/").status_code == 403
    assert client.post(f"/confirmations/{whom.pk}/", {"seen": ""}).status_code == 403
    assert not again(whom).confirmed


OFFICERS_ROOM = {"roles": ["privacy_officer"], "rooms": ["room-1"]}
NOBODY = "Then nobody but you could confirm accounts."
ONLY_OFFICER = "This is the only privacy officer."


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("invite", BECAUSE),
        ("second-step", BECAUSE),
        ("roles", {"roles": ["administrator"], "rooms": []}),
        ("roles", {"roles": [], "rooms": ["room-1"]}),
    ],
)
def test_one_administrator_blinds_no_only_officer(
    act: str, said: dict[str, Any], active: bool, archive: Archive, make: Make, sign_in: SignIn
) -> None:
    """The account would wait for somebody who is not there: neither who acts nor its person confirms it."""
    client, officer = sign_in(make(Role.ADMINISTRATOR)), make(Role.PRIVACY_OFFICER)
    unconfirmed(make(Role.PRIVACY_OFFICER))
    Person.objects.filter(pk=make(Role.ADMINISTRATOR, name="ended").pk).update(is_active=False)
    Person.objects.filter(pk=officer.pk).update(is_active=active)
    before = Person.objects.values().get(pk=officer.pk)
    answer = client.post(f"/accounts/{officer.pk}/{act}/", said, headers=ENGLISH)
    told = ONLY_OFFICER if act == "roles" and active else NOBODY
    assert answer.status_code == 200 and told in answer.content.decode()
    assert Person.objects.values().get(pk=officer.pk) == before and again(officer).roles == officer.roles
    assert not Line.objects.filter(action="keep_accounts").exists() and not Change.objects.exists()
    make(Role.PRIVACY_OFFICER, name="another")
    answer = client.post(f"/accounts/{officer.pk}/{act}/", said, headers=ENGLISH)
    assert told not in answer.content.decode()
    assert Line.objects.filter(action="keep_accounts").exists()


@pytest.mark.parametrize(
    ("act", "said"), [("deactivate", {}), ("roles", {"roles": ["administrator"]}), ("roles", {"rooms": ["room-1"]})]
)
@pytest.mark.parametrize("confirmed", [True, False])
def test_the_only_privacy_officer_is_not_taken_away(
    act: str, said: dict[str, Any], confirmed: bool, archive: Archive, make: Make, sign_in: SignIn
) -> None:
    """Also where other administrators confirm accounts: nobody else watches. Nor in two steps, of which one unconfirms them."""
    client, officer = sign_in(make(Role.ADMINISTRATOR)), make(Role.PRIVACY_OFFICER)
    make(Role.ADMINISTRATOR, name="another")
    unconfirmed(make(Role.PRIVACY_OFFICER, name="not yet"))
    Person.objects.filter(pk=make(Role.PRIVACY_OFFICER, name="ended").pk).update(is_active=False)
    if not confirmed:
        officer = unconfirmed(officer)
    before = Person.objects.values().get(pk=officer.pk)
    answer = client.post(f"/accounts/{officer.pk}/{act}/", said, headers=ENGLISH, follow=True)
    assert ONLY_OFFICER in answer.content.decode()
    assert Person.objects.values().get(pk=officer.pk) == before and again(officer).roles == officer.roles
    assert not Line.objects.filter(action="keep_accounts").exists()
    make(Role.PRIVACY_OFFICER, name="second")
    answer = client.post(f"/accounts/{officer.pk}/{act}/", said, headers=ENGLISH, follow=True)
    assert ONLY_OFFICER not in answer.content.decode()
    assert Line.objects.filter(action="keep_accounts").exists()


def test_what_takes_no_privacy_officer_away_is_done(archive: Archive, make: Make, sign_in: SignIn) -> None:
    client, ended = sign_in(make(Role.ADMINISTRATOR)), make(Role.PRIVACY_OFFICER)
    make(Role.ADMINISTRATOR, name="another")
    Person.objects.filter(pk=ended.pk).update(is_active=False)
    other = make(Role.CASEWORKER)
    client.post(f"/accounts/{ended.pk}/roles/", {"rooms": ["room-1"]})
    client.post(f"/accounts/{other.pk}/deactivate/")
    assert not again(ended).roles and not again(other).is_active


def test_a_room_more_is_nothing_to_who_names_no_cases(archive: Archive, make: Make, sign_in: SignIn) -> None:
    client, officer = sign_in(make(Role.ADMINISTRATOR)), make(Role.PRIVACY_OFFICER)
    assert client.post(f"/accounts/{officer.pk}/roles/", OFFICERS_ROOM).status_code == 302
    assert again(officer).rooms == ["room-1"] and again(officer).confirmed
    assert sign_in(again(officer)).get("/waiting/").status_code == 200


def test_a_confirmed_or_ended_account_is_not_there(archive: Archive, make: Make, sign_in: SignIn) -> None:
    client, ended = sign_in(make(Role.PRIVACY_OFFICER)), unconfirmed(make(Role.CASEWORKER, name="Ended"))
    Person.objects.filter(pk=ended.pk).update(is_active=False)
    for each in (ended, make(Role.LISTENER, name="Fine")):
        assert client.get(f"/confirmations/{each.pk}/").status_code == 404
        assert each.name not in client.get("/confirmations/").content.decode()


def test_the_reason_of_a_flag_is_not_for_an_account_that_waits(archive: Archive, make: Make, sign_in: SignIn) -> None:
    sign_in(make(Role.RIGHTS_DESK)).post("/do-not-record/set/", {"number": "K1", "reason": "Vanwege vroeger"})
    page = sign_in(unconfirmed(make(Role.RIGHTS_DESK))).post("/do-not-record/", {"number": "K1"}).content.decode()
    assert 'role="alert"' in page and "vroeger" not in page


def test_the_trail_names_what_was_done(archive: Archive, make: Make, sign_in: SignIn) -> None:
    by, whom = make(Role.ADMINISTRATOR), make(Role.CASEWORKER, rooms=["room-1"])
    make(Role.PRIVACY_OFFICER)
    sign_in(by).post(f"/accounts/{whom.pk}/roles/", WIDER)
    line = Line.objects.get(action="keep_accounts")
    assert whom.changes.get().line == line.number
    assert (
        details(line)
        == json.loads(bytes(line.details or b""))
        == {
            "account": str(whom.pk),
            "act": "roles",
            "roles": "caseworker listener",
            "rooms": "room-1",
            "roles_before": "caseworker",
            "rooms_before": "room-1",
        }
    )

"""What a program can do by a token, and what it cannot."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation

from recorder.archive.access import Action, Purpose, Role
from recorder.archive.web.api.calls import api
from recorder.archive.web.api.models import Token
from recorder.archive.web.api.tokens import make as make_token
from recorder.archive.web.api.tokens import to_confirm
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.models import Going, Hold
from recorder.archive.web.meetings.models import Case, Link
from recorder.archive.web.meetings.seen import see
from recorder.archive.web.people.models import Person
from recorder.archive.web.policy.models import Version
from recorder.archive.web.times import in_words, moment
from recorder.archive.web.trail.finding import show
from recorder.archive.web.trail.models import Line
from recorder.wire.consent import DAY_MS
from tests.web.archive import Archive
from tests.web.conftest import Make

MakeToken = Callable[..., str]
ENGLISH = {"Accept-Language": "en"}
ALL = (Action.LIST_UNLINKED, Action.LINK, Action.DECIDE, Action.HOLD)


@pytest.fixture
def token(make: Make) -> MakeToken:
    """Makes a token that may do these."""
    person = make(Role.ADMINISTRATOR)

    def made(*actions: Action, purposes: Collection[Purpose] = tuple(Purpose)) -> str:
        token = make_token(person, "a program", actions, purposes, 30)
        to_confirm().update(confirmed_ms=now_ms())
        return token

    return made


def call(method: str, address: str, token: str, body: object = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Client(headers=headers).generic(
        method,
        f"/api/v1{address}",
        "" if body is None else __import__("json").dumps(body),
        content_type="application/json",
    )


def window(hours: int = 20) -> str:
    begin = datetime.now(UTC) - timedelta(hours=hours - 1)
    return f"begin={begin.isoformat().replace('+', '%2B')}&hours={hours}"


def test_a_case_system_finds_a_meeting_and_names_its_case(archive: Archive, token: MakeToken, make: Make) -> None:
    recording, elsewhere = archive.record("room-1"), archive.record("room-2")
    person = make(Role.CASEWORKER, rooms=["room-1"])
    bearer = token(*ALL)
    found = call("GET", f"/unlinked?room=room-1&{window()}", bearer).json()
    assert [each["recording"] for each in found] == [recording.id]
    answer = call("PUT", f"/recordings/{recording.id}/case", bearer, {"case": "Z-1", "person": person.email})
    assert answer.status_code == 200, answer.content
    link = Link.objects.get(recording=recording.id)
    assert (link.case.number, link.person) == ("Z-1", person)
    assert call("GET", f"/unlinked?room=room-1&{window()}", bearer).json() == []
    assert (
        call("PUT", f"/recordings/{recording.id}/case", bearer, {"case": "Z-1", "person": person.email}).status_code
        == 200
    )
    assert call("PUT", f"/recordings/{recording.id}/case", bearer, {"case": "Z-2"}).status_code == 404
    assert call("PUT", f"/recordings/{'0' * 32}/case", bearer, {"case": "Z-2"}).status_code == 404
    assert call("POST", "/decisions", bearer, {"case": "Z-1", "day": "2026-11-01"}).json() == {"recordings": 1}
    decided_ms = Case.objects.get(number="Z-1").decided_ms
    assert decided_ms is not None
    assert call("POST", "/decisions", bearer, {"case": "Z-1", "day": "2026-10-01"}).json() == {"recordings": 1}
    assert call("POST", "/decisions", bearer, {"case": "Z-1", "day": "9999-12-31"}).status_code == 409
    assert Case.objects.get(number="Z-1").decided_ms == decided_ms
    assert call("POST", "/decisions", bearer, {"case": "Z-3", "day": "2026-11-01"}).status_code == 404
    lines = Line.objects.filter(action="link", recording=recording.id)
    assert [each.person for each in lines] == [f"token-{Token.objects.get().pk}"]
    assert not Link.objects.filter(recording=elsewhere.id).exists()


@pytest.mark.parametrize("whose", ["nobody", "listener", "elsewhere", "ended"])
def test_a_meeting_becomes_nobodys_who_could_not_have_had_it(
    whose: str, archive: Archive, token: MakeToken, make: Make
) -> None:
    recording = archive.record("room-1")
    person = make(
        Role.LISTENER if whose == "listener" else Role.CASEWORKER,
        rooms=["room-2" if whose == "elsewhere" else "room-1"],
    )
    if whose == "ended":
        Person.objects.filter(pk=person.pk).update(is_active=False)
    told = {"case": "Z-1", "person": "nobody@gemeente.example" if whose == "nobody" else person.email}
    answer = call("PUT", f"/recordings/{recording.id}/case", token(*ALL), told)
    assert answer.status_code == 404
    assert answer.json() == {"detail": "There is no caseworker of this room with this address."}
    assert not Link.objects.exists()


def test_a_token_is_for_what_it_was_given_for(archive: Archive, token: MakeToken) -> None:
    recording = archive.record()
    bearer = token(Action.DECIDE)
    assert call("PUT", f"/recordings/{recording.id}/case", bearer, {"case": "Z-1"}).status_code == 403
    assert Line.objects.filter(action="link", person__startswith="token-").exists()
    assert not Link.objects.exists()


def test_an_objection_holds_what_is_of_its_case_until_somebody_confirms_it(archive: Archive, token: MakeToken) -> None:
    recording, bearer = archive.record(), token(*ALL)
    call("PUT", f"/recordings/{recording.id}/case", bearer, {"case": "Z-1"})
    told = {"case": "Z-1", "kind": "objection", "reason": "An objection came in.", "days": 90}
    assert call("POST", "/holds", bearer, told).json() == {"recordings": 1}
    assert call("POST", "/holds", bearer, told).json() == {"recordings": 1}
    assert Hold.objects.get().placed_by is None
    assert see([recording.id])[0].fate.kept
    line = Line.objects.get(action="hold")
    (shown,) = show([line])
    assert str(shown.purpose) == "een bezwaar"
    until = in_words(moment(now_ms() + 90 * DAY_MS))
    assert [(str(name), text) for name, text in shown.told][1:] == [("Reden", told["reason"]), ("Tot", until)]
    assert call("POST", "/holds", bearer, told | {"kind": "other"}).status_code == 422
    assert call("POST", "/holds", bearer, told | {"days": 366}).status_code == 422


def test_what_is_being_deleted_gets_no_case_and_is_kept_by_no_hold(archive: Archive, token: MakeToken) -> None:
    recordings, bearer = [archive.record() for _ in range(3)], token(*ALL)
    for each in recordings[:2]:
        call("PUT", f"/recordings/{each.id}/case", bearer, {"case": "Z-1"})
    for each in recordings[1:]:
        Going.objects.create(recording=each.id, cause="unlinked")
    told = {"case": "Z-1", "kind": "objection", "reason": "An objection came in.", "days": 90}
    assert call("POST", "/holds", bearer, told).json() == {"recordings": 1}
    answer = call("PUT", f"/recordings/{recordings[2].id}/case", bearer, {"case": "Z-1"})
    assert (answer.status_code, "being deleted" in answer.json()["detail"]) == (409, True)
    assert not Link.objects.filter(recording=recordings[2].id).exists()


@pytest.mark.parametrize(
    ("method", "address", "told"),
    [
        ("POST", "/holds", {"case": "Z-1", "kind": "appeal", "reason": "x\ud800", "days": 9}),
        ("POST", "/holds", {"case": "Z-1", "kind": "appeal", "reason": "x\0x", "days": 9}),
        ("POST", "/decisions", {"case": "Z\ud800", "day": "2026-11-01"}),
        ("PUT", f"/recordings/{'0' * 32}/case", {"case": "Z-1", "person": "a\ud800@gemeente.example"}),
        ("PUT", f"/recordings/{'0' * 32}/case", {"case": "Z-1", "person": "a\0@gemeente.example"}),
    ],
)
def test_what_is_no_text_is_refused_and_breaks_nothing(
    method: str, address: str, told: object, archive: Archive, token: MakeToken
) -> None:
    assert call(method, address, token(*ALL), told).status_code in (400, 404, 422)


def test_a_token_holds_for_the_purposes_that_it_has(archive: Archive, token: MakeToken) -> None:
    bearer = token(Action.HOLD, purposes=[Purpose.APPEAL])
    told = {"case": "Z-1", "kind": "objection", "reason": "x", "days": 9}
    assert call("POST", "/holds", bearer, told).status_code == 403
    assert not Hold.objects.exists()
    assert call("POST", "/holds", bearer, told | {"kind": "appeal"}).status_code == 200


@pytest.mark.parametrize("flaw", ["none", "other", "revoked", "over", "cookie"])
def test_what_is_no_good_token_gets_nothing(flaw: str, archive: Archive, token: MakeToken, make: Make) -> None:
    bearer = token(*ALL)
    match flaw:
        case "none":
            bearer = ""
        case "other":
            bearer = bearer[:-1] + ("A" if bearer[-1] != "A" else "B")
        case "revoked":
            Token.objects.update(revoked_ms=now_ms())
        case "over":
            Token.objects.update(until_ms=now_ms())
    if flaw == "cookie":  # a person's session is no token
        client = Client()
        client.force_login(make(Role.CASEWORKER, rooms=["room-1"]))
        assert client.get(f"/api/v1/unlinked?room=room-1&{window()}").status_code == 401
        return
    assert call("GET", f"/unlinked?room=room-1&{window()}", bearer).status_code == 401


def test_no_more_than_a_day_is_shown_at_once(archive: Archive, token: MakeToken) -> None:
    assert call("GET", f"/unlinked?room=room-1&{window(hours=25)}", token(*ALL)).status_code == 422


def test_a_citizen_number_is_refused(archive: Archive, token: MakeToken) -> None:
    recording = archive.record()
    answer = call("PUT", f"/recordings/{recording.id}/case", token(*ALL), {"case": "123456782"})
    assert answer.status_code == 422
    assert not Case.objects.exists()


def test_every_call_names_an_action_that_programs_may_have() -> None:
    calls = [call for path in api._routers[0][1].path_operations.values() for call in path.operations]
    assert len(calls) >= 3
    for each in calls:
        (auth,) = each.auth_callbacks
        assert auth.action in ALL


def test_a_token_is_shown_once_and_revoked(archive: Archive, make: Make) -> None:
    client = Client()
    client.force_login(make(Role.ADMINISTRATOR))
    told = {"name": "Suite, at the data centre", "actions": ["link"], "days": "30"}
    page = client.post("/tokens/", told).content.decode()
    shown = page.partition("<code>")[2].partition("</code>")[0]
    assert shown.startswith("wederhoor_")
    assert shown not in client.get("/tokens/").content.decode()
    assert shown.encode() not in bytes(Token.objects.get().hash)
    client.post(f"/tokens/{Token.objects.get().pk}/revoke/")
    assert call("PUT", f"/recordings/{'0' * 32}/case", shown, {"case": "Z-1"}).status_code == 401
    assert Line.objects.filter(action="keep_accounts").count() == 2


def made_by(client: Client, **more: object) -> str:
    """A token that somebody makes at their page."""
    told = {
        "name": "Suite",
        "actions": ["list_unlinked", "link", "decide", "hold"],
        "purposes": ["appeal"],
        "days": "30",
    }
    page = client.post("/tokens/", told | more).content.decode()
    return page.partition("<code>")[2].partition("</code>")[0]


@pytest.mark.parametrize("second", [Role.ADMINISTRATOR, Role.PRIVACY_OFFICER])
def test_a_token_waits_for_a_second_person(
    second: Role, archive: Archive, make: Make, sign_in: Callable[[Person], Client]
) -> None:
    recording = archive.record("room-1").id
    first, other = sign_in(make(Role.ADMINISTRATOR, name="Bea")), sign_in(make(second, name="Wim"))
    bearer = made_by(first)
    calls = [
        ("GET", f"/unlinked?room=room-1&{window()}", None),
        ("PUT", f"/recordings/{recording}/case", {"case": "Z-1"}),
        ("POST", "/decisions", {"case": "Z-1", "day": "2026-11-01"}),
        ("POST", "/holds", {"case": "Z-1", "kind": "appeal", "reason": "x", "days": 9}),
    ]
    assert len(calls) == len(ALL)
    for each in calls:
        answer = call(*each[:2], bearer, each[2])
        assert answer.status_code == 403
        assert "A second person must confirm this token first" in answer.json()["detail"]
    assert not Link.objects.exists() and not Hold.objects.exists() and Token.objects.get().used_ms is None
    assert Line.objects.filter(person__startswith="token-", result="refused").count() == len(calls)
    address = f"/tokens/{Token.objects.get().pk}/confirm/"
    assert "waits for a second person" in first.get("/tokens/", headers=ENGLISH).content.decode()
    assert address not in first.get("/confirmations/").content.decode()
    assert first.post(address).status_code == 403
    assert call(*calls[1][:2], bearer, calls[1][2]).status_code == 403
    page = other.get("/confirmations/", headers=ENGLISH).content.decode()
    assert address in page and "Suite" in page and "Bea" in page
    assert "Accounts to confirm (1)" in page
    assert other.post(address).status_code == 302
    assert [call(*each[:2], bearer, each[2]).status_code for each in calls] == [200] * len(calls)
    assert other.post(address).status_code == 404, "once"
    assert Line.objects.filter(action="confirm_account", result="done").count() == 1
    assert "Suite" not in other.get("/confirmations/").content.decode()


def test_what_is_no_good_token_any_more_waits_for_nobody(
    archive: Archive, make: Make, sign_in: Callable[[Person], Client]
) -> None:
    first, officer = sign_in(make(Role.ADMINISTRATOR)), sign_in(make(Role.PRIVACY_OFFICER))
    made_by(first)
    assert ">1<" in officer.get("/waiting/").content.decode()
    first.post(f"/tokens/{Token.objects.get().pk}/revoke/")
    assert ">1<" not in officer.get("/waiting/").content.decode()
    assert officer.post(f"/tokens/{Token.objects.get().pk}/confirm/").status_code == 404


def test_nobody_is_told_that_they_confirmed_what_was_revoked_just_then(
    archive: Archive, make: Make, sign_in: Callable[[Person], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    made_by(sign_in(make(Role.ADMINISTRATOR)))
    officer = sign_in(make(Role.PRIVACY_OFFICER))
    revoked = lambda *_: Token.objects.update(revoked_ms=now_ms())  # noqa: E731
    monkeypatch.setattr("recorder.archive.web.api.views.second_eyes", revoked)
    assert officer.post(f"/tokens/{Token.objects.get().pk}/confirm/").status_code == 404
    assert Token.objects.get().confirmed_ms is None
    assert not Line.objects.filter(action="confirm_account").exists()


@pytest.mark.parametrize("role", sorted({*Role} - {Role.ADMINISTRATOR, Role.PRIVACY_OFFICER}))
def test_nobody_else_confirms_one(
    role: Role, archive: Archive, make: Make, sign_in: Callable[[Person], Client]
) -> None:
    made_by(sign_in(make(Role.ADMINISTRATOR)))
    assert sign_in(make(role)).post(f"/tokens/{Token.objects.get().pk}/confirm/").status_code == 403
    assert Token.objects.get().confirmed_ms is None


def test_it_is_what_it_says_of_itself(archive: Archive, token: MakeToken) -> None:
    """Whatever is sent that its description allows, or forbids, it answers as the description says, and never with 500."""
    archive.record()
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    headers = {"Authorization": f"Bearer {token(*ALL)}"}
    operations = [each.ok() for each in schema.get_all_operations()]
    assert len(operations) >= 3
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @hypothesis_settings(max_examples=15, suppress_health_check=list(HealthCheck), database=None)
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: Any) -> None:
                header = case.meta.components.get(ParameterLocation.HEADER)
                # One that is wrong on purpose stays: with the token in its place nothing might be wrong any more.
                wrong = header is not None and header.mode is GenerationMode.NEGATIVE
                case.call_and_validate(headers={} if wrong else headers)

            check()


def test_no_program_names_a_case_before_the_organisation_has_decided(archive: Archive, token: MakeToken) -> None:
    recording = archive.record()
    bearer = token(*ALL)
    Version.objects.all().delete()
    answer = call("PUT", f"/recordings/{recording.id}/case", bearer, {"case": "Z-1"})
    assert answer.status_code == 403
    assert "not yet in use" in answer.json()["detail"]
    assert not Link.objects.exists()
    assert Line.objects.get(action="link").result == "refused"


@pytest.mark.parametrize(
    ("method", "address", "told"),
    [
        ("PUT", f"/recordings/{'0' * 32}/case", {"case": "Z-1", "persn": "a@gemeente.example"}),
        ("POST", "/decisions", {"case": "Z-1", "day": "2026-11-01", "persn": 1}),
        ("POST", "/holds", {"case": "Z-1", "kind": "appeal", "reason": "x", "days": 9, "persn": None}),
    ],
)
def test_a_field_that_is_not_known_is_refused_by_its_name(
    method: str, address: str, told: object, archive: Archive, token: MakeToken
) -> None:
    answer = call(method, address, token(*ALL), told)
    assert (answer.status_code, answer.json()["detail"].startswith("persn: ")) == (422, True), answer.content
    assert not Case.objects.exists()


def test_a_program_may_say_later_whose_a_recording_is_and_no_other_program(
    archive: Archive, token: MakeToken, make: Make, sign_in: Callable[[Person], Client]
) -> None:
    recording, mine, other = archive.record("room-1").id, token(*ALL), token(*ALL)
    person, colleague = (make(Role.CASEWORKER, rooms=["room-1"], name=each) for each in ("Carla", "Kim"))
    address, told = f"/recordings/{recording}/case", {"case": "Z-1", "person": person.email}
    assert call("PUT", address, mine, {"case": "Z-1"}).status_code == 200
    Link.objects.update(at_ms=now_ms() - 15 * DAY_MS)
    assert call("PUT", address, other, told).status_code == 404
    assert call("PUT", address, mine, told | {"case": "Z-2"}).status_code == 404
    assert call("PUT", address, mine, {"case": "Z-2"}).status_code == 404
    assert Link.objects.get().person is None
    assert call("PUT", address, mine, told).json() == {"recordings": 1}
    assert (Link.objects.get().person, Link.objects.get().case.number) == (person, "Z-1")
    assert Line.objects.filter(action="link", result="done").count() == 2
    assert "Z-1" in sign_in(person).get("/meetings/").content.decode()
    assert "Carla" in sign_in(colleague).get("/meetings/").content.decode(), "for two weeks from now on"
    assert call("PUT", address, mine, told).status_code == 200
    assert call("PUT", address, mine, told | {"person": colleague.email}).status_code == 404
    assert call("PUT", address, mine, {"case": "Z-1"}).status_code == 404
    assert Line.objects.filter(action="link", result="done").count() == 2
    page = sign_in(make(Role.PRIVACY_OFFICER)).get("/audit/", headers=ENGLISH).content.decode()
    assert "Account: Carla" in page


def test_whose_a_recording_is_comes_too_late_while_it_is_deleted(
    archive: Archive, token: MakeToken, make: Make
) -> None:
    recording, bearer = archive.record("room-1").id, token(*ALL)
    address, told = f"/recordings/{recording}/case", {"case": "Z-1"}
    call("PUT", address, bearer, told)
    Going.objects.create(recording=recording, cause="term")
    person = make(Role.CASEWORKER, rooms=["room-1"])
    assert call("PUT", address, bearer, told | {"person": person.email}).status_code == 409
    assert Link.objects.get().person is None


@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_what_is_wrong_is_told_in_english_by_the_names_of_fields(
    language: str, archive: Archive, token: MakeToken
) -> None:
    bearer = token(*ALL)
    client = Client(headers={"Authorization": f"Bearer {bearer}", "Accept-Language": language})
    put = lambda told: client.put(f"/api/v1/recordings/{'0' * 32}/case", told, "application/json").json()["detail"]  # noqa: E731
    assert put({"case": "123456782"}) == (
        "case: This is a citizen service number (BSN). Type the number of the case instead."
    )
    assert put({}) == "case: Field required"
    assert put([]).startswith("the body: ")
    found = client.get("/api/v1/unlinked?room=room-1&hours=3").json()["detail"]
    assert found == "begin: Field required"


def test_a_hold_may_come_before_its_recording_and_a_decision_may_not(archive: Archive, token: MakeToken) -> None:
    bearer, recording = token(*ALL), archive.record().id
    decided = {"case": "Z-1", "day": "2026-11-01"}
    answer = call("POST", "/decisions", bearer, decided)
    assert (answer.status_code, "Tell it again" in answer.json()["detail"]) == (404, True)
    assert not Case.objects.exists()
    told = {"case": "Z-1", "kind": "objection", "reason": "An objection came in.", "days": 90}
    assert call("POST", "/holds", bearer, told).json() == {"recordings": 0}
    call("PUT", f"/recordings/{recording}/case", bearer, {"case": "Z-1"})
    assert see([recording])[0].fate.kept
    assert call("POST", "/decisions", bearer, decided).json() == {"recordings": 1}


def test_its_description_explains_each_field() -> None:
    told = api.get_openapi_schema()
    fields = {
        (name, field): each.get("description")
        for name, schema in told["components"]["schemas"].items()
        for field, each in schema["properties"].items()
    }
    places = {
        (path, each["name"]): each.get("description")
        for path, calls in told["paths"].items()
        for call in calls.values()
        for each in call.get("parameters", [])
    }
    assert len(fields) > 10 and len(places) > 3
    assert not [each for each, said in (fields | places).items() if not said]

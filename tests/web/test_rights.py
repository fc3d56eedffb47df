"""The rights desk: what it decides has its effect, within the law, and nobody else gets to it."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import msgspec
import pytest
from django.test import Client
from django.utils.timezone import localdate
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from recorder.archive.access import Role
from recorder.archive.audit import Entry
from recorder.archive.code import code
from recorder.archive.web.listening.judging import NotNow, judge
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.meetings.models import Case, Link, Statement
from recorder.archive.web.meetings.seen import see
from recorder.archive.web.people.models import Person
from recorder.archive.web.policy import decided
from recorder.archive.web.policy.models import Version
from recorder.archive.web.rights import flags, letters, offsets, overdue, views
from recorder.archive.web.rights.deciding import confirm
from recorder.archive.web.rights.kinds import Kind, State
from recorder.archive.web.rights.models import CopyPermit, Flag, Mask, Request, Restriction
from recorder.archive.web.rights.opening import open_request
from recorder.archive.web.rights.paper import Paper
from recorder.archive.web.times import offset
from recorder.archive.web.trail.models import Line
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make
from tests.web.deciding import DECIDED
from tests.web.pdf import text as text_of

SignIn = Callable[[Person], Client]
GRANT = {"outcome": "granted", "words": "U hebt daar recht op."}
LOOK_AGAIN = {"look_again": str(localdate() + timedelta(days=300))}
REFUSE = {"outcome": "refused", "words": "Er loopt een rechtszaak."}


def ask(recording: str, kind: Kind = Kind.ACCESS, words: str = "Alstublieft") -> Request:
    return open_request(recording, kind, words, person=None)


def lines(result: str) -> list[str]:
    """What the audit trail tells of, with this result."""
    entries = [msgspec.json.decode(bytes(each.text), type=Entry) for each in Line.objects.all()]
    return [each.action for each in entries if each.result == result]


@pytest.fixture
def desk(make: Make, sign_in: SignIn) -> Client:
    return sign_in(make(Role.RIGHTS_DESK, name="Rens Dekker"))


def test_the_desk_shows_what_is_late_first_and_says_so(archive: Archive, desk: Client) -> None:
    assert "Nothing is asked now" in desk.get("/rights/", headers={"Accept-Language": "en"}).content.decode()
    late, early = ask(archive.record().id), ask(archive.record().id, Kind.ERASURE)
    Request.objects.filter(pk=late.pk).update(due_ms=now_ms() - 3 * DAY_MS)
    page = desk.get("/rights/", headers={"Accept-Language": "en"}).content.decode()
    assert "1 request should have been answered already" in page
    assert "4 days too late" in page or "3 days too late" in page
    assert page.index(str(late.pk)) < page.index(str(early.pk))
    only = desk.get("/rights/?kind=erasure").content.decode()
    assert str(early.pk) in only
    assert str(late.pk) not in only
    assert desk.get("/rights/?kind=nothing").status_code == 404


def test_a_recording_is_found_by_case_id_and_code(archive: Archive, desk: Client, make: Make) -> None:
    recording, other = archive.record(), archive.record()
    case = Case.objects.create(number="Z-77")
    Link.objects.create(recording=recording.id, case=case, person=None, device="room-1", at_ms=now_ms())
    the_code = code(recording.receipt.body)
    for what in ("Z-77", recording.id, recording.id.upper(), the_code, the_code.lower().replace("-", " ")):
        page = desk.post("/rights/find/", {"what": what}).content.decode()
        assert recording.id in page
        assert other.id not in page
    assert b"Z-77" not in b"".join(bytes(each.text) for each in Line.objects.all())
    assert "empty" in desk.post("/rights/find/", {"what": "Z-78"}).content.decode()


def test_a_letter_is_opened_with_the_day_it_came(archive: Archive, desk: Client) -> None:
    recording = archive.record(days_ago=6).id
    day = date.today() - timedelta(days=4)  # noqa: DTZ011
    data = {"kind": "access", "channel": "letter", "day": day.isoformat(), "words": "Graag een kopie"}
    answer = desk.post(f"/rights/recordings/{recording}/", data, follow=True)
    assert "Graag een kopie" in answer.content.decode()
    made = Request.objects.get()
    assert 3 * DAY_MS < now_ms() - made.came_ms < 6 * DAY_MS
    again = desk.post(f"/rights/recordings/{recording}/", data)
    assert again.headers["Location"] == f"/rights/requests/{made.pk}/"
    future = data | {"day": (date.today() + timedelta(days=1)).isoformat(), "kind": "erasure"}  # noqa: DTZ011
    assert 'role="alert"' in desk.post(f"/rights/recordings/{recording}/", future).content.decode()
    page_only = data | {"channel": "page", "kind": "erasure"}
    assert 'role="alert"' in desk.post(f"/rights/recordings/{recording}/", page_only).content.decode()
    assert Request.objects.count() == 1


def test_a_decision_is_final_written_down_and_has_its_letter(archive: Archive, desk: Client) -> None:
    asked = ask(archive.record().id)
    address = f"/rights/requests/{asked.pk}/"
    assert desk.get(f"{address}letter-nl.pdf").status_code == 404
    assert desk.post(f"{address}decide/", {"outcome": "refused", "words": ""}).status_code == 200
    desk.post(f"{address}decide/", REFUSE)
    desk.post(f"{address}decide/", GRANT)
    asked.refresh_from_db()
    assert (asked.state, asked.decision) == ("refused", REFUSE["words"])
    assert asked.decided_by is not None
    line = Line.objects.get(action="decide_request")
    assert b"rechtszaak" in bytes(line.details or b"")
    assert b"rechtszaak" not in bytes(line.text)
    answer = desk.get(f"{address}letter-nl.pdf")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert "no-store" in answer.headers["Cache-Control"]
    assert desk.get(f"{address}letter-de.pdf").status_code == 404


def test_time_is_taken_once_and_told(archive: Archive, desk: Client) -> None:
    asked = ask(archive.record().id)
    address = f"/rights/requests/{asked.pk}/"
    desk.post(f"{address}extend/", {"words": "Het is veel werk."})
    desk.post(f"{address}extend/", {"words": "Nog meer werk."})
    due = asked.due_ms
    asked.refresh_from_db()
    assert asked.state == "extended"
    assert 55 * DAY_MS < asked.due_ms - due < 65 * DAY_MS
    assert desk.get(f"{address}letter-nl.pdf").content.startswith(b"%PDF")
    assert see([asked.recording])[0].fate.kept


def test_no_time_is_taken_after_the_first_month(archive: Archive, desk: Client) -> None:
    asked = ask(archive.record().id)
    Request.objects.update(due_ms=now_ms() - 1)
    assert "/extend/" not in desk.get(f"/rights/requests/{asked.pk}/").content.decode()
    desk.post(f"/rights/requests/{asked.pk}/extend/", {"words": "Vergeten."})
    asked.refresh_from_db()
    assert asked.state == "open"


def test_a_correction_stands_with_the_recording(archive: Archive, desk: Client) -> None:  # S4
    recording = archive.record().id
    asked = ask(recording, Kind.RECTIFICATION, "Ik heb geen auto")
    address = f"/rights/requests/{asked.pk}/decide/"
    assert "Ik heb geen auto" in desk.get(address).content.decode()
    assert 'role="alert"' in desk.post(address, GRANT).content.decode()
    desk.post(address, GRANT | {"statement": "Cliënt heeft geen auto."})
    statement = Statement.objects.get(recording=recording)
    assert (statement.text, statement.of_client) == ("Cliënt heeft geen auto.", True)
    assert "Cliënt heeft geen auto." in desk.get(f"/recordings/{recording}/").content.decode()


@pytest.mark.parametrize("kind", [Kind.RESTRICTION, Kind.OBJECTION])
def test_what_is_restricted_is_the_rights_desks_alone(
    kind: Kind, archive: Archive, desk: Client, make: Make, sign_in: SignIn
) -> None:  # S5
    recording = archive.record(days_ago=130).id
    listener, worker = make(Role.LISTENER), make(Role.CASEWORKER, rooms=["room-1"])
    case = Case.objects.create(number="Z-5")
    Link.objects.create(recording=recording, case=case, person=worker, device="room-1", at_ms=now_ms())

    def may_hear(person: Person, purpose: str) -> bool:
        held = Permit(person=person, recording=recording, purpose=purpose, case="Z-5", until_ms=now_ms() + 60_000)
        try:
            judge(held)
        except NotNow as why:
            assert str(why) == "restricted"
            return False
        return True

    others = [(listener, "objection"), (worker, "decision")]
    assert all(may_hear(*each) for each in others)
    asked = ask(recording, kind)
    desk.post(f"/rights/requests/{asked.pk}/decide/", GRANT | LOOK_AGAIN)
    assert not any(may_hear(*each) for each in others)
    assert may_hear(make(Role.RIGHTS_DESK), "access")
    assert see([recording])[0].fate.kept  # to delete it is to use it
    for person in (listener, worker):
        client = sign_in(person)
        page = client.get(f"/recordings/{recording}/", headers={"Accept-Language": "en"}).content.decode()
        assert "Restricted." in page
        assert f"/recordings/{recording}/hear/" not in page
        assert client.get(f"/recordings/{recording}/hear/").status_code == 403
    assert sign_in(worker).get(f"/recordings/{recording}/statement/").status_code == 403
    assert desk.get(f"/recordings/{recording}/hear/").status_code == 200
    restriction = Restriction.objects.get()
    Restriction.objects.update(look_again_ms=now_ms())
    Request.objects.update(decided_ms=now_ms() - 2 * DAY_MS)
    assert not any(may_hear(*each) for each in others)  # also when somebody should have looked at it again
    desk.post(f"/rights/restrictions/{restriction.pk}/", {"words": "De cliënt weet het."})
    assert not any(may_hear(*each) for each in others)  # one person alone ends nothing
    proposed = Request.objects.get()
    confirm(make(Role.PRIVACY_OFFICER), Role.PRIVACY_OFFICER, proposed, proposed.proposed_ms or 0)
    assert all(may_hear(*each) for each in others)
    assert not see([recording])[0].fate.kept
    assert lines("done").count("restrict") == 2


def test_a_restriction_keeps_a_recording_until_somebody_must_look_again_and_no_longer(
    archive: Archive, desk: Client, make: Make, sign_in: SignIn
) -> None:
    recording = archive.record(days_ago=130).id
    address = f"/rights/requests/{ask(recording, Kind.RESTRICTION).pk}/decide/"
    today, english = localdate(), {"Accept-Language": "en"}
    for wrong in ("", today, today + timedelta(days=366)):
        assert 'role="alert"' in desk.post(address, GRANT | {"look_again": str(wrong)}).content.decode()
    assert not Restriction.objects.exists()
    desk.post(address, GRANT | {"look_again": str(today + timedelta(days=10))})
    found = Restriction.objects.get()
    assert 9 * DAY_MS < found.look_again_ms - now_ms() < 11 * DAY_MS
    assert see([recording])[0].fate.kept
    officer = sign_in(make(Role.PRIVACY_OFFICER))
    assert recording not in officer.get("/deletions/").content.decode()
    Restriction.objects.update(look_again_ms=now_ms())
    Request.objects.update(decided_ms=now_ms() - 2 * DAY_MS)
    (seen,) = see([recording])
    assert seen.restricted
    assert seen.fate.is_due(now_ms())
    page = officer.get("/deletions/", headers=english).content.decode()
    assert recording in page
    assert "A restriction that must be looked at again" in page
    assert "overdue" in desk.get("/rights/", headers=english).content.decode()
    again = f"/rights/restrictions/{found.pk}/again/"
    assert desk.get(again).status_code == 200
    assert officer.post(again, {"words": "x", "look_again": str(today + timedelta(days=9))}).status_code == 403
    assert 'role="alert"' in desk.post(again, {"words": "x", "look_again": str(today)}).content.decode()
    desk.post(again, {"words": "Zij vecht het nog aan.", "look_again": str(today + timedelta(days=365))})
    assert see([recording])[0].fate.kept
    assert b"vecht" not in b"".join(bytes(each.text) for each in Line.objects.filter(action="restrict"))


def test_a_request_that_nobody_decides_keeps_and_the_privacy_officer_sees_it(
    archive: Archive, make: Make, sign_in: SignIn
) -> None:
    late, early = ask(archive.record(days_ago=130).id), ask(archive.record(days_ago=130).id)
    officer = sign_in(make(Role.PRIVACY_OFFICER))
    assert late.recording not in officer.get("/deletions/").content.decode()
    Request.objects.filter(pk=late.pk).update(due_ms=now_ms() - 1)
    page = officer.get("/deletions/", headers={"Accept-Language": "en"}).content.decode()
    assert "A request that should have been answered" in page
    assert late.recording in page
    assert early.recording not in page
    assert see([late.recording])[0].fate.kept


@pytest.mark.parametrize(("after_ms", "late"), [(0, False), (1, True)])
def test_the_desk_and_the_privacy_officer_are_told_the_same_of_what_is_late(
    after_ms: int,
    late: bool,
    archive: Archive,
    desk: Client,
    make: Make,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To the millisecond: its due time is the last of the day on which an answer is in time."""
    asked = ask(archive.record(days_ago=130).id)
    now = asked.due_ms + after_ms
    for module in (overdue, views):
        monkeypatch.setattr(module, "now_ms", lambda: now)
    told = desk.get("/rights/").context
    assert (told["overdue"], [each.over for each in told["waiting"].rows]) == (int(late), [late])
    listed = sign_in(make(Role.PRIVACY_OFFICER)).get("/deletions/").context["overdue"]
    assert [each.request for each in listed] == [asked] * late
    assert overdue.count() == int(late)


def test_masks_are_audited_and_stand_in_the_letter(archive: Archive, desk: Client) -> None:  # S3
    asked = ask(archive.record(blocks=4).id)
    address = f"/rights/requests/{asked.pk}/masks/"
    mask = {"start": "0:01", "stop": "0:00:02.5", "whom": "een buurvrouw", "reason": "Zij is niet gevraagd"}
    for wrong in ({"start": "nu"}, {"stop": "0:01"}, {"start": "59:00", "stop": "59:10"}, {"whom": ""}):
        assert 'role="alert"' in desk.post(address, mask | wrong).content.decode()
    desk.post(address, mask)
    made = Mask.objects.get()
    assert (made.start_ms, made.stop_ms) == (1_000, 2_500)
    line = Line.objects.get(action="mask")
    assert b"buurvrouw" in bytes(line.details or b"")
    assert b"buurvrouw" not in bytes(line.text)
    desk.post(f"/rights/requests/{asked.pk}/decide/", GRANT)
    assert made.whom in text_of(desk.get(f"/rights/requests/{asked.pk}/letter-nl.pdf").content)
    other = ask(archive.record().id)
    assert desk.post(f"/rights/requests/{other.pk}/masks/{made.pk}/").status_code == 404
    desk.post(f"{address}{made.pk}/")
    assert not Mask.objects.exists()
    assert Line.objects.filter(action="mask").count() == 2


def test_a_copy_is_made_only_of_what_was_granted_and_fetched_by_who_asked(
    archive: Archive, desk: Client, make: Make, sign_in: SignIn
) -> None:
    asked = ask(archive.record().id)
    address = f"/rights/requests/{asked.pk}/copy/"
    data = {"given_to": "de cliënt, paspoort gezien", "language": "nl", "sure": "on"}
    assert desk.post(address, data).headers["Location"] == f"/rights/requests/{asked.pk}/"
    desk.post(f"/rights/requests/{asked.pk}/decide/", GRANT)
    assert 'role="alert"' in desk.post(address, data | {"sure": ""}).content.decode()
    where = desk.post(address, data).headers["Location"]
    assert desk.get(where).status_code == 200
    assert sign_in(make(Role.RIGHTS_DESK)).get(where).status_code == 404
    assert sign_in(make(Role.RIGHTS_DESK)).get(f"{where}file/").status_code == 404
    assert desk.get(f"{where}file/").status_code == 503  # no reading room here
    assert CopyPermit.objects.get().opened_ms is None


def test_the_way_to_a_copy_is_told_in_the_order_in_which_it_is_gone(
    archive: Archive, desk: Client, make: Make, sign_in: SignIn
) -> None:
    asked = ask(archive.record().id)
    address = f"/rights/requests/{asked.pk}/"

    def page(client: Client = desk) -> str:
        return client.get(address, headers={"accept-language": "en"}).content.decode()

    desk.post(f"{address}decide/", GRANT)
    steps = ("Mask what is not for the client", "Say who gets it", "Fetch it, and give it", "Give the letter with it")
    places = [page().index(each) for each in (*steps, "letter-nl.pdf")]
    assert places == sorted(places)
    assert "send it to the client as it is" not in page()
    assert "Fetch the copy" not in page()

    where = desk.post(f"{address}copy/", {"given_to": "the client", "language": "nl", "sure": "on"}).headers["Location"]
    assert f'href="{where}">Fetch the copy' in page()
    colleague = page(sign_in(make(Role.RIGHTS_DESK, name="Somebody else")))
    assert where not in colleague  # whoever made it fetches it
    assert "made a copy, and can fetch it until" in colleague
    CopyPermit.objects.update(opened_ms=now_ms())
    assert "Fetch the copy" not in page()
    assert "These were fetched:" in page()
    CopyPermit.objects.update(opened_ms=None, until_ms=now_ms())
    assert "Fetch the copy" not in page()

    # What is refused has a letter, and no copy.
    other = ask(archive.record().id)
    desk.post(f"/rights/requests/{other.pk}/decide/", REFUSE)
    refused = desk.get(f"/rights/requests/{other.pk}/", headers={"accept-language": "en"}).content.decode()
    assert "send it to the client as it is" in refused
    assert "Make the copy" not in refused


def test_a_flag_is_seen_and_nothing_of_it(archive: Archive, desk: Client, make: Make, sign_in: SignIn) -> None:  # R6
    worker = sign_in(make(Role.CASEWORKER))
    english = {"Accept-Language": "en"}
    assert "Nothing is noted" in worker.post("/do-not-record/", {"number": "K 123"}, headers=english).content.decode()
    desk.post("/do-not-record/set/", {"number": "k123", "reason": "Wil het niet vanwege vroeger"})
    desk.post("/do-not-record/set/", {"number": "K123", "reason": "Nog eens"})
    assert Flag.objects.count() == 1
    page = worker.post("/do-not-record/", {"number": "K 123"}, headers=english).content.decode()
    assert "Do not press start" in page
    assert "vroeger" not in page
    assert "Rens Dekker" not in page
    assert "vroeger" in desk.post("/do-not-record/", {"number": "K123"}).content.decode()
    assert worker.post("/do-not-record/lift/", {"number": "K123", "reason": "x"}).status_code == 403
    kept = repr(list(Flag.objects.values())) + repr(
        [(bytes(e.text), bytes(e.details or b"")) for e in Line.objects.all()]
    )
    assert "K123" not in kept
    desk.post("/do-not-record/lift/", {"number": "K123", "reason": "Wil het weer wel"})
    assert flags.standing("K123") is None
    assert lines("done").count("flag") == 2


@pytest.mark.parametrize("role", [Role.CASEWORKER, Role.RIGHTS_DESK])
def test_nobody_tries_all_numbers(
    role: Role, archive: Archive, make: Make, sign_in: SignIn, settings: Settings
) -> None:
    """Nor unseen. Also not by an incomplete change, which shows whether there is a flag. Others are not held up by it."""
    assert settings.ACCOUNT_RATE_LIMITS["check_flag"] == "60/h/user"
    flags.put(make(Role.RIGHTS_DESK), Role.RIGHTS_DESK, "K7", "x")
    person = make(role)
    client, shown = sign_in(person), []
    for number in range(62):
        address = "/do-not-record/set/" if role is Role.RIGHTS_DESK and number % 2 else "/do-not-record/"
        answer = client.post(address, {"number": "K7"}, headers={"Accept-Language": "en"})
        shown.append((answer.status_code, "Do not press start" in answer.content.decode()))
    assert shown == [(200, True)] * 60 + [(429, False)] * 2
    looks = Line.objects.filter(person=str(person.pk), action="check_flag")
    assert looks.filter(result="done").count() == 60, "each look is written down, also one by an incomplete change"
    assert looks.filter(result="refused").count() == 1
    assert sign_in(make(role)).post("/do-not-record/", {"number": "K7"}).status_code == 200


@pytest.mark.parametrize("address", ["/do-not-record/", "/do-not-record/set/"])
def test_a_citizen_number_is_refused(address: str, archive: Archive, desk: Client) -> None:
    answer = desk.post(address, {"number": "1234 56 782", "reason": "x"}, headers={"Accept-Language": "en"})
    assert "citizen service number (BSN)" in answer.content.decode()
    assert 'role="alert"' in answer.content.decode()
    assert not Flag.objects.exists()


def test_another_secret_knows_no_flag(archive: Archive, desk: Client, settings: object) -> None:
    desk.post("/do-not-record/set/", {"number": "K9", "reason": "x"})
    assert flags.standing("K9") is not None
    settings.SECRET_KEY = "another"  # type: ignore[attr-defined]
    assert flags.standing("K9") is None


def test_no_address_of_the_desk_is_anybody_elses(archive: Archive, make: Make, sign_in: SignIn, desk: Client) -> None:
    recording = archive.record(days_ago=20).id
    asked = ask(recording)
    desk.post(f"/rights/requests/{asked.pk}/decide/", GRANT)
    restricting = ask(recording, Kind.RESTRICTION)
    desk.post(f"/rights/requests/{restricting.pk}/decide/", GRANT | LOOK_AGAIN)
    number = Restriction.objects.get().pk
    waiting = ask(recording, Kind.ERASURE)
    one, pending = f"/rights/requests/{asked.pk}/", f"/rights/requests/{waiting.pk}/"
    addresses = [
        *("/rights/", "/rights/find/", f"/rights/recordings/{recording}/", one, f"{one}masks/", f"{one}copy/"),
        *(f"{pending}decide/", f"{pending}extend/", f"{pending}withdraw/"),
        *(f"{one}letter-nl.pdf", f"/rights/restrictions/{number}/", f"/rights/restrictions/{number}/again/"),
        f"/disclosures/of/{recording}/",
    ]
    for role in Role:
        client = sign_in(make(role, rooms=["room-1"]))
        for address in addresses:
            expected = {200} if role is Role.RIGHTS_DESK else {403}
            assert client.get(address).status_code in expected, (role, address)
            if role is not Role.RIGHTS_DESK:
                assert client.post(address, GRANT).status_code in (403, 405)
    waiting.refresh_from_db()
    assert waiting.waiting
    assert len(lines("refused")) > 50
    anonymous = Client()
    assert all(anonymous.get(each).status_code == 302 for each in addresses)


def test_a_request_outlives_its_recording(archive: Archive, desk: Client) -> None:
    asked = ask("0" * 32)
    page = desk.get(f"/rights/requests/{asked.pk}/").content.decode()
    assert "0" * 32 in page
    desk.post(f"/rights/requests/{asked.pk}/decide/", REFUSE)
    asked.refresh_from_db()
    assert asked.state == State.REFUSED


def test_the_letter_is_plain_says_how_to_object_and_knows_its_language(archive: Archive, desk: Client) -> None:
    asked = ask(archive.record().id, words="Ik betaalde € 12 in één keer 🙂\nvoor een curaçao-likeur")
    desk.post(f"/rights/requests/{asked.pk}/decide/", GRANT)
    for language, six_weeks in (("nl", "zes weken"), ("en", "six weeks")):
        content = desk.get(f"/rights/requests/{asked.pk}/letter-{language}.pdf").content
        text = text_of(content)
        assert six_weeks in text
        assert "Autoriteit Persoonsgegevens" in text
        assert "€ 12 in één keer [?]" in text
        assert GRANT["words"] in text
        assert f"/Lang ({language})".encode() in content
        assert re.search(rb"/Title \(.+\)", content)
        assert b"/DisplayDocTitle true" in content
        if language == "nl":
            _plain(text)


def test_the_letter_has_what_is_decided_and_nothing_of_the_rooms_settings(
    archive: Archive, desk: Client, settings: Settings
) -> None:
    archive.config_file.write_text(
        f'[archive]\nfolder = "{archive.folder}"\n[consent]\naddress = "Kamerstraat 9"\ncontact = "kamer@voorbeeld.example"\n'
    )
    settings.CONFIG = archive.config
    asked = ask(archive.record().id)
    desk.post(f"/rights/requests/{asked.pk}/decide/", REFUSE)
    letter = f"/rights/requests/{asked.pk}/letter-nl.pdf"
    text = " ".join(text_of(desk.get(letter).content).split())
    assert DECIDED.address in text
    assert DECIDED.privacy_officer in text
    assert "Kamerstraat" not in text
    assert "kamer@" not in text
    # Before that there is nobody to object to: no letter, and no other sender in their place.
    Version.objects.all().delete()
    answer = desk.get(letter, headers={"Accept-Language": "en"})
    assert answer.status_code == 403
    assert "Not yet in use" in answer.content.decode()


def _plain(text: str) -> None:
    """Twelve words to a sentence, at most, on average (N5)."""
    flat = " ".join(text.split())
    sentences = [each.split() for each in re.split(r"[.?:] ", flat) if each]
    assert sum(map(len, sentences)) / len(sentences) <= 12


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("5", 5_000),
        ("1:05", 65_000),
        ("1:00:00", 3_600_000),
        ("0:00:01.5", 1_500),
        ("0:01,25", 1_250),
        (" 0:07 ", 7_000),
    ],
)
def test_a_place_in_a_recording_is_read(text: str, milliseconds: int) -> None:
    assert offsets.parse(text) == milliseconds


@pytest.mark.parametrize("text", ["", "-1", "1:60", "60:00", "61", "1:2:3:4", "1h", "٣", "1:-1", "0:00:00.1234"])
def test_what_is_no_place_is_none(text: str) -> None:
    assert offsets.parse(text) is None


@given(st.integers(0, 99 * 3_600_000))
def test_what_is_shown_can_be_typed(milliseconds: int) -> None:
    assert offsets.parse(offset(milliseconds)) == milliseconds


@given(st.text())
def test_whatever_is_typed_is_read_or_told(text: str) -> None:
    found = offsets.parse(text)
    assert found is None or 0 <= found < 100 * 3_600_000


def test_what_somebody_typed_in_lines_stands_in_a_letter_without_a_mark(archive: Archive, make: Make) -> None:
    """A browser ends them with two characters, of which one is no letter."""
    live = Version.objects.get(state="live")
    live.text = decided.write(msgspec.structs.replace(live.decided, address="Stadsplein 1\r\n1234 AB  Voorbeeld\r\n"))
    live.save()
    who = letters.sender(archive.config)
    assert who.address == "Stadsplein 1, 1234 AB  Voorbeeld"
    paper = Paper("A letter", f"{who.name}, {who.address}", "en")
    paper.text("one\r\ntwo")
    shown = text_of(paper.close())
    assert "Stadsplein 1, 1234 AB" in shown
    assert "one two" in shown
    assert "[?]" not in shown

"""The client's page: who has the code learns what became of their recording, and who guesses learns nothing."""

import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from sqlalchemy import event

from recorder.archive.access import TABLE, Action, Purpose, Role, purposes
from recorder.archive.certificate import Certificate
from recorder.archive.code import code
from recorder.archive.deletion import Deleter
from recorder.archive.deletions import Deletions
from recorder.archive.naming import blocks as run_of
from recorder.archive.retention import Cause
from recorder.archive.web import archive as archive_module
from recorder.archive.web.client.found import find
from recorder.archive.web.client.words import CONSENT
from recorder.archive.web.meetings.models import Link
from recorder.archive.web.meetings.seen import see
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights import deciding
from recorder.archive.web.rights.kinds import Kind, State
from recorder.archive.web.rights.models import CopyPermit, Request
from recorder.archive.web.rights.opening import open_request
from recorder.archive.web.times import day, minute
from recorder.archive.web.trail import writing
from recorder.archive.web.trail.models import Line
from recorder.archive.web.words import CONSENT as STAFF_CONSENT
from recorder.archive.web.words import LISTENERS
from tests.rooms import Recording
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make
from tests.web.deciding import in_use

SignIn = Callable[[Person], Client]
WRONG = "0000-0000-0000-0000-0000"
TYPED = re.compile(r'<input type="text" name="code"[^>]*>')
"""What somebody typed is shown to them again: to be mended, not to be typed once more."""
TOKEN = re.compile(r'(name="csrfmiddlewaretoken" value=")[^"]+')


@pytest.fixture
def browser(db: None) -> Client:
    cache.clear()
    return Client(headers={"accept-language": "en"})


def code_of(recording: Recording, *, refused: bool = False) -> str:
    return code((recording.refusal_receipt if refused else recording.receipt).body)


def look(browser: Client, typed: str, **more: str) -> str:
    answer = browser.post("/c/", {"code": typed, **more})
    assert answer.status_code == 200
    return answer.content.decode()


def hear(recording: str, role: Role, purpose: Purpose, person: str) -> None:
    writing.write(
        person=person,
        role=role,
        action=Action.HEAR,
        purpose=purpose,
        recording=recording,
        details={"reason": "Mevrouw De Vries vraagt erom"},
    )


def test_who_has_the_code_sees_what_there_is_of_their_recording(archive: Archive, browser: Client, make: Make) -> None:
    recording = archive.record(days_ago=3)
    listener = make(Role.LISTENER, name="Jan de Boer")
    hear(recording.id, Role.LISTENER, Purpose.OBJECTION, str(listener.pk))
    page = look(browser, code_of(recording).lower().replace("-", " "))
    assert "There is a recording, and it is whole" in page
    (seen,) = see([recording.id])
    assert f"It is deleted at the latest in the night after {day(seen.fate.due_ms)}" in page
    assert "it has no case number" in page
    assert "somebody who handles objections, appeals and complaints, for an objection" in page
    assert "you knew that it is recorded, and did not refuse" in page or "you were not asked" in page
    assert "fg@voorbeeld.example" in page
    assert minute(seen.row.came_ms + 14 * DAY_MS) in page  # type: ignore[operator]
    assert "Jan de Boer" not in page  # D7, and nobody's name
    assert "De Vries" not in page
    assert recording.id not in page


def test_whoever_hears_recordings_has_words_in_a_sentence(archive: Archive, browser: Client) -> None:
    hearers = {role for role in Role if Action.HEAR in TABLE[role]}
    assert set(LISTENERS) == hearers
    recording = archive.record()
    for role in hearers:
        (purpose, *_) = purposes([role], Action.HEAR, own=True)
        hear(recording.id, role, purpose, str(uuid4()))
    page = look(browser, code_of(recording))
    told = browser.post("/c/", {"code": code_of(recording)}, headers={"accept-language": "nl"}).content.decode()
    with translation.override("en"):
        assert all(f": {LISTENERS[role]}, for " in page for role in hearers)
    assert "iemand van het rechtenloket, voor" in told and "een rechtenloket" not in told


def test_a_block_that_is_not_the_rooms_is_told(archive: Archive, browser: Client) -> None:
    recording = archive.record()
    code_ = code_of(recording)
    for name in list(archive.store.list(run_of(recording.id))):
        bytes_ = bytearray(archive.store.get(name))
        bytes_[-1] ^= 1
        archive.store.delete([name])
        archive.store.put({name: bytes(bytes_)})
    page = look(browser, code_)
    assert "There is a recording, and something is wrong with it" in page
    assert "it is whole" not in page


def test_of_a_refused_meeting_nothing_was_kept(archive: Archive, browser: Client) -> None:
    recording = archive.refuse()
    page = look(browser, code_of(recording, refused=True))
    assert "Nothing was kept" in page
    assert "refused" in page
    assert "What you can ask" not in page
    assert archive.rooms["room-1"].name not in page
    # Not to the minute: its receipt has that, for who keeps it.
    assert minute(now_ms()) not in page.split("<dl")[0]


def test_a_deleted_one_has_its_certificate(archive: Archive, browser: Client, tmp_path) -> None:  # type: ignore[no-untyped-def]
    recording = archive.record(days_ago=20)
    typed = code_of(recording)
    key = Ed25519PrivateKey.generate()
    deleter = Deleter("archive", key, archive.store, archive.catalogue, Deletions(tmp_path / "deletions"), now_ms)
    deleter.delete(recording.id, Cause.UNLINKED)
    page = look(browser, typed)
    assert f"It went on {day(now_ms())}. The reason: it has no case number." in page
    assert "Its key was destroyed on" in page
    assert "What you can ask" not in page
    file = browser.post("/c/file/", {"code": typed, "what": "certificate"})
    certificate = Certificate.verify(file.content, key.public_key())
    assert certificate.deletion.recording == recording.id
    assert browser.post("/c/ask/", {"code": typed, "kind": "access", "send": "1", "words": ""}).status_code == 200
    assert not Request.objects.exists()


def test_what_is_still_on_its_way_is_told_so(archive: Archive, browser: Client) -> None:
    device = archive.rooms["room-1"]
    recording = device.record(3)
    uploads = [recording.preamble, recording.blocks[0], recording.manifest, recording.receipt]
    archive.take(recording, uploads, now_ms())
    page = look(browser, code_of(recording))
    assert "not all of it is here yet" in page
    assert "What you can ask" in page


def test_the_receipt_comes_as_a_file_that_anybody_can_check(archive: Archive, browser: Client, tmp_path: Path) -> None:
    recording = archive.record()
    assert "an expert can check it with the open program of Wederhoor" in look(browser, code_of(recording))
    answer = browser.post("/c/file/", {"code": code_of(recording), "what": "receipt"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="wederhoor.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as made:
        assert set(made.namelist()) == {"consent.txt", "wederhoor.receipt", "wederhoor.device.pub"}
        assert made.read("wederhoor.receipt")[5:] == recording.receipt.body
        told = made.read("consent.txt").decode("utf-8-sig")
        made.extractall(tmp_path)
    assert "As evidence: " in told
    (command,) = re.findall(r"recorder (verify .*?)\r\n", told)
    for each in (command.split(), ["verify", "wederhoor.receipt"]):  # as it says, and with what lies beside it
        run = [sys.executable, "-m", "recorder", *each]
        environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
        done = subprocess.run(run, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    dutch = Client(headers={"accept-language": "nl"}).post("/c/file/", {"code": code_of(recording), "what": "receipt"})
    assert "toestemming.txt" in zipfile.ZipFile(io.BytesIO(dutch.content)).namelist()
    assert browser.post("/c/file/", {"code": code_of(recording), "what": "certificate"}).status_code == 404
    assert browser.post("/c/file/", {"code": code_of(recording), "what": "origin"}).status_code == 404


def test_of_what_was_refused_the_receipt_is_there_too(archive: Archive, browser: Client) -> None:
    fields = {"code": code_of(archive.refuse(), refused=True), "what": "receipt"}
    with zipfile.ZipFile(io.BytesIO(browser.post("/c/file/", fields).content)) as made:
        assert "wederhoor.device.pub" in made.namelist()
        assert "refused" in made.read("consent.txt").decode("utf-8-sig")


@pytest.mark.parametrize("typed", ["", "ABC", WRONG])
def test_what_is_no_code_is_told_what_one_looks_like(typed: str, archive: Archive, browser: Client) -> None:
    page = look(browser, typed)
    assert "A code has 20 letters and digits, such as ABCD-EFGH-JKMN-PQRS-TVWX." in page


@pytest.mark.parametrize("kind", list(Kind))
def test_a_citizen_number_is_refused_before_it_is_sent(kind: Kind, archive: Archive, browser: Client) -> None:
    typed = code_of(archive.record(days_ago=3))
    fields = {"code": typed, "kind": kind.value, "send": "1", "words": "Mijn nummer is 123 456 782, alstublieft."}
    page = browser.post("/c/ask/", fields).content.decode()
    assert "There seems to be a citizen service number (BSN) in this. Please leave it out" in page
    assert "alstublieft" in page  # to be mended, and not to be typed once more
    assert not Request.objects.exists()
    browser.post("/c/ask/", fields | {"words": "Bel mij op 06 12345678, na 28-11-2026."})
    assert Request.objects.get().kind == kind.value


def answered(browser: Client, path: str, fields: dict[str, str]) -> tuple[int, str, dict[str, str]]:
    """An answer, without what differs in any two."""
    answer = browser.post(path, fields)
    body = TYPED.sub("", TOKEN.sub(r"\1", answer.content.decode()))
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
    return answer.status_code, body, headers


@pytest.mark.parametrize("path", ["/c/", "/c/ask/", "/c/file/"])
@pytest.mark.parametrize("typed", ["no code", "x" * 500, "0000", "OOOO-1111-2222-3333-444U", "À" * 20])
def test_a_wrong_code_and_none_at_all_have_the_same_answer(
    path: str, typed: str, archive: Archive, browser: Client
) -> None:
    archive.record()
    fields = {"kind": "erasure", "what": "receipt", "send": "1", "words": "x"}
    browser.get("/c/")  # the cookie of the first answer is in the others too
    wrong = answered(browser, path, fields | {"code": WRONG})
    other = answered(browser, path, fields | {"code": typed})
    assert wrong[0] == other[0] == 200
    assert wrong[2] == other[2]
    assert wrong[1] == other[1]
    assert not Request.objects.exists()


def work(browser: Client, archive: Archive, typed: str) -> tuple[list[str], list[str]]:
    """What both databases are asked, in the statements' own words."""
    asked: list[str] = []
    engine = archive_module.archive().catalogue._database.engine
    listener = lambda _c, _cursor, statement, *_rest: asked.append(statement)  # noqa: E731
    event.listen(engine, "before_cursor_execute", listener)
    try:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            browser.post("/c/", {"code": typed})
    finally:
        event.remove(engine, "before_cursor_execute", listener)
    shapes = [re.sub(r"'[^']*'|\d+", "?", each["sql"]) for each in queries]
    return asked, shapes


def test_a_wrong_code_costs_what_none_at_all_costs_and_a_right_one_begins_with_that(
    archive: Archive, browser: Client
) -> None:
    recording = archive.record()
    browser.post("/c/", {"code": WRONG})  # the first one also makes the rows of the limits
    unknown, none, right = (work(browser, archive, each) for each in (WRONG, "nothing", code_of(recording)))
    assert unknown == none
    assert len([each for each in unknown[0] if each.startswith("SELECT")]) == 1
    assert right[0][: len(unknown[0])] == unknown[0]
    assert right[1][: len(unknown[1])] == unknown[1]


def test_nothing_of_the_store_is_touched_for_a_wrong_code(
    archive: Archive, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.record()
    monkeypatch.setattr(type(archive.store), "get", lambda *_: pytest.fail("it was"))
    monkeypatch.setattr(type(archive.store), "list", lambda *_: pytest.fail("it was"))
    assert find(WRONG) is None


@given(st.text(max_size=80))
def test_whatever_is_typed_is_a_code_or_nobodys(typed: str) -> None:
    from recorder.archive.code import parse

    assert (parse(typed) or "") == "" or len(parse(typed) or "") == 24


def test_tries_are_limited_for_an_address_and_over_all(archive: Archive, browser: Client, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"client_code": "2/m/ip,5/m/key"}
    recording = archive.record()

    def tried(address: str, typed: str = WRONG) -> HttpResponse:
        return browser.post("/c/", {"code": typed}, REMOTE_ADDR=address)  # type: ignore[return-value]

    assert [tried("192.0.2.1").status_code for _ in range(3)] == [200, 200, 429]
    assert tried("192.0.2.1", code_of(recording)).status_code == 429  # a right code does not lift it, nor show itself
    assert [tried("192.0.2.2").status_code for _ in range(2)] == [200, 200]
    assert tried("192.0.2.3").status_code == 200
    late = tried("192.0.2.4")
    assert (late.status_code, late.headers["Retry-After"]) == (429, "600")
    assert browser.get("/c/").status_code == 200


def test_the_code_stands_in_no_address_cookie_or_session(archive: Archive, browser: Client) -> None:
    recording = archive.record()
    typed = code_of(recording)
    page = look(browser, typed)
    assert typed in page
    for attribute in re.findall(r'(?:href|action|src)="([^"]*)"', page):
        assert typed not in attribute
    assert set(browser.cookies) == {"csrf"}
    assert browser.get(f"/c/{typed}/").status_code == 404
    assert browser.get(f"/c/?code={typed}").content.decode().count(typed) == 0


@pytest.mark.parametrize("path", ["/c/", "/c/ask/", "/c/file/"])
def test_nothing_of_it_is_kept_or_listed_anywhere(path: str, archive: Archive, browser: Client) -> None:
    recording = archive.record()
    for typed in (code_of(recording), WRONG):
        answer = browser.post(path, {"code": typed, "kind": "access", "what": "receipt"})
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"].startswith("noindex")
        assert answer.headers["Referrer-Policy"] == "same-origin"


def test_no_page_of_another_site_sends_it(archive: Archive) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/c/", {"code": WRONG}).status_code == 403


@pytest.mark.parametrize("kind", ["access", "erasure", "rectification", "restriction", "objection"])
def test_a_request_needs_the_code_alone(kind: str, archive: Archive, browser: Client) -> None:
    recording = archive.record()
    typed = code_of(recording)
    form = browser.post("/c/ask/", {"code": typed, "kind": kind}).content.decode()
    assert "There we look whether it is you." in form
    assert not Request.objects.exists()
    page = browser.post(
        "/c/ask/", {"code": typed, "kind": kind, "send": "1", "words": "Dat klopt niet"}
    ).content.decode()
    made = Request.objects.get()
    assert (made.recording, made.kind, made.channel, made.words) == (recording.id, kind, "page", "Dat klopt niet")
    assert day(made.due_ms) in page
    shown = look(browser, typed)
    assert "What you asked" in shown
    assert "Dat klopt niet" not in shown  # whoever else has the code reads no words of the client's
    line = Line.objects.get(action="open_request")
    assert line.person == "client"
    assert typed.encode() not in bytes(line.text) + bytes(line.details or b"")


def test_asking_twice_is_asking_once(archive: Archive, browser: Client) -> None:
    typed = code_of(archive.record())
    for _ in range(2):
        browser.post("/c/ask/", {"code": typed, "kind": "erasure", "send": "1", "words": ""})
    assert Request.objects.count() == 1


def test_what_needs_words_is_not_sent_without(archive: Archive, browser: Client) -> None:
    fields = {"code": code_of(archive.record()), "kind": "rectification", "send": "1", "words": " "}
    assert 'role="alert"' in browser.post("/c/ask/", fields).content.decode()
    assert not Request.objects.exists()


def test_nothing_else_can_be_asked(archive: Archive, browser: Client) -> None:
    fields = {"code": code_of(archive.record()), "kind": "disclose", "send": "1", "words": "x"}
    assert browser.post("/c/ask/", fields).status_code == 404


def test_an_erasure_by_the_code_locks_at_once_and_destroys_nothing(archive: Archive, browser: Client) -> None:
    recording = archive.record(days_ago=3)
    typed = code_of(recording)
    form = browser.post("/c/ask/", {"code": typed, "kind": "erasure"}).content.decode()
    assert "So you need no reason, and we cannot say no." in form
    browser.post("/c/ask/", {"code": typed, "kind": "erasure", "send": "1", "words": ""})
    (seen,) = see([recording.id])
    assert seen.fate.locked
    assert not seen.fate.is_due(now_ms() + 400 * DAY_MS)
    assert "The recording is locked. Nobody may listen now." in look(browser, typed)


def test_after_the_days_it_says_that_a_reason_is_looked_at(archive: Archive, browser: Client) -> None:
    typed = code_of(archive.record(days_ago=14.1))
    assert "for any reason, or for none" not in look(browser, typed)
    asking = {"code": typed, "kind": "erasure"}
    over, promised = "The first 14 days are over. We look at your reason", "Then it is erased."
    assert over in browser.post("/c/ask/", asking).content.decode()
    page = browser.post("/c/ask/", asking | {"send": "1", "words": "x"}).content.decode()
    assert over in page and promised not in page
    typed = code_of(archive.record(days_ago=3))
    page = browser.post("/c/ask/", {"code": typed, "kind": "erasure", "send": "1", "words": ""}).content.decode()
    assert promised in page and over not in page


def test_it_speaks_dutch_and_goes_on_where_it_was(archive: Archive, browser: Client) -> None:
    typed = code_of(archive.record())
    page = look(browser, typed, language="nl")
    assert '<html lang="nl">' in page
    assert "Er is een opname, en die is compleet" in page
    assert '<html lang="nl">' in look(browser, typed)
    assert '<html lang="en">' in look(browser, typed, language="en")


def test_the_card_is_for_whose_recording_it_is_and_has_no_name(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record()
    mine, other = make(Role.CASEWORKER, rooms=["room-1"]), make(Role.CASEWORKER, rooms=["room-1"])
    sign_in(mine).post(f"/meetings/{recording.id}/case/", {"case": "Z-2026/17", "there": "on"})
    path = f"/recordings/{recording.id}/card/"
    page = sign_in(mine).get(path).content.decode()
    assert code_of(recording) in page
    assert "data:image/svg+xml" in page
    assert "Z-2026/17" not in page
    assert recording.id not in page.split("clientcard")[1].split("</section>")[0]
    assert sign_in(other).get(path).status_code == 404
    assert sign_in(make(Role.RIGHTS_DESK)).get(path).status_code == 200
    for role in (Role.TRAINER, Role.TRAINEE, Role.ADMINISTRATOR, Role.PRIVACY_OFFICER, Role.CASE_SYSTEM):
        assert sign_in(make(role)).get(path).status_code == 403
    assert Client().get(path).status_code == 302
    assert Link.objects.get().person == mine


def test_a_copy_that_one_person_entered_and_granted_before_two_were_needed_can_be_asked_anew(
    archive: Archive, browser: Client, make: Make
) -> None:
    recording, person = archive.record(), make(Role.RIGHTS_DESK)
    asked = open_request(recording.id, Kind.ACCESS, "", person=person)
    granted = {"state": State.GRANTED.value, "decided_by": person, "decided_ms": now_ms()}
    for confirmed_by, can_be_had in ((None, False), (make(Role.PRIVACY_OFFICER), True)):
        Request.objects.filter(pk=asked.pk).update(**granted, confirmed_by=confirmed_by)
        page = look(browser, code_of(recording))
        assert ("You can get your copy now." in page) is can_be_had
        assert ('name="kind" value="access"' in page) is not can_be_had


def test_what_is_dealt_with_or_was_granted_is_told_and_not_offered_again(
    archive: Archive, browser: Client, make: Make
) -> None:
    recording, person = archive.record(), make(Role.RIGHTS_DESK)
    typed = code_of(recording)

    def offered(kind: str) -> bool:
        return f'name="kind" value="{kind}"' in look(browser, typed)

    def asks_in_vain(kind: str) -> bool:
        before = Request.objects.count()
        browser.post("/c/ask/", {"code": typed, "kind": kind, "send": "1", "words": "again"})
        return Request.objects.count() == before

    asked = open_request(recording.id, Kind.ACCESS, "", person=None)
    assert not offered("access")
    deciding.decide(person, Role.RIGHTS_DESK, asked, State.REFUSED, "No")
    assert offered("access")
    again = open_request(recording.id, Kind.ACCESS, "", person=None)
    deciding.decide(person, Role.RIGHTS_DESK, again, State.GRANTED, "Yes")
    page = look(browser, typed)
    assert f"We said yes. That was on {day(now_ms())}." in page
    assert "You can get your copy now." in page
    assert "Come to our desk or call us, with your code." in page
    assert not offered("access")
    assert asks_in_vain("access")
    CopyPermit.objects.create(
        person=person,
        recording=recording.id,
        request=again,
        given_to="passport seen",
        language="nl",
        at_ms=now_ms(),
        until_ms=now_ms(),
        opened_ms=now_ms(),
    )
    page = look(browser, typed)
    assert f"You got it on {day(now_ms())}." in page
    assert "You can get your copy now." not in page
    assert "passport" not in page

    # What stands is not asked for again, and what was lifted is; words may be added to.
    closed = open_request(recording.id, Kind.RESTRICTION, "why", person=None)
    deciding.decide(person, Role.RIGHTS_DESK, closed, State.GRANTED, "Yes")
    assert not offered("restriction")
    assert offered("objection")
    deciding.lift(person, Role.RIGHTS_DESK, closed, "over")
    assert not offered("restriction")
    closed.refresh_from_db()
    deciding.confirm(make(Role.PRIVACY_OFFICER), Role.PRIVACY_OFFICER, closed, closed.proposed_ms or 0)
    assert offered("restriction")
    words = open_request(recording.id, Kind.RECTIFICATION, "not so", person=None)
    assert not offered("rectification")
    deciding.decide(person, Role.RIGHTS_DESK, words, State.GRANTED, "Yes", "not so")
    assert offered("rectification")


def test_an_erasure_that_was_granted_says_when_it_is_done_and_until_when_it_can_be_taken_back(
    archive: Archive, browser: Client, make: Make
) -> None:
    recording, persons = archive.record(days_ago=3), [make(Role.RIGHTS_DESK) for _ in range(2)]
    typed = code_of(recording)
    asked = open_request(recording.id, Kind.ERASURE, "", person=None)
    page = look(browser, typed)
    assert "You can still take it back. Come to our desk or call us, with your code." in " ".join(page.split())
    deciding.decide(persons[0], Role.RIGHTS_DESK, asked, State.GRANTED, "Yes")
    assert "Two of our staff must look at it." in look(browser, typed)
    asked.refresh_from_db()
    deciding.confirm(persons[1], Role.RIGHTS_DESK, asked, asked.proposed_ms or 0)
    page = look(browser, typed)
    (seen,) = see([recording.id])
    assert f"The recording is erased after {minute(seen.fate.due_ms)}. Until then you can take it back." in page
    assert seen.fate.due_ms < now_ms() + DAY_MS + 60_000
    assert "Come to our desk or call us, with your code." in page
    assert 'name="kind" value="erasure"' not in page
    assert "for any reason, or for none" not in page

    assert "The reason: you asked us to erase it." in page

    # What is past its date goes in the night that comes; nobody is promised that they can stop it.
    Request.objects.update(decided_ms=now_ms() - 2 * DAY_MS)
    page = look(browser, typed)
    assert "The recording is erased in the coming night." in page
    assert "take it back" not in page
    Request.objects.update(decided_ms=now_ms())
    asked.refresh_from_db()
    deciding.withdraw(persons[0], Role.RIGHTS_DESK, asked, "by telephone")
    page = look(browser, typed)
    assert "Then we heard that you take it back." in page
    assert "The recording is erased" not in page
    assert "by telephone" not in page
    asked.refresh_from_db()
    deciding.confirm(persons[1], Role.RIGHTS_DESK, asked, asked.proposed_ms or 0)
    assert 'name="kind" value="erasure"' in look(browser, typed)


def test_whom_the_client_asks_is_who_was_decided(archive: Archive, browser: Client) -> None:
    typed = code_of(archive.record())
    assert "Questions?" not in look(browser, typed)
    in_use()
    assert "Ask us: words for contact." in look(browser, typed)


@pytest.mark.parametrize("state", sorted(CONSENT))
def test_of_what_was_agreed_the_client_is_spoken_to(state: str) -> None:
    """And not of, as to the staff: in both languages, in one word or another of every sentence."""
    for language, you in (("nl", r"\bu\b"), ("en", r"\byou\b")):
        with translation.override(language):
            assert re.search(you, str(CONSENT[state]))
    assert CONSENT.keys() == STAFF_CONSENT.keys()


def test_without_a_receipt_there_is_no_card_yet(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record(receipt=False)
    page = (
        sign_in(make(Role.RIGHTS_DESK))
        .get(f"/recordings/{recording.id}/card/", headers={"accept-language": "en"})
        .content.decode()
    )
    assert "There is no code yet" in page

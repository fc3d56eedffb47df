"""Linking a meeting to a case, finding it, and who sees what of it."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import msgspec
import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils.timezone import localdate
from hypothesis import assume, given
from hypothesis import strategies as st

from recorder.archive.access import Purpose, Role
from recorder.archive.web import paging
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.meetings import views
from recorder.archive.web.meetings.forms import is_citizen_number, no_citizen_number
from recorder.archive.web.meetings.models import Case, Link
from recorder.archive.web.meetings.seen import see
from recorder.archive.web.people.models import Person
from recorder.archive.web.policy import decided
from recorder.archive.web.policy.decided import Basis
from recorder.archive.web.policy.models import Version
from recorder.archive.web.times import moment
from recorder.archive.web.trail.models import Line
from tests.web.archive import Archive
from tests.web.conftest import Make
from tests.web.deciding import DECIDED

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


MARKS = "-/_. \u00a0\u2013"


@given(st.integers(1, 99_999_999), st.booleans(), st.lists(st.text(MARKS, max_size=2), min_size=10, max_size=10))
def test_a_citizen_number_is_known_however_it_is_written(number: int, short: bool, marks: list[str]) -> None:  # M3
    digits = f"{number:08}"
    last = sum(weight * int(digit) for weight, digit in zip(range(9, 1, -1), digits, strict=True)) % 11
    assume(last < 10)

    def written(last: int) -> str:
        of = digits[1:] if short and digits[0] == "0" else digits
        return "".join(each for pair in zip(marks, f"{of}{last}", strict=False) for each in pair) + marks[-1]

    assume(not re.fullmatch(r"(19|20)\d\d[^\d]\d{4,5}", written(last).strip()))
    assert is_citizen_number(written(last))
    assert is_citizen_number(written(last).translate({ord("0") + each: 0xFF10 + each for each in range(10)}))
    assert not is_citizen_number(f"Z{written(last)}")
    assert not is_citizen_number(written((last + 1) % 10))


@pytest.mark.parametrize(
    "written",
    [
        "123456782",
        "Mijn BSN is 123456782.",
        "BSN123456782",
        "123 456 782",
        "nr. 1234.56.782, van mij",
        "op 28-11-2026 1234.56.782",
        "123 \u2013 456 \u2013 782",
        "\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff12",
        "regel een\n123456782\nregel drie",
        "oud: 12345672",
    ],
)
def test_a_citizen_number_is_known_within_a_text(written: str) -> None:
    with pytest.raises(ValidationError):
        no_citizen_number(written)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "Alstublieft.",
        "123456789",
        "zaak 2026-12345",
        "zaak Z-2026-123456782345",
        "bel 06 12345672 of 0612345672",
        "NL91ABNA0417164300",
        "20261102",
        "02112026",
        "op 28-11-2026",
        "van 1.234.567,82 euro",
    ],
)
def test_what_is_no_citizen_number_may_be_written(written: str) -> None:
    no_citizen_number(written)


@pytest.mark.parametrize("year", range(1950, 2030))
def test_no_date_is_taken_for_a_citizen_number(year: int) -> None:
    """One in eleven passes the test by chance."""
    for each in range(0, 365, 7):
        day = date(year, 1, 1) + timedelta(days=each)
        for form in ("%d-%m-%Y", "%Y-%m-%d", "%d.%m.%Y", "%d %m %Y", "%Y%m%d", "%d%m%Y"):
            no_citizen_number(f"op {day:{form}} was ik er")


@pytest.mark.parametrize("typed", ["123-456-782", "1234/56/782", "123_456_782", "1234 56 782", " 12345678-2"])
def test_a_citizen_number_is_refused_as_a_case(typed: str, archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record("room-1").id
    said = {"case": typed, "there": "on"}
    answer = sign_in(make(Role.CASEWORKER, rooms=["room-1"])).post(f"/meetings/{recording}/case/", said)
    assert "(BSN)" in answer.content.decode() and not Link.objects.exists()


def test_a_case_that_is_numbered_by_the_year_is_none() -> None:
    """One in eleven passes the test, and its recording must have a case, or it goes after two weeks."""
    assert is_citizen_number("202600014")
    assert not is_citizen_number("2026-00014") and not is_citizen_number("2026/00014")
    assert is_citizen_number("20-26-00014") and is_citizen_number("2026-000-14")


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


def test_who_looks_at_what_is_not_theirs_is_written_down_once_an_hour(
    archive: Archive, make: Make, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = archive.record("room-1")
    own, other = make(Role.CASEWORKER, rooms=["room-1"]), make(Role.LISTENER)
    sign_in(own).post(f"/meetings/{recording.id}/case/", {"case": "Z-1", "there": "on"})
    client = sign_in(other)
    for each in (sign_in(own), client, client):
        assert each.get(f"/recordings/{recording.id}/").status_code == 200
    looks = Line.objects.filter(action="see", recording=recording.id)
    assert [each.person for each in looks] == [str(other.pk)]
    later = now_ms() + 3_601_000
    monkeypatch.setattr(views, "now_ms", lambda: later)
    assert client.get(f"/recordings/{recording.id}/").status_code == 200
    assert len(looks.all()) == 2


def test_nobody_gets_past_setting_up_a_second_factor(archive: Archive, db: None, sign_in: SignIn) -> None:
    person = Person.objects.make("a@gemeente.example", "A", [Role.CASEWORKER], ["room-1"])
    answer = sign_in(person).get("/meetings/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/account/2fa/"


def test_a_day_of_decision_is_not_to_come_and_never_goes_back(
    archive: Archive, make: Make, sign_in: SignIn
) -> None:  # D1
    recording = archive.record("room-1", days_ago=5).id
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
    assert decide((today - timedelta(days=4)).isoformat()) == 302  # it would take away what the client has against it
    assert Case.objects.get().decided_ms == noted
    assert decide(today.isoformat()) == 302
    assert (Case.objects.get().decided_ms or 0) > (noted or 0)
    assert Line.objects.filter(action="decide", recording=recording).count() == 3


def test_the_card_has_a_heading_of_its_own(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record("room-1").id
    page = sign_in(make(Role.RIGHTS_DESK)).get(f"/recordings/{recording}/", headers={"accept-language": "en"})
    before, _ = page.content.decode().split(f'href="/recordings/{recording}/card/"')
    assert re.findall("<h2[^>]*>([^<]*)<", before)[-1] == "For the client"


def test_a_decision_before_the_recording_is_not_taken(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record("room-1", days_ago=5).id
    client = sign_in(make(Role.CASEWORKER, rooms=["room-1"]))
    client.post(f"/meetings/{recording}/case/", {"case": "Z-1", "there": "on"})
    made = moment(see([recording])[0].row.made_ms or 0).date()

    def decide(day: date) -> HttpResponse:
        return client.post(
            f"/recordings/{recording}/decision/", {"day": day.isoformat()}, headers={"accept-language": "en"}
        )

    for day in (made - timedelta(days=1), made.replace(year=made.year - 6, day=1)):
        answer = decide(day)
        assert answer.status_code == 200
        assert "This day is before the recording, which is of" in answer.content.decode()
        assert Case.objects.get().decided_ms is None
    assert decide(made).status_code == 302


OLDER = re.compile(r'href="(\?(unlinked|mine|colleagues)=[\w-]+)#')


def name_case(client: Client, recording: str, case: str = "Z-1") -> None:
    assert client.post(f"/meetings/{recording}/case/", {"case": case, "there": "on"}).status_code == 302


def test_each_list_is_read_to_its_end_a_page_at_a_time(
    archive: Archive, make: Make, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_ROWS", 2)
    me, other = (sign_in(make(Role.CASEWORKER, rooms=["room-1"], name=name)) for name in ("Kim", "Bo"))
    waiting, mine, theirs = ([archive.record("room-1").id for _ in range(5)] for _ in range(3))
    for recording in mine:
        name_case(me, recording)
    for recording in theirs:
        name_case(other, recording)
    addresses = {"unlinked": "/meetings/{}/case/", "mine": "/recordings/{}/", "colleagues": "/meetings/{}/wrong/"}
    for name, recordings in {"unlinked": waiting, "mine": mine, "colleagues": theirs}.items():
        read, query = [], ""
        for _ in range(3):
            page = me.get(f"/meetings/{query}").content.decode()
            found = re.findall(addresses[name].replace("{}", r"(\w{32})"), page)
            assert len(found) <= 2
            read += found
            query = next((where for where, of in OLDER.findall(page) if of == name), "")
        assert read == recordings[::-1]
        assert query == ""


def test_the_last_of_a_page_may_have_got_a_case_since(
    archive: Archive, make: Make, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_ROWS", 1)
    older, newer = archive.record(days_ago=1).id, archive.record().id
    client = sign_in(make(Role.CASEWORKER, rooms=["room-1"]))
    name_case(client, newer)
    assert f"/meetings/{older}/case/" in client.get(f"/meetings/?unlinked={newer}").content.decode()


def test_nobody_reads_a_list_from_a_recording_that_is_not_in_it(archive: Archive, make: Make, sign_in: SignIn) -> None:
    mine, elsewhere = archive.record("room-1").id, archive.record("room-2").id
    me, other = (sign_in(make(Role.CASEWORKER, rooms=[room])) for room in ("room-1", "room-2"))
    name_case(me, mine)
    name_case(other, elsewhere)
    first = me.get("/meetings/").content.decode()
    for name in ("unlinked", "mine", "colleagues"):
        page = me.get(f"/meetings/?{name}={elsewhere}").content.decode()
        assert f"/recordings/{mine}/" in page
        assert elsewhere not in page
    assert f"/recordings/{mine}/" in first


def test_a_row_more_takes_no_query_more(archive: Archive, make: Make, sign_in: SignIn) -> None:
    me, other = (sign_in(make(Role.CASEWORKER, rooms=["room-1"], name=name)) for name in ("Kim", "Bo"))
    asked: list[str] = []

    def note(execute: Callable[..., object], sql: str, *rest: object) -> object:
        asked.append(sql)
        return execute(sql, *rest)

    counts = []
    for _ in range(2):
        for _ in range(3):
            archive.record("room-1")
            name_case(me, archive.record("room-1").id)
            name_case(other, archive.record("room-1").id)
        asked.clear()
        with connection.execute_wrapper(note):
            assert me.get("/meetings/").status_code == 200
        counts.append(len(asked))
        assert sum("policy_version" in sql for sql in asked) == 1
    assert counts[0] == counts[1]


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


def test_the_legal_ground_is_the_one_that_was_decided(archive: Archive, make: Make, sign_in: SignIn) -> None:  # R8
    recording = archive.record()  # its receipt says: a public task, and consent for training
    client = sign_in(make(Role.CASEWORKER, rooms=["room-1"]))
    client.post(f"/meetings/{recording.id}/case/", {"case": "Z-1", "there": "on"})

    def told() -> list[str]:
        page = client.get(f"/recordings/{recording.id}/", headers={"accept-language": "en"}).content.decode()
        return [" ".join(each.split()) for each in re.findall(r"Legal ground[^<]*", page)]

    another = "The receipt of the room says"
    assert told() == [
        "Legal ground: a task in the public interest.",
        f"Legal ground: a task in the public interest. {another}: consent.",
    ]
    bases = dict.fromkeys(Purpose, Basis.CONSENT) | {Purpose.OBJECTION: Basis.LEGAL_OBLIGATION}
    text = decided.write(msgspec.structs.replace(DECIDED, bases=bases))
    Version.objects.update(text=text)
    assert told() == [
        f"Legal ground: consent, a legal obligation. {another}: a task in the public interest.",
        "Legal ground: consent.",
    ]
    Version.objects.update(text=decided.write(msgspec.structs.replace(DECIDED, bases={})))
    assert told() == [
        f"Legal ground: not decided yet. {another}: {each}." for each in ("a task in the public interest", "consent")
    ]

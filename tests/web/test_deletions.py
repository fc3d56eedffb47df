"""What is about to go, and the certificates of what is gone: for who watches over it, without what leads to a client."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from recorder.archive import naming
from recorder.archive.access import TABLE, Action, Role
from recorder.archive.certificate import Certificate
from recorder.archive.web import paging
from recorder.archive.web.holds import deletions
from recorder.archive.web.holds.chart import HEIGHT, draw
from recorder.archive.web.holds.models import Day, Expected, Run
from recorder.archive.web.people.models import Person
from recorder.keyfiles import save_device_public
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make
from tests.web.test_nightly import Site, site  # noqa: F401 (a fixture)

SignIn = Callable[[Person], Client]


@pytest.fixture
def officer(make: Make, sign_in: SignIn) -> Client:
    return sign_in(make(Role.PRIVACY_OFFICER))


def publish(site: Site) -> None:  # noqa: F811
    save_device_public(site.archive.folder / "keys" / "archive.pub", site.key.public_key())


def test_it_tells_what_goes_when_and_why_and_no_case(site: Site, officer: Client) -> None:  # noqa: F811
    soon, later = site.archive.record(days_ago=13.5), site.archive.record(days_ago=122)
    site.link(later, "Z-SECRET")
    far = site.archive.record(days_ago=20)
    site.link(far, "Z-FAR")
    site.run()
    page = officer.get("/deletions/")
    told = page.content.decode()
    assert [each.expected.recording for each in page.context["going"].rows] == [soon.id]
    assert [(days, all_) for days, _, all_ in page.context["within"]] == [(1, 1), (7, 2), (30, 2)]
    assert "Z-" not in told
    assert not page.context["late"]
    weekly = officer.get("/deletions/?days=7")
    assert [each.expected.recording for each in weekly.context["going"].rows] == [soon.id, later.id]
    assert far.id not in weekly.content.decode()


def test_a_hold_of_today_shows_and_what_is_kept_says_by_whom(site: Site, officer: Client) -> None:  # noqa: F811
    recording, kept = site.archive.record(days_ago=13.5), site.archive.record(days_ago=15)
    site.hold(kept, "Z-2")
    site.run()
    site.hold(recording, "Z-1")
    page = officer.get("/deletions/")
    (told,) = page.context["going"].rows
    assert (told.expected.recording, told.now) == (recording.id, "kept")
    (told,) = page.context["kept"].rows
    assert told.expected.recording == kept.id
    assert [each.hold.placed_by for each in told.holds] == [site.person]
    with CaptureQueriesContext(connection) as asked:
        deletions.lists(7, {})
    assert sum('FROM "holds_hold"' in each["sql"] for each in asked.captured_queries) == 1
    assert site.person.name in page.content.decode()


def test_without_a_run_it_says_so(site: Site, officer: Client) -> None:  # noqa: F811
    assert officer.get("/deletions/").context["late"]
    site.run()
    assert not officer.get("/deletions/").context["late"]
    Run.objects.update(began_ms=now_ms() - 2 * DAY_MS)
    late = officer.get("/deletions/", headers={"accept-language": "nl"})
    assert late.context["late"]
    assert "De laatste nachtelijke wisronde was op" in late.content.decode()
    assert "Zonder die ronde wordt er niets gewist." in late.content.decode()


def test_many_come_in_portions_and_none_twice(
    site: Site,  # noqa: F811
    officer: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paging, "PAGE_ROWS", 7)
    goes_ms = now_ms() + 1_000
    Expected.objects.bulk_create(
        Expected(
            recording=f"{number:032x}",
            device="room-1",
            made_ms=0,
            cause="term",
            due_ms=goes_ms + number // 4,
            goes_ms=goes_ms + number // 4,
            kept=False,
        )
        for number in range(30)
    )
    seen, after = [], ""
    while True:
        page = officer.get(f"/deletions/?days=7&going={after}")
        seen += [each.expected.recording for each in page.context["going"].rows]
        after = page.context["going"].after
        if not after:
            break
        assert f'href="?days=7&amp;going={after}#going"' in page.content.decode()
    assert seen == [f"{number:032x}" for number in range(30)]


def test_a_certificate_is_shown_verified_and_comes_as_a_file(site: Site, officer: Client) -> None:  # noqa: F811
    recording = site.archive.record(days_ago=15)
    site.run()
    unknown = officer.get(f"/deletions/{recording.id}/").context["certified"]
    assert "archive.pub" in unknown.flaw
    publish(site)
    found = officer.get(f"/deletions/certificate/?recording={recording.id}")
    assert found.headers["Location"] == f"/deletions/{recording.id}/"
    page = officer.get(f"/deletions/{recording.id}/")
    assert page.context["certified"].flaw is None
    file = officer.get(f"/deletions/{recording.id}/certificate/")
    assert Certificate.verify(file.content, site.key.public_key()).deletion.recording == recording.id
    assert file.headers["Content-Disposition"] == f'attachment; filename="{recording.id}.deleted"'
    forged = site.archive.folder / "objects" / naming.deleted(recording.id)
    data = bytearray(forged.read_bytes())
    data[10] ^= 1
    forged.write_bytes(data)
    assert officer.get(f"/deletions/{recording.id}/").context["certified"].certificate is None


@pytest.mark.parametrize("ident", ["0" * 32, "../../keys", "X" * 32, "0" * 31])
def test_what_has_no_certificate_is_not_found(ident: str, site: Site, officer: Client) -> None:  # noqa: F811
    assert officer.get(f"/deletions/{ident}/").status_code == 404
    assert officer.get(f"/deletions/{ident}/certificate/").status_code == 404
    answer = officer.get("/deletions/certificate/", {"recording": ident}, headers={"accept-language": "en"})
    assert answer.status_code == 200
    assert ("The archive has no recording of this number" in answer.content.decode()) is (ident == "0" * 32)


def test_why_there_is_no_certificate_yet_is_told(site: Site, officer: Client) -> None:  # noqa: F811
    kept, refused = site.archive.record(), site.archive.refuse()
    for recording, words in ((kept, "the archive still keeps it"), (refused, "refused this recording in the room")):
        answer = officer.get("/deletions/certificate/", {"recording": recording.id}, headers={"accept-language": "en"})
        assert answer.status_code == 200
        assert "There is no certificate." in answer.content.decode()
        assert words in answer.content.decode()


@pytest.mark.parametrize("role", Role)
def test_who_may_see_it(role: Role, archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record()
    client = sign_in(make(role))
    may = Action.PREVIEW_DELETIONS in TABLE[role]
    for address in ("/deletions/", "/deletions/certificate/"):
        assert client.get(address).status_code == (200 if may else 403)
    for address in (f"/deletions/{recording.id}/", f"/deletions/{recording.id}/certificate/"):
        assert client.get(address).status_code == (404 if may else 403)


def test_the_picture_has_a_bar_for_each_day_and_what_was_missed_today_goes_tomorrow() -> None:
    today = date(2026, 11, 28)
    counts = [
        Day(day=today - timedelta(2), cause="term", deleted=3),
        Day(day=today, cause="term", deleted=1, expected=2),
        Day(day=today + timedelta(1), cause="unlinked", expected=4),
        Day(day=today + timedelta(30), cause="term", expected=12),
    ]
    found = draw(counts, today)
    assert len(found.bars) == 61
    told = {(each.day - today).days: (each.number, each.past, each.height) for each in found.told}
    assert told == {
        -2: (3, True, HEIGHT / 4),
        0: (1, True, HEIGHT / 12),
        1: (6, False, HEIGHT / 2),
        30: (12, False, HEIGHT),
    }
    assert (found.deleted, found.expected, found.most) == (4, 18, 12)

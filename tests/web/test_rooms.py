"""The rooms: what is wrong now, what was on the days before, and which meetings they could not record."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.utils import translation

from recorder.archive.access import Role
from recorder.archive.health import note
from recorder.archive.rooms import Told
from recorder.archive.web.paging import PAGE_ROWS
from recorder.archive.web.people.models import Person
from recorder.archive.web.rooms.seen import WATCH_SILENT_MS, all_now, see, troubles
from recorder.wire.consent import DAY_MS
from tests.web.archive import Archive, now_ms
from tests.web.conftest import Make

SignIn = Callable[[Person], Client]
HOUR_MS = 3_600_000
WELL = Told("room-1", True, (), False, False, 0.3, now_ms() + 300 * DAY_MS, now_ms(), now_ms() // DAY_MS * DAY_MS, ())


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """For what is read without a page around it."""
    with translation.override("en"):
        yield


def look(make: Make, sign_in: SignIn, path: str = "/rooms/") -> str:
    client = sign_in(make(Role.ADMINISTRATOR))
    client.cookies["django_language"] = "en"
    return client.get(path).content.decode()


def test_who_may_see_the_rooms(archive: Archive, make: Make, sign_in: SignIn) -> None:
    may = {Role.ADMINISTRATOR, Role.PRIVACY_OFFICER}
    for role in Role:
        for path in ("/rooms/", "/rooms/room-1/"):
            assert sign_in(make(role)).get(path).status_code == (200 if role in may else 403)
    assert sign_in(make(Role.ADMINISTRATOR)).get("/rooms/room-9/").status_code == 404


def test_it_says_so_when_nobody_watches(archive: Archive, make: Make, sign_in: SignIn) -> None:
    assert "The watch has never kept anything." in look(make, sign_in)
    note(archive.catalogue, [WELL], now_ms() - WATCH_SILENT_MS - 1_000)
    page = look(make, sign_in)
    assert "Nobody watches the rooms now" in page
    assert "not known now" in page
    note(archive.catalogue, [WELL], now_ms())
    page = look(make, sign_in)
    assert "Nobody watches the rooms now" not in page
    assert '<span class="tag good">heard</span>' in page
    assert "nothing is known yet" in page  # of room-2


def test_what_is_wrong_comes_first_and_says_what_to_do(archive: Archive, make: Make, sign_in: SignIn) -> None:
    bad = WELL._replace(
        name="room-2", faults=("speaker", "other"), rejected=True, behind=True, spool=0.9, certificate_ends_ms=now_ms()
    )
    note(archive.catalogue, [WELL, bad], now_ms())
    page = look(make, sign_in)
    assert page.index("room-2") < page.index("room-1")
    for words in (
        "The speaker is not heard. Say yourself that this is recorded.",
        "A fault that this version does not know.",
        "The archive does not take all that it sends.",
        "Something has waited in the room for four hours.",
        "Its card is nearly full.",
        "Its certificate ends soon",
        "1 of them needs somebody.",
    ):
        assert words in page


def test_a_room_that_was_dead_for_days_is_seen(archive: Archive, make: Make, sign_in: SignIn) -> None:
    today = now_ms() // DAY_MS * DAY_MS
    note(archive.catalogue, [WELL], today - 4 * DAY_MS + 9 * HOUR_MS)
    for back in (3, 2):
        note(archive.catalogue, [WELL._replace(heard=False)], today - back * DAY_MS + 9 * HOUR_MS)
    note(archive.catalogue, [WELL._replace(faults=("clock",))], today - DAY_MS + 9 * HOUR_MS)
    note(archive.catalogue, [WELL._replace(heard=False)], today - DAY_MS + 10 * HOUR_MS)
    (one, _other) = see(all_now())
    told = one.strip_word
    assert [cell.kind for cell in one.cells[-5:]] == ["heard", "silent", "silent", "part", "unknown"]
    assert one.cells[-2].marked
    assert "silent all day: 2" in told
    assert "1 day with a fault" in told
    page = look(make, sign_in, "/rooms/room-1/")
    assert "silent since" not in page  # the watch is stale: nobody knows of now
    assert page.count("silent all day") >= 3
    assert "The clock is not set." in page


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (WELL._replace(heard=False, started_ms=0), "It has never said anything."),
        (WELL._replace(heard=False), "It says nothing."),
    ],
)
def test_a_room_that_was_never_heard_is_another_matter(told: Told, words: str, archive: Archive) -> None:
    note(archive.catalogue, [told], now_ms())
    assert words in str(troubles(all_now()["room-1"])[0])


def test_meetings_that_failed_are_shown_and_refused_ones_are_not(archive: Archive, make: Make, sign_in: SignIn) -> None:
    note(archive.catalogue, [WELL], now_ms())
    device = archive.rooms["room-2"]
    device.wall_ms = now_ms() - 5_000
    cut = device.record(3)
    archive.take(cut, [cut.preamble, *cut.blocks[:2], device.cut_short(cut, 2), cut.keybox], now_ms())
    archive.refuse("room-1")
    page = look(make, sign_in)
    table = page.split('<table role="table" aria-labelledby="failed"')[1]
    assert "broken off when the power went" in table
    assert "room-2" in table
    assert "room-1" not in table.split("</table>")[0]
    assert cut.id not in page
    assert "None in thirty days" in look(make, sign_in, "/rooms/room-1/")


def test_without_a_room_it_says_how_one_comes(archive: Archive, make: Make, sign_in: SignIn) -> None:
    from recorder.archive.tables import DEVICES

    with archive.catalogue.write_beside() as connection:
        connection.execute(DEVICES.delete())
    page = look(make, sign_in)
    assert "There is no room yet." in page
    assert "enrol room-1" in page


def test_many_rooms_come_in_portions(archive: Archive, make: Make, sign_in: SignIn) -> None:
    for _ in range(PAGE_ROWS + 10):
        archive.add_room()
    first, second = look(make, sign_in), look(make, sign_in, "/rooms/?page=2")
    assert first.count(' scope="row">') == PAGE_ROWS
    assert second.count(' scope="row">') == 12
    assert look(make, sign_in, "/rooms/?page=x") != ""

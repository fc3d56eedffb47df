"""The rooms in a browser: read without colours, on a narrow screen, in both languages."""

from playwright.sync_api import expect

from recorder.archive.access import Role
from recorder.archive.health import note
from recorder.archive.rooms import Told
from recorder.wire.consent import DAY_MS
from tests.web.archive import now_ms
from tests.web.browser import NARROW, OpenAs, Shot, axe, fits
from tests.web.desk import Desk


def test_the_rooms_and_one_of_them(desk: Desk, open_as: OpenAs, language: str, shot: Shot) -> None:
    name = desk.archive.add_room()
    day = now_ms() // DAY_MS * DAY_MS
    well = Told(name, True, (), False, False, 0.3, day + 300 * DAY_MS, day, day, ())
    rooms = [Told(each, True, (), False, False, 0.1, day + 300 * DAY_MS, day, day, ()) for each in desk.archive.rooms]
    for back in range(25, 0, -1):
        told = well._replace(heard=back not in (12, 13), faults=("speaker",) if back == 7 else ())
        others = [each for each in rooms if each.name != name]
        note(desk.archive.catalogue, [told, *others], day - back * DAY_MS + 9 * 3_600_000)
        if back == 5:
            note(desk.archive.catalogue, [told._replace(heard=False), *others], day - back * DAY_MS + 10 * 3_600_000)
    note(desk.archive.catalogue, [well._replace(heard=False, faults=("clock",)), *others], now_ms())
    desk.archive.rooms[name].wall_ms = now_ms()
    cut = desk.archive.rooms[name].record(3)
    desk.archive.take(
        cut, [cut.preamble, *cut.blocks[:2], desk.archive.rooms[name].cut_short(cut, 2), cut.keybox], now_ms()
    )
    page = open_as(desk.visitor(Role.PRIVACY_OFFICER), language)
    page.goto("/rooms/")
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    axe(page)
    fits(page)
    shot(page, f"rooms-{language}")
    page.get_by_role("link", name=name, exact=True).press("Enter")
    words = {"en": "silent all day: 3", "nl": "hele dag stil: 3"}
    expect(page.get_by_role("img", name=words[language])).to_be_visible()
    axe(page)
    fits(page)
    shot(page, f"room-{language}")
    page.set_viewport_size(NARROW)
    fits(page)
    axe(page)
    page.goto("/rooms/")
    fits(page)
    axe(page)

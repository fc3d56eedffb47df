"""Finding, linking and hearing a recording, as a person does it in a browser."""

from recorder.archive.access import Role
from tests.web.browser import OpenAs, axe, fits
from tests.web.desk import Desk


def test_a_first_look(desk: Desk, open_as: OpenAs, language: str) -> None:
    room = desk.archive.add_room()
    page = open_as(desk.visitor(Role.CASEWORKER, rooms=[room]), language)
    page.goto("/meetings/")
    axe(page)
    desk.archive.record(room)
    page.reload()
    assert room in page.content()
    axe(page)
    fits(page)

"""What is handed to a client, or put on a wall, is printed: by a button, and without scripts by the browser itself."""

import re

from playwright.sync_api import expect

from recorder.archive.access import Role
from tests.web.browser import NARROW, OpenAs, Shot, axe, fits
from tests.web.desk import Desk, Visit
from tests.web.test_client import code_of

PRINT = {"en": "Print", "nl": "Afdrukken"}
_NOTED = "window.print = () => { document.documentElement.dataset.printed = 'yes'; };"


def card_of(desk: Desk) -> tuple[str, str, str]:
    """The address of a card, the code on it, and the session of whose recording it is."""
    room = desk.archive.add_room()
    recording = desk.archive.record(room)
    worker = desk.visitor(Role.CASEWORKER, rooms=[room])
    assert Visit(desk, worker).post(f"/meetings/{recording.id}/case/", case="Z-1", there="on").status == 302
    return f"/recordings/{recording.id}/card/", code_of(recording), worker.session


def test_a_card_is_printed_by_a_button_alone_on_one_sheet(
    desk: Desk, open_as: OpenAs, language: str, shot: Shot
) -> None:
    address, code, session = card_of(desk)
    page = open_as(language=language)
    page.context.add_cookies([{"name": "session", "value": session, "url": desk.url}])
    page.add_init_script(_NOTED)
    page.goto(address)
    axe(page)
    page.get_by_role("button", name=PRINT[language]).focus()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-printed", "yes")
    page.set_viewport_size(NARROW)
    fits(page)
    page.emulate_media(media="print")
    expect(page.locator(".clientcard")).to_contain_text(code)
    expect(page.locator(".clientcard img")).to_be_visible()
    for gone in (".top", "footer", ".buttons", "h1", "nav"):
        expect(page.locator(gone).first).to_be_hidden()
    shot(page, "card")
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) == 1


def test_without_scripts_there_is_no_button_that_does_nothing(desk: Desk, open_as: OpenAs, language: str) -> None:
    address, code, session = card_of(desk)
    page = open_as(language=language, java_script_enabled=False)
    page.context.add_cookies([{"name": "session", "value": session, "url": desk.url}])
    page.goto(address)
    expect(page.locator(".clientcard")).to_contain_text(code)
    expect(page.get_by_role("button", name=PRINT[language])).to_be_hidden()

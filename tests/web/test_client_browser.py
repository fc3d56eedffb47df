"""The client's page in a browser: scanned, typed, by keyboard alone, on a small telephone, without scripts, printed."""

import pytest
from playwright.sync_api import Page, expect

from recorder.archive.access import Role
from tests.web.browser import NARROW, OpenAs, Shot, axe, fits
from tests.web.desk import Desk
from tests.web.test_client import WRONG, code_of

LOOK = {"en": "Look", "nl": "Kijken"}
WHOLE = {"en": "There is a recording, and it is whole", "nl": "Er is een opname, en die is compleet"}
LOCKED = {"en": "The recording is locked now", "nl": "De opname zit nu op slot"}
NOTHING = {"en": "Nothing was kept", "nl": "Er is niets bewaard"}
ERASE = {"en": "Ask to have it erased", "nl": "Vragen om de opname te wissen"}


def tab_to(page: Page, name: str) -> None:
    """By the Tab key alone, to what bears this name."""
    told = "(it => (it.labels?.[0] ?? it).textContent.trim())(document.activeElement)"
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(told).rstrip(":") == name:
            return
    raise AssertionError(f"no way to {name!r} by Tab")


def test_a_code_is_typed_and_an_erasure_is_asked_by_keyboard_alone(
    desk: Desk, open_as: OpenAs, language: str, shot: Shot
) -> None:
    typed = code_of(desk.archive.record(desk.archive.add_room()))
    page = open_as(language=language, viewport=NARROW)
    page.goto("/c/")
    axe(page)
    fits(page)
    shot(page, f"code-{language}")
    tab_to(page, {"en": "Your code", "nl": "Uw code"}[language])
    page.keyboard.type(WRONG)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    axe(page)
    fits(page)
    expect(page.get_by_label({"en": "Your code", "nl": "Uw code"}[language])).to_have_value(WRONG)
    tab_to(page, {"en": "Your code", "nl": "Uw code"}[language])
    page.keyboard.press("Control+A")
    page.keyboard.type(typed.lower().replace("-", " "))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=WHOLE[language])).to_be_visible()
    assert typed not in page.url
    axe(page)
    fits(page)
    shot(page, f"found-{language}")
    tab_to(page, ERASE[language])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name=ERASE[language])).to_be_visible()
    axe(page)
    fits(page)
    shot(page, f"ask-{language}")
    tab_to(page, {"en": "Send", "nl": "Versturen"}[language])
    page.keyboard.press("Enter")
    expect(page.get_by_text(LOCKED[language])).to_be_visible()
    axe(page)
    fits(page)
    shot(page, f"asked-{language}")


def test_a_qr_brings_the_code_and_leaves_it_in_no_address(desk: Desk, open_as: OpenAs) -> None:
    typed = code_of(desk.archive.record(desk.archive.add_room()))
    page = open_as()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/c/#{typed}")
    expect(page.get_by_role("heading", name=WHOLE["en"])).to_be_visible()
    assert not [url for url in asked if typed in url.partition("#")[0]]
    assert typed not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert typed not in desk.log_file.read_text()
    page.go_back()
    assert typed not in page.url


def test_what_else_stands_behind_the_sign_goes_nowhere(desk: Desk, open_as: OpenAs) -> None:
    page = open_as()
    page.goto("/c/#<img src=x onerror=alert(1)>")
    expect(page.get_by_label("Your code")).to_have_value("")


def test_it_works_without_scripts(desk: Desk, open_as: OpenAs) -> None:
    typed = code_of(desk.archive.record(desk.archive.add_room()))
    page = open_as(java_script_enabled=False)
    page.goto("/c/")
    page.get_by_label("Your code").fill(typed)
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_role("heading", name=WHOLE["en"])).to_be_visible()


def test_of_a_refused_meeting_it_says_that_nothing_was_kept(
    desk: Desk, open_as: OpenAs, language: str, shot: Shot
) -> None:
    typed = code_of(desk.archive.refuse(desk.archive.add_room()), refused=True)
    page = open_as(language=language, viewport=NARROW)
    page.goto(f"/c/#{typed}")
    expect(page.get_by_role("heading", name=NOTHING[language])).to_be_visible()
    axe(page)
    fits(page)
    shot(page, f"refused-{language}")


def test_the_language_changes_and_the_code_stays(desk: Desk, open_as: OpenAs) -> None:
    typed = code_of(desk.archive.record(desk.archive.add_room()))
    page = open_as()
    page.goto(f"/c/#{typed}")
    expect(page.get_by_role("heading", name=WHOLE["en"])).to_be_visible()
    page.get_by_role("button", name="Nederlands").click()
    expect(page.get_by_role("heading", name=WHOLE["nl"])).to_be_visible()


@pytest.mark.parametrize("viewport", [None, NARROW], ids=["wide", "narrow"])
def test_the_card_can_be_looked_at_and_its_qr_leads_there(
    viewport: object, desk: Desk, open_as: OpenAs, language: str, shot: Shot
) -> None:
    recording = desk.archive.record(desk.archive.add_room())
    page = open_as(desk.visitor(Role.RIGHTS_DESK), language, **({"viewport": viewport} if viewport else {}))
    page.goto(f"/recordings/{recording.id}/card/")
    expect(page.get_by_text(code_of(recording))).to_be_visible()
    axe(page)
    fits(page)
    shot(page, f"card-{language}-{'wide' if viewport is None else 'narrow'}")
    page.emulate_media(media="print")
    expect(page.get_by_text(code_of(recording))).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_hidden()

"""Naming the case of a meeting, hearing it and finding the way in it: in a browser, by keyboard, in both languages."""

import http

from playwright.sync_api import Page, ViewportSize, expect

from recorder.archive.access import Role
from recorder.archive.rewrap import Rotation, rewrap
from recorder.sealed.keys import RecipientPrivateKey
from tests.rooms import RECIPIENT
from tests.web.browser import NARROW, WIDE, OpenAs, Shot, axe, fits
from tests.web.desk import Desk

LISTEN = {"nl": "Luisteren", "en": "Listen"}
SAID = [(0.0, "notice_given"), (0.0, "yes"), (4.5, "mark"), (10.0, "prompt"), (10.5, "answer"), (17.0, "mark")]
ZOOMED: ViewportSize = {"width": 640, "height": 450}
"""What is left of the wide window at 200 %."""


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press Tab until this has the focus. It may be on a page that is still to come."""
    page.wait_for_selector(selector)
    for _ in range(most):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by Tab on {page.url}")


def at(page: Page) -> float:
    """Where the player is, in seconds."""
    return float(page.evaluate("document.getElementById('audio').currentTime"))


def is_at(page: Page, seconds: float, within: float = 0.6) -> None:
    page.wait_for_function(
        "([at, within]) => Math.abs(document.getElementById('audio').currentTime - at) < within", arg=[seconds, within]
    )


def plays(page: Page) -> None:
    """Sound comes out: the place moves on."""
    before = at(page)
    page.wait_for_function("before => document.getElementById('audio').currentTime > before + 0.3", arg=before)


def pauses(page: Page) -> None:
    page.wait_for_function("document.getElementById('audio').paused")


def link_and_open(page: Page, room: str) -> None:
    """From the first page to the player, by keyboard alone."""
    page.goto("/")
    tab_to(page, "a.button[href^='/meetings/']")
    page.keyboard.press("Enter")
    tab_to(page, "#id_case")
    page.keyboard.type("Z-2026/17")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/recordings/*/")
    tab_to(page, "a.button[href$='/hear/']")
    page.keyboard.press("Enter")
    tab_to(page, "input[name=purpose]")
    page.keyboard.press("Space")
    tab_to(page, "#id_reason")
    page.keyboard.type("the decision")
    page.keyboard.press("Enter")
    page.wait_for_url("**/listen/*/")


def test_by_keyboard_from_the_first_page_to_a_mark(desk: Desk, open_as: OpenAs, language: str) -> None:
    room = desk.archive.add_room()
    desk.archive.record(room, blocks=20, gap_after=8, said=SAID)
    page = open_as(desk.visitor(Role.CASEWORKER, rooms=[room]), language)
    link_and_open(page, room)
    assert page.evaluate("document.getElementById('audio').paused")  # nothing plays by itself
    assert at(page) == 0
    tab_to(page, "#play")
    page.keyboard.press("Enter")
    plays(page)
    page.keyboard.press("k")
    pauses(page)
    page.keyboard.press("0")
    is_at(page, 0)
    page.keyboard.press("ArrowRight")
    is_at(page, 5)
    page.keyboard.press("ArrowLeft")
    is_at(page, 0)
    page.keyboard.press("5")
    is_at(page, 12)
    page.keyboard.press("j")
    is_at(page, 0)
    page.keyboard.press("n")
    is_at(page, 4.5)
    assert "0:04" in page.locator("#said").inner_text()
    page.keyboard.press("n")
    is_at(page, 8)
    page.keyboard.press("p")
    is_at(page, 4.5)
    page.keyboard.press("l")
    is_at(page, 24)
    page.keyboard.press(">")
    page.keyboard.press(">")
    assert page.evaluate("document.getElementById('audio').playbackRate") == 1.5
    page.keyboard.press("<")
    assert page.evaluate("document.getElementById('audio').playbackRate") == 1.25
    page.keyboard.press("?")
    assert page.locator("#help").get_attribute("open") is not None
    tab_to(page, "a[data-at='4.500']")
    page.keyboard.press("Enter")
    plays(page)
    assert 4 < at(page) < 8
    axe(page)
    drawn = page.locator("#wave svg")
    assert drawn.get_attribute("lang") == language
    told = {"en": ("Recording of 24 seconds.", "mark at 0:04"), "nl": ("Opname van 24 seconden.", "markering op 0:04")}
    assert (drawn.get_attribute("aria-label") or "").startswith(told[language][0])
    expect(drawn.locator(".wave-mark title").first).to_have_text(told[language][1])
    length = {"en": "0:24 of sound", "nl": "0:24 geluid"}
    expect(page.locator("p.sub")).to_contain_text(length[language])
    page.reload()
    assert page.locator("#listened ~ ul").inner_text().count("Anouk de Boer") == 1


def test_keys_are_not_taken_from_who_types_or_reads(desk: Desk, open_as: OpenAs) -> None:
    room = desk.archive.add_room()
    desk.archive.record(room, blocks=6)
    page = open_as(desk.visitor(Role.CASEWORKER, rooms=[room]))
    link_and_open(page, room)
    page.keyboard.press("k")  # with the focus on the page
    page.locator("#speed").focus()
    page.keyboard.press("k")
    assert page.evaluate("document.getElementById('audio').paused")
    page.keyboard.press("5")
    assert at(page) == 0


def test_the_mouse_and_the_drawing(desk: Desk, open_as: OpenAs) -> None:
    room = desk.archive.add_room()
    desk.archive.record(room, blocks=20, gap_after=8, said=SAID)
    page = open_as(desk.visitor(Role.CASEWORKER, rooms=[room]))
    link_and_open(page, room)
    expect(page.locator("#wave svg .wave-mark")).to_have_count(2)
    expect(page.locator("#wave svg .wave-gap")).to_have_count(1)
    box = page.locator("#wave").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    is_at(page, 12)
    page.get_by_role("button", name="Back 5 seconds").click()
    is_at(page, 7)
    page.get_by_role("slider").fill("3")
    is_at(page, 3)
    assert page.get_by_role("slider").get_attribute("aria-valuetext") == "0:03 of 0:24"
    page.get_by_role("link", name="Mark of the caseworker").last.click()
    plays(page)
    page.get_by_role("button", name="Pause").click()
    pauses(page)


def test_without_scripts_the_browsers_own_player_plays_from_a_mark(desk: Desk, open_as: OpenAs) -> None:
    room = desk.archive.add_room()
    desk.archive.record(room, blocks=20, gap_after=8, said=SAID)
    page = open_as(desk.visitor(Role.CASEWORKER, rooms=[room]), java_script_enabled=False)
    link_and_open_plainly(page)
    assert page.locator("audio").get_attribute("controls") is not None
    assert not page.locator("#deck").is_visible()
    page.get_by_role("link", name="Mark of the caseworker").first.click()
    assert str(page.locator("audio").get_attribute("src")).endswith("#t=4.5")


def link_and_open_plainly(page: Page) -> None:
    page.goto("/meetings/")
    page.get_by_role("link", name="Name the case").click()
    page.get_by_label("Case number").fill("Z-1")
    page.get_by_label("I had this conversation myself").check()
    page.get_by_role("button", name="This is the case").click()
    page.get_by_role("link", name="Listen").click()
    page.get_by_label("preparing a decision").check()
    page.get_by_label("Why do you need").fill("the decision")
    page.get_by_role("button", name="Listen").click()


def test_who_may_not_hear_any_more_reads_why_in_the_player(desk: Desk, open_as: OpenAs) -> None:
    room = desk.archive.add_room()
    desk.archive.record(room, blocks=6)
    page = open_as(desk.visitor(Role.CASEWORKER, rooms=[room], name="Kim"))
    link_and_open_plainly(page)
    other = open_as(desk.visitor(Role.CASEWORKER, rooms=[room], name="Bo"))
    other.goto("/meetings/")
    axe(other)
    other.get_by_role("button", name="Not right").click()
    expect(other.get_by_role("status")).to_contain_text("privacy officer")
    expect(other.get_by_text("disputed", exact=True)).to_be_visible()
    # What is in the browser's memory stays there: it asks for it as for something new.
    page.evaluate("const audio = document.getElementById('audio'); audio.src = audio.src + '?again'; audio.load()")
    expect(page.get_by_role("alert")).to_contain_text("disputes that this was your conversation")
    officer = open_as(desk.visitor(Role.PRIVACY_OFFICER))
    officer.goto("/disputes/")
    axe(officer)
    officer.get_by_role("link", name=f"Decide on room {room}").click()
    axe(officer)
    officer.get_by_label("The link is right").check()
    officer.get_by_label("How do you know?").fill("The diary of both")
    officer.get_by_role("button", name="Decide").click()
    expect(officer.get_by_role("status")).to_have_text("It is settled.")
    page.reload()
    page.get_by_role("button", name="Play").click()
    plays(page)


def test_every_page_in_every_light_and_width(desk: Desk, open_as: OpenAs, language: str, shot: Shot) -> None:
    room = desk.archive.add_room()
    visitor = desk.visitor(Role.CASEWORKER, rooms=[room])
    page = open_as(visitor, language)
    page.goto("/meetings/")
    axe(page)
    heard = desk.archive.record(room, blocks=20, gap_after=8, said=SAID)
    waits = desk.archive.record(room, days_ago=9)
    link_and_open(open_as(visitor, language), room)  # the newest one
    linked, other = (waits, heard) if f"/meetings/{heard.id}/" in _read(page, "/meetings/") else (heard, waits)
    start = _player(page, linked.id)
    addresses = {
        "meetings": "/meetings/",
        "link": f"/meetings/{other.id}/case/",
        "recording": f"/recordings/{linked.id}/",
        "relink": f"/recordings/{linked.id}/case/",
        "statement": f"/recordings/{linked.id}/statement/",
        "decision": f"/recordings/{linked.id}/decision/",
        "hear": f"/recordings/{linked.id}/hear/",
        "listen": start,
    }
    for name, address in addresses.items():
        page.set_viewport_size(WIDE)
        page.goto(address)
        page.emulate_media(color_scheme="light")
        axe(page)
        shot(page, f"{name}-light")
        page.emulate_media(color_scheme="dark")
        axe(page, "color-contrast")  # nothing else changes with the light
        shot(page, f"{name}-dark")
        for width in (ZOOMED, NARROW):
            page.set_viewport_size(width)
            fits(page)
            shot(page, f"{name}-{width['width']}")


def _read(page: Page, address: str) -> str:
    page.goto(address)
    return page.content()


def _player(page: Page, recording: str) -> str:
    """The address of a player."""
    page.goto(f"/recordings/{recording}/hear/")
    page.locator("input[name=purpose]").check()
    page.locator("#id_reason").fill("the decision")
    page.locator("main form button").click()
    page.wait_for_url("**/listen/*/")
    return page.url


def test_statements_stand_with_the_player(desk: Desk, open_as: OpenAs, language: str) -> None:  # S4
    room = desk.archive.add_room()
    desk.archive.record(room, blocks=6)
    page = open_as(desk.visitor(Role.CASEWORKER, rooms=[room]), language)
    link_and_open(page, room)
    start = page.url
    page.locator("a[href$='/statement/']").click()
    page.locator("#id_text").fill("I said two hundred, and not three.")
    page.locator("#id_of_client").check()
    page.locator("main form button").click()
    assert page.locator("blockquote").inner_text() == "I said two hundred, and not three."
    answer = page.goto(start)
    assert answer is not None
    assert answer.status == http.HTTPStatus.OK
    assert page.locator("blockquote").inner_text() == "I said two hundred, and not three."
    axe(page)


WHOM = {"nl": "Meld dit bij uw IT-afdeling", "en": "Tell your IT department"}


def test_who_cannot_hear_it_after_the_keys_were_changed_is_told_whom_to_ask(
    desk: Desk, open_as: OpenAs, language: str, shot: Shot
) -> None:
    """The reading room has the old key still."""
    room = desk.archive.add_room()
    recording = desk.archive.record(room).id
    rotation = Rotation(RECIPIENT, RecipientPrivateKey.generate("x25519"))
    assert rewrap(desk.archive.store, desk.archive.catalogue, recording, rotation)
    page = open_as(desk.visitor(Role.CASEWORKER, rooms=[room]), language)
    link_and_open(page, room)
    told = page.get_by_role("alert")
    expect(told).to_contain_text(WHOM[language])
    axe(page)
    page.set_viewport_size(NARROW)
    fits(page)
    shot(page, "other-key")

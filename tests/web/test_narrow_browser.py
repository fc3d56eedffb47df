"""The pages on the window of a telephone: a table is cards, and the menu opens; on a desk both are there as they were."""

import sqlite3
import time
from contextlib import closing

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from recorder.archive.access import Role
from tests.web.browser import NARROW, WIDE, OpenAs, Shot, axe, fits
from tests.web.desk import Desk, Visit
from tests.web.registrar import Visitor

PHONES = [NARROW, {"width": 390, "height": 844}]
LAPTOP: ViewportSize = {"width": 1100, "height": 800}
MENU_PIXELS_MAX = 60

_CUT = """() => [...document.querySelectorAll('main :is(th, td, button, a, input, .tag)')].filter(each => {
  const box = each.getBoundingClientRect(), wide = document.documentElement.clientWidth;
  if (each.closest('thead, details:not([open])') || !box.width) return false;
  return box.left < 0 || box.right > wide || each.matches('th, td') && each.scrollWidth > each.clientWidth + 1;
}).map(each => each.outerHTML)"""
_SCROLLS = "() => [...document.querySelectorAll('.scroll')].some(each => each.scrollWidth > each.clientWidth)"
_WIDER = """() => [...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth).map(
  each => `${location.pathname} ${each.getAttribute('aria-labelledby')}: ${each.scrollWidth} in ${each.clientWidth}`)"""
_LABELS = """() => [...document.querySelectorAll('main table')].flatMap(table => {
  const heads = [...table.querySelectorAll('thead th')];
  const above = heads.map(each => each.querySelector('.visually-hidden') ? null : each.textContent.trim());
  const rows = [...table.querySelectorAll('tbody tr')].filter(row => !row.querySelector('[colspan]'));
  return rows.flatMap(row => [...row.children].map((cell, at) =>
    ({above: above[at], label: cell.getAttribute('data-label'), seen: getComputedStyle(cell, '::before').content})));
})"""
_LINES = """() => [...document.querySelectorAll('td .id')].map(
  each => each.getBoundingClientRect().height / parseFloat(getComputedStyle(each).lineHeight))"""


@pytest.fixture
def people(desk: Desk) -> dict[Role, Visitor]:
    """Those whose pages have tables; what they show is there."""
    room = desk.archive.add_room()
    named = desk.archive.record(room).id
    desk.archive.record(room)
    worker = desk.visitor(Role.CASEWORKER, rooms=[room], name="Willemijn van Nieuwenhuizen-Kromhout")
    assert Visit(desk, worker).post(f"/meetings/{named}/case/", case="2026-00123", there="on").status == 302
    _holds(desk, Visit(desk, worker), named)
    desk.visitor(Role.LISTENER, name="Wacht op een tweede", confirmed=False)
    others = (Role.PRIVACY_OFFICER, Role.ADMINISTRATOR)
    return {Role.CASEWORKER: worker} | {role: desk.visitor(role) for role in others}


def _holds(desk: Desk, worker: Visit, recording: str) -> None:
    """One that waits, one that runs, and the one of which people read most: that nobody confirmed it in time."""
    colleague = Visit(desk, desk.visitor(Role.LISTENER, name="Bartholomeus van der Heijden"))
    until = time.strftime("%Y-%m-%d", time.localtime(time.time() + 90 * 86_400))
    hold = {
        "case": "2026-00123",
        "reason": "Zie intranet.gemeente.example/bezwaarschriften/hoorzittingen?dossier=00123",
        "until": until,
    }
    places = [
        worker.post(f"/recordings/{recording}/hold/", kind=kind, **hold).headers["Location"]
        for kind in ("objection", "appeal", "complaint")
    ]
    assert colleague.send(f"{places[1]}confirm/", csrfmiddlewaretoken=colleague.token(places[1])).status == 302
    with closing(sqlite3.connect(desk.archive.folder / "people.sqlite")) as database, database:
        database.execute(
            "UPDATE holds_hold SET placed_ms = placed_ms - 20 * 86400000 WHERE id = ?", [places[2].split("/")[2]]
        )


ADDRESSES = {
    Role.PRIVACY_OFFICER: ["/audit/", "/rooms/", "/waiting/", "/deletions/", "/confirmations/", "/policy/", "/holds/"],
    Role.ADMINISTRATOR: ["/accounts/"],
    Role.CASEWORKER: ["/meetings/"],
}


@pytest.mark.parametrize("viewport", PHONES, ids=lambda each: str(each["width"]))
def test_a_row_is_a_card_and_nothing_is_cut(
    open_as: OpenAs, language: str, viewport: dict[str, int], people: dict[Role, Visitor], shot: Shot
) -> None:
    for role, addresses in ADDRESSES.items():
        page = open_as(people[role], language, viewport=viewport)
        for address in addresses:
            page.goto(address)
            expect(page.get_by_role("rowheader").first).to_be_visible()
            fits(page)
            assert page.evaluate(_CUT) == []
            assert not page.evaluate(_SCROLLS)
            labels = page.evaluate(_LABELS)
            assert labels
            for each in labels:
                assert each["above"] == each["label"]
                assert each["seen"].startswith("none" if each["label"] is None else f'"{each["label"]}: "')
            axe(page)
            shot(page, f"{viewport['width']}{address.replace('/', '-')}")


def test_on_a_small_laptop_no_column_is_behind_an_edge(
    open_as: OpenAs, language: str, people: dict[Role, Visitor], shot: Shot
) -> None:
    """The bar by which one would get there is at the end of the page, which nobody sees."""
    for role, addresses in ADDRESSES.items():
        page = open_as(people[role], language, viewport=LAPTOP)
        for address in addresses:
            page.goto(address)
            expect(page.get_by_role("rowheader").first).to_be_visible()
            fits(page)
            assert page.evaluate(_WIDER) == []
            shot(page, f"laptop{address.replace('/', '-')}")


def test_a_screen_reader_has_the_same_table_on_both(open_as: OpenAs, people: dict[Role, Visitor]) -> None:
    """As Chromium tells it: rows, cells and headings, and no cell says twice what it is."""
    page = open_as(people[Role.ADMINISTRATOR])
    page.goto("/accounts/")
    told = []
    for viewport in (WIDE, NARROW):
        page.set_viewport_size(viewport)
        told.append(_spoken(page))
    assert told[0] == told[1]
    roles = [role for role, _ in told[0]]
    assert roles.count("columnheader") == 7
    assert roles.count("rowheader") == roles.count("row") - 1 > 3


def _spoken(page: Page) -> list[tuple[str, str]]:
    """Role and name of each part of the tables."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    wanted = ("table", "row", "columnheader", "rowheader", "cell", "gridcell")
    found = [(each["role"]["value"], each.get("name", {}).get("value", "")) for each in nodes if not each["ignored"]]
    return [each for each in found if each[0] in wanted]


@pytest.mark.parametrize("viewport", PHONES, ids=lambda each: str(each["width"]))
def test_the_menu_opens_by_keyboard_and_without_scripts(
    open_as: OpenAs, viewport: dict[str, int], people: dict[Role, Visitor], language: str
) -> None:
    page = open_as(people[Role.PRIVACY_OFFICER], language, viewport=viewport, java_script_enabled=False)
    page.goto("/audit/")
    menu, link = page.locator("nav .menu"), page.locator("nav a[href='/breach/']")
    box = menu.bounding_box()
    assert box is not None
    assert box["height"] <= MENU_PIXELS_MAX
    expect(link).to_be_hidden()
    for _ in range(10):
        page.keyboard.press("Tab")
        if menu.locator("summary:focus-visible").count():
            break
    page.keyboard.press("Enter")
    expect(link).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.locator("nav a[href='/breach/']:focus-visible").count():
            break
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith("/breach/")
    expect(link).to_be_hidden()


def test_an_open_menu_is_well_made(open_as: OpenAs, people: dict[Role, Visitor], language: str, shot: Shot) -> None:
    page = open_as(people[Role.PRIVACY_OFFICER], language, viewport=NARROW)
    page.goto("/audit/")
    page.locator("nav summary").click()
    axe(page)
    fits(page)
    heights = page.evaluate(
        "[...document.querySelectorAll('nav a, nav summary')].map(each => each.getBoundingClientRect().height)"
    )
    assert min(heights) >= 24  # WCAG 2.2, 2.5.8
    shot(page, "menu")


def test_on_a_desk_the_menu_is_open_and_the_audit_trail_can_be_read(
    open_as: OpenAs, people: dict[Role, Visitor], language: str, shot: Shot
) -> None:
    page = open_as(people[Role.PRIVACY_OFFICER], language)
    page.goto("/audit/")
    expect(page.locator("nav summary")).to_be_hidden()
    expect(page.locator("nav a[href='/breach/']")).to_be_visible()
    axe(page)
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.locator("nav a:focus-visible").count():
            break
    assert page.locator("nav a:focus-visible").count() == 1
    assert not page.evaluate(_SCROLLS)
    assert 0 < max(page.evaluate(_LINES)) < 2.5
    shot(page, "audit")


def test_what_is_wider_than_its_place_is_reached_by_keyboard(open_as: OpenAs, people: dict[Role, Visitor]) -> None:
    """With letters twice as large, on a window where a table is a table still, it scrolls by itself and takes the keyboard."""
    page = open_as(people[Role.PRIVACY_OFFICER], viewport={"width": 900, "height": 900})
    page.goto("/audit/")
    page.evaluate("document.documentElement.style.fontSize = '212%'")
    scrolled = page.locator(".scroll")
    assert scrolled.evaluate("each => each.scrollWidth - each.clientWidth") > 0
    fits(page)
    axe(page)
    scrolled.focus()
    scrolled.evaluate("each => each.addEventListener('scroll', () => each.dataset.moved = 'yes')")
    page.keyboard.press("ArrowRight")
    expect(scrolled).to_have_attribute("data-moved", "yes")

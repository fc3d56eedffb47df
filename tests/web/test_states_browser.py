"""Pages that nobody looks for: where there is nothing yet, where something went wrong, and where somebody must wait."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from recorder.archive.access import Role
from recorder.archive.deletion import Deleter
from recorder.archive.deletions import Deletions
from recorder.archive.retention import Cause
from tests.web.archive import Archive, now_ms
from tests.web.browser import NARROW, WIDE, OpenAs, Shot, axe, fits
from tests.web.desk import Desk, Visit
from tests.web.registrar import Visitor
from tests.web.test_client import WRONG, code_of

Look = Callable[[Page, str], None]
TRIES_MAX = 70
"""More than any of the limits."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One of this file's own, that begins without a room, and is tried until it tells to wait."""
    made = Desk(Archive(tmp_path_factory.mktemp("states") / "archive", rooms={}))
    try:
        made.decide()
        made.start_one("web")
        yield made
    finally:
        made.close()
        made.archive.catalogue.close()


@pytest.fixture
def look(shot: Shot, language: str) -> Look:
    """Axe objects to nothing, in either light, and nobody scrolls sideways."""

    def looked(page: Page, name: str) -> None:
        assert page.locator("html").get_attribute("lang") == language
        axe(page)
        page.emulate_media(color_scheme="dark")
        axe(page, "color-contrast")
        page.emulate_media(color_scheme="light")
        shot(page, name)
        page.set_viewport_size(NARROW)
        fits(page)
        page.set_viewport_size(WIDE)

    return looked


def test_what_is_empty_says_what_will_come(desk: Desk, open_as: OpenAs, language: str, look: Look) -> None:
    officer = open_as(desk.visitor(Role.PRIVACY_OFFICER), language)
    officer.goto("/rooms/")
    expect(officer.locator(".empty")).to_be_visible()
    look(officer, "no-rooms")
    officer.goto("/")
    assert officer.url.endswith("/waiting/")
    expect(officer.get_by_role("alert").first).to_be_visible()  # no nightly run has ended
    look(officer, "nothing-waits")
    worker = open_as(desk.visitor(Role.CASEWORKER), language)
    worker.goto("/meetings/")
    expect(worker.locator(".empty").first).to_be_visible()
    look(worker, "no-meetings")
    nobody = open_as(desk.visitor(Role.CASE_SYSTEM), language)
    nobody.goto("/")
    look(nobody, "first-page-of-a-program")


def test_what_cannot_be_shown_says_why(desk: Desk, open_as: OpenAs, language: str, look: Look) -> None:
    page = open_as(desk.visitor(Role.CASEWORKER), language)
    for address, status, name in (("/accounts/", 403, "forbidden"), ("/no/such/page/", 404, "not-found")):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == status
        look(page, name)
    page.goto("/meetings/")
    page.context.clear_cookies(name="csrf")
    with page.expect_navigation() as navigation:
        page.locator(".me button").click()
    assert navigation.value.status == 403
    expect(page.get_by_role("heading", level=1)).not_to_have_text("403 Forbidden")
    look(page, "stale")
    stranger = open_as(language=language)
    answer = stranger.goto(desk.url.replace("localhost", "127.0.0.1") + "/")
    assert answer is not None
    assert answer.status == 400
    look(stranger, "not-understood")


def test_what_waits_leads_there_by_keyboard(desk: Desk, open_as: OpenAs, language: str, look: Look) -> None:
    room = desk.archive.add_room()
    recording = desk.archive.record(room).id
    at_desk = open_as(desk.visitor(Role.RIGHTS_DESK), language)
    at_desk.goto(f"/disclosures/of/{recording}/")
    at_desk.fill("[name=to]", "De rechtbank")
    at_desk.check("[name=ground][value=duty]")
    at_desk.fill("[name=words]", "Artikel 5 van een wet")
    at_desk.click("main form .buttons button")
    officer = open_as(desk.visitor(Role.PRIVACY_OFFICER), language)
    officer.goto("/")
    expect(officer.locator("td .tag").first).to_be_visible()
    look(officer, "waits")
    for _ in range(60):
        officer.keyboard.press("Tab")
        if officer.evaluate("document.activeElement.matches(\"main a[href='/disclosures/']\")"):
            break
    with officer.expect_navigation():
        officer.keyboard.press("Enter")
    expect(officer.get_by_text("De rechtbank").first).to_be_visible()


def test_a_deleted_recording_shows_its_client_what_is_left(
    desk: Desk, open_as: OpenAs, language: str, look: Look
) -> None:
    recording = desk.archive.record(desk.archive.add_room(), days_ago=20)
    typed = code_of(recording)
    archive = desk.archive
    deletions = Deletions(archive.folder / "deletions")
    Deleter("archive", archive.clerk._key, archive.store, archive.catalogue, deletions, now_ms).delete(
        recording.id, Cause.UNLINKED
    )
    page = open_as(language=language)
    page.goto(f"/c/#{typed}")
    gone = {"en": "The recording was deleted", "nl": "De opname is gewist"}[language]
    expect(page.get_by_role("heading", name=gone)).to_be_visible()
    look(page, "deleted")


def test_who_signs_in_wrongly_is_told(desk: Desk, open_as: OpenAs, language: str, look: Look) -> None:
    page = open_as(language=language)
    page.goto("/account/inactive/")
    look(page, "inactive")
    page.goto("/account/login/")
    page.locator("main form button").first.click()
    expect(page.get_by_role("alert").first).to_be_visible()
    look(page, "sign-in-empty")
    for _ in range(TRIES_MAX):
        page.fill("[name=login]", f"nobody-{language}@gemeente.example")
        page.fill("[name=password]", "not the right one")
        with page.expect_navigation():
            page.locator("main form button").first.click()
        expect(page.get_by_role("alert").first).to_be_visible()
        if page.locator(f"text={TOO_MANY[language]}").count():
            break
    else:
        raise AssertionError("nobody is told to wait")
    look(page, "sign-in-too-often")


TOO_MANY = {"en": "too often", "nl": "te vaak"}
SIGN_INS_MAX = 300
"""From one address, in a minute."""


def test_who_comes_from_a_busy_address_is_told_to_wait(desk: Desk, open_as: OpenAs, language: str, look: Look) -> None:
    page = open_as(language=language)
    page.goto("/account/login/")
    visit = Visit(desk, Visitor(*[""] * 6))
    token = visit.token("/account/login/")
    for _ in range(SIGN_INS_MAX):
        if visit.send("/account/login/", csrfmiddlewaretoken=token).status == 429:
            break
    page.fill("[name=login]", "nobody@gemeente.example")
    page.fill("[name=password]", "not the right one")
    with page.expect_navigation() as navigation:
        page.locator("main form button").first.click()
    assert navigation.value.status == 429
    look(page, "sign-in-busy")


def test_an_unknown_code_is_told(desk: Desk, open_as: OpenAs, language: str, look: Look) -> None:
    page = open_as(language=language)
    try_code(page)
    expect(page.get_by_role("alert")).to_be_visible()
    look(page, "unknown-code")


def test_who_tries_many_codes_is_told_to_wait(desk: Desk, open_as: OpenAs, language: str, look: Look) -> None:
    page = open_as(language=language)
    for _ in range(TRIES_MAX):
        try_code(page)
        if not page.locator("[name=code]").count():
            break
    wait = {"en": "Please wait a moment", "nl": "Wacht even"}[language]
    expect(page.get_by_role("heading", level=1, name=wait)).to_be_visible()
    look(page, "wait")


def try_code(page: Page) -> None:
    page.goto("/c/")
    page.fill("[name=code]", WRONG)
    with page.expect_navigation():
        page.keyboard.press("Enter")

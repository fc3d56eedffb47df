"""From a new account to the first sound, in real Chromium before the real processes: a second person confirms it between."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from recorder.archive.access import Role
from tests.web.browser import NARROW, OpenAs, Shot, a_desk, axe, fits
from tests.web.desk import Desk, Visit

pytestmark = pytest.mark.timeout(600)
PASSWORD = "vier losse woorden samen"
WORDS = {
    "en": {
        "new": "New password:",
        "again": "The new password again:",
        "mine": "This is my password",
        "email": "E-mail address:",
        "password": "Password:",
        "in": "Sign in",
        "step": "One more step",
        "wait": "has not signed in since then",
        "own": "You did some of this yourself",
        "right": "I have asked. It is right",
        "done": "The account is confirmed.",
        "none": "No account waits",
        "first": "A second person must confirm your account first",
        "banner": "Your account is not yet confirmed.",
    },
    "nl": {
        "new": "Nieuw wachtwoord:",
        "again": "Het nieuwe wachtwoord nog eens:",
        "mine": "Dit is mijn wachtwoord",
        "email": "E-mailadres:",
        "password": "Wachtwoord:",
        "in": "Inloggen",
        "step": "Nog één stap",
        "wait": "heeft sindsdien niet ingelogd",
        "own": "U hebt hiervan zelf iets gedaan",
        "right": "Ik heb het gevraagd. Het klopt",
        "done": "Het account is bevestigd.",
        "none": "Er wacht geen account",
        "first": "Eerst moet een tweede persoon uw account bevestigen",
        "banner": "Uw account is nog niet bevestigd.",
    },
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One of its own: in the other's list of who waits are those of other files."""
    with a_desk(tmp_path_factory) as made:
        yield made


def look(page: Page, shot: Shot, name: str) -> None:
    shot(page, name)
    axe(page)
    wide = page.viewport_size
    page.set_viewport_size(NARROW)
    fits(page)
    assert wide is not None
    page.set_viewport_size(wide)


def tab_to(page: Page, name: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText").split() == name.split():
            return
    raise AssertionError(f"{name} is not reached by keyboard")


def test_a_second_person_confirms_it_by_keyboard_alone(desk: Desk, open_as: OpenAs, language: str, shot: Shot) -> None:
    words, room = WORDS[language], desk.archive.add_room()
    keeper = desk.visitor(Role.ADMINISTRATOR, name="Bea Beheer")
    officer = open_as(desk.visitor(Role.PRIVACY_OFFICER, name="Fem Gezag"), language)
    officer.goto("/confirmations/")
    expect(officer.locator(".empty")).to_contain_text(words["none"])
    look(officer, shot, "none")

    email, name = f"wim.{language}@gemeente.example", "Wim Nieuw"
    made = Visit(desk, keeper).post("/accounts/new/", email=email, name=name, roles="caseworker", rooms=room)
    link = re.search(r'id="link">(\S+?)</p>', made.text)
    assert link
    administrator = open_as(keeper, language)
    administrator.goto("/accounts/")
    look(administrator, shot, "accounts")
    administrator.locator(".notice.warning").get_by_role("link", name=name).click()
    expect(administrator.get_by_text(words["own"])).to_be_visible()
    look(administrator, shot, "own")

    officer.goto("/confirmations/")
    look(officer, shot, "list")
    officer.get_by_role("link", name=name).click()
    expect(officer.get_by_text(words["wait"])).to_be_visible()
    look(officer, shot, "not-come")

    person = open_as(None, language)
    person.goto(link[1])
    person.get_by_label(words["new"], exact=True).fill(PASSWORD)
    person.get_by_label(words["again"], exact=True).fill(PASSWORD)
    person.get_by_role("button", name=words["mine"]).click()
    person.goto("/account/login/")
    person.get_by_label(words["email"], exact=True).fill(email)
    person.get_by_label(words["password"], exact=True).fill(PASSWORD)
    person.get_by_role("button", name=words["in"], exact=True).click()
    expect(person.get_by_role("heading", name=words["step"])).to_be_visible()

    officer.reload()
    look(officer, shot, "to-confirm")
    tab_to(officer, words["right"])
    officer.keyboard.press("Enter")
    expect(officer.get_by_role("status")).to_have_text(words["done"])
    expect(officer.locator(".empty")).to_be_visible()


def test_who_is_not_confirmed_reads_why(desk: Desk, open_as: OpenAs, language: str, shot: Shot) -> None:
    words, room = WORDS[language], desk.archive.add_room()
    recording = desk.archive.record(room).id
    page = open_as(desk.visitor(Role.CASEWORKER, rooms=[room], confirmed=False), language)
    page.goto("/meetings/")
    expect(page.get_by_text(words["banner"])).to_be_visible()
    look(page, shot, "banner")
    page.goto(f"/recordings/{recording}/hear/")
    expect(page.get_by_role("heading", level=1)).to_have_text(words["first"])
    look(page, shot, "refused")


def test_a_token_is_made_by_one_and_confirmed_by_another_with_the_keyboard(
    desk: Desk, open_as: OpenAs, language: str, shot: Shot
) -> None:
    maker, officer = (open_as(desk.visitor(role), language) for role in (Role.ADMINISTRATOR, Role.PRIVACY_OFFICER))
    name = f"Suite {language}"
    confirm = {"en": f"Confirm {name}", "nl": f"Bevestigen {name}"}[language]
    maker.goto("/tokens/")
    maker.fill("[name=name]", name)
    maker.check("[name=actions][value=decide]")
    maker.click("main form:not([action]) .buttons button")
    maker.wait_for_selector("code")
    look(maker, shot, "token-waits")
    maker.goto("/confirmations/")
    assert maker.get_by_role("heading", name=name).count() == 1
    assert maker.get_by_role("button", name=confirm).count() == 0
    look(maker, shot, "token-own")
    officer.goto("/confirmations/")
    look(officer, shot, "token-to-confirm")
    tab_to(officer, confirm)
    officer.keyboard.press("Enter")
    officer.wait_for_selector("[role=status]")
    assert officer.get_by_role("heading", name=name).count() == 0
    look(officer, shot, "token-confirmed")
    maker.goto("/tokens/")
    waits = {"en": "waits for a second person", "nl": "wacht op een tweede persoon"}[language]
    assert maker.get_by_role("row", name=name).get_by_text(waits).count() == 0

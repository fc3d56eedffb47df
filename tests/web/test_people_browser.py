"""What a person does to get in, in real Chromium before the real pages: a link, a password, a second step, and back again."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from playwright.sync_api import Browser, Page, expect, sync_playwright

from recorder.archive.access import Role
from tests.web.archive import Archive
from tests.web.browser import Shot, axe
from tests.web.desk import Desk

pytestmark = pytest.mark.timeout(900)
"""Many pages, each looked at in two languages, on a machine that may have other work."""
PASSWORD = "vier losse woorden samen"
LOCALES = {"nl": "nl-NL", "en": "en-GB"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(Archive(tmp_path_factory.mktemp("people") / "archive"))
    try:
        made.start_one("web")
        yield made
    finally:
        made.close()
        made.archive.catalogue.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(place: Desk, chromium: Browser) -> Iterator[Page]:
    """One that has asked for nothing yet, in Dutch."""
    context = chromium.new_context(base_url=place.url, locale=LOCALES["nl"])
    opened, broken = context.new_page(), []
    opened.on("pageerror", lambda error: broken.append(str(error)))
    opened.on("console", lambda said: broken.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    context.close()
    assert broken == []


@pytest.fixture
def seen(page: Page, shot: Shot) -> Any:
    """Look at the page as it is: axe objects to nothing in either language, and nobody scrolls sideways."""

    def look(name: str, *, both: bool = True) -> None:
        shot(page, name)
        for language in LOCALES if both else ("nl",):
            if both and page.locator("html").get_attribute("lang") != language:
                where = page.url
                page.context.add_cookies([{"name": "django_language", "value": language, "url": where}])
                page.goto(where)
            axe(page)
        wide = page.viewport_size or {"width": 1280, "height": 720}
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        page.set_viewport_size(wide)
        if both:
            page.context.clear_cookies(name="django_language")
            page.goto(page.url)

    return look


def code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, list(yield_hotp_counters_from_time())[1]))


def authenticator(page: Page) -> Any:
    """A device with a finger reader that always says yes, as the browser has it."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return session


def choose_password(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Nieuw wachtwoord:", exact=True).fill(PASSWORD)
    page.get_by_label("Het nieuwe wachtwoord nog eens:", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Dit is mijn wachtwoord").click()
    page.get_by_role("link", name="Naar het inloggen").click()


def give_password(page: Page, email: str) -> None:
    page.get_by_label("E-mailadres:", exact=True).fill(email)
    page.get_by_label("Wachtwoord:", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Inloggen", exact=True).click()


def set_up_app(page: Page) -> str:
    """The app's secret, when it is set up and the recovery codes are shown."""
    page.get_by_role("link", name="De app instellen").click()
    page.get_by_text("Kunt u het niet scannen?").click()
    secret = page.locator("details .id").inner_text()
    page.get_by_label("Code:", exact=True).fill(code(secret))
    page.get_by_role("button", name="Instellen").click()
    return secret


def test_from_the_link_to_the_first_page_with_an_app(place: Desk, page: Page, seen: Any) -> None:
    link = place.account("app@gemeente.example", "A. App", [Role.CASEWORKER], ["room-1"])
    page.goto(link)
    seen("first-password")
    page.goto(link)
    page.get_by_role("button", name="Dit is mijn wachtwoord").click()
    expect(page.get_by_role("alert")).to_be_visible()
    seen("first-password-wrong", both=False)
    choose_password(page, link)
    seen("sign-in")
    give_password(page, "app@gemeente.example")
    expect(page.get_by_role("heading", name="Nog één stap")).to_be_visible()
    seen("one-more-step")
    page.goto("/account/2fa/app/")
    seen("app")
    page.goto("/account/2fa/")
    secret = set_up_app(page)
    expect(page.locator(".codes .id")).to_have_count(10)
    codes = page.locator(".codes .id").all_inner_texts()
    seen("recovery-codes", both=False)
    page.get_by_role("link", name="Ik heb ze bewaard. Verder").click()
    expect(page.get_by_role("heading", name="Mijn gesprekken")).to_be_visible()
    page.goto("/account/2fa/codes/")
    assert page.locator(".codes .id").count() == 0
    for address in (
        "/account/2fa/",
        "/account/2fa/codes/",
        "/account/2fa/codes/new/",
        "/account/password/",
        "/account/logout/",
        "/account/2fa/app/remove/",
        "/account/2fa/passkeys/",
        "/account/reauthenticate/",
        "/account/2fa/reauthenticate/",
    ):
        page.goto(address)
        seen(address.strip("/").replace("/", "-"))
    page.goto("/")
    page.get_by_role("button", name="Uitloggen").click()
    expect(page.get_by_role("heading", name="Inloggen", exact=True)).to_be_visible()
    page.go_back()
    page.reload()
    expect(page.get_by_role("heading", name="Inloggen", exact=True)).to_be_visible()

    give_password(page, "app@gemeente.example")
    expect(page.get_by_role("heading", name="De tweede stap")).to_be_visible()
    seen("second-step")
    page.get_by_label("Code:", exact=True).fill("12")
    page.get_by_role("button", name="Inloggen", exact=True).click()
    expect(page.get_by_role("alert").first).to_be_visible()
    seen("second-step-wrong", both=False)
    page.get_by_label("Code:", exact=True).fill(codes[3])  # the app's own code was used a moment ago
    page.get_by_role("button", name="Inloggen", exact=True).click()
    expect(page.get_by_role("heading", name="Mijn gesprekken")).to_be_visible()
    assert secret not in page.content()


def test_a_passkey_is_set_up_and_is_enough_to_sign_in(place: Desk, page: Page, seen: Any) -> None:
    authenticator(page)
    choose_password(page, place.account("key@gemeente.example", "K. Key", [Role.CASEWORKER], ["room-1"]))
    give_password(page, "key@gemeente.example")
    page.get_by_role("link", name="Een passkey instellen").click()
    seen("passkey-add")
    page.get_by_label("Naam:", exact=True).fill("Mijn telefoon")
    page.get_by_role("button", name="De passkey maken").click()
    page.get_by_role("link", name="Ik heb ze bewaard. Verder").click()
    page.goto("/account/2fa/passkeys/")
    expect(page.get_by_role("rowheader", name="Mijn telefoon")).to_be_visible()
    seen("passkeys")
    page.get_by_role("link", name="De naam wijzigen").click()
    seen("passkey-name")
    page.goto("/account/2fa/passkeys/")
    page.get_by_role("link", name="Weghalen").click()
    seen("passkey-remove")
    page.goto("/account/2fa/passkeys/reauthenticate/")
    seen("passkey-again")
    page.get_by_role("button", name="Uw passkey gebruiken").click()
    expect(page.get_by_role("heading", name="Mijn gesprekken")).to_be_visible()
    page.get_by_role("button", name="Uitloggen").click()
    page.get_by_role("button", name="Inloggen met een passkey").click()
    expect(page.get_by_role("heading", name="Mijn gesprekken")).to_be_visible()
    page.get_by_role("button", name="Uitloggen").click()
    give_password(page, "key@gemeente.example")
    page.get_by_role("button", name="Uw passkey gebruiken").click()
    expect(page.get_by_role("heading", name="Mijn gesprekken")).to_be_visible()


def test_a_passkey_that_does_not_work_is_told(page: Page, seen: Any) -> None:
    session = authenticator(page)
    page.goto("/account/login/")
    page.get_by_role("button", name="Inloggen met een passkey").click()
    expect(page.locator("#passkey_failed")).to_be_visible()
    seen("passkey-failed", both=False)
    session.detach()


def test_who_is_still_there_is_asked_before_the_session_ends(place: Desk, page: Page) -> None:
    page.clock.install()
    choose_password(page, place.account("idle@gemeente.example", "I. Idle", [Role.CASEWORKER], ["room-1"]))
    give_password(page, "idle@gemeente.example")
    expect(page.get_by_role("heading", name="Nog één stap")).to_be_visible()
    asked = page.get_by_role("alert")
    for _ in range(2):
        page.clock.fast_forward("24:59")
        expect(asked).to_be_hidden()
        page.clock.fast_forward("00:02")
        expect(asked).to_contain_text("Bent u er nog?")
        page.get_by_role("button", name="Ik ben er nog").press("Enter")
        expect(asked).to_be_hidden()
    page.context.clear_cookies(name="session")
    page.clock.fast_forward("25:01")
    page.get_by_role("button", name="Ik ben er nog").press("Enter")
    expect(page.get_by_role("heading", name="Inloggen", exact=True)).to_be_visible()


def test_an_account_is_made_and_ended_by_keyboard_alone(place: Desk, page: Page, seen: Any) -> None:
    link = place.account("keeper@gemeente.example", "K. Keeper", [Role.ADMINISTRATOR])
    choose_password(page, link)
    give_password(page, "keeper@gemeente.example")
    set_up_app(page)
    page.get_by_role("link", name="Ik heb ze bewaard. Verder").click()

    def tab_to(name: str, *, shift: bool = False) -> None:
        for _ in range(60):
            page.keyboard.press("Shift+Tab" if shift else "Tab")
            focused = page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).innerText")
            if focused.strip().rstrip(":") == name:
                return
        raise AssertionError(f"{name} is not reached by keyboard")

    page.goto("/accounts/")
    seen("people")
    tab_to("Een account maken")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Een account maken")).to_be_visible()
    seen("make")
    tab_to("E-mailadres")
    page.keyboard.type("new@gemeente.example")
    tab_to("Naam")
    page.keyboard.type("N. Nieuw")
    tab_to("klantmanager")
    page.keyboard.press("Space")
    tab_to("room-2")
    page.keyboard.press("Space")
    tab_to("Het account maken")
    page.keyboard.press("Enter")
    expect(page.locator("#link")).to_contain_text(re.compile(r"http://localhost:\d+/account/password/\S+"))
    seen("link", both=False)
    tab_to("Ik heb hem bewaard. Verder")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="N. Nieuw")).to_be_visible()
    seen("person")
    for act in ("Rollen en kamers wijzigen", "Nieuwe link voor een wachtwoord", "Dit account beëindigen"):
        page.get_by_role("link", name=act).click()
        seen(act.replace(" ", "-"))
        page.go_back()
    page.get_by_role("link", name="Rollen en kamers wijzigen").click()
    page.get_by_label("beheerder").check()
    page.get_by_role("button", name="Wijzigen").click()
    expect(page.get_by_role("alert")).to_contain_text("klantmanager én beheerder")
    seen("roles-wrong", both=False)
    page.get_by_role("link", name="Terug").click()
    page.get_by_role("button", name="Deze rollen kloppen nog").click()
    expect(page.get_by_role("status")).to_be_visible()
    tab_to("Dit account beëindigen")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Het account van N. Nieuw beëindigen")).to_be_visible()
    tab_to("Dit account beëindigen")
    page.keyboard.press("Enter")
    expect(page.locator("main .tag.bad")).to_have_text("beëindigd")
    seen("person-ended", both=False)
    page.goto("/accounts/")
    page.locator("main").get_by_role("link", name="K. Keeper").click()
    seen("own")
    page.goto("/accounts/")
    page.get_by_label("Naam of e-mailadres:", exact=True).fill("nobody")
    page.get_by_role("button", name="Zoeken").click()
    seen("people-empty", both=False)

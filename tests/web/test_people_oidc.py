"""Signing in at the organisation's own provider: a real one (tests/web/oidc), and who gets in by what it says."""

import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from recorder.archive.access import Role
from tests.web.archive import Archive
from tests.web.browser import axe
from tests.web.desk import SECONDS_MAX, Desk, free_port

HERE = Path(__file__).with_name("oidc")
SECRET = "a secret of the provider"
NAME = "Gemeentelogin"
ACCOUNTS = {
    "jansen": {"email": "A.Jansen@gemeente.example", "email_verified": True},
    "unverified": {"email": "a.jansen@gemeente.example", "email_verified": False},
    "silent": {"email": "a.jansen@gemeente.example"},
    "stranger": {"email": "stranger@gemeente.example", "email_verified": True},
    "ended": {"email": "ended@gemeente.example", "email_verified": True},
    "nameless": {"name": "Nobody"},
}


class Provider:
    """oidc-provider as a process of its own, which knows these accounts and one client that shows PKCE."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self._process: subprocess.Popen[str] | None = None
        if not (HERE / "node_modules").exists():
            subprocess.run(["npm", "ci", "--silent"], cwd=HERE, check=True, timeout=240)

    def start(self, pages: str) -> None:
        told = {
            "port": self.port,
            "client": "wederhoor",
            "secret": SECRET,
            "callback": f"{pages}/account/oidc/organisation/callback/",
            "accounts": ACCOUNTS,
        }
        command = ["node", str(HERE / "provider.mjs"), json.dumps(told)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def end(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.communicate(timeout=SECONDS_MAX)
            self._process = None


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.end()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("oidc")
    (folder / "secret").write_text(f"{SECRET}\n")
    said = {"name": NAME, "issuer": provider.url, "client": "wederhoor", "secret_file": str(folder / "secret")}
    made = Desk(
        Archive(folder / "archive"), "".join(f"oidc_{key} = {json.dumps(value)}\n" for key, value in said.items())
    )
    try:
        for email, name in (("a.jansen@gemeente.example", "A. Jansen"), ("ended@gemeente.example", "E. Ended")):
            made.account(email, name, [Role.CASEWORKER], ["room-1"])
        provider.start(made.url)
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
    context = chromium.new_context(base_url=place.url, locale="nl-NL")
    opened, broken = context.new_page(), []
    opened.on("console", lambda said: broken.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    context.close()
    assert broken == []


def to_the_provider(page: Page, after: str = "") -> None:
    page.goto(f"/account/login/{after}")
    page.get_by_role("button", name=f"Inloggen met {NAME}").click()
    page.wait_for_url("**/interaction/**")


def sign_in(page: Page, login: str, after: str = "") -> None:
    to_the_provider(page, after)
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill("anything")
    page.locator("button[type=submit]").click()
    page.locator("button[type=submit]").click()  # what is told of them to us
    page.wait_for_url("**/localhost:*/**")


def rows(place: Desk, table: str) -> int:
    with sqlite3.connect(place.archive.folder / "people.sqlite") as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_who_has_an_account_with_the_address_is_in_without_a_second_step_of_ours(place: Desk, page: Page) -> None:
    page.goto("/account/login/")
    axe(page)
    sign_in(page, "jansen", "?next=/meetings/")
    expect(page.get_by_role("heading", name="Mijn gesprekken")).to_be_visible()
    page.goto("/account/2fa/")
    expect(page.get_by_text(f"U logt in met {NAME}.")).to_be_visible()
    axe(page)
    for address in ("/account/password/", "/account/2fa/app/", "/account/2fa/passkeys/add/"):
        answer = page.request.get(address)
        assert answer.status in (403, 404), address
    assert rows(place, "socialaccount_socialaccount") == 0, "nothing of the provider's is kept"


@pytest.mark.parametrize("login", ["unverified", "silent", "stranger", "nameless", "ended"])
def test_nobody_else_is_in_and_all_read_the_same(login: str, place: Desk, page: Page) -> None:
    if login == "ended":
        end(place, "ended@gemeente.example")
    before = rows(place, "people_person")
    sign_in(page, login)
    expect(page.get_by_role("heading", name="U kunt niet inloggen")).to_be_visible()
    expect(page.get_by_text("maar hier hebt u geen account")).to_be_visible()
    axe(page)
    page.goto("/meetings/")
    expect(page.get_by_role("heading", name="Inloggen", exact=True)).to_be_visible()
    assert rows(place, "people_person") == before


def end(place: Desk, email: str) -> None:
    with sqlite3.connect(place.archive.folder / "people.sqlite") as database:
        database.execute("UPDATE people_person SET is_active = 0 WHERE email = ?", (email,))


def test_who_turns_back_is_not_in(page: Page) -> None:
    to_the_provider(page)
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_text("U bent niet ingelogd.")).to_be_visible()
    expect(page.get_by_role("heading", name="Inloggen", exact=True)).to_be_visible()


def test_an_answer_that_nobody_asked_for_is_none(page: Page) -> None:
    """Somebody else's code, or state, in this browser (login CSRF)."""
    answer = page.goto("/account/oidc/organisation/callback/?code=stolen&state=guessed")
    assert answer is not None and answer.status == 401
    expect(page.get_by_role("heading", name="Inloggen lukte niet")).to_be_visible()
    axe(page)
    assert page.request.get("/account/oidc/another/callback/?code=a&state=b").status == 404


def test_a_next_page_elsewhere_is_not_gone_to(place: Desk, page: Page) -> None:
    sign_in(page, "jansen", "?next=https://elsewhere.example/")
    assert page.url.startswith(place.url)
    expect(page.get_by_role("heading", name="Mijn gesprekken")).to_be_visible()


def test_a_provider_that_is_away_is_told(place: Desk, page: Page, provider: Provider) -> None:
    provider.end()
    page.goto("/account/login/")
    page.get_by_role("button", name=f"Inloggen met {NAME}").click()
    expect(page.get_by_role("heading", name="Inloggen lukte niet")).to_be_visible()
    provider.start(place.url)

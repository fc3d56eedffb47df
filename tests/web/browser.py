"""Real Chromium before the real processes, for the tests of what a person does. `conftest.py` gives every file these fixtures.

`desk` is one archive for all files of a run: a test makes its own rooms (`desk.archive.add_room()`), recordings and people
(`desk.visitor(Role.CASEWORKER, rooms=[room])`), and looks for nothing else. The browser ends with its file: while it is open
Django's database cannot be used in the same thread, so that what is tried in-process stands in a file of its own.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.web.archive import Archive
from tests.web.desk import Desk
from tests.web.registrar import Visitor

LOCALES = {"nl": "nl-NL", "en": "en-GB"}
WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 320, "height": 640}
"""What 1280 pixels are at 400 % (WCAG 2.2, 1.4.10)."""


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all: whoever counts what is there has one of their own."""
    with a_desk(tmp_path_factory) as made:
        yield made


@contextmanager
def a_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(Archive(tmp_path_factory.mktemp("desk") / "archive"))
    try:
        made.start()
        yield made
    finally:
        made.close()
        made.archive.catalogue.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(params=LOCALES)
def language(request: pytest.FixtureRequest) -> str:
    """For a test that is to be done in both."""
    return str(request.param)


class OpenAs(Protocol):
    def __call__(self, visitor: Visitor | None = None, language: str = "en", **context: Any) -> Page:
        """A new browser profile, in which `visitor` has signed in; `context` as Playwright's `new_context`."""


@pytest.fixture
def open_as(browser: Browser, desk: Desk) -> Iterator[OpenAs]:
    """Pages before the Desk; of its addresses the paths are enough. One that breaks a script or its own CSP fails the test."""
    contexts, broken = [], []

    def opened(visitor: Visitor | None = None, language: str = "en", **context: Any) -> Page:
        made = browser.new_context(**{"base_url": desk.url, "locale": LOCALES[language], "viewport": WIDE} | context)
        contexts.append(made)
        if visitor is not None:
            made.add_cookies([{"name": "session", "value": visitor.session, "url": desk.url}])
        page = made.new_page()
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("console", lambda said: broken.append(said.text) if "Content Security Policy" in said.text else None)
        return page

    yield opened
    for each in contexts:
        each.close()
    assert broken == []


Shot = Callable[[Page, str], None]


@pytest.fixture
def shot(request: pytest.FixtureRequest) -> Shot:
    """Saves what the whole page looks like, for somebody to look at: in the folder that WEDERHOOR_SHOTS names, if any."""
    folder = os.environ.get("WEDERHOOR_SHOTS")

    def save(page: Page, name: str) -> None:
        if folder is not None:
            page.screenshot(path=Path(folder) / f"{request.node.name}-{name}.png", full_page=True)

    return save


def axe(page: Page, *only: str) -> None:
    """Nothing on this page that axe objects to; with `only`, by these of its rules."""
    page.wait_for_load_state()  # a click waits for the page that it leads to, and not for all of it
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(only)} if only else {})
    found = Axe().run(page, options=options)
    assert found.violations_count == 0, found.generate_report()


def fits(page: Page) -> None:
    """Nobody has to scroll sideways to read it (WCAG 2.2, 1.4.10): what is wide scrolls by itself."""
    wide, there = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= there, f"{page.url} is {wide} pixels wide in a window of {there}"

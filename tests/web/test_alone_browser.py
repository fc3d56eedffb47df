"""A first administrator, alone: the accounts that they make wait for somebody who is not there, and their pages say so."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from recorder.archive.access import Role
from tests.web.browser import NARROW, OpenAs, Shot, a_desk, axe, fits
from tests.web.desk import Desk
from tests.web.registrar import Visitor


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One of its own: in the others there is somebody who confirms."""
    with a_desk(tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="module")
def first(desk: Desk) -> Visitor:
    return desk.visitor(Role.ADMINISTRATOR, name="Bea Beheer")


def test_who_is_alone_reads_by_which_command_somebody_else_comes(
    first: Visitor, open_as: OpenAs, language: str, shot: Shot
) -> None:
    page = open_as(first, language)
    page.goto("/accounts/new/")
    page.fill("[name=email]", f"wim-{language}@gemeente.example")
    page.fill("[name=name]", "Wim Gezag")
    page.check("[name=roles][value=privacy_officer]")
    page.click("main form .buttons button")
    page.goto("/confirmations/")
    look(page, shot, "all")
    page.get_by_role("link", name="Wim Gezag").first.click()
    look(page, shot, "one")


def look(page: Page, shot: Shot, name: str) -> None:
    expect(page.locator(".notice.warning code")).to_contain_text("--role administrator")
    shot(page, name)
    axe(page)
    page.set_viewport_size(NARROW)
    fits(page)

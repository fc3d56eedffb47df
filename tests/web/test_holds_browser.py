"""Holds and deletions as people meet them: by keyboard, in both languages, on a narrow page, and axe objects to nothing."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from recorder.archive.access import Role
from recorder.archive.web.times import moment
from recorder.keyfiles import save_device
from tests.rooms import Recording
from tests.web.archive import Archive, now_ms
from tests.web.browser import NARROW, OpenAs, axe, fits
from tests.web.desk import SECONDS_MAX, Desk
from tests.web.registrar import Visitor

WORDS = {
    "en": ("Keep it longer", "Set the hold", "Confirm it", "End it", "Refuse it"),
    "nl": ("Langer bewaren", "De opdracht plaatsen", "Bevestigen", "Beëindigen", "Weigeren"),
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One of this file's own: the nightly run deletes whatever is due."""
    made = Desk(Archive(tmp_path_factory.mktemp("holds") / "archive"))
    save_device(made.archive.folder / "keys" / "receipt.key", made.archive.clerk._key)
    made.decide()
    made.start_one("web")
    yield made
    made.close()
    made.archive.catalogue.close()


def forget(desk: Desk) -> None:
    command = [sys.executable, "-m", "recorder", "archive", "--config", str(desk.archive.config_file), "forget"]
    subprocess.run(command, check=True, capture_output=True, timeout=2 * SECONDS_MAX)


def linked(desk: Desk, open_as: OpenAs, case: str, days_ago: float = 2) -> Recording:
    """A recording of which a caseworker has named the case."""
    room = desk.archive.add_room()
    recording = desk.archive.record(room, days_ago=days_ago)
    page = open_as(desk.visitor(Role.CASEWORKER, rooms=[room]))
    page.goto(f"/meetings/{recording.id}/case/")
    page.get_by_label("Case number").fill(case)
    page.get_by_label("I had this conversation myself").check()
    page.get_by_role("button", name="This is the case").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Recording of")
    return recording


def looked_at(page: Page, shot: Path | None = None) -> None:
    axe(page)
    fits(page)
    if shot is not None:
        page.screenshot(path=shot, full_page=True)


def press(page: Page, name: str) -> None:
    """Go to this by the tabulator alone, and press it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("(document.activeElement.textContent || '').trim()") == name:
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
    raise AssertionError(f"{name!r} cannot be reached by keyboard")


def test_one_sets_a_hold_and_another_confirms_it_by_keyboard(
    desk: Desk, open_as: OpenAs, language: str, tmp_path: Path
) -> None:
    longer, set_it, confirm, end, refuse = WORDS[language]
    case = f"Z-{language.upper()}"
    recording = linked(desk, open_as, case)
    first, second = desk.visitor(Role.LISTENER, name="Anouk"), desk.visitor(Role.LISTENER, name="Bram")
    page = open_as(first, language)
    page.goto(f"/recordings/{recording.id}/")
    press(page, longer)
    expect(page.locator("[name=case]")).to_have_value(case)
    looked_at(page, tmp_path / "place.png")
    press(page, set_it)  # with nothing typed: it says what is missing
    expect(page.get_by_role("alert")).to_be_visible()
    looked_at(page, tmp_path / "wrong.png")
    page.locator("[name=kind]").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("Hearing in spring")
    page.keyboard.press("Tab")
    page.locator("[name=until]").fill((moment(now_ms()).date() + timedelta(60)).isoformat())
    press(page, set_it)
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_role("button", name=confirm)).to_have_count(0)  # not by who set it
    looked_at(page, tmp_path / "waiting.png")
    number = page.url

    other = open_as(second, language)
    other.goto("/holds/")
    looked_at(other, tmp_path / "list.png")
    press(other, case)
    looked_at(other)
    press(other, refuse)
    looked_at(other, tmp_path / "refuse.png")
    other.goto(number)
    press(other, confirm)
    expect(other.get_by_role("status")).to_be_visible()
    looked_at(other, tmp_path / "running.png")
    press(other, end)
    other.locator("[name=why]").fill("The objection was withdrawn")
    looked_at(other)
    other.locator("form button.danger").click()
    expect(other.get_by_role("status")).to_be_visible()
    looked_at(other, tmp_path / "ended.png")
    other.goto("/holds/")
    looked_at(other, tmp_path / "all.png")


def test_the_lists_are_readable_on_a_narrow_page(desk: Desk, open_as: OpenAs, language: str) -> None:
    page = open_as(desk.visitor(Role.PRIVACY_OFFICER), language, viewport=NARROW)
    for address in ("/holds/", "/deletions/", "/deletions/certificate/"):
        page.goto(address)
        looked_at(page)


def test_what_goes_and_what_is_gone(desk: Desk, open_as: OpenAs, tmp_path: Path) -> None:
    officer: Visitor = desk.visitor(Role.PRIVACY_OFFICER)
    page = open_as(officer)
    page.goto("/deletions/")
    expect(page.get_by_role("alert")).to_contain_text("No nightly run has ended yet")
    looked_at(page, tmp_path / "before.png")
    room = desk.archive.add_room()
    gone = desk.archive.record(room, days_ago=15)
    for days_ago in (13.5, 13, 12, 11.5, 11.4, 9, 6, 6, 5):
        desk.archive.record(room, days_ago=days_ago, blocks=1)
    held = desk.archive.record(room, days_ago=20)
    listener = open_as(desk.visitor(Role.LISTENER, name="Chantal"))
    listener.goto(f"/recordings/{held.id}/hold/")
    listener.get_by_label("an appeal to the court").check()
    listener.get_by_label("Case number").fill("Z-HELD")
    listener.get_by_label("Why it must be kept").fill("Hearing in court")
    listener.get_by_label("Keep it until").fill((moment(now_ms()).date() + timedelta(200)).isoformat())
    listener.get_by_role("button", name="Set the hold").click()
    expect(listener.get_by_role("status")).to_be_visible()
    forget(desk)
    for language in ("nl", "en"):
        page = open_as(officer, language)
        page.goto("/deletions/?days=30")
        expect(page.locator("svg.chart rect").first).to_be_visible()
        expect(page.locator("main")).to_contain_text(held.id)
        expect(page.locator("main")).to_contain_text("Chantal")
        expect(page.locator("main")).not_to_contain_text("Z-HELD")
        looked_at(page, tmp_path / f"deletions-{language}.png")
    page.locator("[name=recording]").fill("no number")
    page.get_by_role("button", name="Show the certificate").click()
    expect(page.get_by_role("alert")).to_be_visible()
    looked_at(page)
    page.locator("[name=recording]").fill(held.id)
    press(page, "Show the certificate")
    expect(page.get_by_role("alert")).to_contain_text("the archive still keeps it")
    looked_at(page, tmp_path / "no-certificate.png")
    page.locator("[name=recording]").fill(gone.id)
    press(page, "Show the certificate")
    expect(page.locator("main")).to_contain_text("Verified.")
    looked_at(page, tmp_path / "certificate.png")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the certificate").click()
    assert Path(download.value.path()).read_bytes().startswith(b"WHC1")

"""What is decided, the audit trail and the report of a breach, in a real browser: by keyboard, in both languages, with axe."""

import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Page, expect

from recorder.archive.access import Purpose, Role
from recorder.archive.web.policy import decided
from recorder.keyfiles import save_device
from tests.web.archive import Archive
from tests.web.browser import NARROW, OpenAs, axe, browser, fits, open_as  # noqa: F401 # fixtures
from tests.web.desk import SECONDS_MAX, Desk
from tests.web.registrar import Visitor, Wanted


class NewDesk(Desk):
    """Of an organisation that has decided nothing yet."""

    def start(self) -> None:
        self.start_one("web")

    def come(self, role: Role, name: str) -> Visitor:
        """Somebody new with this role, who has signed in."""
        return self._made(
            Wanted(name, f"{name.replace(' ', '.').lower()}@gemeente.example", [role.value], [], invited=False)
        )

    def audit(self, *args: str) -> None:
        subprocess.run(self._command("audit", *args), check=True, capture_output=True, timeout=SECONDS_MAX)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewDesk]:
    made = NewDesk(Archive(tmp_path_factory.mktemp("desk") / "archive"))
    save_device(made.archive.folder / "keys" / "receipt.key", Ed25519PrivateKey.generate())
    try:
        made.start()
        yield made
    finally:
        made.close()
        made.archive.catalogue.close()


def look(page: Page, folder: Path, name: str) -> None:
    """What axe and a small window say of this page, and a picture of it."""
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    axe(page)
    wide = page.viewport_size
    page.set_viewport_size(NARROW)
    fits(page)
    assert wide is not None
    page.set_viewport_size(wide)


def press(page: Page, name: str) -> None:
    """By keyboard alone; what follows is another page."""
    page.get_by_role("button", name=name, exact=True).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_an_organisation_decides_and_begins(desk: NewDesk, open_as: OpenAs, tmp_path: Path) -> None:  # noqa: F811
    administrator = open_as(desk.come(Role.ADMINISTRATOR, "Ada Beheer"), "en")
    officer = open_as(desk.come(Role.PRIVACY_OFFICER, "Fenna Privacy"), "nl")
    listener = open_as(desk.come(Role.LISTENER, "Lies Bezwaar"), "nl")
    listener.goto("/find/")
    assert "Nog niet in gebruik." in listener.inner_text("main")
    look(listener, tmp_path, "banner")
    administrator.goto("/policy/")
    assert "Nothing is decided yet" in administrator.inner_text("main")
    look(administrator, tmp_path, "policy-nothing")
    administrator.goto("/policy/register/")
    look(administrator, tmp_path, "register-nothing")
    administrator.goto("/policy/propose/")
    look(administrator, tmp_path, "propose")
    administrator.get_by_label("Days in which a client may have it erased").fill("13")
    press(administrator, "Propose this")
    expect(administrator.get_by_role("alert")).to_be_visible()
    look(administrator, tmp_path, "propose-wrong")
    administrator.locator("#id_client_days").fill("14")
    for purpose in Purpose:
        administrator.locator(f"#id_basis_{purpose}").select_option("public_task")
    for name in decided.TEXTS:
        administrator.locator(f"#id_{name}").fill(f"What there is to say of {name}.\nAnd some more.")
    for name in decided.DAYS:
        administrator.locator(f"#id_{name}").fill(date(2026, 3, 2).isoformat())
    administrator.locator("#id_why").fill("The mayor and aldermen decided")
    press(administrator, "Propose this")
    administrator.wait_for_url("**/policy/")
    look(administrator, tmp_path, "policy-proposed")
    assert administrator.get_by_role("button", name="Confirm").count() == 0
    officer.goto("/policy/")
    look(officer, tmp_path, "policy-confirm")
    press(officer, "Bevestigen")
    officer.get_by_text("In gebruik.").wait_for()
    look(officer, tmp_path, "policy-live")
    officer.get_by_role("link", name="1", exact=True).click()
    officer.wait_for_url("**/versions/1/")
    look(officer, tmp_path, "version")
    listener.goto("/find/")
    assert "Nog niet in gebruik." not in listener.inner_text("main")
    for page, language in ((administrator, "en"), (officer, "nl")):
        for kind in ("register", "dpia"):
            page.goto(f"/policy/{kind}/")
            look(page, tmp_path, f"{kind}-{language}")
            with page.expect_download() as download:
                page.get_by_role("link", name="Download").click()
            assert download.value.suggested_filename == f"{kind}-{language}.html"
    officer.goto("/policy/dpia/")
    officer.pdf(path=tmp_path / "dpia.pdf")


def test_who_watches_reads_checks_and_reports(desk: NewDesk, open_as: OpenAs, tmp_path: Path) -> None:  # noqa: F811
    recording = desk.archive.record()
    page = open_as(desk.come(Role.PRIVACY_OFFICER, "Ferd Privacy"), "nl")
    page.goto("/audit/checkpoints/")
    look(page, tmp_path, "checkpoints-none")
    page.goto("/audit/")
    press(page, "Controleer het hele logboek")
    page.get_by_text("Er is nog geen controlepunt.").wait_for()
    look(page, tmp_path, "checked-without")
    desk.audit("checkpoint")
    page.goto("/audit/")
    look(page, tmp_path, "audit")
    page.locator("main summary").focus()
    page.keyboard.press("Enter")
    page.locator("#id_recording").fill("x")
    press(page, "Kijken")
    look(page, tmp_path, "audit-wrong")
    page.locator("#id_recording").fill("5f" * 16)
    press(page, "Kijken")
    page.get_by_text("Er is geen regel die zo is.").wait_for()
    look(page, tmp_path, "audit-none")
    page.goto("/audit/")
    press(page, "Controleer het hele logboek")
    page.get_by_text("Ze kloppen met 1 controlepunt.").wait_for()
    look(page, tmp_path, "checked")
    page.goto("/audit/")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download het hele logboek").press("Enter")
    desk.audit("check", str(download.value.path()))
    page.goto("/audit/checkpoints/")
    look(page, tmp_path, "checkpoints")
    page.goto("/breach/")
    look(page, tmp_path, "breach")
    press(page, "Toon de opnamen")
    look(page, tmp_path, "breach-wrong")
    page.locator("#id_since").fill("2026-01-01")
    page.locator("#id_until").fill("2030-01-01")
    press(page, "Toon de opnamen")
    page.get_by_role("rowheader", name=recording.id).wait_for()
    look(page, tmp_path, "breach-found")
    page.locator("#id_room").fill("room-2")
    press(page, "Toon de opnamen")
    page.get_by_text("Er is geen opname die zo is.").wait_for()
    look(page, tmp_path, "breach-none")
    english = open_as(desk.come(Role.PRIVACY_OFFICER, "Fay Privacy"), "en")
    for address in ("/audit/", "/audit/checkpoints/", "/breach/", "/policy/"):
        english.goto(address)
        look(english, tmp_path, "english")

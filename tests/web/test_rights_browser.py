"""The rights desk as people use it: each page and state before axe, in both languages; a decision by keyboard alone; a copy."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from recorder.archive.access import Role
from tests.web.browser import NARROW, OpenAs, Shot, axe, fits
from tests.web.desk import Desk, Visit
from tests.web.test_client import code_of


@pytest.fixture
def look(shot: Shot) -> Callable[[Page, str], None]:
    """A page or state of ours: nothing to object to, and nothing sideways."""

    def looked(page: Page, name: str) -> None:
        axe(page)
        fits(page)
        shot(page, name)

    return looked


def open_for(page: Page, recording: str, kind: str, words: str = "Ik wil het graag") -> str:
    """A request that came by letter today; its address."""
    page.goto(f"/rights/recordings/{recording}/")
    page.check(f"[name=kind][value={kind}]")
    page.check("[name=channel][value=letter]")
    page.fill("[name=words]", words)
    page.click("main form .buttons button")
    page.wait_for_url("**/rights/requests/*/")
    return page.url


def decide(page: Page, address: str, outcome: str, words: str = "U hebt daar recht op.") -> None:
    page.goto(f"{address}decide/")
    page.check(f"[name=outcome][value={outcome}]")
    page.fill("[name=words]", words)
    page.click("main form .buttons button")


def confirmed(second: Page, address: str) -> None:
    """What waits of it, by a second person with one press."""
    second.goto(f"/second-look/{address.rstrip('/').rsplit('/', 1)[1]}/")
    second.click("main form:not(section form) button")
    second.wait_for_url("**/second-look/")


def test_every_page_of_a_request(desk: Desk, open_as: OpenAs, language: str, look: Callable[[Page, str], None]) -> None:
    made = desk.archive.record(desk.archive.add_room(), blocks=6, days_ago=20)
    recording = made.id
    page = open_as(desk.visitor(Role.RIGHTS_DESK), language)
    page.goto("/rights/")
    look(page, "desk")
    page.goto("/rights/find/")
    look(page, "find")
    page.fill("[name=what]", "Z-none")
    page.keyboard.press("Enter")
    page.wait_for_selector(".empty")
    look(page, "found-nothing")
    page.fill("[name=what]", recording)
    page.keyboard.press("Enter")
    page.wait_for_selector("table")
    look(page, "found")
    page.goto(f"/rights/recordings/{recording}/")
    look(page, "open")
    page.click("main form .buttons button")
    page.wait_for_selector("[role=alert]")
    look(page, "open-wrong")
    page.fill("[name=day]", "2020-01-01")
    page.click("main form .buttons button")
    page.wait_for_selector("[role=alert]")
    look(page, "open-wrong-day")
    address = open_for(page, recording, "access")
    look(page, "request")
    for part in ("masks", "decide", "extend", "withdraw", "misentered"):
        page.goto(f"{address}{part}/")
        look(page, part)
        page.click("main form:not([action]) .buttons button")
        page.wait_for_selector("[role=alert]")
        look(page, f"{part}-wrong")
    page.goto(f"{address}extend/")
    page.fill("[name=words]", "Het zijn er veel.")
    page.click("main form .buttons button")
    look(page, "extended")
    page.goto(f"{address}masks/")
    for name, value in {"start": "0:01", "stop": "0:03", "whom": "een kind", "reason": "Het is niet gevraagd."}.items():
        page.fill(f"[name={name}]", value)
    page.click("main form:not([action]) .buttons button")
    page.wait_for_selector("table")
    look(page, "masked")
    page.goto(f"{address}decide/")
    look(page, "decide-entered-oneself")
    decide(page, address, "granted")
    look(page, "copy-waits")
    officer = open_as(desk.visitor(Role.PRIVACY_OFFICER), language)
    officer.goto(f"/second-look/{address.rstrip('/').rsplit('/', 1)[1]}/")
    look(officer, "second-copy")
    confirmed(officer, address)
    page.goto(address)
    look(page, "granted")
    client = open_as(language=language, viewport=NARROW)
    client.goto(f"/c/#{code_of(made)}")
    ready = {"en": "You can get your copy now.", "nl": "U kunt uw kopie nu krijgen."}[language]
    client.get_by_text(ready).wait_for()
    assert client.locator("button[value=access]").count() == 0
    assert client.locator("button[value=objection]").count() == 1
    look(client, "client-granted")
    page.goto(f"{address}copy/")
    look(page, "copy")
    page.click("main form .buttons button")
    page.wait_for_selector("[role=alert]")
    look(page, "copy-wrong")
    for kind in ("restriction", "erasure", "rectification"):
        page.goto(f"{open_for(page, recording, kind)}decide/")
        look(page, f"decide-{kind}")
    page.goto(f"/recordings/{recording}/")
    look(page, "recording")
    page.goto("/rights/")
    look(page, "desk-full")
    page.set_viewport_size(NARROW)
    for path in ("/rights/", address, f"{address}masks/", f"/rights/recordings/{recording}/"):
        page.goto(path)
        fits(page)


def test_what_is_restricted_and_what_is_erased(
    desk: Desk, open_as: OpenAs, language: str, look: Callable[[Page, str], None]
) -> None:
    older = desk.archive.record(desk.archive.add_room(), days_ago=20)
    recording = older.id
    made = desk.archive.record(desk.archive.add_room())
    young = made.id
    page = open_as(desk.visitor(Role.RIGHTS_DESK), language)
    address = open_for(page, recording, "restriction")
    decide(page, address, "granted")
    look(page, "restricted")
    other = open_as(desk.visitor(Role.LISTENER), language)
    other.goto(f"/recordings/{recording}/")
    restricted = {"en": "Restricted.", "nl": "Beperkt."}[language]
    assert other.locator(".notice.warning strong").get_by_text(restricted, exact=True).count() == 1
    look(other, "restricted-to-others")
    page.click("a[href$='/again/']")
    look(page, "look-again")
    page.click("main form .buttons button")
    page.wait_for_selector("[role=alert]")
    look(page, "look-again-wrong")
    page.goto(address)
    page.click("a[href*='/restrictions/']:not([href$='/again/'])")
    look(page, "lift")
    page.click("main form .buttons button")
    page.wait_for_selector("[role=alert]")
    look(page, "lift-wrong")
    page.fill("[name=words]", "De cliënt weet het.")
    page.click("main form .buttons button")
    look(page, "lift-waits")
    officer = open_as(desk.visitor(Role.PRIVACY_OFFICER), language)
    officer.goto(f"/second-look/{address.rstrip('/').rsplit('/', 1)[1]}/")
    look(officer, "second-lift")
    other.reload()
    assert other.locator(".notice.warning strong").get_by_text(restricted, exact=True).count() == 1
    confirmed(officer, address)
    page.reload()
    look(page, "lifted")
    page.goto(f"/recordings/{recording}/")
    look(page, "lifted-recording")
    client = open_as(language=language, viewport=NARROW)
    client.goto(f"/c/#{code_of(older)}")
    client.get_by_text({"en": "That ended on", "nl": "Dat hield op op"}[language]).wait_for()
    look(client, "client-lifted")
    other.reload()
    assert other.locator(".notice.warning strong").get_by_text(restricted, exact=True).count() == 0
    address = open_for(page, young, "erasure")
    look(page, "first-of-two")
    page.goto("/rights/")
    look(page, "desk-second")
    second = f"/second-look/{address.rstrip('/').rsplit('/', 1)[1]}/"
    page.goto(second)
    look(page, "own-erasure")
    officer.goto("/second-look/")
    assert officer.locator(f"table a[href='{second}']").count() == 1
    look(officer, "erasures")
    officer.goto(second)
    assert officer.locator("main form").count() == 2
    look(officer, "second")
    officer.click("section button")
    officer.wait_for_selector("[role=alert]")
    look(officer, "second-wrong")
    officer.fill("[name=words]", "Ik ken deze brief niet.")
    officer.click("section button")
    officer.wait_for_url("**/second-look/")
    look(officer, "declined")
    page.goto(address)
    look(page, "must-grant")
    page.goto(f"{address}decide/")
    assert page.locator("[name=outcome]").count() == 1
    look(page, "decide-must-grant")
    decide(page, address, "granted")
    look(page, "granted-by-one")
    officer.goto(second)
    tab_to(officer, "main form button.danger")
    officer.keyboard.press("Enter")
    officer.wait_for_url("**/second-look/")
    look(officer, "confirmed")
    page.goto(address)
    look(page, "erased-soon")
    client = open_as(language=language, viewport=NARROW)
    client.goto(f"/c/#{code_of(made)}")
    client.get_by_text(
        {"en": "Until then you can take it back.", "nl": "Tot dan kunt u dit terugnemen."}[language]
    ).wait_for()
    assert client.locator("button[value=erasure]").count() == 0
    look(client, "client-erased-soon")
    page.click("a[href$='/withdraw/']")
    look(page, "withdraw-erasure")
    page.fill("[name=words]", "Zij belde.")
    page.click("main form .buttons button")
    look(page, "withdrawn-by-one")
    officer.goto("/second-look/")
    assert officer.locator(f"table a[href='{second}']").count() == 1
    look(officer, "erasures-withdrawn")
    officer.goto("/deletions/")
    look(officer, "deletions")
    officer.set_viewport_size(NARROW)
    for path in ("/second-look/", second):
        officer.goto(path)
        fits(officer)


def test_flags_and_disclosures(desk: Desk, open_as: OpenAs, language: str, look: Callable[[Page, str], None]) -> None:
    recording = desk.archive.record(desk.archive.add_room()).id
    page = open_as(desk.visitor(Role.RIGHTS_DESK), language)
    worker = open_as(desk.visitor(Role.CASEWORKER), language)
    officer = open_as(desk.visitor(Role.PRIVACY_OFFICER), language)
    number = f"K-{recording[:8]}"
    for each, name in ((worker, "worker"), (page, "desk")):
        each.goto("/do-not-record/")
        look(each, f"flags-{name}")
        each.fill("#id_number", number)
        each.keyboard.press("Enter")
        each.wait_for_selector("[role=status]")
        look(each, f"no-flag-{name}")
    page.click("#change ~ form button")
    page.wait_for_selector(".field.wrong")
    look(page, "flag-wrong")
    page.fill("#change_reason", "Vroeg het zelf")
    page.click("#change ~ form button")
    page.wait_for_selector(".notice.success")
    for each, name in ((worker, "worker"), (page, "desk")):
        each.fill("#id_number", number)
        each.keyboard.press("Enter")
        each.wait_for_selector(".notice.error")
        look(each, f"flag-{name}")
    officer.goto("/disclosures/")
    look(officer, "disclosures")
    page.goto(f"/disclosures/of/{recording}/")
    look(page, "disclose")
    page.click("main form .buttons button")
    page.wait_for_selector("[role=alert]")
    look(page, "disclose-wrong")
    page.fill("[name=to]", f"De rechtbank {recording[:6]}")
    page.check("[name=ground][value=duty]")
    page.fill("[name=words]", "Artikel 5 van een wet")
    page.click("main form .buttons button")
    look(page, "disclosure-waits")
    page.click("a[href$='/masks/']")
    look(page, "disclosure-masks")
    for name, value in {"start": "0:01", "stop": "0:03", "whom": "een kind", "reason": "Het is niet gevraagd."}.items():
        page.fill(f"[name={name}]", value)
    page.click("main form:not([action]) .buttons button")
    page.wait_for_selector("table")
    look(page, "disclosure-masked")
    page.click("main form:not([action]) .buttons a")
    officer.reload()
    look(officer, "disclosures-wait")
    officer.click(f"text=De rechtbank {recording[:6]}")
    look(officer, "judge")
    officer.click("button[value=yes]")
    look(officer, "judged")
    page.reload()
    look(page, "disclosure-confirmed")
    page.click("a[href$='/copy/']")
    look(page, "disclosed-copy")


def tab_to(page: Page, selector: str) -> None:
    """By the tab key, as far as it takes."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"the tab key does not lead to {selector}")


def test_a_request_is_decided_by_keyboard_alone(desk: Desk, open_as: OpenAs) -> None:
    recording = desk.archive.record(desk.archive.add_room()).id
    page = open_as(desk.visitor(Role.RIGHTS_DESK))
    address = open_for(page, recording, "access")
    page.goto("/rights/")
    tab_to(page, f"a[href='{address.removeprefix(desk.url)}']")
    page.keyboard.press("Enter")
    page.wait_for_url(address)
    tab_to(page, "a[href$='/decide/']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}decide/")
    tab_to(page, "[name=outcome]")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    tab_to(page, "[name=words]")
    page.keyboard.type("Het mag niet van artikel 15, lid 4.")
    tab_to(page, "main form .buttons button")
    page.keyboard.press("Enter")
    page.wait_for_url(address)
    assert "artikel 15, lid 4" in page.content()
    assert page.locator("a[href$='letter-nl.pdf']").count() == 1


def test_a_part_is_masked_where_it_is_heard(
    desk: Desk, open_as: OpenAs, language: str, look: Callable[[Page, str], None]
) -> None:
    """Beside the form stands our own player, which no menu to download belongs to, and it fills in the place."""
    room = desk.archive.add_room()
    recording, case = desk.archive.record(room, blocks=6).id, f"M-{language}"
    worker = Visit(desk, desk.visitor(Role.CASEWORKER, rooms=[room]))
    assert worker.post(f"/meetings/{recording}/case/", case=case, there="on").status == 302
    page = open_as(desk.visitor(Role.RIGHTS_DESK), language)
    address = open_for(page, recording, "access")
    page.goto(f"/recordings/{recording}/hear/")
    page.check("[name=purpose]")
    page.fill("[name=case]", case)
    page.fill("[name=reason]", "Voor de kopie")
    page.click("main form .buttons button")
    page.wait_for_url("**/listen/**")
    page.goto(f"{address}masks/")
    page.wait_for_function("document.querySelector('audio').readyState >= 1")
    expect(page.locator("#deck")).to_be_visible()
    expect(page.locator("audio")).to_be_hidden()
    expect(page.locator("#wave svg")).to_be_visible()
    page.locator("[data-by='5']").click()
    page.locator("[data-take=id_stop]").click()
    page.locator("[data-by='-30']").click()
    page.locator("[data-take=id_start]").click()
    expect(page.locator("#id_stop")).to_have_value("0:00:05")
    expect(page.locator("#id_start")).to_have_value("0:00:00")
    look(page, "masks-heard")
    page.set_viewport_size(NARROW)
    look(page, "masks-heard-narrow")
    page.fill("[name=whom]", "een kind")
    page.fill("[name=reason]", "Het is niet gevraagd.")
    page.click("main form:not([action]) .buttons button")
    expect(page.get_by_role("rowheader")).to_have_text("0:00:00")


def test_the_copy_is_downloaded_and_whole(desk: Desk, open_as: OpenAs, look: Callable[[Page, str], None]) -> None:
    recording = desk.archive.record(desk.archive.add_room(), blocks=6).id
    page = open_as(desk.visitor(Role.RIGHTS_DESK))
    address = open_for(page, recording, "access")
    page.goto(f"{address}masks/")
    page.click("a[href$='/hear/']")
    page.check("[name=purpose]")
    page.fill("[name=case]", "Z-1")
    decide(page, address, "granted")
    confirmed(open_as(desk.visitor(Role.PRIVACY_OFFICER)), address)
    page.goto(f"{address}copy/")
    page.fill("[name=given_to]", "de cliënt, paspoort gezien")
    page.check("[name=sure]")
    page.click("main form .buttons button")
    page.wait_for_url("**/copies/**")
    look(page, "handing")
    page.goto(address)  # and it is found again from there
    look(page, "to-fetch")
    page.click("a[href*='/rights/copies/']")
    page.wait_for_url("**/copies/**")
    with page.expect_download() as download:
        page.click("a[href$='/file/']")
    assert download.value.suggested_filename.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as copy:
        assert copy.testzip() is None
        assert {"brief.pdf", "opname.opus", "opname.wav", "opname.sealed"} <= set(copy.namelist())
    page.goto(address)
    assert "paspoort gezien" in page.content()
    with page.expect_download() as download:
        page.click("a[href$='letter-nl.pdf']")
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")


def test_it_is_told_when_the_reading_room_is_away(
    desk: Desk, open_as: OpenAs, look: Callable[[Page, str], None]
) -> None:
    recording = desk.archive.record(desk.archive.add_room()).id
    page = open_as(desk.visitor(Role.RIGHTS_DESK))
    address = open_for(page, recording, "access")
    decide(page, address, "granted")
    confirmed(open_as(desk.visitor(Role.PRIVACY_OFFICER)), address)
    page.goto(f"{address}copy/")
    page.fill("[name=given_to]", "de cliënt")
    page.check("[name=sure]")
    page.click("main form .buttons button")
    page.wait_for_url("**/copies/**")
    with reading_room_away(desk):
        page.click("a[href$='/file/']")
        page.wait_for_selector("[role=alert]")
        look(page, "away")


@contextmanager
def reading_room_away(desk: Desk) -> Iterator[None]:
    desk.end_one("read")
    try:
        yield
    finally:
        desk.start_reading()

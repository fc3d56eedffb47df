"""Training as people meet it, before the real reading room: a yes noted, a fragment cut, approved by another, and heard."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from recorder.archive.access import Role
from tests.web.browser import NARROW, OpenAs, axe, fits
from tests.web.desk import Desk

Shot = Callable[[Page, str], Path]


def press(page: Page) -> None:
    """The page's main button, by keyboard."""
    page.locator("main form button:not(.second), main .buttons a.button:not(.second)").first.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")


def looked_at(page: Page, shot: Shot, name: str) -> None:
    axe(page)
    shot(page, name)
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size(NARROW)
    fits(page)
    axe(page)
    shot(page, f"{name}-narrow")
    page.set_viewport_size(size)


def plays(page: Page) -> None:
    """What stands on the page sounds."""
    page.wait_for_function("document.querySelector('audio').readyState >= 1")
    assert page.evaluate("document.querySelector('audio').duration") > 0


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_fragment_from_a_yes_to_a_trainee(desk: Desk, open_as: OpenAs, shot: Shot, language: str) -> None:
    room = desk.archive.add_room()
    recording, case = desk.archive.record(room, blocks=8, days_ago=13.9).id, f"T-{language}"
    visitors = {role: desk.visitor(role, rooms=[room], name=role.value) for role in Role if role in ROLES}
    page = open_as(visitors[Role.CASEWORKER], language)
    page.goto(f"/meetings/{recording}/case/")
    page.locator("[name=case]").fill(case)
    page.locator("[name=there]").check()
    press(page)

    at_desk = open_as(visitors[Role.RIGHTS_DESK], language)
    at_desk.goto(f"/recordings/{recording}/")
    at_desk.locator(f"a[href='/rights/recordings/{recording}/training/']").click()
    looked_at(at_desk, shot, "consent")
    press(at_desk)  # with nothing said: it tells what is missing
    expect(at_desk.get_by_role("alert")).to_be_visible()
    looked_at(at_desk, shot, "consent-wrong")
    at_desk.locator("[name=channel]").first.check()
    at_desk.locator("[name=proof]").fill("map 3")
    at_desk.locator("[name=free]").check()
    press(at_desk)
    expect(at_desk.locator("button.danger")).to_be_visible()
    looked_at(at_desk, shot, "consent-given")

    trainer = open_as(visitors[Role.TRAINER], language)
    trainer.goto("/training/")
    looked_at(trainer, shot, "empty")
    press(trainer)
    trainer.locator("[name=case]").fill(case)
    press(trainer)
    trainer.locator("tbody a").click()
    expect(trainer.get_by_role("alert")).to_be_visible()  # the client's days are not over yet
    looked_at(trainer, shot, "too-early")


ROLES = {Role.CASEWORKER, Role.RIGHTS_DESK, Role.TRAINER, Role.TRAINEE}


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_fragment_is_cut_approved_and_heard(desk: Desk, open_as: OpenAs, shot: Shot, language: str) -> None:
    room = desk.archive.add_room()
    recording, case = desk.archive.record(room, blocks=8, days_ago=14.01).id, f"U-{language}"
    caseworker = open_as(desk.visitor(Role.CASEWORKER, rooms=[room]), language)
    caseworker.goto(f"/meetings/{recording}/case/")
    caseworker.locator("[name=case]").fill(case)
    caseworker.locator("[name=there]").check()
    press(caseworker)
    at_desk = open_as(desk.visitor(Role.RIGHTS_DESK), language)
    at_desk.goto(f"/rights/recordings/{recording}/training/")
    at_desk.locator("[name=channel]").first.check()
    at_desk.locator("[name=proof]").fill("map 3")
    at_desk.locator("[name=free]").check()
    press(at_desk)

    cutter = open_as(desk.visitor(Role.TRAINER, name="Anouk"), language)
    cutter.goto(f"/training/recordings/{recording}/")
    looked_at(cutter, shot, "before")
    press(cutter)
    cutter.locator("[name=purpose]").check()
    cutter.locator("[name=case]").fill(case)
    cutter.locator("[name=reason]").fill("to learn")
    press(cutter)
    plays(cutter)
    expect(cutter.locator("#deck")).to_be_visible()
    expect(cutter.locator("audio")).to_be_hidden()  # its menu would offer to download it
    expect(cutter.locator(".sub")).to_contain_text("0:08")
    looked_at(cutter, shot, "cut")
    press(cutter)
    expect(cutter.get_by_role("alert")).to_be_visible()
    looked_at(cutter, shot, "cut-wrong")
    plays(cutter)
    cutter.locator("[name=start]").fill("0:00:01")
    cutter.locator("[data-by='5']").click()
    cutter.locator("[data-take=id_stop]").click()
    expect(cutter.locator("[name=stop]")).to_have_value("0:00:05")
    cutter.locator("[name=stop]").fill("0:00:07")
    cutter.locator("[name=masks]").fill("0:00:03 - 0:00:04")
    cutter.locator("[name=title]").fill(f"No {case}")
    cutter.locator("[name=goal]").fill("To say no kindly, and to go on with the conversation")
    cutter.locator("[name=sure]").check()
    press(cutter)
    expect(cutter.locator("h1")).to_have_text(f"No {case}")
    looked_at(cutter, shot, "made")

    second = open_as(desk.visitor(Role.TRAINER, name="Bram"), language)
    second.goto("/training/")
    looked_at(second, shot, "list")
    second.locator("table").first.get_by_role("link", name=f"No {case}").click()
    looked_at(second, shot, "to-hear")
    press(second)
    plays(second)
    expect(second.locator("audio")).to_be_hidden()
    looked_at(second, shot, "heard")
    press(second)
    looked_at(second, shot, "judge")
    second.locator("[name=outcome]").first.check()
    press(second)

    trainee = open_as(desk.visitor(Role.TRAINEE), language)
    trainee.goto("/training/")
    looked_at(trainee, shot, "trainee")
    trainee.get_by_role("link", name=f"No {case}").click()
    press(trainee)
    plays(trainee)
    looked_at(trainee, shot, "trainee-hears")

    at_desk.goto(f"/rights/recordings/{recording}/training/")
    press(at_desk)
    looked_at(at_desk, shot, "withdrawn")
    trainee.goto("/training/")
    expect(trainee.get_by_text(f"No {case}")).to_have_count(0)

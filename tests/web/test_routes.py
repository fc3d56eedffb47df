"""All addresses: each says whose it is, and is nobody else's."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import IntConverter, StringConverter, UUIDConverter

from recorder.archive.access import TABLE, Action, Role
from recorder.archive.web.people.models import Person
from tests.web.archive import Archive
from tests.web.conftest import Make

API = "api/v1/"
VALUES = {StringConverter: "0" * 32, UUIDConverter: "00000000-0000-4000-8000-000000000000", IntConverter: 1}
"""What stands for a part of an address."""


def walk(patterns: list[Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Each address and its view."""
    for each in patterns:
        address = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from walk(each.url_patterns, address)
        else:
            assert isinstance(each, URLPattern)
            for name, converter in each.pattern.converters.items():
                address = address.replace(f"<{_kind(converter)}:{name}>", str(VALUES[type(converter)]))
            yield address, each.callback


def _kind(converter: Any) -> str:
    return {StringConverter: "str", UUIDConverter: "uuid", IntConverter: "int"}[type(converter)]


OURS = [each for each in walk(get_resolver().url_patterns) if not each[0].startswith(API)]
GUARDED = [(address, view.actions) for address, view in OURS if getattr(view, "actions", ())]


def test_every_view_says_whose_it_is() -> None:
    assert [address for address, view in OURS if not hasattr(view, "actions")] == []
    assert len(GUARDED) > 5


@pytest.mark.parametrize(("address", "actions"), GUARDED)
def test_a_page_is_for_those_whose_role_it_is(
    address: str, actions: tuple[Action, ...], archive: Archive, make: Make, sign_in: Callable[[Person], Client]
) -> None:
    assert Client().get(f"/{address}").headers["Location"].startswith("/account/login/")
    for role in Role:
        answer = sign_in(make(role)).get(f"/{address}")
        if any(action in TABLE[role] for action in actions):
            assert answer.status_code in (200, 404, 405), role
        else:
            assert answer.status_code == 403, role


@pytest.mark.parametrize(("address", "actions"), GUARDED)
def test_nothing_is_done_without_the_page_that_it_was_asked_from(
    address: str, actions: tuple[Action, ...], archive: Archive, make: Make
) -> None:
    role = next(role for role in Role if any(action in TABLE[role] for action in actions))
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make(role))
    assert browser.post(f"/{address}", {"case": "Z-1"}).status_code == 403


@pytest.mark.parametrize("address", sorted({address for address, _ in OURS} | {"no/such/page/"}))
def test_every_answer_keeps_what_it_says_to_itself(address: str, archive: Archive, db: None) -> None:
    answer = Client().get(f"/{address}")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert "microphone=()" in answer.headers["Permissions-Policy"]


@pytest.mark.parametrize(
    "address",
    [
        "/static/../settings.py",
        "/static/web/..%2f..%2f..%2fsettings.py",
        "/static/%2e%2e/settings.py",
        "/static//etc/passwd",
        "/recordings/../../etc/passwd/",
        "/recordings/%2e%2e%2f%2e%2e%2fkeys/",
        "/recordings/" + "a" * 5_000 + "/",
        "/recordings/%00/",
        "/recordings/\N{FULLWIDTH DIGIT ZERO}" + "0" * 31 + "/",
        "/meetings/%0d%0aSet-Cookie:x=1/case/",
    ],
)
def test_a_path_that_leads_elsewhere_leads_nowhere(
    address: str, archive: Archive, make: Make, sign_in: Callable[[Person], Client]
) -> None:
    answer = sign_in(make(Role.CASEWORKER, rooms=["room-1"])).get(address)
    assert answer.status_code == 404
    assert "Set-Cookie" not in answer.headers or "x=1" not in answer.headers["Set-Cookie"]

"""docs/api.md: each of its commands is sent as curl would send it, and answered as the page says."""

import argparse
import json
import re
import shlex
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.test import Client
from django.utils import timezone

from recorder.archive.access import Action, Purpose, Role
from recorder.archive.web.api.calls import PROBLEMS, api
from recorder.archive.web.api.tokens import make as make_token
from recorder.archive.web.api.tokens import to_confirm
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.models import CONFIRM_DAYS
from tests.web.archive import Archive
from tests.web.conftest import Make

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
TEXT = PAGE.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


COMMANDS = [each for each in blocks("sh") if each.startswith("curl ")]


def send(command: str, **changes: str) -> Any:
    """What this curl would be answered, with these values in the place of the page's."""
    for name, value in changes.items():
        assert name in command
        command = command.replace(name, value)
    curl = argparse.ArgumentParser()
    curl.add_argument("address")
    curl.add_argument("--request", default="GET")
    curl.add_argument("--header")
    curl.add_argument("--json", default="")
    curl.add_argument("--get", action="store_true")
    curl.add_argument("--data-urlencode", action="append", default=[])
    asked = curl.parse_args(shlex.split(command.replace("\\\n", " "))[1:])
    name, _, value = asked.header.partition(": ")
    query = urlencode(dict(each.split("=", 1) for each in asked.data_urlencode))
    address = f"{asked.address}?{query}" if query else asked.address
    return Client(headers={name: value}).generic(asked.request, address, asked.json, "application/json")


def test_each_command_is_answered_as_the_page_says(archive: Archive, make: Make) -> None:
    find, name, decide, hold = COMMANDS
    recording = archive.record("room-1").id
    make(Role.CASEWORKER, rooms=["room-1"], email="c.dewit@gemeente.example")
    actions = (Action.LIST_UNLINKED, Action.LINK, Action.DECIDE, Action.HOLD)
    token = make_token(make(Role.ADMINISTRATOR), "Suite", actions, [Purpose.OBJECTION], 365)
    common = {"$URL": "/api/v1", "$TOKEN": token}
    begin = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert send(find, **common).status_code == 403, "a second person must confirm it"
    to_confirm().update(confirmed_ms=now_ms())
    found = send(find, **common, **{"2026-11-02T09:00:00+01:00": begin})
    assert found.status_code == 200, found.content
    (told,), ((shown,),) = found.json(), [json.loads(each) for each in blocks("json")]
    assert told["recording"] == recording
    assert told.keys() == shown.keys()
    assert [type(each) for each in told.values()] == [type(each) for each in shown.values()]
    assert send(decide, **common, **{"2026-11-20": date.min.isoformat()}).status_code == 404, "in this order"
    assert send(name, **common, **{"$RECORDING": recording}).json() == {"recordings": 1}
    assert send(decide, **common, **{"2026-11-20": timezone.localdate().isoformat()}).json() == {"recordings": 1}
    assert send(hold, **common).json() == {"recordings": 1}


def test_the_page_tells_of_every_call_and_refusal() -> None:
    calls = [call for path in api._routers[0][1].path_operations.values() for call in path.operations]
    assert len(COMMANDS) == len(calls)
    assert {int(each) for each in re.findall(r"^\| (\d{3}) \|", TEXT, re.MULTILINE)} == set(PROBLEMS)
    assert f"within {CONFIRM_DAYS} days" in TEXT

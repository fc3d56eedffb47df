"""The status: the page tells of every key that a room may send, and what is left out."""

import re
from pathlib import Path

import msgspec
import pytest

from recorder.errors import WireError
from recorder.wire.status import STATUS_BYTES_MAX, Status, parse


def test_the_specification_names_every_key_and_its_default():
    text = (Path(__file__).parents[2] / "docs" / "wire.md").read_text(encoding="utf-8").partition("## Status")[2]
    told = dict(re.findall(r"^\| `(\w+)` \| .* \|(?: `([^`]*)`.*)? \|$", text, re.MULTILINE))
    fields = {field.name: field.default for field in msgspec.structs.fields(Status)}
    assert list(told) == list(fields)
    for name, default in fields.items():
        wanted = "" if default is msgspec.NODEFAULT else msgspec.json.encode(default).decode()
        assert told[name] == wanted, name


def test_what_a_room_says_of_itself_is_read() -> None:
    said = Status("room-1", online=True, version="1", faults=("clock",), backlog=3)
    assert parse("rec/v1/room-1/status", msgspec.json.encode(said)) == said
    newer = b'{"room": "room-1", "online": false, "mood": "good"}'
    assert parse("rec/v1/room-1/status", newer) == Status("room-1", online=False)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("", b'{"room": "room-1", "online": true}'),
        ("rec/v1/room-1/up/0", b'{"room": "room-1", "online": true}'),
        ("rec/v1/Room 1/status", b'{"room": "Room 1", "online": true}'),
        ("rec/v1/room-1/status", b""),
        ("rec/v1/room-1/status", b"\xff"),
        ("rec/v1/room-1/status", b"[]"),
        ("rec/v1/room-1/status", b'{"room": "room-1"}'),
        ("rec/v1/room-1/status", b'{"room": "room-2", "online": true}'),
        ("rec/v1/room-1/status", b'{"room": "room-1", "online": 1}'),
        ("rec/v1/room-1/status", b'{"room": "room-1", "online": true, "backlog": -1}'),
        ("rec/v1/room-1/status", b'{"room": "room-1", "online": true, "said_ms": 9007199254740992}'),
        ("rec/v1/room-1/status", b'{"room": "room-1", "online": true}' + b" " * STATUS_BYTES_MAX),
    ],
)
def test_what_is_no_status_is_the_one_error(topic: str, payload: bytes) -> None:
    with pytest.raises(WireError):
        parse(topic, payload)

"""The status: the page tells of every key that a room may send, and what is left out."""

import re
from pathlib import Path

import msgspec

from recorder.wire.status import Status


def test_the_specification_names_every_key_and_its_default():
    text = (Path(__file__).parents[2] / "docs" / "wire.md").read_text(encoding="utf-8").partition("## Status")[2]
    told = dict(re.findall(r"^\| `(\w+)` \| .* \|(?: `([^`]*)`.*)? \|$", text, re.MULTILINE))
    fields = {field.name: field.default for field in msgspec.structs.fields(Status)}
    assert list(told) == list(fields)
    for name, default in fields.items():
        wanted = "" if default is msgspec.NODEFAULT else msgspec.json.encode(default).decode()
        assert told[name] == wanted, name

"""Every word of the pages is there in Dutch, and what the pages read is made from what people wrote."""

import shutil
from pathlib import Path

import polib
import pytest

from recorder.archive.web import messages

FILES = sorted(messages.HERE.rglob("*.po"))


def words(file: Path) -> set[tuple[str, str]]:
    return {(entry.msgid, entry.msgid_plural) for entry in polib.pofile(str(file)) if not entry.obsolete}


def test_nothing_was_forgotten(tmp_path: Path) -> None:
    shutil.copytree(messages.HERE, tmp_path / "web")
    messages.find_all(tmp_path / "web")
    found = sorted((tmp_path / "web").rglob("*.po"))
    assert FILES
    assert {each.relative_to(tmp_path / "web"): words(each) for each in found} == {
        each.relative_to(messages.HERE): words(each) for each in FILES
    }, "run `make messages`, and translate"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(messages.HERE)))
def test_everything_is_translated_and_made(file: Path) -> None:
    found = polib.pofile(str(file))
    assert [entry.msgid for entry in found if not entry.translated()] == []
    assert file.with_suffix(".mo").read_bytes() == found.to_binary(), "run `make messages`"


def test_what_says_the_same_is_translated_the_same() -> None:
    """Django reads the words of all apps as one list: of two translations of a sentence one is never seen."""
    found: dict[tuple[str | None, str], set[str]] = {}
    for file in FILES:
        for entry in polib.pofile(str(file)):
            found.setdefault((entry.msgctxt, entry.msgid), set()).add(entry.msgstr or str(entry.msgstr_plural))
    assert {msgid: told for (_, msgid), told in found.items() if len(told) > 1} == {}


def test_whom_to_tell_has_one_name() -> None:
    told = " ".join(f"{entry.msgstr} {entry.msgstr_plural}" for file in FILES for entry in polib.pofile(str(file)))
    assert "IT-afdeling" in told
    assert "ICT" not in told

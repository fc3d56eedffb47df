"""The spoken announcement: short, complete, true of the room that it is spoken for, and spoken by a real voice."""

import itertools
import re
from pathlib import Path

import pytest

from recorder.cli import main
from recorder.device.speaker import ANNOUNCEMENT_SECONDS_MAX, announcement
from recorder.notices.spoken import LANGUAGES, Language, text

MUST: dict[Language, tuple[str, ...]] = {
    "nl": ("opgenomen", "grote knop", "gewist", "geen gevolgen", "zelf ook opnemen"),
    "en": ("recorded", "large button", "erased", "no consequences", "record it yourself"),
}
"""N3 and what a client must know to say no."""
ALWAYS: dict[Language, tuple[str, ...]] = {"nl": ("altijd", "straks"), "en": ("any time", "later")}
"""What no room keeps: its grace period ends."""
GRACES = (0.0, 59.9, 60.0, 120.0, 86_400.0)


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize(("language", "grace_seconds"), list(itertools.product(LANGUAGES, GRACES)))
def test_it_is_short_and_says_what_it_must(language: Language, grace_seconds: float, asked: bool) -> None:
    said = text(language, grace_seconds, asked=asked)
    assert all(words in said for words in MUST[language])
    assert not any(words in said for words in ALWAYS[language])
    sentences = re.findall(r"[^.?!]+[.?!]", said)
    assert sum(len(each.split()) for each in sentences) / len(sentences) <= 12, "N5"
    assert max(len(each.split()) for each in sentences) <= 14


@pytest.mark.parametrize(
    ("grace_seconds", "dutch", "english"),
    [
        (0.0, "Dat mag zolang de opname loopt.", "You may do so for as long as it is recorded."),
        (59.9, "Dat mag zolang de opname loopt.", "You may do so for as long as it is recorded."),
        (60.0, "tot 1 minuut na afloop", "until 1 minute after the end"),
        (179.0, "tot 2 minuten na afloop", "until 2 minutes after the end"),
    ],
)
def test_it_says_until_when_a_no_counts_and_promises_no_second_more(
    grace_seconds: float, dutch: str, english: str
) -> None:
    assert dutch in text("nl", grace_seconds, asked=False)
    assert english in text("en", grace_seconds, asked=False)


def test_where_everyone_is_asked_it_does_not_say_that_it_is_decided() -> None:
    assert "wordt zo opgenomen" in text("nl", 120.0, asked=False)
    assert "Wij vragen zo" in text("nl", 120.0, asked=True) and "wordt zo" not in text("nl", 120.0, asked=True)
    assert "we ask" in text("en", 120.0, asked=True) and "will be" not in text("en", 120.0, asked=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_can_be_spoken_and_played(tmp_path: Path, language: Language) -> None:
    file = tmp_path / "announcement.wav"
    assert main(["announcement", "--language", language, "-o", str(file)]) == 0
    assert 5 < announcement(file)[1] < ANNOUNCEMENT_SECONDS_MAX / 2


def test_without_a_file_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["announcement"]) == 0
    assert capsys.readouterr().out.strip() == text("nl", 120.0, asked=False)


def test_it_is_that_of_the_rooms_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "room.toml"
    file.write_text('[meeting]\ngrace_seconds = 300.0\nask_everyone = true\n[consent]\nlanguage = "en"\n')
    assert main(["announcement", "--config", str(file)]) == 0
    assert capsys.readouterr().out.strip() == text("en", 300.0, asked=True)
    assert main(["announcement", "--config", str(file), "--language", "nl"]) == 0
    assert capsys.readouterr().out.strip() == text("nl", 300.0, asked=True)


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.wav"
    file.write_bytes(b"a voice of ours")
    assert main(["announcement", "-o", str(file)]) == 2
    assert "exists already" in capsys.readouterr().err and file.read_bytes() == b"a voice of ours"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["announcement", "-o", str(tmp_path / "nowhere" / "a.wav")]) == 2
    assert "could not speak" in capsys.readouterr().err

"""The spoken announcement: short, complete, and spoken by a real voice."""

import re
from pathlib import Path

import pytest

from recorder.cli import main
from recorder.device.speaker import ANNOUNCEMENT_SECONDS_MAX, wav_seconds
from recorder.notices.spoken import LANGUAGES, Language, text, text_sha256

MUST: dict[Language, tuple[str, ...]] = {
    "nl": ("opgenomen", "grote knop", "gewist", "geen gevolgen", "zelf ook opnemen"),
    "en": ("recorded", "large button", "erased", "no consequences", "record it yourself"),
}
"""N3 and what a client must know to say no."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_short_and_says_what_it_must(language: Language) -> None:
    said = text(language)
    assert all(words in said for words in MUST[language])
    sentences = re.findall(r"[^.?!]+[.?!]", said)
    assert sum(len(each.split()) for each in sentences) / len(sentences) <= 12, "N5"
    assert max(len(each.split()) for each in sentences) <= 14


def test_its_version_is_its_text() -> None:
    assert len({text_sha256(language) for language in LANGUAGES}) == len(LANGUAGES)
    assert all(re.fullmatch("[0-9a-f]{64}", text_sha256(language)) for language in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_can_be_spoken_and_played(tmp_path: Path, language: Language) -> None:
    file = tmp_path / "announcement.wav"
    assert main(["announcement", "--language", language, "-o", str(file)]) == 0
    assert 5 < wav_seconds(file) < ANNOUNCEMENT_SECONDS_MAX / 2


def test_without_a_file_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["announcement"]) == 0
    assert capsys.readouterr().out.strip() == text("nl")


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.wav"
    file.write_bytes(b"a voice of ours")
    assert main(["announcement", "-o", str(file)]) == 2
    assert "exists already" in capsys.readouterr().err and file.read_bytes() == b"a voice of ours"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["announcement", "-o", str(tmp_path / "nowhere" / "a.wav")]) == 2
    assert "could not speak" in capsys.readouterr().err

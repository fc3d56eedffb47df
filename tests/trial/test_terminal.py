"""The panel of a room on a screen: what it says in both languages, and a real room looked at through its window."""

import io
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from recorder.device.window import Window
from recorder.meeting.fault import Fault, Language
from recorder.meeting.table import State
from recorder.meeting.words import words
from recorder.trial.picture import EXAMPLE
from recorder.trial.terminal import panel
from recorder.wire.status import Report

REPLACE = msgspec.structs.replace


def shown(report: Report, language: Language, keys: str = "") -> str:
    console = Console(width=78, file=io.StringIO(), force_terminal=False)
    console.print(panel(report, language, keys))
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("state", list(State))
def test_every_state_is_told_in_words(state: State, language: Language) -> None:
    report = REPLACE(EXAMPLE, status=REPLACE(EXAMPLE.status, state=state.value))
    assert words(state, language).split(".")[0] in shown(report, language)


def test_a_no_says_that_something_is_erased_only_where_something_was() -> None:
    refused = REPLACE(EXAMPLE, status=REPLACE(EXAMPLE.status, state=State.REFUSED.value))
    assert "gewist" not in shown(refused, "nl") and "erased" not in shown(refused, "en")
    there_was = REPLACE(refused, erased=True)
    assert "Alles is gewist" in shown(there_was, "nl") and "Everything is erased" in shown(there_was, "en")


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_is_told_in_words_and_by_the_second_light(fault: Fault, language: Language) -> None:
    report = REPLACE(EXAMPLE, attention="3 blinks", status=REPLACE(EXAMPLE.status, faults=(fault.name.lower(),)))
    told = shown(report, language)
    assert fault.words(language).split(".")[0] in told and "3 blinks" in told


@pytest.mark.parametrize("language", ["nl", "en"])
def test_what_is_told_as_a_fault_is_not_told_again(language: Language) -> None:
    silent = Fault.MICROPHONE_SILENT
    status = REPLACE(EXAMPLE.status, faults=(silent.name.lower(),))
    told = shown(REPLACE(EXAMPLE, status=status, alarm=silent.words("en")), language)
    assert told.count(silent.words(language)) == 1
    assert (silent.words("en") in told) is (language == "en")
    assert "arecord ended" in shown(REPLACE(EXAMPLE, status=status, alarm="arecord ended"), language)


def test_lit_and_dark_differ_without_colour() -> None:
    assert "●" in shown(EXAMPLE, "en") and "○" in shown(REPLACE(EXAMPLE, lit=False), "en")


def test_where_nothing_can_be_pressed_no_keys_are_told() -> None:
    assert "refuse" in shown(EXAMPLE, "en", "r refuse") and "refuse" not in shown(EXAMPLE, "en")


def test_what_is_left_is_told_in_minutes_where_it_is_long() -> None:
    assert "3 s" in shown(REPLACE(EXAMPLE, seconds_left=3.0), "en")
    assert "60 min" in shown(REPLACE(EXAMPLE, seconds_left=3_599.0), "en")


def test_how_far_a_room_has_caught_up_is_told_while_it_does() -> None:
    behind = REPLACE(EXAMPLE, waiting=1_203, backlog=1_200, caught_up=20_400)
    told = shown(behind, "en")
    assert "1200 of 21600 items still to go" in told and "still waiting here in all: 1203" in told
    told = shown(behind, "nl")
    assert "nog 1200 van 21600 stukken te gaan" in told and "in totaal wacht hier nog 1203" in told
    assert "to go" not in shown(EXAMPLE, "en")


def look(config: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "recorder", "panel", "--config", str(config), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_room_is_looked_at_through_its_window_until_it_ends(tmp_path: Path) -> None:
    config = tmp_path / "room.toml"
    config.write_text(f'[room]\nwindow = "{tmp_path / "window"}"\n')
    window = Window(tmp_path / "window")
    watcher = look(config, "--language", "nl")
    while not window.watched:
        window.let_in()
    told = threading.Event()

    def report() -> None:
        encode = msgspec.json.encode
        for _ in range(3):
            window.show(encode(EXAMPLE))
        window.close()
        told.set()

    threading.Thread(target=report).start()
    out, err = watcher.communicate(timeout=30)
    assert told.is_set() and watcher.returncode == 0, err
    assert words(State.RECORDING, "nl") in out


def test_without_a_room_it_says_so(tmp_path: Path) -> None:
    config = tmp_path / "room.toml"
    config.write_text(f'[room]\nwindow = "{tmp_path / "window"}"\n')
    watcher = look(config)
    _, err = watcher.communicate(timeout=30)
    assert watcher.returncode == 2 and "no room shows itself there" in err
    config.write_text('[room]\nwindow = ""\n')
    watcher = look(config)
    _, err = watcher.communicate(timeout=30)
    assert watcher.returncode == 2 and "room.window" in err

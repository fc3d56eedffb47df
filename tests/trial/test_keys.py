"""The panel's keys, in a real terminal of its own."""

import io
import os
import signal
import sys
import termios
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from rich.console import Console

from recorder.trial import terminal
from recorder.trial.picture import EXAMPLE


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other end of the terminal that is the standard input."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield ours
    os.close(ours)


def press(keyboard: int, keys: bytes, *, slowly: bool = False) -> None:
    """Once the panel hears keys without Enter; before, the terminal itself would act on them."""
    while termios.tcgetattr(keyboard)[3] & termios.ICANON:
        time.sleep(0.01)
    time.sleep(0.05)
    for each in [bytes([key]) for key in keys] if slowly else [keys]:
        os.write(keyboard, each)
        time.sleep(0.3 if slowly else 0.0)


def shown(
    keyboard: int, keys: bytes, *, end_button: bool = True, state: str = "recording", slowly: bool = False
) -> tuple[list[str], str]:
    """What is pressed in the room when these keys are, and all that was on the screen."""
    pressed: list[str] = []

    room = SimpleNamespace(
        report=EXAMPLE,
        process=SimpleNamespace(poll=lambda: None),
        press=pressed.append,
        state=state,
        happened=lambda name, recording: [SimpleNamespace(detail=each) for each in ("start", *pressed)],
    )
    performance = SimpleNamespace(room=room, follow=lambda: None, has_end_button=end_button, lift_seconds=0.5)
    screen = io.StringIO()
    threading.Thread(target=press, args=(keyboard, keys), kwargs={"slowly": slowly}, daemon=True).start()
    terminal.show(performance, Console(file=screen, force_terminal=True, width=100))  # type: ignore[arg-type]
    return pressed, screen.getvalue()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("leave", [b"q", b"\x03"])
def test_q_and_control_c_leave_and_the_terminal_is_as_before(keyboard: int, leave: bytes) -> None:
    before = termios.tcgetattr(keyboard)
    assert shown(keyboard, b"srme" + leave)[0] == ["start", "refuse", "mark", "end"]
    assert termios.tcgetattr(keyboard) == before


@pytest.mark.timeout(20)
def test_after_it_was_stopped_the_keys_are_heard_again(keyboard: int) -> None:
    """The shell that stopped it took the terminal back, with lines and Enter."""
    before = termios.tcgetattr(keyboard)

    def stop_and_go_on() -> None:
        press(keyboard, b"s")
        time.sleep(0.3)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        os.kill(os.getpid(), signal.SIGCONT)
        press(keyboard, b"mq")

    threading.Thread(target=stop_and_go_on, daemon=True).start()
    assert shown(keyboard, b"")[0] == ["start", "mark"]


@pytest.mark.timeout(20)
def test_the_end_of_a_room_without_that_button_is_told(keyboard: int) -> None:
    pressed, screen = shown(keyboard, b"eq", end_button=False, slowly=True)
    assert pressed == []
    assert "panel.end_button is 0" in screen and "e end" not in screen
    assert "e end" in shown(keyboard, b"q", slowly=True)[1]


@pytest.mark.timeout(20)
def test_where_nothing_is_recorded_a_mark_presses_nothing(keyboard: int) -> None:
    """R1: two quick presses are one in a quiet room, and would begin a meeting, or say yes to one."""
    pressed, screen = shown(keyboard, b"mq", state="idle", slowly=True)
    assert pressed == []
    assert terminal.NO_RECORDING in screen


@pytest.mark.timeout(20)
def test_marks_are_counted(keyboard: int) -> None:
    pressed, screen = shown(keyboard, b"mmq", slowly=True)
    assert pressed == ["mark", "mark"]
    assert "2 ×" in screen


@pytest.mark.timeout(20)
def test_that_the_button_is_held_is_told_for_as_long_as_it_is(keyboard: int) -> None:
    pressed, screen = shown(keyboard, b"l   q", state="refused", slowly=True)
    assert pressed == ["lift"]
    assert terminal.HOLDING in screen
    assert screen.rindex("r refuse") > screen.rindex(terminal.HOLDING)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("state", ["recording", "idle", "grace"])
def test_where_no_no_stands_holding_the_button_is_not_offered_as_lifting(keyboard: int, state: str) -> None:
    """It would say one, and erase."""
    pressed, screen = shown(keyboard, b"lq", state=state, slowly=True)
    assert pressed == []
    assert terminal.NO_EARLIER_NO in screen

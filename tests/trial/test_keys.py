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


def press(keyboard: int, keys: bytes) -> None:
    """Once the panel hears keys without Enter; before, the terminal itself would act on them."""
    while termios.tcgetattr(keyboard)[3] & termios.ICANON:
        time.sleep(0.01)
    time.sleep(0.05)
    os.write(keyboard, keys)


def shown(keyboard: int, keys: bytes, *, end_button: bool = True) -> tuple[list[str], str]:
    """What is pressed in the room when these keys are, and all that was on the screen."""
    pressed: list[str] = []
    room = SimpleNamespace(report=EXAMPLE, process=SimpleNamespace(poll=lambda: None), press=pressed.append)
    performance = SimpleNamespace(room=room, follow=lambda: None, has_end_button=end_button)
    screen = io.StringIO()
    threading.Thread(target=press, args=(keyboard, keys), daemon=True).start()
    terminal.show(performance, Console(file=screen, force_terminal=True, width=100))  # type: ignore[arg-type]
    return pressed, screen.getvalue()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("leave", [b"q", b"\x03"])
def test_q_and_control_c_leave_and_the_terminal_is_as_before(keyboard: int, leave: bytes) -> None:
    before = termios.tcgetattr(keyboard)
    assert shown(keyboard, b"srlme" + leave)[0] == ["start", "refuse", "lift", "mark", "end"]
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
    ours = threading.Timer(0.5, os.write, (keyboard, b"q"))
    ours.start()
    pressed, screen = shown(keyboard, b"e", end_button=False)
    assert pressed == []
    assert "panel.end_button is 0" in screen

"""The tap on a real child process."""

import select
import signal
import sys

import pytest

from recorder import config
from recorder.device import tap as module
from recorder.device.pipe import Frame, Kind, Setup
from recorder.device.tap import Tap

SECONDS_MAX = 10.0
READY = bytes(Frame(Kind.STATE, b"ready"))
SPEAKS_AND_ENDS = f"import sys; sys.stdin.buffer.readline(); sys.stdout.buffer.write({READY!r})"
SPEAKS_AND_WAITS = f"{SPEAKS_AND_ENDS}; sys.stdout.flush(); sys.stdin.read()"


def tap_on(program: str, monkeypatch: pytest.MonkeyPatch) -> Tap:
    monkeypatch.setattr(module, "COMMAND", (sys.executable, "-c", program))
    settings = config.load()
    return Tap(
        Setup(settings.microphone, settings.opus, settings.seal, "room-1", 1, "00" * 32, "key", "recipients"),
        bytearray(32),
    )


def await_readable(tap: Tap) -> None:
    assert select.select([tap], [], [], SECONDS_MAX)[0], "the child says nothing"


def test_what_the_child_says_and_then_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = tap_on(SPEAKS_AND_ENDS, monkeypatch)
    await_readable(tap)
    assert tap.read() == [Frame(Kind.STATE, b"ready")]
    await_readable(tap)
    assert tap.read() is None
    assert tap.wait() == 0
    tap.close()


def test_a_look_too_early_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = tap_on("import sys; sys.stdin.read()", monkeypatch)
    assert tap.read() == []
    tap.close()


def test_once_shut_it_says_nothing_and_its_end_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A no shuts the tap from another thread. The loop may see the pipe's end before it hears of the press."""
    tap = tap_on(SPEAKS_AND_WAITS, monkeypatch)
    await_readable(tap)
    tap.shut()
    assert tap.wait() == -signal.SIGKILL
    assert tap.read() == [], "what it said before is not heard any more"
    await_readable(tap)
    assert tap.read() == [], "the pipe's end is not the child's own"
    tap.close()


def test_a_no_that_comes_too_late_harms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread in which the press arrives may still hold a tap that the loop has closed."""
    tap = tap_on("pass", monkeypatch)
    assert tap.close() is True
    tap.shut()
    assert tap.close() is True

"""The guard, real and by its parts; and the service manager, which is a socket."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from gpiozero import LED
from gpiozero.pins.mock import MockFactory

from recorder import config
from recorder.device import guard as module
from recorder.device import supervisor
from recorder.device.guard import END, Lines, alarm, watch
from recorder.device.supervisor import Guard, ServiceManager
from recorder.meeting.fault import Fault
from recorder.meeting.light import BLINKS, DARK, STEADY

SECONDS_MAX = 30.0


@pytest.fixture
def panel() -> config.Panel:
    settings = config.load().panel
    return msgspec.structs.replace(settings, pins="mock")


@pytest.fixture
def guard(panel: config.Panel) -> Iterator[Guard]:
    made = Guard(panel)
    yield made
    made.close()


def beat_until(guard: Guard, answers: bool) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while guard.answers is not answers:
        assert time.monotonic() < deadline
        guard.beat(DARK, time.monotonic())
        time.sleep(0.02)


def test_a_guard_answers_and_ends_with_its_daemon(guard: Guard) -> None:
    beat_until(guard, answers=True)
    process = guard._process
    assert process is not None
    guard.close()
    assert process.returncode == 0
    assert guard.pid is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_guard_that_is_gone_is_missed_and_made_anew(
    guard: Guard, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    beat_until(guard, answers=True)
    first = guard.pid
    assert first is not None
    monkeypatch.setattr(supervisor, "ANSWER_SECONDS_MAX", 0.6)
    monkeypatch.setattr(supervisor, "BEAT_SECONDS", 0.1)
    os.kill(first, number)
    beat_until(guard, answers=False)
    monkeypatch.undo()
    beat_until(guard, answers=True)
    assert guard.pid != first


@pytest.mark.parametrize("beat_seconds", [0.1, 60.0], ids=["a beat is due", "none is due"])
def test_a_loop_that_was_kept_waiting_does_not_blame_its_guard(
    guard: Guard, monkeypatch: pytest.MonkeyPatch, beat_seconds: float
) -> None:
    """A card may stall the loop for longer than a guard may be silent. The meeting goes on."""
    beat_until(guard, answers=True)
    pid = guard.pid
    monkeypatch.setattr(supervisor, "BEAT_SECONDS", beat_seconds)
    monkeypatch.setattr(supervisor, "ANSWER_SECONDS_MAX", 0.5)
    for _ in range(2):
        time.sleep(0.7)
        guard.beat(DARK, time.monotonic())
        assert (guard.pid, guard.answers) == (pid, True)


def test_a_guard_does_not_heed_what_is_meant_for_its_daemon(guard: Guard) -> None:
    beat_until(guard, answers=True)
    pid = guard.pid
    assert pid is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    for _ in range(20):
        guard.beat(STEADY, time.monotonic())
        time.sleep(0.05)
    assert guard.answers and guard.pid == pid


class Watch:
    """The guard's loop in a thread, with a lamp that remembers, and a sleeping process in the daemon's place."""

    def __init__(self) -> None:
        self.parent = subprocess.Popen(["sleep", "600"])
        self.pidfd = os.pidfd_open(self.parent.pid)
        self.theirs, self.ours = os.pipe()
        self.answers, answering = os.pipe()
        self.shown: list[bool] = []
        self.outcome: list[bool] = []

        def show(lamp: object, value: bool) -> None:
            self.shown.append(value)

        light = type("Light", (), {"value": property(fset=show)})()
        self.thread = threading.Thread(
            target=lambda: self.outcome.append(watch(self.pidfd, Lines(self.theirs), answering, light))
        )
        self.thread.start()

    def say(self, line: bytes) -> None:
        os.write(self.ours, line + b"\n")
        assert os.read(self.answers, 1) == b"."

    def end(self) -> bool:
        self.thread.join(SECONDS_MAX)
        return self.outcome[0]


@pytest.fixture
def watched() -> Iterator[Watch]:
    made = Watch()
    yield made
    made.parent.kill()
    made.parent.wait()


def test_it_shows_what_it_is_told_by_itself(watched: Watch) -> None:
    watched.say(b"[1000]")
    watched.say(b"[1000]")
    assert watched.shown[-1] is True
    watched.say(b"[20, 20]")
    deadline = time.monotonic() + SECONDS_MAX
    while watched.shown[-6:] not in ([True, False] * 3, [False, True] * 3):
        assert time.monotonic() < deadline, "it does not blink without being told every time"
    watched.say(b"[]")
    time.sleep(0.1)  # what blinks is shown to the end of its period
    os.write(watched.ours, END + b"\n")
    assert watched.end() is True
    assert watched.shown[-1] is False
    assert watched.parent.poll() is None, "who says that he ends is not killed"


def test_what_blinks_is_shown_to_its_end_so_that_it_can_be_counted(watched: Watch) -> None:
    """A cup set down makes a second of overdrive: four blinks, and never the two of a microphone that is gone."""
    four = [100, 100] * 3 + [100, 600]
    watched.say(json.dumps(four).encode())
    time.sleep(0.25)
    watched.say(b"[]")
    time.sleep(1.5)
    edges = [lit for at, lit in enumerate(watched.shown) if at == 0 or lit is not watched.shown[at - 1]]
    assert edges == [False, *[True, False] * 4]
    watched.say(b"[1000]")
    watched.say(b"[1000]")
    assert watched.shown[-1] is True, "and from darkness it changes at once"
    os.write(watched.ours, END + b"\n")
    assert watched.end() is True


def test_a_daemon_that_ends_without_a_word_is_noticed(watched: Watch) -> None:
    watched.say(b"[1000]")
    os.close(watched.ours)
    assert watched.end() is False


def test_a_daemon_that_says_nothing_more_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENT_SECONDS_MAX", 0.5)
    watched = Watch()
    watched.say(b"[1000]")
    assert watched.end() is False
    assert watched.parent.wait(SECONDS_MAX) == -signal.SIGKILL


def test_an_answer_that_nobody_reads_any_more_does_not_end_the_guard() -> None:
    """The daemon said a last line and died: what the guard is for is still to come."""
    theirs, ours = os.pipe()
    unread, answers = os.pipe()
    os.write(ours, b"[1000]\n")
    os.close(ours)
    os.close(unread)
    assert watch(-1, Lines(theirs), answers, SimpleNamespace()) is False


class Hour:
    """A time that passes while somebody sleeps, and comes to an end."""

    def __init__(self, seconds: float) -> None:
        self.now, self._end = 1_000.0, 1_000.0 + seconds

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds + 0.001
        if self.now > self._end:
            raise TimeoutError


@pytest.fixture
def lamp(panel: config.Panel) -> Iterator[LED]:
    made = LED(panel.attention_light, pin_factory=MockFactory())
    yield made
    made.close()


def test_the_alarm_blinks_that_a_recording_was_cut_off(monkeypatch: pytest.MonkeyPatch, lamp: LED) -> None:
    cycle_seconds = sum(BLINKS[Fault.CUT_OFF].segments_ms) / 1000
    monkeypatch.setattr(module, "time", Hour(2 * cycle_seconds - 0.5))
    lamp.pin.clear_states()
    with pytest.raises(TimeoutError):
        alarm(lamp)
    levels = [state.state for state in lamp.pin.states]
    assert levels == [False] + [True, False] * 2 * Fault.CUT_OFF.blinks


@pytest.mark.parametrize(("said", "alarms"), [(True, False), (False, True)])
def test_a_guard_alarms_where_no_end_was_said(
    panel: config.Panel, monkeypatch: pytest.MonkeyPatch, said: bool, alarms: bool
) -> None:
    """With the pins of a Raspberry Pi; a lamp made of software is seen by nobody."""
    lit: list[int] = []
    setup = module.Setup("lgpio", panel.attention_light)
    monkeypatch.setattr(module.Device, "pin_factory", None)
    monkeypatch.setattr(module, "header_pins", lambda: (MockFactory(), "pinctrl-rp1"))
    monkeypatch.setattr(module.signal, "signal", lambda number, handler: None)
    monkeypatch.setattr(module.sys, "argv", ["guard", msgspec.json.encode(setup).decode()])
    monkeypatch.setattr(module, "watch", lambda *_: said)
    monkeypatch.setattr(module, "alarm", lambda light: lit.append(light.pin.info.name))
    module.main()
    assert bool(lit) is alarms


def test_a_guard_without_its_light_says_why_in_a_line(panel: config.Panel) -> None:
    setup = msgspec.json.encode(module.Setup("lgpio", panel.attention_light)).decode()
    ran = subprocess.run(
        [*module.COMMAND, setup], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if ran.returncode == 0:
        pytest.fail("there are pins here; this test is for a machine without")
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "the guard has no attention light: none of the GPIO chips [] is that of a Raspberry Pi's pins" in ran.stderr


def test_half_a_line_is_waited_for() -> None:
    theirs, ours = os.pipe()
    lines = Lines(theirs)
    os.write(ours, b"[10")
    assert lines.read(1.0) == []
    os.write(ours, b"00]\nend\nx")
    assert lines.read(1.0) == [b"[1000]", b"end"]
    os.close(ours)
    assert lines.read(1.0) is None


@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_hears_of_every_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    address = f"@wederhoor-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + address[1:] if abstract else address)
        manager.settimeout(SECONDS_MAX)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        told = ServiceManager()
        assert "NOTIFY_SOCKET" not in os.environ, "a child that finds it could feed the watchdog"
        told.ready()
        for now in (10.0, 10.5, 10.99, 11.0, 12.5):
            told.feed(now)
        told.stopping()
        heard = [manager.recv(64) for _ in range(5)]
    assert heard == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_without_a_service_manager_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    manager = ServiceManager()
    manager.ready()
    assert manager._socket is None

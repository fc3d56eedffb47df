"""The guard: a process that owns the attention light and ends a daemon that hangs. `python -m recorder.device.guard SETUP`.

Its parent, the daemon, says in each turn of its loop what the attention light shall show, and the guard answers. It knows
nothing of meetings. What it does when it hears nothing more:

- the pipe ends without `end`: the daemon is dead. The kernel has ended the capture process with it (confine.py).
- the pipe is silent for SILENT_SECONDS_MAX: the daemon hangs, and is killed.

Either way the attention light then blinks that the recorder stopped, until this process is ended. A service manager
does that at once: systemd kills what is left of a service within milliseconds of its main process (KillMode=mixed), so nobody
sees the alarm there. Both lights are dark then, as far as the kernel lets go of them (hardware/README.md, "Boot settings"),
until the service is back, whose daemon says what it found.

    parent → guard    a line each: the milliseconds of a pattern, lit and dark in turn, or `end`
    guard → parent    a dot for each line

A card may make the loop wait for seconds, which is no reason to end a meeting, so the guard is patient; in that time the
buttons and the light's current are still watched, by a thread that waits for no card.
"""

import contextlib
import json
import logging
import os
import select
import signal
import sys
import time
from itertools import accumulate
from typing import Literal

import msgspec
from gpiozero import LED, Device, GPIOZeroError
from gpiozero.pins.mock import MockFactory

from recorder.config import Pin
from recorder.device.panel import header_pins
from recorder.errors import PanelError
from recorder.meeting.fault import Fault
from recorder.meeting.light import BLINKS, Pattern

SILENT_SECONDS_MAX = 10.0
COMMAND = (sys.executable, "-m", "recorder.device.guard")
END = b"end"
BEATS_BYTES_MAX = 65_536
IDLE_SECONDS = 3600.0

logger = logging.getLogger(__name__)


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it must know."""

    pins: Literal["lgpio", "mock"]
    attention_light: Pin


class Lines:
    """Whole lines from a pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def read(self, seconds_max: float) -> list[bytes] | None:
        """The lines that come within that time; None at the pipe's end."""
        ready, _, _ = select.select([self._descriptor], [], [], max(0.0, seconds_max))
        if not ready:
            return []
        data = os.read(self._descriptor, BEATS_BYTES_MAX)
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines


class Rhythm:
    """A pattern, from the moment on that it began."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        self._since = time.monotonic()

    @property
    def lit(self) -> bool:
        return self.pattern.lit_at(self._elapsed_ms)

    def seconds_to_change(self) -> float:
        """Until it is lit where it is dark, or the other way round; long if it never changes."""
        segments = self.pattern.segments_ms
        if len(segments) < 2:
            return IDLE_SECONDS
        now = self._elapsed_ms % sum(segments)
        return next(end - now for end in accumulate(segments) if end > now) / 1000

    def seconds_to_end(self) -> float:
        """Of its present period; 0 if it never changes."""
        period = sum(self.pattern.segments_ms)
        return (period - self._elapsed_ms % period) / 1000 if len(self.pattern.segments_ms) > 1 else 0.0

    @property
    def _elapsed_ms(self) -> int:
        return int((time.monotonic() - self._since) * 1000)


def watch(parent: int, lines: Lines, answers: int, light: LED) -> bool:
    """Show what the parent says until it ends: True if it said so. `parent` is its pidfd; one that hangs is killed.

    A pattern is shown to the end of its period, for people count blinks. `answers` is the descriptor of the pipe to it.
    """
    rhythm = Rhythm(Pattern("dark"))
    told, due = rhythm.pattern, 0.0
    deadline = time.monotonic() + SILENT_SECONDS_MAX
    while True:
        now = time.monotonic()
        if told != rhythm.pattern and now >= due:
            rhythm = Rhythm(told)
        light.value = rhythm.lit
        changes = due - now if told != rhythm.pattern else IDLE_SECONDS
        heard = lines.read(min(deadline - now, changes, rhythm.seconds_to_change()))
        if heard is None:
            logger.critical("the daemon of this room has ended without a word; a recording that ran is cut off")
            return False
        for line in heard:
            if line == END:
                return True
            pattern = Pattern("told", tuple(json.loads(line)))
            if pattern != told:
                told, due = pattern, time.monotonic() + rhythm.seconds_to_end()
            with contextlib.suppress(BrokenPipeError):  # the daemon died in the meantime, and the next look says so
                os.write(answers, b".")
        if heard:
            deadline = time.monotonic() + SILENT_SECONDS_MAX
        elif time.monotonic() >= deadline:
            logger.critical("the daemon of this room hangs, and is ended; a recording that ran is cut off")
            signal.pidfd_send_signal(parent, signal.SIGKILL)
            return False


def alarm(light: LED) -> None:
    """Blink that the recorder stopped, and what ran with it, until this process is ended."""
    rhythm = Rhythm(BLINKS[Fault.CUT_OFF])
    while True:
        light.value = rhythm.lit
        time.sleep(rhythm.seconds_to_change())


def main() -> None:
    """Guard the process that started this one."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)  # meant for the daemon, which says `end`
    parent = os.pidfd_open(os.getppid())
    setup = msgspec.json.decode(sys.argv[1], type=Setup)
    try:
        Device.pin_factory = MockFactory() if setup.pins == "mock" else header_pins()[0]
        light = LED(setup.attention_light)
    except (PanelError, GPIOZeroError) as error:
        logger.critical("the guard has no attention light: %s", error)
        sys.exit(2)
    if not watch(parent, Lines(0), 1, light) and setup.pins != "mock":  # a lamp made of software is seen by nobody
        alarm(light)
    light.close()


if __name__ == "__main__":
    main()

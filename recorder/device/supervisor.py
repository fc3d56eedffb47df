"""Who watches the daemon: the guard, a process beside it, and the service manager. Both hear from every turn of its loop.

The service manager's watchdog (sd_notify(3), sd_watchdog_enabled(3)) is fed by the same turns, so it restarts what hangs; the
guard acts where there is none, and before it. The loop turns only while it can judge: audio that does not come and a light
without a current end a recording there, in the turn that finds it.
"""

import contextlib
import json
import logging
import os
import socket
import subprocess

import msgspec

from recorder import config
from recorder.device import guard
from recorder.meeting.light import Pattern

BEAT_SECONDS = 2.0
"""Each beat wakes two processes. That the guard has died is seen sooner: its pipe ends."""
ANSWER_SECONDS_MAX = 5.0
"""With a beat unanswered for so long the guard counts as hung."""
START_SECONDS_MAX = 20.0
"""For its first answer: a small board takes seconds to load it."""
END_SECONDS_MAX = 5.0
RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Guard:
    """The guard process of this daemon, made anew whenever it is gone."""

    def __init__(self, settings: config.Panel) -> None:
        self._setup = msgspec.json.encode(guard.Setup(settings.pins, settings.attention_light)).decode()
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0.0
        self._said = 0.0
        self._unanswered: float | None = None
        """When the oldest beat was said that has no answer yet."""
        self._pattern: Pattern | None = None
        self.answers = False
        """Whether it lives, as far as is known."""

    def beat(self, pattern: Pattern, now: float) -> None:
        """Tell it what the attention light shall show, if that is new or its time has come; hear what it says. Never waits.

        A loop that was kept waiting, by a slow card say, has not asked in that time: so that silence is not the guard's.
        """
        if self._process is None:
            if now - self._made < RETRY_SECONDS and self._made:
                return
            self._make(now)
        if self._heard():
            self._unanswered, self.answers = None, True
        elif self._unanswered is not None and now - self._unanswered > (
            ANSWER_SECONDS_MAX if self.answers else START_SECONDS_MAX
        ):
            self._lose("hangs")
            return
        if pattern != self._pattern or now - self._said >= BEAT_SECONDS:
            self._pattern, self._said = pattern, now
            if self._unanswered is None:
                self._unanswered = now
            self._say(json.dumps(pattern.segments_ms).encode())

    def close(self) -> None:
        """Let it darken its light and end."""
        process, self._process = self._process, None
        if process is None:
            return
        self._say_to(process, guard.END)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]

    @property
    def pid(self) -> int | None:
        """Of the guard that runs."""
        return self._process.pid if self._process is not None else None

    def _make(self, now: float) -> None:
        self._process = subprocess.Popen([*guard.COMMAND, self._setup], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for pipe in (self._process.stdin, self._process.stdout):
            os.set_blocking(pipe.fileno(), False)  # type: ignore[union-attr]
        self._made = now
        self._pattern = self._unanswered = None

    def _say(self, line: bytes) -> None:
        if self._process is not None and not self._say_to(self._process, line):
            self._lose("has ended")

    @staticmethod
    def _say_to(process: subprocess.Popen[bytes], line: bytes) -> bool:
        try:
            os.write(process.stdin.fileno(), line + b"\n")  # type: ignore[union-attr]
        except BlockingIOError:
            return True  # it does not read: that it hangs is found by its silence
        except BrokenPipeError:
            return False
        return True

    def _heard(self) -> bool:
        if self._process is None:
            return False
        try:
            data = os.read(self._process.stdout.fileno(), 4096)  # type: ignore[union-attr]
        except BlockingIOError:
            return False
        if not data:
            self._lose("has ended")
        return bool(data)

    def _lose(self, why: str) -> None:
        logger.critical("the guard of this room %s; it is made anew", why)
        process, self._process = self._process, None
        self.answers, self._unanswered = False, None
        if process is not None:
            process.kill()
            process.wait()
            process.stdin.close()  # type: ignore[union-attr]
            process.stdout.close()  # type: ignore[union-attr]


class ServiceManager:
    """systemd, if it started this process: a datagram to the socket that it names (sd_notify(3))."""

    def __init__(self) -> None:
        address = os.environ.pop("NOTIFY_SOCKET", "")  # not for the children
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if address else None
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._fed = 0.0

    def ready(self) -> None:
        """The room does its duty."""
        self._say("READY=1")

    def feed(self, now: float) -> None:
        """Once in a second at most."""
        if now - self._fed >= 1.0:
            self._fed = now
            self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """The room is being switched off; nothing more is said."""
        self._say("STOPPING=1")
        notified, self._socket = self._socket, None
        if notified is not None:
            notified.close()

    def _say(self, state: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(state.encode(), socket.MSG_DONTWAIT, self._address)
        except OSError as error:
            logger.warning("the service manager does not listen: %s", error.strerror)

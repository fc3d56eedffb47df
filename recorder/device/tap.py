"""The tap: the daemon's hand on the capture process, the only place where audio is ever in the clear.

Shutting it is a SIGKILL: it needs no cooperation, cannot hang, may be called from any thread at any time, and takes the
audio, the data key's successor and every buffer with it. After `shut` nothing of this tap's process reaches the daemon.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import threading

import msgspec

from recorder.device.pipe import COMMAND, ENVIRONMENT, Command, Frame, Parser, Setup

PIPE_BYTES = 1_048_576
"""Room for about four minutes of sealed audio, while the daemon waits for a slow card."""
READ_BYTES = 65_536
"""At once; a larger buffer would be mapped and unmapped for every look."""
EXIT_SECONDS_MAX = 5.0


class Tap:
    """One capture process, for one meeting."""

    def __init__(self, setup: Setup, hold_key: bytearray) -> None:
        # The child inherits the environment: it tells ALSA where its configuration is.
        self._child = subprocess.Popen(
            COMMAND, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **ENVIRONMENT}
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._orders, self._output = self._child.stdin, self._child.stdout
        with contextlib.suppress(PermissionError):  # above the user's limit: the default size will do
            fcntl.fcntl(self._output, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        os.set_blocking(self._output.fileno(), False)
        try:
            self._handle: int | None = os.pidfd_open(self._child.pid)
        except OSError:
            self._child.kill()
            raise
        self._frames = Parser()
        self._lock = threading.Lock()
        self._shut = False
        self._order(msgspec.json.encode(setup) + b"\n")
        self._order(hold_key)

    def fileno(self) -> int:
        """For the daemon's selector: readable when the child said something or ended."""
        return self._output.fileno()

    def read(self) -> list[Frame] | None:
        """What the child said since last time; None once it has ended by itself. Nothing at all after `shut`.

        Whoever shuts the tap knows why, and tells the loop in a moment; until then its end must not pass for a failure.
        """
        try:
            data = os.read(self._output.fileno(), READ_BYTES)
        except BlockingIOError:
            return []
        with self._lock:
            if self._shut:
                return []
            return self._frames.feed(data) if data else None

    def open(self) -> None:
        """Let the child open the microphone's stream."""
        self._order(Command.OPEN.encode() + b"\n")

    def finish(self) -> None:
        """Let the child close the stream, seal what it has, and exit."""
        self._order(Command.STOP.encode() + b"\n")

    def shut(self) -> None:
        """End the capture now. From any thread; harmless when it has ended."""
        with self._lock:
            self._shut = True
            # Not Popen.kill, which asks first whether it has ended: other threads may run meanwhile, before this one.
            if self._handle is not None:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def wait(self) -> int | None:
        """The exit code of a child that has closed its output; None if it does not end."""
        try:
            return self._child.wait(EXIT_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> bool:
        """Shut, wait until the process is gone, and give the pipes back. False if it hangs in the kernel.

        Then it does not run any more, so it hears nothing; but a driver keeps it, and with it perhaps the microphone.
        """
        self.shut()
        with contextlib.suppress(BrokenPipeError):
            self._orders.close()
        self._output.close()
        gone = self.wait() is not None
        with self._lock:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None
        return gone

    def _order(self, words: bytes | bytearray) -> None:
        # A child that has ended is told nothing; its end arrives through read().
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._orders.write(words)  # no buffer, which would keep a copy of the key; and all fits in the pipe

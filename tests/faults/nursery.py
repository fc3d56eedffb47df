"""Processes that are there at once: forked from one that has imported what they need, and has done nothing else.

    python -m tests.faults.nursery MODULE

A line on its standard input is an order, JSON: the arguments for `MODULE.main`, and the file that its output goes to. The
answer is a line with the number of the process. What is born so is a process like any other: it can be killed, stopped, and end
by itself; only the second that Python takes to import a database is saved, and with it a thousand runs are an hour.
"""

import contextlib
import ctypes
import importlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recorder.trial import children

_PR_SET_PDEATHSIG = 1


class Child:
    """A process that a nursery has borne."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._handle: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._handle = None  # it has ended by now

    def poll(self) -> int | None:
        """None while it runs; how it ended nobody knows."""
        if self._handle is None:
            return 0
        readable, _, _ = select.select([self._handle], [], [], 0)
        return 0 if readable else None

    def kill(self) -> None:
        """Harmless when it has ended."""
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def __del__(self) -> None:
        if self._handle is not None:
            os.close(self._handle)


class Nursery:
    """For processes that run `module.main`, with this besides in their environment."""

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self._process = children.start(
            [sys.executable, "-m", __name__, module],
            input_=subprocess.PIPE,
            output=subprocess.PIPE,
            errors=sys.stderr.fileno(),
            environment=environment,
        )
        assert self._answer() == "ready\n"

    def bear(self, arguments: Sequence[str], output: Path) -> Child:
        """A new process; what it prints is added to `output`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([list(arguments), str(output)]).encode() + b"\n")
        self._process.stdin.flush()
        return Child(int(self._answer()))

    def close(self) -> None:
        """With all that it has borne."""
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode()


def end_with_parent() -> None:
    """The kernel ends this process with the one that made it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)


def _serve(module: str) -> None:
    main: Any = importlib.import_module(module).main  # type: ignore[attr-defined]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    print("ready", flush=True)
    for line in iter(sys.stdin.buffer.raw.readline, b""):  # unbuffered: nothing of it may be born twice
        arguments, output = json.loads(line)
        pid = os.fork()
        if not pid:
            _live(main, arguments, output)
        print(pid, flush=True)


def _live(main: Any, arguments: list[str], output: str) -> None:
    status = 1
    try:
        end_with_parent()
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for handle, to in ((nothing, 0), (file, 1), (file, 2)):
            os.dup2(handle, to)
        random.seed()
        main(arguments)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - told, where its output goes
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(sys.argv[1])

"""A real intake of the archive, as a process of its own."""

import contextlib
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from recorder.errors import TrialError
from recorder.trial import children

STOP_SECONDS_MAX = 20.0


def archive_command(config: Path, *arguments: str) -> list[str]:
    """`recorder archive` with these settings."""
    return [sys.executable, "-m", "recorder", "archive", "--config", str(config), *arguments]


class IntakeProcess:
    """Starts the intake, and is there when it listens. A context manager, which ends it in order."""

    def __init__(self, config: Path, log: Path) -> None:
        with log.open("ab") as errors:
            self.process = children.start(archive_command(config), output=subprocess.PIPE, errors=errors)
        assert self.process.stdout is not None
        with self.process.stdout as said, contextlib.ExitStack() as stack:
            stack.callback(self.stop, kill=True)  # at Control-C, too: nobody else knows of it yet
            if said.readline() != b"ready\n":
                raise TrialError(f"the archive did not start: {log.read_text(errors='replace')[-500:]}")
            stack.pop_all()

    def stop(self, *, kill: bool = False) -> None:
        """End it in order, or as a crash would."""
        (self.process.kill if kill else self.process.terminate)()
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:  # it hangs, and the meeting is told all the same
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

"""A real room process with mock pins: its buttons are pressed over its standard input, its report is read back."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from recorder.cli import EXIT_BAD_INPUT
from recorder.errors import TrialError
from recorder.trial import children
from recorder.wire.status import Happening, Line, Report

STOP_SECONDS_MAX = 20.0
KEYLESS_STATES = ("idle", "refused", "fault")
"""In which the hold has no key: of every meeting it was released or erased."""


class RoomProcess:
    """Starts the room; `report` is the latest one, `happenings` all so far."""

    def __init__(self, config: Path, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self.process = children.start(
                [sys.executable, "-m", "recorder", "room", "--config", str(config), "--report"],
                input_=subprocess.PIPE,
                output=subprocess.PIPE,
                errors=errors,
                environment=environment,
            )
        self.report: Report | None = None
        self.happenings: list[Happening] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def press(self, button: str) -> None:
        """Press, as a person would: `start`, `stop` (the same button), `mark`, `refuse`, `end` or `lift`."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(button.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise TrialError(self.how_it_ended()) from error

    def wait_for(self, what: str, seen: Callable[["RoomProcess"], bool], seconds_max: float) -> None:
        """Return once `seen(self)`; a TrialError that says `what` was waited for if the room ends or time is up."""
        deadline = time.monotonic() + seconds_max
        with self._changed:
            while not seen(self):
                left = deadline - time.monotonic()
                code = self.process.poll()
                if code is not None:
                    ended = self.how_it_ended()
                    raise TrialError(ended if code == EXIT_BAD_INPUT else f"no {what}: {ended}")
                if left <= 0:
                    raise TrialError(f"after {seconds_max:.0f} s still no {what}; {self._where()}")
                self._changed.wait(min(left, 0.25))

    def happened(self, name: str, recording: str | None = None) -> list[Happening]:
        """Those of that name, of that recording if one is given."""
        return [h for h in self.happenings if h.name == name and recording in (None, h.recording)]

    @property
    def state(self) -> str:
        """By its happenings, not by its report, which may be older than the last press; empty before the first."""
        states = self.happened("state")
        return states[-1].detail if states else ""

    def _where(self) -> str:
        if self.report is None:
            return "the room has not said a word yet"
        status = self.report.status
        return f"the room is in the state '{status.state}'. {status.fault or self.report.alarm}".strip()

    def how_it_ended(self) -> str:
        """For whoever tries it: why the room is no more, where its log is, and what is safe."""
        code = self.process.wait()
        if code == EXIT_BAD_INPUT:  # its last line says what is wrong, for its user
            said = self._log.read_text(errors="replace").strip().splitlines() or ["the room did not start"]
            return said[-1].removeprefix("recorder room: ")
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"the room {how}; its log is {self._log}. {self.safe()}"

    def safe(self) -> str:
        """What is left when a trial breaks off: its hold goes with its machines, and with it the key of a meeting."""
        if not self.happened("begun"):
            return "No meeting had begun."
        begun, refused, purged = ({h.recording for h in self.happened(each)} for each in ("begun", "refused", "purged"))
        told = []
        if begun - refused:
            sealed, receipted = (
                sum(h.recording not in refused for h in self.happened(each)) for each in ("sealed", "receipted")
            )
            told.append(
                f"Of {sealed} blocks sealed the archive has signed for {receipted}; what it has not is in the room's spool."
            )
        if refused & purged:
            told.append("What was refused is erased, here and at the archive.")
        if refused - purged:
            told.append(
                "What was refused is erased here. The archive has not confirmed it yet: the order to erase waits in the room's "
                "spool until the archive can be reached; what is there nobody can open."
            )
        if self.state not in KEYLESS_STATES:
            told.append(
                "The meeting that was in progress can no longer be opened: its key was in memory alone, and is gone."
            )
        return " ".join(told)

    def stop(self) -> int:
        """Ask it to end, as systemd would; its exit code."""
        self.process.terminate()
        code = self.process.wait(STOP_SECONDS_MAX)
        self._reader.join(STOP_SECONDS_MAX)
        self._close()
        return code

    def kill(self) -> None:
        """SIGKILL, as a power cut would look to everything else."""
        self.process.kill()
        self.process.wait()
        self._reader.join(STOP_SECONDS_MAX)
        self._close()

    def _close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        decoder = msgspec.json.Decoder(Line)
        for raw in self.process.stdout:
            line = decoder.decode(raw)
            with self._changed:
                if isinstance(line, Report):
                    self.report = line
                else:
                    self.happenings.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

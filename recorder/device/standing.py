"""What stands until somebody in the room answers it, and survives a restart: a no, and the loss of a meeting."""

from pathlib import Path
from typing import Literal

import msgspec

from recorder.device import durable
from recorder.errors import SpoolError


class _Standing:
    """A file that is there while it stands."""

    what: str

    def __init__(self, file: Path) -> None:
        self._file = file

    def __bool__(self) -> bool:
        return self._file.exists()

    def say(self) -> None:
        """Durable when this returns. SpoolError if the card fails."""
        self._write(b"")

    def _write(self, data: bytes) -> None:
        try:
            durable.write(self._file, data)
        except OSError as error:
            raise SpoolError(f"{self._file}: {self.what} cannot be kept: {error.strerror}") from error

    def lift(self) -> None:
        """As if it had not been said. SpoolError if the card fails."""
        try:
            self._file.unlink(missing_ok=True)
            durable.sync_folder(self._file.parent)
        except OSError as error:
            raise SpoolError(f"{self._file}: {self.what} cannot be lifted: {error.strerror}") from error


class StandingNo(_Standing):
    """While it stands, start is dead; only the client lifts it."""

    what = "a no"


class StandingLoss(_Standing):
    """While it stands, the room tells that a meeting is lost. Whoever starts the next one has seen it."""

    what = "the loss of a meeting"


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a no that stood: the client lifted it, or its meeting must have been over."""

    name: Literal["lifted", "lapsed"]
    wall_ms: int


class EndedNo(_Standing):
    """While it stands, no recording has told how the last no ended: who takes a no back for the client leaves a trace."""

    what = "the end of a no"

    def note(self, end: End) -> None:
        """Durable when this returns. SpoolError if the card fails."""
        self._write(msgspec.json.encode(end))

    @property
    def end(self) -> End | None:
        """What is to be told. What the card has damaged is not."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=End)
        except (OSError, msgspec.MsgspecError):
            return None

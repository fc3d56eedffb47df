"""A no that stands: it survives a restart, and only the client lifts it."""

from pathlib import Path

from recorder.device import durable
from recorder.errors import SpoolError


class StandingNo:
    """A file that is there while start is dead."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __bool__(self) -> bool:
        return self._file.exists()

    def say(self) -> None:
        """Durable when this returns. SpoolError if the card fails."""
        try:
            durable.write(self._file, b"")
        except OSError as error:
            raise SpoolError(f"{self._file}: a no cannot be kept: {error.strerror}") from error

    def lift(self) -> None:
        """As if it had not been said. SpoolError if the card fails."""
        try:
            self._file.unlink(missing_ok=True)
            durable.sync_folder(self._file.parent)
        except OSError as error:
            raise SpoolError(f"{self._file}: a no cannot be lifted: {error.strerror}") from error

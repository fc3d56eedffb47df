"""The window: the room's reports for whoever looks at them on this machine. Nothing goes in by it.

A UNIX socket. Who connects gets each report as a line of JSON (`wire/status.py`), and is dropped when they do not read: a
screen that hangs must not hold up a room. Nothing is ever read from them.
"""

import contextlib
import socket
from pathlib import Path

from recorder.errors import PanelError

WATCHERS_MAX = 4


class Window:
    """Listens at `path`. Raises PanelError if it cannot."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._watchers: list[socket.socket] = []
        try:
            path.unlink(missing_ok=True)  # of a room that ended without a word
            self._socket.bind(str(path))
            path.chmod(0o660)
            self._socket.listen(WATCHERS_MAX)
        except OSError as error:
            self._socket.close()
            raise PanelError(f"{path}: the window of this room cannot be opened there: {error}") from error

    def fileno(self) -> int:
        """For the daemon's selector: readable when somebody comes."""
        return self._socket.fileno()

    @property
    def watched(self) -> bool:
        """Whether anybody looks."""
        return bool(self._watchers)

    def let_in(self) -> None:
        """Whoever waits; more than WATCHERS_MAX see nothing."""
        with contextlib.suppress(BlockingIOError):
            watcher, _ = self._socket.accept()
            if len(self._watchers) >= WATCHERS_MAX:
                watcher.close()
                return
            watcher.setblocking(False)
            watcher.shutdown(socket.SHUT_RD)  # what they write is lost, and they are told
            self._watchers.append(watcher)

    def show(self, line: bytes) -> None:
        """One report to all who look."""
        for watcher in list(self._watchers):
            try:
                whole = watcher.send(line + b"\n") == len(line) + 1
            except OSError:
                whole = False
            if not whole:
                watcher.close()
                self._watchers.remove(watcher)

    def close(self) -> None:
        """Shut it."""
        for each in (*self._watchers, self._socket):
            each.close()
        self._watchers.clear()
        self._path.unlink(missing_ok=True)

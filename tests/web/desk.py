"""The pages and the reading room as processes of their own, as an operator would run them."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from recorder.keyfiles import save_recipient
from tests.rooms import RECIPIENT
from tests.web.archive import Archive

SECONDS_MAX = 30.0
"""Deadline for anything that is waited for."""
PASSPHRASE = b"six words or more are enough"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Desk:
    """Both processes of an archive. `url` is where the pages are."""

    def __init__(self, archive: Archive, settings: str = "") -> None:
        self.archive = archive
        self.folder = archive.folder.parent
        self.url = f"http://localhost:{(port := free_port())}"
        with archive.config_file.open("a") as config:
            config.write(f'[web]\nurl = "{self.url}"\nbind = "127.0.0.1:{port}"\n{settings}')
        save_recipient(self.folder / "reader.key", RECIPIENT, PASSPHRASE)
        (self.folder / "passphrase").write_bytes(PASSPHRASE)
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def start(self) -> None:
        """Both, of an organisation that has decided what it must; returns when they serve."""
        decide = [sys.executable, "-m", "tests.web.deciding", str(self.archive.config_file)]
        subprocess.run(decide, check=True, timeout=SECONDS_MAX)
        self.start_one("web")
        self.start_one(
            "read", "--key", str(self.folder / "reader.key"), "--passphrase-file", str(self.folder / "passphrase")
        )

    def start_one(self, action: str, *args: str) -> None:
        with self.log_file.open("a") as log:
            process = subprocess.Popen(
                self._command(action, *args), stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", self.log_file.read_text()
        self._processes[action] = process

    def end_one(self, action: str) -> None:
        process = self._processes.pop(action)
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=SECONDS_MAX)

    def account(self, email: str, name: str, roles: Sequence[str], rooms: Sequence[str] = ()) -> str:
        """Make an account; returns the link by which its password is set."""
        args = [part for role in roles for part in ("--role", role)] + [
            part for room in rooms for part in ("--room", room)
        ]
        command = self._command("account", email, name, *args)
        out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS_MAX).stdout
        found = re.search(r"http\S+", out)
        assert found, out
        return found[0]

    @property
    def log_file(self) -> Path:
        return self.folder / "desk.log"

    def close(self) -> None:
        for action in list(self._processes):
            self.end_one(action)

    def _command(self, action: str, *args: str) -> list[str]:
        return [sys.executable, "-m", "recorder", "archive", "--config", str(self.archive.config_file), action, *args]

"""The pages and the reading room as processes of their own, as an operator would run them."""

import http.client
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import msgspec

from recorder.archive.access import Role
from recorder.keyfiles import save_recipient
from tests.rooms import RECIPIENT
from tests.web.archive import Archive
from tests.web.registrar import Visitor, Wanted

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
        self._registrar: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Both, of an organisation that has decided what it must; returns when they serve."""
        self.decide()
        self.start_one("web")
        self.start_reading()

    def decide(self) -> None:
        """What an organisation must, before anybody is given a recording."""
        command = [sys.executable, "-m", "tests.web.deciding", str(self.archive.config_file)]
        subprocess.run(command, check=True, timeout=SECONDS_MAX)

    def start_reading(self) -> None:
        """The reading room."""
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

    def workers(self, action: str) -> list[int]:
        """The processes that answer for this one."""
        pid = self._processes[action].pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def end_one(self, action: str) -> None:
        process = self._processes.pop(action)
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=SECONDS_MAX)

    def account(self, email: str, name: str, roles: Sequence[Role], rooms: Sequence[str] = ()) -> str:
        """Make an account; returns the link by which its password is set."""
        return self._made(Wanted(name, email, [each.value for each in roles], list(rooms), invited=True)).link

    def visitor(
        self, *roles: Role, rooms: Sequence[str] = (), name: str = "Anouk de Boer", confirmed: bool = True
    ) -> Visitor:
        """Somebody new with these roles, who has signed in already. Their name need not be theirs alone."""
        email = f"{secrets.token_hex(6)}@gemeente.example"
        wanted = Wanted(name, email, [each.value for each in roles], list(rooms), invited=False, confirmed=confirmed)
        return self._made(wanted)

    def _made(self, wanted: Wanted) -> Visitor:
        if self._registrar is None:
            command = [sys.executable, "-m", "tests.web.registrar", str(self.archive.config_file)]
            with self.log_file.open("a") as log:
                self._registrar = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
                )
        assert self._registrar.stdin is not None
        assert self._registrar.stdout is not None
        self._registrar.stdin.write(msgspec.json.encode(wanted).decode() + "\n")
        self._registrar.stdin.flush()
        made = self._registrar.stdout.readline()
        assert made, self.log_file.read_text()
        return msgspec.json.decode(made, type=Visitor)

    @property
    def log_file(self) -> Path:
        return self.folder / "desk.log"

    def close(self) -> None:
        for process in self._processes.values():
            os.killpg(process.pid, signal.SIGTERM)  # so that they do not end one behind the other
        for process in self._processes.values():
            process.communicate(timeout=SECONDS_MAX)
        self._processes.clear()
        if self._registrar is not None:
            self._registrar.communicate(timeout=SECONDS_MAX)  # it ends with its input

    def _command(self, action: str, *args: str) -> list[str]:
        return [sys.executable, "-m", "recorder", "archive", "--config", str(self.archive.config_file), action, *args]


class Visit:
    """Requests to a Desk's pages, of somebody who has signed in: for what needs no browser."""

    def __init__(self, desk: Desk, visitor: Visitor) -> None:
        self._desk = desk
        self._cookies = {"session": visitor.session}
        self.headers: dict[str, str] = {}
        """Sent with each request."""

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> "Answer":
        return self._ask("GET", path, None, headers or {})

    def post(self, path: str, **fields: str) -> "Answer":
        """Fill in the form at this address, and send it."""
        return self.send(path, csrfmiddlewaretoken=self.token(path), **fields)

    def token(self, path: str) -> str:
        """What the form at this address has to be sent with."""
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path).text)
        assert found, f"there is no form at {path}"
        return found[1]

    def send(self, path: str, **fields: str) -> "Answer":
        return self._ask("POST", path, urlencode(fields), {})

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> "Answer":
        where = urlsplit(self._desk.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=SECONDS_MAX)
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        sent |= {**self.headers, **headers}
        if body is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        for each in response.headers.get_all("Set-Cookie", []):
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(each).items()}
        answer = Answer(response.status, dict(response.getheaders()), response.read())
        connection.close()
        return answer


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

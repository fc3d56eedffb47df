"""The pages ask the reading room, over its socket in the file system."""

import http
import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from recorder.archive.web.archive import reading_room

TIMEOUT_SECONDS = 30.0


class Away(Exception):
    """The reading room does not answer: `recorder archive read` does not run, may not be reached, or fails (see its log)."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_SECONDS)
        self.sock.connect(str(reading_room()))


def ask(method: str, permit: UUID, what: str, headers: dict[str, str] | None = None) -> Answer:
    """What the room answers; Away if it does not."""
    connection = _Connection("reading-room")
    try:
        connection.request(method, f"/permits/{permit}/{what}", headers=headers or {})
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read())
    except (OSError, http.client.HTTPException) as error:
        raise Away from error
    finally:
        connection.close()
    if answer.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Away(f"it answered {answer.status}")
    return answer

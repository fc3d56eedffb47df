"""The pages ask the reading room, over its socket in the file system."""

import http
import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from recorder.archive.web.archive import reading_room

TIMEOUT_SECONDS = 30.0
PIECE_BYTES = 65_536


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


def ask(method: str, address: str, headers: dict[str, str] | None = None) -> Answer:
    """What the room answers; Away if it does not."""
    connection = _Connection("reading-room")
    try:
        connection.request(method, address, headers=headers or {})
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read())
    except (OSError, http.client.HTTPException) as error:
        raise Away from error
    finally:
        connection.close()
    if answer.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Away(f"it answered {answer.status}")
    return answer


def copy(permit: UUID) -> tuple[Answer, Iterator[bytes]]:
    """The copy that may be made by this permit, in pieces as the room makes it; or what it says instead. Away if it does not.

    Who reads the pieces gets an http.client.HTTPException if the room could not finish it.
    """
    connection = _Connection("reading-room")
    try:
        connection.request("GET", f"/copies/{permit}")
        response = connection.getresponse()
        head = Answer(response.status, dict(response.getheaders()), b"" if response.status == 200 else response.read())
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise Away from error
    return head, _pieces(connection, response)


def _pieces(connection: _Connection, response: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while piece := response.read(PIECE_BYTES):
            yield piece
    finally:
        connection.close()

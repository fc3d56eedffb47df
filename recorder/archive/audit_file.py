"""The audit trail in a file, so that anybody can check it: JSON Lines (UTF-8), the place that the first line follows in front.

    {"archive": NAME, "before": {"number": …, "hash": …}, "form": "wederhoor/1 audit"}
    {"number": …, "text": …, "hash": …, "details": …, "salt": …}

`text` and `details` are the very characters that were hashed; hashes and salts are hexadecimal. `number` is for who reads
along: what counts stands in the text. A checkpoint is published as one word, which fits a QR code and a line of a web page.
"""

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from recorder.archive.audit import Line, Place
from recorder.canonical import Hex16, Hex32, Natural
from recorder.errors import AuditError

LINE_BYTES_MAX = 262_144
CHECKPOINT_CHARACTERS_MAX = 2_000
_PREFIX = "wederhoor-audit:"

Form = Literal["wederhoor/1 audit"]
_T = TypeVar("_T", bound=msgspec.Struct)


class Before(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: Natural
    hash: Hex32


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of a file."""

    archive: Annotated[str, Meta(max_length=64)]
    before: Before
    form: Form = "wederhoor/1 audit"


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every other line."""

    number: Natural
    text: str
    hash: Hex32
    details: str | None
    salt: Hex16 | None


def write(archive: str, before: Place, lines: Iterable[tuple[int, Line]]) -> Iterator[bytes]:
    """The lines of the file; each of `lines` with its number."""
    yield _json(Head(archive, Before(before.number, before.hash.hex())))
    for number, line in lines:
        details = None if line.details is None else line.details.decode()
        salt = None if line.salt is None else line.salt.hex()
        yield _json(Told(number, line.text.decode("ascii"), line.hash.hex(), details, salt))


def read(file: Iterable[bytes]) -> tuple[Place, Iterator[Line]]:
    """What the first line follows, and the lines. AuditError for what is no such file; for damage when it is reached."""
    rest = iter(file)
    head = _parse(next(rest, b""), Head, 1)
    return Place(head.before.number, bytes.fromhex(head.before.hash)), _lines(rest)


def publish(checkpoint: bytes) -> str:
    """A signed checkpoint as one word."""
    return _PREFIX + urlsafe_b64encode(checkpoint).decode()


def published(word: str) -> bytes:
    """The signed checkpoint in what `publish` made; AuditError if it is none."""
    word = "".join(word.split())
    if not word.startswith(_PREFIX) or len(word) > CHECKPOINT_CHARACTERS_MAX:
        raise AuditError(f"this is no checkpoint: one begins with {_PREFIX}")
    try:
        return b64decode(word.removeprefix(_PREFIX), altchars=b"-_", validate=True)
    except (Base64Error, ValueError) as error:
        raise AuditError("the checkpoint is torn, or was typed wrong") from error


def _lines(file: Iterator[bytes]) -> Iterator[Line]:
    for at, raw in enumerate(file, start=2):
        told = _parse(raw, Told, at)
        details = None if told.details is None else told.details.encode()
        salt = None if told.salt is None else bytes.fromhex(told.salt)
        yield Line(told.text.encode(), bytes.fromhex(told.hash), details, salt)


def _json(value: msgspec.Struct) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _parse(raw: bytes, kind: type[_T], at: int) -> _T:
    if len(raw) > LINE_BYTES_MAX:
        raise AuditError(f"line {at} of the file is too long for one of an audit trail")
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise AuditError(f"line {at} of the file is not one of an audit trail: {error}") from error

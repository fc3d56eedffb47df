"""Writing a line, in the transaction of the act that it tells of: either both are there, or neither."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

import msgspec
from django.db import transaction

from recorder.archive import audit
from recorder.archive.audit import BEGINNING, SALT_BYTES, Entry, Place
from recorder.archive.listing import device_of
from recorder.archive.web.archive import archive
from recorder.archive.web.clock import now_ms
from recorder.archive.web.trail.models import Head, Line

Result = Literal["done", "refused", "failed"]
_HEAD = 1


@contextmanager
def acting() -> Iterator[None]:
    """The transaction of an act and of its line, in which all acts lock in one order, so that no two wait for each other.

    1. An account, what is only its own, and all of who keeps accounts (`people.keeping`): without their keys, so that others
       may write down meanwhile that these people acted. Who has none of this in hand begins with the next.
    2. The end of the trail: here. So acts come one after the other, and the nightly run decides between two of them.
    3. Everything else, in any order.

    The tests within one process are watched for the second half of it (`tests/web/ordered.py`).
    """
    with transaction.atomic():
        lock()
        yield


def lock() -> Head:
    """Where the chain ends. Until the end of this transaction nobody else writes a line, and so nobody does what needs one."""
    head, _ = Head.objects.select_for_update().get_or_create(
        id=_HEAD, defaults={"number": BEGINNING.number, "hash": BEGINNING.hash}
    )
    return head


def write(
    *,
    person: str,
    role: str,
    action: str,
    result: Result = "done",
    purpose: str | None = None,
    recording: str | None = None,
    details: Mapping[str, str] | None = None,
) -> int:
    """One line more; its number. `details` are what may be forgotten: words of people, the number of a case."""
    device = None if recording is None else device_of(archive().catalogue, recording)
    with transaction.atomic():
        head = lock()
        salt = secrets.token_bytes(SALT_BYTES) if details else None
        told = msgspec.json.encode(dict(details), order="sorted") if details else None
        hashed = audit.hash_details(told, salt).hex() if told and salt else None
        entry = Entry(head.number + 1, now_ms(), person, role, action, purpose, recording, device, result, hashed)
        line = audit.write(Place(head.number, bytes(head.hash)), entry, told, salt)
        Line.objects.create(
            number=entry.number,
            text=line.text,
            hash=line.hash,
            details=line.details,
            salt=line.salt,
            wall_ms=entry.wall_ms,
            person=person,
            action=action,
            recording=recording,
            device=device,
            result=result,
        )
    return entry.number


def write_nothing() -> None:
    """What a line takes, and no line: so that time does not tell whether there is something to be written."""
    with transaction.atomic():
        lock().save()

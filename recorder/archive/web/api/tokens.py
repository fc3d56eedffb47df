"""Making a token, and knowing it again."""

import secrets
from collections.abc import Collection
from hashlib import sha256

from django.db.models import QuerySet

from recorder.archive.access import TABLE, Action, Purpose, Role
from recorder.archive.retention import HOUR_MS
from recorder.archive.web.api.models import Token
from recorder.archive.web.clock import now_ms
from recorder.archive.web.people.models import Person
from recorder.wire.consent import DAY_MS

PREFIX = "wederhoor_"
"""So that who finds one in a file, a person or a program that looks for secrets, knows what it is."""
TOKEN_BYTES = 32
DAYS_MAX = 365
ACTIONS = tuple(TABLE[Role.CASE_SYSTEM])
"""What a program can be given."""


def make(person: Person, name: str, actions: Collection[Action], purposes: Collection[Purpose], days: int) -> str:
    """A new token: whoever makes it sees it once, and a second person confirms it before it is good for anything.

    `days` is how long it is good for, DAYS_MAX at most.
    """
    assert set(actions) <= set(ACTIONS)
    assert 1 <= days <= DAYS_MAX
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    now = now_ms()
    Token.objects.create(
        name=name,
        hash=_hash(token),
        actions=sorted(actions),
        purposes=sorted(purposes),
        made_by=person,
        made_ms=now,
        until_ms=now + days * DAY_MS,
    )
    return token


def to_confirm() -> QuerySet[Token]:
    """Those that a second person must confirm, the oldest first."""
    return Token.objects.filter(confirmed_ms=None, revoked_ms=None, until_ms__gt=now_ms()).order_by("made_ms")


def known(token: str) -> Token | None:
    """What this token may, if it is one and not over; whether somebody has confirmed it, the token tells."""
    found = Token.objects.filter(hash=_hash(token), revoked_ms=None, until_ms__gt=now_ms()).first()
    if found is not None and found.confirmed_ms is not None and (found.used_ms or 0) < now_ms() - HOUR_MS:
        Token.objects.filter(pk=found.pk).update(used_ms=now_ms())
    return found


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()

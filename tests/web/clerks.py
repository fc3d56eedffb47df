"""One of several processes that act at once: `python -m tests.web.clerks CONFIG ACT RECORDING NUMBER`.

It says "ready", waits for a line, acts, and says what came of it.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder.archive.web.serving import set_up
from recorder.wire.consent import DAY_MS


def main(config_file: str, act: str, recording: str, number: str) -> None:
    set_up(Path(config_file))
    acting = _prepared(act, recording, number)
    print("ready", flush=True)
    sys.stdin.readline()
    print(acting(), flush=True)


def _prepared(act: str, recording: str, number: str) -> Callable[[], str]:
    from recorder.archive.access import Role
    from recorder.archive.web.people.keeping import confirm
    from recorder.archive.web.people.models import Person
    from recorder.archive.web.rights.kinds import Kind
    from recorder.archive.web.rights.models import Request

    def person() -> Person:
        made = Person.objects.make(f"{act}-{number}@gemeente.example", "Somebody", [Role.RIGHTS_DESK])
        confirm(made)
        return made

    match act:
        case "open":
            return lambda: _open(recording, Kind.RESTRICTION, None)
        case "open_erasure":
            entering = person()
            return lambda: _open(recording, Kind.ERASURE, entering, days_ago=2)
        case "open_or_go":
            return (lambda: _go(recording)) if number == "0" else lambda: _asking(recording, Kind.ACCESS)
        case "decide" | "confirm":
            asked, deciding = Request.objects.get(recording=recording), person()
            return lambda: _decide(act, deciding, asked)
    raise ValueError(act)


def _open(recording, kind, person, days_ago=0) -> str:  # type: ignore[no-untyped-def] # modules that need Django
    from recorder.archive.web.clock import now_ms
    from recorder.archive.web.holds.holding import BeingDeleted
    from recorder.archive.web.rights.opening import open_request

    try:
        return str(open_request(recording, kind, "", person=person, came_ms=now_ms() - days_ago * DAY_MS).pk)
    except BeingDeleted:
        return "being deleted"


def _asking(recording, kind) -> str:  # type: ignore[no-untyped-def]
    """Says so when it comes to the lock that the nightly run decides in."""
    from recorder.archive.web.trail import writing

    lock = writing.lock

    def asking():  # type: ignore[no-untyped-def]
        writing.lock = lock
        print("asks", flush=True)
        return lock()

    writing.lock = asking
    return _open(recording, kind, None)


def _decide(act, person, asked) -> str:  # type: ignore[no-untyped-def]
    from recorder.archive.access import Role
    from recorder.archive.web.rights.deciding import TooLate, confirm, decide
    from recorder.archive.web.rights.kinds import State

    try:
        if act == "confirm":
            confirm(person, Role.RIGHTS_DESK, asked, asked.proposed_ms)
            return "confirmed"
        decide(person, Role.RIGHTS_DESK, asked, State.GRANTED, "Ja.")
    except TooLate:
        return "too late"
    return "decided"


def _go(recording: str) -> str:
    """What the nightly run decides of it; it says so before that is in the database, which waits for a line."""
    from django.db import transaction

    from recorder.archive.deletion import Deleter
    from recorder.archive.deletions import Deletions
    from recorder.archive.web.archive import archive
    from recorder.archive.web.clock import now_ms
    from recorder.archive.web.holds.nightly import Nightly
    from recorder.archive.web.trail import writing

    key, (catalogue, store) = Ed25519PrivateKey.generate(), archive()
    deletions = Deletions(Path(sys.argv[1]).with_name("deletions"))
    night = Nightly("archive", key, catalogue, Deleter("archive", key, store, catalogue, deletions, now_ms), deletions)
    with transaction.atomic():
        writing.lock()
        decided = night._decide(recording)
        print("decides", flush=True)
        sys.stdin.readline()
    return "stays" if decided is None else "goes"


if __name__ == "__main__":
    main(*sys.argv[1:5])

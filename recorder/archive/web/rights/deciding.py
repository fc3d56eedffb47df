"""What becomes of a request: decided, extended, or taken back. Each in one transaction, with its line of the audit trail.

The views ask for permission first.
"""

from django.db import transaction

from recorder.archive.access import Action, Role
from recorder.archive.web.access import note
from recorder.archive.web.clock import now_ms
from recorder.archive.web.meetings.models import Statement
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.deadline import EXTENDED_MONTHS, due_ms
from recorder.archive.web.rights.kinds import Kind, State, What
from recorder.archive.web.rights.models import Event, Request, Restriction

RESTRICTS = frozenset({Kind.RESTRICTION, Kind.OBJECTION})
"""What, once granted, leaves the recording to the rights desk alone."""
_LINES = {Kind.ERASURE: Action.ERASE, Kind.RESTRICTION: Action.RESTRICT, Kind.OBJECTION: Action.RESTRICT}
"""What is done besides by granting."""


class TooLate(Exception):
    """Somebody else was faster: the request is not what it was when this person saw it."""


def decide(person: Person, role: Role, request: Request, outcome: State, words: str, statement: str = "") -> None:
    """Granted or refused, with what follows from it. TooLate if it does not wait any more."""
    with transaction.atomic():
        held = _waiting(request)
        held.state, held.decision = outcome.value, words
        held.decided_by, held.decided_ms = person, now_ms()
        held.save()
        _happened(held, What(outcome.value), person)
        kind, details = Kind(held.kind), {"kind": held.kind, "outcome": outcome.value, "words": words}
        note(person, role, Action.DECIDE_REQUEST, recording=held.recording, details=details)
        if outcome is State.GRANTED:
            _carry_out(person, role, held, kind, statement)


def extend(person: Person, role: Role, request: Request, words: str) -> None:
    """Two months more (AVG, article 12, paragraph 3), once. TooLate if `may_extend` says no by now."""
    with transaction.atomic():
        held = _waiting(request)
        if not may_extend(held):
            raise TooLate
        held.state, held.due_ms = State.EXTENDED.value, due_ms(held.came_ms, EXTENDED_MONTHS)
        held.save()
        _happened(held, What.EXTENDED, person, words)
        details = {"kind": held.kind, "outcome": "extended", "words": words}
        note(person, role, Action.DECIDE_REQUEST, recording=held.recording, details=details)


def may_extend(request: Request) -> bool:
    """Once, and only as long as the client can still be told in time: within the first month."""
    return request.state == State.OPEN and now_ms() <= request.due_ms


def withdraw(person: Person, role: Role, request: Request, words: str) -> None:
    """The client takes it back: what waits, and an erasure for as long as there is something to be erased. Else TooLate."""
    with transaction.atomic():
        held = Request.objects.select_for_update().get(pk=request.pk)
        if not may_withdraw(held):
            raise TooLate
        held.state, held.decided_by, held.decided_ms = State.WITHDRAWN.value, person, now_ms()
        held.save()
        _happened(held, What.WITHDRAWN, person, words)
        details = {"kind": held.kind, "outcome": "withdrawn", "words": words}
        note(person, role, Action.DECIDE_REQUEST, recording=held.recording, details=details)


def may_withdraw(request: Request) -> bool:
    """Whether taking it back still changes something, if the recording is there."""
    return request.waiting or (request.kind == Kind.ERASURE and request.state == State.GRANTED)


def lift(person: Person, role: Role, restriction: Restriction, words: str) -> None:
    """Everybody whose work it is may use the recording again. TooLate if that is so already."""
    with transaction.atomic():
        held = Restriction.objects.select_for_update().get(pk=restriction.pk)
        if held.lifted_ms is not None:
            raise TooLate
        held.lifted_by, held.lifted_ms, held.lifted_words = person, now_ms(), words
        held.save()
        details = {"outcome": "lifted", "words": words}
        note(person, role, Action.RESTRICT, recording=held.recording, details=details)


def _waiting(request: Request) -> Request:
    held = Request.objects.select_for_update().get(pk=request.pk)
    if not held.waiting:
        raise TooLate
    return held


def _carry_out(person: Person, role: Role, request: Request, kind: Kind, statement: str) -> None:
    at_ms = now_ms()
    if kind is Kind.RECTIFICATION:
        Statement.objects.create(
            recording=request.recording, text=statement, of_client=True, person=person, at_ms=at_ms
        )
        note(person, role, Action.ATTACH, recording=request.recording)
    if kind in RESTRICTS:
        Restriction.objects.create(recording=request.recording, request=request, at_ms=at_ms)
    if kind in _LINES:
        note(person, role, _LINES[kind], recording=request.recording)


def _happened(request: Request, what: What, person: Person, words: str = "") -> None:
    Event.objects.create(request=request, what=what.value, words=words, person=person, at_ms=now_ms())

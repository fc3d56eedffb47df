"""What becomes of a request: decided, extended, or taken back. Each in one transaction, with its line of the audit trail.

How an erasure ends needs two people, however it does. Granted, it destroys what may be the client's evidence; refused or taken
back, it lets be heard what the client locked. So the first one proposes; until another has confirmed it, the request waits and
the recording is locked and kept. Who confirms it may also say no, with words: then it stands where it stood.

The views ask for permission first, and whether it is another person.
"""

from django.db import transaction

from recorder.archive.access import Action, Role
from recorder.archive.web.access import note
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.holding import check_stays
from recorder.archive.web.meetings.models import Statement
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.deadline import EXTENDED_MONTHS, due_ms
from recorder.archive.web.rights.kinds import Kind, State, What
from recorder.archive.web.rights.models import RESTRICTION_DAYS_MAX, Event, Request, Restriction
from recorder.wire.consent import DAY_MS

RESTRICTS = frozenset({Kind.RESTRICTION, Kind.OBJECTION})
"""What, once granted, leaves the recording to the rights desk alone."""


PROPOSED = {
    State.GRANTED: What.TO_GRANT,
    State.REFUSED: What.TO_REFUSE,
    State.WITHDRAWN: What.TO_WITHDRAW,
}
"""What happened where the first of two said how an erasure ends."""


class Declined(Exception):
    """A second person said no to that when this person said it before."""


class TooLate(Exception):
    """Somebody else was faster: the request is not what it was when this person saw it."""


def decide(
    person: Person,
    role: Role,
    request: Request,
    outcome: State,
    words: str,
    statement: str = "",
    look_again_ms: int | None = None,
) -> None:
    """Granted or refused, with what follows from it. TooLate if it does not wait any more.

    `look_again_ms` is for what restricts the recording: when somebody must look at that again.
    """
    with transaction.atomic():
        held = _waiting(request)
        if held.proposed is not None:
            raise TooLate
        if held.kind == Kind.ERASURE:
            propose(person, role, held, outcome, words)
            return
        held.state, held.decision = outcome.value, words
        held.decided_by, held.decided_ms = person, now_ms()
        held.save()
        _happened(held, What(outcome.value), person)
        details = {"kind": held.kind, "outcome": outcome.value, "words": words}
        note(person, role, Action.DECIDE_REQUEST, recording=held.recording, details=details)
        if outcome is State.GRANTED:
            _carry_out(person, role, held, statement, look_again_ms)


def propose(person: Person, role: Role, held: Request, outcome: State, words: str) -> None:
    """Say how an erasure ends, as the first of two. `held` is locked, or new; call it in a transaction.

    In the place of what was proposed before. BeingDeleted if what was granted is.
    """
    held.proposed, held.proposed_by, held.proposed_ms = outcome.value, person, now_ms()
    if held.waiting:
        held.decision = "" if outcome is State.WITHDRAWN else words
    held.save()
    _happened(held, PROPOSED[outcome], person, words)
    details = {"kind": held.kind, "proposed": outcome.value, "words": words}
    note(person, role, Action.DECIDE_REQUEST, recording=held.recording, details=details)
    if outcome is State.GRANTED:
        note(person, role, Action.ERASE, recording=held.recording)
    if not held.waiting:
        check_stays(held.recording)  # behind the line, which has the lock that the nightly run decides in


def confirm(person: Person, role: Role, request: Request, proposed_ms: int) -> None:
    """As the second person. TooLate if what this person saw, of `proposed_ms`, does not wait any more."""
    with transaction.atomic():
        held, outcome = _proposed(request, proposed_ms)
        held.state, held.decided_by, held.decided_ms = outcome.value, held.proposed_by, now_ms()
        held.proposed = held.proposed_by = held.proposed_ms = None
        held.confirmed_by = person
        held.save()
        _happened(held, What(outcome.value), person)
        details = {"outcome": outcome.value, "confirmed": "yes"}
        note(person, role, Action.CONFIRM_ERASURE, recording=held.recording, details=details)


def decline(person: Person, role: Role, request: Request, proposed_ms: int, words: str) -> None:
    """As the second person say no: it stands where it stood before. TooLate as with `confirm`."""
    with transaction.atomic():
        held, outcome = _proposed(request, proposed_ms)
        details = {"outcome": outcome.value, "confirmed": "no", "words": words}
        held.proposed = held.proposed_by = held.proposed_ms = None
        if held.waiting:
            held.decision = ""
        held.save()
        _happened(held, What.DECLINED, person, words)
        note(person, role, Action.CONFIRM_ERASURE, recording=held.recording, details=details)


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
    """Once, and only as long as the client can still be told in time: within the first month.

    Not an erasure of the client's first days: they have no more of them.
    """
    early = request.due_ms < due_ms(request.came_ms) and request.kind == Kind.ERASURE
    return request.state == State.OPEN and now_ms() <= request.due_ms and not early


def withdraw(person: Person, role: Role, request: Request, words: str) -> None:
    """The client takes it back: what waits, and an erasure for as long as there is something to be erased. Else TooLate.

    BeingDeleted if it is, and Declined by `was_declined`.
    """
    with transaction.atomic():
        held = Request.objects.select_for_update().get(pk=request.pk)
        if not may_withdraw(held):
            raise TooLate
        if was_declined(held, person):
            raise Declined
        if held.kind == Kind.ERASURE:
            propose(person, role, held, State.WITHDRAWN, words)
            return
        held.state, held.decided_by, held.decided_ms = State.WITHDRAWN.value, person, now_ms()
        held.save()
        _happened(held, What.WITHDRAWN, person, words)
        details = {"kind": held.kind, "outcome": "withdrawn", "words": words}
        note(person, role, Action.DECIDE_REQUEST, recording=held.recording, details=details)


def may_withdraw(request: Request) -> bool:
    """Whether taking it back still changes something, if the recording is there."""
    if request.proposed == State.WITHDRAWN:
        return False
    return request.waiting or (request.kind == Kind.ERASURE and request.state == State.GRANTED)


def was_declined(request: Request, person: Person) -> bool:
    """Whether this person said of an erasure since it was granted that the client takes it back, and a second one said no.

    Another may still say so. Saying it again and again, one alone would keep for ever what is to be erased.
    """
    if request.state != State.GRANTED or request.proposed is not None or request.decided_ms is None:
        return False
    said = request.events.filter(what=What.TO_WITHDRAW.value, person=person, at_ms__gte=request.decided_ms)
    return said.exists()


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


def look_again(person: Person, role: Role, restriction: Restriction, look_again_ms: int, words: str) -> None:
    """It stays restricted, and is looked at again then. TooLate if it is lifted, BeingDeleted if the recording is."""
    with transaction.atomic():
        held = Restriction.objects.select_for_update().get(pk=restriction.pk)
        if held.lifted_ms is not None:
            raise TooLate
        held.look_again_ms, held.looked_ms = look_again_ms, now_ms()
        held.save()
        details = {"outcome": "goes on", "words": words}
        note(person, role, Action.RESTRICT, recording=held.recording, details=details)
        check_stays(held.recording)


def _proposed(request: Request, proposed_ms: int) -> tuple[Request, State]:
    held = Request.objects.select_for_update().get(pk=request.pk)
    # Whose proposal it is was asked of `request`: of another one since then that is not known.
    if held.proposed is None or (held.proposed_ms, held.proposed_by_id) != (proposed_ms, request.proposed_by_id):
        raise TooLate
    return held, State(held.proposed)


def _waiting(request: Request) -> Request:
    held = Request.objects.select_for_update().get(pk=request.pk)
    if not held.waiting:
        raise TooLate
    return held


def _carry_out(person: Person, role: Role, request: Request, statement: str, look_again_ms: int | None) -> None:
    at_ms = now_ms()
    if request.kind == Kind.RECTIFICATION:
        Statement.objects.create(
            recording=request.recording, text=statement, of_client=True, person=person, at_ms=at_ms
        )
        note(person, role, Action.ATTACH, recording=request.recording)
    if request.kind in RESTRICTS:
        latest_ms = at_ms + RESTRICTION_DAYS_MAX * DAY_MS
        Restriction.objects.create(
            recording=request.recording,
            request=request,
            at_ms=at_ms,
            look_again_ms=latest_ms if look_again_ms is None else look_again_ms,
        )
        note(person, role, Action.RESTRICT, recording=request.recording)


def _happened(request: Request, what: What, person: Person, words: str = "") -> None:
    Event.objects.create(request=request, what=what.value, words=words, person=person, at_ms=now_ms())

"""What becomes of a request: decided, extended, taken back, or closed as entered wrongly.

Each in one transaction, with its line of the audit trail.

Some of it needs two people:

- How an erasure ends, however it does. Granted, it destroys what may be the client's evidence; refused, taken back or called
  entered wrongly, it lets be heard what the client locked. Until two have said so the recording is locked and kept.
- A copy that is granted by who entered the request: else one person gets any recording as a file, without a purpose of hearing.
  Where the client asked by their code, or a colleague entered it, two have acted already; who had the client's code on a page
  before that may have been the client themself.
- The end of a restriction, which lets others hear what the client had closed to them (S5).

So the first one proposes; until another has confirmed it, it stands where it stood. Who confirms may also say no, with words.

The views ask for permission first, and whether it is another person.
"""

from recorder.archive.access import Action, Role
from recorder.archive.web.access import note
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.holding import check_stays
from recorder.archive.web.meetings.models import Statement
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.deadline import EXTENDED_MONTHS, due_ms
from recorder.archive.web.rights.kinds import TAKES_BACK, Channel, Kind, Proposal, State, What
from recorder.archive.web.rights.models import RESTRICTION_DAYS_MAX, Event, Request, Restriction
from recorder.archive.web.trail.reading import saw_card
from recorder.archive.web.trail.writing import acting
from recorder.wire.consent import DAY_MS

RESTRICTS = frozenset({Kind.RESTRICTION, Kind.OBJECTION})
"""What, once granted, leaves the recording to the rights desk alone."""


PROPOSED = {
    Proposal.GRANTED: What.TO_GRANT,
    Proposal.REFUSED: What.TO_REFUSE,
    Proposal.WITHDRAWN: What.TO_WITHDRAW,
    Proposal.MISENTERED: What.TO_MISENTERED,
    Proposal.COPY: What.TO_GRANT,
    Proposal.LIFTED: What.TO_LIFT,
}
"""What happened where the first of two said so."""


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
    with acting():
        held = _waiting(request)
        if held.proposed is not None:
            raise TooLate
        if held.kind == Kind.ERASURE:
            propose(person, role, held, Proposal(outcome), words)
            return
        if granted_alone(held, outcome, person):
            propose(person, role, held, Proposal.COPY, words)
            return
        held.state, held.decision = outcome.value, words
        held.decided_by, held.decided_ms = person, now_ms()
        held.save()
        _happened(held, What(outcome.value), person)
        details = {"kind": held.kind, "outcome": outcome.value, "words": words}
        note(person, role, Action.DECIDE_REQUEST, recording=held.recording, details=details)
        if outcome is State.GRANTED:
            _carry_out(person, role, held, statement, look_again_ms)


def granted_alone(request: Request, outcome: State, person: Person) -> bool:
    """Whether one person would grant a copy that they have entered themself."""
    copies = request.kind == Kind.ACCESS and outcome is State.GRANTED
    return copies and not asked_by_another(request, person)


def asked_by_another(request: Request, person: Person) -> bool:
    """Whether it was somebody else who asked for it than this person."""
    entered_by = request.entered_by
    return not could_be_client(request, person) if entered_by is None else entered_by != person


def could_be_client(request: Request, person: Person) -> bool:
    """Whether this person had the client's code before it was asked for by that: the trail knows."""
    return request.entered_by is None and saw_card(str(person.pk), request.recording, request.came_ms)


def by_two(request: Request) -> bool:
    """Whether somebody else asked for what was granted than who granted it, or confirmed that."""
    first, second = request.decided_by, request.confirmed_by
    return first is not None and (second not in (None, first) or asked_by_another(request, first))


def propose(person: Person, role: Role, held: Request, proposal: Proposal, words: str) -> None:
    """Say what is to become of it, as the first of two. `held` is locked, or new; call it in a transaction.

    In the place of what was proposed before. BeingDeleted if what was granted is.
    """
    held.proposed, held.proposed_by, held.proposed_ms = proposal.value, person, now_ms()
    if held.waiting:
        held.decision = "" if proposal in TAKES_BACK else words
    held.save()
    _happened(held, PROPOSED[proposal], person, words)
    details = {"kind": held.kind, "proposed": proposal.value, "words": words}
    action = Action.RESTRICT if proposal is Proposal.LIFTED else Action.DECIDE_REQUEST
    note(person, role, action, recording=held.recording, details=details)
    if proposal is Proposal.GRANTED:
        note(person, role, Action.ERASE, recording=held.recording)
    if not held.waiting:
        check_stays(held.recording)  # behind the line, which has the lock that the nightly run decides in


def confirm(person: Person, role: Role, request: Request, proposed_ms: int) -> None:
    """As the second person. TooLate if what this person saw, of `proposed_ms`, does not wait any more."""
    with acting():
        held, proposal = _proposed(request, proposed_ms)
        if proposal is Proposal.LIFTED:
            _lift(held, person)
        else:
            outcome = State.GRANTED if proposal is Proposal.COPY else State(proposal)
            held.state, held.decided_by, held.decided_ms = outcome.value, held.proposed_by, now_ms()
            held.confirmed_by = person
            _happened(held, What(outcome), person)
        held.unpropose()
        held.save()
        details = {"outcome": proposal.value, "confirmed": "yes"}
        note(person, role, Action.CONFIRM_REQUEST, recording=held.recording, details=details)


def decline(person: Person, role: Role, request: Request, proposed_ms: int, words: str) -> None:
    """As the second person say no: it stands where it stood before. TooLate as with `confirm`."""
    with acting():
        held, proposal = _proposed(request, proposed_ms)
        details = {"outcome": proposal.value, "confirmed": "no", "words": words}
        held.unpropose()
        if held.waiting:
            held.decision = ""
        held.save()
        _happened(held, What.DECLINED, person, words)
        note(person, role, Action.CONFIRM_REQUEST, recording=held.recording, details=details)


def extend(person: Person, role: Role, request: Request, words: str) -> None:
    """Two months more (AVG, article 12, paragraph 3), once. TooLate if `may_extend` says no by now."""
    with acting():
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


def withdraw(person: Person, role: Role, request: Request, words: str, because: Proposal = Proposal.WITHDRAWN) -> None:
    """The client takes it back, or the desk has entered it wrongly (one of TAKES_BACK).

    What waits, and an erasure for as long as there is something to be erased; else TooLate. BeingDeleted if it is, and Declined
    by `was_declined`.
    """
    with acting():
        held = Request.objects.select_for_update().get(pk=request.pk)
        if not may_withdraw(held, because):
            raise TooLate
        if was_declined(held, person):
            raise Declined
        if held.kind == Kind.ERASURE:
            propose(person, role, held, because, words)
            return
        held.unpropose()
        held.state, held.decided_by, held.decided_ms = State(because).value, person, now_ms()
        held.save()
        _happened(held, What(because), person, words)
        details = {"kind": held.kind, "outcome": because.value, "words": words}
        note(person, role, Action.DECIDE_REQUEST, recording=held.recording, details=details)


def may_withdraw(request: Request, because: Proposal = Proposal.WITHDRAWN) -> bool:
    """Whether taking it back still changes something, if the recording is there. What came by the page nobody entered."""
    if request.proposed in TAKES_BACK or (because is Proposal.MISENTERED and request.channel == Channel.PAGE):
        return False
    return request.waiting or (request.kind == Kind.ERASURE and request.state == State.GRANTED)


def was_declined(request: Request, person: Person) -> bool:
    """Whether this person said of an erasure since it was granted that it is taken back, and a second one said no.

    Another may still say so. Saying it again and again, one alone would keep for ever what is to be erased.
    """
    if request.state != State.GRANTED or request.proposed is not None or request.decided_ms is None:
        return False
    takes_back = [PROPOSED[each].value for each in TAKES_BACK]
    said = request.events.filter(what__in=takes_back, person=person, at_ms__gte=request.decided_ms)
    return said.exists()


def lift(person: Person, role: Role, request: Request, words: str) -> None:
    """Say as the first of two that its restriction is to end. TooLate if it has, or that waits; BeingDeleted as `propose`."""
    with acting():
        held = Request.objects.select_for_update().get(pk=request.pk)
        if held.proposed is not None or not Restriction.objects.filter(request=held, lifted_ms=None).exists():
            raise TooLate
        propose(person, role, held, Proposal.LIFTED, words)


def look_again(person: Person, role: Role, restriction: Restriction, look_again_ms: int, words: str) -> None:
    """It stays restricted, and is looked at again then. TooLate if it is lifted, BeingDeleted if the recording is."""
    with acting():
        held = Restriction.objects.select_for_update().get(pk=restriction.pk)
        if held.lifted_ms is not None:
            raise TooLate
        held.look_again_ms, held.looked_ms = look_again_ms, now_ms()
        held.save()
        details = {"outcome": "goes on", "words": words}
        note(person, role, Action.RESTRICT, recording=held.recording, details=details)
        check_stays(held.recording)


def _proposed(request: Request, proposed_ms: int) -> tuple[Request, Proposal]:
    held = Request.objects.select_for_update().get(pk=request.pk)
    # Whose proposal it is was asked of `request`: of another one since then that is not known.
    if held.proposed is None or (held.proposed_ms, held.proposed_by_id) != (proposed_ms, request.proposed_by_id):
        raise TooLate
    return held, Proposal(held.proposed)


def _lift(held: Request, second: Person) -> None:
    """Everybody whose work it is may use the recording again."""
    why = held.events.filter(what=What.TO_LIFT.value).latest("at_ms", "id").words
    Restriction.objects.filter(request=held, lifted_ms=None).update(
        lifted_by=held.proposed_by, lifted_ms=now_ms(), lifted_words=why, confirmed_by=second
    )
    _happened(held, What.LIFTED, second)


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

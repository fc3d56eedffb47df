"""Opening a request: by the client with their code, or by the rights desk for who writes, comes or calls."""

from django.conf import settings
from django.utils.translation import gettext, override

from recorder.archive.access import Action
from recorder.archive.due import facts
from recorder.archive.retention import days_end_ms, in_first_days
from recorder.archive.web.access import permit
from recorder.archive.web.archive import terms
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.holding import check_stays
from recorder.archive.web.meetings.seen import Seen, see_one
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights import deciding
from recorder.archive.web.rights.deadline import answer_ms
from recorder.archive.web.rights.kinds import WAITING, Channel, Kind, Proposal, What
from recorder.archive.web.rights.models import Event, Request
from recorder.archive.web.trail import writing
from recorder.archive.web.trail.writing import acting

CLIENT = "client"
"""Who stands in the audit trail where a client acts by their code: nobody knows more of them."""


def open_request(
    recording: str,
    kind: Kind,
    words: str,
    *,
    person: Person | None,
    channel: Channel = Channel.PAGE,
    came_ms: int | None = None,
) -> Request:
    """A new request, or the one of this kind that is open for this recording already. Call it outside a transaction.

    `person` opens it for the client; None is the client, by their code. PermissionDenied for a person who may not, and
    BeingDeleted. `came_ms` is when it came, if that was before now.

    An erasure that a person enters with one of the client's first days needs no decision (D7), and waits for a second person
    from now on.
    """
    role = None if person is None else permit(person, Action.OPEN_REQUEST, recording=recording)
    at_ms = now_ms()
    came_ms = at_ms if came_ms is None else came_ms
    with acting():
        check_stays(recording)  # the nightly run acts, too: either it sees the request, or we see what it decided
        found = Request.objects.filter(recording=recording, kind=kind.value, state__in=WAITING).first()
        if found is not None:
            return found
        writing.write(
            person=CLIENT if person is None else str(person.pk),
            role=role or CLIENT,
            action=Action.OPEN_REQUEST,
            recording=recording,
            details={"kind": kind.value, "channel": channel.value},
        )
        made = Request(recording=recording, kind=kind.value, channel=channel.value, words=words, came_ms=came_ms)
        seen = see_one(recording)
        end_ms = None
        if seen is not None and unconditional(made, seen):
            end_ms = days_end_ms(facts(seen.row, seen.people), terms())
        made.due_ms = answer_ms(came_ms, end_ms)
        made.save(force_insert=True)
        Event.objects.create(request=made, what=What.CAME.value, person=person, at_ms=at_ms)
        if person is not None and role is not None and unconditional(made, seen):
            with override(settings.LANGUAGE_CODE):
                words = gettext("You asked for it within your first days. Then we need no reason.")
            deciding.propose(person, role, made, Proposal.GRANTED, words)
    return made


def unconditional(asked: Request, seen: Seen | None) -> bool:
    """Whether erasure was asked for within the client's days: if it was the client who asked, nobody has a say in it (D7)."""
    if asked.kind != Kind.ERASURE or seen is None:
        return False
    return in_first_days(asked.came_ms, facts(seen.row, seen.people), terms())

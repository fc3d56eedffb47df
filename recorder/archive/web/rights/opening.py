"""Opening a request: by the client with their code, or by the rights desk for who writes, comes or calls."""

from django.db import IntegrityError, transaction

from recorder.archive.access import Action
from recorder.archive.web.access import permit
from recorder.archive.web.clock import now_ms
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.deadline import due_ms
from recorder.archive.web.rights.kinds import WAITING, Channel, Kind, What
from recorder.archive.web.rights.models import Event, Request
from recorder.archive.web.trail import writing

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

    `person` opens it for the client; None is the client, by their code. PermissionDenied for a person who may not.
    `came_ms` is when it came, if that was before now.
    """
    role = CLIENT if person is None else permit(person, Action.OPEN_REQUEST, recording=recording)
    found = _open(recording, kind)
    if found is not None:
        return found
    at_ms = now_ms()
    came_ms = at_ms if came_ms is None else came_ms
    try:
        with transaction.atomic():
            # The line first: it has the lock that the nightly run decides in, which then sees the request.
            writing.write(
                person=CLIENT if person is None else str(person.pk),
                role=role,
                action=Action.OPEN_REQUEST,
                recording=recording,
                details={"kind": kind.value, "channel": channel.value},
            )
            made = Request.objects.create(
                recording=recording,
                kind=kind.value,
                channel=channel.value,
                words=words,
                came_ms=came_ms,
                due_ms=due_ms(came_ms),
            )
            Event.objects.create(request=made, what=What.CAME.value, person=person, at_ms=at_ms)
    except IntegrityError:  # somebody was faster
        found = _open(recording, kind)
        if found is None:
            raise
        return found
    return made


def _open(recording: str, kind: Kind) -> Request | None:
    return Request.objects.filter(recording=recording, kind=kind.value, state__in=WAITING).first()

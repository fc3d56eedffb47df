"""May a copy be made by this permit? Asked by the reading room itself: it believes the pages nothing."""

from recorder.archive.access import Action, Purpose, Role, role_for
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening.judging import NotNow
from recorder.archive.web.meetings.seen import Seen, see
from recorder.archive.web.rights.deciding import by_two, could_be_client
from recorder.archive.web.rights.kinds import Kind, State
from recorder.archive.web.rights.models import CopyPermit


def judge(permit: CopyPermit) -> tuple[Seen, Role]:
    """The recording, and by which role it may be copied; or NotNow."""
    if now_ms() >= permit.until_ms or not permit.person.is_active:
        raise NotNow("over")
    found = see([permit.recording])
    if not found:
        raise NotNow("gone")
    seen = found[0]
    role = role_for(permit.person.roles, *act(permit))
    if role is None:
        raise NotNow("forbidden")
    if not permit.person.confirmed:
        raise NotNow("unconfirmed")
    if seen.fate.locked:
        raise NotNow("locked")
    if permit.disclosure is not None and seen.restricted:
        raise NotNow("restricted")
    if not _decided(permit):
        raise NotNow("undecided")
    if _had_code(permit):
        raise NotNow("had_code")
    if permit.disclosure is not None and not permit.disclosure.counts(now_ms()):
        raise NotNow("disclosure_over")
    return seen, role


def act(permit: CopyPermit) -> tuple[Action, Purpose | None]:
    """What copying is: for the client, or for somebody else."""
    return (Action.COPY, Purpose.ACCESS) if permit.disclosure is None else (Action.DISCLOSE, None)


def _had_code(permit: CopyPermit) -> bool:
    """Whether who makes it could have asked in the client's place, where who granted it took it for the client's own wish."""
    request = permit.request
    return request is not None and request.confirmed_by is None and could_be_client(request, permit.person)


def _decided(permit: CopyPermit) -> bool:
    if permit.disclosure is not None:
        return permit.disclosure.confirmed is True and permit.disclosure.recording == permit.recording
    request = permit.request
    return (
        request is not None
        and (request.kind, request.state) == (Kind.ACCESS, State.GRANTED)
        and request.recording == permit.recording
        and by_two(request)
    )

"""May this permit still be played by? Asked by the reading room itself, each time: it believes the pages nothing."""

from recorder.archive.access import Action, Choice, Purpose, Role, choice, role_for
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.meetings.seen import Seen, see
from recorder.archive.web.policy.live import in_use
from recorder.archive.web.training.consent import why_not


class NotNow(Exception):
    """It may not; the message is for who wanted to listen."""


def judge(permit: Permit) -> tuple[Seen, Role]:
    """The recording, and by which role it may be heard; or NotNow."""
    if now_ms() >= permit.until_ms or not permit.person.is_active:
        raise NotNow("over")
    found = see([permit.recording])
    if not found:
        raise NotNow("gone")
    seen, purpose = found[0], Purpose(permit.purpose)
    role = role_for(permit.person.roles, Action.HEAR, purpose, own=seen.of(permit.person))
    if role is None:
        disputed = seen.link is not None and seen.link.disputed and seen.link.person_id == permit.person_id
        raise NotNow("disputed" if disputed else "forbidden")
    if not permit.person.confirmed:
        raise NotNow("unconfirmed")
    if not in_use():
        raise NotNow("not_in_use")
    if seen.fate.locked:
        raise NotNow("locked")
    if seen.closed_to([role]):
        raise NotNow("restricted")
    if choice(purpose) is Choice.TRAINING and (why := why_not(seen)):
        raise NotNow(why)
    return seen, role

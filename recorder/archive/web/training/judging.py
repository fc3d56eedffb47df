"""May this fragment be made, or heard? Asked by the reading room itself, each time: it believes the pages nothing."""

from recorder.archive.access import Action, Purpose, Role, role_for
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening.judging import NotNow
from recorder.archive.web.meetings.seen import Seen, see
from recorder.archive.web.people.models import Person
from recorder.archive.web.policy.live import in_use
from recorder.archive.web.training.consent import why_not
from recorder.archive.web.training.models import Fragment, FragmentPermit, State


def judge_making(fragment: Fragment) -> tuple[Seen, Role]:
    """The recording, and by which role it may be cut; or NotNow."""
    if fragment.state != State.MAKING:
        raise NotNow("unknown")
    return _source(fragment), _role(fragment.person, Action.CUT)


def judge_hearing(permit: FragmentPermit) -> Role:
    """By which role the fragment may be heard; or NotNow. One that waits is for those who approve."""
    if now_ms() >= permit.until_ms:
        raise NotNow("over")
    fragment = permit.fragment
    if now_ms() >= fragment.expires_ms or fragment.state not in (State.WAITING, State.APPROVED):
        raise NotNow("fragment_gone")
    role = _role(permit.person, Action.HEAR_FRAGMENT)
    if fragment.state == State.WAITING:
        role = _role(permit.person, Action.APPROVE_FRAGMENT)
    _source(fragment)
    return role


def _source(fragment: Fragment) -> Seen:
    """What it is cut from, if that may be used for training still, by the very consent by which it was cut."""
    found = see([fragment.recording])
    if not found:
        raise NotNow("gone")
    if fragment.consent.withdrawn_ms is not None:
        raise NotNow("no_training_consent")
    if why := why_not(found[0]):
        raise NotNow(why)
    return found[0]


def _role(person: Person, action: Action) -> Role:
    role = role_for(person.roles, action, Purpose.TRAINING) if person.is_active else None
    if role is None:
        raise NotNow("forbidden")
    if not person.confirmed:
        raise NotNow("unconfirmed")
    if not in_use():
        raise NotNow("not_in_use")
    return role

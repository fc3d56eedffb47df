"""Who may open a page: each view names the action of `recorder.archive.access` that it is, or says that it is for everybody.

A test walks all addresses and fails for one that does neither.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from recorder.archive.access import FOUR_EYES, NEEDS_POLICY, TABLE, Action, Purpose, Role, role_for, waits
from recorder.archive.web.people.models import Person
from recorder.archive.web.policy.live import in_use
from recorder.archive.web.trail import writing

View = Callable[..., HttpResponseBase]


class NotInUse(PermissionDenied):
    """The organisation has not yet decided all that it must."""


class Unconfirmed(PermissionDenied):
    """A second person must confirm this account first."""


class Asked(HttpRequest):
    """A request of somebody who has signed in."""

    user: Person


def needs(*actions: Action) -> Callable[[View], View]:
    """A view for those who have one of these actions in a role, under whatever conditions; the view asks for them."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            person = request.user
            held = [action for action in actions if any(action in TABLE[role] for role in person.roles)]
            if not held:
                refused(person, actions[0])
                raise PermissionDenied
            if all(waits(action, own=True) for action in held):
                check_confirmed(person, held[0], own=True)
            if all(action in NEEDS_POLICY for action in actions):
                _check_in_use(person, actions[0])
            return view(request, *args, **kwargs)

        guarded.actions = actions  # type: ignore[attr-defined]
        return guarded

    return decorate


def everybody(view: View) -> View:
    """A view that needs no role: it tells nothing of anybody."""
    view.actions = ()  # type: ignore[attr-defined]
    return view


def permit(
    person: Person,
    action: Action,
    purpose: Purpose | None = None,
    *,
    own: bool = False,
    recording: str | None = None,
) -> Role:
    """The role by which they may; of who may not it is written down, and PermissionDenied."""
    role = role_for(person.roles, action, purpose, own=own)
    if role is None:
        refused(person, action, purpose, recording=recording)
        raise PermissionDenied
    check_confirmed(person, action, purpose, own=own, recording=recording)
    if action in NEEDS_POLICY:
        _check_in_use(person, action, purpose, recording=recording)
    return role


def check_confirmed(
    person: Person, action: Action, purpose: Purpose | None = None, *, own: bool = False, recording: str | None = None
) -> None:
    """Unconfirmed, and written down, if this waits for the second person who confirms their account."""
    if not person.confirmed and waits(action, own=own):
        refused(person, action, purpose, recording=recording)
        raise Unconfirmed


def second_eyes(person: Person, action: Action, first: UUID | None, *, recording: str | None = None) -> None:
    """PermissionDenied, and written down, if it was this person who did what a second one is to see (FOUR_EYES).

    `first` is the id of whose act it was; None if it was a program's. Whoever confirms asks for this after `permit`.
    """
    if action not in FOUR_EYES:
        raise ValueError(f"{action} is nothing that a second person does")
    if first == person.pk:
        refused(person, action, recording=recording)
        raise PermissionDenied


def refused(person: Person, action: Action, purpose: Purpose | None = None, *, recording: str | None = None) -> None:
    """Write down that somebody tried what they may not."""
    writing.write(
        person=str(person.id),
        role=min(person.roles, default="none"),
        action=action,
        result="refused",
        purpose=purpose,
        recording=recording,
    )


def note(
    person: Person,
    role: Role,
    action: Action,
    *,
    purpose: Purpose | None = None,
    recording: str | None = None,
    details: Mapping[str, str] | None = None,
) -> int:
    """Write down what somebody did, and give the number of the line. Call it in `acting`, with what it tells of."""
    return writing.write(
        person=str(person.id), role=role, action=action, purpose=purpose, recording=recording, details=details
    )


def _check_in_use(
    person: Person, action: Action, purpose: Purpose | None = None, *, recording: str | None = None
) -> None:
    if not in_use():
        refused(person, action, purpose, recording=recording)
        raise NotInUse

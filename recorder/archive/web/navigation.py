"""The places that one's roles lead to, in the order in which they stand on a page."""

from typing import NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recorder.archive.access import TABLE, Action, waits
from recorder.archive.web.api.tokens import to_confirm
from recorder.archive.web.people.models import Person


class Place(NamedTuple):
    url: str
    title: Promise
    here: bool
    waiting: int
    """How much waits there for this person."""


_PLACES: tuple[tuple[str, Promise, frozenset[Action]], ...] = (
    ("meetings", _("My meetings"), frozenset({Action.LIST_UNLINKED})),
    ("rights", _("Rights desk"), frozenset({Action.OPEN_REQUEST})),
    ("find", _("Find"), frozenset({Action.FIND})),
    ("training", _("Training"), frozenset({Action.CUT, Action.APPROVE_FRAGMENT, Action.HEAR_FRAGMENT})),
    ("people", _("Accounts"), frozenset({Action.KEEP_ACCOUNTS})),
    ("waiting", _("What waits"), frozenset({Action.SETTLE_DISPUTE})),
    ("disputes", _("Disputed links"), frozenset({Action.SETTLE_DISPUTE})),
    ("deletions", _("Deletions"), frozenset({Action.PREVIEW_DELETIONS})),
    ("holds", _("Holds"), frozenset({Action.HOLD, Action.CONFIRM_HOLD, Action.END_HOLD})),
    ("second_looks", _("Second look"), frozenset({Action.CONFIRM_REQUEST})),
    ("disclosures", _("Disclosures"), frozenset({Action.DISCLOSE, Action.CONFIRM_DISCLOSURE})),
    ("flags", _("Do not record"), frozenset({Action.CHECK_FLAG})),
    ("rooms", _("Rooms"), frozenset({Action.SEE_ROOMS})),
    ("policy", _("What is decided"), frozenset({Action.SET_POLICY, Action.CONFIRM_POLICY})),
    ("confirmations", _("Accounts to confirm"), frozenset({Action.CONFIRM_ACCOUNT})),
    ("audit", _("Audit trail"), frozenset({Action.READ_AUDIT})),
    ("breach", _("Data breach"), frozenset({Action.READ_AUDIT})),
    ("tokens", _("Programs"), frozenset({Action.KEEP_ACCOUNTS})),
)


def places(request: HttpRequest) -> list[Place]:
    """Where this person may go now. Nowhere for who has not signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    may = {action for role in user.roles for action in TABLE[role] if user.confirmed or not waits(action, own=True)}
    found = [(reverse(name), title) for name, title, needed in _PLACES if may & needed]
    waiting = Person.objects.to_confirm().count() + to_confirm().count() if Action.CONFIRM_ACCOUNT in may else 0
    confirmations = reverse("confirmations")
    return [
        Place(url, title, request.path.startswith(url), waiting if url == confirmations else 0) for url, title in found
    ]

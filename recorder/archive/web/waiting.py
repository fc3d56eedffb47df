"""What waits for who watches over all of it: their first page. Others begin with the list of their own work.

Each count is a query or two by an index, or of a table that is small.
"""

from collections.abc import Callable
from typing import NamedTuple

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action, may
from recorder.archive.web.access import Asked, needs
from recorder.archive.web.api.tokens import to_confirm as tokens_to_confirm
from recorder.archive.web.holds import deletions
from recorder.archive.web.holds.listing import to_confirm
from recorder.archive.web.holds.models import Expected
from recorder.archive.web.meetings.models import Dispute
from recorder.archive.web.people.models import Person
from recorder.archive.web.policy.models import State, Version
from recorder.archive.web.rights import overdue
from recorder.archive.web.rights.models import Disclosure, Request


class Kind(NamedTuple):
    """What may wait, for who may do something about it; nobody is a second person for what they did themselves."""

    action: Action
    page: str
    title: Promise
    do: Promise
    waiting: Callable[[Person], int]
    part: str = ""
    """Of the page, as the end of its address."""


class Waits(NamedTuple):
    url: str
    title: Promise
    do: Promise
    number: int


_KINDS = (
    Kind(
        Action.SETTLE_DISPUTE,
        "disputes",
        _("Disputed links"),
        _("Ask both, and say whose conversation it was."),
        lambda _person: Dispute.objects.filter(settled_ms=None).count(),
    ),
    Kind(
        Action.CONFIRM_HOLD,
        "holds",
        _("Holds to confirm"),
        _("Say whether the recordings must stay."),
        to_confirm,
    ),
    Kind(
        Action.CONFIRM_DISCLOSURE,
        "disclosures",
        _("Disclosures to confirm"),
        _("Say whether somebody else may have a copy."),
        lambda person: Disclosure.objects.filter(confirmed=None).exclude(person=person).count(),
    ),
    Kind(
        Action.CONFIRM_REQUEST,
        "second_looks",
        _("Requests to confirm"),
        _("Say whether it is to be as a colleague says."),
        lambda person: Request.objects.filter(proposed__isnull=False).exclude(proposed_by=person).count(),
    ),
    Kind(
        Action.CONFIRM_ACCOUNT,
        "confirmations",
        _("Accounts and programs to confirm"),
        _("Ask the person, and say whether it is right."),
        lambda person: (
            Person.objects.to_confirm().exclude(changes__by=person).count()
            + tokens_to_confirm().exclude(made_by=person).count()
        ),
    ),
    Kind(
        Action.CONFIRM_POLICY,
        "policy",
        _("Proposals of what is decided"),
        _("Say whether the proposal is to count."),
        lambda person: Version.objects.filter(state=State.PROPOSED).exclude(person=person.pk).count(),
    ),
    Kind(
        Action.PREVIEW_DELETIONS,
        "deletions",
        _("Recordings kept beyond their date"),
        _("Look whether what keeps them is still needed."),
        lambda _person: Expected.objects.filter(kept=True).count(),
    ),
    Kind(
        Action.PREVIEW_DELETIONS,
        "deletions",
        _("Overdue at the rights desk"),
        _("Look what was left lying, and ask why."),
        lambda _person: overdue.count(),
        "#overdue",
    ),
)


@needs(Action.SETTLE_DISPUTE, Action.CONFIRM_DISCLOSURE, Action.CONFIRM_POLICY, Action.PREVIEW_DELETIONS)
@require_http_methods(["GET", "HEAD"])
def waiting(request: Asked) -> HttpResponse:
    """How much of each there is, and where it is dealt with."""
    person = request.user
    found = [
        Waits(reverse(each.page) + each.part, each.title, each.do, each.waiting(person))
        for each in _KINDS
        if may(person.roles, each.action)
    ]
    run, watches = deletions.last_run(), may(person.roles, Action.PREVIEW_DELETIONS)
    context = {"waits": found, "nothing": not any(each.number for each in found), "run": run}
    return render(request, "web/waiting.html", context | {"late": watches and deletions.is_late(run)})

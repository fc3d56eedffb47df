"""What of requests waits for a second person: one of the rights desk who did not propose it, or the privacy officer."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action
from recorder.archive.web.access import Asked, needs, permit, second_eyes
from recorder.archive.web.clock import now_ms
from recorder.archive.web.meetings.seen import see_one
from recorder.archive.web.rights import deciding
from recorder.archive.web.rights.deciding import TooLate
from recorder.archive.web.rights.forms import WordsForm
from recorder.archive.web.rights.kinds import Kind
from recorder.archive.web.rights.models import Request
from recorder.archive.web.rights.opening import unconditional
from recorder.archive.web.rights.views import TOO_LATE, WORDS, Clock

SHOWN_MAX = 200
"""When these are dealt with, the next ones show."""
_MS_DIGITS_MAX = 16


@needs(Action.CONFIRM_REQUEST)
@require_http_methods(["GET", "HEAD"])
def second_looks(request: Asked) -> HttpResponse:
    """All that waits for one, the nearest deadline first."""
    permit(request.user, Action.CONFIRM_REQUEST)
    now = now_ms()
    waiting = Request.objects.filter(proposed__isnull=False).order_by("due_ms").select_related("proposed_by")
    clocks = sorted((Clock(each, now) for each in waiting[:SHOWN_MAX]), key=lambda each: each.due_ms)
    late = sum(each.over or each.soon for each in clocks)
    return render(request, "rights/second_looks.html", WORDS | {"waiting": clocks, "late": late})


@needs(Action.CONFIRM_REQUEST)
@require_http_methods(["GET", "HEAD"])
def second_look(request: Asked, number: UUID) -> HttpResponse:
    """One of them: what the client asked, and what the first person says."""
    found = _one(request, number)
    return _show(request, found, WordsForm())


@needs(Action.CONFIRM_REQUEST)
@require_http_methods(["POST"])
def confirm(request: Asked, number: UUID) -> HttpResponse:
    """As the second person."""
    found = _one(request, number)
    role = permit(request.user, Action.CONFIRM_REQUEST, recording=found.recording)
    second_eyes(request.user, Action.CONFIRM_REQUEST, found.proposed_by_id, recording=found.recording)
    try:
        deciding.confirm(request.user, role, found, _seen_ms(request))
    except TooLate:
        messages.error(request, TOO_LATE)
        return redirect("second_looks")
    messages.success(request, _("You confirmed it."))
    return redirect("second_looks")


@needs(Action.CONFIRM_REQUEST)
@require_http_methods(["POST"])
def decline(request: Asked, number: UUID) -> HttpResponse:
    """Say no, as the second person, and why."""
    found = _one(request, number)
    role = permit(request.user, Action.CONFIRM_REQUEST, recording=found.recording)
    second_eyes(request.user, Action.CONFIRM_REQUEST, found.proposed_by_id, recording=found.recording)
    form = WordsForm(request.POST)
    if not form.is_valid():
        return _show(request, found, form)
    try:
        deciding.decline(request.user, role, found, _seen_ms(request), form.cleaned_data["words"])
    except TooLate:
        messages.error(request, TOO_LATE)
        return redirect("second_looks")
    messages.success(request, _("You said no. The rights desk looks at it again."))
    return redirect("second_looks")


def _one(request: Asked, number: UUID) -> Request:
    """What is nobody's second act is not for who has no other reason to read it."""
    waiting = Q(proposed__isnull=False) | Q(kind=Kind.ERASURE)
    found = get_object_or_404(Request.objects.select_related("proposed_by"), waiting, pk=number)
    permit(request.user, Action.CONFIRM_REQUEST, recording=found.recording)
    return found


def _show(request: Asked, found: Request, form: WordsForm) -> HttpResponse:
    now = now_ms()
    seen = see_one(found.recording)
    context = WORDS | {
        "asked": found,
        "clock": Clock(found, now),
        "seen": seen,
        "in_time": unconditional(found, seen),
        "held": seen is not None and any(now < until_ms for until_ms in seen.people.holds_until_ms),
        "said": found.events.filter(what__in=deciding.PROPOSED.values()).order_by("at_ms", "id").last(),
        "mine": found.proposed_by_id == request.user.pk,
        "form": form,
    }
    return render(request, "rights/second_look.html", context)


def _seen_ms(request: Asked) -> int:
    """Which proposal this person saw; 0 for what is none."""
    seen = request.POST.get("proposed_ms", "")[:_MS_DIGITS_MAX]
    return int(seen) if seen.isascii() and seen.isdecimal() else 0

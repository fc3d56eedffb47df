"""The pages of `claims`: naming another case, giving a meeting back, saying that a colleague's link is wrong, settling that."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from recorder.archive.access import Action
from recorder.archive.web.access import Asked, needs, permit
from recorder.archive.web.holds.holding import BeingDeleted
from recorder.archive.web.holds.words import BEING_DELETED
from recorder.archive.web.meetings import claims
from recorder.archive.web.meetings.forms import CaseForm, SettleForm
from recorder.archive.web.meetings.models import Dispute
from recorder.archive.web.meetings.seen import Seen, see_one
from recorder.archive.web.meetings.views import look

DISPUTES_SHOWN = 100


@needs(Action.LINK)
@require_http_methods(["GET", "HEAD", "POST"])
def relink(request: Asked, recording: str) -> HttpResponse:
    """Name the right case, of a recording to which one has given a wrong one; within a day."""
    role = permit(request.user, Action.LINK, recording=recording)
    seen = _regrettable(request, recording)
    form = CaseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        number = form.cleaned_data["case"]
        try:
            claims.relink(request.user, role, recording, number)
        except BeingDeleted:
            form.add_error(None, BEING_DELETED)
        else:
            messages.success(request, _("The recording is now of case %(case)s.") % {"case": number})
            return redirect("recording", recording)
    return render(request, "meetings/relink.html", {"seen": seen, "form": form})


@needs(Action.UNLINK)
@require_POST
def unlink(request: Asked, recording: str) -> HttpResponse:
    """Give a meeting back that was not one's own; within a day."""
    seen = _regrettable(request, recording)
    role = permit(request.user, Action.UNLINK, own=seen.of(request.user), recording=recording)
    try:
        claims.give_back(request.user, role, recording)
    except BeingDeleted:
        messages.error(request, BEING_DELETED)
        return redirect("recording", recording)
    messages.success(request, _("The recording is not yours any more. Who had the conversation can name its case."))
    return redirect("meetings")


@needs(Action.DISPUTE)
@require_POST
def dispute(request: Asked, recording: str) -> HttpResponse:
    """Say that a colleague has linked what was not theirs."""
    role = permit(request.user, Action.DISPUTE, recording=recording)
    claims.dispute(request.user, role, recording)
    messages.success(
        request, _("Your colleague cannot open it any more. The privacy officer asks you both, and decides.")
    )
    return redirect("meetings")


@needs(Action.SETTLE_DISPUTE)
@require_http_methods(["GET", "HEAD"])
def disputes(request: Asked) -> HttpResponse:
    """Those that are open, the oldest first."""
    permit(request.user, Action.SETTLE_DISPUTE)
    found = Dispute.objects.filter(settled_ms=None).order_by("at_ms").select_related("person", "linked_by")
    return render(request, "meetings/disputes.html", {"disputes": found[:DISPUTES_SHOWN]})


@needs(Action.SETTLE_DISPUTE)
@require_http_methods(["GET", "HEAD", "POST"])
def settle(request: Asked, number: int) -> HttpResponse:
    """Decide one."""
    role = permit(request.user, Action.SETTLE_DISPUTE)
    found = Dispute.objects.filter(pk=number, settled_ms=None).select_related("person", "linked_by").first()
    if found is None:
        raise Http404
    form = SettleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        stands = form.cleaned_data["found"] == "right"
        try:
            claims.settle(request.user, role, number, stands=stands, reason=form.cleaned_data["reason"])
        except BeingDeleted:
            form.add_error(None, BEING_DELETED)
        else:
            messages.success(request, _("It is settled."))
            return redirect("disputes")
    seen = see_one(found.recording)
    return render(request, "meetings/settle.html", {"dispute": found, "seen": seen, "form": form})


def _regrettable(request: Asked, recording: str) -> Seen:
    seen = look(request.user, Action.UNLINK, recording)
    if not claims.may_regret(seen.link, request.user):
        raise Http404
    return seen

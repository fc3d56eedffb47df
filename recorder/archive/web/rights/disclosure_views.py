"""Disclosure to somebody else: proposed by the rights desk, confirmed by a second person, and only then copied (P3)."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from recorder.archive.access import TABLE, Action
from recorder.archive.web.access import Asked, needs, note, permit, second_eyes
from recorder.archive.web.clock import now_ms
from recorder.archive.web.meetings.seen import see_one
from recorder.archive.web.meetings.views import look
from recorder.archive.web.paging import page
from recorder.archive.web.rights.forms import DisclosureForm
from recorder.archive.web.rights.models import DISCLOSURE_DAYS, Disclosure
from recorder.archive.web.rights.views import WORDS
from recorder.archive.web.trail.writing import acting


@needs(Action.DISCLOSE, Action.CONFIRM_DISCLOSURE)
@require_http_methods(["GET", "HEAD"])
def disclosures(request: Asked) -> HttpResponse:
    """Those that wait for a second person, and those that were judged."""
    permit(request.user, _action(request))
    every, after = Disclosure.objects.select_related("person"), request.GET
    context = WORDS | {
        "waiting": page(every.filter(confirmed=None), "at_ms", after.get("waiting", "")),
        "judged": page(every.exclude(confirmed=None), "-at_ms", after.get("judged", "")),
    }
    return render(request, "rights/disclosures.html", context)


@needs(Action.DISCLOSE)
@require_http_methods(["GET", "HEAD", "POST"])
def disclose(request: Asked, recording: str) -> HttpResponse:
    """Say who is to get a copy, and on what ground."""
    seen = look(request.user, Action.DISCLOSE, recording)
    role = permit(request.user, Action.DISCLOSE, recording=recording)
    form = DisclosureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        with acting():
            made = Disclosure.objects.create(
                recording=recording,
                to=cleaned["to"],
                ground=cleaned["ground"],
                words=cleaned["words"],
                person=request.user,
                at_ms=now_ms(),
            )
            details = {"disclosure": "asked", "to": made.to, "ground": made.ground, "words": made.words}
            note(request.user, role, Action.DISCLOSE, recording=recording, details=details)
        messages.success(request, _("Mask what they do not need to hear. A second person must confirm it then."))
        return redirect("disclosure", made.pk)
    return render(request, "rights/disclose.html", {"seen": seen, "form": form})


@needs(Action.DISCLOSE, Action.CONFIRM_DISCLOSURE)
@require_http_methods(["GET", "HEAD"])
def disclosure(request: Asked, number: UUID) -> HttpResponse:
    """One of them."""
    found = get_object_or_404(Disclosure.objects.select_related("person", "judged_by"), pk=number)
    action = _action(request)
    permit(request.user, action, recording=found.recording)
    now = now_ms()
    context = WORDS | {
        "disclosure": found,
        "masks": found.masks.order_by("start_ms"),
        "masks_seen": _masks_of(found),
        "days": DISCLOSURE_DAYS,
        "seen": see_one(found.recording),
        "copies": found.copies.filter(opened_ms__isnull=False).order_by("opened_ms").select_related("person"),
        "to_fetch": found.copies.waiting(now),
        "may_judge": action is Action.CONFIRM_DISCLOSURE and found.confirmed is None and found.person != request.user,
        "may_mask": action is Action.DISCLOSE and found.confirmed is None,
        "may_copy": action is Action.DISCLOSE and found.counts(now),
        "over": found.until_ms is not None and not found.counts(now),
    }
    return render(request, "rights/disclosure.html", context)


@needs(Action.CONFIRM_DISCLOSURE)
@require_http_methods(["POST"])
def judge(request: Asked, number: UUID) -> HttpResponse:
    """Confirm it or not, as a second person, with the masks that this person saw."""
    found = get_object_or_404(Disclosure, pk=number)
    role = permit(request.user, Action.CONFIRM_DISCLOSURE, recording=found.recording)
    second_eyes(request.user, Action.CONFIRM_DISCLOSURE, found.person_id, recording=found.recording)
    confirmed = request.POST.get("confirmed") == "yes"
    with acting():
        held = Disclosure.objects.select_for_update().get(pk=number)
        same = request.POST.get("masks") == _masks_of(held)
        if held.confirmed is None and (same or not confirmed):
            held.confirmed, held.judged_by, held.judged_ms = confirmed, request.user, now_ms()
            held.save()
            details = {"confirmed": "yes" if confirmed else "no", "to": held.to, "masks": str(held.masks.count())}
            note(request.user, role, Action.CONFIRM_DISCLOSURE, recording=held.recording, details=details)
    if held.confirmed is None:
        messages.error(request, _("What is masked on the copy has just changed. Look at it again."))
    return redirect("disclosure", number)


def _masks_of(disclosure: Disclosure) -> str:
    """What stands for the masks as they are now: none is ever changed, and no number is used again."""
    return " ".join(str(each) for each in disclosure.masks.order_by("pk").values_list("pk", flat=True))


def _action(request: Asked) -> Action:
    """By which of the two this person looks at it."""
    disclosing = any(Action.DISCLOSE in TABLE[role] for role in request.user.roles)
    return Action.DISCLOSE if disclosing else Action.CONFIRM_DISCLOSURE

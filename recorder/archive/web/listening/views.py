"""Asking to listen, and listening: what is heard comes from the reading room, a range at a time."""

import re
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action, Purpose, could, purposes
from recorder.archive.web.access import Asked, needs, permit
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening.asking import Answer, Away, ask
from recorder.archive.web.listening.forms import HearForm
from recorder.archive.web.listening.models import PERMIT_MS, Permit
from recorder.archive.web.listening.words import WHY_NOT
from recorder.archive.web.meetings.views import look, shown

PASSED_ON = ("Content-Range", "Accept-Ranges", "Content-Type")
SPEEDS = ("0.5", "0.75", "1", "1.25", "1.5", "1.75", "2")
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,3})?", re.ASCII)


@needs(Action.HEAR)
@require_http_methods(["GET", "HEAD", "POST"])
def hear(request: Asked, recording: str) -> HttpResponse:
    """Say purpose, case and reason; then it may be heard."""
    seen = look(request.user, Action.HEAR, recording)
    own = seen.of(request.user)
    form = HearForm(
        purposes(request.user.roles, Action.HEAR, own=own),
        request.POST or None,
        initial={"case": seen.link.case.number if seen.link else ""},
    )
    if request.method == "POST" and form.is_valid():
        purpose = Purpose(form.cleaned_data["purpose"])
        permit(request.user, Action.HEAR, purpose, own=own, recording=recording)
        if seen.link is None or form.cleaned_data["case"] != seen.link.case.number:
            form.add_error("case", _("The recording is not of this case."))
        else:
            made = Permit.objects.create(
                person=request.user,
                recording=recording,
                purpose=purpose.value,
                case=form.cleaned_data["case"],
                reason=form.cleaned_data["reason"],
                until_ms=now_ms() + PERMIT_MS,
            )
            return redirect("cut", recording) if purpose is Purpose.TRAINING else redirect("listen", made.pk)
    back = "recording" if could(request.user.roles, Action.SEE, own=own) else "cut"
    return render(request, "listening/hear.html", {"seen": seen, "form": form, "back": back})


@needs(Action.HEAR)
@require_http_methods(["GET", "HEAD"])
def listen(request: Asked, permit: UUID) -> HttpResponse:
    """The recording with its player. It is opened before the page is shown, so that it plays at once."""
    held = _mine(request, permit)
    if held.purpose == Purpose.TRAINING:  # who cuts sees of a recording what that takes, and no more
        return redirect("cut", held.recording)
    seen = look(request.user, Action.HEAR, held.recording)
    try:
        answer = ask("POST", f"/permits/{held.pk}/opened")
    except Away:
        context = shown(request.user, seen) | {"why_not": WHY_NOT["away"]}
        return render(request, "listening/listen.html", context, status=503)
    if answer.status != 200:
        told = answer.json()
        context = shown(request.user, seen) | {"why_not": WHY_NOT[told["why"]], "flaw": told.get("flaw")}
        return render(request, "listening/listen.html", context, status=403)
    at = _SECONDS.fullmatch(request.GET.get("at", ""))
    context = shown(request.user, seen) | {"permit": held, "at": at and at[0], "speeds": SPEEDS}
    return render(request, "listening/listen.html", context)


@needs(Action.HEAR)
@require_http_methods(["GET", "HEAD"])
def audio(request: Asked, permit: UUID) -> HttpResponseBase:
    """A range of the recording's file, as the reading room gives it: nothing of it is kept here."""
    return passed_on(request, f"/permits/{_mine(request, permit).pk}/audio")


@needs(Action.HEAR)
@require_http_methods(["GET", "HEAD"])
def waveform(request: Asked, permit: UUID) -> HttpResponseBase:
    """The recording at one look."""
    return passed_on(request, f"/permits/{_mine(request, permit).pk}/waveform")


def passed_on(request: Asked, address: str) -> HttpResponse:
    """What the reading room answers of this range, in this language; why not, in words, if it does not give it."""
    wanted = {"Accept-Language": get_language() or settings.LANGUAGE_CODE}
    if "Range" in request.headers:
        wanted["Range"] = request.headers["Range"]
    try:
        answer: Answer = ask("GET", address, wanted)
    except Away:
        return HttpResponse(WHY_NOT["away"], status=503, content_type="text/plain; charset=utf-8")
    if answer.status in (403, 409):
        why = WHY_NOT[answer.json()["why"]]
        return HttpResponse(why, status=answer.status, content_type="text/plain; charset=utf-8")
    headers = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
    return HttpResponse(answer.body, status=answer.status, headers=headers)


def _mine(request: Asked, permit: UUID) -> Permit:
    """A permit of this person; another's is as if it were not there."""
    found = Permit.objects.filter(pk=permit, person=request.user).first()
    if found is None:
        raise Http404
    return found

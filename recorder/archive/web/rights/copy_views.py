"""Masks on a copy, and the copy itself: asked for here, made by the reading room, handed over by who asked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action, Purpose
from recorder.archive.web.access import Asked, needs, note, permit
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening import asking
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.listening.views import SPEEDS
from recorder.archive.web.listening.words import WHY_NOT
from recorder.archive.web.meetings.seen import Seen, see_one
from recorder.archive.web.meetings.verdicts import verdict
from recorder.archive.web.rights.forms import CopyForm, MaskForm
from recorder.archive.web.rights.kinds import What
from recorder.archive.web.rights.models import CopyPermit, Disclosure, Event, Request
from recorder.archive.web.rights.views import shown
from recorder.archive.web.times import moment, offset
from recorder.archive.web.trail.writing import acting

COPY_MS = 3_600_000
"""How long a copy may be fetched, also again if a download broke off."""


@needs(Action.MASK)
@require_http_methods(["GET", "HEAD", "POST"])
def masks(request: Asked, number: UUID) -> HttpResponse:
    """Say what the client's copy does not let hear, and of whom (S3)."""
    asked = get_object_or_404(Request, pk=number)
    permit(request.user, Action.MASK, Purpose.ACCESS, recording=asked.recording)
    context = shown(asked)
    if not context["may_mask"]:
        return redirect("request", number)
    return _masks(request, asked, context["seen"])


@needs(Action.MASK)
@require_http_methods(["POST"])
def unmask(request: Asked, number: UUID, mask: int) -> HttpResponse:
    """Take a mask away again."""
    return _unmask(request, get_object_or_404(Request, pk=number), mask)


@needs(Action.MASK)
@require_http_methods(["GET", "HEAD", "POST"])
def disclosure_masks(request: Asked, number: UUID) -> HttpResponse:
    """The same of a copy that somebody else is to get, before a second person has confirmed it."""
    disclosure = get_object_or_404(Disclosure, pk=number)
    permit(request.user, Action.MASK, Purpose.ACCESS, recording=disclosure.recording)
    seen = see_one(disclosure.recording)
    if disclosure.confirmed is not None or seen is None:
        return redirect("disclosure", number)
    return _masks(request, disclosure, seen)


@needs(Action.MASK)
@require_http_methods(["POST"])
def disclosure_unmask(request: Asked, number: UUID, mask: int) -> HttpResponse:
    """Take one away again, before a second person has confirmed it."""
    return _unmask(request, get_object_or_404(Disclosure, pk=number), mask)


def _masks(request: Asked, of: Request | Disclosure, seen: Seen) -> HttpResponse:
    found = verdict(seen.row)
    form = MaskForm(found.sound_ms, request.POST or None)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        where = f"{offset(cleaned['start'])}-{offset(cleaned['stop'])}"
        details = {"mask": "set", "where": where, "whom": cleaned["whom"], "reason": cleaned["reason"]}
        with _masking(request, of, What.MASKED, where, details):
            of.masks.create(
                start_ms=cleaned["start"],
                stop_ms=cleaned["stop"],
                whom=cleaned["whom"],
                reason=cleaned["reason"],
                person=request.user,
                at_ms=now_ms(),
            )
        messages.success(request, _("This part is masked on the copy."))
        return redirect(f"{_named(of)}masks", of.pk)
    heard = Permit.objects.filter(
        person=request.user, recording=of.recording, opened_ms__isnull=False, until_ms__gt=now_ms()
    )
    context = {
        "asked": of,
        "of_disclosure": isinstance(of, Disclosure),
        "masks": of.masks.order_by("start_ms"),
        "form": form,
        "player": heard.order_by("until_ms").last(),
        "verified": found,
        "speeds": SPEEDS,
    }
    return render(request, "rights/masks.html", context)


def _unmask(request: Asked, of: Request | Disclosure, mask: int) -> HttpResponse:
    permit(request.user, Action.MASK, Purpose.ACCESS, recording=of.recording)
    found = get_object_or_404(of.masks, pk=mask)
    where = f"{offset(found.start_ms)}-{offset(found.stop_ms)}"
    with _masking(request, of, What.UNMASKED, where, {"mask": "taken away", "where": where}):
        found.delete()
    messages.success(request, _("The mask is taken away."))
    return redirect(f"{_named(of)}masks", of.pk)


@contextmanager
def _masking(
    request: Asked, of: Request | Disclosure, what: What, where: str, details: Mapping[str, str]
) -> Iterator[None]:
    """Change a mask and write it down. PermissionDenied, if a second person has seen what is masked by now."""
    role = permit(request.user, Action.MASK, Purpose.ACCESS, recording=of.recording)
    with acting():
        held = type(of)._default_manager.select_for_update().get(pk=of.pk)
        if isinstance(held, Disclosure) and held.confirmed is not None:
            raise PermissionDenied
        yield
        if isinstance(of, Request):
            _happened(of, what, request, where)
        note(request.user, role, Action.MASK, purpose=Purpose.ACCESS, recording=of.recording, details=details)


def _named(of: Request | Disclosure) -> str:
    """What the names of its addresses begin with."""
    return "disclosure_" if isinstance(of, Disclosure) else ""


@needs(Action.COPY)
@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: Asked, number: UUID) -> HttpResponse:
    """Say to whom the client's copy goes (S2)."""
    asked = get_object_or_404(Request, pk=number)
    permit(request.user, Action.COPY, Purpose.ACCESS, recording=asked.recording)
    context = shown(asked)
    if not context["may_copy"]:
        return redirect("request", number)
    form = CopyForm(request.POST or None, initial={"language": "nl"})
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            made = _permitted(request, form.cleaned_data, asked.recording, request=asked)
            _happened(asked, What.COPIED, request, form.cleaned_data["given_to"])
        return redirect("copy", made.pk)
    return render(request, "rights/copy.html", context | {"form": form, "back": asked})


@needs(Action.DISCLOSE)
@require_http_methods(["GET", "HEAD", "POST"])
def disclosed_copy(request: Asked, number: UUID) -> HttpResponse:
    """The same of a copy that somebody else is to get, once a second person has confirmed it (P3)."""
    disclosure = get_object_or_404(Disclosure, pk=number)
    permit(request.user, Action.DISCLOSE, recording=disclosure.recording)
    if not disclosure.counts(now_ms()):
        return redirect("disclosure", number)
    form = CopyForm(request.POST or None, initial={"language": "nl", "given_to": disclosure.to})
    if request.method == "POST" and form.is_valid():
        made = _permitted(request, form.cleaned_data, disclosure.recording, disclosure=disclosure)
        return redirect("copy", made.pk)
    context = {"form": form, "disclosure": disclosure, "masks": disclosure.masks.order_by("start_ms")}
    return render(request, "rights/copy.html", context)


@needs(Action.COPY)
@require_http_methods(["GET", "HEAD"])
def handing(request: Asked, number: UUID) -> HttpResponse:
    """Where the copy is downloaded."""
    return render(request, "rights/handing.html", {"copy": _mine(request, number)})


@needs(Action.COPY)
@require_http_methods(["GET"])
def download(request: Asked, number: UUID) -> HttpResponseBase:
    """The copy, as the reading room makes it: nothing of it is kept here."""
    held = _mine(request, number)
    context: dict[str, Any] = {"copy": held}
    try:
        answer, pieces = asking.copy(held.pk)
    except asking.Away:
        return render(request, "rights/handing.html", context | {"why_not": WHY_NOT["away"]}, status=503)
    if answer.status != 200:
        told = answer.json()
        context |= {"why_not": WHY_NOT[told["why"]], "flaw": told.get("flaw")}
        return render(request, "rights/handing.html", context, status=answer.status)
    name = f"wederhoor-{moment(held.at_ms):%Y-%m-%d}-{held.recording[:8]}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(pieces, content_type="application/zip", headers=headers)


def _mine(request: Asked, number: UUID) -> CopyPermit:
    """A permit of this person; another's is as if it were not there."""
    found = CopyPermit.objects.filter(pk=number, person=request.user).first()
    if found is None:
        raise Http404
    return found


def _permitted(asked: Asked, cleaned: dict[str, Any], recording: str, **cause: Request | Disclosure) -> CopyPermit:
    at_ms = now_ms()
    return CopyPermit.objects.create(
        person=asked.user,
        recording=recording,
        given_to=cleaned["given_to"],
        language=cleaned["language"],
        at_ms=at_ms,
        until_ms=at_ms + COPY_MS,
        **cause,
    )


def _happened(asked: Request, what: What, request: Asked, words: str) -> None:
    Event.objects.create(request=asked, what=what.value, words=words, person=request.user, at_ms=now_ms())

"""A client looks at their own recording, and asks for something: with a code, and without an account.

The code comes in the body of a request and never in its address, so that it stands in no log and in no browser's history. It
lives in the page alone: no cookie and no session keeps it, on a computer that may be a library's.

A wrong code, an unknown one and what is none at all have the same answer, by the same look-up. A right one gives itself away
by its page, and by nothing before it.
"""

from collections.abc import Callable
from functools import wraps

import segno
from allauth.core.ratelimit import consume
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from recorder.archive import naming
from recorder.archive.access import Action
from recorder.archive.web import access
from recorder.archive.web.access import everybody, needs, note, permit
from recorder.archive.web.archive import archive, terms
from recorder.archive.web.client.forms import AskForm, CodeForm
from recorder.archive.web.client.found import Found, find
from recorder.archive.web.client.limits import ALL, WAIT_SECONDS
from recorder.archive.web.client.words import ASKS, BASES, CAUSES, CONSENT, UNSAID
from recorder.archive.web.holds.holding import BeingDeleted
from recorder.archive.web.meetings.views import look
from recorder.archive.web.policy.live import live
from recorder.archive.web.rights.kinds import Kind
from recorder.archive.web.rights.opening import open_request
from recorder.archive.web.rights.packing import consent, consent_file, how_to_check, key_file, pack, receipt_file
from recorder.archive.web.trail.reading import CARD
from recorder.archive.web.views import speak
from recorder.errors import StoreError

Page = Callable[[HttpRequest], HttpResponse]
NAME = "wederhoor"
"""Of what the client keeps: which room it was, they know."""


def apart(page: Page) -> Page:
    """No search engine lists it; and it speaks the language that was asked for together with the code, which stays typed."""

    @wraps(page)
    def answer(request: HttpRequest) -> HttpResponse:
        wanted = request.POST.get("language", "")
        known = wanted in dict(settings.LANGUAGES)
        if known:
            translation.activate(wanted)
        response = page(request)
        if known:
            speak(response, wanted)
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return response

    return answer


@everybody
@require_http_methods(["GET", "HEAD", "POST"])
@apart
def client(request: HttpRequest) -> HttpResponse:
    """Type a code, or come with it from a QR; and see what there is."""
    if request.method != "POST" or "code" not in request.POST:
        return render(request, "client/code.html", {"form": CodeForm()})
    return _found_by_code(request, _show)


@everybody
@require_http_methods(["POST"])
@apart
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for something: first the form, then what becomes of it. The code alone is needed; docs/threats.md says why."""
    return _found_by_code(request, _ask)


@everybody
@require_http_methods(["POST"])
@apart
def file(request: HttpRequest) -> HttpResponse:
    """The receipt, with all that others need to check it, or the certificate; to be kept."""
    return _found_by_code(request, _file)


@needs(Action.SEE)
@require_http_methods(["GET", "HEAD"])
def card(request: access.Asked, recording: str) -> HttpResponse:
    """What the client takes home: printed by the person who had the conversation."""
    seen = look(request.user, Action.SEE, recording)
    role = permit(request.user, Action.SEE, own=seen.of(request.user), recording=recording)
    code = seen.row.code
    if code is None:
        return render(request, "client/card.html", {"seen": seen})
    note(request.user, role, Action.SEE, recording=recording, details=CARD)
    address = settings.CONFIG.web.url + reverse("client")
    picture = segno.make(f"{address}#{code}", error="m", micro=False).svg_data_uri(scale=6, light="#fff")
    return render(request, "client/card.html", {"seen": seen, "code": code, "address": address, "picture": picture})


def _found_by_code(request: HttpRequest, show: Callable[[HttpRequest, Found], HttpResponse]) -> HttpResponse:
    if not consume(request, action="client_code", key=ALL):
        return _wait(request)
    form = CodeForm(request.POST)
    found = find(form.typed())
    if found is None:
        form.unknown()
        return render(request, "client/code.html", {"form": form})
    return show(request, found)


def _wait(request: HttpRequest) -> HttpResponse:
    response = render(request, "client/wait.html", {"minutes": WAIT_SECONDS // 60}, status=429)
    response["Retry-After"] = str(WAIT_SECONDS)
    return response


def _show(request: HttpRequest, found: Found) -> HttpResponse:
    decided = live()  # first, for a wrong code asks that too: they differ in nothing before its page
    asks = {kind.value: each for kind, each in ASKS.items() if found.may_ask(kind)}
    context = {"found": found, "asks": asks, "consent": CONSENT, "bases": BASES, "causes": CAUSES, "unsaid": UNSAID}
    return render(
        request, "client/found.html", context | {"officer": decided.privacy_officer, "contact": decided.contact}
    )


def _ask(request: HttpRequest, found: Found) -> HttpResponse:
    try:
        kind = Kind(request.POST.get("kind", ""))
    except ValueError as error:
        raise Http404 from error
    if not found.may_ask(kind):
        return _show(request, found)
    form = AskForm(kind, request.POST if "send" in request.POST else None)
    if form.is_valid():
        if not consume(request, action="client_ask", key=ALL):
            return _wait(request)
        try:
            made = open_request(found.recording, kind, form.cleaned_data["words"], person=None)
        except BeingDeleted:
            form.add_error(None, _("We are deleting the recording at this moment. So you can no longer ask this."))
        else:
            context = {"found": found, "made": made, "kind": kind.value, "contact": live().contact}
            context |= {"hours": terms().undo_hours}
            return render(request, "client/asked.html", context)
    context = {"found": found, "form": form, "kind": kind.value, "ask": ASKS[kind]}
    return render(request, "client/ask.html", context)


def _file(request: HttpRequest, found: Found) -> HttpResponse:
    catalogue, store = archive()
    what, receipt, device = request.POST.get("what", ""), found.receipt, found.row.device
    try:
        if what == "receipt" and receipt is not None:
            signed = receipt_file(NAME, store.get(naming.receipt(found.recording)))
            words = consent_file([*consent(receipt), "", *how_to_check(NAME, [signed.name])])
            contents = b"".join(pack([words, signed, key_file(NAME, catalogue.public_keys([device])[device])]))
            name, kind = f"{NAME}.zip", "application/zip"
        elif what == "certificate":
            contents = store.get(naming.deleted(found.recording))
            name, kind = f"{NAME}.certificate", "application/octet-stream"
        else:
            raise Http404
    except StoreError as error:
        raise Http404 from error
    response = HttpResponse(contents, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response

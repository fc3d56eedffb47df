"""The audit trail for who watches over it: what was done, whether it is still as it was written, and what to publish of it."""

from typing import Any

import segno
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action
from recorder.archive.audit_file import publish, write
from recorder.archive.web.access import Asked, needs, note, permit
from recorder.archive.web.clock import now_ms
from recorder.archive.web.trail import chain
from recorder.archive.web.trail.finding import PORTION_ROWS, find, show
from recorder.archive.web.trail.forms import AuditForm
from recorder.archive.web.trail.models import Checkpoint
from recorder.archive.web.trail.publishing import key_file
from recorder.archive.web.trail.writing import acting
from recorder.errors import AuditError, KeyFileError
from recorder.keyfiles import load_device_public

CHECKPOINTS_SHOWN = 20


@needs(Action.READ_AUDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def audit(request: Asked) -> HttpResponse:
    """The lines, the newest first. POST: who is looked for stands in no address."""
    role = permit(request.user, Action.READ_AUDIT)
    form = AuditForm(request.POST or None)
    wanted: dict[str, Any] = form.cleaned_data if form.is_bound and form.is_valid() else {}
    lines = find(wanted)
    if not wanted.get("before"):  # what follows is of the same reading
        details = {name: str(value) for name, value in wanted.items() if value}
        note(request.user, role, Action.READ_AUDIT, details=details)
    more = len(lines) > PORTION_ROWS
    lines = lines[:PORTION_ROWS]
    context = {
        "form": form,
        "asked": {name: value for name, value in form.data.items() if name in form.fields and name != "before"},
        "shown": show(lines),
        "before": lines[-1].number if more else None,
        "filtered": any(wanted.values()),
    }
    return render(request, "trail/audit.html", context)


@needs(Action.READ_AUDIT)
@require_http_methods(["POST"])
def check(request: Asked) -> HttpResponse:
    """Walk all of it, and say whether it is as it was written."""
    role = permit(request.user, Action.READ_AUDIT)
    context: dict[str, Any] = {}
    try:
        key = _key()
        checkpoints = [] if key is None else chain.own_checkpoints(key)
        before, last = chain.check(checkpoints, now_ms())
        context = {"first": before.number + 1, "last": last.number, "count": len(checkpoints)}
        note(request.user, role, Action.READ_AUDIT, details={"lines": f"{before.number + 1}-{last.number}"})
    except AuditError as error:
        context = {"flaw": str(error)}
        note(request.user, role, Action.READ_AUDIT, details={"found": str(error)})
    return render(request, "trail/checked.html", context)


@needs(Action.READ_AUDIT)
@require_http_methods(["POST"])
def export(request: Asked) -> HttpResponseBase:
    """All of it, in a file that anybody can check."""
    role = permit(request.user, Action.READ_AUDIT)
    with acting():
        note(request.user, role, Action.READ_AUDIT, details={"lines": f"1-{chain.end().number}"})
    try:
        before = chain.beginning()
    except AuditError as error:
        return render(request, "trail/checked.html", {"flaw": str(error)})
    lines = ((each.number, chain.kept(each)) for each in chain.walk(before.number))
    answer = StreamingHttpResponse(
        write(settings.CONFIG.archive.name, before, lines), content_type="application/jsonl; charset=utf-8"
    )
    answer["Content-Disposition"] = 'attachment; filename="audit.jsonl"'
    return answer


@needs(Action.READ_AUDIT)
@require_http_methods(["GET", "HEAD"])
def checkpoints(request: Asked) -> HttpResponse:
    """What is to be printed, or put on a website: how far the trail went, signed."""
    permit(request.user, Action.READ_AUDIT)
    try:
        found = [_shown(each) for each in Checkpoint.objects.order_by("-number")[:CHECKPOINTS_SHOWN]]
    except AuditError as error:
        return render(request, "trail/checked.html", {"flaw": str(error)})
    return render(request, "trail/checkpoints.html", {"newest": found[:1], "older": found[1:]})


def _shown(checkpoint: Checkpoint) -> dict[str, Any]:
    word = publish(bytes(checkpoint.body))
    code = segno.make_qr(word, error="m")
    svg = code.svg_inline(scale=4, border=4, dark="#000000", light="#ffffff", omitsize=True)
    return {"told": chain.told(checkpoint), "word": word, "qr": mark_safe(svg)}  # noqa: S308 # segno's own drawing


def _key() -> Ed25519PublicKey | None:
    """The archive's public key, which lies beside what it signed; None before it did."""
    file = key_file()
    try:
        return load_device_public(file) if file.exists() else None
    except KeyFileError as error:
        raise AuditError(str(error)) from error

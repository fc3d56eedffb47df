"""Holds: who set them, who confirms them, and when they end. And what goes when no hold keeps it."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action, could, may, purposes
from recorder.archive.web.access import Asked, needs, note, permit, refused, second_eyes
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds import chart, deletions, forecast, holding
from recorder.archive.web.holds.forms import CertificateForm, HoldForm, WhyForm
from recorder.archive.web.holds.listing import Shown, lists
from recorder.archive.web.holds.models import CONFIRM_DAYS, Hold, How, Kind, State
from recorder.archive.web.holds.words import BEING_DELETED
from recorder.archive.web.meetings.views import look
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.overdue import overdue
from recorder.archive.web.rights.words import KINDS
from recorder.archive.web.times import moment
from recorder.archive.web.trail.writing import acting
from recorder.archive.web.words import CAUSES
from recorder.errors import StoreError
from recorder.wire.topics import RECORDING_PATTERN


@needs(Action.HOLD, Action.CONFIRM_HOLD, Action.END_HOLD)
@require_http_methods(["GET", "HEAD"])
def holds(request: Asked) -> HttpResponse:
    """Those that wait, that run, that end soon, and that are over; of whoever sees no others' recordings, their own."""
    found = lists(None if _sees_all(request.user) else request.user, request.GET)
    context = {"lists": found, "may_confirm": may(request.user.roles, Action.CONFIRM_HOLD)}
    return render(request, "holds/holds.html", context)


@needs(Action.HOLD)
@require_http_methods(["GET", "HEAD", "POST"])
def place(request: Asked, recording: str) -> HttpResponse:
    """Set one, for the case of this recording."""
    seen = look(request.user, Action.HOLD, recording)
    own = seen.of(request.user)
    allowed = purposes(request.user.roles, Action.HOLD, own=own)
    number = seen.link.case.number if seen.link else ""
    form = HoldForm([each for each in Kind if each.purpose in allowed], request.POST or None, initial={"case": number})
    if request.method == "POST" and form.is_valid():
        kind, case = Kind(form.cleaned_data["kind"]), form.cleaned_data["case"]
        role = permit(request.user, Action.HOLD, kind.purpose, own=own, recording=recording)
        if seen.link is not None and case != number:
            form.add_error("case", _("The recording is not of this case."))
        else:
            reason = form.cleaned_data["reason"]
            details = {"case": case, "reason": reason, "until": form.cleaned_data["until"].isoformat()}
            try:
                with acting():
                    note(request.user, role, Action.HOLD, purpose=kind.purpose, recording=recording, details=details)
                    made = holding.place(
                        request.user, kind, case=case, reason=reason, expires_ms=form.expires_ms, recording=recording
                    )
            except holding.BeingDeleted:
                form.add_error(None, BEING_DELETED)
            else:
                messages.success(request, _("The hold is set. A colleague must confirm it."))
                return redirect("hold", made.pk)
    context = {"seen": seen, "form": form, "days": CONFIRM_DAYS}
    return render(request, "holds/place.html", context)


@needs(Action.HOLD, Action.CONFIRM_HOLD, Action.END_HOLD)
@require_http_methods(["GET", "HEAD"])
def hold(request: Asked, number: int) -> HttpResponse:
    """One hold, and what one may do with it."""
    return _show(request, _find(request.user, number))


@needs(Action.CONFIRM_HOLD)
@require_http_methods(["POST"])
def confirm(request: Asked, number: int) -> HttpResponse:
    """As a second person."""
    found = _find(request.user, number)
    role = permit(request.user, Action.CONFIRM_HOLD, recording=found.recording)
    second_eyes(request.user, Action.CONFIRM_HOLD, found.placed_by_id, recording=found.recording)
    try:
        with acting():
            again = Hold.objects.select_for_update().get(pk=found.pk)
            waits = again.state(now_ms()) is State.WAITING
            if waits:
                holding.confirm(again, request.user)
                note(request.user, role, Action.CONFIRM_HOLD, recording=found.recording)
                holding.check_keeps(again)
    except holding.BeingDeleted:
        messages.error(request, BEING_DELETED)
        return redirect("hold", number)
    if waits:
        messages.success(request, _("You confirmed the hold."))
    else:
        messages.warning(request, _("This hold does not wait any more: nothing was changed."))
    return redirect("hold", number)


@needs(Action.CONFIRM_HOLD)
@require_http_methods(["GET", "HEAD", "POST"])
def refuse(request: Asked, number: int) -> HttpResponse:
    """Say no, as a second person."""
    found = _find(request.user, number)
    permit(request.user, Action.CONFIRM_HOLD, recording=found.recording)
    second_eyes(request.user, Action.CONFIRM_HOLD, found.placed_by_id, recording=found.recording)
    return _stop(request, found, Action.CONFIRM_HOLD, How.REFUSED)


@needs(Action.END_HOLD)
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: Asked, number: int) -> HttpResponse:
    """Before its date, for what it was for is over."""
    found = _find(request.user, number)
    permit(request.user, Action.END_HOLD, recording=found.recording)
    return _stop(request, found, Action.END_HOLD, How.ENDED)


def _stop(request: Asked, found: Hold, action: Action, how: How) -> HttpResponse:
    stoppable = {State.WAITING} if how is How.REFUSED else {State.WAITING, State.RUNNING}
    form = WhyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        role, why = permit(request.user, action, recording=found.recording), form.cleaned_data["why"]
        with acting():
            again = Hold.objects.select_for_update().get(pk=found.pk)
            stands = again.state(now_ms()) in stoppable
            if stands:
                holding.end(again, request.user, how, why)
                details = {"case": found.case.number, "how": how.value, "why": why}
                note(request.user, role, action, recording=found.recording, details=details)
        if stands:
            messages.success(request, _("The hold has ended."))
        else:
            messages.warning(request, _("This hold had ended already: nothing was changed."))
        return redirect("hold", found.pk)
    context = {"each": Shown(found, now_ms()), "form": form, "refusing": how is How.REFUSED}
    return render(request, "holds/stop.html", context)


def _sees_all(person: Person) -> bool:
    """Who confirms must know of what, and who may see every recording may see what keeps it."""
    return may(person.roles, Action.CONFIRM_HOLD) or may(person.roles, Action.SEE)


def _find(person: Person, number: int) -> Hold:
    """One's own, or any for who sees all; for others it is as if it were not there."""
    found = Hold.objects.select_related("case", "placed_by", "confirmed_by", "ended_by").filter(pk=number).first()
    if found is None:
        raise Http404
    if not _sees_all(person) and found.placed_by_id != person.pk:
        refused(person, Action.HOLD, recording=found.recording)
        raise Http404
    return found


def _show(request: Asked, found: Hold) -> HttpResponse:
    roles, shown = request.user.roles, Shown(found, now_ms())
    waits, mine = shown.state is State.WAITING, found.placed_by_id == request.user.pk
    context = {
        "each": shown,
        "mine": mine,
        "recordings": holding.covered(found),
        "may_confirm": waits and not mine and may(roles, Action.CONFIRM_HOLD),
        "may_end": shown.state in (State.WAITING, State.RUNNING) and may(roles, Action.END_HOLD),
        "may_see": found.recording is not None and could(roles, Action.SEE, own=mine),
        "days": CONFIRM_DAYS,
    }
    return render(request, "holds/hold.html", context)


@needs(Action.PREVIEW_DELETIONS)
@require_http_methods(["GET", "HEAD"])
def preview(request: Asked) -> HttpResponse:
    """What goes, why and when, as of the last nightly run; and what is kept beyond its date, and by whom."""
    permit(request.user, Action.PREVIEW_DELETIONS)
    asked = request.GET.get("days", "")
    days = int(asked) if asked in {str(each) for each in deletions.DAYS} else deletions.DAYS[0]
    today = moment(now_ms()).date()
    counts = chart.counts(today)
    within = [(each, forecast.coming(counts, today, each)) for each in deletions.DAYS]
    last = deletions.last_run()
    context = {
        "chart": chart.draw(counts, today),
        "days": days,
        "same_days": f"days={days}&",
        "within": [(each, causes, sum(causes.values())) for each, causes in within],
        **deletions.lists(days, request.GET),
        "overdue": overdue(),
        "kinds": KINDS,
        "run": last,
        "late": deletions.is_late(last),
        "causes": CAUSES,
        "form": CertificateForm(),
    }
    return render(request, "holds/deletions.html", context)


@needs(Action.PREVIEW_DELETIONS)
@require_http_methods(["GET", "HEAD"])
def find_certificate(request: Asked) -> HttpResponse:
    """By the id of a recording, which tells nothing of anybody and so may stand in an address."""
    permit(request.user, Action.PREVIEW_DELETIONS)
    form, why_not = CertificateForm(request.GET or None), None
    if form.is_valid():
        recording = form.cleaned_data["recording"]
        permit(request.user, Action.PREVIEW_DELETIONS, recording=recording)
        why_not = deletions.without_certificate(recording)
        if why_not is None:
            return redirect("deletion", recording)
    return render(request, "holds/find_certificate.html", {"form": form, "why_not": why_not})


@needs(Action.PREVIEW_DELETIONS)
@require_http_methods(["GET", "HEAD"])
def deletion(request: Asked, recording: str) -> HttpResponse:
    """The certificate of one recording's deletion, in words."""
    return render(request, "holds/deletion.html", {"recording": recording, "certified": _certified(request, recording)})


@needs(Action.PREVIEW_DELETIONS)
@require_http_methods(["GET", "HEAD"])
def certificate(request: Asked, recording: str) -> HttpResponse:
    """The certificate as a file, for `recorder verify`."""
    found = _certified(request, recording)
    headers = {"Content-Disposition": f'attachment; filename="{recording}.deleted"'}
    return HttpResponse(found.data, content_type="application/octet-stream", headers=headers)


def _certified(request: Asked, recording: str) -> deletions.Certified:
    permit(
        request.user, Action.PREVIEW_DELETIONS, recording=recording if RECORDING_PATTERN.fullmatch(recording) else None
    )
    try:
        return deletions.certified(recording)
    except StoreError as error:
        raise Http404 from error

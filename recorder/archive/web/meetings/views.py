"""Finding a recording, saying of which case it is, and seeing what is known of it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action, could, waits
from recorder.archive.due import facts
from recorder.archive.retention import HOUR_MS
from recorder.archive.web.access import Asked, check_confirmed, needs, note, permit, refused
from recorder.archive.web.archive import terms
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.holding import BeingDeleted
from recorder.archive.web.holds.listing import of_recording as holds_of
from recorder.archive.web.holds.words import BEING_DELETED
from recorder.archive.web.meetings import claims
from recorder.archive.web.meetings.forms import CaseForm, DecisionForm, LinkForm, StatementForm
from recorder.archive.web.meetings.grounds import grounds
from recorder.archive.web.meetings.lists import lists
from recorder.archive.web.meetings.models import Case, Link, Statement
from recorder.archive.web.meetings.moments import MOMENTS_SHOWN, moments
from recorder.archive.web.meetings.seen import Seen, see, unlinked
from recorder.archive.web.meetings.verdicts import verdict
from recorder.archive.web.meetings.words import EVIDENCE_OF, TROUBLES
from recorder.archive.web.people.models import Person
from recorder.archive.web.policy.live import live
from recorder.archive.web.rights.models import Request
from recorder.archive.web.rights.standing import keeping
from recorder.archive.web.rights.words import KINDS, STATES
from recorder.archive.web.times import noon_ms
from recorder.archive.web.trail.reading import listeners, saw
from recorder.archive.web.trail.writing import acting
from recorder.archive.web.words import CONSENT
from recorder.wire.topics import RECORDING_PATTERN

WHILE_RESTRICTED = frozenset({Action.SEE, Action.DECIDE, Action.HOLD, Action.CONFIRM_HOLD, Action.END_HOLD})
"""What others than the rights desk may still do with a recording that is restricted (S5): none of it is a use."""


@needs(Action.LIST_UNLINKED)
@require_http_methods(["GET", "HEAD"])
def meetings(request: Asked) -> HttpResponse:
    """My meetings: those of my rooms that have no case yet, and those that I gave one."""
    permit(request.user, Action.LIST_UNLINKED)
    context = {"rooms": request.user.rooms, "officer": live().privacy_officer, "unlinked_days": terms().unlinked_days}
    return render(request, "meetings/meetings.html", context | lists(request.user, request.GET))


@needs(Action.LINK)
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: Asked, recording: str) -> HttpResponse:
    """Say of which case a meeting is. Only of one's own rooms, and only of one that has none."""
    role = permit(request.user, Action.LINK, recording=recording)
    found = see([recording]) if recording in unlinked(request.user.rooms) else []
    if not found:
        raise Http404
    seen = found[0]
    form = LinkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        number = form.cleaned_data["case"]
        try:
            new = claims.link(seen, number, request.user, by=str(request.user.pk), role=role)
        except BeingDeleted:
            form.add_error(None, BEING_DELETED)
        else:
            if not new:  # a colleague was faster
                raise Http404
            messages.success(request, _("The recording is now of case %(case)s.") % {"case": number})
            return redirect("recording", recording)
    return render(request, "meetings/link.html", {"seen": seen, "form": form})


@needs(Action.FIND)
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: Asked) -> HttpResponse:
    """By the number of a case. POST: a case's number stands in no address, and so in no log."""
    role = permit(request.user, Action.FIND)
    form, found = CaseForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        number = form.cleaned_data["case"]
        note(request.user, role, Action.FIND, details={"case": number})
        found = see(list(Link.objects.filter(case__number=number).values_list("recording", flat=True)))
    place = "recording" if could(request.user.roles, Action.SEE, own=False) else "cut"
    return render(request, "meetings/find.html", {"form": form, "found": found, "place": place})


@needs(Action.SEE)
@require_http_methods(["GET", "HEAD"])
def recording(request: Asked, recording: str) -> HttpResponse:
    """One recording, its audio left out. Who looks at what is not their own is written down, once an hour."""
    seen = look(request.user, Action.SEE, recording)
    if not seen.of(request.user) and not saw(request.user, recording, since_ms=now_ms() - HOUR_MS):
        note(request.user, permit(request.user, Action.SEE, recording=recording), Action.SEE, recording=recording)
    return render(request, "meetings/recording.html", shown(request.user, seen))


@needs(Action.ATTACH)
@require_http_methods(["GET", "HEAD", "POST"])
def attach(request: Asked, recording: str) -> HttpResponse:
    """A statement, to be shown wherever the recording is (S4)."""
    seen = look(request.user, Action.ATTACH, recording)
    role = permit(request.user, Action.ATTACH, own=seen.of(request.user), recording=recording)
    form = StatementForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with acting():
            Statement.objects.create(
                recording=recording,
                text=form.cleaned_data["text"],
                of_client=form.cleaned_data["of_client"],
                person=request.user,
                at_ms=now_ms(),
            )
            note(request.user, role, Action.ATTACH, recording=recording)
        messages.success(request, _("The statement stands with the recording now."))
        return redirect("recording", recording)
    return render(request, "meetings/attach.html", {"seen": seen, "form": form})


@needs(Action.DECIDE)
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: Asked, recording: str) -> HttpResponse:
    """Tell when the case of this recording was decided (D1)."""
    seen = look(request.user, Action.DECIDE, recording)
    role = permit(request.user, Action.DECIDE, own=seen.of(request.user), recording=recording)
    if seen.link is None:
        raise Http404
    form = DecisionForm(facts(seen.row, seen.people).made_ms, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with acting():
            Case.decide(seen.link.case.number, noon_ms(form.cleaned_data["day"]))
            details = {"case": seen.link.case.number, "day": form.cleaned_data["day"].isoformat()}
            note(request.user, role, Action.DECIDE, recording=recording, details=details)
        messages.success(request, _("The day of the decision is noted, for all recordings of the case."))
        return redirect("recording", recording)
    return render(request, "meetings/decide.html", {"seen": seen, "form": form})


def look(person: Person, action: Action, recording: str) -> Seen:
    """The recording, for somebody who may do this with it; for others it is as if it were not there."""
    found = see([recording]) if RECORDING_PATTERN.fullmatch(recording) else []
    if not found:
        raise Http404
    seen = found[0]
    if not could(person.roles, action, own=seen.of(person)):
        refused(person, action, recording=recording)
        raise Http404
    check_confirmed(person, action, own=seen.of(person), recording=recording)
    if seen.closed_to(person.roles) and action not in WHILE_RESTRICTED:
        refused(person, action, recording=recording)
        raise PermissionDenied
    return seen


def shown(person: Person, seen: Seen) -> dict[str, Any]:
    """What a recording's page has. For who is not confirmed yet: no words of the client, nor of who decided about them."""
    own = seen.of(person)
    allowed = {
        each
        for each in (WHILE_RESTRICTED if seen.closed_to(person.roles) else Action)
        if could(person.roles, each, own=own) and (person.confirmed or not waits(each, own=own))
    }
    statements = Statement.objects.filter(recording=seen.recording).order_by("at_ms").select_related("person")
    requests = Request.objects.filter(recording=seen.recording).order_by("-came_ms")
    found = verdict(seen.row)
    places = moments(found)
    return {
        "seen": seen,
        "verified": found,
        "troubles": TROUBLES,
        "consents": CONSENT,
        "evidence_of": EVIDENCE_OF,
        "grounds": grounds(found.receipt),
        "moments": places[:MOMENTS_SHOWN],
        "more_moments": max(0, len(places) - MOMENTS_SHOWN),
        "statements": statements if person.confirmed else None,
        "listened": listeners(seen.recording),
        "may_regret": claims.may_regret(seen.link, person),
        "holds": holds_of(seen),
        "keeping": keeping(seen.recording),
        "may": {each.value for each in allowed},
        "kinds": KINDS,
        "states": STATES,
        "requests": requests if person.confirmed else None,
    }

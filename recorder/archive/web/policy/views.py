"""What the organisation has decided: one person proposes, a second one confirms, and the documents that follow from it."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action, may
from recorder.archive.web.access import Asked, needs, note, permit, second_eyes
from recorder.archive.web.clock import now_ms
from recorder.archive.web.policy.decided import Decided, flat, write
from recorder.archive.web.policy.documents import document
from recorder.archive.web.policy.forms import PolicyForm
from recorder.archive.web.policy.live import lacks, live, live_version
from recorder.archive.web.policy.models import State, Version
from recorder.archive.web.policy.shown import changes, groups, label
from recorder.archive.web.policy.words import STATES
from recorder.archive.web.times import moment
from recorder.archive.web.trail.finding import names
from recorder.archive.web.trail.writing import acting

HISTORY_SHOWN = 50
DOCUMENTS = ("register", "dpia")


@needs(Action.SET_POLICY, Action.CONFIRM_POLICY)
@require_http_methods(["GET", "HEAD"])
def policy(request: Asked) -> HttpResponse:
    """What counts now, what lacks, what is proposed, and what counted before."""
    _permit(request)
    proposed = Version.objects.filter(state=State.PROPOSED).first()
    history = list(Version.objects.order_by("-pk")[:HISTORY_SHOWN])
    context = {
        "groups": groups(live()),
        "version": live_version(),
        "lacks": [label(each) for each in lacks()],
        "proposed": proposed,
        "changes": changes(live(), proposed.decided) if proposed else [],
        "history": history,
        "names": _names(history),
        "states": STATES,
        "may_propose": may(request.user.roles, Action.SET_POLICY),
        "may_confirm": may(request.user.roles, Action.CONFIRM_POLICY)
        and proposed is not None
        and proposed.person != request.user.pk,
    }
    return render(request, "policy/policy.html", context)


@needs(Action.SET_POLICY)
@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: Asked) -> HttpResponse:
    """Everything, as it should be. It takes the place of a proposal that nobody has answered yet."""
    role = permit(request.user, Action.SET_POLICY)
    before = Version.objects.filter(state=State.PROPOSED).first()
    start = live() if before is None else before.decided
    form = PolicyForm(
        moment(now_ms()).date(),
        _promised_days(),
        request.POST if request.method == "POST" else None,
        initial=dict(flat(start)),
    )
    if request.method == "POST" and form.is_valid():
        decided: Decided = form.cleaned_data["decided"]
        if decided == live():
            form.add_error(None, _("This is what counts already: nothing was changed."))
        else:
            try:
                with acting():
                    _end(State.PROPOSED, State.DROPPED, request.user.pk)
                    made = Version.objects.create(
                        text=write(decided),
                        why=form.cleaned_data["why"],
                        state=State.PROPOSED,
                        person=request.user.pk,
                        at_ms=now_ms(),
                    )
                    details = {"version": str(made.pk), "why": made.why}
                    note(request.user, role, Action.SET_POLICY, details=details)
            except IntegrityError:  # somebody proposes at this very moment
                form.add_error(None, _("A colleague proposed something at the same time. Look at that first."))
            else:
                messages.success(request, _("The proposal waits for the privacy officer."))
                return redirect("policy")
    return render(request, "policy/propose.html", {"form": form, "replaces": before})


@needs(Action.SET_POLICY, Action.CONFIRM_POLICY)
@require_http_methods(["GET", "HEAD"])
def version(request: Asked, number: int) -> HttpResponse:
    """One version, whole."""
    _permit(request)
    found = get_object_or_404(Version, pk=number)
    context = {"version": found, "groups": groups(found.decided), "names": _names([found]), "states": STATES}
    return render(request, "policy/version.html", context)


@needs(Action.CONFIRM_POLICY)
@require_http_methods(["POST"])
def confirm(request: Asked, number: int) -> HttpResponse:
    """Let it count from now on."""
    _answer(request, number, State.LIVE)
    messages.success(request, _("It counts from now on."))
    return redirect("policy")


@needs(Action.CONFIRM_POLICY)
@require_http_methods(["POST"])
def drop(request: Asked, number: int) -> HttpResponse:
    """Say no to it."""
    _answer(request, number, State.DROPPED)
    messages.success(request, _("The proposal is off. What counted counts on."))
    return redirect("policy")


@needs(Action.SET_POLICY, Action.CONFIRM_POLICY)
@require_http_methods(["GET", "HEAD"])
def shown(request: Asked, kind: str) -> HttpResponse:
    """A document that the law asks for, of today."""
    _permit(request)
    return render(request, f"policy/{_known(kind)}.html", {"kind": kind, **document()})


@needs(Action.SET_POLICY, Action.CONFIRM_POLICY)
@require_http_methods(["GET", "HEAD"])
def download(request: Asked, kind: str) -> HttpResponse:
    """The same as a file that stands by itself."""
    _permit(request)
    answer = render(request, f"policy/{_known(kind)}_file.html", {"kind": kind, **document()})
    answer["Content-Disposition"] = f'attachment; filename="{kind}-{get_language()}.html"'
    return answer


def _permit(request: Asked) -> None:
    propose = may(request.user.roles, Action.SET_POLICY)
    permit(request.user, Action.SET_POLICY if propose else Action.CONFIRM_POLICY)


def _answer(request: Asked, number: int, state: State) -> None:
    """A second person's answer to a proposal: to the one that they saw, and not to one that took its place."""
    person = request.user
    role = permit(person, Action.CONFIRM_POLICY)
    # They may have had the other role then.
    second_eyes(
        person, Action.CONFIRM_POLICY, Version.objects.filter(pk=number).values_list("person", flat=True).first()
    )
    with acting():
        found = Version.objects.select_for_update().filter(pk=number, state=State.PROPOSED).first()
        if found is None:
            raise Http404
        if state is State.LIVE:
            _end(State.LIVE, State.PAST)
        found.state, found.second, found.second_ms = state, person.pk, now_ms()
        found.save()
        note(person, role, Action.CONFIRM_POLICY, details={"version": str(number), "answer": state.value})


def _end(state: State, then: State, second: UUID | None = None) -> None:
    """What has this state, of which there is one at most, has another from now on."""
    found = Version.objects.select_for_update().filter(state=state).first()
    if found is not None:
        found.state = then
        if second is not None:
            found.second, found.second_ms = second, now_ms()
        found.save()


def _promised_days() -> int:
    """The longest term of evidence that clients were ever told of."""
    counted = Version.objects.filter(state__in=[State.LIVE, State.PAST])
    return max([settings.CONFIG.archive.retention_days, *(each.decided.evidence_days for each in counted)])


def _names(versions: list[Version]) -> dict[str, str]:
    ids = {str(each) for one in versions for each in (one.person, one.second) if each is not None}
    return names(ids)


def _known(kind: str) -> Any:
    if kind not in DOCUMENTS:
        raise Http404
    return kind

"""Fragments for training: cut by one trainer, heard and approved by another, heard by trainees (P4)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action, Purpose, may
from recorder.archive.web.access import Asked, needs, note, permit, refused, second_eyes
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening.asking import Away, ask
from recorder.archive.web.listening.models import PERMIT_MS, Permit
from recorder.archive.web.listening.views import SPEEDS, passed_on
from recorder.archive.web.listening.words import WHY_NOT
from recorder.archive.web.meetings.seen import Seen, see
from recorder.archive.web.meetings.verdicts import verdict
from recorder.archive.web.meetings.views import look
from recorder.archive.web.paging import page
from recorder.archive.web.people.models import Person
from recorder.archive.web.policy.live import live
from recorder.archive.web.trail.writing import acting
from recorder.archive.web.training.consent import begins_ms, consent_of, why_not
from recorder.archive.web.training.forms import CutForm, JudgeForm
from recorder.archive.web.training.models import Fragment, FragmentPermit, State
from recorder.archive.web.training.words import STATES, TONES
from recorder.wire.consent import DAY_MS


@needs(Action.HEAR_FRAGMENT)
@require_http_methods(["GET", "HEAD"])
def training(request: Asked) -> HttpResponse:
    """What can be heard; for trainers also what waits, and what is theirs."""
    permit(request.user, Action.HEAR_FRAGMENT, Purpose.TRAINING)
    alive = Fragment.objects.filter(expires_ms__gt=now_ms(), consent__withdrawn_ms=None).select_related("person")
    trainer = _is_trainer(request.user)
    found = {"approved": page(alive.filter(state=State.APPROVED), "-judged_ms", request.GET.get("approved", ""))}
    if trainer:
        mine = alive.filter(person=request.user).exclude(state=State.MAKING)
        found["waiting"] = page(alive.filter(state=State.WAITING), "at_ms", request.GET.get("waiting", ""))
        found["mine"] = page(mine, "-at_ms", request.GET.get("mine", ""))
    context = {
        **{name: each if name == "mine" else each.of(_usable(each.rows)) for name, each in found.items()},
        "trainer": trainer,
        "states": STATES,
        "tones": TONES,
    }
    return render(request, "training/training.html", context)


@needs(Action.CUT)
@require_http_methods(["GET", "HEAD", "POST"])
def cut(request: Asked, recording: str) -> HttpResponse:
    """Listen to a recording, and cut a fragment from it: only of a client who agreed, and when their days are over."""
    seen = look(request.user, Action.CUT, recording)
    permit(request.user, Action.CUT, Purpose.TRAINING, recording=recording)
    found = verdict(seen.row)
    context: dict[str, Any] = {"seen": seen, "verified": found}
    if why := why_not(seen):
        begins = begins_ms(seen) if why == "too_early" else None
        return render(request, "training/cut.html", context | {"why_not": WHY_NOT[why], "begins_ms": begins})
    player = _player(request.user, recording)
    if player is None:
        return render(request, "training/cut.html", context)
    form = CutForm(found.sound_ms, request.POST or None)
    context |= {"player": player, "form": form, "days": live().fragment_days, "speeds": SPEEDS}
    if request.method == "POST" and form.is_valid():
        made = _asked_for(request, recording, form.cleaned_data)
        try:
            answer = ask("POST", f"/fragments/{made.pk}/made")
            failed = None if answer.status == 200 else WHY_NOT[answer.json()["why"]]
        except Away:
            failed = WHY_NOT["away"]
        if failed is None:
            messages.success(request, _("The fragment is made. A second trainer must hear and approve it now."))
            return redirect("fragment", made.pk)
        Fragment.objects.filter(pk=made.pk, state=State.MAKING).delete()  # what there is of its sound goes tonight
        form.add_error(None, str(failed))
    elif request.method != "POST" and (told := _opened(f"/permits/{player.pk}/opened")):
        context["why_not"] = told
    return render(request, "training/cut.html", context)


@needs(Action.HEAR_FRAGMENT)
@require_http_methods(["GET", "HEAD", "POST"])
def fragment(request: Asked, number: UUID) -> HttpResponse:
    """One fragment. POST: hear it, which is written down."""
    found, _seen = _one(request, number)
    permit(request.user, Action.HEAR_FRAGMENT, Purpose.TRAINING, recording=found.recording)
    if request.method == "POST":
        if found.state == State.REJECTED:
            raise Http404
        held = FragmentPermit.objects.create(person=request.user, fragment=found, until_ms=now_ms() + PERMIT_MS)
        return redirect("hear_fragment", held.pk)
    return render(request, "training/fragment.html", _shown(request, found))


@needs(Action.HEAR_FRAGMENT)
@require_http_methods(["GET", "HEAD"])
def hear(request: Asked, permit: UUID) -> HttpResponse:
    """A fragment with its player, and for a second person what they decide."""
    held = _mine(request, permit)
    found, _seen = _one(request, held.fragment_id)
    told = _opened(f"/fragment-permits/{held.pk}/opened")
    context = _shown(request, found) | ({"why_not": told} if told else {"player": held})
    return render(request, "training/fragment.html", context)


@needs(Action.HEAR_FRAGMENT)
@require_http_methods(["GET", "HEAD"])
def audio(request: Asked, permit: UUID) -> HttpResponseBase:
    """A range of the fragment's file, as the reading room gives it."""
    return passed_on(request, f"/fragment-permits/{_mine(request, permit).pk}/audio")


@needs(Action.APPROVE_FRAGMENT)
@require_http_methods(["GET", "HEAD", "POST"])
def approve(request: Asked, number: UUID) -> HttpResponse:
    """Decide whether trainees may hear it: another trainer than who cut it, who has heard it."""
    found, _seen = _one(request, number)
    role = permit(request.user, Action.APPROVE_FRAGMENT, Purpose.TRAINING, recording=found.recording)
    second_eyes(request.user, Action.APPROVE_FRAGMENT, found.person_id, recording=found.recording)
    if not _has_heard(request.user, found):
        refused(request.user, Action.APPROVE_FRAGMENT, Purpose.TRAINING, recording=found.recording)
        raise PermissionDenied
    form = JudgeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        outcome, words = form.cleaned_data["outcome"], form.cleaned_data["words"]
        with acting():
            waiting = Fragment.objects.filter(pk=number, state=State.WAITING, consent__withdrawn_ms=None)
            if judged := waiting.update(state=outcome, judged_by=request.user, judged_ms=now_ms(), words=words):
                details = {"fragment": str(number), "answer": outcome} | ({"why": words} if words else {})
                note(
                    request.user,
                    role,
                    Action.APPROVE_FRAGMENT,
                    purpose=Purpose.TRAINING,
                    recording=found.recording,
                    details=details,
                )
        if not judged:
            messages.error(request, _("Somebody else has just decided on this fragment."))
        elif outcome == State.APPROVED:
            messages.success(request, _("It is approved. Trainees can hear it now."))
        else:
            messages.success(request, _("It is rejected. Nobody can hear it now, and it is destroyed tonight."))
        return redirect("training")
    return render(request, "training/approve.html", {"fragment": found, "form": form})


def _asked_for(request: Asked, recording: str, cleaned: dict[str, Any]) -> Fragment:
    """The fragment that the reading room is to make."""
    consent, now = consent_of(recording), now_ms()
    if consent is None:  # taken back just now
        raise Http404
    return Fragment.objects.create(
        recording=recording,
        consent=consent,
        start_ms=cleaned["start"],
        stop_ms=cleaned["stop"],
        masks=cleaned["masks"],
        title=cleaned["title"],
        goal=cleaned["goal"],
        person=request.user,
        at_ms=now,
        expires_ms=now + live().fragment_days * DAY_MS,
    )


def _one(request: Asked, number: UUID) -> tuple[Fragment, Seen]:
    """A fragment that this person may know of; any other is as if it were not there."""
    states = [State.WAITING, State.APPROVED, State.REJECTED] if _is_trainer(request.user) else [State.APPROVED]
    found = get_object_or_404(
        Fragment.objects.select_related("person", "judged_by"),
        pk=number,
        state__in=states,
        expires_ms__gt=now_ms(),
        consent__withdrawn_ms=None,
    )
    seen = see([found.recording])
    if not seen or why_not(seen[0]):
        raise Http404
    return found, seen[0]


def _shown(request: Asked, found: Fragment) -> dict[str, Any]:
    """What a fragment's page has."""
    second = _is_trainer(request.user) and found.person_id != request.user.pk and found.state == State.WAITING
    return {
        "fragment": found,
        "trainer": _is_trainer(request.user),
        "may_judge": second and _has_heard(request.user, found),
        "must_hear": second,
        "states": STATES,
        "tones": TONES,
        "speeds": SPEEDS,
    }


def _is_trainer(person: Person) -> bool:
    return may(person.roles, Action.APPROVE_FRAGMENT, Purpose.TRAINING)


def _has_heard(person: Person, found: Fragment) -> bool:
    return FragmentPermit.objects.filter(person=person, fragment=found, opened_ms__isnull=False).exists()


def _usable(found: Sequence[Fragment]) -> list[Fragment]:
    """Those of which the recording is neither locked nor restricted, and is there."""
    closed = {each.recording: each.fate.locked or each.restricted for each in see({each.recording for each in found})}
    return [each for each in found if not closed.get(each.recording, True)]


def _player(person: Person, recording: str) -> Permit | None:
    """By which this person may hear the recording for training now."""
    held = Permit.objects.filter(
        person=person, recording=recording, purpose=Purpose.TRAINING.value, until_ms__gt=now_ms()
    )
    return held.order_by("until_ms").last()


def _opened(address: str) -> Any:
    """Open what this permit is for; why it cannot be heard, in words, if it cannot."""
    try:
        answer = ask("POST", address)
    except Away:
        return WHY_NOT["away"]
    return None if answer.status == 200 else WHY_NOT[answer.json()["why"]]


def _mine(request: Asked, permit: UUID) -> FragmentPermit:
    """A permit of this person; another's is as if it were not there."""
    return get_object_or_404(FragmentPermit, pk=permit, person=request.user)

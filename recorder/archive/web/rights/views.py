"""The rights desk: what is asked, until when, and what becomes of it."""

from typing import Any, TypeGuard
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from recorder.archive import code
from recorder.archive.access import Action
from recorder.archive.due import facts
from recorder.archive.listing import of_code
from recorder.archive.web.access import Asked, needs, note, permit
from recorder.archive.web.archive import archive, terms
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.holding import BeingDeleted
from recorder.archive.web.meetings.forms import one_spelling
from recorder.archive.web.meetings.models import Link
from recorder.archive.web.meetings.seen import see, see_one
from recorder.archive.web.meetings.views import look
from recorder.archive.web.paging import page
from recorder.archive.web.rights import deadline, deciding, letters
from recorder.archive.web.rights.deciding import Declined, TooLate
from recorder.archive.web.rights.forms import DecideForm, FindForm, LiftForm, LookAgainForm, OpenForm, WordsForm
from recorder.archive.web.rights.kinds import WAITING, Channel, Kind, Proposal, State, What
from recorder.archive.web.rights.models import Request, Restriction
from recorder.archive.web.rights.opening import open_request, unconditional
from recorder.archive.web.rights.overdue import late
from recorder.archive.web.rights.words import CHANNELS, GROUNDS, HAPPENED, KINDS, MEANWHILE, PROPOSED, QUESTIONS, STATES
from recorder.archive.web.times import begin_ms, moment, noon_ms
from recorder.archive.web.trail.reading import CARD
from recorder.wire.consent import DAY_MS
from recorder.wire.topics import RECORDING_PATTERN

FOUND_MAX = 200
"""Recordings of one case."""
SOON_DAYS = 7
WORDS = {
    "kinds": KINDS,
    "channels": CHANNELS,
    "states": STATES,
    "happened": HAPPENED,
    "grounds": GROUNDS,
    "proposals": PROPOSED,
    "meanwhile": MEANWHILE,
    "questions": QUESTIONS,
}
TOO_LATE = gettext_lazy("Somebody else has just done something with this request. Look at it again.")
BEING_DELETED = gettext_lazy("The recording is being deleted at this moment. Nothing can be asked of it any more.")
DECLINED = gettext_lazy("You said so before, and a second person said no. A colleague may say it, not you again.")
NEEDS_SECOND = gettext_lazy("A second person must confirm it now. Until then nobody can listen.")
COPY_NEEDS_SECOND = gettext_lazy("A second person must confirm it now. Until then no copy is made.")
LANGUAGES = ("nl", "en")


@needs(Action.OPEN_REQUEST)
@require_http_methods(["GET", "HEAD"])
def desk(request: Asked) -> HttpResponse:
    """The requests that wait, the nearest deadline first; all, or of one kind."""
    permit(request.user, Action.OPEN_REQUEST)
    kind = request.GET.get("kind", "")
    if kind and kind not in set(Kind):
        raise Http404
    now, after = now_ms(), request.GET
    waiting = Request.objects.filter(state__in=WAITING)
    told = waiting.values("kind").annotate(n=Count("id"), late=Count("id", filter=late(now))).order_by()
    counts = {each["kind"]: each["n"] for each in told}
    of_kind = {"kind": kind} if kind else {}
    first = page(waiting.filter(**of_kind), "due_ms", after.get("waiting", ""))
    decided = Request.objects.filter(decided_ms__isnull=False, **of_kind)
    restrictions = Restriction.objects.filter(lifted_ms=None).select_related("request")
    context = WORDS | {
        "kind": kind,
        "counts": [(each.value, KINDS[each.value], counts.get(each.value, 0)) for each in Kind],
        "all": sum(counts.values()),
        "same_kind": f"kind={kind}&" if kind else "",
        "overdue": sum(each["late"] for each in told),
        "waiting": first.of([Clock(each, now) for each in first.rows]),
        "decided": page(decided, "-decided_ms", after.get("decided", "")),
        "restrictions": page(restrictions, "look_again_ms", after.get("restrictions", "")),
        "second": Request.objects.filter(proposed__isnull=False).count(),
        "now_ms": now,
    }
    return render(request, "rights/desk.html", context)


@needs(Action.OPEN_REQUEST)
@require_http_methods(["GET", "HEAD", "POST"])
def find_recording(request: Asked) -> HttpResponse:
    """By the number of a case or a recording, or by the client's code. POST: none of them stands in an address."""
    role = permit(request.user, Action.FIND)
    form, found = FindForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        what = " ".join(form.cleaned_data["what"].split())
        coded = _coded(what)
        for each in coded:  # the code itself stands nowhere: who reads the trail could act as the client by it
            note(request.user, role, Action.FIND, recording=each, details=CARD)
        if not coded:
            note(request.user, role, Action.FIND, details={"asked": what})
        found = see(coded or _named(what))
    return render(request, "rights/find.html", {"form": form, "found": found})


@needs(Action.OPEN_REQUEST)
@require_http_methods(["GET", "HEAD", "POST"])
def open_one(request: Asked, recording: str) -> HttpResponse:
    """A request of somebody who wrote, came or called."""
    seen = look(request.user, Action.OPEN_REQUEST, recording)
    permit(request.user, Action.OPEN_REQUEST, recording=recording)
    earliest = moment(facts(seen.row, seen.people).earliest_ms).date()
    form = OpenForm(earliest, request.POST or None, initial={"day": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        try:
            made = open_request(
                recording,
                Kind(cleaned["kind"]),
                cleaned["words"],
                person=request.user,
                channel=Channel(cleaned["channel"]),
                came_ms=begin_ms(
                    cleaned["day"]
                ),  # nobody loses the client's days by the hour of it; the month has whole days
            )
        except BeingDeleted:
            form.add_error(None, BEING_DELETED)
        else:
            return redirect("request", made.pk)
    return render(request, "rights/open.html", {"seen": seen, "form": form})


@needs(Action.DECIDE_REQUEST)
@require_http_methods(["GET", "HEAD"])
def one(request: Asked, number: UUID) -> HttpResponse:
    """One request: its clock, what was said and done, and what can be done next."""
    asked = _one(request, number)
    declined = deciding.was_declined(asked, request.user)
    return render(request, "rights/request.html", shown(asked) | {"declined": declined})


@needs(Action.DECIDE_REQUEST)
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: Asked, number: UUID) -> HttpResponse:
    """Grant or refuse, with the reasons that the client reads."""
    asked = _one(request, number)
    role = permit(request.user, Action.DECIDE_REQUEST, recording=asked.recording)
    if not asked.waiting or asked.proposed is not None:
        return redirect("request", number)
    context = shown(asked) | {"alone": deciding.granted_alone(asked, State.GRANTED, request.user)}
    kind = Kind(asked.kind)
    initial = {"statement": asked.words} | ({"outcome": State.GRANTED.value} if context["must_grant"] else {})
    form = DecideForm(kind, request.POST or None, must_grant=context["must_grant"], initial=initial)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        outcome, again = State(cleaned["outcome"]), cleaned.get("look_again")
        again_ms = None if again is None else noon_ms(again)
        statement = cleaned.get("statement", "")
        try:
            deciding.decide(request.user, role, asked, outcome, cleaned["words"], statement, again_ms)
        except TooLate:
            messages.error(request, TOO_LATE)
        else:
            alone = context["alone"] and outcome is State.GRANTED
            decided = COPY_NEEDS_SECOND if alone else _("It is decided. Now send the letter.")
            messages.success(request, NEEDS_SECOND if kind is Kind.ERASURE else decided)
        return redirect("request", number)
    return render(request, "rights/decide.html", context | {"form": form})


@needs(Action.DECIDE_REQUEST)
@require_http_methods(["GET", "HEAD", "POST"])
def extend(request: Asked, number: UUID) -> HttpResponse:
    """Two months more, once, with a letter that says why."""
    asked = _one(request, number)
    role = permit(request.user, Action.DECIDE_REQUEST, recording=asked.recording)
    if not deciding.may_extend(asked):
        return redirect("request", number)
    form = WordsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            deciding.extend(request.user, role, asked, form.cleaned_data["words"])
        except TooLate:
            messages.error(request, TOO_LATE)
        else:
            messages.success(
                request, _("There are two months more. Send the letter that says so within the first month.")
            )
        return redirect("request", number)
    return render(request, "rights/extend.html", shown(asked) | {"form": form})


@needs(Action.DECIDE_REQUEST)
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: Asked, number: UUID) -> HttpResponse:
    """The client takes it back."""
    return _take_back(request, number, Proposal.WITHDRAWN)


@needs(Action.DECIDE_REQUEST)
@require_http_methods(["GET", "HEAD", "POST"])
def misentered(request: Asked, number: UUID) -> HttpResponse:
    """The desk entered it wrongly: it is closed, and can be entered anew."""
    return _take_back(request, number, Proposal.MISENTERED)


def _take_back(request: Asked, number: UUID, because: Proposal) -> HttpResponse:
    asked = _one(request, number)
    role = permit(request.user, Action.DECIDE_REQUEST, recording=asked.recording)
    context = shown(asked)
    if not context["may_withdraw" if because is Proposal.WITHDRAWN else "may_correct"]:
        return redirect("request", number)
    form = WordsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            deciding.withdraw(request.user, role, asked, form.cleaned_data["words"], because)
        except TooLate:
            messages.error(request, TOO_LATE)
        except Declined:
            messages.error(request, DECLINED)
        except BeingDeleted:
            messages.error(request, BEING_DELETED)
        else:
            ended = _("The request is taken back.") if because is Proposal.WITHDRAWN else _("The request is closed.")
            messages.success(request, NEEDS_SECOND if asked.kind == Kind.ERASURE else ended)
        return redirect("request", number)
    return render(request, f"rights/{because}.html", context | {"form": form})


@needs(Action.RESTRICT)
@require_http_methods(["GET", "HEAD", "POST"])
def lift(request: Asked, restriction: int) -> HttpResponse:
    """Say that a restriction is to end: the client was told before. A second person confirms it."""
    held = get_object_or_404(Restriction.objects.select_related("request"), pk=restriction)
    role = permit(request.user, Action.RESTRICT, recording=held.recording)
    if not held.may_be_lifted:
        return redirect("request", held.request_id)
    form = LiftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            deciding.lift(request.user, role, held.request, form.cleaned_data["words"])
        except TooLate:
            messages.error(request, TOO_LATE)
        except BeingDeleted:
            messages.error(request, BEING_DELETED)
        else:
            messages.success(request, _("A second person must confirm it now. Until then it stays restricted."))
        return redirect("request", held.request_id)
    return render(request, "rights/lift.html", _of_restriction(held, form))


@needs(Action.RESTRICT)
@require_http_methods(["GET", "HEAD", "POST"])
def look_again(request: Asked, restriction: int) -> HttpResponse:
    """It stays restricted, and somebody looks at it again on another day."""
    held = get_object_or_404(Restriction, pk=restriction)
    role = permit(request.user, Action.RESTRICT, recording=held.recording)
    if held.lifted_ms is not None:
        return redirect("request", held.request_id)
    form = LookAgainForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        try:
            deciding.look_again(request.user, role, held, noon_ms(cleaned["look_again"]), cleaned["words"])
        except TooLate:
            messages.error(request, TOO_LATE)
        except BeingDeleted:
            messages.error(request, BEING_DELETED)
        else:
            messages.success(request, _("The restriction goes on."))
        return redirect("request", held.request_id)
    return render(request, "rights/look_again.html", _of_restriction(held, form))


def _of_restriction(held: Restriction, form: WordsForm) -> dict[str, Any]:
    seen = see_one(held.recording)
    return {"restriction": held, "seen": seen, "form": form, "undo_hours": terms().undo_hours}


@needs(Action.DECIDE_REQUEST)
@require_http_methods(["GET", "HEAD"])
def letter(request: Asked, number: UUID, language: str) -> HttpResponse:
    """The letter that goes with where the request is: the decision, or that it takes longer."""
    asked = _one(request, number)
    if language not in LANGUAGES:
        raise Http404
    who = letters.sender(settings.CONFIG)
    if asked.state in (State.GRANTED, State.REFUSED):
        seen = see_one(asked.recording)
        masks, fate = list(asked.masks.order_by("start_ms")), None if seen is None else seen.fate
        made = letters.decision(asked, masks, fate, who, language)
    elif asked.state == State.EXTENDED:
        why = asked.events.filter(what=What.EXTENDED.value).latest("at_ms")
        made = letters.extension(asked, why.words, why.at_ms, who, language)
    else:
        raise Http404
    return _pdf(made, language)


@needs(Action.DECIDE_REQUEST)
@require_http_methods(["GET", "HEAD"])
def end_letter(request: Asked, number: UUID, language: str) -> HttpResponse:
    """The letter that the restriction ends: there from when the first of two says so."""
    asked = _one(request, number)
    restriction = Restriction.objects.filter(request=asked).first()
    if language not in LANGUAGES or not _ends(restriction, asked):
        raise Http404
    if restriction.lifted_ms is None:
        said = asked.events.filter(what=What.TO_LIFT.value).latest("at_ms", "id")
        why, at_ms = said.words, said.at_ms
    else:
        why, at_ms = restriction.lifted_words, restriction.lifted_ms
    made = letters.end(asked, why, at_ms, restriction.lifted_ms, letters.sender(settings.CONFIG), language)
    return _pdf(made, language)


def _ends(restriction: Restriction | None, asked: Request) -> TypeGuard[Restriction]:
    """Whether its restriction has ended, or one person says that it is to."""
    return restriction is not None and (restriction.lifted_ms is not None or asked.proposed == Proposal.LIFTED)


def _pdf(made: bytes, language: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="letter-{language}.pdf"'}
    return HttpResponse(made, content_type="application/pdf", headers=headers)


class Clock:
    """A request with the time that is left for it."""

    def __init__(self, request: Request, now: int) -> None:
        self.request = request
        began_ms, self.due_ms = request.came_ms, request.due_ms
        if not request.waiting and request.proposed_ms is not None:
            # It was answered; what waits is that the client takes that back, for a month of its own.
            began_ms, self.due_ms = request.proposed_ms, deadline.due_ms(request.proposed_ms)
        self.none = request.proposed == Proposal.LIFTED
        """Whether no law names a day: the client was answered, and stays protected for as long as it waits."""
        self.over = not self.none and now > self.due_ms
        self.days = (self.due_ms - now) // DAY_MS if not self.over else -((self.due_ms - now) // DAY_MS)
        self.soon = not self.none and not self.over and self.days < SOON_DAYS
        self.gone = min(100, max(0, 100 * (now - began_ms) // (self.due_ms - began_ms)))
        """Per cent of the time."""


def shown(asked: Request) -> dict[str, Any]:
    """What a request's pages have."""
    now = now_ms()
    seen = see_one(asked.recording)
    restriction = Restriction.objects.filter(request=asked).select_related("request").first()
    still_matters = asked.waiting or seen is not None
    return WORDS | {
        "asked": asked,
        "clock": Clock(asked, now),
        "seen": seen,
        "must_grant": unconditional(asked, seen) and asked.channel != Channel.PAGE,
        "must_see": unconditional(asked, seen) and asked.channel == Channel.PAGE,
        "may_withdraw": deciding.may_withdraw(asked) and still_matters,
        "may_correct": deciding.may_withdraw(asked, Proposal.MISENTERED) and still_matters,
        "may_extend": deciding.may_extend(asked),
        "has_letter": asked.state in (State.EXTENDED, State.GRANTED, State.REFUSED),
        "may_mask": asked.kind == Kind.ACCESS and seen is not None and (asked.waiting or asked.state == State.GRANTED),
        "may_copy": asked.kind == Kind.ACCESS and seen is not None and asked.state == State.GRANTED,
        "masks": asked.masks.order_by("start_ms"),
        "copies": asked.copies.filter(opened_ms__isnull=False).order_by("opened_ms").select_related("person"),
        "to_fetch": asked.copies.waiting(now),
        "events": asked.events.order_by("at_ms", "id").select_related("person"),
        "restriction": restriction,
        "ends": _ends(restriction, asked),
        "overdue": restriction is not None and restriction.lifted_ms is None and restriction.look_again_ms <= now,
        "undo_hours": terms().undo_hours,
    }


def _one(request: Asked, number: UUID) -> Request:
    found = get_object_or_404(Request.objects.select_related("decided_by", "proposed_by", "confirmed_by"), pk=number)
    permit(request.user, Action.DECIDE_REQUEST, recording=found.recording)
    return found


def _coded(what: str) -> list[str]:
    """The recordings that this is the client's code of."""
    parsed = code.parse(what)
    return [] if parsed is None else [each.recording for each in of_code(archive().catalogue, parsed)]


def _named(what: str) -> list[str]:
    """The recordings that are meant by their id, or by a case."""
    if RECORDING_PATTERN.fullmatch(what.lower()):
        return [what.lower()]
    return list(Link.objects.filter(case__number=one_spelling(what)).values_list("recording", flat=True)[:FOUND_MAX])

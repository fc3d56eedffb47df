"""What a program of the organisation can call, below /api/v1. The page /api/v1/openapi.json describes it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI, P, PathEx, Query
from ninja.errors import HttpError, ValidationError

from recorder import __version__
from recorder.archive.access import Action, Role
from recorder.archive.retention import HOUR_MS
from recorder.archive.web.api import bearer
from recorder.archive.web.api.bearer import ROLE, Bearer
from recorder.archive.web.api.models import Token
from recorder.archive.web.api.schemas import (
    CaseOf,
    Decision,
    Done,
    HoldOf,
    Problem,
    RecordingId,
    Unlinked,
    Window,
)
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.holding import BeingDeleted, place
from recorder.archive.web.holds.models import Going, Hold, Kind
from recorder.archive.web.meetings import claims
from recorder.archive.web.meetings.models import Case, Link
from recorder.archive.web.meetings.seen import see, unlinked
from recorder.archive.web.people.models import Person
from recorder.archive.web.times import moment, noon_ms
from recorder.archive.web.trail import writing
from recorder.archive.web.trail.writing import acting
from recorder.wire.consent import DAY_MS

NOT_THERE = "There is no such recording without a case."
Named = PathEx[RecordingId, P(description="As `/unlinked` gives it.")]
api = NinjaAPI(
    title="Wederhoor",
    version=__version__,
    docs_url=None,
    urls_namespace="api",
    description="Acts of a case system, by a token.",
)
PROBLEMS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem}


@api.exception_handler(ValidationError)
def wrong(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """What is wrong with what was sent, for each part by the name that it has there; nothing of it is repeated."""
    told = "; ".join(f"{_part(each['loc'])}: {each['msg']}" for each in error.errors)
    return api.create_response(request, {"detail": told}, status=422)


def _part(place: Sequence[str | int]) -> str:
    """Of what was sent, where ninja puts before it how it came and, of a body, the name of our argument."""
    how, *parts = map(str, place)
    return ".".join(parts[1:] if how == "body" else parts) or f"the {how}"


@api.get("/unlinked", auth=Bearer(Action.LIST_UNLINKED), response={200: list[Unlinked], **PROBLEMS})
def list_unlinked(request: HttpRequest, window: Query[Window]) -> list[Unlinked]:
    """The recordings of one room that began within so many hours from `begin`, and have no case yet.

    So a program finds the recording of an appointment that it knows of, and no others.
    """
    token = _token(request)
    bearer.permit(token, Action.LIST_UNLINKED)
    begin_ms = int(window.begin.timestamp() * 1_000)
    end_ms = begin_ms + window.hours * HOUR_MS
    writing.write(person=bearer.name(token), role=ROLE, action=Action.LIST_UNLINKED, details={"room": window.room})
    return [
        Unlinked(
            recording=each.recording,
            room=each.row.device,
            began=_moment(each.row.made_ms),
            ended=_moment(each.row.ended_ms),
            delete_on=_moment(each.fate.due_ms),
        )
        for each in see(unlinked([window.room]))
        if each.row.made_ms is not None and begin_ms <= each.row.made_ms <= end_ms
    ]


@api.put("/recordings/{recording}/case", auth=Bearer(Action.LINK), response={200: Done, **PROBLEMS})
def link(request: HttpRequest, recording: Named, told: CaseOf) -> Done:
    """Say of which case a recording is. Said again with the same case it changes nothing.

    Where the same token had said nothing of a person, it may say that later, with the same case.
    """
    token = _token(request)
    bearer.permit(token, Action.LINK, recording=recording)
    found = see([recording])
    if not found:
        raise HttpError(404, NOT_THERE)
    person = _person(told.person, found[0].row.device)
    already = Link.objects.filter(recording=recording).select_related("case").first()
    if already is not None and already.case.number == told.case and already.person == person:
        return Done(recordings=1)
    by = bearer.name(token)
    try:
        if already is None:
            said = claims.link(found[0], told.case, person, by=by, role=ROLE)
        else:
            said = person is not None and claims.give(recording, told.case, person, by=by, role=ROLE)
    except BeingDeleted as error:
        raise HttpError(409, "The recording is being deleted at this moment.") from error
    if not said:
        raise HttpError(404, NOT_THERE)
    return Done(recordings=1)


@api.post("/decisions", auth=Bearer(Action.DECIDE), response={200: Done, **PROBLEMS})
def decide(request: HttpRequest, told: Decision) -> Done:
    """Tell when a case was decided: how long its recordings stay counts from that.

    404 where nothing is known of the case: a decision is not kept for recordings that may never come. Tell it again when a
    recording is of it.
    """
    token = _token(request)
    bearer.permit(token, Action.DECIDE)
    if told.day > timezone.localdate():  # it would keep the recordings for as long as somebody likes
        raise HttpError(409, "This day is still to come.")
    with acting():
        known = Case.decide(told.case, noon_ms(told.day))
        if known:
            details = {"case": told.case, "day": told.day.isoformat()}
            writing.write(person=bearer.name(token), role=ROLE, action=Action.DECIDE, details=details)
    if not known:
        raise HttpError(404, "Nothing is known of this case: no recording is of it. Tell it again when one is.")
    return Done(recordings=Link.objects.filter(case__number=told.case).count())


@api.post("/holds", auth=Bearer(Action.HOLD), response={200: Done, **PROBLEMS})
def hold(request: HttpRequest, told: HoldOf) -> Done:
    """Tell that an objection, an appeal or a complaint came in: the recordings of its case are kept from now on.

    And those that are named later: an objection may come before the case of its recording is told. A person must confirm a hold
    within 14 days, or it lapses. Said again while it holds, it changes nothing. What is being deleted at this moment is kept by
    nothing, and not counted.
    """
    token, kind = _token(request), Kind(told.kind)
    bearer.permit(token, Action.HOLD, kind.purpose)
    with acting():
        name, now = bearer.name(token), now_ms()
        expires_ms = now + told.days * DAY_MS
        details = {"case": told.case, "reason": told.reason, "until": moment(expires_ms).date().isoformat()}
        same = Hold.objects.filter(case__number=told.case, kind=kind, placed_by=None, ended_ms=None, expires_ms__gt=now)
        if not same.exists():
            writing.write(person=name, role=ROLE, action=Action.HOLD, purpose=kind.purpose, details=details)
            place(None, kind, case=told.case, reason=told.reason, expires_ms=expires_ms)
        kept = Link.objects.filter(case__number=told.case).exclude(recording__in=Going.objects.values("recording"))
        return Done(recordings=kept.count())


def _token(request: HttpRequest) -> Token:
    return cast("Token", request.auth)  # type: ignore[attr-defined] # ninja puts it there


def _person(email: str | None, room: str) -> Person | None:
    """Who had the conversation: a caseworker with that room, for it becomes theirs. Of others nothing is told."""
    if email is None:
        return None
    found = Person.objects.filter(email=email.lower(), is_active=True).first()
    if found is None or Role.CASEWORKER not in found.roles or room not in found.rooms:
        raise HttpError(404, "There is no caseworker of this room with this address.")
    return found


def _moment(unix_ms: int | None) -> datetime | None:
    return None if unix_ms is None else datetime.fromtimestamp(unix_ms / 1_000, UTC)

"""What the requests for a recording, and a restriction of it, mean for what is to become of it."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Min, Q
from django.utils.functional import Promise

from recorder.archive.retention import HOUR_MS
from recorder.archive.web.archive import terms
from recorder.archive.web.clock import now_ms
from recorder.archive.web.rights.kinds import TAKES_BACK, Kind, State
from recorder.archive.web.rights.models import Request, Restriction
from recorder.archive.web.rights.words import KEPT_BY
from recorder.wire.consent import DAY_MS

_GONE_BY = (State.REFUSED, State.WITHDRAWN, State.MISENTERED)
HANDED_OVER_DAYS = 14
"""So long a copy that was granted may be fetched, whatever the recording's date: else it could be gone before."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The times count as long as the request was not refused, withdrawn or entered wrongly (D7)."""

    kept: bool
    """By a request that is open (S1), by an erasure that somebody says the client takes back, by a copy that was granted and
    not made yet, and by a restriction that is not overdue: to delete is to use, and nobody may (AVG, article 18)."""
    undone_ms: int | None
    """Until when what did that keeps on: one person ended it, and what it kept would be gone that very night, before another
    could look. Not an erasure, which ends by two."""
    erasure_asked_ms: int | None
    erasure_confirmed_ms: int | None
    """When two people had said that it is to be erased; None again while one says that the client takes it back."""


def standing(recordings: Collection[str]) -> Mapping[str, Standing]:
    """Of those of these of which somebody asked something."""
    found: dict[str, list[Request]] = defaultdict(list)
    fields = ("recording", "kind", "state", "proposed", "came_ms", "decided_ms")
    requests = Request.objects.filter(recording__in=recordings).only(*fields)
    for each in requests.annotate(handed_over_ms=Min("copies__opened_ms")):
        found[each.recording].append(each)
    undo_ms = terms().undo_hours * HOUR_MS
    closed: dict[str, list[Restriction]] = defaultdict(list)
    stands = Q(lifted_ms=None) | Q(lifted_ms__gt=now_ms() - undo_ms)
    for restriction in Restriction.objects.filter(stands, recording__in=list(found)):
        closed[restriction.recording].append(restriction)
    return {recording: _standing(requests, closed[recording], undo_ms) for recording, requests in found.items()}


class Keeps(NamedTuple):
    """What keeps a recording now, for people."""

    why: Promise
    until_ms: int | None
    """None if that is not known yet."""


def keeping(recording: str) -> list[Keeps]:
    """What of the requests for it, and restrictions, keeps it now: what `standing` counts, each for itself."""
    now, undo_ms = now_ms(), terms().undo_hours * HOUR_MS
    requests = Request.objects.filter(recording=recording).annotate(handed_over_ms=Min("copies__opened_ms"))
    found = []
    for each in requests.order_by("came_ms"):
        if each.waiting or _taken_back(each):
            found.append(Keeps(KEPT_BY["request"], None))
        elif _to_be_handed_over(each):
            found.append(Keeps(KEPT_BY["copy"], (each.decided_ms or 0) + HANDED_OVER_DAYS * DAY_MS))
        elif each.kind != Kind.ERASURE and now < _ended_ms(each) + undo_ms:
            why = KEPT_BY["decided"] if each.handed_over_ms is None else KEPT_BY["handed_over"]
            found.append(Keeps(why, _ended_ms(each) + undo_ms))
    for restriction in Restriction.objects.filter(recording=recording):
        if now < restriction.until_ms(undo_ms):
            why = KEPT_BY["restriction"] if restriction.lifted_ms is None else KEPT_BY["lifted"]
            found.append(Keeps(why, restriction.until_ms(undo_ms)))
    return found


def restricted(recordings: Collection[str]) -> frozenset[str]:
    """Those of these that nobody may use but the rights desk (S5), also where a restriction is overdue."""
    standing = Restriction.objects.filter(recording__in=list(recordings), lifted_ms=None)
    return frozenset(standing.values_list("recording", flat=True))


def _standing(requests: Collection[Request], restrictions: Collection[Restriction], undo_ms: int) -> Standing:
    now = now_ms()
    asked = [each for each in requests if each.kind == Kind.ERASURE and each.state not in _GONE_BY]
    confirmed = [each for each in asked if each.state == State.GRANTED and each.proposed is None]
    closed = any(each.lifted_ms is None and now < each.until_ms(undo_ms) for each in restrictions)
    ended = [_ended_ms(each) + undo_ms for each in requests if each.kind != Kind.ERASURE]
    ended += [each.until_ms(undo_ms) for each in restrictions if each.lifted_ms is not None]
    return Standing(
        closed or any(each.waiting or _taken_back(each) or _to_be_handed_over(each) for each in requests),
        max((each for each in ended if now < each), default=None),
        min((each.came_ms for each in confirmed or asked), default=None),
        min((each.decided_ms for each in confirmed if each.decided_ms is not None), default=None),
    )


def _ended_ms(request: Request) -> int:
    """When it last kept anything by itself: until it was decided, and of a copy until it was made."""
    handed_over_ms: int | None = request.handed_over_ms  # type: ignore[attr-defined] # the query says so
    return max(request.decided_ms or 0, handed_over_ms or 0)


def _taken_back(request: Request) -> bool:
    """Whether somebody says so of what was to be erased, and waits for a second person."""
    return request.proposed in TAKES_BACK


def _to_be_handed_over(request: Request) -> bool:
    granted = request.kind == Kind.ACCESS and request.state == State.GRANTED and request.decided_ms is not None
    return (
        granted
        and request.handed_over_ms is None  # type: ignore[attr-defined] # the query says so
        and now_ms() < (request.decided_ms or 0) + HANDED_OVER_DAYS * DAY_MS
    )

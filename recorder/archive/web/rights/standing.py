"""What the requests for a recording, and a restriction of it, mean for what is to become of it."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from recorder.archive.web.clock import now_ms
from recorder.archive.web.rights.kinds import Kind, State
from recorder.archive.web.rights.models import CopyPermit, Request, Restriction
from recorder.wire.consent import DAY_MS

_GONE_BY = (State.REFUSED, State.WITHDRAWN)
HANDED_OVER_DAYS = 14
"""So long a copy that was granted may be fetched, whatever the recording's date: else it could be gone before."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The times count as long as the request was not refused or withdrawn (D7)."""

    kept: bool
    """By a request that is open (S1), by an erasure that somebody says the client takes back, by a copy that was granted and
    not made yet, and by a restriction that is not overdue: to delete is to use, and nobody may (AVG, article 18)."""
    erasure_asked_ms: int | None
    erasure_confirmed_ms: int | None
    """When two people had said that it is to be erased; None again while one says that the client takes it back."""


def standing(recordings: Collection[str]) -> Mapping[str, Standing]:
    """Of those of these of which somebody asked something."""
    found: dict[str, list[Request]] = defaultdict(list)
    fields = ("recording", "kind", "state", "proposed", "came_ms", "decided_ms")
    made = CopyPermit.objects.filter(request=OuterRef("pk"), opened_ms__isnull=False)
    requests = Request.objects.filter(recording__in=recordings).only(*fields)
    for each in requests.annotate(handed_over=Exists(made)):
        found[each.recording].append(each)
    now = now_ms()
    restrictions = Restriction.objects.filter(recording__in=list(found), lifted_ms=None, look_again_ms__gt=now)
    closed = frozenset(restrictions.values_list("recording", flat=True))
    return {recording: _standing(requests, recording in closed) for recording, requests in found.items()}


def restricted(recordings: Collection[str]) -> frozenset[str]:
    """Those of these that nobody may use but the rights desk (S5), also where a restriction is overdue."""
    standing = Restriction.objects.filter(recording__in=list(recordings), lifted_ms=None)
    return frozenset(standing.values_list("recording", flat=True))


def _standing(requests: Collection[Request], closed: bool) -> Standing:
    asked = [each for each in requests if each.kind == Kind.ERASURE and each.state not in _GONE_BY]
    confirmed = [each for each in asked if each.state == State.GRANTED and each.proposed is None]
    return Standing(
        closed or any(each.waiting or each.proposed is not None or _to_be_handed_over(each) for each in requests),
        min((each.came_ms for each in confirmed or asked), default=None),
        min((each.decided_ms for each in confirmed if each.decided_ms is not None), default=None),
    )


def _to_be_handed_over(request: Request) -> bool:
    granted = request.kind == Kind.ACCESS and request.state == State.GRANTED and request.decided_ms is not None
    return (
        granted
        and not request.handed_over  # type: ignore[attr-defined] # the query says so
        and now_ms() < (request.decided_ms or 0) + HANDED_OVER_DAYS * DAY_MS
    )

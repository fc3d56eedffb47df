"""What the requests for a recording, and a restriction of it, mean for what is to become of it."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import Exists, Min, OuterRef, Q

from recorder.archive.web.clock import now_ms
from recorder.archive.web.rights.kinds import Channel, Kind, State, What
from recorder.archive.web.rights.models import CopyPermit, Request, Restriction
from recorder.wire.consent import DAY_MS

_GONE_BY = (State.REFUSED, State.WITHDRAWN)
HANDED_OVER_DAYS = 14
"""So long a copy that was granted may be fetched, whatever the recording's date: else it could be gone before."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The times count as long as the request was not refused or withdrawn (D7)."""

    kept: bool
    """By a request that is open (S1), by one for a copy that was granted and not made yet, and by a restriction: to delete is
    to use, and nobody may (AVG, article 18)."""
    erasure_asked_ms: int | None
    erasure_entered_ms: int | None
    """When it was first known that it was the client: entered by the desk, or granted."""
    erasure_confirmed: bool
    """Somebody saw who asked: the rights desk, which opened the request, or granted one that came with the code alone."""
    erasure_granted_ms: int | None


def standing(recordings: Collection[str]) -> Mapping[str, Standing]:
    """Of those of these of which somebody asked something."""
    found: dict[str, list[Request]] = defaultdict(list)
    fields = ("recording", "kind", "channel", "state", "came_ms", "decided_ms")
    made = CopyPermit.objects.filter(request=OuterRef("pk"), opened_ms__isnull=False)
    entered = Min("events__at_ms", filter=Q(events__what=What.CAME.value))
    requests = Request.objects.filter(recording__in=recordings).only(*fields)
    requests = requests.annotate(handed_over=Exists(made), entered_ms=entered)
    for each in requests:
        found[each.recording].append(each)
    closed = restricted(found)
    return {recording: _standing(requests, recording in closed) for recording, requests in found.items()}


def restricted(recordings: Collection[str]) -> frozenset[str]:
    """Those of these that nobody may use but the rights desk (S5)."""
    standing = Restriction.objects.filter(recording__in=list(recordings), lifted_ms=None)
    return frozenset(standing.values_list("recording", flat=True))


def _standing(requests: Collection[Request], closed: bool) -> Standing:
    asked = [each for each in requests if each.kind == Kind.ERASURE and each.state not in _GONE_BY]
    confirmed = [each for each in asked if each.channel != Channel.PAGE or each.state == State.GRANTED]
    granted = [each.decided_ms for each in asked if each.state == State.GRANTED and each.decided_ms is not None]
    return Standing(
        closed or any(each.waiting or _to_be_handed_over(each) for each in requests),
        min((each.came_ms for each in confirmed or asked), default=None),
        min(map(_known_ms, confirmed), default=None),
        bool(confirmed),
        min(granted, default=None),
    )


def _known_ms(erasure: Request) -> int:
    if erasure.channel == Channel.PAGE:
        return erasure.decided_ms or erasure.came_ms
    entered_ms: int | None = erasure.entered_ms  # type: ignore[attr-defined] # the query says so
    return entered_ms or erasure.came_ms


def _to_be_handed_over(request: Request) -> bool:
    granted = request.kind == Kind.ACCESS and request.state == State.GRANTED and request.decided_ms is not None
    return (
        granted
        and not request.handed_over  # type: ignore[attr-defined] # the query says so
        and now_ms() < (request.decided_ms or 0) + HANDED_OVER_DAYS * DAY_MS
    )

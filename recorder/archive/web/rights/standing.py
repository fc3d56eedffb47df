"""What the requests for a recording mean for what is to become of it."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from recorder.archive.web.rights.kinds import WAITING, Kind, State
from recorder.archive.web.rights.models import Request

_GONE_BY = (State.REFUSED, State.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Standing:
    """`request_open` pauses deletion (S1). `erasure_asked_ms` counts as long as it was not refused or withdrawn (D7)."""

    request_open: bool
    erasure_asked_ms: int | None


def standing(recordings: Collection[str]) -> Mapping[str, Standing]:
    """Of those of these for which there is a request."""
    found: dict[str, list[Request]] = defaultdict(list)
    for each in Request.objects.filter(recording__in=recordings).only("recording", "kind", "state", "came_ms"):
        found[each.recording].append(each)
    return {recording: _standing(requests) for recording, requests in found.items()}


def _standing(requests: Collection[Request]) -> Standing:
    asked = [each.came_ms for each in requests if each.kind == Kind.ERASURE and each.state not in _GONE_BY]
    return Standing(any(each.state in WAITING for each in requests), min(asked, default=None))

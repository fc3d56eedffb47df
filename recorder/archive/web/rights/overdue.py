"""What the rights desk has left lying: told at the desk itself, and to the privacy officer at *What waits* and *Deletions*."""

from dataclasses import dataclass

from django.db.models import Q

from recorder.archive.web.clock import now_ms
from recorder.archive.web.rights.kinds import WAITING
from recorder.archive.web.rights.models import Request, Restriction

SHOWN = 50
"""Of requests, and of restrictions: those that wait for longest. When they are dealt with, the next ones show."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """What keeps a recording, or locks others out of it, and should have been dealt with by `since_ms`."""

    recording: str
    since_ms: int
    request: Request | None
    """None for a restriction that somebody must look at again."""


def late(now_ms: int) -> Q:
    """Of a request: it should have been answered."""
    return Q(state__in=WAITING, due_ms__lt=now_ms)


def to_look_at(now_ms: int) -> Q:
    """Of a restriction: somebody should have looked at it again."""
    return Q(lifted_ms=None, look_again_ms__lte=now_ms)


def overdue() -> list[Overdue]:
    """The longest first: an undecided request keeps its recording for so long."""
    now = now_ms()
    requests = Request.objects.filter(late(now)).order_by("due_ms")[:SHOWN]
    looked = Restriction.objects.filter(to_look_at(now)).order_by("look_again_ms")[:SHOWN]
    found = [Overdue(each.recording, each.due_ms, each) for each in requests]
    found += [Overdue(each.recording, each.look_again_ms, None) for each in looked]
    return sorted(found, key=lambda each: each.since_ms)


def count() -> int:
    """How much that is, with what is not shown."""
    now = now_ms()
    return Request.objects.filter(late(now)).count() + Restriction.objects.filter(to_look_at(now)).count()

"""Where in a recording somebody may want to go: marks, pauses, what is missing, and whether anybody was still there."""

from dataclasses import dataclass

from django.utils.functional import Promise

from recorder.archive.web.meetings.verdicts import Verdict
from recorder.archive.web.meetings.words import MOMENTS
from recorder.audio import TICKS_PER_SECOND

_EVENTS = ("mark", "prompt", "answer")
"""Of what the room noted: what else it did is told by the gaps and by the receipt."""
MOMENTS_SHOWN = 200


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """All in seconds, as a player counts them."""

    at: float
    kind: str
    length: float | None
    """Of what is missing there."""

    @property
    def word(self) -> Promise:
        return MOMENTS[self.kind]

    @property
    def missing(self) -> bool:
        return self.length is not None


def moments(found: Verdict) -> list[Moment]:
    """In the order of the recording."""
    happened = [Moment(each.ticks / TICKS_PER_SECOND, each.name, None) for each in found.events if each.name in _EVENTS]
    gaps = [
        Moment(each.position / TICKS_PER_SECOND, each.cause.value, each.length / TICKS_PER_SECOND)
        for each in found.gaps
    ]
    return sorted([*happened, *gaps], key=lambda each: (each.at, each.kind))

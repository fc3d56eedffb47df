"""Figures that are rounded so far that no single conversation shows in them.

Whoever draws a figure every few seconds sees when it moves. Blocks come once a second, so a plain count of them tells, where
one room is in use, when a meeting began and when its client said no: for how long somebody spoke, which nothing may tell
(docs/threats.md). So what moves with conversations is told

- as a count in steps that are larger than a meeting, from a start that nobody knows (`Steps`);
- as "in this hour or the last", of what somebody must hear of at once (`Latch`);
- as an hour, once it is over (`PastHour`);
- as a share in tenths, of what has room for many meetings (`share`).
"""

HOUR_SECONDS = 3_600
MEETING_ITEMS_MAX = 16_384
"""More than the blocks of a meeting as long as meeting.limit_seconds allows by default, 10,800, and what goes with them."""


class Steps:
    """A count that is told in steps of `step`.

    It begins `start` (0 to `step` - 1) into the first one, which is a secret: who knows what was counted before would else
    know where between two steps it stands.
    """

    def __init__(self, step: int, start: int) -> None:
        self._step = step
        self._start = start

    def of(self, count: float) -> int:
        """What to tell when `count` have been counted; 0 at 0."""
        return int(self._start + count) // self._step * self._step


class Latch:
    """Whether something was so in this hour or in the last one. All times are seconds since the same moment, whatever it is."""

    def __init__(self) -> None:
        self._until = 0.0

    def set(self, now: float) -> None:
        """It is so at `now`."""
        self._until = (now // HOUR_SECONDS + 2) * HOUR_SECONDS

    def told(self, now: float) -> bool:
        return now < self._until


class PastHour:
    """The hour in which something was so last, of those that are over."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._before: int | None = None
        """The last one before that."""

    def set(self, now: float) -> None:
        """It is so at `now`, Unix seconds."""
        hour = int(now) // HOUR_SECONDS
        if hour != self._last:
            self._before, self._last = self._last, hour

    def told(self, now: float) -> int | None:
        """When that hour ended, Unix seconds; None if there was none."""
        hour = self._last if self._last is not None and self._last < int(now) // HOUR_SECONDS else self._before
        return None if hour is None else (hour + 1) * HOUR_SECONDS


def share(part: float, whole: float, parts: int = 10) -> float:
    """`part` of `whole` in whole tenths, or other `parts`, rounded down; 1 at most. Of nothing everything is used."""
    return min(parts, int(parts * part / whole)) / parts if whole > 0 else 1.0

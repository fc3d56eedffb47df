"""Holds as people read them."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q
from django.utils.functional import Promise

from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.holding import standing
from recorder.archive.web.holds.models import CONFIRM_DAYS, END_SOON_DAYS, Hold, Kind, State
from recorder.archive.web.holds.words import KINDS, STATES, TONES
from recorder.archive.web.meetings.seen import Seen
from recorder.archive.web.paging import Page, page
from recorder.archive.web.people.models import Person
from recorder.wire.consent import DAY_MS

ENDED_SHOWN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Shown:
    """One hold, as of `now_ms`."""

    hold: Hold
    now_ms: int

    @property
    def state(self) -> State:
        return self.hold.state(self.now_ms)

    @property
    def state_word(self) -> Promise:
        return STATES[self.state]

    @property
    def tone(self) -> str:
        return TONES.get(self.state, "")

    @property
    def kind_word(self) -> Promise:
        return KINDS[Kind(self.hold.kind)]

    @property
    def counts(self) -> bool:
        """Whether it keeps anything now."""
        return self.now_ms < (self.hold.until_ms or 0)

    @property
    def last_ms(self) -> int | None:
        """A moment of the last day on which it keeps anything, for a reader; None if it has ended and keeps nothing any more.

        Of one that waits, if it is confirmed.
        """
        if self.state in (State.WAITING, State.RUNNING, State.EXPIRED):
            return self.hold.expires_ms - 1
        return (self.hold.until_ms or 0) - 1 if self.counts else None

    @property
    def ended_ms(self) -> int | None:
        """When it ended before its date, also if nobody has written that down yet."""
        lapsed_ms = self.hold.confirm_by_ms if self.state is State.LAPSED else None
        return lapsed_ms if self.hold.ended_ms is None else self.hold.ended_ms


def of_recording(seen: Seen) -> list[Shown]:
    """Those that keep it, also for the day after one was ended, or wait for somebody who confirms that they do."""
    now, case = now_ms(), None if seen.link is None else seen.link.case_id
    found = [Shown(each, now) for each in standing({seen.recording: case}).get(seen.recording, [])]
    return [each for each in found if each.counts or each.state in (State.WAITING, State.RUNNING)]


def lists(person: Person | None, after: Mapping[str, str]) -> dict[str, Page[Shown]]:
    """All of them, or those that this person set; each from behind the place that `after` has under its name.

    waiting     for a second person: the one that lapses first, first
    ending      within END_SOON_DAYS: the one that ends first, first
    running     the others, in that order too
    ended       in the last ENDED_SHOWN_DAYS, or lapsed; the newest first
    """
    now = now_ms()
    soon_ms, since_ms = now + END_SOON_DAYS * DAY_MS, now - ENDED_SHOWN_DAYS * DAY_MS
    # Not joined: of a million cases PostgreSQL would read all of them, for the twenty holds of a page.
    every = Hold.objects.prefetch_related("case", "placed_by")
    if person is not None:
        every = every.filter(placed_by=person)
    running = every.filter(ended_ms=None, confirmed_ms__isnull=False, expires_ms__gt=now)
    waits = _waits(now)
    over = Q(ended_ms__gt=since_ms) | (
        Q(ended_ms=None) & Q(expires_ms__gt=since_ms) & (Q(expires_ms__lte=now) | (Q(confirmed_ms=None) & ~waits))
    )
    which = {
        "waiting": (every.filter(waits, ended_ms=None, confirmed_ms=None), "placed_ms"),
        "ending": (running.filter(expires_ms__lt=soon_ms), "expires_ms"),
        "running": (running.filter(expires_ms__gte=soon_ms), "expires_ms"),
        "ended": (every.filter(over), "-placed_ms"),
    }
    found = {name: page(holds, order, after.get(name, "")) for name, (holds, order) in which.items()}
    return {name: each.of([Shown(hold, now) for hold in each.rows]) for name, each in found.items()}


def to_confirm(person: Person) -> int:
    """How many wait for somebody who did not set them, as this person."""
    waiting = Hold.objects.filter(_waits(now_ms()), ended_ms=None, confirmed_ms=None)
    return waiting.exclude(placed_by=person).count()


def _waits(now: int) -> Q:
    """That somebody may still confirm it, if nobody has ended it."""
    return Q(placed_ms__gt=now - CONFIRM_DAYS * DAY_MS) & Q(expires_ms__gt=now)

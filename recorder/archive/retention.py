"""When a recording goes, and why: a function of what is known of it and of the settings. It knows no clock and no database.

    from birth      `delete_after_ms`: in the catalogue since the first item came, and in the client's receipt (D1)
    a decision      moves it to `after_decision_days` behind the decision, if that is later (D1)
    the ceiling     `ceiling_days` after it was made, whatever was decided (D1)
    no case         `unlinked_days` after it had come, or after a wrong one was taken away, with a reminder before (D6)
    no receipt      that is valid: locked at once, and gone `no_receipt_hours` after that (D6)
    the client      asks to have it erased, and it is locked at once, and kept. Once two people have confirmed that, it goes: if
                    it was asked within `client_days` of that, no hold stands against it (D7); if it was asked later, and
                    granted, a hold keeps it (AVG, article 17, paragraph 3, e)
    a hold          or a request of the client that is open keeps it beyond its date, until the last of them ends (D2, D3, S1);
                    what one person ended keeps `undo_hours` more

What people have days for counts from when it had come: a room may have been off the network for as long, also in the middle of
a meeting, and a receipt comes behind the manifest. What goes earlier wins, but for the decision. A hold moves no date: with the
hold gone, a recording whose date is past is due. It keeps also what has no receipt, and that stays locked.

What is erased does not come back, and may be the client's own evidence: whoever finds their code may ask, and one person of the
desk may enter any day on which it was asked. So it counts from the moment at which a second person has confirmed it, and goes
`undo_hours` later: until then it can be taken back. That never makes it later than the last of the client's days, if it was
confirmed before that was over.
"""

from dataclasses import dataclass
from enum import StrEnum

from recorder.wire.consent import DAY_MS

HOUR_MS = 3_600_000
_LONGEST_DAY_MS = DAY_MS + HOUR_MS
"""In autumn. Of a letter the desk knows the day: that counts from its beginning, also where the recording is of that day."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings."""

    after_decision_days: int = 56
    ceiling_days: int = 365
    reminder_days: int = 7
    unlinked_days: int = 14
    no_receipt_hours: int = 72
    client_days: int = 14
    undo_hours: int = 24


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a recording that was kept. All times are Unix time in milliseconds."""

    made_ms: int
    """As far as the device's clock is believed."""
    earliest_ms: int
    """Before when it was not made."""
    came_ms: int
    """When its manifest came, by the archive's clock: its first item may have come days before."""
    delete_after_ms: int
    """From birth."""
    receipt: bool
    """Whether its consent receipt is there and valid."""
    linked: bool
    """Whether a case is named."""
    decided_ms: int | None = None
    """When that case was decided; the last time, if it was more than once."""
    holds_until_ms: tuple[int, ...] = ()
    """When each hold ends that stands, or stood."""
    request_open: bool = False
    """Whether a request of the client is being dealt with."""
    undone_ms: int | None = None
    """Until when one keeps on that a person ended, or a restriction."""
    erasure_asked_ms: int | None = None
    """When the client asked to have it erased, if that was neither refused nor taken back."""
    erasure_confirmed_ms: int | None = None
    """When a second person confirmed it: in the client's days that it was they who asked, later also that it is granted."""
    unlinked_ms: int | None = None
    """When a case was taken away from it that was not its."""


class Cause(StrEnum):
    """Why a recording goes when it goes."""

    TERM = "term"
    DECISION = "decision"
    CEILING = "ceiling"
    UNLINKED = "unlinked"
    NO_RECEIPT = "no_receipt"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Fate:
    """What is to become of a recording."""

    due_ms: int
    cause: Cause
    goes_ms: int | None
    """When it goes, as things are: at its date, or when the last hold ends that keeps it then. None while a request is open."""
    kept: bool
    """By a hold or an open request, for now: it is not deleted, even if it is due."""
    locked: bool
    """Nobody may hear it: it has no receipt, or the client asked to have it erased."""
    remind_ms: int | None
    """When whoever was there is to be reminded that no case is named."""

    def is_due(self, now_ms: int) -> bool:
        """Whether it is to be deleted now."""
        return self.goes_ms is not None and now_ms >= self.goes_ms


def fate(facts: Facts, terms: Terms, now_ms: int) -> Fate:
    """What is to become of it, as of `now_ms`."""
    dates = [_evidence(facts, terms), (facts.made_ms + terms.ceiling_days * DAY_MS, Cause.CEILING)]
    alone_ms = facts.came_ms if facts.unlinked_ms is None else facts.unlinked_ms
    if not facts.linked:
        dates.append((alone_ms + terms.unlinked_days * DAY_MS, Cause.UNLINKED))
    if not facts.receipt:
        dates.append((facts.came_ms + terms.no_receipt_hours * HOUR_MS, Cause.NO_RECEIPT))
    unconditional = False
    if facts.erasure_asked_ms is not None and facts.erasure_confirmed_ms is not None:
        dates.append((_after_undo(facts, terms, facts.erasure_confirmed_ms), Cause.CLIENT))
        unconditional = in_first_days(facts.erasure_asked_ms, facts, terms)
    due_ms, cause = min(dates)
    keep_until_ms = (*facts.holds_until_ms, facts.undone_ms or 0)
    goes_ms = None if facts.request_open else max((due_ms, *keep_until_ms))
    held = facts.request_open or any(now_ms < until_ms for until_ms in keep_until_ms)
    return Fate(
        due_ms,
        cause,
        goes_ms=due_ms if unconditional else goes_ms,
        kept=held and not unconditional,
        locked=not facts.receipt or facts.erasure_asked_ms is not None,
        remind_ms=None if facts.linked or not facts.receipt else alone_ms + terms.reminder_days * DAY_MS,
    )


def days_end_ms(facts: Facts, terms: Terms) -> int:
    """When the client's days end (D7): nobody has a say before in what they want erased, and no fragment is cut from it."""
    return facts.came_ms + terms.client_days * DAY_MS


def in_first_days(asked_ms: int, facts: Facts, terms: Terms) -> bool:
    """Whether it was asked in the client's days (D7). What came before the recording was made was not: its day is a mistake."""
    return facts.earliest_ms - _LONGEST_DAY_MS < asked_ms < days_end_ms(facts, terms)


def _evidence(facts: Facts, terms: Terms) -> tuple[int, Cause]:
    if facts.decided_ms is not None:
        after_ms = facts.decided_ms + terms.after_decision_days * DAY_MS
        if after_ms > facts.delete_after_ms:
            return after_ms, Cause.DECISION
    return facts.delete_after_ms, Cause.TERM


def _after_undo(facts: Facts, terms: Terms, confirmed_ms: int) -> int:
    """When it goes that was confirmed then: in time for the client's days, where it was confirmed within them (D7)."""
    last_ms = facts.came_ms + terms.client_days * DAY_MS
    undone_ms = confirmed_ms + terms.undo_hours * HOUR_MS
    return min(undone_ms, last_ms) if confirmed_ms < last_ms else undone_ms

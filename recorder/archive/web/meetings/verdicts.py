"""What verifying a recording found, remembered for some minutes: of three hours it takes most of a second, and pages are many.

It is remembered in the memory of this process alone, so that nothing of it outlives the recording on a disk, and whoever could
write a database could not have a page say "whole". A page says when it was verified. What opens a recording to somebody, the
reading room and a copy, verifies by itself each time. An object that was changed is noticed when the minutes are over; a
receipt or a key that comes late, at once.
"""

from dataclasses import dataclass

from django.core.cache import caches

from recorder.archive.listing import Row
from recorder.archive.web.archive import archive
from recorder.archive.web.clock import now_ms
from recorder.archive.web.meetings.verified import Trouble, verified
from recorder.audio import TICKS_PER_SECOND
from recorder.sealed.layout import Event, Missing
from recorder.wire.consent import ConsentReceipt

REMEMBERED_SECONDS = 600
_NOT_REMEMBERED = (Trouble.STRANGER, Trouble.UNREADABLE)
"""What the archive lacks, and not the recording: it may be put right a moment later."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """As `Verified`, without the hashes of the blocks, of which there are thousands."""

    trouble: Trouble | None
    flaw: str | None
    receipt: ConsentReceipt | None
    ticks: int
    events: tuple[Event, ...]
    gaps: tuple[Missing, ...]
    at_ms: int
    """When it was verified."""

    @property
    def seconds(self) -> float | None:
        """Of sound, as a player counts them; None if nothing of it could be verified."""
        return self.ticks / TICKS_PER_SECOND if self.ticks else None

    @property
    def sound_ms(self) -> int | None:
        """The same in milliseconds: behind it there is nothing to cut or to mask."""
        return self.ticks * 1_000 // TICKS_PER_SECOND if self.ticks else None

    @property
    def whole(self) -> bool:
        return self.trouble is None


def verdict(row: Row) -> Verdict:
    """Of a recording that was kept."""
    remembered, key = caches["verdicts"], f"{row.recording}:{row.code}:{row.keybox}"
    found: Verdict | None = remembered.get(key)
    if found is None:
        found = _verify(row)
        if found.trouble not in _NOT_REMEMBERED:
            remembered.set(key, found, REMEMBERED_SECONDS)
    return found


def _verify(row: Row) -> Verdict:
    catalogue, store = archive()
    at_ms, made = now_ms(), verified(store, catalogue, row)
    report = made.report
    ticks, events, gaps = (0, (), ()) if report is None else (report.ticks, report.events, report.gaps)
    return Verdict(made.trouble, made.flaw, made.receipt, ticks, events, gaps, at_ms)

"""The rooms as the pages show them: now, and for thirty days, from what the watch keeps (`recorder.archive.health`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from recorder import tls
from recorder.archive.health import Day, Failed, Now, days, now
from recorder.archive.web.archive import archive
from recorder.archive.web.clock import now_ms
from recorder.archive.web.rooms.strip import strip
from recorder.archive.web.rooms.words import FAILED, KINDS, TROUBLES, fault_word
from recorder.wire.consent import DAY_MS

SHOWN_DAYS = 30
WATCH_SILENT_MS = 600_000
"""A watch that has kept nothing for so long does not run, or does not hear the broker."""
SPOOL_TENTHS = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """A day of a strip. What it is shows by its shape: how high it is, and whether there is a mark above."""

    day: int
    kind: str
    faults: Sequence[str]
    rejected: bool
    silent: int
    """Hours."""

    @property
    def day_ms(self) -> int:
        """Noon, which is the same day in every zone that counts here."""
        return self.day * DAY_MS + DAY_MS // 2

    @property
    def word(self) -> Promise:
        return KINDS[self.kind]

    @property
    def marked(self) -> bool:
        return bool(self.faults) or self.rejected

    @property
    def told(self) -> Sequence[str]:
        return [fault_word(each) for each in self.faults] + ([str(TROUBLES["rejected"])] if self.rejected else [])

    @property
    def noted(self) -> bool:
        """Whether there is something to be read of it."""
        return self.marked or self.kind in ("part", "silent")


@dataclass(frozen=True, slots=True)
class Seen:
    """A room."""

    name: str
    now: Now | None
    """None: the watch has told nothing of it yet."""
    troubles: Sequence[str | Promise]
    cells: Sequence[Cell]

    @property
    def selftest_noon_ms(self) -> int | None:
        return self.now.selftest_ms + DAY_MS // 2 if self.now and self.now.selftest_ms else None

    @property
    def selftest_found(self) -> Sequence[str]:
        return [fault_word(each) for each in self.now.selftest_found] if self.now else []

    @property
    def strip(self) -> SafeString:
        return strip([(cell.kind, cell.marked) for cell in self.cells], self.strip_word)

    @property
    def strip_word(self) -> str:
        """The strip, for who does not see it."""
        counts = {kind: sum(cell.kind == kind for cell in self.cells) for kind in KINDS}
        told = [f"{KINDS[kind]}: {number}" for kind, number in counts.items() if number]
        marked = sum(cell.marked for cell in self.cells)
        if marked:
            told.append(ngettext("%(n)d day with a fault", "%(n)d days with a fault", marked) % {"n": marked})
        return ", ".join(told)


@dataclass(frozen=True, slots=True)
class Failing:
    """A meeting that was not recorded, or not to its end."""

    failed: Failed

    @property
    def word(self) -> Promise:
        return FAILED[self.failed.what]


def all_now() -> Mapping[str, Now | None]:
    """Every enrolled room, and what the watch told of it."""
    told = {each.name: each for each in now(archive().catalogue)}
    return {name: told.get(name) for name in archive().catalogue.enrolled()}


def watched_ms(found: Collection[Now | None]) -> int | None:
    """When the watch last kept anything; None if it never did."""
    return max((each.told_ms for each in found if each), default=None)


def stale(told_ms: int | None) -> bool:
    """Whether what was told then says nothing of now."""
    return told_ms is None or now_ms() - told_ms > WATCH_SILENT_MS


def troubles(room: Now | None) -> list[str | Promise]:
    """What somebody has to see to."""
    if room is None:
        return []
    found: list[str | Promise] = []
    if not room.heard:
        found.append(TROUBLES["never" if room.silent_ms is None and not room.started_ms else "silent"])
    found += [fault_word(each) for each in room.faults]
    for name, wrong in (
        ("rejected", room.rejected),
        ("behind", room.behind),
        ("spool", (room.spool or 0) >= SPOOL_TENTHS),
        ("certificate", ends_soon(room)),
    ):
        if wrong:
            found.append(TROUBLES[name])
    return found


def ends_soon(room: Now) -> bool:
    return bool(room.certificate_ends_ms) and room.certificate_ends_ms - now_ms() <= tls.WARNING_DAYS * DAY_MS


def see(rooms: Mapping[str, Now | None]) -> list[Seen]:
    """These rooms, in their order."""
    today = now_ms() // DAY_MS
    known: dict[str, dict[int, Day]] = {name: {} for name in rooms}
    for each in days(archive().catalogue, list(rooms), today - SHOWN_DAYS + 1, today):
        known[each.room][each.day] = each
    return [
        Seen(
            name,
            room,
            troubles(room),
            [_cell(known[name].get(day), day) for day in range(today - SHOWN_DAYS + 1, today + 1)],
        )
        for name, room in rooms.items()
    ]


def _cell(day: Day | None, number: int) -> Cell:
    if day is None or not day.watched:
        return Cell(number, "unknown", (), False, 0)
    kind = "heard" if not day.silent else "silent" if day.silent == day.watched else "part"
    return Cell(number, kind, day.faults, day.rejected, day.silent)

"""What goes in the days to come, as the nightly run leaves it to be read: of a million recordings no page could work it out."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta
from itertools import islice
from typing import NamedTuple

from django.db import transaction
from django.db.models import F

from recorder.archive.catalogue import believed_ms
from recorder.archive.listing import Row
from recorder.archive.retention import Cause, Fate
from recorder.archive.web.holds.models import FORECAST_DAYS, Day, Expected
from recorder.archive.web.times import moment
from recorder.wire.consent import DAY_MS

PORTION_ROWS = 1_000
DAYS_KEPT = 365
"""Of the counts of what was deleted."""


class Foreseen(NamedTuple):
    """One of which something is to be told: what `Expected` has, for there may be many."""

    recording: str
    device: str
    made_ms: int
    cause: str
    due_ms: int
    goes_ms: int | None
    kept: bool


def foresee(row: Row, fate: Fate, now_ms: int) -> Foreseen | None:
    """What to leave of a recording; None if it stays beyond FORECAST_DAYS, and not because something keeps it."""
    kept = fate.goes_ms != fate.due_ms and fate.due_ms <= now_ms
    soon = fate.goes_ms is not None and fate.goes_ms < now_ms + FORECAST_DAYS * DAY_MS
    if not kept and not soon:
        return None
    return Foreseen(
        recording=row.recording,
        device=row.device,
        made_ms=believed_ms(row.first_ms, row.made_ms, synced=row.made_synced),
        cause=fate.cause.value,
        due_ms=fate.due_ms,
        goes_ms=fate.goes_ms,
        kept=kept,
    )


def store(found: Collection[Foreseen], now_ms: int) -> None:
    """In the place of what the run before left."""
    today = moment(now_ms).date()
    counts = Counter(
        (max(today, moment(each.goes_ms).date()), each.cause) for each in found if each.goes_ms is not None
    )
    with transaction.atomic():
        Expected.objects.all().delete()
        for portion in _portions(iter(found)):
            Expected.objects.bulk_create(Expected(**each._asdict()) for each in portion)
        Day.objects.filter(day__lt=today - timedelta(DAYS_KEPT)).delete()
        Day.objects.update(expected=0)
        for (day, cause), number in counts.items():
            if day <= today + timedelta(FORECAST_DAYS):
                Day.objects.update_or_create(day=day, cause=cause, defaults={"expected": number})


def count(cause: Cause, now_ms: int) -> None:
    """One more was deleted."""
    day, _ = Day.objects.get_or_create(day=moment(now_ms).date(), cause=cause.value)
    Day.objects.filter(pk=day.pk).update(deleted=F("deleted") + 1)


def coming(counts: Iterable[Day], today: date, days: int) -> dict[Cause, int]:
    """How many of these go within so many days, by cause; the cause of most first."""
    found: Counter[Cause] = Counter()
    for each in counts:
        if each.expected and today <= each.day <= today + timedelta(days):
            found[Cause(each.cause)] += each.expected
    return dict(found.most_common())


def _portions(found: Iterator[Foreseen]) -> Iterator[list[Foreseen]]:
    while portion := list(islice(found, PORTION_ROWS)):
        yield portion

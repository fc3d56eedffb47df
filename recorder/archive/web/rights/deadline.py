"""Until when a request must be answered: a calendar month, and two more where the client was told why (AVG, article 12).

An erasure that was asked for within the client's days needs no reason, and is to be done by the end of these days (D7): it is
late from then on.
"""

import calendar
from datetime import datetime, time, timedelta

from django.utils import timezone

from recorder.archive.web.times import moment

MONTHS = 1
EXTENDED_MONTHS = 3


def answer_ms(came_ms: int, days_end_ms: int | None) -> int:
    """By when a new request is to be answered; `days_end_ms` is of an erasure that was asked for in the client's days."""
    month_ms = due_ms(came_ms)
    return month_ms if days_end_ms is None else min(month_ms, days_end_ms)


def due_ms(came_ms: int, months: int = MONTHS) -> int:
    """The last millisecond of the day of the same number, so many months later, or of that month's last day.

    In the pages' time zone. Weekends move nothing: who keeps this is never late.
    """
    came = moment(came_ms)
    year, month = divmod(came.year * 12 + came.month - 1 + months, 12)
    day = min(came.day, calendar.monthrange(year, month + 1)[1])
    after = datetime.combine(datetime(year, month + 1, day).date() + timedelta(days=1), time())  # noqa: DTZ001
    return int(timezone.make_aware(after).timestamp() * 1_000) - 1

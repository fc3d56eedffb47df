"""A picture of deletions a day: bars for days past and days to come. Places are in the picture's own units."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from recorder.archive.web.holds.models import FORECAST_DAYS, Day

PAST_DAYS = 30
STEP, BAR, HEIGHT = 12, 9, 120


@dataclass(frozen=True, slots=True)
class Bar:
    day: date
    number: int
    past: bool
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """`bars` has each day, also those without anything."""

    bars: tuple[Bar, ...]
    today: date
    most: int
    step: int = STEP
    bar: int = BAR
    height: int = HEIGHT

    @property
    def width(self) -> int:
        return STEP * len(self.bars)

    @property
    def now_x(self) -> int:
        """Between what is past and what is to come."""
        return STEP * (PAST_DAYS + 1) - (STEP - BAR) // 2 - 1

    @property
    def deleted(self) -> int:
        return sum(each.number for each in self.bars if each.past)

    @property
    def expected(self) -> int:
        return sum(each.number for each in self.bars if not each.past)

    @property
    def told(self) -> list[Bar]:
        """Those with something, for who reads a table rather than a picture."""
        return [each for each in self.bars if each.number]


def counts(today: date) -> list[Day]:
    """Of PAST_DAYS back, with today, and FORECAST_DAYS ahead."""
    first, last = today - timedelta(PAST_DAYS), today + timedelta(FORECAST_DAYS)
    return list(Day.objects.filter(day__gte=first, day__lte=last))


def draw(counts: Iterable[Day], today: date) -> Chart:
    """Of these counts. What is still expected for today goes tomorrow, after a night."""
    numbers: Counter[date] = Counter()
    for each in counts:
        if each.day <= today:
            numbers[each.day] += each.deleted
        if each.day >= today:
            numbers[max(each.day, today + timedelta(1))] += each.expected
    days = [today + timedelta(number) for number in range(-PAST_DAYS, FORECAST_DAYS + 1)]
    most = max((numbers[day] for day in days), default=0)
    bars = []
    for place, day in enumerate(days):
        height = round(HEIGHT * numbers[day] / most, 1) if most else 0.0
        bars.append(Bar(day, numbers[day], day <= today, STEP * place, HEIGHT - height, height))
    return Chart(tuple(bars), today, most)

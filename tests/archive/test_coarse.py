"""Rounded figures: what moves in them is no single meeting."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive.coarse import HOUR_SECONDS, MEETING_ITEMS_MAX, Latch, PastHour, Steps, share
from recorder.archive.figures import BUSY_STEP_SECONDS
from recorder.archive.rooms import BEHIND_SECONDS
from recorder.config import load

STEP = 16
HOURS = 1_000 * HOUR_SECONDS


def test_a_step_is_larger_than_the_longest_meeting() -> None:
    settings = load()
    blocks = settings.meeting.limit_seconds / settings.seal.block_seconds
    beside = 4  # preamble, manifest, keybox, consent receipt
    assert blocks + beside < MEETING_ITEMS_MAX
    assert blocks * 0.3 < BUSY_STEP_SECONDS
    assert settings.meeting.limit_seconds + settings.meeting.grace_seconds < BEHIND_SECONDS


@given(st.integers(0, STEP - 1), st.integers(0, 10_000), st.integers(0, STEP))
def test_what_is_not_more_than_a_step_moves_a_count_by_one_at_most(start: int, before: int, meeting: int) -> None:
    steps = Steps(STEP, start)
    moved = steps.of(before + meeting) - steps.of(before)
    assert steps.of(0) == 0
    assert steps.of(before) % STEP == 0
    assert moved in (0, STEP)


@pytest.mark.parametrize("count", [1, 5, 1_000, 1_007])
def test_on_average_over_the_secret_starts_a_count_is_exact(count: int) -> None:
    assert sum(Steps(STEP, start).of(count) for start in range(STEP)) == STEP * count


def over_time(told: Callable[[float], object]) -> list[object]:
    """As a scrape every ten seconds sees it, for six hours."""
    return [told(HOURS + second) for second in range(0, 6 * HOUR_SECONDS, 10)]


@pytest.mark.parametrize("seconds", [1, 60, 1_700])
def test_a_latch_tells_when_something_began_and_not_for_how_long_it_was(seconds: int) -> None:
    def series(length: int) -> list[object]:
        latch = Latch()

        def told(now: float) -> bool:
            if 1_800 <= now - HOURS < 1_800 + length:
                latch.set(now)
            return latch.told(now)

        return over_time(told)

    assert series(seconds) == series(1)
    assert series(1).index(True) == 180
    assert 3_600 <= 10 * series(1).count(True) <= 7_200


@pytest.mark.parametrize("seconds", [1, 60, 1_700])
def test_an_hour_is_told_when_it_is_over_and_whatever_was_in_it(seconds: int) -> None:
    def series(length: int) -> list[object]:
        hour = PastHour()

        def told(now: float) -> int | None:
            if 1_800 <= now - HOURS < 1_800 + length:
                hour.set(now)
            return hour.told(now)

        return over_time(told)

    assert series(seconds) == series(1)
    assert series(1) == [None] * 360 + [HOURS + HOUR_SECONDS] * (5 * 360)


def test_an_hour_that_is_not_over_leaves_the_last_one_told() -> None:
    hour = PastHour()
    hour.set(HOURS + 10)
    hour.set(HOURS + 2 * HOUR_SECONDS)
    hour.set(HOURS + 2 * HOUR_SECONDS + 5)
    assert hour.told(HOURS + 2 * HOUR_SECONDS + 6) == HOURS + HOUR_SECONDS
    assert hour.told(HOURS + 3 * HOUR_SECONDS) == HOURS + 3 * HOUR_SECONDS


@pytest.mark.parametrize(
    ("part", "whole", "told"), [(0, 100, 0), (9, 100, 0), (10, 100, 0.1), (99, 100, 0.9), (200, 100, 1), (0, 0, 1)]
)
def test_a_share_is_rounded_down(part: float, whole: float, told: float) -> None:
    assert share(part, whole) == told
    assert share(55, 1_000, 100) == 0.05

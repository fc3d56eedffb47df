"""A tone in the place of what somebody may not hear: nothing of it is left, and nothing else is lost."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive.decoder import decode
from recorder.archive.masking import BEFORE_MS, BEHIND_MS, FADE_MS, TONE_HZ, TONE_LEVEL, Range, mask
from recorder.audio import Gap, GapCause, PcmBlock
from tests.archive.heard import power, room
from tests.archive.test_reading_room import MOMENT

RATE = 16_000
FRAME = RATE // 50
MILLISECOND = RATE // 1_000
SHAPES = st.lists(st.one_of(st.integers(1, 12), st.integers(8, 30).map(lambda steps: -120 * steps)), max_size=12)
"""A positive number is so many frames of sound, a negative one so many ticks of a gap."""
RANGES = st.lists(st.tuples(st.integers(-50, 900), st.integers(-50, 3_000)).map(lambda each: Range(*each)), max_size=6)


def made(shape: Sequence[int], sound: np.ndarray) -> list[PcmBlock | Gap]:
    """`sound` in this shape; of it there is enough."""
    items: list[PcmBlock | Gap] = []
    position = 0
    for step in shape:
        if step > 0:
            first = position * RATE // 48_000
            pcm = sound[first : first + step * FRAME].astype("<i2").tobytes()
            items.append(PcmBlock(position, 960 * step, pcm, MOMENT))
        else:
            items.append(Gap(position, -step, GapCause.PAUSE, MOMENT))
        position += items[-1].length
    return items


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32_768, 32_768, 60 * RATE // 10)


def samples(items: Sequence[PcmBlock | Gap]) -> np.ndarray:
    return np.concatenate(
        [
            np.zeros(0, int),
            *(
                np.frombuffer(item.pcm, "<i2").astype(int)
                if isinstance(item, PcmBlock)
                else np.zeros(item.length * RATE // 48_000, int)
                for item in items
            ),
        ]
    )


def within(ranges: Sequence[Range], more_ms: int, count: int) -> np.ndarray:
    """Which samples lie in one of the ranges with its margins, and with so much more at each side."""
    found = np.zeros(count, bool)
    for start, stop in ranges:
        if max(0, start) < stop:
            found[
                max(0, (start - BEFORE_MS - more_ms) * MILLISECOND) : max(0, (stop + BEHIND_MS + more_ms) * MILLISECOND)
            ] = True
    return found


@given(SHAPES, RANGES)
def test_whatever_the_ranges_it_stays_as_long_as_it_is_and_outside_them_what_it_is(
    shape: list[int], ranges: list[Range]
) -> None:
    items = made(shape, noise(1))
    masked = list(mask(items, ranges, RATE))
    assert [(item.position, item.length, type(item)) for item in masked] == [
        (item.position, item.length, type(item)) for item in items
    ]
    before, after = samples(items), samples(masked)
    outside = ~within(ranges, 3 * FADE_MS, len(before))  # where two ranges nearly touch there is no fade
    near = ~within(ranges, FADE_MS, len(before))
    assert (after[outside] == before[outside]).all()
    changed = near & (after != before)
    assert not changed.any() or len(ranges) > 1


@given(SHAPES, RANGES)
def test_what_is_inside_is_not_to_be_told_by_a_single_sample(shape: list[int], ranges: list[Range]) -> None:
    one, other = noise(1), noise(2)
    inside = within(ranges, 0, len(one))
    other[~inside] = one[~inside]
    assert list(mask(made(shape, one), ranges, RATE)) == list(mask(made(shape, other), ranges, RATE))


@given(st.integers(0, 800), st.integers(1, 500))
def test_a_mask_is_a_tone_of_its_own(start: int, length: int) -> None:
    ranges = [Range(start, start + length)]
    silent = samples(list(mask(made([100], np.zeros(100 * FRAME)), ranges, RATE)))
    loud = samples(list(mask(made([100], noise(1)), ranges, RATE)))
    inside = within(ranges, 0, len(silent))
    assert (silent[inside] == loud[inside]).all()
    assert not silent[~inside].any()
    middle = silent[within(ranges, -FADE_MS, len(silent))]
    assert abs(power(middle, TONE_HZ, RATE) - TONE_LEVEL) < 0.1 * TONE_LEVEL
    assert np.abs(silent).max() <= TONE_LEVEL * 32_768


@given(st.lists(st.integers(1, 30), min_size=1, max_size=10), RANGES)
def test_a_mask_does_not_tell_where_blocks_end(shape: list[int], ranges: list[Range]) -> None:
    cut = samples(list(mask(made(shape, noise(1)), ranges, RATE)))
    assert (cut == samples(list(mask(made([sum(shape)], noise(1)), ranges, RATE)))).all()


SECRETS = {
    "noise": np.random.default_rng(1).normal(0, 8_000, 48_000),
    "a tone": 12_000 * np.sin(2 * np.pi * 3_100 / 48_000 * np.arange(48_000)),
    "a sweep": 12_000 * np.sin(np.cumsum(np.linspace(0.02, 2.5, 48_000))),
}
BEDS = {"silence": 0.0, "a quiet room": 30.0, "a loud room": 1_000.0}


def room_with(secret: np.ndarray, start: int, bed: float) -> np.ndarray:
    """Three seconds of a room as its packets decode, with this in it from sample `start` on."""
    pcm = np.random.default_rng(3).normal(0, bed, 3 * 48_000)
    pcm[start : start + len(secret)] += secret
    items = decode(room([pcm.clip(-32_768, 32_767).astype("<i2")]), preskip=312, rate=48_000)
    return np.concatenate([np.frombuffer(item.pcm, "<i2").astype(float) for item in items])


@pytest.mark.parametrize("bed", BEDS)
@pytest.mark.parametrize("secret", SECRETS)
def test_the_margins_are_as_long_as_the_memory_of_the_codec(secret: str, bed: str) -> None:
    for start in (48_000, 48_001, 48_311, 48_500, 48_647, 48_648, 48_959):
        one = room_with(SECRETS[secret], start, BEDS[bed])
        other = room_with(np.zeros(48_000), start, BEDS[bed])
        before, behind = start - BEFORE_MS * 48, start + 48_000 + BEHIND_MS * 48
        assert (one[:before] == other[:before]).all()
        left = np.sqrt(((one[behind:] - other[behind:]) ** 2).mean())
        assert left < 3 + 1.5 * BEDS[bed]  # a room rounded otherwise, and nothing of 8,000


def test_it_does_not_click() -> None:
    """From one sample to the next there is no more of a step than a tone has by itself."""
    steady = 0.3 * 32_767 * np.sin(2 * np.pi * 200 / RATE * np.arange(100 * FRAME))
    steps = np.abs(np.diff(samples(list(mask(made([100], steady), [Range(500, 900)], RATE)))))
    assert steps.max() < 2 * np.abs(np.diff(steady)).max()


def test_level_0_is_silence() -> None:
    masked = samples(list(mask(made([100], noise(1)), [Range(500, 900)], RATE, level=0)))
    assert not masked[within([Range(500, 900)], 0, len(masked))].any()


def test_nothing_to_mask_leaves_the_very_blocks() -> None:
    items = made([10, -960, 10], noise(1))
    assert all(one is other for one, other in zip(items, mask(items, [Range(5, 5), Range(9, 2)], RATE), strict=True))


def test_a_gap_stays_a_gap() -> None:
    items = made([10, -4_800, 10], noise(1))
    assert list(mask(items, [Range(0, 1_000)], RATE))[1] == items[1]

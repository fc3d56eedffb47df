"""Positions and times are given once and fit; one channel is picked; nothing from before the opening is kept."""

import queue
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import sounddevice
from hypothesis import given
from hypothesis import strategies as st

from recorder.audio import FRAME_TICKS, Gap, GapCause, Moment, PcmBlock
from recorder.config import load
from recorder.device.microphone import QUEUE_BLOCKS_MAX, SETTLE_SECONDS, Microphone, Stamper, _agree
from recorder.errors import MicrophoneError
from recorder.trial.soundstage import MICROPHONE

NS = 1_000_000_000
SETTINGS = msgspec.structs.replace(load().microphone, **MICROPHONE)


def now(seconds: float) -> tuple[int, Moment]:
    return round(seconds * NS), Moment(1_000_000 + round(seconds * 1e3), round(seconds * 1e3), True)


def opened(rate: int, at_ns: int) -> Stamper:
    stamper = Stamper(rate, 1)
    stamper.open(at_ns)
    return stamper


def test_what_was_captured_before_the_opening_is_not_kept():
    stamper = opened(48_000, 10 * NS)
    pcm = np.arange(48_000, dtype="<i2").tobytes()
    # At 10.7 s a whole second arrives: its first 0.8 s are from before 10.5 s.
    (block,) = stamper.stamp(pcm, 0, *now(10 + SETTLE_SECONDS + 0.2))
    assert block.position == 0
    assert block.pcm == pcm[2 * 38_400 :]
    assert block.moment.monotonic_ms == 10_500


def test_too_early_audio_alone_gives_nothing():
    stamper = opened(48_000, 10 * NS)
    assert stamper.stamp(bytes(9_600), 0, *now(10.2)) == []


def test_what_still_waits_makes_the_audio_older():
    stamper = opened(16_000, 0)
    (block,) = stamper.stamp(bytes(6_400), 1_600, *now(20))
    assert (block.position, block.length) == (0, 9_600)
    assert block.moment.monotonic_ms == 20_000 - 200 - 100


@given(st.lists(st.integers(1, 10), min_size=1, max_size=40), st.sampled_from([16_000, 48_000]))
def test_positions_run_on_in_whole_frames(sizes, rate):
    stamper, expected, seconds = opened(rate, 0), 0, 10.0
    for size in sizes:
        seconds += size / 50
        for item in stamper.stamp(bytes(size * rate // 25), 0, *now(seconds)):
            assert item.position == expected
            assert item.length == size * FRAME_TICKS
            assert abs(item.moment.monotonic_ms - 10_000 - expected / 48) <= 2
            expected += item.length


def test_lost_samples_become_a_gap_before_what_came_after():
    stamper = opened(48_000, 0)
    items = []
    for step in range(100):
        lost = 0.5 if step >= 40 else 0.0
        items += stamper.stamp(bytes(9_600), 0, *now(10 + step * 0.1 + lost))
    (gap,) = [item for item in items if isinstance(item, Gap)]
    assert gap.cause is GapCause.STALL
    assert abs(gap.length - 24_000) <= 120
    assert 40 * 4_800 <= gap.position <= 60 * 4_800
    for item, following in pairwise(items):
        assert following.position == item.position + item.length


def test_a_loss_that_a_look_found_stands_before_what_is_read_next():
    """Most looks read nothing: what they find out must not be forgotten."""
    stamper = opened(48_000, 0)
    items, waiting = [], 0
    for step in range(100):
        waiting += 4_800
        lost = 0.5 if step >= 40 else 0.0
        if step % 4:
            stamper.look(waiting, now(10 + step * 0.1 + lost)[0])
        else:
            items += stamper.stamp(bytes(2 * waiting), 0, *now(10 + step * 0.1 + lost))
            waiting = 0
    (gap,) = [item for item in items if isinstance(item, Gap)]
    assert abs(gap.length - 24_000) <= 120
    for item, following in pairwise(items):
        assert following.position == item.position + item.length


def test_of_an_array_every_channel_counts_for_the_bytes_and_not_for_the_time():
    stamper = Stamper(16_000, 6)
    stamper.open(0)
    (block,) = stamper.stamp(bytes(12 * 16_000), 0, *now(10))
    assert (block.length, len(block.pcm), block.moment.monotonic_ms) == (48_000, 12 * 16_000, 9_000)


def test_a_microphone_that_was_gone_leaves_a_gap_as_long_as_it_was():
    stamper = opened(48_000, 0)
    (before,) = stamper.stamp(bytes(96_000), 0, *now(10))
    stamper.open(15 * NS)
    assert stamper.stamp(bytes(9_600), 0, *now(15.3)) == [], "what comes before it has settled is not kept"
    gap, after = stamper.stamp(bytes(9_600), 0, *now(17))
    assert (gap.position, gap.length, gap.cause) == (before.length, round(6.9 * 48_000), GapCause.UNPLUGGED)
    assert (gap.moment.monotonic_ms, after.moment.monotonic_ms) == (10_000, 16_900)
    assert after.position == gap.position + gap.length


def test_a_microphone_that_never_spoke_misses_nothing():
    assert opened(48_000, 0).missing(*now(60)) == []


@given(
    st.lists(st.tuples(st.floats(0.0, 30.0), st.integers(1, 20)), min_size=1, max_size=12),
    st.sampled_from([16_000, 48_000]),
)
def test_however_often_it_goes_position_and_clock_agree(visits, rate):
    """Each visit: how long it was away, and how many times 40 ms it then speaks; now and then the gap is told in parts."""
    stamper, seconds, items = Stamper(rate, 1), 10.0, []
    for number, (away, length) in enumerate(visits):
        if number % 2:
            items += stamper.missing(*now(seconds + away / 2))
        seconds += away
        stamper.open(round(seconds * NS))
        seconds += 1.0
        for _ in range(length):
            seconds += 0.04
            items += stamper.stamp(bytes(rate // 25 * 2), 0, *now(seconds))
    position = 0
    for item in items:
        assert item.position == position
        position += item.length
        elapsed_ms = item.moment.monotonic_ms - items[0].moment.monotonic_ms
        assert abs(item.position / 48 - elapsed_ms) <= 3 + 20 * len(visits)
    assert all(item.cause is GapCause.UNPLUGGED for item in items if isinstance(item, Gap))


def test_a_full_queue_becomes_one_declared_gap_and_the_rest_is_whole():
    microphone = SimpleNamespace(_queue=queue.Queue(QUEUE_BLOCKS_MAX), _dropped=None, overflows=0)
    blocks = [PcmBlock(960 * number, 960, bytes(1_920), now(number / 50)[1]) for number in range(QUEUE_BLOCKS_MAX + 9)]
    for block in blocks[:-2]:
        Microphone._put(microphone, block)
    taken = [microphone._queue.get() for _ in range(QUEUE_BLOCKS_MAX)]
    for block in blocks[-2:]:
        Microphone._put(microphone, block)
    gap, *rest = [microphone._queue.get() for _ in range(3)]
    assert taken == blocks[:QUEUE_BLOCKS_MAX]
    assert gap == Gap(960 * QUEUE_BLOCKS_MAX, 960 * 7, GapCause.OVERFLOW, blocks[QUEUE_BLOCKS_MAX].moment)
    assert rest == blocks[-2:]
    assert microphone.overflows == 1


def test_a_missing_pcm_is_told_in_plain_words():
    settings = msgspec.structs.replace(SETTINGS, identity="pcm:nobody")
    with pytest.raises(MicrophoneError, match="pcm:nobody cannot be used"):
        Microphone(settings, on_gone=print, on_shut=print)


def only(*rates: int) -> Callable[..., None]:
    """A card that knows these rates alone. The sound server of the tests converts, so it cannot play such a card."""

    def check(device: int, channels: int, dtype: str, samplerate: int) -> None:
        if samplerate not in rates:
            raise sounddevice.PortAudioError("Invalid sample rate", -9997)

    return check


def test_the_first_rate_that_both_know_is_taken(monkeypatch):
    both = msgspec.structs.replace(SETTINGS, rates=[48_000, 16_000])
    for rates, agreed in (((48_000, 16_000), 48_000), ((16_000,), 16_000)):
        monkeypatch.setattr(sounddevice, "check_input_settings", only(*rates))
        assert _agree(both, 0) == agreed


def test_a_rate_that_the_microphone_does_not_know_is_told_with_what_to_change(monkeypatch):
    monkeypatch.setattr(sounddevice, "check_input_settings", only(44_100))
    with pytest.raises(MicrophoneError, match=r"neither 48000 nor 16000 .*Change microphone\.rates"):
        _agree(msgspec.structs.replace(SETTINGS, rates=[48_000, 16_000]), 0)

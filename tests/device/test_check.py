"""What is wrong with a microphone from the start is told, and nothing that a quiet or a loud room may be the cause of."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.config import Microphone, load
from recorder.device.check import Check
from recorder.device.pipe import Flaw

RATE = 16_000
HALF = RATE // 2


def check(channels: int = 2, **changes: object) -> Check:
    settings = msgspec.to_builtins(load().microphone) | {"channels": channels, "pick": "mix", "leave_out": []} | changes
    return Check(msgspec.convert(settings, Microphone), RATE)


def sound(loudness: float, channels: int = 2, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, loudness, (HALF, channels))
    return np.clip(np.rint(noise), -32_768, 32_767).astype("<i2")


def judged(one: Check, samples: np.ndarray) -> tuple[Flaw, ...]:
    for chunk in np.array_split(samples, 5):
        assert one.flaws == ()
        one.feed(chunk.tobytes())
    return one.flaws


@pytest.mark.parametrize("loudness", [1.5, 10, 3_000, 9_000])
def test_a_sound_microphone_has_no_flaw(loudness):
    assert judged(check(), sound(loudness)) == ()


def test_a_constant_beside_sound_is_no_flaw():
    assert judged(check(), sound(20) + np.array([3_000, -3_000], "<i2")) == ()


@pytest.mark.parametrize("constant", [0, 1, -32_768])
def test_where_nothing_moves_it_is_muted(constant):
    assert judged(check(), np.full((HALF, 2), constant, "<i2")) == (Flaw.MUTED,)


def test_one_channel_that_does_not_move_is_dead():
    samples = sound(100)
    samples[:, 1] = 5
    assert judged(check(), samples) == (Flaw.DEAD_CHANNEL,)
    assert judged(check(pick=1), samples) == (), "it is not used"
    assert judged(check(pick=2), samples) == (Flaw.MUTED,)
    assert judged(check(leave_out=[2]), samples) == ()


def test_a_gain_that_is_wrong_is_told_and_a_knock_is_not():
    assert judged(check(), sound(25_000)) == (Flaw.OVERDRIVEN,)
    knocked = sound(100)
    knocked[1_000:1_005] = 32_767
    assert judged(check(), knocked) == ()


def test_the_last_bit_alone_is_too_faint():
    samples = np.zeros((HALF, 2), "<i2")
    samples[::50] = 1
    assert judged(check(), samples) == (Flaw.FAINT,)


def test_a_flaw_stands_until_half_a_second_is_without_it_and_then_nothing_is_judged():
    one = check()
    assert judged(one, np.zeros((HALF, 2), "<i2")) == (Flaw.MUTED,)
    one.feed(np.zeros((HALF, 2), "<i2").tobytes())
    assert one.flaws == (Flaw.MUTED,)
    one.feed(sound(100).tobytes())
    assert one.flaws == ()
    one.feed(np.zeros((4 * HALF, 2), "<i2").tobytes())
    assert one.flaws == ()


@given(st.integers(1, 8), st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=8))
def test_any_samples_are_judged(channels, values):
    one = check(channels)
    one.feed(np.resize(np.array(values, "<i2"), HALF * channels).tobytes())
    assert isinstance(one.flaws, tuple)

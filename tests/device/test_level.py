"""The level meter against levels known by arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.device.level import FLOOR_DBFS, Meter

RATE = 48_000


def sine(amplitude: float, offset: float = 0.0, seconds: float = 0.2) -> bytes:
    time = np.arange(round(RATE * seconds)) / RATE
    return np.clip(offset + amplitude * np.sin(2 * np.pi * 1_000 * time), -32_768, 32_767).astype("<i2").tobytes()


def test_a_full_scale_sine_is_three_below_zero():
    level = Meter(RATE, -60).measure(sine(32_767))
    assert level.rms_dbfs == pytest.approx(-3.01, abs=0.01)
    assert level.peak_dbfs == pytest.approx(0, abs=0.01)


def test_a_tenth_is_twenty_less():
    level = Meter(RATE, -60).measure(sine(3_276.8))
    assert level.rms_dbfs == pytest.approx(-23.01, abs=0.01)


def test_digital_silence_has_the_floor():
    level = Meter(RATE, -60).measure(bytes(1_920))
    assert (level.rms_dbfs, level.peak_dbfs) == (FLOOR_DBFS, FLOOR_DBFS)


def test_a_constant_is_no_sound():
    level = Meter(RATE, -60).measure(sine(5, offset=4_000))
    assert level.rms_dbfs < -60
    assert level.silent_seconds == pytest.approx(0.2)


def test_silence_counts_on_until_there_is_sound():
    meter = Meter(RATE, -60)
    assert [meter.measure(bytes(19_200)).silent_seconds for _ in range(3)] == pytest.approx([0.2, 0.4, 0.6])
    assert meter.measure(sine(1_000)).silent_seconds == 0
    assert meter.measure(bytes(19_200)).silent_seconds == pytest.approx(0.2)


@given(st.binary(min_size=2, max_size=400).filter(lambda pcm: len(pcm) % 2 == 0))
def test_every_block_has_a_finite_level(pcm):
    level = Meter(RATE, -60).measure(pcm)
    assert FLOOR_DBFS <= level.rms_dbfs <= 0.001
    assert FLOOR_DBFS <= level.peak_dbfs <= 0

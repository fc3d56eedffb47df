"""Another voice, of speech that a program spoke: what is measured is that it changed, and that it is still this speech.

Whether a person understands it, or recognises the speaker, is for people to tell; nothing here measures it.
"""

import random
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive.voice import FORMANTS, PITCHES, RATE, Alteration, alter

ALTERATIONS = [Alteration(pitch, alpha) for pitch in (0.80, 0.90, 1.12, 1.25) for alpha in FORMANTS]


@pytest.fixture(scope="module")
def speech(spoken: Path) -> np.ndarray:
    """Ten seconds at RATE."""
    with wave.open(str(spoken)) as file:
        pcm = np.frombuffer(file.readframes(10 * 48_000), "<i2")
    return pcm.reshape(-1, 3).mean(axis=1).astype("<i2")


def pitch(pcm: np.ndarray) -> float:
    """The median fundamental frequency of what is voiced, by autocorrelation."""
    found = []
    size = RATE // 20
    lags = np.arange(RATE // 300, RATE // 60)
    for at in range(0, len(pcm) - 2 * size, size // 4):
        frame, later = pcm[at : at + size] / 32_768, pcm[at : at + 2 * size] / 32_768
        if (frame**2).mean() < 1e-4:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(later, size)[lags]
        likeness = windows @ frame / np.sqrt((windows**2).sum(axis=1) * (frame**2).sum() + 1e-12)
        if likeness.max() > 0.7:
            found.append(RATE / lags[np.flatnonzero(likeness > 0.97 * likeness.max())[0]])
    assert len(found) > 50
    return float(np.median(found))


def envelope(pcm: np.ndarray) -> np.ndarray:
    """Long-term power in bands of 250 Hz, up to 8 kHz."""
    frames = pcm[: len(pcm) // 512 * 512].reshape(-1, 512) / 32_768
    power = (np.abs(np.fft.rfft(frames * np.hanning(512), axis=1)[:, :256]) ** 2).mean(axis=0)
    return power.reshape(32, 8).sum(axis=1)


def centroid(pcm: np.ndarray) -> float:
    bands = envelope(pcm)
    return float((bands * (125 + 250 * np.arange(32))).sum() / bands.sum())


def loudness(pcm: np.ndarray) -> np.ndarray:
    """Decibels from 20 ms to 20 ms."""
    frames = pcm[: len(pcm) // 320 * 320].reshape(-1, 320) / 32_768
    return 10 * np.log10((frames**2).mean(axis=1) + 1e-6)


@pytest.mark.parametrize("alteration", ALTERATIONS, ids=str)
def test_pitch_and_formants_move_and_the_speech_stays(speech: np.ndarray, alteration: Alteration) -> None:
    changed = alter(speech, alteration)
    assert (len(changed), changed.dtype) == (len(speech), speech.dtype)
    assert pitch(changed) / pitch(speech) == pytest.approx(alteration.pitch, rel=0.06)
    assert centroid(changed) > 1.1 * centroid(speech)
    # Syllables and pauses are where they were, and as loud.
    assert np.corrcoef(loudness(speech), loudness(changed))[0, 1] > 0.9
    assert abs(loudness(speech).mean() - loudness(changed).mean()) < 2


def test_one_amount_is_not_another(speech: np.ndarray) -> None:
    one, other = (alter(speech, Alteration(*each)) for each in ((0.85, 0.8), (1.2, 0.8)))
    assert np.abs(np.corrcoef(one, other)[0, 1]) < 0.2
    assert np.abs(np.corrcoef(one, speech)[0, 1]) < 0.2


def test_silence_stays_silent_and_nothing_stays_nothing() -> None:
    assert not alter(np.zeros(RATE, "<i2"), ALTERATIONS[0]).any()
    assert len(alter(np.zeros(0, "<i2"), ALTERATIONS[0])) == 0


@given(
    st.integers(1, 3_000), st.integers(0, 2**32 - 1), st.sampled_from(ALTERATIONS), st.sampled_from([1, 300, 32_767])
)
def test_it_stays_as_long_as_it_is_whatever_it_holds(count: int, seed: int, alteration: Alteration, level: int) -> None:
    pcm = np.random.default_rng(seed).integers(-level - 1, level + 1, count).astype("<i2")
    with np.errstate(all="raise", under="ignore"):
        assert len(alter(pcm, alteration)) == count


@given(st.sampled_from([32_767, -32_768]), st.integers(1, 3_000))
def test_what_is_overdriven_is_bounded(level: int, count: int) -> None:
    assert len(alter(np.full(count, level, "<i2"), ALTERATIONS[-1])) == count


def test_amounts_are_drawn_within_their_bounds_and_up_as_often_as_down() -> None:
    chance = random.Random(1)
    drawn = [Alteration.drawn(chance.uniform) for _ in range(1_000)]
    ups = sum(each.pitch > 1 for each in drawn)
    assert 400 < ups < 600
    assert len({each.pitch for each in drawn}) == 1_000


@pytest.mark.parametrize(
    "amounts", [(1.0, 0.8), (0.5, 0.8), (1.5, 0.8), (0.85, 1.0), (0.85, 0.5), (PITCHES[0][1] + 0.01, 0.8)]
)
def test_too_little_and_too_much_are_refused(amounts: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"is no(ne|t)"):
        Alteration(*amounts)

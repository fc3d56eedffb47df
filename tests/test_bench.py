"""What the bench says of lost samples can be believed: it finds one in a minute, and none where there is none."""

import numpy as np
import pytest

from bench import alignment

RATE = 48_000
SECONDS = 40


@pytest.fixture(scope="module")
def played() -> np.ndarray:
    """Noise that comes and goes like speech does."""
    chance = np.random.default_rng(1)
    loudness = np.repeat(chance.uniform(200, 4_000, SECONDS * 4), RATE // 4)
    return np.asarray(np.convolve(chance.normal(0, 1, SECONDS * RATE), np.ones(8) / 8, "same") * loudness).astype("<i2")


def recorded(played: np.ndarray, lag: int) -> np.ndarray:
    """What a room hears that begins `lag` samples before the speech, or after it if negative, and ends later."""
    quiet = np.zeros(max(lag, 0), "<i2")
    return np.concatenate([quiet, played[max(-lag, 0) :], np.zeros(max(-lag, 0) + RATE, "<i2")])


@pytest.mark.parametrize("lag", [-60_000, -774, 0, 3_000, 40_000])
def test_where_nothing_is_lost_every_place_agrees(played: np.ndarray, lag: int) -> None:
    (piece,) = alignment.pieces(recorded(played, lag), played, played, [])
    assert piece.steady and round(piece.lag) == lag
    assert len(piece.lags) >= alignment.PLACES_MIN
    assert piece.correlation > 0.999


@pytest.mark.parametrize("lag", [-774, 3_000])
@pytest.mark.parametrize("change", ["lost", "doubled"])
def test_one_sample_is_found(played: np.ndarray, lag: int, change: str) -> None:
    whole = recorded(played, lag)
    middle = SECONDS * RATE // 2
    flawed = np.delete(whole, middle) if change == "lost" else np.insert(whole, middle, whole[middle])
    (piece,) = alignment.pieces(flawed, played, played, [])
    assert not piece.steady
    step = piece.lags[-1][1] - piece.lags[0][1]
    assert round(step) == (-1 if change == "lost" else 1)
    assert piece.astray


def test_at_a_declared_gap_the_lag_may_change(played: np.ndarray) -> None:
    whole = recorded(played, 0)
    gap_begins, gap = 15 * RATE, RATE
    pieces = alignment.pieces(
        np.concatenate([whole[:gap_begins], np.zeros(gap, "<i2"), whole[gap_begins:]]),
        played,
        played,
        [(gap_begins, gap)],
    )
    assert [(round(piece.lag), piece.steady) for piece in pieces] == [(0, True), (gap, True)]

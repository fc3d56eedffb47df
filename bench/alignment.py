"""Was every sample recorded, once? The decoded recording is laid beside the speech that was played.

The recording opens before the speech sets in, so the two differ by a lag. It is measured by cross-correlation at many
places, each alone. A lost sample would make it smaller by one from there on, a doubled one larger; so lags that differ
by less than half a sample mean that there was neither. At a declared gap the lag may change, so each piece between gaps
is judged by itself.

The lag is measured to a fraction of a sample, and not on the speech itself but on what opusenc and opusdec make of it, the
twin. A codec delays high tones by a little more than low ones; beside the speech the lag wavers by a sample with what is
said, beside the twin this falls away.
"""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import signal

from recorder.audio import TICKS_PER_SECOND

WINDOW = 2 * TICKS_PER_SECOND
SEARCH = 3 * TICKS_PER_SECOND
"""How far the speech may be off."""
EDGE = 16
"""Samples beyond a place, so that its best lag has neighbours."""
PLACES_EVERY = 20 * TICKS_PER_SECOND
PLACES_MIN = 9
SPREAD_MAX = 0.5
"""Samples."""
CHUNK = 10 * TICKS_PER_SECOND
QUIET_RMS = 100.0
"""A place with less than this has no speech in it, and hiss is not what codecs keep: it is passed over."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio between two gaps: positions in ticks of the recording."""

    start: int
    end: int
    lags: tuple[tuple[int, float], ...]
    """(place, lag): the sample at `place` was played at `place - lag`."""
    correlation: float
    """With the twin, over all that both have."""
    likeness: float
    """With the speech."""

    @property
    def steady(self) -> bool:
        return self.spread < SPREAD_MAX

    @property
    def spread(self) -> float:
        """Samples between the least lag and the most."""
        lags = [lag for _, lag in self.lags]
        return max(lags) - min(lags)

    @property
    def astray(self) -> list[tuple[int, float]]:
        """The places that differ from the others."""
        return [(place, lag) for place, lag in self.lags if abs(lag - self.lag) >= SPREAD_MAX]

    @property
    def lag(self) -> float:
        return float(np.median([lag for _, lag in self.lags]))


def samples(wav: Path) -> np.ndarray:
    """The samples of a mono WAV file of 16 bits, in the file and not in memory."""
    with wave.open(str(wav), "rb") as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, TICKS_PER_SECOND)
        count = sound.getnframes()
    data: np.ndarray = np.memmap(wav, dtype="<i2", mode="r", offset=wav.stat().st_size - 2 * count, shape=(count,))
    return data


def pieces(recorded: np.ndarray, twin: np.ndarray, played: np.ndarray, gaps: Sequence[tuple[int, int]]) -> list[Piece]:
    """One for every stretch between `gaps` (position, length) that is long enough to be judged."""
    edges = [0]
    for position, length in gaps:
        edges += [position, position + length]
    edges.append(len(recorded))
    _, own = likeness(twin, played)
    found = []
    drift = 0
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        piece = _piece(recorded, twin, played, start, end, drift, own)
        if piece is not None:
            found.append(piece)
            drift = round(piece.lags[-1][1])
    return found


def likeness(twin: np.ndarray, played: np.ndarray) -> tuple[float, int]:
    """The correlation of the twin with the speech, and at which lag: the codec's own, 0 or 1."""
    return max((_correlation(twin, played, 0, len(twin), lag), lag) for lag in (0, 1))


def _piece(
    recorded: np.ndarray, twin: np.ndarray, played: np.ndarray, start: int, end: int, about: int, own: int
) -> Piece | None:
    # The speech begins a little after the recording; what was captured before that cannot be compared.
    first, last = max(start, about, 0), min(end, len(played) + about) - WINDOW
    if start == 0:
        first += TICKS_PER_SECOND
    if last <= first:
        return None
    count = max(PLACES_MIN, (last - first) // PLACES_EVERY)
    lags: list[tuple[int, float]] = []
    for each in np.linspace(first, last, count).astype(int).tolist():
        # No further than what was spoken: if the recording began after the speech, that ends sooner.
        place = each if not lags else min(each, len(played) + round(lags[-1][1]) - WINDOW - EDGE)
        lag = _lag(recorded, twin, place, about)
        if lag is not None:
            lags.append((place, lag))
    if not lags:
        return None
    lag = round(float(np.median([lag for _, lag in lags])))
    return Piece(
        start,
        end,
        tuple(lags),
        _correlation(recorded, twin, start, end, lag),
        _correlation(recorded, played, start, end, own + lag),
    )


def _lag(recorded: np.ndarray, twin: np.ndarray, place: int, about: int) -> float | None:
    if recorded[place : place + WINDOW].std() < QUIET_RMS:
        return None
    begin = max(0, place - about - SEARCH)
    # Differences, in which the low tones weigh less: those hardly change from one sample to the next.
    window = np.diff(recorded[place : place + WINDOW].astype(float))
    field = np.diff(twin[begin : max(begin, place - about + SEARCH + WINDOW)].astype(float))
    if len(field) < len(window):
        return None
    likely = signal.correlate(field, window, mode="valid", method="fft")
    # By the energy of what it is laid on: otherwise the loudest place wins, not the likest.
    energy = signal.oaconvolve(field**2, np.ones(len(window)), mode="valid")
    likely /= np.sqrt(np.maximum(energy, 1.0))
    best = int(np.clip(np.argmax(likely), 1, len(likely) - 2))
    # The top of the parabola through the best place and its neighbours.
    left, top, right = likely[best - 1 : best + 2]
    return float(round(place - begin - best - (left - right) / (2 * (left - 2 * top + right)), 3))


def _correlation(recorded: np.ndarray, played: np.ndarray, start: int, end: int, lag: int) -> float:
    """Pearson's, over the whole overlap."""
    start, end = max(start, lag), min(end, len(played) + lag)
    sums = np.zeros(5)
    for at in range(start, end, CHUNK):
        until = min(at + CHUNK, end)
        ours, theirs = recorded[at:until].astype(float), played[at - lag : until - lag].astype(float)
        sums += ours.sum(), theirs.sum(), ours @ ours, theirs @ theirs, ours @ theirs
    n = max(1, end - start)
    cover = sums[4] / n - sums[0] * sums[1] / n**2
    spread = (sums[2] / n - (sums[0] / n) ** 2) * (sums[3] / n - (sums[1] / n) ** 2)
    return float(cover / np.sqrt(spread)) if spread > 0 else 0.0

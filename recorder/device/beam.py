"""Where the loudest talker is: by how much each microphone hears them later than another one does. Pure.

Nothing is known of how the microphones stand but the largest distance between two of them: no sound comes to one later than
that distance takes. Within this bound the delay is where the generalised cross-correlation with phase transform has its
maximum (GCC-PHAT; Knapp and Carter, The generalized correlation method for estimation of time delay, IEEE Transactions on
Acoustics, Speech, and Signal Processing 24, 1976): of each frequency the phase alone counts.

Not all frequencies of a frame count alike. The beginning of a sound comes straight from the mouth, and what follows of it
from the walls; so each counts by how far it rises above what was there just before. A ventilator and an echo do not rise,
and in a pause nothing does: then the bearing stays where it was. What was heard fades over MEMORY_SECONDS.
"""

from math import ceil, exp

import numpy as np
from numpy.typing import NDArray

from recorder.audio import FRAME_TICKS, TICKS_PER_SECOND

SOUND_METRES_PER_SECOND = 343.0
BAND_HZ = (200.0, 6_000.0)
"""Below, an array is too small to tell directions; above, speech has little."""
MEMORY_SECONDS = 0.2
RISE_RATIO = 2.0
"""Power that rises by less does not count."""
BEFORE_SHARE = 0.3
"""Of the newest frame, in what was there before."""
RISEN_SHARE_MIN = 0.02
"""Of the band: in a frame where less rises, nobody speaks."""


class Bearing:
    """Follows the loudest talker, frame by frame."""

    def __init__(self, channels: int, rate: int, aperture_metres: float) -> None:
        frame = rate * FRAME_TICKS // TICKS_PER_SECOND
        self.reach = ceil(aperture_metres / SOUND_METRES_PER_SECOND * rate)
        """The largest delay, in samples."""
        hertz = np.fft.rfftfreq(frame, 1 / rate)
        self._band = slice(*np.searchsorted(hertz, BAND_HZ))
        lags = np.arange(-self.reach, self.reach + 1) / rate
        turns = np.exp(-2j * np.pi * np.outer(hertz[self._band], lags))
        self._turns = np.stack([turns.real, turns.imag], axis=1).reshape(-1, len(lags))
        """From phases, real and imaginary parts in turn, to how well each delay explains them."""
        self._window = np.hanning(frame)
        self._fade = exp(-FRAME_TICKS / TICKS_PER_SECOND / MEMORY_SECONDS)
        self._before: NDArray[np.float64] | None = None
        self._phases = np.zeros((channels, len(turns)), complex)
        self._delays = [0] * channels

    def follow(self, frame: NDArray[np.int16], first: int) -> list[int]:
        """How many samples later than channel `first` each one hears the talker; `frame`: a row for each channel."""
        spectrum = np.fft.rfft(frame * self._window)[:, self._band]
        powers = np.square(spectrum.real) + np.square(spectrum.imag) + np.finfo(float).tiny
        power = powers.mean(axis=0)
        before = power if self._before is None else self._before
        self._before = before + BEFORE_SHARE * (power - before)
        risen = np.maximum(0, 1 - RISE_RATIO * before / power)
        if risen.mean() > RISEN_SHARE_MIN:
            self._phases *= self._fade
            self._phases += spectrum * (spectrum[first].conj() * risen) / np.sqrt(powers * powers[first])
            self._delays = (np.argmax(self._phases.view(float) @ self._turns, axis=1) - self.reach).tolist()
        return self._delays

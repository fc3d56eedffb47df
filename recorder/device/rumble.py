"""The rumble filter: keeps what lies below any voice out of the recording. Doors, lorries, and a converter's constant. Pure.

A Butterworth high-pass of second order: 12 dB an octave, no ripple, gentle to a low voice. Its coefficients come from the
analogue one by the bilinear transform, the cut-off prewarped (Oppenheim and Schafer, Discrete-Time Signal Processing,
section 7.1). As a difference equation, with a state x of two numbers:

    y[n] = x₁[n] + b₀ u[n]        x[n+1] = A x[n] + k u[n]

A loop over samples is far too slow in Python, so the same equation is written for a run of samples, and again for a frame of
runs: the sound of a whole read then goes through a few small matrices, and only the state between frames, two numbers
fifty times a second, is carried by hand. It is the same sum in another order, exact to the rounding of float64, so neither
the cut of the stream nor the runs can be heard or seen in a sample of 16 bits.
"""

from math import pi, sqrt, tan

import numpy as np
from numpy.typing import NDArray

from recorder.audio import FRAME_TICKS, TICKS_PER_SECOND

RUN_SAMPLES = 20
"""Longer runs cost more in each, shorter ones more between them; this costs about the least."""


def coefficients(cutoff_hz: float, rate: int) -> tuple[float, float, float, float, float]:
    """b₀, b₁, b₂, a₁ and a₂ of y[n] = b₀ u[n] + b₁ u[n−1] + b₂ u[n−2] − a₁ y[n−1] − a₂ y[n−2]."""
    warped = tan(pi * cutoff_hz / rate)
    scale = 1 / (1 + sqrt(2) * warped + warped**2)
    return scale, -2 * scale, scale, 2 * (warped**2 - 1) * scale, (1 - sqrt(2) * warped + warped**2) * scale


class Rumble:
    """The filter and its state, for one stream."""

    def __init__(self, cutoff_hz: float, rate: int) -> None:
        b0, b1, b2, a1, a2 = coefficients(cutoff_hz, rate)
        step = np.array([[-a1, 1.0], [-a2, 0.0]])
        kick = np.array([b1 - a1 * b0, b2 - a2 * b0])
        steps = [np.linalg.matrix_power(step, n) for n in range(RUN_SAMPLES + 1)]
        echo = [b0, *(float(power[0] @ kick) for power in steps)]
        """What one sample gives to itself and to those after it."""
        runs = rate * FRAME_TICKS // TICKS_PER_SECOND // RUN_SAMPLES
        within = range(RUN_SAMPLES)
        sound = [[echo[j - i] if j >= i else 0.0 for j in within] for i in within]
        ring = np.array([power[0] for power in steps[:-1]]).T
        self._run = np.vstack([sound, ring])
        """From the samples of a run and the state before it to what comes out."""
        self._push = np.array([steps[RUN_SAMPLES - 1 - i] @ kick for i in within])
        """From the samples of a run to the state after it."""
        strides = [np.linalg.matrix_power(steps[-1], n).T for n in range(runs + 1)]
        nothing = np.zeros((2, 2))
        self._pass = np.block(
            [[strides[j - i - 1] if j > i else nothing for j in range(runs + 1)] for i in range(runs)]
        )
        """From what each run of a frame pushes to the state before each of them, and after the last."""
        self._start = np.hstack(strides[:-1])
        """From the state before a frame to that before each of its runs."""
        self._stride: list[list[float]] = strides[-1].tolist()
        self._state = [0.0, 0.0]
        # Kept, as large as the largest read: getting memory this large from the system each time costs more than the filter.
        self._in, self._out = np.empty((0, RUN_SAMPLES + 2)), np.empty((0, RUN_SAMPLES))

    def filter(self, sound: NDArray[np.float64] | NDArray[np.int16]) -> NDArray[np.float64]:
        """The next whole frames of the stream, filtered. They are good until the next call."""
        count = len(sound) // RUN_SAMPLES
        if count > len(self._in):
            self._in, self._out = np.empty((count, RUN_SAMPLES + 2)), np.empty((count, RUN_SAMPLES))
        runs, out = self._in[:count], self._out[:count]
        runs[:, :-2] = sound.reshape(-1, RUN_SAMPLES)
        pushed = (runs[:, :-2] @ self._push).reshape(-1, len(self._pass))
        states = pushed @ self._pass
        starts = self._carry(states[:, -2:].tolist())
        runs[:, -2:] = (states[:, :-2] + np.array(starts) @ self._start).reshape(-1, 2)
        return np.matmul(runs, self._run, out=out).reshape(-1)

    def _carry(self, ends: list[list[float]]) -> list[list[float]]:
        """The state before each frame; `ends`: what the frame alone would leave behind."""
        (from_first, from_second), starts = self._stride, []
        for first, second in ends:
            starts.append(self._state)
            a, b = self._state
            self._state = [
                a * from_first[0] + b * from_second[0] + first,
                a * from_first[1] + b * from_second[1] + second,
            ]
        return starts

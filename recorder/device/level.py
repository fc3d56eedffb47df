"""How loud it is: what the level meter and the alarm for silence go by. Pure.

Levels are in dBFS: 0 is the amplitude of full scale (32,768), so that a full-scale square wave has an RMS of 0 and a
sine of −3.01. The RMS is taken without the mean: many cheap microphones add a constant, which is no sound.
"""

from dataclasses import dataclass
from math import log10, sqrt

import numpy as np

FLOOR_DBFS = -120.0
"""Reported for digital silence, whose level is minus infinity."""
FULL_SCALE = 32_768


@dataclass(frozen=True, slots=True)
class Level:
    """What a meter shows."""

    rms_dbfs: float
    peak_dbfs: float
    silent_seconds: float
    """How long it has been below the threshold without interruption."""


class Meter:
    """Measures consecutive blocks of mono 16-bit audio."""

    def __init__(self, rate: int, silence_dbfs: float) -> None:
        self._rate = rate
        self._silence_dbfs = silence_dbfs
        self._silent_frames = 0

    def measure(self, pcm: bytes | bytearray) -> Level:
        """The level of one block; silence counts on from the blocks before it."""
        samples = np.frombuffer(pcm, dtype="<i2")
        wide = samples.astype(np.float64)
        # Not `std`, which goes over the samples three times more.
        rms = sqrt(max(0.0, float(wide @ wide) / len(wide) - float(wide.mean()) ** 2))
        peak = max(int(samples.max()), -int(samples.min()))
        rms_dbfs = _dbfs(rms)
        self._silent_frames = self._silent_frames + len(samples) if rms_dbfs < self._silence_dbfs else 0
        return Level(rms_dbfs, _dbfs(peak), self._silent_frames / self._rate)


def _dbfs(amplitude: float) -> float:
    return max(FLOOR_DBFS, 20 * log10(amplitude / FULL_SCALE)) if amplitude > 0 else FLOOR_DBFS

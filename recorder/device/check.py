"""Whether a microphone can be believed: judged by half a second of a stream and more, until it is without flaw. Pure.

A muted or half-dead microphone opens like a sound one, and records nothing for hours. Only what no room could be the cause of
counts as a flaw; that nobody speaks yet is none. What goes wrong later is for the level to tell (`level.py`).
"""

from math import log10

import numpy as np
from numpy.typing import NDArray

from recorder.config import Microphone as Settings
from recorder.device.array import clipped
from recorder.device.level import FULL_SCALE
from recorder.device.pipe import Flaw

CHECK_SECONDS = 0.5
FAINT_DBFS = -90.0
"""About one step of 16 bits. The quietest room, through the quietest microphone that is in use, is louder."""
OVERDRIVEN_SHARE = 0.001
"""Of the samples, at full scale. A knock on the table comes to less; a gain that is wrong does not."""


class Check:
    """Gathers what comes from the microphone until it is without flaw."""

    def __init__(self, settings: Settings, rate: int) -> None:
        self.flaws: tuple[Flaw, ...] = ()
        """Of what was judged last."""
        self.judged = False
        """Whether anything was."""
        self._channels = settings.channels
        self._used = settings.used
        self._bytes = round(CHECK_SECONDS * rate) * 2 * settings.channels
        self._heard = bytearray()
        self._passed = False

    def feed(self, pcm: bytes) -> None:
        """Interleaved samples of 16 bits, as they came."""
        if self._passed:
            return
        self._heard += pcm
        if len(self._heard) >= self._bytes:
            samples = np.frombuffer(self._heard, "<i2").reshape(-1, self._channels)[:, self._used]
            self.flaws, self.judged = judge(samples), True
            self._passed = not self.flaws
            self._heard = bytearray()


def judge(samples: NDArray[np.int16]) -> tuple[Flaw, ...]:
    """What is wrong with these samples, a column for each channel; nothing, if empty."""
    still = samples.max(axis=0) == samples.min(axis=0)
    if still.all():
        return (Flaw.MUTED,)
    found = [Flaw.DEAD_CHANNEL] if still.any() else []
    if clipped(samples) > OVERDRIVEN_SHARE * samples.size:
        found.append(Flaw.OVERDRIVEN)
    if 20 * log10(samples.std(axis=0).max() / FULL_SCALE) < FAINT_DBFS:
        found.append(Flaw.FAINT)
    return tuple(found)

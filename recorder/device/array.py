"""From what an array's microphones hear to the one channel that is recorded. Pure.

`microphone.pick` chooses the way: one channel by its number; `mix`, the mean of all; or `beam`, the mean after each channel
was shifted so that the loudest talker is heard in all of them at the same time (`beam.py`). Then the rumble filter. The rules:

- As many samples come out as go in, each at its place. A beam is behind its first living channel by the largest delay between
  two microphones (`aperture_metres`: 0.3 ms for 0.1 m), always by the same; a number and a mix are not late at all.
- What comes out does not depend on how the stream is cut, as long as it is cut between frames.
- Nothing is made louder: a mean, never a sum. Where the filter overshoots full scale it is limited, and never wraps.
- A channel that does not move for DEAD_FRAMES is nobody's microphone, and left out of mix and beam until it does. When
  all are dead, what is recorded is what they give.
- A change of delays or of channels is faded over one frame, so that it cannot be heard as a click.
- Clipping is counted where it happens: on the channels as they come, those that are used. A filter or a mean would hide it.
"""

from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from recorder.audio import FRAME_TICKS, TICKS_PER_SECOND
from recorder.config import Microphone as Settings
from recorder.device.beam import Bearing
from recorder.device.level import FULL_SCALE
from recorder.device.rumble import Rumble

DEAD_FRAMES = 10
"""0.2 s. A live microphone gives noise, if only in its last bit."""
LOUDEST = FULL_SCALE - 1
"""The largest sample; the smallest is one further from zero."""

Delays = tuple[int | None, ...]
"""By how many samples each channel is late; None for a dead one."""


class Array:
    """Made once for a recording; its filter and its bearing go on from chunk to chunk."""

    def __init__(self, settings: Settings, rate: int) -> None:
        self.clipped = 0
        """Samples at full scale since the start, on the channels that are used."""
        self._channels = settings.channels
        self._used = settings.used
        self._mean = Mean(settings, rate) if len(self._used) > 1 else None
        self._rumble = Rumble(settings.rumble_hz, rate) if settings.rumble_hz else None

    def process(self, pcm: bytes) -> bytes:
        """Whole frames of interleaved 16-bit samples to as many of one channel."""
        samples = np.frombuffer(pcm, "<i2").reshape(-1, self._channels)
        heard = np.array([samples[:, channel] for channel in self._used])
        self.clipped += clipped(heard)
        one = self._mean.take(heard, self._mean.choose(heard)) if self._mean else heard[0]
        sound = self._rumble.filter(one) if self._rumble else one.astype(np.float64)
        np.rint(sound, out=sound)
        return np.clip(sound, -FULL_SCALE, LOUDEST, out=sound).astype("<i2").tobytes()


class Mean:
    """The mean of the channels that live, each shifted by its delay."""

    def __init__(self, settings: Settings, rate: int) -> None:
        channels = len(settings.used)
        self._frame = rate * FRAME_TICKS // TICKS_PER_SECOND
        self._bearing = Bearing(channels, rate, settings.aperture_metres) if settings.pick == "beam" else None
        self.late = self._bearing.reach if self._bearing else 0
        """By how many samples what comes out is behind what goes in."""
        self._still = np.full(channels, DEAD_FRAMES)
        """For how many frames each channel has not moved; dead until it does."""
        self._past = np.zeros((channels, 2 * self.late), np.int16)
        self._delays: Delays | None = None
        self._fade = (1 - np.cos(np.pi * (np.arange(self._frame) + 0.5) / self._frame)) / 2

    def take(self, heard: NDArray[np.int16], chosen: list[Delays]) -> NDArray[np.float64]:
        """Whole frames, a row for each channel, to one channel, by what was chosen for each frame."""
        known = np.concatenate([self._past, heard], axis=1)
        self._past = known[:, known.shape[1] - 2 * self.late :]
        sound = np.empty(heard.shape[1])
        begin = 0
        for delays, frames in groupby(chosen):
            end = begin + len(list(frames)) * self._frame
            sound[begin:end] = self._sum(known, delays, begin, end)
            if self._delays not in (delays, None):
                fading = sound[begin : begin + self._frame]
                before = self._sum(known, self._delays, begin, begin + self._frame)
                fading[:] = before + self._fade * (fading - before)
            self._delays = delays
            begin = end
        return sound

    def choose(self, heard: NDArray[np.int16]) -> list[Delays]:
        """For each frame, with what it and those before it tell."""
        frames = heard.reshape(len(heard), -1, self._frame)
        still = frames.max(axis=2) == frames.min(axis=2)
        chosen = []
        for number in range(frames.shape[1]):
            self._still = (self._still + 1) * still[:, number]
            alive = self._still < DEAD_FRAMES
            alive |= not alive.any()
            delays = (
                self._bearing.follow(frames[:, number], int(np.argmax(alive))) if self._bearing else [0] * len(alive)
            )
            chosen.append(tuple(delay if lives else None for delay, lives in zip(delays, alive, strict=True)))
        return chosen

    def _sum(self, known: NDArray[np.int16], delays: Delays, begin: int, end: int) -> NDArray[np.float64]:
        total = np.zeros(end - begin)
        for channel, delay in zip(known, delays, strict=True):
            if delay is not None:
                total += channel[begin + self.late + delay : end + self.late + delay]
        return total / (len(delays) - delays.count(None))


def clipped(samples: NDArray[np.int16]) -> int:
    """How many are at full scale."""
    if samples.max() < LOUDEST and samples.min() > -FULL_SCALE:
        return 0
    return int(np.count_nonzero((samples == LOUDEST) | (samples == -FULL_SCALE)))

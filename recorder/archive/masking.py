"""Masking on a copy: a tone in the place of what somebody may not hear.

The room's packets are decoded, masked, and encoded anew: the new encoder is given nothing of what is masked, so that neither
its lookahead nor the echo that a lossy codec puts before a loud sound can tell of it. The samples *around* a range may, for the
room's codec has a memory. So a range is widened at both sides; beyond that the audio fades for FADE_MS, so that no cut clicks.

- Before: a packet is made of 20 ms and of 6.5 ms that the encoder looked ahead, and sounds nowhere else. What lies more than
  26.5 ms before a range does not depend on it, to the bit.
- Behind: a decoder predicts from what it had, and an encoder counts on that, so there is no such bound. What is left is another
  rounding of the sound that follows, and the slow swing of the filter that takes the encoder's direct current out. In a silent
  room that is some 70 dB below the speech that was masked, 100 ms after it.

The tone is a function of the position alone: not silence, which is how a gap sounds, and it tells nothing of how loud it was.
A gap under a mask stays a gap.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from recorder.archive.decoder import Rate
from recorder.audio import TICKS_PER_SECOND, Gap, PcmBlock

BEFORE_MS = 30
BEHIND_MS = 100
FADE_MS = 5
TONE_HZ = 1_000
TONE_LEVEL = 0.09
"""Of full scale: about as loud as speech is, and not louder."""


class Range(NamedTuple):
    """Milliseconds of the recording, from `start` to before `stop`. Where `stop` is not behind `start` it is empty."""

    start: int
    stop: int


def mask(
    items: Iterable[PcmBlock | Gap], ranges: Iterable[Range], rate: Rate, *, level: float = TONE_LEVEL
) -> Iterator[PcmBlock | Gap]:
    """`items`, which follow one another in order, with the tone in these ranges; each stays as long as it is.

    `level` 0 leaves silence there, for who still works on it.
    """
    fade = FADE_MS * rate // 1_000
    left = deque(_widened(ranges, rate))
    for item in items:
        first = item.position * rate // TICKS_PER_SECOND
        end = first + item.length * rate // TICKS_PER_SECOND
        while left and left[0].stop + fade <= first:
            left.popleft()
        here = [each for each in left if each.start - fade < end]
        yield _mask(item, first, here, rate, level) if here and isinstance(item, PcmBlock) else item


def _widened(ranges: Iterable[Range], rate: Rate) -> list[Range]:
    """In samples, with their margins, in order, and as one where there is no room for a fade out and in between."""
    found: list[Range] = []
    for start, stop in sorted(ranges):
        if stop <= start or stop <= 0:
            continue
        wide = Range((max(0, start) - BEFORE_MS) * rate // 1_000, (stop + BEHIND_MS) * rate // 1_000)
        if found and wide.start - found[-1].stop < 2 * FADE_MS * rate // 1_000:
            wide = Range(found[-1].start, max(found.pop().stop, wide.stop))
        found.append(wide)
    return found


def _mask(block: PcmBlock, first: int, ranges: Iterable[Range], rate: Rate, level: float) -> PcmBlock:
    """`first` is the position of its first sample."""
    pcm = np.frombuffer(block.pcm, "<i2").copy()
    at = np.arange(first, first + len(pcm))
    fade = FADE_MS * rate // 1_000
    tone = level * 32_767 * np.sin(2 * np.pi * TONE_HZ / rate * (at % rate))
    for start, stop in ranges:
        away = np.maximum(start - at, at - stop + 1)  # samples outside the range; negative or 0 within it
        inside = away <= 0
        pcm[inside] = np.rint(tone[inside] * _ramp(1 - away[inside], fade))
        edge = (away > 0) & (away <= fade)
        pcm[edge] = np.rint(pcm[edge] * _ramp(away[edge], fade))
    return replace(block, pcm=pcm.tobytes())


def _ramp(samples: np.ndarray, fade: int) -> np.ndarray:
    """From near 0 at the edge to 1, `fade` samples away from it."""
    ramp: np.ndarray = np.sin(np.pi / 2 * np.minimum(samples / (fade + 1), 1)) ** 2
    return ramp

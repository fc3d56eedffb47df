"""Another voice for a fragment that people learn from: what is left is *pseudonymised*, never *anonymous*.

Who knows the speaker may still know them by what they say and how: words, tempo, dialect and pauses stay. Nor does it stop
a program that was made for it: against attackers who alter voices in the same way themselves, the method that this one
builds on was the weaker of the two baselines of the VoicePrivacy challenges (Tomashenko et al. 2022, "The VoicePrivacy 2020
Challenge"). It is meant to keep a listener from recognising somebody by the sound alone, no more.

Two things change, by amounts that are drawn anew for each fragment and kept nowhere:

1. **Pitch**: the speech is stretched in time (WSOLA: Verhelst and Roelands 1993) and read faster or slower by as much.
2. **Formants**: the McAdams coefficient, the challenges' second baseline (Patino, Tomashenko, Todisco, Nautsch and Evans 2021,
   "Speaker anonymisation using the McAdams coefficient"). Linear prediction parts speech into an excitation and the resonances
   of a throat and mouth; a resonance at the angle φ goes to the angle φ^α. With α below 1 those below 2.5 kHz rise and those
   above fall.

The excitation is that of the speech with the other pitch, the resonances are the original's: so the one does not undo the
other. Filters are applied as spectra of a frame, padded so that nothing comes round, for numpy has no recursive filter.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.archive.decoder import Rate

RATE: Rate = 16_000
"""Linear prediction of ORDER sees the formants of a voice up to 8 kHz; above that there is none."""
PITCHES = (0.80, 0.90), (1.12, 1.25)
"""Two to four semitones down or up: less is the same voice, more is no voice."""
FORMANTS = 0.75, 0.90
"""The gentler part of what the challenge of 2022 drew from, 0.5 to 0.9: fragments are there to be understood."""

ORDER = 20
FRAME, HOP = 320, 160
"""20 and 10 ms, as Patino et al. have it."""
SPECTRUM = 1_024
BATCH_FRAMES = 1_000
POLE_MAX = 0.98
"""Of a pole's radius: a resonance that rings on for longer than a frame's spectrum has room for would come round."""
STRETCH_FRAME, STRETCH_SEARCH = 640, 160
"""40 ms hold at least two periods of any voice, and 10 ms either way are one of the lowest."""
SINC_HALF = 16

_Signal = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Alteration:
    """How much. ValueError if it is out of bounds: too little would protect nobody."""

    pitch: float
    """What the fundamental frequency is multiplied by."""
    formants: float
    """The McAdams coefficient α."""

    def __post_init__(self) -> None:
        if not any(low <= self.pitch <= high for low, high in PITCHES):
            raise ValueError(f"a pitch of {self.pitch} is none of {PITCHES}")
        if not FORMANTS[0] <= self.formants <= FORMANTS[1]:
            raise ValueError(f"a McAdams coefficient of {self.formants} is not within {FORMANTS}")

    @classmethod
    def drawn(cls, uniform: Callable[[float, float], float]) -> "Alteration":
        """By chance: `uniform` is that of a `random.SystemRandom`."""
        return cls(uniform(*PITCHES[uniform(-1, 1) < 0]), uniform(*FORMANTS))


def alter(pcm: NDArray[np.int16], alteration: Alteration) -> NDArray[np.int16]:
    """The samples (mono, at RATE) in another voice: as many, and each word where it was to some 20 ms.

    All of it is in memory: so who calls bounds it. It takes a thirtieth of the time that it is heard in.
    """
    if not len(pcm):
        return pcm
    speech = pcm / 32_768
    changed = _with_formants(_with_pitch(speech, alteration.pitch), speech, alteration.formants)
    return np.clip(np.rint(changed * 32_768), -32_768, 32_767).astype("<i2")


def _with_pitch(speech: _Signal, factor: float) -> _Signal:
    """As long, its pitch (and formants) multiplied."""
    stretched = _stretched(speech, factor)
    reach = np.arange(1 - SINC_HALF, SINC_HALF + 1)
    cutoff = min(1.0, 1 / factor)
    padded = np.pad(stretched, SINC_HALF)
    out = np.empty(len(speech))
    for at in range(0, len(speech), RATE):
        places = np.arange(at, min(at + RATE, len(speech))) * factor
        whole = places.astype(int)
        distance = reach - (places - whole)[:, None]
        taps = cutoff * np.sinc(cutoff * distance) * np.cos(np.pi / 2 * distance / (SINC_HALF + 1)) ** 2
        out[at : at + len(places)] = (padded[whole[:, None] + reach + SINC_HALF] * taps).sum(axis=1)
    return out


def _stretched(speech: _Signal, factor: float) -> _Signal:
    """`factor` times as long and at least enough to be read by it, its pitch as it was: waveform similarity overlap-add."""
    hop = STRETCH_FRAME // 2
    window = np.hanning(STRETCH_FRAME + 1)[:-1]
    frames = int(len(speech) * factor) // hop + 2
    padded = np.pad(speech, (hop + STRETCH_SEARCH, 3 * STRETCH_FRAME + STRETCH_SEARCH))
    out = np.zeros((frames + 1) * hop)
    natural = STRETCH_SEARCH
    for number in range(frames):
        nominal = STRETCH_SEARCH + min(round(number * hop / factor), len(speech) + STRETCH_FRAME)
        around = padded[nominal - STRETCH_SEARCH : nominal + STRETCH_SEARCH + STRETCH_FRAME]
        template = padded[natural : natural + STRETCH_FRAME]
        found = nominal - STRETCH_SEARCH + int(np.argmax(np.correlate(around, template, "valid")))
        out[number * hop : number * hop + STRETCH_FRAME] += window * padded[found : found + STRETCH_FRAME]
        natural = found + hop
    return out[hop:]  # the first half frame lies before the beginning


def _with_formants(excited: _Signal, speech: _Signal, alpha: float) -> _Signal:
    """The excitation of the one through the resonances of the other, moved; as loud in each frame as the other was."""
    window = np.sqrt(np.hanning(FRAME + 1)[:-1])
    count = len(speech) // HOP + 2
    one, other = (np.pad(each, (HOP, FRAME + HOP)) for each in (excited, speech))
    out = np.zeros((count - 1) * HOP + SPECTRUM)
    for first in range(0, count, BATCH_FRAMES):
        numbers = np.arange(first, min(first + BATCH_FRAMES, count))
        places = numbers[:, None] * HOP + np.arange(FRAME)
        mine, theirs = one[places] * window, other[places] * window
        source = np.fft.rfft(mine, SPECTRUM) * np.fft.rfft(_predictor(mine), SPECTRUM)
        made = np.fft.irfft(source / np.fft.rfft(_moved(_predictor(theirs), alpha), SPECTRUM), SPECTRUM)
        loudness = (theirs**2).sum(axis=1) / np.maximum((made**2).sum(axis=1), 1e-12)
        made = made[:, :FRAME] * np.sqrt(loudness)[:, None] * window
        for number, frame in zip(numbers, made, strict=True):
            out[number * HOP : number * HOP + FRAME] += frame
    return out[HOP : HOP + len(speech)]


def _predictor(frames: _Signal) -> _Signal:
    """The prediction error filters of these frames, (frames, ORDER + 1), by the autocorrelation method (Levinson, Durbin)."""
    power = np.abs(np.fft.rfft(frames, SPECTRUM)) ** 2
    r = np.fft.irfft(power, SPECTRUM)[:, : ORDER + 1]
    r[:, 0] = r[:, 0] * 1.0001 + 1e-9  # what is silent or a pure tone is predictable, too
    a = np.zeros_like(r)
    a[:, 0], error = 1, r[:, 0].copy()
    for order in range(1, ORDER + 1):
        reflection = -(a[:, :order] * r[:, order:0:-1]).sum(axis=1) / error
        a[:, 1 : order + 1] += reflection[:, None] * a[:, order - 1 :: -1][:, :order]
        error *= 1 - reflection**2
    return a


def _moved(predictors: _Signal, alpha: float) -> _Signal:
    """The filters whose resonances lie at their angle to the power of `alpha`."""
    companion = np.zeros((len(predictors), ORDER, ORDER))
    companion[:, 0] = -predictors[:, 1:]
    companion[:, np.arange(1, ORDER), np.arange(ORDER - 1)] = 1
    poles = np.linalg.eigvals(companion)
    angle, radius = np.angle(poles), np.minimum(np.abs(poles), POLE_MAX)
    angle = np.where(poles.imag == 0, angle, np.sign(angle) * np.abs(angle) ** alpha)
    moved = np.zeros((len(predictors), ORDER + 1), complex)
    moved[:, 0] = 1
    for number, pole in enumerate((radius * np.exp(1j * angle)).T):
        moved[:, 1 : number + 2] -= pole[:, None] * moved[:, : number + 1]
    return moved.real

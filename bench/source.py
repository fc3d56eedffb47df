"""The speech that is recorded: some minutes of varied sentences, repeated to any length.

Between the sentences lies a faint hiss, as in every room; so a place in the speech can be told from any other, and the
encoders have the pauses to do that they have in life.
"""

import random
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

from recorder.trial.soundstage import RATE, speech

TILE_SECONDS = 300
CHUNK_SAMPLES = RATE * 10
HISS_RMS = 12.0
"""Of 32,768: about -69 dB relative to full scale."""
VOICES = ("nl", "nl+f2", "nl+m3", "nl+f4")
PAUSE_SECONDS = (0.2, 1.8)

_OPENINGS = (
    "Ik denk dat",
    "U vertelde eerder dat",
    "Kunt u uitleggen waarom",
    "Vorige maand zei de huisarts dat",
    "Weet u of",
)
_WHO = (
    "mijn zoon",
    "de begeleider",
    "mijn oudste zus",
    "de werkgever",
    "de buurvrouw",
    "het hele gezin",
    "de wijkverpleging",
)
_WHEN = ("sinds september", "bijna elke dag", "op dinsdag en donderdag", "na het ongeluk", "in het weekend", "soms")
_WHAT = (
    "hulp nodig heeft bij het huishouden",
    "te weinig geld overhoudt voor boodschappen",
    "vijfendertig uur per week werkt",
    "niet goed meer de trap op komt",
    "graag weer naar school wil",
    "een brief van de gemeente heeft gekregen",
    "zich zorgen maakt over de huur",
)


def write(file: Path, seconds: int, progress: Callable[[float], None]) -> None:
    """A WAV file of 16 bits, mono, at RATE, of exactly `seconds`; the same for the same length. Tells how far it is."""
    tile = _tile(min(seconds, TILE_SECONDS), progress)
    left = seconds * RATE
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        while left:
            for start in range(0, min(left, len(tile)), CHUNK_SAMPLES):
                out.writeframesraw(tile[start : min(start + CHUNK_SAMPLES, left)].tobytes())
            left -= min(left, len(tile))
    progress(1.0)


def _tile(seconds: int, progress: Callable[[float], None]) -> np.ndarray:
    chance = random.Random(20260101)
    size = seconds * RATE
    parts: list[np.ndarray] = []
    have = 0
    with tempfile.TemporaryDirectory(prefix="speech-") as folder:
        file = Path(folder) / "sentence.wav"
        while have < size:
            speech(sentence(chance), file, voice=chance.choice(VOICES))
            with wave.open(str(file), "rb") as spoken:
                parts.append(np.frombuffer(spoken.readframes(spoken.getnframes()), dtype="<i2"))
            parts.append(np.zeros(int(chance.uniform(*PAUSE_SECONDS) * RATE), dtype="<i2"))
            have += len(parts[-1]) + len(parts[-2])
            progress(min(1.0, have / size))
    hiss = np.random.default_rng(20260101).normal(0.0, HISS_RMS, size)
    return np.clip(np.concatenate(parts)[:size] * 0.8 + hiss, -32_768, 32_767).astype("<i2")


def sentence(chance: random.Random) -> str:
    clauses = [
        f"{chance.choice(_WHO)} {chance.choice(_WHEN)} {chance.choice(_WHAT)}" for _ in range(chance.randint(1, 3))
    ]
    return f"{chance.choice(_OPENINGS)} {', en dat '.join(clauses)}."

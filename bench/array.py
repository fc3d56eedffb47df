"""`python -m bench.array`: which way of making one channel of an array's is best, in simulated rooms.

Two people in turns, and at last both at once, in rooms of three sizes; a ventilator, what comes through the window, rumble,
hum, and the microphones' own noise. Echoes are computed by image sources (pyroomacoustics). Every way hears the same scenes:

- Gain: signal to noise ratio above that of the first microphone as it is. Talkers and noise go apart through the delays that
  were chosen by both, so that each can be measured behind them.
- Intelligibility, by STOI (pystoi): what comes out against what was said, without room or noise.
- Likeness: the correlation of what was said with itself behind the filter, which turns the phases of deep voices.
- Seconds of CPU for an hour of sound.

Exits with 1 if another `pick` than the default is more intelligible.
"""

import argparse
import random
import tempfile
import time
import wave
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import mean

import msgspec
import numpy as np
import pyroomacoustics
from numpy.typing import NDArray
from pystoi import stoi
from rich.console import Console
from rich.progress import track
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

from bench import command, results
from bench.figures import Line
from bench.source import sentence
from recorder import config
from recorder.audio import FRAME_TICKS, TICKS_PER_SECOND
from recorder.config import Microphone
from recorder.device.array import Array, Mean
from recorder.device.front import PIECE_FRAMES_MAX
from recorder.device.rumble import Rumble
from recorder.trial.soundstage import RATE, speech

Sound = NDArray[np.float64]
Way = tuple[int | str, float]
"""`pick` and `rumble_hz`."""

ROOMS = {"small": ((3.0, 2.6, 2.6), 0.3), "usual": ((4.2, 3.6, 2.8), 0.5), "hard": ((5.5, 4.2, 3.0), 0.8)}
"""Length, width and height in metres, and the seconds in which a sound fades by 60 dB."""
SNRS_DB = (0, 10, 20)
"""Of the talkers to ventilator and window, at the first microphone."""
RATES = (48_000, 16_000)
MICROPHONES, DIAMETER_METRES = 4, 0.064
"""On a circle, on the table."""
TURNS, TOGETHER = 4, 2
"""Sentences one after the other, and at last so many at once."""
VOICES = (("nl", "nl+f2"), ("nl+m3", "nl+f4"), ("nl+f2", "nl+m3"))
TALKERS_RMS, RUMBLE_RMS, HUM_RMS, OWN_NOISE_RMS, CONSTANT_MAX = 1_000.0, 100.0, 50.0, 3.0, 300.0
"""Of 32,768."""
PICKS: tuple[int | str, ...] = (1, "mix", "beam")
RUMBLES_HZ = (0.0, 50.0, 80.0)


@dataclass(frozen=True)
class Scene:
    """What the array hears, in its parts, a row for each microphone."""

    name: str
    rate: int
    talkers: Sound
    noise: Sound
    said: Sound
    """As the first microphone would hear it without room and noise."""


@dataclass(frozen=True)
class Heard:
    """What one way made of one scene."""

    scene: str
    rate: int
    pick: int | str
    rumble_hz: float
    gain_db: float
    stoi: float
    likeness: float
    cpu_seconds_an_hour: float

    @property
    def way(self) -> Way:
        return self.pick, self.rumble_hz


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.array", description="Pick, mix or beam: which is best.")
    parser.add_argument("--seeds", type=int, default=3, help="scenes of each kind (default %(default)s)")
    plans = list(product(RATES, ROOMS, SNRS_DB, range(parser.parse_args().seeds)))
    console = Console(highlight=False)
    found = [heard for plan in track(plans, "rooms", console=console) for heard in listen(build(*plan))]
    lines = judge(found)
    for line in lines:
        console.print(f"{line.name:34} {line.value}  {line.target} {line.verdict}", soft_wrap=True)
    return results.finish(lines, {"scenes": [asdict(each) for each in found]}, "array", console)


def build(rate: int, room: str, snr_db: int, seed: int) -> Scene:
    """The scene of these numbers; the same for the same ones."""
    chance = np.random.default_rng([seed, snr_db, len(room)])
    size, fade_seconds = np.array(ROOMS[room][0]), ROOMS[room][1]
    table = size * (0.5, 0.5, 0) + (*chance.uniform(-0.2, 0.2, 2), 0.78)
    around = chance.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(MICROPHONES) / MICROPHONES
    microphones = table + DIAMETER_METRES / 2 * np.stack([np.cos(around), np.sin(around), 0 * around], axis=1)
    angles = chance.uniform(0, 2 * np.pi) + np.array([0, np.pi + chance.uniform(-0.6, 0.6)])
    away = chance.uniform(0.6, 1.0, 2)
    mouths = table + np.stack([away * np.cos(angles), away * np.sin(angles), chance.uniform(0.35, 0.5, 2)], axis=1)
    vents = size * ((0.1, 0.15, 0.95), (0.97, 0.6, 0.5))
    absorption, order = pyroomacoustics.inverse_sabine(fade_seconds, size)

    voices = conversation(seed, rate)
    length = voices.shape[1]
    ventilator, window = (
        sosfilt(butter(1, hertz, fs=rate, output="sos"), chance.normal(size=length)) for hertz in (500, 2_000)
    )
    shape = (size, rate, absorption)
    talkers = through(voices, *shape, order, mouths, microphones)
    said = through(voices, *shape, 0, mouths, microphones[:1])[0]
    noise = through(np.stack([ventilator / ventilator.std(), window / window.std()]), *shape, order, vents, microphones)
    scale = TALKERS_RMS / talkers[0].std()
    noise *= TALKERS_RMS / 10 ** (snr_db / 20) / noise[0].std()

    rumble = sosfilt(butter(2, 40, fs=rate, output="sos"), chance.normal(size=length))
    hum = np.sin(2 * np.pi * 50 * np.arange(length) / rate)
    noise += RUMBLE_RMS * rumble / rumble.std() + HUM_RMS * hum / hum.std()
    noise += chance.normal(0, OWN_NOISE_RMS, noise.shape) + chance.uniform(
        -CONSTANT_MAX, CONSTANT_MAX, (MICROPHONES, 1)
    )
    return Scene(f"{room}, {snr_db} dB, {rate} Hz, {seed}", rate, talkers * scale, noise, said * scale)


def through(sounds: Sound, size: Sound, rate: int, absorption: float, order: int, sources: Sound, ears: Sound) -> Sound:
    """What each ear hears of all sounds, echoes up to `order` reflections included."""
    room = pyroomacoustics.ShoeBox(size, fs=rate, materials=pyroomacoustics.Material(absorption), max_order=order)
    for source in sources:
        room.add_source(source)
    room.add_microphone_array(ears.T)
    room.compute_rir()
    length = sounds.shape[1]
    return np.array(
        [
            sum(fftconvolve(sound, echo)[:length] for sound, echo in zip(sounds, echoes, strict=True))
            for echoes in room.rir
        ]
    )


def conversation(seed: int, rate: int) -> Sound:
    """What each of two people says: whole frames, a row for each."""
    chance = random.Random(seed)
    parts: tuple[list[Sound], list[Sound]] = ([], [])
    with tempfile.TemporaryDirectory(prefix="speech-") as folder:
        for turn in range(TURNS + TOGETHER):
            file = Path(folder) / "sentence.wav"
            speech(sentence(chance), file, voice=VOICES[seed % len(VOICES)][turn % 2])
            with wave.open(str(file), "rb") as spoken:
                said = np.frombuffer(spoken.readframes(spoken.getnframes()), "<i2").astype(float)
            said = np.concatenate([resample_poly(said, rate, RATE), np.zeros(rate // 4)])
            parts[turn % 2].append(said)
            if turn < TURNS:
                parts[1 - turn % 2].append(np.zeros(len(said)))
    voices = [np.concatenate(part) for part in parts]
    length = -(-max(map(len, voices)) // (rate // 50)) * (rate // 50)
    return np.array([np.pad(voice, (0, length - len(voice))) for voice in voices])


def listen(scene: Scene) -> Iterator[Heard]:
    """The scene, heard in every way."""
    together = whole(scene.talkers + scene.noise)
    plain = ratio_db(scene.talkers[0], scene.noise[0])
    for pick, rumble_hz in product(PICKS, RUMBLES_HZ):
        settings = ways(pick, rumble_hz)
        parts = [one_of(each, together, settings, scene.rate) for each in (scene.talkers, scene.noise)]
        began = time.process_time()
        out = recorded(together, settings, scene.rate)
        cpu = (time.process_time() - began) * 3600 * scene.rate / len(out)
        late = Mean(settings, scene.rate).late
        intelligible = float(stoi(scene.said[: len(out) - late], out[late:].astype(float), scene.rate))
        likeness = float(np.corrcoef(scene.said, filtered(scene.said, rumble_hz, scene.rate))[0, 1])
        yield Heard(scene.name, scene.rate, pick, rumble_hz, ratio_db(*parts) - plain, intelligible, likeness, cpu)


def ways(pick: int | str, rumble_hz: float) -> Microphone:
    changes = {"channels": MICROPHONES, "leave_out": [], "pick": pick, "rumble_hz": rumble_hz}
    return msgspec.convert(msgspec.to_builtins(config.load().microphone) | changes, Microphone)


def one_of(part: Sound, together: NDArray[np.int16], settings: Microphone, rate: int) -> Sound:
    """What comes out of a part of the scene, by what was chosen for the whole."""
    if isinstance(settings.pick, int):
        sound = part[settings.pick - 1]
    else:
        sound = Mean(settings, rate).take(part, Mean(settings, rate).choose(together))
    return filtered(sound, settings.rumble_hz, rate)


def filtered(sound: Sound, rumble_hz: float, rate: int) -> Sound:
    return Rumble(rumble_hz, rate).filter(sound) if rumble_hz else sound


def recorded(together: NDArray[np.int16], settings: Microphone, rate: int) -> NDArray[np.int16]:
    """What the recorder makes of it, piece by piece."""
    array, step = Array(settings, rate), PIECE_FRAMES_MAX * FRAME_TICKS * rate // TICKS_PER_SECOND
    chunks = [together[:, begin : begin + step].T.tobytes() for begin in range(0, together.shape[1], step)]
    return np.frombuffer(b"".join(map(array.process, chunks)), "<i2")


def whole(sound: Sound) -> NDArray[np.int16]:
    return np.clip(np.rint(sound), -32_768, 32_767).astype("<i2")


def ratio_db(signal: Sound, noise: Sound) -> float:
    """By power; a constant is no sound."""
    return float(20 * np.log10(signal.std() / noise.std()))


def judge(found: list[Heard]) -> list[Line]:
    """A line for each way, and whether the default is the best of those that are filtered alike."""
    settings = config.load().microphone
    default = (settings.pick, settings.rumble_hz)
    scores = {way: mean(each.stoi for each in found if each.way == way) for way in dict.fromkeys(h.way for h in found)}
    best = max(score for way, score in scores.items() if way[1] == default[1])
    lines = []
    for way, score in scores.items():
        own = [each for each in found if each.way == way]
        gains = [each.gain_db for each in own]
        costs = [
            f"{mean(each.cpu_seconds_an_hour for each in own if each.rate == rate):.1f} s at {rate // 1000} kHz"
            for rate in RATES
        ]
        name = f"{'channel 1' if way[0] == 1 else way[0]}, {f'filtered at {way[1]:g} Hz' if way[1] else 'as it is'}"
        value = (
            f"STOI {score:.3f} ({min(each.stoi for each in own):.3f} to {max(each.stoi for each in own):.3f}); "
            f"gain {mean(gains):+.1f} dB ({min(gains):+.1f} to {max(gains):+.1f}); "
            f"likeness {mean(each.likeness for each in own):.3f}; CPU an hour {', '.join(costs)}"
        )
        if way == default:
            lines.append(Line(f"{name}, the default", value, "the best STOI", score == best))
        else:
            lines.append(Line(name, value))
    return lines


if __name__ == "__main__":
    command.run(main)

"""The speaker, real: what it plays into the room is heard by a microphone there."""

import math
import os
import subprocess
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from recorder import config
from recorder.device import speaker as module
from recorder.device.speaker import RATE, Speaker, synthesise, wav_seconds
from recorder.errors import SpeakerError
from recorder.meeting.table import State
from recorder.meeting.tone import ANNOUNCE, END, REFUSED, START, TONES, TROUBLE, Tone, tone
from recorder.notices import spoken
from recorder.trial.soundstage import SoundStage

LEVEL_DBFS = -20.0
WINDOW_SECONDS = 0.1
SECONDS_MAX = 20.0


def hertz(samples: np.ndarray) -> list[int]:
    """The notes that are heard, in order: the loudest frequency of each tenth of a second that is not silent.

    What only one of these has is the seam of two notes.
    """
    found: list[list[int]] = []
    size = int(RATE * WINDOW_SECONDS)
    for at in range(0, len(samples) - size, size // 2):
        piece = samples[at : at + size].astype(float)
        if np.sqrt(np.mean(piece**2)) < 300:
            continue
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(size), 8 * size))
        note = round(np.argmax(spectrum) * RATE / (8 * size))
        if found and abs(found[-1][0] - note) <= 8:
            found[-1].append(note)
        else:
            found.append([note])
    notes: list[int] = []
    for each in found:
        if len(each) > 1 and (not notes or abs(notes[-1] - each[0]) > 8):
            notes.append(each[0])
    return notes


def melody(heard: Tone) -> list[int]:
    notes: list[int] = []
    for note, _ in heard.notes:
        if note and (not notes or notes[-1] != note):
            notes.append(note)
    return notes


@pytest.mark.parametrize("made", sorted(TONES, key=lambda each: each.name), ids=lambda each: each.name)
def test_a_tone_is_as_long_as_loud_and_as_high_as_it_says_and_does_not_click(made: Tone) -> None:
    samples = np.array(synthesise(made, LEVEL_DBFS))
    assert len(samples) == sum(RATE * milliseconds // 1_000 for _, milliseconds in made.notes)
    assert 0.9 <= np.abs(samples).max() / (32_767 * 10 ** (LEVEL_DBFS / 20)) <= 1.001
    assert hertz(samples) == pytest.approx(melody(made), abs=8)
    steepest = 2 * math.pi * max(melody(made)) / RATE * np.abs(samples).max()
    assert np.abs(np.diff(samples)).max() <= 1.2 * steepest
    assert abs(samples[0]) <= 1 and abs(samples[-1]) <= 1


def test_tones_are_told_apart_by_melody_alone() -> None:
    shapes = {(tuple(melody(each)), len(each.notes)) for each in TONES}
    assert len(shapes) == len(TONES)


def test_what_is_heard_follows_from_where_it_came_from_and_where_it_went() -> None:
    assert tone(State.OPENING, State.RECORDING) is START
    assert tone(State.ENDING, State.GRACE) is END
    assert tone(State.PREPARING, State.NOTICE) is ANNOUNCE
    assert {tone(state, State.REFUSED) for state in State if state is not State.REFUSED} == {REFUSED}
    assert tone(State.RECORDING, State.GRACE) is TROUBLE
    assert tone(State.GRACE, State.IDLE) is None
    assert all(tone(state, state) is None for state in State)


@pytest.fixture
def settings(stage: SoundStage, monkeypatch: pytest.MonkeyPatch) -> config.Speaker:
    alsa = Path(stage.environment["ALSA_CONFIG_PATH"])
    alsa.write_text(alsa.read_text() + 'pcm.roomspeaker { type pulse device "room" }\n')
    for name, value in stage.environment.items():
        monkeypatch.setenv(name, value)
    return config.Speaker("pcm:roomspeaker", LEVEL_DBFS, "")


@pytest.fixture
def hear(stage: SoundStage, tmp_path: Path) -> Iterator[Callable[[float], np.ndarray]]:
    """Gives what was heard in the room so far, once that is so many seconds."""
    file = tmp_path / "heard.raw"
    with file.open("wb") as out:
        ear = subprocess.Popen(
            ["parec", "--device=room.monitor", "--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=20"],
            stdout=out,
            env=os.environ | stage.environment,
        )

    def heard(seconds: float) -> np.ndarray:
        deadline = time.monotonic() + SECONDS_MAX
        while file.stat().st_size < 2 * RATE * seconds:
            assert time.monotonic() < deadline, "nothing is heard"
            time.sleep(0.02)
        return np.frombuffer(file.read_bytes()[: file.stat().st_size // 2 * 2], "<i2")

    heard(0.2)
    yield heard
    ear.kill()
    ear.wait()


def await_end(speaker: Speaker) -> None:
    assert speaker._playing is not None
    speaker._playing.wait(SECONDS_MAX)


def test_a_tone_is_heard(settings: config.Speaker, hear: Callable[[float], np.ndarray]) -> None:
    speaker = Speaker(settings)
    for played in (START, REFUSED):
        speaker.play(played)
        await_end(speaker)
        time.sleep(0.3)
    notes = hertz(hear(2.0))
    assert notes == pytest.approx([*melody(START), *melody(REFUSED)], abs=8)
    speaker.close()
    assert speaker.trouble == ""


def test_a_tone_takes_the_place_of_what_is_being_said(
    settings: config.Speaker, hear: Callable[[float], np.ndarray], tmp_path: Path
) -> None:
    """A no is heard at once, not after the announcement."""
    spoken.synthesise(spoken.text("nl", 120.0, asked=False), "nl", tmp_path / "said.wav")
    speaker = Speaker(config.Speaker(settings.identity, LEVEL_DBFS, str(tmp_path / "said.wav")))
    assert speaker.announcement_seconds > 5
    speaker.play(ANNOUNCE, announce=True)
    first = speaker._playing
    assert first is not None
    before = len(hear(1.5))
    speaker.play(REFUSED)
    assert first.returncode is not None, "it is silent"
    await_end(speaker)
    time.sleep(0.3)
    assert hertz(hear(0)[before:])[-2:] == pytest.approx(melody(REFUSED), abs=8)
    speaker.close()


def test_the_announcement_follows_its_tone(
    settings: config.Speaker, hear: Callable[[float], np.ndarray], tmp_path: Path
) -> None:
    with wave.open(str(tmp_path / "said.wav"), "wb") as said:
        said.setparams((1, 2, 22_050, 0, "NONE", ""))
        said.writeframes((8_000 * np.sin(2 * np.pi * 1_500 * np.arange(11_025) / 22_050)).astype("<i2").tobytes())
    speaker = Speaker(config.Speaker(settings.identity, LEVEL_DBFS, str(tmp_path / "said.wav")))
    assert speaker.announcement_seconds == 0.5
    speaker.play(ANNOUNCE, announce=True)
    await_end(speaker)
    time.sleep(0.3)
    assert hertz(hear(1.0)) == pytest.approx([*melody(ANNOUNCE), 1_500], abs=8)
    speaker.close()


@pytest.mark.parametrize("identity", ["pcm:nowhere", "usb:dead:beef", "alsa:Nope"])
def test_a_speaker_that_is_not_there_is_told_and_nothing_breaks(settings: config.Speaker, identity: str) -> None:
    speaker = Speaker(config.Speaker(identity, LEVEL_DBFS, ""))
    speaker.play(START)
    if identity.startswith("pcm"):
        await_end(speaker)
    speaker.hush()
    assert "speaker" in speaker.trouble
    speaker.play(REFUSED)
    speaker.close()


def test_a_player_that_is_not_installed_is_told(settings: config.Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PLAYER", "no-such-player")
    speaker = Speaker(settings)
    speaker.play(START)
    assert "no-such-player" in speaker.trouble
    speaker.close()


def test_without_a_speaker_nothing_is_played(tmp_path: Path) -> None:
    speaker = Speaker(config.Speaker("", LEVEL_DBFS, ""))
    speaker.play(START)
    assert (speaker._playing, speaker.trouble, speaker.announcement_seconds) == (None, "", 0.0)
    speaker.close()


@pytest.mark.parametrize("content", [None, b"", b"RIFF", "long"])
def test_an_announcement_that_cannot_be_played_is_refused_at_the_start(tmp_path: Path, content: object) -> None:
    file = tmp_path / "said.wav"
    if content == "long":
        with wave.open(str(file), "wb") as said:
            said.setparams((1, 2, 8_000, 0, "NONE", ""))
            said.writeframes(bytes(2 * 8_000 * 61))
    elif isinstance(content, bytes):
        file.write_bytes(content)
    with pytest.raises(SpeakerError, match=str(file)):
        wav_seconds(file)

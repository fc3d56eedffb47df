"""The speaker, real: what it plays into the room is heard by a microphone there."""

import hashlib
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
from recorder.device import cards
from recorder.device import speaker as module
from recorder.device.speaker import RATE, Speaker, announcement, synthesise
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
    deadline = time.monotonic() + SECONDS_MAX
    while speaker._playing is not None:
        assert time.monotonic() < deadline
        speaker.listen()
        time.sleep(0.01)


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
    assert speaker.heard == "", "it was cut short"
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
    assert (speaker.announcing, speaker.heard) == (True, "")
    await_end(speaker)
    assert speaker.heard == hashlib.sha256((tmp_path / "said.wav").read_bytes()).hexdigest()
    time.sleep(0.3)
    assert hertz(hear(1.0)) == pytest.approx([*melody(ANNOUNCE), 1_500], abs=8)
    speaker.close()


@pytest.mark.parametrize("identity", ["pcm:nowhere", "usb:dead:beef", "alsa:Nope"])
def test_a_speaker_that_is_not_there_is_told_and_nothing_breaks(settings: config.Speaker, identity: str) -> None:
    speaker = Speaker(config.Speaker(identity, LEVEL_DBFS, ""))
    speaker.play(START)
    await_end(speaker)
    assert "speaker" in speaker.trouble
    speaker.play(REFUSED)
    speaker.close()


def test_a_player_that_is_not_installed_is_told(settings: config.Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PLAYER", "no-such-player")
    speaker = Speaker(settings)
    speaker.play(START)
    assert "no-such-player" in speaker.trouble
    speaker.close()


def player(folder: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    """A player that does this instead."""
    file = folder / "player"
    file.write_text(f"#!/bin/sh\n{does}\n")
    file.chmod(0o700)
    monkeypatch.setattr(module, "PLAYER", str(file))


def said(folder: Path) -> config.Speaker:
    """The settings of a speaker with an announcement that lasts no time."""
    with wave.open(str(folder / "said.wav"), "wb") as out:
        out.setparams((1, 2, 8_000, 0, "NONE", ""))
        out.writeframes(bytes(16))
    return config.Speaker("pcm:any", LEVEL_DBFS, str(folder / "said.wav"))


def test_an_announcement_whose_player_fails_was_not_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that nobody played; and the trouble lasts until something is heard."""
    player(tmp_path, monkeypatch, "exit 1")
    speaker = Speaker(said(tmp_path))
    speaker.play(ANNOUNCE, announce=True)
    await_end(speaker)
    assert (speaker.heard, bool(speaker.trouble)) == ("", True)
    player(tmp_path, monkeypatch, "exit 0")
    speaker.play(START)
    assert speaker.trouble
    await_end(speaker)
    assert (speaker.heard, speaker.trouble) == ("", ""), "a tone is no announcement"
    speaker.play(ANNOUNCE, announce=True)
    await_end(speaker)
    assert speaker.heard
    speaker.play(START)
    assert speaker.heard == "", "that was another meeting's"
    speaker.close()


def test_what_is_hashed_is_what_is_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody changes the file while the room runs."""
    player(tmp_path, monkeypatch, f'cat "$5" > {tmp_path}/played')
    speaker = Speaker(said(tmp_path))
    (tmp_path / "said.wav").write_bytes(b"something else")
    speaker.play(ANNOUNCE, announce=True)
    await_end(speaker)
    assert speaker.heard == hashlib.sha256((tmp_path / "played").read_bytes()).hexdigest()
    speaker.close()


def test_a_player_that_hangs_is_given_up_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LATE_SECONDS_MAX", 0.1)
    player(tmp_path, monkeypatch, "exec sleep 60")
    speaker = Speaker(said(tmp_path))
    speaker.play(ANNOUNCE, announce=True)
    assert speaker.announcing
    await_end(speaker)
    assert (speaker.announcing, speaker.heard, bool(speaker.trouble)) == (False, "", True)
    speaker.close()


class Stuck:
    """A player that is stuck in the kernel: it is killed, and does not end."""

    returncode = None

    def __init__(self, *_: object, **__: object) -> None:
        self.killed = self.ended = False

    def kill(self) -> None:
        self.killed = True

    def poll(self) -> int | None:
        return -9 if self.ended else None

    def wait(self, timeout: float | None = None) -> int:
        assert timeout is not None, "it waits for ever"
        time.sleep(timeout)
        raise subprocess.TimeoutExpired("player", timeout)


def test_a_player_that_is_stuck_in_the_kernel_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 2: a no is heard by the room whatever the sound driver does."""
    monkeypatch.setattr(module.subprocess, "Popen", Stuck)
    speaker = Speaker(config.Speaker("pcm:any", LEVEL_DBFS, ""))
    speaker.play(START)
    first = speaker._playing
    assert isinstance(first, Stuck)
    before = time.monotonic()
    speaker.hush()
    speaker.listen()
    assert first.killed and time.monotonic() - before < 0.02
    speaker.play(REFUSED)
    assert time.monotonic() - before < 0.2 and speaker._playing is not first
    assert speaker._killed == [first]
    first.ended = True
    speaker.listen()
    assert speaker._killed == [], "it is no zombie any more"
    speaker.close()


def test_a_speaker_that_comes_later_is_found_and_one_that_goes_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    present: list[cards.Card] = []
    monkeypatch.setattr(cards, "playback_cards", lambda *_: present)
    speaker = Speaker(config.Speaker("alsa:Speaker", LEVEL_DBFS, ""))
    assert "not there" in speaker.trouble
    present.append(cards.Card(1, 0, "Speaker", None, None))
    speaker.look()
    assert (speaker.trouble, speaker._device) == ("", "plughw:CARD=Speaker,DEV=0")
    present.clear()
    speaker.look()
    assert "not there" in speaker.trouble
    speaker.close()


def test_without_a_speaker_nothing_is_played(tmp_path: Path) -> None:
    speaker = Speaker(config.Speaker("", LEVEL_DBFS, ""))
    speaker.play(START)
    assert (speaker._playing, speaker.trouble, speaker.announcement_seconds) == (None, "", 0.0)
    speaker.close()


@pytest.mark.parametrize("content", [None, b"", b"RIFF", "long", "large"])
def test_an_announcement_that_cannot_be_played_is_refused_at_the_start(tmp_path: Path, content: object) -> None:
    file = tmp_path / "said.wav"
    if content == "large":
        with wave.open(str(file), "wb") as said:
            said.setparams((2, 4, 48_000, 0, "NONE", ""))
            said.writeframes(bytes(8 * 48_000 * 40))
    elif content == "long":
        with wave.open(str(file), "wb") as said:
            said.setparams((1, 2, 8_000, 0, "NONE", ""))
            said.writeframes(bytes(2 * 8_000 * 61))
    elif isinstance(content, bytes):
        file.write_bytes(content)
    with pytest.raises(SpeakerError, match=str(file)):
        announcement(file)

"""The sound stage refuses in plain words what cannot be played, and leaves nothing behind."""

import os
import wave
from pathlib import Path

import pytest

from recorder.errors import TrialError
from recorder.trial.soundstage import SoundStage, speech, wav_seconds


def test_speech_is_a_wav_of_the_rate_asked(tmp_path):
    file = tmp_path / "speech.wav"
    speech("Goedemorgen.", file, rate=16_000)
    with wave.open(str(file)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16_000, 1, 2)
        assert any(sound.readframes(sound.getnframes()))
    assert 0.3 < wav_seconds(file) < 5


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"ID3 this is an mp3", b"RIFF\x10\x00\x00\x00WAVEdata\xff\xff\xff\xff"]
)
def test_a_file_that_is_no_wav_is_refused(tmp_path, content):
    file = tmp_path / "song.wav"
    file.write_bytes(content)
    with pytest.raises(TrialError, match="not a WAV file"):
        wav_seconds(file)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(TrialError, match="no such file"):
        wav_seconds(tmp_path / "nothing.wav")
    with pytest.raises(TrialError, match="cannot be read: Is a directory"):
        wav_seconds(tmp_path)


def test_a_missing_program_is_named_with_its_package(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TrialError, match="apt install pulseaudio"), SoundStage():
        pass
    with pytest.raises(TrialError, match="apt install espeak-ng"):
        speech("Ja.", tmp_path / "speech.wav")


def test_the_stage_leaves_nothing_behind():
    with SoundStage() as stage:
        folder = Path(stage.environment["XDG_RUNTIME_DIR"])
        server = stage._server.pid
        assert stage.listeners() == 0
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


def test_a_dead_sound_server_is_told():
    with SoundStage() as stage:
        stage.kill()
        with pytest.raises(TrialError, match="does not answer"):
            stage.listeners()

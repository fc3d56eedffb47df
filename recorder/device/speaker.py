"""The speaker: tones and the spoken announcement, played by `aplay` (alsa-utils), one process for each.

It can hold up nothing and stop nothing: what is played plays by itself, and what is missing is a warning. A process of ours
would take twenty megabytes for the whole day, and a second of a small board for its start; this one takes milliseconds
(docs/adr/0013-who-plays-the-tones.md).
"""

import array
import logging
import math
import os
import subprocess
import wave
from pathlib import Path

from recorder import config
from recorder.device import cards
from recorder.errors import SpeakerError
from recorder.meeting.tone import TONES, Tone

RATE = 16_000
EDGE_SECONDS = 0.01
"""In which a note swells and fades, so that it does not click."""
ANNOUNCEMENT_SECONDS_MAX = 60.0
PLAYER = "aplay"

logger = logging.getLogger(__name__)


def synthesise(tone: Tone, level_dbfs: float) -> "array.array[int]":
    """16-bit samples at RATE: sines with soft edges, at `level_dbfs` at their height."""
    height = 32_767 * 10 ** (level_dbfs / 20)
    samples = array.array("h")
    for hertz, milliseconds in tone.notes:
        count = RATE * milliseconds // 1_000
        edge = min(round(RATE * EDGE_SECONDS), count // 2)
        samples.extend(
            round(height * min(1.0, at / edge, (count - 1 - at) / edge) * math.sin(2 * math.pi * hertz * at / RATE))
            for at in range(count)
        )
    return samples


class Speaker:
    """Of one room. Raises SpeakerError if the announcement is none; a speaker that is not there is `trouble`."""

    def __init__(self, settings: config.Speaker) -> None:
        self.trouble = ""
        """Why it is not heard, in plain words."""
        self._device = ""
        try:
            self._device = _device(settings.identity) if settings.identity else ""
        except SpeakerError as error:
            self._complain(str(error))
        self._announcement = Path(settings.announcement) if settings.announcement else None
        self.announcement_seconds = wav_seconds(self._announcement) if self._device and self._announcement else 0.0
        """How long the announcement lasts; 0 where none is heard."""
        self._playing: subprocess.Popen[bytes] | None = None
        self._tones: dict[str, int] = {}
        """A WAV file in memory for each tone."""
        if self._device:
            for tone in TONES:
                self._tones[tone.name] = _file(tone, settings.level_dbfs)

    def play(self, tone: Tone, *, announce: bool = False) -> None:
        """Play a tone now, in the place of what is being played; then the announcement. Returns at once."""
        self.hush()
        if not self._device:
            return
        sound = self._tones[tone.name]
        files = [f"/dev/fd/{sound}", *([str(self._announcement)] if announce and self._announcement else [])]
        try:
            self._playing = subprocess.Popen(
                [PLAYER, "-q", "-D", self._device, *files],
                pass_fds=[sound],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        except OSError as error:
            self._complain(f"the speaker is not heard: {PLAYER} cannot be started: {error.strerror}")

    def hush(self) -> None:
        """Silence, now."""
        playing, self._playing = self._playing, None
        if playing is None:
            return
        if playing.poll() is None:
            playing.kill()
            playing.wait()
        elif playing.returncode:
            self._complain(
                f"the speaker was not heard: {PLAYER} ended with {playing.returncode}; the log has its reason"
            )
        else:
            self.trouble = ""

    def close(self) -> None:
        """Silence, and nothing more."""
        self.hush()
        for file in self._tones.values():
            os.close(file)
        self._tones.clear()

    def _complain(self, trouble: str) -> None:
        if trouble != self.trouble:
            logger.warning("%s", trouble)
        self.trouble = trouble


def wav_seconds(file: Path) -> float:
    """How long an announcement lasts; a SpeakerError if the file is none."""
    try:
        with wave.open(str(file), "rb") as sound:
            seconds = sound.getnframes() / sound.getframerate()
    except FileNotFoundError as error:
        raise SpeakerError(f"speaker.announcement: {file}: there is no such file") from error
    except (OSError, EOFError, ZeroDivisionError, wave.Error) as error:
        raise SpeakerError(f"{file}: is not a WAV file that can be played ({error or 'it is cut short'})") from error
    if seconds > ANNOUNCEMENT_SECONDS_MAX:
        raise SpeakerError(
            f"{file}: lasts {seconds:.0f} s; an announcement lasts {ANNOUNCEMENT_SECONDS_MAX:.0f} s at most"
        )
    return seconds


def _file(tone: Tone, level_dbfs: float) -> int:
    """The descriptor of a WAV file that is nowhere but in memory."""
    handle = os.memfd_create(tone.name)
    with os.fdopen(os.dup(handle), "wb") as out, wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(synthesise(tone, level_dbfs).tobytes())
    return handle


def _device(identity: str) -> str:
    """The ALSA device of a speaker, by its card's id: numbers change."""
    kind, _, name = identity.partition(":")
    if kind == "pcm":
        return name
    card = cards.find_speaker(identity)
    return f"plughw:CARD={card.name},DEV={card.pcm}"

"""The speaker: tones and the spoken announcement, played by `aplay` (alsa-utils), one process for each.

It can hold up nothing and stop nothing: what is played plays by itself, and what is not heard is told. A receipt may say that
the announcement was heard only if its player came to the end and said that all was well. A process of ours would take twenty
megabytes for the whole day, and a second of a small board for its start; this one takes milliseconds
(docs/adr/0013-who-plays-the-tones.md).
"""

import array
import contextlib
import hashlib
import io
import logging
import math
import os
import subprocess
import time
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
ANNOUNCEMENT_BYTES_MAX = 12_000_000
"""Kept in memory: so much is a minute at 48 kHz, 16 bit, stereo."""
LATE_SECONDS_MAX = 3.0
"""How much longer than its sound a player may take: its start, and what the card has in its buffer."""
WAY_SECONDS_MAX = 0.05
"""For a killed player to be gone, which takes it a millisecond. One that is stuck in the kernel is not waited for."""
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
    """Of one room. Raises SpeakerError if the announcement is none; a speaker that is not heard is `trouble`."""

    def __init__(self, settings: config.Speaker) -> None:
        self._identity = settings.identity
        self._device = ""
        """Empty while there is none."""
        self._absent = self._unheard = ""
        """Why there is none, and why what was last played to its end was not heard."""
        self._tones: dict[str, int] = {}
        """A WAV file in memory for each tone."""
        self._announcement: int | None = None
        """Such a file too, so that what is played is what was hashed."""
        self._announcement_seconds, self._announcement_sha256 = 0.0, ""
        self._playing: subprocess.Popen[bytes] | None = None
        self._announcing = False
        """The announcement is part of what is being played."""
        self._over_at = 0.0
        """When what is being played must be over, monotonic."""
        self._killed: list[subprocess.Popen[bytes]] = []
        """Not waited for: one that is stuck in the kernel would hold up the room."""
        self.heard = ""
        """The SHA-256 of the announcement, 64 hexadecimal digits, once it was played to its end; until the next sound."""
        if not self._identity:
            return
        if settings.announcement:
            wav, self._announcement_seconds = announcement(Path(settings.announcement))
            self._announcement_sha256 = hashlib.sha256(wav).hexdigest()
            self._announcement = _file("announcement", wav)
        for tone in TONES:
            self._tones[tone.name] = _file(tone.name, _wav(tone, settings.level_dbfs))
        self.look()

    @property
    def trouble(self) -> str:
        """Why it is not heard, in plain words; until it is."""
        return self._absent or self._unheard

    @property
    def announcement_seconds(self) -> float:
        """How long the announcement lasts; 0 where none is heard."""
        return self._announcement_seconds if self._device else 0.0

    @property
    def announcing(self) -> bool:
        """The announcement is not at its end yet. It is soon: what lasts too long is killed."""
        return self._playing is not None and self._announcing

    def look(self) -> None:
        """Look for the speaker, which may have come or gone. Not while something is played: it reads the card's files."""
        if not self._identity:
            return
        try:
            self._device, self._absent = _device(self._identity), ""
        except SpeakerError as error:
            if str(error) != self._absent:
                logger.warning("%s", error)
            self._device, self._absent = "", str(error)

    def play(self, tone: Tone, *, announce: bool = False) -> None:
        """Play a tone now, in the place of what is being played; then the announcement. Returns at once."""
        self.hush()
        self._make_way()
        self.heard = ""
        if not self._device:
            return
        sounds, seconds = [self._tones[tone.name]], tone.seconds
        self._announcing = announce and self._announcement is not None
        if announce and self._announcement is not None:
            sounds.append(self._announcement)
            seconds += self._announcement_seconds
        try:
            self._playing = subprocess.Popen(
                [PLAYER, "-q", "-D", self._device, *(f"/dev/fd/{sound}" for sound in sounds)],
                pass_fds=sounds,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        except OSError as error:
            self._complain(f"the speaker is not heard: {PLAYER} cannot be started: {error.strerror}")
        self._over_at = time.monotonic() + seconds + LATE_SECONDS_MAX

    def listen(self) -> None:
        """Notice what has come to its end. Waits for nothing; call often."""
        self._killed = [each for each in self._killed if each.poll() is None]
        playing = self._playing
        if playing is None:
            return
        code = playing.poll()
        if code is None and time.monotonic() < self._over_at:
            return
        self._playing = None
        if code is None:
            self._kill(playing)
            self._complain(f"the speaker is not heard: {PLAYER} does not come to an end")
        elif code:
            self._complain(f"the speaker is not heard: {PLAYER} ended with {code}; the log has its reason")
        else:
            self._unheard = ""
            self.heard = self._announcement_sha256 if self._announcing else ""

    def hush(self) -> None:
        """Silence, now."""
        self.listen()
        playing, self._playing = self._playing, None
        if playing is not None:
            self._kill(playing)

    def close(self) -> None:
        """Silence, and nothing more."""
        self.hush()
        self._make_way()
        for file in (*self._tones.values(), *(() if self._announcement is None else (self._announcement,))):
            os.close(file)
        self._tones.clear()
        self._announcement = None

    def _kill(self, player: "subprocess.Popen[bytes]") -> None:
        player.kill()
        self._killed.append(player)

    def _make_way(self) -> None:
        """Give what was killed the moment that it needs to let go of the card, which plays one sound at a time."""
        until = time.monotonic() + WAY_SECONDS_MAX
        for player in self._killed:
            with contextlib.suppress(subprocess.TimeoutExpired):
                player.wait(max(0.0, until - time.monotonic()))
        self.listen()

    def _complain(self, trouble: str) -> None:
        if trouble != self._unheard:
            logger.warning("%s", trouble)
        self._unheard = trouble


def announcement(file: Path) -> tuple[bytes, float]:
    """An announcement, and how many seconds it lasts; a SpeakerError if the file is none."""
    try:
        with file.open("rb") as stream:
            wav = stream.read(ANNOUNCEMENT_BYTES_MAX + 1)
        with wave.open(io.BytesIO(wav)) as sound:
            seconds = sound.getnframes() / sound.getframerate()
    except FileNotFoundError as error:
        raise SpeakerError(f"speaker.announcement: {file}: there is no such file") from error
    except (OSError, EOFError, ZeroDivisionError, wave.Error) as error:
        raise SpeakerError(f"{file}: is not a WAV file that can be played ({error or 'it is cut short'})") from error
    if seconds > ANNOUNCEMENT_SECONDS_MAX:
        raise SpeakerError(
            f"{file}: lasts {seconds:.0f} s; an announcement lasts {ANNOUNCEMENT_SECONDS_MAX:.0f} s at most"
        )
    if len(wav) > ANNOUNCEMENT_BYTES_MAX:
        raise SpeakerError(f"{file}: has over {ANNOUNCEMENT_BYTES_MAX} bytes; make it 16 bit, mono, 48 kHz at most")
    return wav, seconds


def _wav(tone: Tone, level_dbfs: float) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(synthesise(tone, level_dbfs).tobytes())
    return out.getvalue()


def _file(name: str, content: bytes) -> int:
    """The descriptor of a file that is nowhere but in memory."""
    handle = os.memfd_create(name)
    with os.fdopen(os.dup(handle), "wb") as out:
        out.write(content)
    return handle


def _device(identity: str) -> str:
    """The ALSA device of a speaker, by its card's id: numbers change."""
    kind, _, name = identity.partition(":")
    if kind == "pcm":
        return name
    card = cards.find_speaker(identity)
    return f"plughw:CARD={card.name},DEV={card.pcm}"

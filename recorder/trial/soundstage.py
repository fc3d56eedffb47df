"""A sound card made of software: a room in which a WAV file speaks and a microphone hears it.

A private PulseAudio server owns one null sink, `room`. What is played into the sink comes out of its monitor, and an
ALSA configuration of the stage's own offers that monitor as the PCM `roommic`. So PortAudio, ALSA and the capture
process are the real ones; only the air is simulated. Everything lives in one temporary folder and ends with it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import wave
from pathlib import Path
from types import TracebackType
from typing import Self

from recorder.errors import TrialError
from recorder.trial import children

ONE_CHANNEL = {"channels": 1, "pick": 1, "leave_out": []}
"""For [microphone]: one that is no array."""
IDENTITY = "pcm:roommic"
"""The stage's microphone, as `microphone.identity` names it."""
MICROPHONE = {"identity": IDENTITY, **ONE_CHANNEL}
"""The stage's microphone, for [microphone]."""
START_SECONDS_MAX = 15.0
PLAY_AHEAD_MS = 2_000
"""More than any listener asks for, since a sink runs at the least latency that anyone asks for: were it the speaker's, the
microphone would lose sound when he begins. It also keeps him from stammering on a busy machine."""
RATE = 48_000

_PACKAGES = {
    "espeak-ng": "espeak-ng",
    "pactl": "pulseaudio-utils",
    "paplay": "pulseaudio-utils",
    "pulseaudio": "pulseaudio",
    "setpriv": "util-linux",
    "sox": "sox",
}
_SERVER = ["pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "-n", "-L", "module-native-protocol-unix"]
# The whole of ALSA's configuration in the room: Debian's own would load codecs for PCMs that nobody here opens.
# PortAudio's list of devices fails an assertion unless there is a default.
_ALSA = """
pcm.roommic { type pulse device "room.monitor" hint { show on description "Room microphone" } }
pcm.default { type pulse device "room.monitor" }
"""


class Playing:
    """A WAV file being spoken into the room."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def wait(self, timeout_seconds: float | None = None) -> None:
        """Until it has been spoken to the end; TimeoutExpired if that takes longer."""
        self._process.wait(timeout_seconds)

    def stop(self) -> None:
        """Silence, now."""
        self._process.kill()
        self._process.wait()


class SoundStage:
    """`with SoundStage() as stage:` a room; start the capture process with `stage.environment`."""

    def __enter__(self) -> Self:
        """Start the sound server; a TrialError names what is missing."""
        for program in ("pulseaudio", "pactl", "paplay", "setpriv"):
            _require(program)
        # A short path: a socket's name has 108 bytes at most.
        self._folder = Path(tempfile.mkdtemp(prefix="room-"))
        (self._folder / "alsa.conf").write_text(_ALSA)
        own = {"HOME": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}
        self._log = (self._folder / "pulseaudio.log").open("wb")
        self.environment = own | {
            "PULSE_SERVER": f"unix:{self._folder}/pulse/native",
            "ALSA_CONFIG_PATH": str(self._folder / "alsa.conf"),
        }
        """Variables for every process that shall live in this room."""
        self.plug_in()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server and remove its folder."""
        self.kill()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def plug_in(self) -> None:
        """Start the sound server, anew after `kill`."""
        own = {name: self.environment[name] for name in ("HOME", "XDG_RUNTIME_DIR")}
        self._server = children.start(
            [*_SERVER, "-L", f"module-null-sink sink_name=room rate={RATE} channels=1"],
            output=self._log,
            errors=self._log,
            environment=own,
        )
        try:
            self._await_server()
        except BaseException:
            self.close()
            raise

    def play(self, wav: Path) -> Playing:
        """Speak `wav` into the room; a TrialError if it is no WAV file."""
        wav_seconds(wav)
        return Playing(
            children.start(
                ["paplay", "--device=room", f"--latency-msec={PLAY_AHEAD_MS}", str(wav)],
                output=self._log,
                errors=self._log,
                environment=self.environment,
            )
        )

    def listeners(self) -> int:
        """How many streams are open on the room's microphone: 0 while nobody captures."""
        return len(self._pactl("list", "short", "source-outputs").splitlines())

    def suspend(self) -> None:
        """Let the sink stall: streams stay open, nothing more comes, and nobody is told."""
        self._pactl("suspend-sink", "room", "1")

    def resume(self) -> None:
        """End a stall."""
        self._pactl("suspend-sink", "room", "0")

    def kill(self) -> None:
        """Kill the sound server, as if the microphone's plug was pulled."""
        if self._server.poll() is None:
            self._server.send_signal(signal.SIGKILL)
        self._server.wait()

    def _pactl(self, *arguments: str) -> str:
        done = subprocess.run(
            ["pactl", *arguments],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS_MAX,
        )
        if done.returncode:
            raise TrialError(f"the virtual sound card does not answer: {done.stderr.strip()}")
        return done.stdout

    def _await_server(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            if self._server.poll() is not None:
                self._log.flush()
                said = (self._folder / "pulseaudio.log").read_text(errors="replace").strip()
                raise TrialError(f"pulseaudio ended at once: {said or 'without a word'}")
            try:
                if "room" in self._pactl("list", "short", "sinks"):
                    return
            except TrialError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.05)


def speech(text: str, file: Path, *, voice: str = "nl", rate: int = RATE) -> None:
    """Synthesise `text` into `file`: a mono WAV of 16 bits at `rate` samples a second."""
    for program in ("espeak-ng", "sox"):
        _require(program)
    spoken = subprocess.run(["espeak-ng", "-v", voice, "--stdout", text], capture_output=True, check=False)
    if spoken.returncode:
        raise TrialError(f"espeak-ng could not speak: {spoken.stderr.decode(errors='replace').strip()}")
    # espeak-ng writes to a pipe without knowing the length; sox is told to read to the end.
    command = ["sox", "--ignore-length", "-t", "wav", "-", "-r", str(rate), "-c", "1", "-b", "16", str(file)]
    made = subprocess.run(command, input=spoken.stdout, capture_output=True, check=False)
    if made.returncode:
        raise TrialError(f"sox could not write {file}: {made.stderr.decode(errors='replace').strip()}")


def wav_seconds(wav: Path) -> float:
    """How long a WAV file lasts; a TrialError says why a file is none."""
    try:
        with wave.open(str(wav), "rb") as sound:
            return sound.getnframes() / sound.getframerate()
    except FileNotFoundError as error:
        raise TrialError(f"{wav}: there is no such file") from error
    except OSError as error:
        raise TrialError(f"{wav}: cannot be read: {error.strerror}") from error
    except (EOFError, ZeroDivisionError, wave.Error) as error:
        raise TrialError(f"{wav}: not a WAV file that can be played ({str(error) or 'it is cut short'})") from error


def _require(program: str) -> None:
    if shutil.which(program) is None:
        raise TrialError(f"{program} is missing; on Debian: apt install {_PACKAGES[program]}")

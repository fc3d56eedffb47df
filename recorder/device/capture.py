"""The capture process: the one place where audio exists in the clear. `python -m recorder.device.capture`.

It lives for one meeting: setup, preamble and held keybox, `ready`; then it waits for `open`, captures until `stop`, seals
the rest and exits with 0. What goes over the pipe stands in `pipe.py`. Its parent shuts the tap by closing its
standard input, or by SIGKILL when that is too slow; either way the audio in its memory is gone with it.

Three threads: one listens to the parent and waits for nothing else, so that the parent's end is this process's end
at that instant; one reads the microphone; the main one encodes, seals and writes. A parent that reads too slowly
holds up the main one only; the microphone's queue fills, and the loss is declared.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

import msgspec

from recorder import keyfiles
from recorder.audio import Gap, PcmBlock
from recorder.confine import confine
from recorder.device import clock, entropy
from recorder.device.front import FrontEnd
from recorder.device.microphone import Microphone
from recorder.device.pipe import BODY_BYTES_MAX, Command, Frame, Kind, Setup, State, Telemetry
from recorder.encoder import Encoder
from recorder.errors import CaptureError, MicrophoneError, WederhoorError
from recorder.sealed import layout, seal
from recorder.sealed.keybox import HOLD_KEY_BYTES, hold_keybox

SETUP_BYTES_MAX = 65_536


class Output:
    """The pipe to the parent; any thread may send."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, *frames: Frame) -> None:
        """At once: what comes together wakes the parent once."""
        with self._lock:
            self._pipe.write(b"".join(map(bytes, frames)))
            self._pipe.flush()

    def state(self, state: State) -> None:
        self.send(Frame(Kind.STATE, state.encode()))


def run(commands: BinaryIO, output: Output) -> None:
    """One meeting, from setup to the final block."""
    setup, hold_key = _setup(commands)
    microphone = Microphone(
        setup.microphone,
        on_gone=lambda: output.state(State.GONE),
        on_shut=lambda: output.state(State.SHUT),
    )
    front = FrontEnd(setup.microphone, microphone.rate, setup.seal.block_frames)
    encoder = Encoder(setup.opus, microphone.rate, setup.seal.block_frames)
    preamble, keybox, sealer = seal.begin(
        keyfiles.load_device(Path(setup.signing_key)),
        device=setup.device,
        sequence=setup.sequence,
        previous=bytes.fromhex(setup.previous),
        moment=clock.moment(),
        boot=clock.boot_id(),
        rate=microphone.rate,
        preskip=encoder.preskip,
        pad_bytes=setup.seal.pad_bytes,
        suite=setup.seal.suite,
        recipients=keyfiles.load_recipients(Path(setup.recipients)),
        random=entropy.secret,
    )
    held = hold_keybox(keybox, hold_key, layout.hash_body(layout.parse_record(preamble)[1]))
    hold_key[:] = bytes(len(hold_key))
    output.send(Frame(Kind.RECORD, preamble), Frame(Kind.KEYBOX, held))
    output.state(State.READY)
    threading.Thread(target=_obey, args=(commands, microphone), name="commands", daemon=True).start()

    gate = Gate(output)

    def pass_on(piece: PcmBlock | Gap) -> None:
        sealed = [Frame(Kind.RECORD, sealer.seal(block)) for block in encoder.encode(piece)]
        if isinstance(piece, Gap):
            gate.missed(sealed)
        else:
            told = Frame(Kind.TELEMETRY, _telemetry(encoder.position, front, microphone))
            gate.heard(sealed, told, judged=front.judged)

    failure: MicrophoneError | None = None
    try:
        for item in microphone.items():
            for piece in front.take(item):
                pass_on(piece)
    except MicrophoneError as error:
        failure = error  # what was captured before is kept
    for piece in front.rest():
        pass_on(piece)
    gate.end()
    last = encoder.finish()
    if last is not None:
        output.send(Frame(Kind.RECORD, sealer.seal(last, final=True)))
    sealer.wipe()
    if failure is not None:
        raise failure


class Gate:
    """Holds back the first half second of a stream, until its microphone is judged.

    So a room knows what is wrong with it before it says that it records.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._waiting: list[Frame] | None = []
        """What was sealed since the stream began, or began again; None once it is open."""
        self._opened = False

    def heard(self, sealed: list[Frame], told: Frame, *, judged: bool) -> None:
        """`told` goes with a block, for each frame that wakes the daemon costs more than it."""
        if self._waiting is None:
            self._output.send(*sealed, told)
        elif judged:
            self._open(told, sealed)
        else:
            self._waiting += sealed

    def missed(self, sealed: list[Frame]) -> None:
        """A gap, and what there was before it: at once, if the room records already."""
        if self._waiting is None:
            self._output.send(*sealed)
            self._waiting = []
        else:
            self._waiting += sealed

    def end(self) -> None:
        """What still waits; of a stream that was never open, that it was."""
        if self._waiting and not self._opened:
            self._open()
        elif self._waiting:
            self._output.send(*self._waiting)

    def _open(self, told: Frame | None = None, sealed: Sequence[Frame] = ()) -> None:
        frames = [Frame(Kind.STATE, State.OPEN.encode()), *(self._waiting or ()), *sealed]
        self._output.send(*([told] if told else []), *frames)
        self._waiting, self._opened = None, True


def _setup(commands: BinaryIO) -> tuple[Setup, bytearray]:
    """The setup, and the hold key."""
    line = commands.readline(SETUP_BYTES_MAX)
    hold_key = bytearray(HOLD_KEY_BYTES)
    if not line or commands.readinto(hold_key) != HOLD_KEY_BYTES:  # type: ignore[attr-defined]
        os._exit(1)  # the parent went before it had said all
    try:
        return msgspec.json.decode(line, type=Setup), hold_key
    except msgspec.MsgspecError as error:
        raise CaptureError(f"the setup of the capture process is not one: {error}") from error


def _telemetry(position: int, front: FrontEnd, microphone: Microphone) -> bytes:
    level = front.level
    assert level is not None
    return msgspec.json.encode(
        Telemetry(
            position=position,
            rms_dbfs=round(level.rms_dbfs, 1),
            peak_dbfs=round(level.peak_dbfs, 1),
            clipped=front.clipped,
            silent_seconds=round(level.silent_seconds, 1),
            overflows=microphone.overflows,
            flaws=front.flaws,
        )
    )


def _obey(commands: BinaryIO, microphone: Microphone) -> None:
    """Do what the parent says; end when it says nothing more, or what nobody understands."""
    for line in iter(lambda: commands.readline(SETUP_BYTES_MAX), b""):
        match line.strip().decode("ascii", "replace"):
            case Command.OPEN:
                microphone.open()
            case Command.STOP:
                microphone.stop()
            case _:
                break
    os._exit(1)


def main() -> NoReturn:
    """Run one meeting. Always ends by `os._exit`: nothing here is worth waiting for, least of all a driver."""
    confine()
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # meant for the daemon, which tests itself; others may send it to all
    output = Output(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # whatever a library prints must not look like a frame
    status = 1
    try:
        run(sys.stdin.buffer, output)
        status = 0
    except WederhoorError as error:
        kind = Kind.MISSING if isinstance(error, MicrophoneError) else Kind.ERROR
        output.send(Frame(kind, str(error).encode()[:BODY_BYTES_MAX]))
    except BaseException:  # noqa: BLE001 (a bug: its trace goes to the log, and holds no audio)
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()

"""The capture process: the one place where audio exists in the clear. `python -m recorder.device.capture`.

It lives for one meeting: setup, preamble and held keybox, `ready`; then it waits for `open`, captures until `stop`, seals
the rest and exits with 0. What goes over the pipe stands in `pipe.py`. Its parent shuts the tap by closing its
standard input, or by SIGKILL when that is too slow; either way the audio in its memory is gone with it.

Three threads: one listens to the parent and waits for nothing else, so that the parent's end is this process's end
at that instant; one reads the microphone; the main one encodes, seals and writes. A parent that reads too slowly
holds up the main one only; the microphone's queue fills, and the loss is declared.
"""

import os
import sys
import threading
import traceback
from pathlib import Path
from typing import BinaryIO, NoReturn

import msgspec

from recorder import keyfiles
from recorder.audio import Gap, PcmBlock
from recorder.device import clock, entropy
from recorder.device.confine import confine
from recorder.device.encoder import Encoder
from recorder.device.front import FrontEnd
from recorder.device.microphone import Microphone
from recorder.device.pipe import BODY_BYTES_MAX, Command, Frame, Kind, Setup, State, Telemetry
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
        on_open=lambda: output.state(State.OPEN),
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

    def pass_on(piece: PcmBlock | Gap) -> None:
        frames = [Frame(Kind.RECORD, sealer.seal(block)) for block in encoder.encode(piece)]
        if isinstance(piece, PcmBlock):  # with a block, for each frame wakes the daemon for more than it costs
            frames.append(Frame(Kind.TELEMETRY, _telemetry(encoder.position, front, microphone)))
        output.send(*frames)

    failure: MicrophoneError | None = None
    try:
        for item in microphone.items():
            for piece in front.take(item):
                pass_on(piece)
    except MicrophoneError as error:
        failure = error  # what was captured before is kept
    for piece in front.rest():
        pass_on(piece)
    last = encoder.finish()
    if last is not None:
        output.send(Frame(Kind.RECORD, sealer.seal(last, final=True)))
    sealer.wipe()
    if failure is not None:
        raise failure


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

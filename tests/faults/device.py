"""The device of the fault matrix: the product's daemon with its custody, spool, hold, sender and uplink, and no microphone.

    main([ROOM.TOML, DIARY, PLAN, POINTS, FLAW])

A tap of this module seals what looks like Opus; fingers of this module press the buttons of the mock panel, as PLAN says: a
word for each meeting, how many blocks and how it ends. "12:stop" is kept; "5:refuse" is a no while it records, "5:regret" one
after the stop. A restart goes on where the diary ends.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from recorder import config, keyfiles
from recorder.audio import FRAME_TICKS, Gap, GapCause, OpusBlock
from recorder.device import clock, daemon, entropy, uplink
from recorder.device.daemon import Daemon
from recorder.device.panel import Pressed
from recorder.device.pipe import Frame, Kind, Setup, State
from recorder.device.spool import Spool
from recorder.device.uplink import Heard, Message, Uplink
from recorder.meeting.light import Pattern
from recorder.meeting.table import State as Meeting
from recorder.sealed import layout, seal
from recorder.sealed.keybox import hold_keybox
from recorder.wire.records import parse_record
from recorder.wire.status import Happening, Report
from recorder.wire.upload import Name
from tests.faults import flaws, points
from tests.faults.diary import NEEDLE_BYTES, Diary, Line, Pen

BLOCK_FRAMES = 25
PACKET_BYTES = 80
"""As 32 kbit/s come to."""
BLOCK_SECONDS = 0.012
"""Between two blocks: the meeting is quicker than the audio in it."""
GAPS_IN = 8
"""One block in so many is followed by a gap: samples that were missing, and are declared."""
TURN_SECONDS = 0.002
SHORTENED: dict[tuple[Any, str], float] = {
    (uplink, "ACCEPT_SECONDS_MAX"): 2.0,
    (uplink, "KEEPALIVE_SECONDS"): 1,
    (uplink, "LOOK_SECONDS"): 0.5,
    (daemon, "GLANCE_SECONDS"): 0.2,
    (daemon, "TURN_SECONDS_MAX"): 0.2,
}
"""Waits of half a minute, of which a thousand would take too long. Nothing else differs."""
RECORDS = (Meeting.RECORDING, Meeting.PROMPT, Meeting.INTERRUPTED)


class Planned(NamedTuple):
    """A meeting that is to be held."""

    blocks: int
    end: str

    @classmethod
    def parse(cls, word: str) -> "Planned":
        blocks, _, end = word.partition(":")
        return cls(int(blocks), end)


class Tap:
    """What the daemon knows of a capture process, without the process: a thread that seals."""

    pen: Pen

    def __init__(self, setup: Setup, hold_key: bytearray) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._frames: deque[Frame] = deque()
        self._over = threading.Event()
        self._ending = threading.Event()
        self._ended = threading.Event()
        self._position = 0
        self._flushed = False
        self._made = 0
        preamble, box, self._sealer = seal.begin(
            keyfiles.load_device(Path(setup.signing_key)),
            device=setup.device,
            sequence=setup.sequence,
            previous=bytes.fromhex(setup.previous),
            moment=clock.moment(),
            boot=clock.boot_id(),
            rate=48_000,
            preskip=312,
            pad_bytes=setup.seal.pad_bytes,
            suite=setup.seal.suite,
            recipients=keyfiles.load_recipients(Path(setup.recipients)),
            random=entropy.secret,
        )
        _, body = layout.parse_record(preamble)
        self._recording = msgspec.json.decode(body[64:])["recording"]
        held = hold_keybox(box, hold_key, layout.hash_body(body))
        self._send(Frame(Kind.RECORD, preamble), Frame(Kind.KEYBOX, held), Frame(Kind.STATE, State.READY.encode()))

    def fileno(self) -> int:
        return self._read

    def read(self) -> list[Frame] | None:
        os.read(self._read, 4_096)
        ended = self._ended.is_set()
        frames = []
        while self._frames:
            frames.append(self._frames.popleft())
        if ended:
            os.write(self._write, b"!")  # an end can be read for ever
        return frames or (None if ended else [])

    def open(self) -> None:
        self._send(Frame(Kind.STATE, State.OPEN.encode()))
        threading.Thread(target=self._speak, daemon=True).start()

    def finish(self) -> None:
        self._ending.set()

    def shut(self) -> None:
        self._over.set()
        self._frames.clear()

    def wait(self) -> int:
        return 0

    def close(self) -> bool:
        self.shut()
        return True  # the pipe stays: the thread may be about to write

    def _speak(self) -> None:
        while not self._over.wait(BLOCK_SECONDS):
            final = self._ending.is_set()
            if self._flushed:  # nothing but a gap may follow
                item: Gap | OpusBlock = Gap(self._position, FRAME_TICKS, GapCause.OVERFLOW, clock.moment())
                self._flushed = False
            else:
                self._flushed = final or self._made % GAPS_IN == 3
                packets = tuple(b"\x78" + os.urandom(PACKET_BYTES - 1) for _ in range(BLOCK_FRAMES))
                length = FRAME_TICKS * (BLOCK_FRAMES - self._flushed)
                item = OpusBlock(self._position, length, packets, self._flushed, clock.moment())
            self._position += item.length
            record = self._sealer.seal(item, final=final)
            self.pen.write(Line("made", self._recording, index=self._made))
            self._made += 1
            self._send(Frame(Kind.RECORD, record))
            if final:
                self._ended.set()
                os.write(self._write, b"!")
                return

    def _send(self, *frames: Frame) -> None:
        if not self._over.is_set():
            self._frames += frames
            os.write(self._write, b"!")


class Guard:
    """One that always answers: the real one and its light are tried in tests/end_to_end."""

    answers = True

    def beat(self, pattern: Pattern, now: float) -> None: ...

    def close(self) -> None: ...


def keep_diary(pen: Pen) -> None:
    """Have the spool and the road tell what they have done."""
    put, purge, forget, hear = Spool.put, Spool.purge, Spool.forget, Uplink.hear

    def put_and_tell(spool: Spool, name: Name, record: bytes, *, ending: bool = False) -> None:
        put(spool, name, record, ending=ending)
        _, body = parse_record(record)
        needle = body[-NEEDLE_BYTES:].hex() if name.type is layout.RecordType.BLOCK else ""
        pen.write(Line("kept", name.recording, name.type, name.index, layout.hash_body(body).hex(), needle))

    def purge_and_tell(spool: Spool, recording: str) -> None:
        purge(spool, recording)
        pen.write(Line("purged", recording))

    def tell_and_forget(spool: Spool, recording: str) -> bool:
        pen.write(Line("let go", recording))
        return forget(spool, recording)

    def hear_and_tell(road: Uplink, now: float) -> list[Heard]:
        heard = hear(road, now)
        for event in heard:
            if isinstance(event, Message):
                pen.write(Line("heard", text=event.payload.hex()))
        return heard

    Spool.put = put_and_tell  # type: ignore[method-assign]
    Spool.purge = purge_and_tell  # type: ignore[method-assign]
    Spool.forget = tell_and_forget  # type: ignore[method-assign]
    Uplink.hear = hear_and_tell  # type: ignore[method-assign]


class Fingers:
    """Hold the meetings of a plan."""

    def __init__(self, room: Daemon, plan: list[Planned], pen: Pen) -> None:
        self._room = room
        self._plan = plan
        self._pen = pen
        self._hands = room.hands()

    def work(self) -> None:
        self._until(lambda: self._room._next_selftest > 0 or self._state is not Meeting.IDLE)
        for planned in self._plan:
            self._hold(planned)
            self._pen.write(Line("meeting"))

    @property
    def _state(self) -> Meeting:
        return self._room._state

    def _hold(self, planned: Planned) -> None:
        if self._state is not Meeting.GRACE:  # else a restart has found one that was cut off
            if self._state is Meeting.REFUSED:
                return  # and has found this one: refused
            self._until(lambda: self._state is Meeting.IDLE)
            self._hands.press(Pressed.START)
            self._until(lambda: self._state is not Meeting.IDLE)
            self._until(lambda: self._state in RECORDS or self._is_over)
            self._until(lambda: self._sealed >= planned.blocks or self._is_over)
        if planned.end == "refuse" and not self._is_over:
            self._hands.press(Pressed.REFUSE)
        elif self._state in RECORDS:
            self._hands.press(Pressed.START)
        if planned.end == "regret":
            self._until(lambda: self._state is Meeting.GRACE or self._is_over)
            self._hands.press(Pressed.REFUSE)
            self._until(lambda: self._state is Meeting.REFUSED)
        self._until(lambda: self._is_over)

    @property
    def _is_over(self) -> bool:
        return self._state in (Meeting.IDLE, Meeting.REFUSED, Meeting.FAULT)

    @property
    def _sealed(self) -> int:
        recording = self._room._custody.recording
        return recording.ledger.blocks if recording is not None else 0

    def _until(self, seen: Any) -> None:
        while not seen():
            time.sleep(TURN_SECONDS)


def main(arguments: list[str]) -> None:
    settings, diary, plan, armed, flaw = arguments
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    for (module, name), seconds in SHORTENED.items():
        setattr(module, name, seconds)
    pen = Pen(Path(diary))
    Tap.pen = pen
    daemon.Tap = Tap  # type: ignore[assignment, misc]
    points.watch(Path(armed), points.DEVICE.items())
    keep_diary(pen)  # outside: what dies at a point has not said that it is past it
    flaws.DEVICE.get(flaw, lambda: None)()

    def emit(line: Report | Happening) -> None:
        if isinstance(line, Happening):
            what, text = ("state", line.detail) if line.name == "state" else ("told", line.name)
            pen.write(Line(what, line.recording, text=text))  # type: ignore[arg-type]

    pen.write(Line("born"))
    room = Daemon(config.load(Path(settings)), emit, Guard())  # type: ignore[arg-type]
    signal.signal(signal.SIGTERM, lambda *_: room.stop())
    done = sum(line.what == "meeting" for line in Diary(Path(diary)).read())
    planned = [Planned.parse(word) for word in plan.split()]
    threading.Thread(target=Fingers(room, planned[done:], pen).work, daemon=True).start()
    room.run()

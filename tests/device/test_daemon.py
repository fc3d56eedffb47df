"""The daemon with real panel, custody and keys; a tap that says what a test tells it to, and no road."""

import errno
import hashlib
import os
import re
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gpiozero import Device

from recorder import config, keyfiles
from recorder.audio import FRAME_TICKS, Moment, OpusBlock
from recorder.device import clock, mock, panel, pipe, selftest, speaker
from recorder.device import daemon as module
from recorder.device.chain import NAMES
from recorder.device.daemon import BACKLOG_STEP_ITEMS, Daemon, serve
from recorder.device.hold import Hold, open_hold
from recorder.device.mock import Flaw
from recorder.device.panel import Panel, Pressed
from recorder.device.pipe import Frame, Kind, Setup, Telemetry
from recorder.device.spool import Spool
from recorder.device.supervisor import Guard
from recorder.device.terms import terms
from recorder.errors import CaptureError, ConfigError, HoldError, SpoolDamage, SpoolError, SpoolFull, WederhoorError
from recorder.meeting import presses
from recorder.meeting.fault import Fault
from recorder.meeting.light import BLINKS, DARK, Pattern
from recorder.meeting.table import Event, State
from recorder.sealed import keybox, layout, seal
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.layout import RecordType
from recorder.wire.consent import ConsentReceipt, check_receipt
from recorder.wire.receipt import Receipt, fold
from recorder.wire.records import Beside, parse_record
from recorder.wire.sender import WINDOW_FIRST, Added, Connected, Done, Received
from recorder.wire.status import Report, Status
from recorder.wire.upload import Name, Upload

SCRIPT_SECONDS_MAX = 20.0
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RECIPIENT = RecipientPrivateKey.generate("x25519")
MOMENT = Moment(1_700_000_000_000, 60_000, synced=True)
Script = Iterator[None]


class FakeTap:
    """Says `ready`, and when opened one block, the final one; records what it was told, in the order of everything else."""

    log: list[str]
    keybox = True
    broken: Exception | None = None
    ends = True

    def __init__(self, setup: Setup, hold_key: bytearray) -> None:
        self._read, self._write = os.pipe()
        self._position = 0
        self._over = False
        preamble, box, self._sealer = seal.begin(
            KEY,
            device="room-1",
            sequence=setup.sequence,
            previous=bytes.fromhex(setup.previous),
            moment=MOMENT,
            boot=bytes(16),
            rate=48_000,
            preskip=312,
            pad_bytes=64,
            suite="chacha20poly1305",
            recipients=[RECIPIENT.public],
            random=os.urandom,
        )
        self._frames: list[Frame] | None = [Frame(Kind.RECORD, preamble)]
        if self.keybox:
            held = keybox.hold_keybox(box, hold_key, layout.hash_body(layout.parse_record(preamble)[1]))
            self._frames += [Frame(Kind.KEYBOX, held), Frame(Kind.STATE, b"ready")]
        self._say()

    def _say(self) -> None:
        os.write(self._write, b"!")

    def fileno(self) -> int:
        return self._read

    def read(self) -> list[Frame] | None:
        os.read(self._read, 64)
        if self.broken is not None:
            raise self.broken
        frames, self._frames = self._frames, None if self._over else []
        if self._over:
            self._say()  # an end can be read for ever
        return frames

    def open(self) -> None:
        self.log.append("open")
        self._frames = [Frame(Kind.STATE, b"open"), self._block(final=False)]
        self._say()

    def finish(self) -> None:
        self.log.append("finish")
        self._frames, self._over = [self._block(final=True)], True
        self._say()

    def _block(self, *, final: bool) -> Frame:
        block = OpusBlock(self._position, FRAME_TICKS, (b"\xf8sound",), False, MOMENT)
        self._position += FRAME_TICKS
        return Frame(Kind.RECORD, self._sealer.seal(block, final=final))

    def shut(self) -> None:
        self.log.append("shut")
        self._frames = []

    def wait(self) -> int:
        return 0

    def close(self) -> bool:
        self.shut()
        os.close(self._read)
        os.close(self._write)
        return self.ends


class NoRoad:
    """An uplink without a network, which gives a test its turn in each turn of the loop."""

    script: Script
    connected = False
    trouble = ""
    certificate_ends = datetime(2030, 1, 2, tzinfo=UTC)

    def __init__(self, room: str, settings: config.Uplink, keys: Path, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._deadline: float | None = None

    def hear(self, now: float) -> list[object]:
        self._deadline = self._deadline or now + SCRIPT_SECONDS_MAX
        assert now < self._deadline, "the script waits for something that does not come"
        self._wake()
        next(self.script, None)
        return []

    def say(self, status: object) -> None: ...

    def close(self, last: object) -> None: ...

    def next_attempt(self) -> None:
        return None


class CalmGuard:
    """A guard that always answers; the real one is tested by itself, and with the real room."""

    answers = True

    def __init__(self, settings: config.Panel) -> None:
        self.told: list[Pattern] = []
        self.closed = False

    @property
    def shows(self) -> Pattern:
        return self.told[-1]

    def beat(self, pattern: Pattern, now: float) -> None:
        assert not self.closed
        self.told.append(pattern)

    def close(self) -> None:
        self.closed = True


class Room:
    """One room whose daemon may be run again and again."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.make_guard: Any = CalmGuard
        self.log: list[str] = []
        monkeypatch.setattr(FakeTap, "log", self.log, raising=False)
        monkeypatch.setattr(module, "Tap", FakeTap)
        monkeypatch.setattr(module, "Uplink", NoRoad)
        (folder / "keys" / "recipients").mkdir(parents=True)
        keyfiles.save_device(folder / "keys" / "signing.key", KEY)
        keyfiles.save_device_public(folder / "keys" / "archive.pub", KEY.public_key())
        keyfiles.save_recipient_public(folder / "keys" / "recipients" / "reader.pub", RECIPIENT.public)
        values = msgspec.to_builtins(config.load())
        values["room"] |= {
            "folder": str(folder),
            "hold": str(folder / "hold" / "slot"),
            "hold_may_be_on_disk": True,
            "window": "",
        }
        values["microphone"] |= {"identity": "pcm:roommic"}
        values["panel"] |= {"pins": "mock", "bounce_seconds": 0.0, "double_press_seconds": 0.1}
        values["meeting"] |= {"notice_seconds": 0.0, "grace_seconds": 60.0, "lift_seconds": 1.0}
        self.values = values

    def run(self, script: Callable[[Any], Script], **meeting: float) -> Daemon:
        """Run the daemon until the script is at its end."""
        self.values["meeting"] |= meeting
        settings = msgspec.convert(self.values, config.Config)
        daemon = Daemon(settings, lambda line: None, self.make_guard(settings.panel))

        def whole() -> Script:
            try:
                yield from script(daemon)
            finally:
                daemon.stop()

        NoRoad.script = whole()
        daemon.run()
        return daemon

    def manifest(self, daemon: Daemon, recording: str) -> layout.Manifest:
        _, body = layout.parse_record(daemon._spool.read(Name(recording, RecordType.MANIFEST, 0)))
        return msgspec.json.decode(body[64:], type=layout.Manifest)

    def receipt(self, daemon: Daemon, recording: str) -> ConsentReceipt:
        _, body = parse_record(daemon._spool.read(Name(recording, Beside.RECEIPT, 0)))
        return check_receipt(daemon._signing_key.public_key(), body)


@pytest.fixture
def room(ram: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    return Room(ram, monkeypatch)


def until(daemon: Daemon, state: State) -> Script:
    while daemon._state is not state:
        yield


def wait(seconds: float) -> Script:
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        yield


def down(button: object) -> None:
    button.pin.drive_low()  # type: ignore[attr-defined]


def up(button: object) -> None:
    button.pin.drive_high()  # type: ignore[attr-defined]


def press(button: object) -> None:
    down(button)
    up(button)


def held(daemon: Daemon) -> None:
    """The button comes up after the lift time, as far as the room can tell."""
    daemon._panel._tell(Pressed.LET_GO, daemon._refuse_presses._down_at + daemon._settings.meeting.lift_seconds)


def recording(daemon: Daemon) -> Script:
    yield
    press(daemon._panel._start)
    yield from until(daemon, State.RECORDING)
    while not daemon._custody.recording.ledger.blocks:  # type: ignore[union-attr]
        yield
    yield from wait(daemon._settings.panel.double_press_seconds)  # or the next press would belong to the first


def test_whatever_fails_at_the_start_the_light_is_dark(room: Room, monkeypatch: Any) -> None:
    """A kernel may have left it lit after a crash."""
    monkeypatch.setattr(module, "open_hold", raising(HoldError("the clock chip is not there")))
    monkeypatch.setattr(Device, "pin_factory", None)
    with pytest.raises(HoldError):
        Daemon(msgspec.convert(room.values, config.Config), None, CalmGuard(config.load().panel))  # type: ignore[arg-type]
    assert Device.pin_factory is not None, "nobody has touched the pins"
    light = Device.pin_factory.pin(room.values["panel"]["recording_light"])
    assert (light.function, bool(light.state)) == ("output", False)


def test_a_no_while_the_room_is_being_made_is_heard_by_its_loop(room: Room, monkeypatch: Any, caplog: Any) -> None:
    """There is no tap yet, and the hold is only being opened."""

    def slowly(settings: config.Room) -> Hold:
        press(SimpleNamespace(pin=Device.pin_factory.pin(room.values["panel"]["refuse_button"])))
        return open_hold(settings)

    monkeypatch.setattr(module, "open_hold", slowly)

    def script(daemon: Daemon) -> Script:
        yield from until(daemon, State.REFUSED)

    daemon = room.run(script)
    assert "Traceback" not in caplog.text
    assert [room.manifest(daemon, each).ended for each in daemon._spool.recordings()] == ["refused"]


def log_light(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the room's log tell the recording light among what the tap was told."""
    show = Panel.show

    def logged(self: Panel, *, recording: bool) -> None:
        show(self, recording=recording)
        room.log.append("lit" if recording else "dark")

    monkeypatch.setattr(Panel, "show", logged)


def test_the_light_is_lit_before_the_tap_opens_and_a_whole_meeting_is_released(room: Room, monkeypatch: Any) -> None:
    log_light(room, monkeypatch)

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        assert room.log[room.log.index("open") - 1] == "lit"
        press(daemon._panel._start)
        yield from until(daemon, State.GRACE)
        assert room.log.index("finish") > room.log.index("open")
        yield from until(daemon, State.IDLE)

    daemon = room.run(script, grace_seconds=0.0)
    (found,) = daemon._spool.recordings()
    assert [name.type.name for name in daemon._spool.names(found)] == [
        "PREAMBLE",
        "BLOCK",
        "BLOCK",
        "MANIFEST",
        "KEYBOX",
        "RECEIPT",
    ]
    assert room.manifest(daemon, found).ended == "stop"


@pytest.mark.parametrize("flaw", list(Flaw))
def test_a_light_that_does_not_prove_itself_keeps_the_tap_shut_and_stays_a_fault(room: Room, flaw: Flaw) -> None:
    """L2: without a current before it is lit, with one after; neither a burnt-out lamp nor a short circuit passes."""

    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        yield from until(daemon, State.NOTICE)
        daemon.hands().break_lamp(flaw)
        yield from until(daemon, State.FAULT)
        assert "light" in daemon._fault
        daemon.hands().break_lamp(None)
        yield from wait(0.2)
        press(daemon._panel._start)
        yield from wait(0.2)
        assert daemon._state is State.FAULT, "start is dead until a person has looked at it"
        assert daemon._guard.shows is BLINKS[Fault.LIGHT]  # type: ignore[attr-defined]

    daemon = room.run(script, notice_seconds=0.3)
    assert "open" not in room.log
    assert {room.manifest(daemon, each).blocks for each in daemon._spool.recordings()} == {0}


def test_a_light_that_goes_dark_while_recording_shuts_the_tap_in_the_thread_that_sees_it(room: Room) -> None:
    """Promise 1: before the loop turns."""

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        daemon.hands().break_lamp(Flaw.OPEN)
        assert room.log[-1] == "shut"
        assert daemon._state is State.RECORDING, "the loop has not heard of it yet"
        yield from until(daemon, State.GRACE)
        assert daemon._tap is None
        assert daemon._custody.recording is not None, "what was recorded is kept"
        assert Fault.LIGHT in daemon._for_good

    room.run(script)


def test_a_light_that_goes_dark_without_an_edge_is_found_in_the_next_turn(room: Room) -> None:
    """Should the watching thread miss it."""

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        daemon._panel._sense.when_deactivated = None
        daemon.hands().break_lamp(Flaw.OPEN)
        assert room.log[-1] != "shut"
        yield from until(daemon, State.GRACE)
        assert room.log[-1] == "shut"

    room.run(script)


def test_a_light_whose_watch_is_deaf_keeps_the_tap_shut(room: Room) -> None:
    """The level alone proves the lamp, not the thread that must tell of its end."""

    def script(daemon: Daemon) -> Script:
        yield
        daemon._panel._sense.when_activated = None
        press(daemon._panel._start)
        yield from until(daemon, State.FAULT)
        assert "not watched" in daemon._fault

    room.run(script)
    assert "open" not in room.log


def test_the_status_tells_what_an_operator_needs(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no more of a meeting than before: what the card may hold is the same when a part of it is used."""
    monkeypatch.setattr(module, "SPOOL_STEP_BYTES", 65_536)
    told = []

    def script(daemon: Daemon) -> Script:
        yield
        told.append(daemon._status(online=True))
        daemon._spool.put_held("0" * 32, bytes(100_000))
        told.append(daemon._status(online=True))
        with monkeypatch.context() as patched:
            patched.setattr(os, "statvfs", broken)
            told.append(daemon._status(online=True))

    def broken(_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    room.values["spool"] |= {"bytes_max": 10 * 1_048_576 + 5}
    before = time.time_ns() // 1_000_000
    room.run(script)
    after = time.time_ns() // 1_000_000
    empty, used, failed = told
    assert (empty.spool_bytes, used.spool_bytes) == (0, 65_536)
    assert empty.spool_capacity_bytes == used.spool_capacity_bytes == 10 * 1_048_576
    assert failed.spool_capacity_bytes == 0
    assert empty.certificate_ends_ms == NoRoad.certificate_ends.timestamp() * 1_000
    assert before <= empty.started_ms == used.started_ms <= empty.said_ms <= after


def test_the_self_test_finds_a_broken_light_before_anybody_presses_start(room: Room) -> None:
    """At the start, on demand, and its result in the status."""

    def script(daemon: Daemon) -> Script:
        yield
        yield
        first = daemon._status(online=True)
        assert (first.selftest_ms > 0, first.selftest_found, first.faults) == (True, (), ())
        daemon.hands().break_lamp(Flaw.OPEN)
        yield from wait(0.1)
        assert daemon._state is State.IDLE
        daemon.ask_for_selftest()
        yield from until(daemon, State.FAULT)
        told = daemon._status(online=True)
        assert told.selftest_found == told.faults == ("light",)

    room.run(script)


def test_a_clock_that_was_set_once_counts_as_set(room: Room, monkeypatch: Any) -> None:
    """The kernel forgets it after hours without a network."""
    told: list[bool] = []
    glance = selftest.glance

    def noted(*arguments: Any, clock_set: bool) -> dict[Fault, str]:
        told.append(clock_set)
        return glance(*arguments, clock_set=clock_set)

    monkeypatch.setattr(selftest, "glance", noted)

    def script(daemon: Daemon) -> Script:
        for synced in (False, True, False):
            monkeypatch.setattr(clock, "synced", lambda synced=synced: synced)
            before = len(told)
            daemon._next_glance = 0.0
            while len(told) == before:
                yield

    monkeypatch.setattr(clock, "synced", lambda: False)
    room.run(script)
    assert told[-3:] == [False, True, True]


def test_a_card_that_takes_nothing_is_found_by_the_self_test(room: Room, monkeypatch: Any) -> None:
    def script(daemon: Daemon) -> Script:
        yield
        monkeypatch.setattr(selftest.durable, "write", raising(OSError(5, "Input/output error")))
        daemon.ask_for_selftest()
        yield from until(daemon, State.FAULT)
        assert "Input/output error" in daemon._fault
        monkeypatch.undo()

    room.run(script)


def test_a_room_without_its_guard_does_not_record(room: Room, monkeypatch: Any) -> None:
    """L2: a fault of the supervisor stops recording; when it is back, start lives."""

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        daemon._guard.answers = False
        yield from until(daemon, State.GRACE)
        assert "guard" in daemon._fault
        yield from until(daemon, State.FAULT)
        daemon._guard.answers = True
        yield from until(daemon, State.IDLE)

    room.run(script, grace_seconds=0.0)


def test_a_mark_is_a_mark_and_a_stop_a_stop_while_the_microphone_is_gone(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        daemon._take(Frame(Kind.STATE, b"gone"))
        press(daemon._panel._start)
        press(daemon._panel._start)
        yield from wait(2 * daemon._settings.panel.double_press_seconds)
        assert daemon._state is State.INTERRUPTED, "two presses do not end it"
        daemon._take(Frame(Kind.STATE, b"open"))
        press(daemon._panel._start)
        yield
        daemon._take(Frame(Kind.STATE, b"gone"))
        yield from until(daemon, State.IDLE)

    daemon = room.run(script, grace_seconds=0.0)
    assert events(room, daemon) == [
        "notice_given", "recording", "microphone_gone", "mark", "microphone_back", "microphone_gone", "stop", "grace_over"
    ]  # fmt: skip


@pytest.mark.parametrize("hangs", ["in the hold", "before everything"])
def test_a_no_counts_though_the_thread_that_watches_the_buttons_hangs(
    room: Room, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        daemon._panel._refuse.when_activated = daemon._refuse_now if hangs == "in the hold" else None
        down(daemon._panel._refuse)  # it never tells the loop
        up(daemon._panel._refuse) if hangs == "in the hold" else None
        yield from until(daemon, State.REFUSED)
        up(daemon._panel._refuse)
        assert daemon._standing

    daemon = room.run(script)
    assert room.log[-1] == "shut"
    assert not daemon._hold.take()


def test_after_a_no_nothing_says_that_what_there_was_is_kept(room: Room) -> None:
    def crash(daemon: Daemon) -> Script:
        yield from recording(daemon)
        daemon._stopping = True

    def refuse(daemon: Daemon) -> Script:
        yield from until(daemon, State.GRACE)
        assert Fault.CUT_OFF in daemon._present_faults()
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)
        yield
        assert daemon._guard.shows is DARK  # type: ignore[attr-defined]
        assert daemon._fault == ""

    room.run(crash)
    room.run(refuse)


def test_a_microphone_that_is_gone_is_waited_for_with_the_light_lit(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        limit = daemon._timers[Event.LIMIT_REACHED]
        daemon._take(Frame(Kind.STATE, b"gone"))
        assert daemon._state is State.INTERRUPTED and daemon._panel.lit
        yield
        yield
        assert daemon._guard.shows is BLINKS[Fault.MICROPHONE_GONE]  # type: ignore[attr-defined]
        away = daemon._settings.microphone.away_seconds
        assert away - 5 < daemon._seconds_left(time.monotonic()) <= away, "it ends then, and that is told"
        daemon._take(Frame(Kind.STATE, b"open"))
        assert daemon._state is State.RECORDING
        assert daemon._timers[Event.LIMIT_REACHED] == limit
        yield
        yield
        assert daemon._guard.shows is DARK  # type: ignore[attr-defined]
        yield from wait(daemon._settings.panel.double_press_seconds)
        press(daemon._panel._start)
        yield from until(daemon, State.IDLE)

    daemon = room.run(script, grace_seconds=0.0)
    assert events(room, daemon) == [
        "notice_given",
        "recording",
        "microphone_gone",
        "microphone_back",
        "stop",
        "grace_over",
    ]


def test_a_button_that_is_stuck_is_told_and_not_heard(room: Room, monkeypatch: Any) -> None:
    monkeypatch.setattr(presses, "STUCK_SECONDS", 0.3)

    def script(daemon: Daemon) -> Script:
        yield
        down(daemon._panel._start)
        yield from until(daemon, State.RECORDING)
        while Fault.BUTTON not in daemon._present_faults():
            yield
        assert daemon._state is State.RECORDING, "a meeting that runs goes on"
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)
        up(daemon._panel._start)
        while daemon._present_faults():
            yield

    room.run(script)


def test_a_refuse_button_that_is_down_at_the_start_is_a_no(room: Room, monkeypatch: Any) -> None:
    """A short circuit, or somebody who has been pressing since the power came back. Also of what was cut off."""
    room.run(recording)
    drive = config.load().panel.refuse_button
    factory = mock.factory

    def shorted(settings: config.Panel) -> Any:
        made = factory(settings)
        made.pin(drive).drive_low()
        made.pin(drive)._set_pull = lambda value: None
        return made

    monkeypatch.setattr(mock, "factory", shorted)

    def script(daemon: Daemon) -> Script:
        assert daemon._state is State.REFUSED
        yield

    daemon = room.run(script)
    (found,) = daemon._spool.recordings()
    assert room.manifest(daemon, found).ended == "refused"


def test_the_refuse_button_acts_in_the_thread_of_the_press_before_anything_is_queued(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        order: list[str] = []
        tell = daemon._panel._tell

        def told(pressed: Any, now: float) -> None:
            order.append(f"queued, key {'there' if daemon._hold.take() else 'gone'}, {room.log[-1]}")
            tell(pressed, now)

        daemon._panel._tell = told  # type: ignore[method-assign]
        press(daemon._panel._refuse)
        assert order[0] == "queued, key gone, shut"
        assert daemon._state is State.RECORDING, "the loop has not heard of it yet"
        yield from until(daemon, State.REFUSED)
        assert bool(daemon._standing)

    daemon = room.run(script)
    (found,) = daemon._spool.recordings()
    assert [name.type.name for name in daemon._spool.names(found)] == ["PREAMBLE", "MANIFEST", "RECEIPT"]
    assert room.manifest(daemon, found).ended == "refused"


def test_the_press_that_says_no_cannot_lift_it_and_another_can(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        refuse = daemon._panel._refuse
        down(refuse)
        yield from until(daemon, State.REFUSED)
        held(daemon)
        for _ in range(3):
            yield
        assert daemon._state is State.REFUSED
        up(refuse)
        yield from wait(2 * presses.SAME_NO_SECONDS)
        down(refuse)
        yield
        held(daemon)
        up(refuse)
        yield from until(daemon, State.IDLE)
        assert not daemon._standing

    room.run(script, lift_seconds=15.0)


def test_with_the_refuse_button_down_start_is_a_no(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield
        hear = daemon._panel._refuse.when_activated
        daemon._panel._refuse.when_activated = None  # a contact that bounces: its press is heard a little later
        down(daemon._panel._refuse)
        press(daemon._panel._start)
        yield from until(daemon, State.REFUSED)
        hear()
        yield
        held(daemon)
        yield from wait(0.1)
        assert daemon._state is State.REFUSED, "the press that says no has not lifted it"

    room.run(script)
    assert room.log == []


def test_a_no_that_was_cut_off_stands_after_a_restart(room: Room) -> None:
    def crash(daemon: Daemon) -> Script:
        yield from recording(daemon)
        daemon._refuse_now()
        raise KeyboardInterrupt  # the process ends between the press and the loop

    with pytest.raises(KeyboardInterrupt):
        room.run(crash)

    def script(daemon: Daemon) -> Script:
        assert daemon._state is State.REFUSED
        assert bool(daemon._standing)
        yield

    daemon = room.run(script)
    (found,) = daemon._spool.recordings()
    assert room.manifest(daemon, found).ended == "refused"


def test_switched_off_while_recording_it_asks_again_at_the_next_start(room: Room) -> None:
    room.run(recording)
    assert room.log[-1] == "shut"

    def script(daemon: Daemon) -> Script:
        assert daemon._state is State.GRACE
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)

    daemon = room.run(script)
    (found,) = daemon._spool.recordings()
    assert room.manifest(daemon, found).ended == "refused"


def test_a_key_erased_at_the_last_moment_of_grace_is_refused_not_released(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        release = daemon._custody.release

        def late(*args: Any) -> bool:
            press(daemon._panel._refuse)
            return release(*args)

        daemon._custody.release = late  # type: ignore[method-assign]
        press(daemon._panel._start)
        yield from until(daemon, State.REFUSED)

    daemon = room.run(script, grace_seconds=0.0)
    (found,) = daemon._spool.recordings()
    assert [name.type.name for name in daemon._spool.names(found)] == ["PREAMBLE", "MANIFEST", "RECEIPT"]


def test_a_no_between_preamble_and_keybox_leaves_a_receipt_of_its_own(room: Room, monkeypatch: Any) -> None:
    monkeypatch.setattr(FakeTap, "keybox", False)

    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        while daemon._preamble is None:
            yield
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)
        assert daemon._tap is None

    daemon = room.run(script)
    (found,) = daemon._spool.recordings()
    assert room.manifest(daemon, found).ended == "refused"
    assert daemon._hold.take() is None


def test_a_tap_that_talks_nonsense_ends_the_meeting_and_not_the_room(room: Room, monkeypatch: Any) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        daemon._tap.broken = CaptureError("nonsense")  # type: ignore[union-attr]
        daemon._tap._say()  # type: ignore[union-attr]
        yield from until(daemon, State.GRACE)
        assert daemon._fault == "nonsense"

    room.run(script)
    assert room.log[-1] == "shut"


def test_a_hold_that_does_not_take_a_key_means_that_nothing_is_recorded(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield

        def failing(recording: bytes, key: bytearray) -> None:
            raise HoldError("takes nothing")

        daemon._hold.put = failing  # type: ignore[method-assign]
        press(daemon._panel._start)
        yield from until(daemon, State.FAULT)
        assert daemon._fault == "takes nothing"
        for _ in range(3):
            yield
        assert daemon._state is State.FAULT, "start stays dead"

    daemon = room.run(script)
    assert "open" not in room.log
    (found,) = daemon._spool.recordings()
    assert room.manifest(daemon, found).blocks == 0


@pytest.mark.parametrize(
    ("event", "state"), [("notice_given", State.FAULT), ("recording", State.GRACE), ("mark", State.GRACE)]
)
def test_an_event_that_finds_the_card_full_ends_the_meeting_and_not_the_room(
    room: Room, monkeypatch: Any, event: str, state: State
) -> None:
    note = Spool.note

    def full(self: Spool, recording: str, line: bytes, *, ending: bool) -> None:
        if f'"{event}"'.encode() in line:
            if state is State.FAULT:  # or the next glance, in the same turn, sees that all is well
                monkeypatch.setattr(Spool, "room_bytes", lambda _: 0)
            raise SpoolFull("the card is full")
        note(self, recording, line, ending=ending)

    monkeypatch.setattr(Spool, "note", full)

    def script(daemon: Daemon) -> Script:
        if event == "mark":
            yield from recording(daemon)
            press(daemon._panel._start)
        else:
            yield
        press(daemon._panel._start)
        while not daemon._fault:
            yield
        assert daemon._state is state
        assert daemon._tap is None
        if state is State.GRACE:
            assert set(daemon._timers) == {Event.GRACE_OVER}
            yield from until(daemon, State.IDLE)

    daemon = room.run(script, grace_seconds=0.2)
    (found,) = daemon._spool.recordings()
    assert room.manifest(daemon, found).ended == "fault"


def test_a_hold_that_does_not_erase_stops_the_room(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        refuse = daemon._hold.refuse
        flaws = [HoldError("reads back otherwise"), HoldError("reads back otherwise")]

        def failing() -> bool:
            if flaws:
                raise flaws.pop()
            return refuse()

        daemon._hold.refuse = failing  # type: ignore[method-assign]
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)
        up(daemon._panel._refuse)
        yield from wait(2 * presses.SAME_NO_SECONDS)
        down(daemon._panel._refuse)
        yield
        held(daemon)
        up(daemon._panel._refuse)
        yield from until(daemon, State.FAULT)
        assert "reads back otherwise" in daemon._fault

    room.run(script, lift_seconds=15.0)


def raising(error: Exception) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        raise error

    return call


def test_a_slow_card_is_not_taken_for_a_silent_microphone(room: Room, monkeypatch: Any) -> None:
    """While the loop waits for the card, the capture process goes on speaking into the pipe."""
    monkeypatch.setattr(module, "HANG_SECONDS", 0.0)
    room.values["microphone"]["deadline_seconds"] = 1.0
    forgetting_seconds = 1.3

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        daemon._tap._say()  # type: ignore[union-attr]
        time.sleep(forgetting_seconds)
        yield
        yield
        assert daemon._state is State.RECORDING and not daemon._fault
        time.sleep(forgetting_seconds)  # and now it is silent
        yield
        yield
        assert daemon._state is State.GRACE and "has said nothing for" in daemon._fault

    room.run(script)


def test_a_card_that_fails_ends_the_meeting_and_leaves_the_refuse_button_alive(room: Room, monkeypatch: Any) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        for name in ("put", "note"):
            monkeypatch.setattr(Spool, name, raising(SpoolError("the card fails")))
        daemon._tap.open()  # type: ignore[union-attr] # another block comes
        yield from until(daemon, State.GRACE)
        assert (daemon._fault, daemon._tap) == ("the card fails", None)
        assert set(daemon._timers) == {Event.GRACE_OVER}
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)
        assert daemon._hold.take() is None
        monkeypatch.undo()

    daemon = room.run(script)

    def again(daemon: Daemon) -> Script:
        assert daemon._state is State.REFUSED, "what the card did not take then is completed now"
        yield

    monkeypatch.setattr(module, "Tap", FakeTap)
    monkeypatch.setattr(module, "Uplink", NoRoad)
    daemon = room.run(again)
    (found,) = daemon._spool.recordings()
    assert room.manifest(daemon, found).ended == "refused"


def test_a_release_that_the_card_does_not_take_is_completed_at_the_next_start(room: Room, monkeypatch: Any) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        press(daemon._panel._start)
        yield from until(daemon, State.GRACE)
        with monkeypatch.context() as failing:
            failing.setattr(Spool, "put", raising(SpoolError("the card fails")))
            yield from until(daemon, State.FAULT)
        assert daemon._fault == "the card fails"
        press(daemon._panel._start)
        for _ in range(3):
            yield
        assert daemon._state is State.FAULT, "start is dead"

    room.run(script, grace_seconds=0.1)

    def again(daemon: Daemon) -> Script:
        yield

    daemon = room.run(again)
    (found,) = daemon._spool.recordings()
    assert Name(found, RecordType.KEYBOX, 0) in daemon._spool.names(found)
    assert room.manifest(daemon, found).ended == "stop"


def test_a_file_that_cannot_be_forgotten_ends_the_meeting_in_order(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        daemon._custody.forget = raising(SpoolError("the card fails"))  # type: ignore[method-assign]
        daemon._do_on_road([Done("00" * 16)], time.monotonic())
        yield from until(daemon, State.GRACE)
        assert (daemon._fault, daemon._tap) == ("the card fails", None)

    room.run(script)


def test_whatever_ends_the_room_the_microphone_is_shut_before_the_light_is_dark(room: Room, monkeypatch: Any) -> None:
    log_light(room, monkeypatch)

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        raise ZeroDivisionError("a defect of ours")

    with pytest.raises(ZeroDivisionError):
        room.run(script)
    assert "shut" in room.log and "dark" not in room.log[room.log.index("open") : room.log.index("shut")]
    assert room.log[-1] == "dark"


def test_a_room_that_fails_says_no_end_to_its_guard(room: Room, monkeypatch: Any, capfd: Any) -> None:
    """The real one: it must alarm, and not darken its light as if somebody had switched the room off."""
    room.make_guard = Guard
    left: list[Guard] = []

    def script(daemon: Daemon) -> Script:
        yield
        assert daemon._guard.answers
        left.append(daemon._guard)
        raise ZeroDivisionError("a defect of ours")

    with pytest.raises(ZeroDivisionError):
        room.run(script)
    (guard,) = left
    process = guard._process
    assert process is not None and process.stdin is not None and process.stdout is not None
    process.stdin.close()  # as the end of this process would
    assert process.wait(SCRIPT_SECONDS_MAX) == 0
    process.stdout.close()
    assert "has ended without a word" in capfd.readouterr().err


def test_the_light_tells_of_a_no_before_a_long_purge_begins(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        purge, show = daemon._spool.purge, daemon._panel.show
        shown: list[State] = []

        def logged(**lights: bool) -> None:
            shown.append(daemon._state)
            show(**lights)

        def looking(recording: str) -> None:
            assert shown[-1:] == [State.REFUSED]
            assert not daemon._panel.lit, "steadily lit, for as long as a purge takes"
            purge(recording)
            room.log.append("purged")

        daemon._panel.show = logged  # type: ignore[method-assign, assignment]
        daemon._spool.purge = looking  # type: ignore[method-assign]
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)

    room.run(script)
    assert "purged" in room.log


def test_a_driver_that_hangs_stops_neither_the_refusal_nor_the_room(room: Room, monkeypatch: Any) -> None:
    monkeypatch.setattr(FakeTap, "ends", False)

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)
        assert "driver hangs" in daemon._fault and Fault.RECORDER in daemon._for_good

    daemon = room.run(script)
    (found,) = daemon._spool.recordings()
    assert room.manifest(daemon, found).ended == "refused"


def test_a_no_on_a_full_spool_has_its_receipt(room: Room) -> None:
    room.values["spool"]["bytes_max"] = 1_048_576

    def script(daemon: Daemon) -> Script:
        daemon._spool.size_bytes += 1_048_576  # of recordings that wait for the archive
        yield from until(daemon, State.FAULT)
        assert daemon._fault.startswith("the card is full; ")
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)

    daemon = room.run(script)
    (found,) = daemon._spool.recordings()
    assert room.manifest(daemon, found).ended == "refused"


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ({}, {"silent_seconds": 10.0}, "muted"),
        ({"clipped": 3}, {"clipped": 9}, "Too loud"),
        ({"clipped": 9}, {"clipped": 9}, ""),
        ({}, {"flaws": ("muted",)}, "muted"),
        ({}, {"flaws": ("faint",)}, "muted"),
        ({}, {"flaws": ("overdriven",)}, "Too loud"),
        ({}, {"flaws": ("dead-channel",)}, "A part of the microphone"),
        ({"flaws": ("muted",)}, {}, ""),
    ],
)
def test_what_is_wrong_with_the_sound_is_said(room: Room, first: Any, second: Any, says: str) -> None:
    measured = Telemetry(960, -20.0, -3.0, clipped=0, silent_seconds=0.0, overflows=0)

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        for changes in (first, second):
            daemon._take(Frame(Kind.TELEMETRY, msgspec.json.encode(msgspec.structs.replace(measured, **changes))))
        alarm = daemon._report(time.monotonic()).alarm
        assert says in alarm and bool(says) == bool(alarm)

    room.run(script)


def test_a_fault_while_recording_is_heard_and_once(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A muted microphone is known before the room says that it records, and it does not say so as if all were well."""
    muted = Telemetry(960, -120.0, -120.0, clipped=0, silent_seconds=1.0, overflows=0, flaws=(pipe.Flaw.MUTED,))
    opening = FakeTap.open

    def open_muted(tap: Any) -> None:
        opening(tap)
        tap._frames = [Frame(Kind.TELEMETRY, msgspec.json.encode(muted)), *tap._frames]

    monkeypatch.setattr(FakeTap, "open", open_muted)
    played: list[str] = []

    def script(daemon: Daemon) -> Script:
        monkeypatch.setattr(daemon._speaker, "play", lambda tone, **_: played.append(tone.name))
        yield from recording(daemon)
        assert played[-1] == "trouble"
        heard = len(played)
        sound = msgspec.structs.replace(muted, flaws=(), silent_seconds=0.0)
        for telemetry in (sound, muted, sound, muted):
            daemon._take(Frame(Kind.TELEMETRY, msgspec.json.encode(telemetry)))
            yield
            yield
        assert len(played) == heard

    room.run(script)


def test_why_no_recording_began_can_be_read_until_the_next_start(room: Room, monkeypatch: Any) -> None:
    monkeypatch.setattr(FakeTap, "broken", CaptureError("nonsense"))

    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        while not daemon._fault:
            yield
        yield from until(daemon, State.IDLE)
        for _ in range(3):
            yield
        assert daemon._fault == "nonsense"
        monkeypatch.setattr(FakeTap, "broken", None)
        time.sleep(daemon._settings.panel.double_press_seconds)
        yield from recording(daemon)
        assert daemon._fault == ""

    room.run(script)


def test_the_road_is_not_told_how_much_there_is_of_a_meeting_that_runs(room: Room, monkeypatch: Any) -> None:
    """Promise 2: its client may say no, and then nobody shall know how long it was: the status is kept by the broker."""
    known: list[Report] = []
    told: list[Status] = []

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        daemon._spool.put_held("0" * 32, bytes(1_000))
        known.append(daemon._report(time.monotonic()))
        assert daemon._spool.size_bytes > 1_000
        monkeypatch.setattr(NoRoad, "connected", True)
        monkeypatch.setattr(NoRoad, "say", lambda _, status: told.append(status))
        while not told:
            yield
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)

    monkeypatch.setattr(NoRoad, "close", lambda _, status: told.append(status))
    room.run(script)
    assert known[0].waiting > 0, "which the panel beside the room tells"
    first, *_, last = told
    assert (first.state, first.online, last.state, last.online) == ("recording", True, "refused", False)
    assert {(each.backlog, each.caught_up) for each in told if each.state == "recording"} == {(0, 0)}
    assert {each.spool_bytes for each in told} == {0}


@pytest.mark.parametrize("kept", [False, True])
def test_a_meeting_that_was_refused_waits_like_a_short_one_that_was_kept(room: Room, kept: bool) -> None:
    """Promise 2: the status is kept by the broker, and a no is nobody's business there."""

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        if kept:
            press(daemon._panel._start)
            yield from until(daemon, State.IDLE)
        else:
            press(daemon._panel._refuse)
            yield from until(daemon, State.REFUSED)
        exact = daemon._report(time.monotonic())
        assert (exact.backlog, exact.caught_up) == (6 if kept else 3, 0)
        assert (exact.status.backlog, exact.status.caught_up) == (BACKLOG_STEP_ITEMS, 0)
        daemon._sender.backlog, daemon._sender.caught_up = 1, exact.backlog - 1  # the archive signs for all but one
        told = daemon._status(online=True)
        assert (told.backlog, told.caught_up) == (BACKLOG_STEP_ITEMS, 0)
        daemon._sender.backlog, daemon._sender.caught_up = 0, exact.backlog
        yield
        told = daemon._status(online=True)
        assert (told.backlog, told.caught_up) == (0, 0)

    room.run(script, grace_seconds=0.0)


def test_a_backlog_that_goes_is_told_in_steps_of_one_sum(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield
        for left, said in ((150, (192, 0)), (129, (192, 0)), (128, (128, 64)), (65, (128, 64)), (1, (64, 128))):
            daemon._sender.backlog, daemon._sender.caught_up = left, 150 - left
            told = daemon._status(online=True)
            assert (told.backlog, told.caught_up) == said

    room.run(script)


def test_a_backlog_is_read_as_the_archive_takes_it(room: Room, monkeypatch: Any) -> None:
    """Promise 4: days without an archive neither keep a room dark at its start nor fill its memory."""
    signed: list[str] = []

    def meetings(daemon: Daemon) -> Script:
        for _ in range(3):
            yield from recording(daemon)
            press(daemon._panel._start)
            yield from until(daemon, State.IDLE)

    room.run(meetings, grace_seconds=0.0)
    monkeypatch.setattr(module, "BACKLOG_RECORDS_TURN", 1)
    monkeypatch.setattr(module, "BACKLOG_ITEMS", 1)

    def restarted(daemon: Daemon) -> Script:
        everything = daemon._report(time.monotonic()).backlog
        assert everything == sum(len(daemon._spool.names(each)) for each in daemon._spool.recordings())
        while daemon._sender.waiting == 0:
            yield
        for _ in range(20):
            yield
        assert len(daemon._preamble_hashes) == 1, "the archive takes nothing, so no more is read"
        told = daemon._report(time.monotonic())
        assert (told.waiting, told.backlog, told.caught_up) == (everything, everything, 0)
        while daemon._preamble_hashes:
            (waiting,) = daemon._preamble_hashes
            signed.append(waiting)
            daemon._sender._forget(waiting)
            daemon._do_on_road([Done(waiting)], time.monotonic())
            while daemon._custody.unread and not daemon._preamble_hashes:
                yield
            yield

    daemon = room.run(restarted)
    assert len(signed) == 3 and daemon._spool.recordings() == []


def events(room: Room, daemon: Daemon) -> list[str]:
    """The names in the manifest of the one recording that there is."""
    (found,) = daemon._spool.recordings()
    return [event.name for event in room.manifest(daemon, found).events]


def test_everyone_present_is_asked_and_each_yes_is_on_record(room: Room) -> None:
    """R3: they are told first, then asked; each who agrees presses, and recording begins when nobody has for a while."""
    room.values["meeting"] |= {"ask_everyone": True, "answer_seconds": 1.0}

    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        yield from until(daemon, State.NOTICE)
        yield from until(daemon, State.ASKING)
        for _ in range(3):
            yield from wait(0.15)  # the box goes from hand to hand
            press(daemon._panel._start)
        yield from until(daemon, State.AGREED)
        assert "open" not in room.log
        yield from until(daemon, State.RECORDING)
        yield from wait(0.15)
        press(daemon._panel._start)
        yield from until(daemon, State.IDLE)

    daemon = room.run(script, grace_seconds=0.0)
    assert events(room, daemon) == ["notice_given", "yes", "yes", "yes", "recording", "stop", "grace_over"]
    receipt = room.receipt(daemon, *daemon._spool.recordings())
    assert (receipt.outcome, receipt.state, receipt.present) == ("kept", "given", 3)
    assert receipt.pii_processing.privacy_notice is None, "this room has no speaker"


def test_a_notice_that_was_not_heard_to_its_end_is_not_noted(room: Room) -> None:
    """It is given when it is over: a no in the midst of it came before anything was said."""

    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        yield from until(daemon, State.NOTICE)
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)

    daemon = room.run(script, notice_seconds=5.0)
    assert events(room, daemon) == ["refused"]


def test_a_light_that_breaks_as_the_notice_ends_takes_nothing_from_what_was_said(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        yield from until(daemon, State.NOTICE)
        daemon.hands().break_lamp(Flaw.SHORTED)
        yield from until(daemon, State.FAULT)

    daemon = room.run(script, notice_seconds=0.3)
    assert events(room, daemon) == ["notice_given", "fault"]


def announcing(room: Room, monkeypatch: Any, does: str) -> str:
    """Give the room an announcement and a player that does this; the announcement's SHA-256."""
    said, player = room.folder / "said.wav", room.folder / "player"
    with wave.open(str(said), "wb") as out:
        out.setparams((1, 2, 8_000, 0, "NONE", ""))
        out.writeframes(bytes(1_600))
    player.write_text(f"#!/bin/sh\n{does}\n")
    player.chmod(0o700)
    monkeypatch.setattr(speaker, "PLAYER", str(player))
    room.values["speaker"] |= {"identity": "pcm:any", "announcement": str(said)}
    return hashlib.sha256(said.read_bytes()).hexdigest()


def test_an_announcement_that_was_played_to_its_end_is_signed_by_its_hash(room: Room, monkeypatch: Any) -> None:
    """The notice waits for the player, which takes a moment longer than the sound lasts."""
    heard = announcing(room, monkeypatch, 'test "$#" -lt 5 || sleep 1.2')

    def script(daemon: Daemon) -> Script:
        assert daemon._speaker.announcement_seconds == 0.1
        yield from recording(daemon)
        assert daemon._status(online=True).faults == ()
        press(daemon._panel._start)
        yield from until(daemon, State.GRACE)
        yield from until(daemon, State.IDLE)

    daemon = room.run(script, grace_seconds=0.0)
    assert events(room, daemon) == ["notice_given", "notice_spoken", "recording", "stop", "grace_over"]
    assert room.receipt(daemon, *daemon._spool.recordings()).pii_processing.privacy_notice == heard


def test_an_announcement_that_nobody_heard_is_not_signed_and_is_told(room: Room, monkeypatch: Any) -> None:
    """The caseworker must say it herself; the room records all the same, and tells it no more once it is heard again."""
    announcing(room, monkeypatch, f"test ! -e {room.folder}/broken")
    (room.folder / "broken").touch()

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        yield
        assert daemon._status(online=True).faults == ("speaker",)
        assert daemon._guard.shows is BLINKS[Fault.SPEAKER]  # type: ignore[attr-defined]
        assert "speaker" in daemon._report(time.monotonic()).alarm
        (room.folder / "broken").unlink()
        press(daemon._panel._start)
        yield from until(daemon, State.GRACE)
        while daemon._status(online=True).faults:
            yield
        yield from until(daemon, State.IDLE)

    daemon = room.run(script, grace_seconds=1.0)
    assert events(room, daemon) == ["notice_given", "recording", "stop", "grace_over"]
    assert room.receipt(daemon, *daemon._spool.recordings()).pii_processing.privacy_notice is None


def test_an_announcement_that_was_cut_short_is_not_signed(room: Room, monkeypatch: Any) -> None:
    announcing(room, monkeypatch, "exec sleep 30")

    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        yield from until(daemon, State.NOTICE)
        yield from wait(0.6)
        assert daemon._state is State.NOTICE, "the notice waits for the announcement"
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)

    daemon = room.run(script)
    assert events(room, daemon) == ["refused"]
    assert room.receipt(daemon, *daemon._spool.recordings()).pii_processing.privacy_notice is None


def test_a_room_with_real_pins_does_not_start_before_somebody_answers_for_it(room: Room, monkeypatch: Any) -> None:
    settings = msgspec.convert(room.values, config.Config)
    monkeypatch.setattr(panel, "header_pins", lambda: (mock.factory(settings.panel), ""))
    assert terms(settings).controller == "not named", "a room without hardware is for trying"
    real = msgspec.structs.replace(settings, panel=msgspec.structs.replace(settings.panel, pins="lgpio"))
    with pytest.raises(ConfigError, match="nobody can say no in that time; give at least 3"):
        Daemon(real, None, CalmGuard(real.panel))  # type: ignore[arg-type]
    real = msgspec.structs.replace(real, meeting=msgspec.structs.replace(real.meeting, notice_seconds=3.0))
    with pytest.raises(ConfigError, match="name the municipality"):
        Daemon(real, None, CalmGuard(real.panel))  # type: ignore[arg-type]
    named = msgspec.structs.replace(settings.consent, controller="Gemeente Voorbeeld")
    assert terms(msgspec.structs.replace(real, consent=named)).controller == "Gemeente Voorbeeld"


def test_where_nobody_agrees_nothing_is_recorded(room: Room) -> None:
    """R1: silence is no consent."""
    room.values["meeting"] |= {"ask_everyone": True, "answer_seconds": 1.0}

    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        yield from until(daemon, State.ASKING)
        yield from until(daemon, State.IDLE)

    daemon = room.run(script)
    assert "open" not in room.log and events(room, daemon) == ["notice_given", "no_answer"]
    (found,) = daemon._spool.recordings()
    assert (room.manifest(daemon, found).ended, room.manifest(daemon, found).keybox) == ("limit", None)
    receipt = room.receipt(daemon, found)
    assert (receipt.outcome, receipt.state, receipt.present) == ("lost", "expired", 0)


def test_one_no_is_a_no_whoever_agreed_before(room: Room) -> None:
    """R3."""
    room.values["meeting"] |= {"ask_everyone": True, "answer_seconds": 5.0}

    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        yield from until(daemon, State.ASKING)
        yield from wait(0.15)
        press(daemon._panel._start)
        yield from until(daemon, State.AGREED)
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)

    daemon = room.run(script)
    assert "open" not in room.log and events(room, daemon) == ["notice_given", "yes", "refused"]
    receipt = room.receipt(daemon, *daemon._spool.recordings())
    assert (receipt.outcome, receipt.state, receipt.present) == ("refused", "refused", None)


@pytest.mark.parametrize("silent", [False, True])
def test_a_room_asks_whether_anybody_is_there_and_ends_if_nobody_is(room: Room, silent: bool) -> None:
    """M2: after so much time, or so much silence; a press of start answers, once."""

    def due(daemon: Daemon) -> None:
        if silent:
            daemon._telemetry = Telemetry(0, -90.0, -80.0, 0, 9_999.0, 0)
            daemon._since -= daemon._settings.meeting.prompt_silence_seconds
        else:
            daemon._timers[Event.PROMPT_DUE] = 0.0

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        limit = daemon._timers[Event.LIMIT_REACHED]
        due(daemon)
        yield from until(daemon, State.PROMPT)
        assert daemon._panel.lit, "it records, and says so"
        press(daemon._panel._start)
        yield from until(daemon, State.RECORDING)
        yield from wait(0.3)
        assert daemon._state is State.RECORDING, "the answer was taken for a stop, or the room asks again at once"
        assert daemon._timers[Event.LIMIT_REACHED] == limit, "an answer does not put the limit off"
        due(daemon)
        yield from until(daemon, State.IDLE)

    daemon = room.run(script, grace_seconds=0.0, prompt_seconds=1.0)
    assert events(room, daemon) == [
        "notice_given",
        "recording",
        "prompt",
        "answer",
        "prompt",
        "no_answer",
        "grace_over",
    ]
    (found,) = daemon._spool.recordings()
    manifest = room.manifest(daemon, found)
    assert (manifest.ended, manifest.keybox is None) == ("limit", False), "what was said is kept"


def test_a_press_of_stop_is_not_taken_for_the_answer_to_a_question_that_comes_at_that_moment(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        press(daemon._panel._start)
        daemon._timers[Event.PROMPT_DUE] = 0.0  # while it is not known yet whether that is a mark
        yield from until(daemon, State.IDLE)

    daemon = room.run(script, grace_seconds=0.0)
    assert events(room, daemon) == ["notice_given", "recording", "stop", "grace_over"]


def test_the_clients_other_button_ends_and_keeps(room: Room) -> None:
    """R5: ending keeps, and the manifest says who ended it."""
    room.values["panel"] |= {"end_button": 23}

    def script(daemon: Daemon) -> Script:
        press(daemon._panel._end)  # nothing to end: nothing happens
        yield from recording(daemon)
        press(daemon._panel._end)
        yield from until(daemon, State.IDLE)

    daemon = room.run(script, grace_seconds=0.0)
    assert events(room, daemon) == ["notice_given", "recording", "client_stop", "grace_over"]
    (found,) = daemon._spool.recordings()
    assert room.manifest(daemon, found).keybox is not None


@pytest.mark.parametrize("how", ["lifted", "lapsed"])
def test_how_a_no_ended_is_told_by_the_recording_that_follows_and_by_that_alone(room: Room, how: str) -> None:
    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)
        if how == "lifted":
            yield from wait(2 * presses.SAME_NO_SECONDS)
            down(daemon._panel._refuse)
            yield
            held(daemon)
            up(daemon._panel._refuse)
        else:
            daemon._timers[Event.REFUSAL_OVER] = time.monotonic()
        yield from until(daemon, State.IDLE)
        for expected in ([how], []):
            yield from recording(daemon)
            found = daemon._custody.recording
            assert [event.name for event in found.events[:-2]] == expected
            assert all(event.wall_ms <= found.events[-1].wall_ms for event in found.events)
            press(daemon._panel._start)
            yield from until(daemon, State.IDLE)

    room.run(script, grace_seconds=0.0)


def test_the_no_of_the_next_client_has_a_receipt_of_its_own(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield
        for waited in (0.0, 1.0, presses.ANOTHER_NO_SECONDS + 1):
            daemon._since -= waited
            daemon._refuse_presses._down_at -= waited
            press(daemon._panel._refuse)
            yield from until(daemon, State.REFUSED)
            yield

    daemon = room.run(script)
    receipts = [room.receipt(daemon, each) for each in daemon._spool.recordings()]
    assert sorted((each.sequence, each.outcome) for each in receipts) == [(1, "refused"), (2, "refused")]


def test_a_no_that_nobody_lifted_stands_until_its_meeting_must_be_over(room: Room) -> None:
    """Promise 2: start is dead for so long, from the last time that no was said; a restart begins it anew."""

    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)
        first = daemon._timers[Event.REFUSAL_OVER]
        assert first > time.monotonic() + 3_500
        yield from wait(0.05)
        press(daemon._panel._refuse)
        while daemon._timers[Event.REFUSAL_OVER] == first:
            yield

    assert room.run(script)._standing

    def later(daemon: Daemon) -> Script:
        yield
        assert daemon._state is State.REFUSED and daemon._timers[Event.REFUSAL_OVER] > time.monotonic() + 3_500
        daemon._timers[Event.REFUSAL_OVER] = 0.0
        yield from until(daemon, State.IDLE)

    assert not room.run(later)._standing


def test_a_meeting_that_could_not_be_recorded_is_reported(room: Room) -> None:
    """Signed and numbered like any other: "the recorder was broken" can be checked."""

    def script(daemon: Daemon) -> Script:
        yield
        daemon._distrust(Fault.LIGHT, "the light is broken")
        yield from until(daemon, State.FAULT)
        press(daemon._panel._start)
        while not daemon._spool.recordings():
            yield
        assert daemon._state is State.FAULT

    daemon = room.run(script)
    (found,) = daemon._spool.recordings()
    assert events(room, daemon) == ["missed"]
    assert (room.manifest(daemon, found).ended, room.manifest(daemon, found).blocks) == ("fault", 0)
    assert room.log == [], "no tap was made"


def test_a_missed_meeting_that_is_half_written_is_completed_before_another_begins(room: Room, monkeypatch: Any) -> None:
    """It has a number, and so may nothing else: the card is found full between its preamble and its manifest."""
    put = Spool.put

    def full(self: Spool, name: Name, record: bytes, *, ending: bool = False) -> None:
        if name.type is layout.RecordType.MANIFEST:
            raise SpoolFull("the card is full")
        put(self, name, record, ending=True)

    def script(daemon: Daemon) -> Script:
        yield
        with monkeypatch.context() as patch:
            patch.setattr(Spool, "room_bytes", lambda _: 0)
            patch.setattr(Spool, "put", full)
            yield from until(daemon, State.FAULT)
            press(daemon._panel._start)
            while not daemon._spool.recordings():
                yield
        daemon._next_glance = 0.0  # which sees that the card has room again
        for _ in range(3):
            yield
        assert daemon._state is State.FAULT

    before = room.run(script)
    (found,) = before._spool.recordings()

    def later(daemon: Daemon) -> Script:
        yield from recording(daemon)
        press(daemon._panel._start)
        yield from until(daemon, State.IDLE)

    after = room.run(later, grace_seconds=0.1)
    assert room.manifest(after, found).blocks == 0
    assert len(after._spool.recordings()) == 2 and after._chain.sequence == before._chain.sequence + 2


def test_a_tap_is_not_opened_when_a_no_was_just_said(room: Room) -> None:
    """Promise 2: a no in the very turn in which start is heard may find no tap to shut; the loop hears of it next."""

    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        yield from until(daemon, State.NOTICE)
        daemon._no_unheard = True
        yield from until(daemon, State.OPENING)
        for _ in range(3):
            yield
        assert "open" not in room.log
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)
        yield
        assert not daemon._no_unheard
        daemon._happen(Event.REFUSE_HELD)
        yield from recording(daemon)

    room.run(script, notice_seconds=0.2)
    assert "open" in room.log


@pytest.mark.parametrize(
    "frame",
    [
        Frame(Kind.TELEMETRY, b"{}"),
        Frame(Kind.TELEMETRY, b"\xff"),
        Frame(Kind.STATE, b"asleep"),
        Frame(Kind.STATE, b"\xff"),
        Frame(Kind.RECORD, b"short"),
    ],
)
def test_whatever_the_capture_process_says_the_room_outlives_it(room: Room, frame: Frame) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        daemon._tap._frames = [frame]  # type: ignore[union-attr]
        daemon._tap._say()  # type: ignore[union-attr]
        yield from until(daemon, State.GRACE)
        assert daemon._fault
        yield from until(daemon, State.IDLE)

    daemon = room.run(script, grace_seconds=0.2)
    (found,) = daemon._spool.recordings()
    assert room.manifest(daemon, found).ended == "fault"


@pytest.mark.parametrize("frame", [Frame(Kind.KEYBOX, b"first"), Frame(Kind.RECORD, b"nonsense")])
def test_a_capture_process_that_begins_with_nonsense_leaves_a_missed_meeting(
    room: Room, monkeypatch: Any, frame: Frame
) -> None:
    """What could not be recorded is on record, signed and numbered."""
    monkeypatch.setattr(FakeTap, "keybox", False)
    held = Frame(Kind.KEYBOX, b"held")

    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        yield
        yield
        daemon._preamble = None
        daemon._tap._frames = [frame] if frame.kind is Kind.KEYBOX else [frame, held]  # type: ignore[union-attr]
        daemon._tap._say()  # type: ignore[union-attr]
        while not daemon._fault:
            yield
        yield from until(daemon, State.IDLE)

    daemon = room.run(script)
    (found,) = daemon._spool.recordings()
    assert events(room, daemon) == ["missed"]
    assert room.manifest(daemon, found).ended == "fault"


def test_a_no_says_that_it_erased_something_only_if_it_did(room: Room) -> None:
    """One to an idle room erases nothing, nor one after the grace period: the recording of a minute ago is kept."""

    def says_no(daemon: Daemon) -> Script:
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)

    def script(daemon: Daemon) -> Script:
        yield
        yield from says_no(daemon)
        assert not daemon._report(time.monotonic()).erased
        daemon._happen(Event.REFUSE_HELD)
        yield from recording(daemon)
        yield from says_no(daemon)
        assert daemon._report(time.monotonic()).erased
        press(daemon._panel._refuse)
        yield from wait(0.1)
        assert daemon._report(time.monotonic()).erased, "said again it is the same no"
        daemon._happen(Event.REFUSE_HELD)
        assert not daemon._report(time.monotonic()).erased
        yield from recording(daemon)
        press(daemon._panel._start)
        yield from until(daemon, State.GRACE)
        yield from until(daemon, State.IDLE)
        yield from says_no(daemon)
        assert not daemon._report(time.monotonic()).erased

    daemon = room.run(script, grace_seconds=0.2)
    kept = [room.manifest(daemon, each) for each in daemon._spool.recordings()]
    assert sorted(each.ended for each in kept) == ["refused", "refused", "refused", "stop"]


def test_a_no_after_a_release_that_the_card_did_not_take_is_one_to_the_next_meeting(
    room: Room, monkeypatch: Any
) -> None:
    """The grace period ended without a no; what was decided then is completed, whoever says no later."""

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        press(daemon._panel._start)
        yield from until(daemon, State.GRACE)
        with monkeypatch.context() as failing:
            failing.setattr(Spool, "put", raising(SpoolError("the card fails")))
            yield from until(daemon, State.FAULT)
            press(daemon._panel._refuse)
            yield from until(daemon, State.REFUSED)
        assert daemon._hold.committed() and daemon._hold.take() is not None
        assert bool(daemon._standing)

    room.run(script, grace_seconds=0.1)

    def again(daemon: Daemon) -> Script:
        assert daemon._state is State.REFUSED, "the no stands"
        yield

    daemon = room.run(again)
    (found,) = daemon._spool.recordings()
    assert Name(found, RecordType.KEYBOX, 0) in daemon._spool.names(found)
    assert room.manifest(daemon, found).ended == "stop"


def test_a_no_in_the_last_turn_is_heard(room: Room) -> None:
    """The room is being switched off, and the client says no."""

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        show = daemon._show

        def last() -> None:
            show()
            press(daemon._panel._refuse)
            daemon.stop()

        daemon._show = last  # type: ignore[method-assign]
        yield

    daemon = room.run(script)
    (found,) = daemon._spool.recordings()
    assert room.manifest(daemon, found).ended == "refused" and bool(daemon._standing)


class Road:
    """What the daemon reads for the road from a card that gives no block back, turn by turn, and what it sends."""

    def __init__(self, daemon: Daemon, monkeypatch: pytest.MonkeyPatch, sound: frozenset[str] = frozenset()) -> None:
        """Of the recordings in `sound` the card gives everything."""
        self.read: list[Name] = []
        self.sent: list[bytes] = []
        self._daemon = daemon
        give = daemon._spool.read

        def read(name: Name) -> bytes:
            self.read.append(name)
            if name.type is RecordType.BLOCK and name.recording not in sound:
                raise SpoolDamage("input/output error")
            return give(name)

        monkeypatch.setattr(daemon._spool, "read", read)
        monkeypatch.setattr(NoRoad, "publish", lambda _, recording, payload: self.sent.append(payload), raising=False)

    def add_backlog(self, blocks: int) -> list[Name]:
        """The archive has its preamble only: a meeting that is over, on the card since long ago."""
        names = [Name("0" * 32, RecordType.BLOCK, index) for index in range(blocks)]
        for name in (Name("0" * 32, RecordType.PREAMBLE, 0), *names):
            self._daemon._on_added(Added(name, bytes(32), 0), bytes(32))
        return names

    def begin(self) -> None:
        """A connection stands, and the archive has each preamble, so that the blocks follow."""
        now, known = time.monotonic(), self._daemon._sender._recordings
        self._daemon._sender.step(Connected(), now)
        preambles = {each.preamble: each.items[each.preamble] for each in known.values()}
        receipt = Receipt(1, "archive", "room-1", 0, fold(preambles), (), ())
        self._daemon._do_on_road(self._daemon._sender.step(Received(receipt), now), now)


def test_a_block_that_the_card_does_not_give_back_ends_no_meeting_and_stops_no_other(
    room: Room, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        name = next(each for each in daemon._preamble_hashes)
        Road(daemon, monkeypatch).begin()
        yield
        yield
        assert daemon._state is State.RECORDING
        assert Fault.DAMAGE in daemon._faults and not daemon._for_good
        assert "input/output error" not in str(daemon._status(online=True)), "which may name a block, and so its number"
        assert f"damaged on the card: BLOCK 0 of {name}: input/output error" in caplog.messages

    room.run(script)


@pytest.mark.parametrize("items_turn", [3, 1_000])
def test_of_what_the_card_does_not_give_back_one_turn_reads_a_little(
    room: Room, monkeypatch: Any, items_turn: int
) -> None:
    """However long it takes for each, the loop turns: no more than the window, and no more than a named number."""
    monkeypatch.setattr(module, "SEND_ITEMS_TURN", items_turn)
    turns: list[int] = []

    def script(daemon: Daemon) -> Script:
        yield
        road = Road(daemon, monkeypatch)
        blocks = road.add_backlog(100)
        road.begin()
        while sum(turns) < len(blocks):
            turns.append(len(road.read) - sum(turns))
            assert daemon._sleep_seconds() == 0.0 or len(road.read) == len(blocks), "the rest waits for no timer"
            yield
        assert max(turns) == min(items_turn, WINDOW_FIRST)
        assert road.read == blocks, "each once, in the order of the file"

    room.run(script)


def test_a_meeting_that_runs_goes_out_while_a_backlog_is_not_given_back(room: Room, monkeypatch: Any) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        (running,) = daemon._preamble_hashes
        road = Road(daemon, monkeypatch, frozenset({running}))
        blocks = road.add_backlog(100)
        road.begin()
        yield
        assert len(road.sent) == 1
        tap = daemon._tap
        assert isinstance(tap, FakeTap)
        tap._frames = [tap._block(final=False)]
        tap._say()
        while len(road.sent) < 2:
            yield
        assert [Upload.parse(each).name for each in road.sent] == [Name(running, RecordType.BLOCK, n) for n in (0, 1)]
        assert len(road.read) < len(blocks), "it waited for the end of the backlog"
        assert daemon._state is State.RECORDING

    room.run(script)


def test_what_was_put_on_the_road_is_not_read_after_a_no(room: Room, monkeypatch: Any) -> None:
    """It is gone by then: it would be told as damaged, or go out."""
    monkeypatch.setattr(module, "SEND_ITEMS_TURN", 0)

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        road = Road(daemon, monkeypatch)
        road.begin()
        yield
        assert [each.type for each in daemon._to_send] == [RecordType.BLOCK]
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)
        monkeypatch.setattr(module, "SEND_ITEMS_TURN", 1_000)
        while daemon._to_send:
            yield
        assert RecordType.BLOCK not in [each.type for each in road.read]
        assert Fault.DAMAGE not in daemon._faults

    room.run(script)


def test_the_log_has_each_item_that_is_not_given_back_once(
    room: Room, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The room says so again all the same: with each start of a meeting it forgets what was found before."""

    def script(daemon: Daemon) -> Script:
        yield
        road = Road(daemon, monkeypatch)
        blocks = road.add_backlog(5)
        for again in range(1, 4):
            daemon._faults.clear()
            road.begin()
            while len(road.read) < again * len(blocks):
                yield
            assert daemon._faults.keys() == {Fault.DAMAGE}
        told = [each for each in caplog.messages if each.startswith("damaged on the card: BLOCK")]
        assert len(told) == len(set(told)) == len(blocks)
        daemon._do_on_road([Done(blocks[0].recording)], time.monotonic())
        assert not daemon._unreadable, "of what is forgotten nothing is remembered"

    room.run(script)


def test_a_refused_meeting_goes_out_no_further_even_if_the_card_fails(room: Room, monkeypatch: Any) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        waiting = daemon._sender.waiting
        monkeypatch.setattr(daemon._standing, "say", raising(SpoolError("the card fails")))
        press(daemon._panel._refuse)
        yield from until(daemon, State.REFUSED)
        assert waiting > 1 and daemon._sender.waiting == 1, "its preamble alone"

    room.run(script)


def test_what_is_forgotten_is_removed_a_little_in_each_turn(room: Room, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "SWEEP_FILES_TURN", 1)

    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        press(daemon._panel._start)
        yield from until(daemon, State.IDLE)
        (found,) = daemon._spool.recordings()
        daemon._do_on_road([Done(found)], time.monotonic())
        gone = room.folder / "spool" / f"{found}.gone"
        left = [len(list(gone.iterdir()))]
        while gone.exists():
            yield
            left.append(len(list(gone.iterdir())) if gone.exists() else 0)
        assert left == sorted(left, reverse=True) and len(left) > 4

    room.run(script, grace_seconds=0.0)


def damage_chain(room: Room) -> None:
    room.run(lambda daemon: iter([None]))
    for name in NAMES:
        (room.folder / name).write_bytes(b"damaged")


def damage_key(room: Room) -> None:
    (room.folder / "keys" / "signing.key").write_bytes(b"damaged")


def lose_hold(room: Room) -> None:
    room.values["room"] |= {"hold_kind": "nvram", "hold": str(room.folder / "ds1307_nvram0" / "nvmem")}


BREAKS = {
    damage_chain: "this room no longer knows the number",
    damage_key: "signing.key",
    lose_hold: "there is no clock chip",
}


@pytest.mark.parametrize("pins", ["lgpio", "mock"])
@pytest.mark.parametrize("broken", BREAKS, ids=lambda each: each.__name__)
def test_a_room_that_cannot_start_blinks_that_for_as_long_as_it_lives(
    room: Room, monkeypatch: Any, caplog: pytest.LogCaptureFixture, broken: Callable[[Room], None], pins: str
) -> None:
    """A lamp made of software is seen by nobody: with mock pins it ends at once."""
    broken(room)
    guards: list[CalmGuard] = []

    def make_guard(settings: config.Panel) -> CalmGuard:
        guards.append(CalmGuard(settings))
        return guards[-1]

    monkeypatch.setattr(module, "Guard", make_guard)
    monkeypatch.setattr(module, "BROKEN_SECONDS", 0.3)
    monkeypatch.setattr(module, "forbid_dumps", lambda: None)
    monkeypatch.setattr(module.signal, "signal", lambda *_: None)
    settings = config.load().panel
    monkeypatch.setattr(panel, "header_pins", lambda: (mock.factory(settings), ""))
    room.values["panel"] |= {"pins": pins}
    caplog.clear()
    began = time.monotonic()
    with pytest.raises(WederhoorError, match=BREAKS[broken]):
        serve(msgspec.convert(room.values, config.Config), report=False)
    (guard,) = guards
    assert guard.closed
    if pins == "mock":
        assert guard.told == []
    else:
        assert len(guard.told) > 3 and set(guard.told) == {BLINKS[Fault.RECORDER]}
        assert time.monotonic() - began >= 0.3
        assert any(BREAKS[broken] in record.getMessage() for record in caplog.records), "told at once, not in a minute"


def test_a_room_whose_recovery_fails_blinks_that_too_and_still_hears_a_no(room: Room, monkeypatch: Any) -> None:
    """The microphone's tap was never made; the button's thread erases the key, and the next start completes it."""

    def cut(daemon: Daemon) -> Script:
        yield from recording(daemon)
        assert daemon._hold.take() is not None

    before = room.run(cut)
    blinks: list[Exception] = []

    def show(guard: object, panel: object, error: Exception) -> None:
        blinks.append(error)
        (daemon,) = daemons
        press(daemon._panel._refuse)

    daemons: list[Daemon] = []
    await_guard = Daemon._await_guard
    monkeypatch.setattr(Daemon, "_await_guard", lambda self: (daemons.append(self), await_guard(self)))
    monkeypatch.setattr(module, "show_broken", show)
    with monkeypatch.context() as failing, pytest.raises(SpoolError):
        failing.setattr(module.Custody, "recover", raising(SpoolError("the card fails")))
        room.run(lambda daemon: iter(()))
    assert [str(error) for error in blinks] == ["the card fails"]
    (found,) = before._spool.recordings()
    assert before._hold.take() is None and before._hold.refused() == bytes.fromhex(found)
    after = room.run(lambda daemon: iter(()))
    assert room.manifest(after, found).ended == "refused"


def test_a_room_that_cannot_start_ends_when_it_is_told_to(room: Room) -> None:
    """The real one, with pins that are not there: it says why at once, stays, and goes with SIGTERM."""
    damage_key(room)
    file = room.folder / "room.toml"
    file.write_text(f'[room]\nname = "room-1"\nfolder = "{room.folder}"\n')
    command = [sys.executable, "-m", "recorder", "room", "--config", str(file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "this room cannot start" in process.stderr.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.0)
        process.terminate()
        assert process.wait(10.0) == 2


def power_lost(room: Room) -> None:
    """With a hold in RAM."""
    (room.folder / "hold" / "slot").unlink()


def test_a_meeting_that_was_lost_with_the_power_is_told_until_the_next_one_starts(room: Room) -> None:
    """Whoever pulled the plug may pull it again."""
    room.run(recording)
    power_lost(room)

    def script(daemon: Daemon) -> Script:
        yield
        assert daemon._state is State.IDLE and daemon._fault == module.LOST
        assert daemon._status(online=True).faults == ("lost",)
        assert daemon._guard.shows is BLINKS[Fault.LOST]  # type: ignore[attr-defined]

    (found,) = room.run(script)._spool.recordings()
    power_lost(room)
    room.run(script)

    def next_meeting(daemon: Daemon) -> Script:
        yield from script(daemon)
        yield from recording(daemon)
        assert Fault.LOST not in daemon._faults
        press(daemon._panel._start)
        yield from until(daemon, State.IDLE)

    after = room.run(next_meeting, grace_seconds=0.0)
    assert room.receipt(after, found).outcome == "lost"
    assert not room.run(lambda daemon: iter([None]))._faults


def test_where_nothing_was_recorded_yet_nothing_is_lost(room: Room) -> None:
    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        yield from until(daemon, State.NOTICE)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        room.run(script, notice_seconds=60.0)
    power_lost(room)
    assert not room.run(lambda daemon: iter([None]))._faults


def test_a_key_that_is_lost_in_the_grace_period_is_told(room: Room, monkeypatch: Any) -> None:
    def script(daemon: Daemon) -> Script:
        yield from recording(daemon)
        press(daemon._panel._start)
        yield from until(daemon, State.GRACE)
        daemon._hold.erase()  # a weak battery
        yield from until(daemon, State.IDLE)
        yield
        assert daemon._fault == module.LOST and daemon._loss

    room.run(script, grace_seconds=0.3)


def test_of_a_capture_process_that_dies_in_the_notice_nothing_false_is_said(room: Room, monkeypatch: Any) -> None:
    def script(daemon: Daemon) -> Script:
        yield
        press(daemon._panel._start)
        yield from until(daemon, State.NOTICE)
        monkeypatch.setattr(FakeTap, "broken", CaptureError("the capture process died"))
        daemon._tap._say()  # type: ignore[union-attr]
        yield from until(daemon, State.IDLE)
        yield
        assert daemon._status(online=True).faults == ("cut_off",)

    room.run(script, notice_seconds=60.0)
    for language in ("nl", "en"):
        assert not re.search("bewaard|kept", Fault.CUT_OFF.words(language))  # type: ignore[arg-type]

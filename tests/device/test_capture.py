"""The capture process, real, on the sound stage: what it tells, what it keeps, and how it ends."""

import fcntl
import io
import os
import select
import signal
import subprocess
import sys
import time
import wave
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import opuslib_next
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import keyfiles
from recorder.audio import FRAME_TICKS, Gap, GapCause, OpusBlock
from recorder.config import load
from recorder.device.capture import Gate
from recorder.device.pipe import COMMAND, ENVIRONMENT, Flaw, Frame, Kind, Parser, Setup, Telemetry
from recorder.sealed.keybox import release_keybox
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.layout import BlockHeader, RecordType, hash_body, parse_record, record
from recorder.sealed.open import open_recording
from recorder.trial.soundstage import MICROPHONE, SoundStage

DEADLINE_SECONDS = 30.0
AWAY_SECONDS = 2.0
HOLD_KEY = bytes(range(32))
ARRAY_CHANNELS = ("front-left", "front-right", "rear-left", "rear-right", "front-center", "lfe")
"""In the order in which ALSA numbers them."""
DEVICE_KEY = Ed25519PrivateKey.generate()
RECIPIENT = RecipientPrivateKey.generate("mlkem768-x25519")


@dataclass
class Child:
    """The parent's side of one capture process."""

    process: subprocess.Popen[bytes]
    frames: list[Frame] = field(default_factory=list)
    parser: Parser = field(default_factory=Parser)

    def say(self, line: str | bytes) -> None:
        self.process.stdin.write((line.encode() if isinstance(line, str) else line) + b"\n")
        self.process.stdin.flush()

    def prepare(self, setup: Setup) -> None:
        self.say(msgspec.json.encode(setup))
        self.process.stdin.write(HOLD_KEY)
        self.process.stdin.flush()

    def read(self) -> bool:
        """Whatever comes next; False at the end."""
        ready, _, _ = select.select([self.process.stdout], [], [], DEADLINE_SECONDS)
        assert ready, f"nothing came for {DEADLINE_SECONDS} s"
        data = os.read(self.process.stdout.fileno(), 65_536)
        self.frames += self.parser.feed(data)
        return bool(data)

    def until(self, kind: Kind, body: bytes | None = None, count: int = 1) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while sum(frame.kind is kind and body in (None, frame.body) for frame in self.frames) < count:
            assert time.monotonic() < deadline
            assert self.read(), f"it ended: {self.bodies(Kind.ERROR)}"

    def end(self) -> int:
        """Everything until it ends by itself; its exit status."""
        while self.read():
            pass
        return self.process.wait(DEADLINE_SECONDS)

    def bodies(self, kind: Kind) -> list[bytes]:
        return [frame.body for frame in self.frames if frame.kind is kind]

    def opened(self) -> list[OpusBlock | Gap]:
        """What a recipient finds in it; every signature and seal is checked on the way."""
        (held,) = self.bodies(Kind.KEYBOX)
        preamble = parse_record(self.bodies(Kind.RECORD)[0])[1]
        keybox = release_keybox(held, HOLD_KEY, hash_body(preamble))
        whole = b"".join(self.bodies(Kind.RECORD)) + record(RecordType.KEYBOX, keybox)
        opened = open_recording(io.BytesIO(whole), [DEVICE_KEY.public_key()], RECIPIENT, salvage=True)
        items = list(opened.items)
        assert len(items) == len(self.bodies(Kind.RECORD)) - 1
        return items

    def headers(self) -> list[BlockHeader]:
        return [BlockHeader.parse(parse_record(raw)[1]) for raw in self.bodies(Kind.RECORD)[1:]]


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    config = load()
    keyfiles.save_device(tmp_path / "device.pem", DEVICE_KEY)
    recipients = tmp_path / "recipients"
    recipients.mkdir()
    keyfiles.save_recipient_public(recipients / "reader.pub", RECIPIENT.public)
    return Setup(
        microphone=msgspec.structs.replace(config.microphone, **MICROPHONE, away_seconds=AWAY_SECONDS),
        opus=config.opus,
        seal=config.seal,
        device="room-1",
        sequence=7,
        previous="ab" * 32,
        signing_key=str(tmp_path / "device.pem"),
        recipients=str(recipients),
    )


@pytest.fixture
def spawn(stage: SoundStage):
    children: list[Child] = []

    def spawned() -> Child:
        process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | stage.environment | ENVIRONMENT
        )
        children.append(Child(process))
        return children[-1]

    yield spawned
    for child in children:
        child.process.kill()
        child.process.wait()
        child.process.stdin.close()
        child.process.stdout.close()


@pytest.fixture
def ready(spawn, setup) -> Child:
    child = spawn()
    child.prepare(setup)
    child.until(Kind.STATE, b"ready")
    return child


def test_nothing_is_captured_before_open(ready, stage):
    assert [frame.kind for frame in ready.frames] == [Kind.RECORD, Kind.KEYBOX, Kind.STATE]
    assert stage.listeners() == 0
    ready.say("stop")
    assert ready.end() == 0
    assert len(ready.bodies(Kind.RECORD)) == 1
    assert ready.bodies(Kind.STATE) == [b"ready", b"shut"]
    assert stage.listeners() == 0


def test_a_meeting_is_kept_as_it_sounded(ready, stage, spoken):
    speaker = stage.play(spoken)
    ready.say("open")
    ready.until(Kind.STATE, b"open")
    assert stage.listeners() == 1
    ready.until(Kind.RECORD, count=1 + 6)
    ready.say("stop")
    ready.until(Kind.STATE, b"shut")
    assert stage.listeners() == 0
    assert ready.end() == 0
    speaker.stop()

    items = ready.opened()
    assert all(isinstance(item, OpusBlock) for item in items)
    assert [header.final for header in ready.headers()] == [False] * (len(items) - 1) + [True]
    assert items[-1].flushed
    heard = decoded(items)
    with wave.open(str(spoken)) as sound:
        source = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    assert likeness(heard, source) >= 0.95
    assert likeness(heard[-48_000:], source) >= 0.9

    telemetry = [msgspec.json.decode(body, type=Telemetry) for body in ready.bodies(Kind.TELEMETRY)]
    assert len(telemetry) >= 5
    assert max(each.rms_dbfs for each in telemetry) > -40
    assert telemetry[-1].overflows == 0
    assert [each.position for each in telemetry] == sorted(each.position for each in telemetry)


def test_a_microphone_of_16_khz_is_heard_as_well(spawn, setup, stage, spoken):
    child = spawn()
    slow = msgspec.structs.replace(setup.microphone, rates=[16_000])
    child.prepare(msgspec.structs.replace(setup, microphone=slow))
    child.until(Kind.STATE, b"ready")
    speaker = stage.play(spoken)
    child.say("open")
    child.until(Kind.RECORD, count=1 + 6)
    child.say("stop")
    assert child.end() == 0
    speaker.stop()
    with wave.open(str(spoken)) as sound:
        source = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    assert likeness(decoded(child.opened()), source) >= 0.9


@pytest.mark.parametrize("pick", [1, 5, "mix", "beam"])
def test_of_an_array_the_chosen_channel_is_heard(spawn, setup, stage, tmp_path, pick):
    """Six channels, each with a tone of its own, through PortAudio as an array would deliver them."""
    array = dict(zip(ARRAY_CHANNELS, (400, 700, 1_100, 1_600, 2_300, 3_100), strict=True))
    channel_map = ",".join(array)
    stage._pactl("load-module", "module-null-sink", "sink_name=array", "channels=6", f"channel_map={channel_map}")
    alsa = Path(stage.environment["ALSA_CONFIG_PATH"])
    alsa.write_text(alsa.read_text() + 'pcm.array { type pulse device "array.monitor" hint { show on } }\n')
    seconds = np.arange(60 * 48_000) / 48_000
    tones = np.stack([3_000 * np.sin(2 * np.pi * tone * seconds) for tone in array.values()], axis=1)
    (tmp_path / "tones.raw").write_bytes(tones.astype("<i2").tobytes())
    play = ["paplay", "--raw", "--format=s16le", "--rate=48000", "--channels=6", f"--channel-map={channel_map}"]
    player = subprocess.Popen(
        [*play, "--device=array", str(tmp_path / "tones.raw")], env=os.environ | stage.environment
    )
    child = spawn()
    microphone = msgspec.structs.replace(setup.microphone, identity="pcm:array", channels=6, pick=pick)
    child.prepare(msgspec.structs.replace(setup, microphone=microphone))
    child.until(Kind.STATE, b"ready")
    child.say("open")
    child.until(Kind.RECORD, count=1 + 4)
    child.say("stop")
    assert child.end() == 0
    player.kill()
    player.wait()
    spectrum = np.abs(np.fft.rfft(decoded(child.opened())[-2 * 48_000 :].astype(float)))
    loudness = {tone: spectrum[2 * tone - 4 : 2 * tone + 5].max() for tone in array.values()}
    expected = set(loudness) if pick in ("mix", "beam") else {list(loudness)[pick - 1]}
    assert {tone for tone, level in loudness.items() if level > max(loudness.values()) / 10} == expected


def test_a_muted_microphone_is_told_at_once_until_it_is_heard(ready, stage, spoken):
    ready.say("open")
    ready.until(Kind.TELEMETRY)
    assert Telemetry.parse(ready.bodies(Kind.TELEMETRY)[0]).flaws == (Flaw.MUTED,)
    speaker = stage.play(spoken)
    while Telemetry.parse(ready.bodies(Kind.TELEMETRY)[-1]).flaws:
        assert ready.read()
        assert len(ready.bodies(Kind.TELEMETRY)) < 2 * DEADLINE_SECONDS
    speaker.stop()


def test_a_microphone_that_is_too_loud_is_told_as_it_came(spawn, setup, stage, tmp_path):
    """Square waves of full scale. The filter changes them; they are counted before it."""
    loud = tmp_path / "loud.wav"
    with wave.open(str(loud), "wb") as sound:
        sound.setparams((1, 2, 48_000, 0, "NONE", ""))
        sound.writeframes(np.tile(np.repeat([32_767, -32_768], 2_400), 30 * 10).astype("<i2").tobytes())
    speaker = stage.play(loud)
    child = spawn()
    child.prepare(setup)
    child.until(Kind.STATE, b"ready")
    child.say("open")
    child.until(Kind.TELEMETRY, count=2)
    child.say("stop")
    assert child.end() == 0
    speaker.stop()
    telemetry = [Telemetry.parse(body) for body in child.bodies(Kind.TELEMETRY)]
    assert telemetry[0].flaws == (Flaw.OVERDRIVEN,)
    assert telemetry[-1].clipped >= telemetry[-1].position * 0.9


def test_a_room_knows_what_is_wrong_with_its_microphone_before_it_says_that_it_records(ready):
    ready.say("open")
    ready.until(Kind.RECORD, count=1 + 1)
    kinds = [frame.kind for frame in ready.frames if frame.body != b"ready"]
    assert kinds[2:5] == [Kind.TELEMETRY, Kind.STATE, Kind.RECORD]
    assert Telemetry.parse(ready.bodies(Kind.TELEMETRY)[0]).flaws == (Flaw.MUTED,)


class Told:
    """What would have gone over the pipe, in pieces."""

    def __init__(self) -> None:
        self.sent: list[list[str]] = []

    def send(self, *frames: Frame) -> None:
        if frames:
            self.sent.append([frame.body.decode() for frame in frames])


def block(name: str) -> list[Frame]:
    return [Frame(Kind.RECORD, name.encode())]


LEVEL = Frame(Kind.TELEMETRY, b"level")


def test_nothing_goes_out_before_the_microphone_is_judged_and_then_everything():
    told = Told()
    gate = Gate(told)
    gate.heard(block("a"), LEVEL, judged=False)
    assert told.sent == []
    gate.heard(block("b"), LEVEL, judged=True)
    gate.heard(block("c"), LEVEL, judged=True)
    gate.end()
    assert told.sent == [["level", "open", "a", "b"], ["c", "level"]]


def test_what_came_before_a_gap_is_safe_at_once_and_what_comes_after_it_is_judged_anew():
    told = Told()
    gate = Gate(told)
    gate.heard(block("a"), LEVEL, judged=True)
    gate.missed(block("rest") + block("gap"))
    assert told.sent[-1] == ["rest", "gap"]
    gate.missed(block("gap, too"))
    gate.heard(block("b"), LEVEL, judged=False)
    assert told.sent[-1] == ["rest", "gap"]
    gate.heard(block("c"), LEVEL, judged=True)
    assert told.sent[-1] == ["level", "open", "gap, too", "b", "c"]


def test_of_a_meeting_that_ends_before_that_nothing_is_lost():
    told = Told()
    gate = Gate(told)
    gate.heard(block("a"), LEVEL, judged=False)
    gate.missed(block("gap"))
    gate.end()
    assert told.sent == [["open", "a", "gap"]], "the room does not take a block before it records"
    again = Told()
    gate = Gate(again)
    gate.heard(block("a"), LEVEL, judged=True)
    gate.missed(block("gap"))
    gate.missed(block("gap, too"))
    gate.end()
    assert again.sent == [["level", "open", "a"], ["gap"], ["gap, too"]], "it is not back"


def test_silence_is_counted(ready):
    ready.say("open")
    ready.until(Kind.TELEMETRY, count=6)
    telemetry = [msgspec.json.decode(body, type=Telemetry) for body in ready.bodies(Kind.TELEMETRY)]
    assert telemetry[5].silent_seconds == pytest.approx(telemetry[5].position / 48_000, abs=0.3)


def test_a_child_without_a_parent_is_gone_at_once(ready, stage):
    ready.say("open")
    ready.until(Kind.STATE, b"open")
    ready.process.stdin.close()
    ready.process.wait(DEADLINE_SECONDS)
    await_closed(stage)
    # What was sealed before is sound; it merely has no end.
    ready.end()
    assert all(not header.final for header in ready.headers())


def test_a_closed_pipe_ends_even_a_child_that_was_told_nothing(spawn):
    child = spawn()
    child.process.stdin.close()
    assert child.process.wait(DEADLINE_SECONDS) == 1


def test_killing_it_shuts_the_tap_and_what_was_sealed_opens(ready, stage):
    ready.say("open")
    ready.until(Kind.RECORD, count=1 + 2)
    assert stage.listeners() == 1
    ready.process.kill()
    assert ready.end() == -signal.SIGKILL
    await_closed(stage)
    assert ready.opened()[0].length == 48_000


def test_a_sound_server_that_dies_is_told_and_what_came_before_is_kept(ready, stage):
    ready.say("open")
    ready.until(Kind.RECORD, count=1 + 2)
    stage.kill()
    assert ready.end() == 1
    (message,) = ready.bodies(Kind.MISSING)
    assert b"the microphone pcm:roommic has been gone for 2 s" in message
    assert ready.bodies(Kind.STATE)[1:] == [b"open", b"gone", b"shut"]
    assert sum(item.length for item in ready.opened()) >= 2 * 48_000
    assert ready.headers()[-1].final


def test_a_microphone_that_stalls_for_good_meets_the_deadline(ready, stage):
    ready.say("open")
    ready.until(Kind.STATE, b"open")
    stage.suspend()
    assert ready.end() == 1
    (message,) = ready.bodies(Kind.MISSING)
    assert b"has been gone for 2 s" in message
    assert ready.bodies(Kind.STATE)[1:] == [b"open", b"gone", b"shut"]
    assert ready.headers()[-1].final


def test_a_microphone_that_is_plugged_in_again_is_heard_again_after_a_declared_gap(spawn, setup, stage, spoken):
    child = spawn()
    patient = msgspec.structs.replace(setup.microphone, away_seconds=DEADLINE_SECONDS)
    child.prepare(msgspec.structs.replace(setup, microphone=patient))
    child.until(Kind.STATE, b"ready")
    child.say("open")
    child.until(Kind.TELEMETRY, count=5)
    stage.kill()
    child.until(Kind.STATE, b"gone")
    sealed = len(child.bodies(Kind.RECORD))
    child.until(Kind.RECORD, count=sealed + 2)  # what was heard before, and the first of the gap: safe while it is gone
    stage.plug_in()
    child.until(Kind.STATE, b"open", count=2)
    speaker = stage.play(spoken)
    child.until(Kind.TELEMETRY, count=len(child.bodies(Kind.TELEMETRY)) + 10)
    child.say("stop")
    assert child.end() == 0
    speaker.stop()
    items = child.opened()
    gaps = [item for item in items if isinstance(item, Gap)]
    assert {gap.cause for gap in gaps} == {GapCause.UNPLUGGED}
    assert items[-1].flushed and child.headers()[-1].final
    elapsed_ms = items[-1].moment.monotonic_ms - items[0].moment.monotonic_ms
    assert items[-1].position / 48 == pytest.approx(elapsed_ms, abs=250)
    after = [item for item in items if item.position > gaps[-1].position]
    with wave.open(str(spoken)) as sound:
        source = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    assert likeness(decoded(after)[-3 * 48_000 :], source) >= 0.9


def test_a_microphone_that_only_the_lit_light_powers_is_waited_for(spawn, setup, stage):
    """The interlock: nothing is there when the meeting is prepared, nor when the tap opens."""
    stage.kill()
    child = spawn()
    powered = msgspec.structs.replace(setup.microphone, interlock=True, rates=[48_000])
    child.prepare(msgspec.structs.replace(setup, microphone=powered))
    child.until(Kind.STATE, b"ready")
    child.say("open")
    time.sleep(1.5)
    stage.plug_in()
    child.until(Kind.STATE, b"open")
    child.until(Kind.RECORD, count=1 + 2)
    child.say("stop")
    assert child.end() == 0
    assert all(isinstance(item, OpusBlock) for item in child.opened())


def test_without_the_interlock_a_microphone_that_is_not_there_at_once_is_told(spawn, setup, stage):
    stage.kill()
    child = spawn()
    child.prepare(setup)
    assert child.end() == 1
    assert [frame.kind for frame in child.frames] == [Kind.MISSING]


def test_a_short_stall_is_a_declared_gap(ready, stage):
    ready.say("open")
    ready.until(Kind.TELEMETRY, count=12)
    stage.suspend()
    time.sleep(1)  # how long does not matter, as long as it is less than the deadline
    stage.resume()
    ready.until(Kind.TELEMETRY, count=len(ready.bodies(Kind.TELEMETRY)) + 20)
    ready.say("stop")
    assert ready.end() == 0
    items = ready.opened()
    assert {item.cause for item in items if isinstance(item, Gap)} == {GapCause.STALL}
    # With the gap in its place, position and clock agree again.
    elapsed_ms = items[-1].moment.monotonic_ms - items[0].moment.monotonic_ms
    assert items[-1].position / 48 == pytest.approx(elapsed_ms, abs=200)


def test_a_parent_that_does_not_read_costs_a_declared_gap_only(spawn, setup):
    """The pipe is full, then the queue; the stream goes on, and what was lost is said."""
    wasteful = msgspec.structs.replace(setup.seal, pad_bytes=16_384)
    child = spawn()
    child.prepare(msgspec.structs.replace(setup, seal=wasteful))
    child.until(Kind.STATE, b"ready")
    child.say("open")
    child.until(Kind.TELEMETRY)
    fcntl.fcntl(child.process.stdout, fcntl.F_SETPIPE_SZ, 4_096)
    time.sleep(20)  # the queue holds 16 s at most
    while b'"overflows":1' not in child.bodies(Kind.TELEMETRY)[-1]:
        assert child.read()
    child.say("stop")
    assert child.end() == 0
    items = child.opened()
    gaps = [item for item in items if isinstance(item, Gap)]
    assert {gap.cause for gap in gaps} == {GapCause.OVERFLOW}
    telemetry = [msgspec.json.decode(body, type=Telemetry) for body in child.bodies(Kind.TELEMETRY)]
    assert telemetry[-1].overflows == len(gaps) == 1
    position = 0
    for item in items:
        assert item.position == position
        position += item.length


def test_a_microphone_that_is_not_there_is_told_before_anything_is_sealed(spawn, setup):
    child = spawn()
    absent = msgspec.structs.replace(setup.microphone, identity="usb:dead:beef")
    child.prepare(msgspec.structs.replace(setup, microphone=absent))
    assert child.end() == 1
    assert [frame.kind for frame in child.frames] == [Kind.MISSING]
    assert b"usb:dead:beef is not there" in child.frames[0].body


def test_no_recipient_means_no_recording(spawn, setup, tmp_path):
    child = spawn()
    child.prepare(msgspec.structs.replace(setup, recipients=str(tmp_path / "empty")))
    assert child.end() == 1
    assert [frame.kind for frame in child.frames] == [Kind.ERROR]
    assert b"no recipient" in child.frames[0].body


def test_a_setup_that_is_none_is_refused(spawn):
    child = spawn()
    child.say('{"microphone": 1}')
    child.say(HOLD_KEY)
    assert child.end() == 1
    assert b"setup" in child.frames[0].body


def test_it_can_be_neither_dumped_nor_traced_nor_outlive_its_parent_and_takes_no_precedence():
    code = "import ctypes, os, resource; from recorder.confine import confine; confine(); "
    code += "libc, dies = ctypes.CDLL(None), ctypes.c_int(); libc.prctl(2, ctypes.byref(dies)); "
    code += "print(libc.prctl(3), dies.value, resource.getrlimit(resource.RLIMIT_CORE), os.sched_getscheduler(0))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == f"0 {signal.SIGKILL.value} (0, 0) {os.SCHED_BATCH}"


def await_closed(stage: SoundStage) -> None:
    """Until the sound server, too, has noticed that its client is gone."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while stage.listeners():
        assert time.monotonic() < deadline, "somebody still listens"


def decoded(items: list[OpusBlock | Gap]) -> np.ndarray:
    decoder = opuslib_next.Decoder(48_000, 1)
    sound = b"".join(decoder.decode(packet, FRAME_TICKS) for item in items for packet in item.packets)
    return np.frombuffer(sound, "<i2")[312 : 312 + sum(item.length for item in items)]


def likeness(heard: np.ndarray, source: np.ndarray) -> float:
    """Correlation at the best place in the source."""
    width = 1 << (len(source) + len(heard)).bit_length()
    spectrum = np.fft.rfft(source.astype(float), width) * np.conj(np.fft.rfft(heard.astype(float), width))
    at = int(np.argmax(np.fft.irfft(spectrum, width)[: len(source) - len(heard)]))
    return float(np.corrcoef(heard.astype(float), source[at : at + len(heard)].astype(float))[0, 1])

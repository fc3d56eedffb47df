"""Microphone, capture process, sound server and card fail in the middle of a meeting."""

import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.audio import GapCause
from recorder.meeting.light import CAPTURE_STATES
from recorder.sealed.verify import KeyboxState, State
from recorder.trial.soundstage import SoundStage
from tests.end_to_end.conftest import MakeHouse
from tests.end_to_end.house import House, alive, until
from tests.filesystem import small_file_system

PLAIN = re.compile(r"[^\n{}<>]{20,300}")
"""A sentence for a caseworker, not a trace."""


@pytest.fixture
def own_stage() -> Iterator[SoundStage]:
    """One that a test may kill."""
    with SoundStage() as stage:
        yield stage


def follow_to_the_dark(house: House, pid: int) -> None:
    """Promise 1: by the time that the light is told dark, the process that hears is gone."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        report = house.room.reports[-1]
        if report.status.state not in CAPTURE_STATES:
            assert not alive(pid), f"captured in state {report.status.state}"
            return
        assert report.lit or not alive(pid)
        time.sleep(0.01)
    raise AssertionError("the light never went dark")


def assert_ended_as_fault(house: House, recording: str, says: str) -> None:
    """What was sealed is kept and opens, and the room says in plain words what is wrong."""
    house.await_signed(recording)
    room = house.room
    faults = {report.status.fault for report in room.reports} - {""}
    assert faults and all(PLAIN.fullmatch(fault) for fault in faults)
    assert any(says in fault for fault in faults), faults
    report = house.verified(recording)
    assert (report.state, report.ended, report.keybox) == (State.WHOLE, "fault", KeyboxState.PRESENT)
    assert "fault" in {event.name for event in report.events}
    sealed = room.happened("sealed", recording)
    assert report.blocks == len(sealed) >= 2
    assert house.opened(recording).stat().st_size > 1_000
    assert not room.dark_while_open()
    assert house.capture_pid() is None


def begin(house: House) -> tuple[str, int]:
    house.start_room()
    recording = house.begin(blocks=2)
    pid = house.capture_pid()
    assert pid is not None
    assert house.stage.listeners() == 1
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits), "promise 3: audio could come into a core dump"
    return recording, pid


def test_the_capture_process_is_killed(house: House) -> None:
    """Promise 1: SIGKILL of the capture process: the light goes dark after it, what it sealed is kept as a fault."""
    recording, pid = begin(house)
    os.kill(pid, signal.SIGKILL)
    follow_to_the_dark(house, pid)
    assert_ended_as_fault(house, recording, "the capture process ended without a word")
    house.await_silence()


def test_the_capture_process_hangs(house: House) -> None:
    """Promise 1: SIGSTOP of the capture process, which then neither delivers nor ends: the deadline ends it."""
    recording, pid = begin(house)
    os.kill(pid, signal.SIGSTOP)
    follow_to_the_dark(house, pid)
    assert_ended_as_fault(house, recording, "the capture process has said nothing for 5 seconds")
    house.await_silence()


def test_the_sound_server_is_killed(make_house: MakeHouse, own_stage: SoundStage) -> None:
    """Promise 4: the microphone is gone as if unplugged, and stays so: what was heard before is kept."""
    house = make_house({"microphone": {"away_seconds": 1.0}}, sound=own_stage)
    recording, pid = begin(house)
    own_stage.kill()
    follow_to_the_dark(house, pid)
    assert_ended_as_fault(house, recording, "has been gone for 1 s")


def test_the_microphone_is_unplugged_and_plugged_in_again(make_house: MakeHouse, own_stage: SoundStage) -> None:
    """Promises 1 and 4: the light stays lit while it may be back at any moment; what is missing is a gap; the rest goes on."""
    house = make_house(sound=own_stage)
    recording, pid = begin(house)
    room = house.room
    own_stage.kill()
    room.await_state("interrupted")
    room.wait_for("attention", lambda it: it.report is not None and it.report.attention == "2 blinks", 20)
    assert alive(pid) and room.report is not None and room.report.lit
    own_stage.plug_in()
    room.await_happening("opened", 2)
    house.await_sealed(recording, len(room.happened("sealed")) + 3)
    assert house.capture_pid() == pid
    house.end()
    house.await_signed(recording)
    report = house.verified(recording)
    assert (report.state, report.ended, report.keybox) == (State.WHOLE, "stop", KeyboxState.PRESENT)
    assert [event.name for event in report.events] == [
        "notice_given", "recording", "microphone_gone", "microphone_back", "stop", "grace_over",
    ]  # fmt: skip
    assert {gap.cause for gap in report.gaps} == {GapCause.UNPLUGGED}
    assert not room.dark_while_open()


def test_the_light_goes_dark(house: House) -> None:
    """Promise 1: a lamp that burns out while recording ends it there and then, and no other begins."""
    recording, pid = begin(house)
    house.room.press("lamp open")
    house.room.await_state("grace")
    assert not alive(pid)
    assert_ended_as_fault(house, recording, "the recording light lost its current")
    house.room.await_state("fault")
    house.room.press("lamp whole")
    house.room.press("start")
    missed = house.room.await_happening("missed").recording
    house.await_signed(missed)
    assert house.verified(missed).blocks == 0
    assert house.room.report is not None and house.room.report.attention == "1 blink"
    assert len(house.room.happened("opened")) == 1


def test_the_sound_server_stalls(make_house: MakeHouse, own_stage: SoundStage) -> None:
    """Promise 4: a stream that stays open and delivers nothing more, and tells nobody, is found out by the deadline."""
    house = make_house({"microphone": {"away_seconds": 1.0}}, sound=own_stage)
    recording, pid = begin(house)
    own_stage.suspend()
    follow_to_the_dark(house, pid)
    assert_ended_as_fault(house, recording, "has been gone for 1 s")


def test_the_room_is_switched_off_while_recording(make_house: MakeHouse) -> None:
    """Promise 4: SIGTERM in the middle: the tap is shut, and at the next start the client may refuse what there is."""
    house = make_house()
    recording, pid = begin(house)
    assert house.room.stop() == 0
    assert not alive(pid)
    house.await_silence()
    room = house.start_room()
    assert room.happened("state")[0].detail == "grace"
    house.await_signed(recording)
    report = house.verified(recording)
    assert (report.state, report.ended, report.keybox) == (State.WHOLE, "fault", KeyboxState.PRESENT)


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"identity": "alsa:Nope"}, "Nope"), ({"identity": "pcm:nope"}, "ALSA offers no such input")],
)
def test_a_microphone_that_is_not_there(make_house: MakeHouse, changes: dict[str, object], says: str) -> None:
    """Promise 4: the fault is said before anyone speaks; the meeting that could not be recorded is on record."""
    house = make_house({"microphone": changes})
    room = house.start_room()
    room.press("start")
    room.wait_for("fault", lambda it: any(each.status.fault for each in it.reports), 40)
    fault = next(each.status.fault for each in room.reports if each.status.fault)
    assert says in fault and PLAIN.fullmatch(fault)
    missed = room.await_happening("missed").recording
    room.await_state("idle")
    house.await_signed(missed)
    report = house.verified(missed)
    assert (report.state, report.ended, report.blocks) == (State.WHOLE, "fault", 0)
    assert [event.name for event in report.events] == ["missed"]
    assert not room.happened("opened") and not room.happened("sealed")
    assert house.capture_pid() is None and house.stage.listeners() == 0
    assert house.hold_key == bytes(32)


@pytest.fixture
def small_card(tmp_path: Path) -> Iterator[Path]:
    """A card of three MiB, for all that a room has."""
    folder = tmp_path / "card"
    folder.mkdir()
    with small_file_system(folder, 3) as card:
        yield card


def on_card(house: House, card: Path) -> None:
    """Move the room to the card, with all that it has."""
    shutil.copytree(house.room_folder, card, dirs_exist_ok=True)
    shutil.rmtree(house.room_folder)
    house.room_folder.symlink_to(card)


def fill(card: Path, leave_bytes: int) -> Path:
    """A file that leaves so much."""
    rest = os.statvfs(card)
    filler = card / "filler"
    with filler.open("wb") as out:
        os.posix_fallocate(out.fileno(), 0, rest.f_bavail * rest.f_frsize - leave_bytes)
    return filler


def test_the_card_is_full(house: House, small_card: Path) -> None:
    """Promise 4: the card fills while recording: a fault, said; what was sealed is kept, ends, and arrives."""
    on_card(house, small_card)
    house.start_room()
    recording = house.begin(blocks=2)
    pid = house.capture_pid()
    assert pid is not None
    house.broker.kill()
    fill(small_card, leave_bytes=16_384)
    follow_to_the_dark(house, pid)
    house.room.wait_for("release", lambda it: it.happened("released", recording), 40)
    assert {"manifest", "keybox"} <= house.spool(recording)
    house.broker.start()
    assert_ended_as_fault(house, recording, "the card is full")


def test_a_no_on_a_full_card(house: House, small_card: Path) -> None:
    """Promise 2: not a byte is free, and the no costs nothing: carried out, confirmed, and standing."""
    on_card(house, small_card)
    house.start_room()
    recording = house.begin(blocks=1)
    until("blocks at the archive", lambda: house.archived_blocks(recording))
    fill(small_card, leave_bytes=0)
    house.room.press("refuse")
    house.room.wait_for("purge", lambda it: it.happened("purged", recording), 40)
    assert house.room.state == "refused"
    assert house.hold_key == bytes(32) and house.spooled_blocks(recording) == {}
    assert house.archived(recording).keys() == {"preamble", "manifest", "origin", "purged", "receipt"}


def test_the_spool_reaches_its_bound(make_house: MakeHouse) -> None:
    """Promise 4: spool.bytes_max is reached with the broker dead: the meeting ends as a fault, and all of it arrives."""
    house = make_house({"spool": {"bytes_max": 1_048_576}, "seal": {"pad_bytes": 16_384, "block_seconds": 0.2}})
    house.broker.kill()
    house.start_room(connected=False)
    recording = house.begin(blocks=2)
    room = house.room
    room.wait_for("end by fault", lambda it: it.state == "grace", 60)
    blocks = house.spooled_blocks(recording)
    assert 900_000 < sum(map(len, blocks.values())) <= 1_048_576
    room.wait_for("no more meetings", lambda it: it.state == "fault", 40)
    room.press("start")
    house.broker.start()
    assert_ended_as_fault(house, recording, "spool.bytes_max")
    assert house.archived_blocks(recording).items() >= blocks.items()
    room.await_state("idle")
    assert len(room.happened("opened")) == 1, "a room in fault opened its microphone"
    # The meeting that could not be recorded is told, signed and numbered, and has nothing in it.
    missed = room.await_happening("missed").recording
    house.await_signed(missed)
    report = house.verified(missed)
    assert (report.state, report.ended, report.blocks, report.preamble.sequence) == (State.WHOLE, "fault", 0, 2)
    assert [event.name for event in report.events] == ["missed"]

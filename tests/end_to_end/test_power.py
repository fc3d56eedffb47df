"""The power is cut in a room whose hold a battery keeps.

The clock chip's memory is a plain file of its size and its name, outside of RAM; the room's process is the real one and dies by
SIGKILL. What a cut leaves of what was not synced, and of a write cut in two, is tried in `tests/device/test_crash_points.py`.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from recorder import config
from recorder.device.slot import COMMITTED, SLOT_BYTES, STATE_AT
from recorder.errors import SealedError
from recorder.meeting.light import recording_light
from recorder.meeting.table import State as MeetingState
from recorder.sealed.verify import KeyboxState, State
from tests.end_to_end.conftest import MakeHouse
from tests.end_to_end.house import House, Watched, recorder, until
from tests.end_to_end.test_crash import NO_KEY, assert_asked_again_and_kept, assert_never_recorded, kill_room


def fit_chip(house: House) -> Path:
    """A clock chip as it comes from the factory: its memory holds anything."""
    chip = house.folder / "ds1307_nvram0" / "nvmem"
    chip.parent.mkdir()
    chip.write_bytes(os.urandom(SLOT_BYTES))
    house.change("room", "hold", json.dumps(str(chip)))
    house.change("room", "hold_may_be_on_disk", "true")
    house.settings = config.load(house.folder / "room.toml")
    return chip


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    house = make_house(
        {"room": {"hold_kind": "nvram"}, "meeting": {"notice_seconds": 1.0, "grace_seconds": 5.0}},
    )
    fit_chip(house)
    return house


def assert_shows(room: Watched, state: MeetingState) -> None:
    """From its first word on: the state, and the light that goes with it."""
    assert room.happened("state")[0].detail == state
    assert room.reports[0].status.state == state
    assert room.reports[0].light == recording_light(state).name


def test_the_power_is_cut_in_the_notice(house: House) -> None:
    room = house.start_room()
    assert "its battery was empty" in house.log()
    room.press("start")
    room.await_state("notice")
    recording = room.await_happening("begun").recording
    assert kill_room(house) == {}
    room = house.start_room()
    assert_shows(room, MeetingState.GRACE)
    house.await_signed(recording)
    report = house.verified(recording)
    assert (report.state, report.ended, report.blocks) == (State.WHOLE, "power_loss", 0)
    room.await_state("idle")
    assert house.hold_key == NO_KEY
    assert_never_recorded(house, room)


def test_the_power_is_cut_while_recording_and_again_after_it(house: House) -> None:
    """Promise 4: the meeting is kept as `power_loss`, and the client is asked each time."""
    house.start_room()
    recording = house.begin(blocks=2)
    blocks = kill_room(house)
    assert len(blocks) >= 2
    room = house.start_room(connected=False)
    assert_shows(room, MeetingState.GRACE)
    room.kill()
    assert house.spooled_blocks(recording) == blocks
    room = house.start_room()
    assert_shows(room, MeetingState.GRACE)
    assert_asked_again_and_kept(house, room, recording, blocks)
    room.await_state("idle")
    assert room.reports[-1].light == recording_light(MeetingState.IDLE).name
    assert house.log().count("its battery was empty") == 1


def test_the_power_is_cut_in_the_grace_period(house: House) -> None:
    """Promise 2: the client can still say no to it, as if nothing had been."""
    house.start_room()
    recording = house.begin(blocks=1)
    house.end()
    until("blocks at the archive", lambda: house.archived_blocks(recording))
    kill_room(house)
    assert house.hold_key != NO_KEY
    room = house.start_room(connected=False)
    assert_shows(room, MeetingState.GRACE)
    room.press("refuse")
    assert_refused(house, room, recording)


def test_the_power_is_cut_right_after_a_no(house: House) -> None:
    """Promise 2: a refusal stands whatever comes; twice, for the second cut may come while it is completed.

    The card takes no note of it here: only the hold knows.
    """
    house.start_room()
    recording = house.begin(blocks=2)
    until("blocks at the archive", lambda: house.archived_blocks(recording))
    obstacle = house.room_folder / "refused.tmp"
    obstacle.mkdir()
    house.room.press("refuse")
    until("erasure", lambda: house.hold_key == NO_KEY)
    kill_room(house)
    obstacle.rmdir()
    assert not (house.room_folder / "refused").exists()
    assert house.spooled_blocks(recording)
    house.start_room(connected=False)
    house.room.kill()
    room = house.start_room()
    assert_shows(room, MeetingState.REFUSED)
    assert_refused(house, room, recording)
    room.press("start")
    room.press("mark")
    room.await_happening("pressed", 2)
    assert_never_recorded(house, room)


def assert_refused(house: House, room: Watched, recording: str) -> None:
    """Nothing is left of it but both receipts."""
    until("receipts", (house.room_folder / "receipts" / f"{recording}.purged").exists)
    assert house.archived(recording).keys() == {"preamble", "manifest", "origin", "purged", "receipt"}
    assert house.verified(recording).state is State.REFUSED
    until("end of its place in the spool", lambda: house.spool(recording) == set())
    assert house.hold_key == NO_KEY
    room.await_state("refused")
    assert not room.happened("opened")


def test_the_power_is_cut_in_a_release(house: House) -> None:
    """What was decided is completed: the grace period was over, and the light dark.

    The card does not take the keybox here: only the hold knows.
    """
    room = house.start_room()
    recording = house.begin(blocks=1)
    house.end()
    obstacle = house.room_folder / "spool" / recording / "keybox.tmp"
    obstacle.mkdir()
    room.wait_for("fault", lambda it: it.report is not None and it.report.status.fault, 40)
    assert house.hold_file.read_bytes()[STATE_AT] == COMMITTED
    kill_room(house)
    obstacle.rmdir()
    assert "keybox" not in house.spool(recording)
    room = house.start_room()
    assert_shows(room, MeetingState.IDLE)
    house.await_signed(recording)
    report = house.verified(recording)
    assert (report.state, report.ended, report.keybox) == (State.WHOLE, "stop", KeyboxState.PRESENT)
    assert house.opened(recording).stat().st_size > 1_000
    assert house.hold_key == NO_KEY
    assert_never_recorded(house, room)


def test_the_power_is_cut_and_the_battery_is_empty(house: House) -> None:
    """What was recorded arrives whole, says so, and opens for nobody; the room goes on, and says what to do."""
    house.start_room()
    recording = house.begin(blocks=2)
    blocks = kill_room(house)
    house.hold_file.write_bytes(os.urandom(SLOT_BYTES))
    room = house.start_room()
    assert_shows(room, MeetingState.IDLE)
    assert "lost" in room.reports[0].status.faults, "and it says so till the next meeting"
    assert house.log().count("replace the battery") == 2
    house.await_signed(recording)
    report = house.verified(recording)
    assert (report.state, report.ended, report.keybox) == (State.WHOLE, "power_loss", KeyboxState.NONE)
    assert blocks.items() <= house.archived_blocks(recording).items()
    with pytest.raises(SealedError):
        house.opened(recording)
    assert_never_recorded(house, room)


def test_a_room_without_its_chip_does_not_start(house: House) -> None:
    house.hold_file.unlink()
    ended: subprocess.CompletedProcess[str] = recorder("room", "--config", house.folder / "room.toml")
    assert ended.returncode == 2
    assert "there is no clock chip" in ended.stderr.splitlines()[-1]

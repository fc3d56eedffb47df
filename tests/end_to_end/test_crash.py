"""The room's daemon dies, with and without the power. The capture dies with it; the client is asked again."""

import pytest

from recorder.errors import SealedError
from recorder.sealed.verify import KeyboxState, State
from tests.end_to_end.conftest import MakeHouse
from tests.end_to_end.house import House, Watched, alive, until

NO_KEY = bytes(32)


def kill_room(house: House) -> dict[str, bytes]:
    """SIGKILL the daemon: its capture is gone at once, and nobody listens. What lies in the spool then."""
    capture = house.capture_pid()
    house.room.kill()
    if capture is not None:
        until("end of the capture process", lambda: not alive(capture), 2.0)
    house.await_silence()
    recording = house.room.happened("begun")[-1].recording
    return house.spooled_blocks(recording)


def assert_asked_again_and_kept(house: House, room: Watched, recording: str, blocks: dict[str, bytes]) -> None:
    """After a restart: the grace period anew, then kept as `power_loss`, with every block that was in the spool."""
    assert room.happened("state")[0].detail == "grace"
    house.await_signed(recording)
    report = house.verified(recording)
    assert (report.state, report.ended, report.keybox) == (State.WHOLE, "power_loss", KeyboxState.PRESENT)
    assert blocks.items() <= house.archived_blocks(recording).items()
    assert report.blocks == len(house.archived_blocks(recording))
    assert house.opened(recording).stat().st_size > 1_000
    house.until_forgotten(recording)
    assert house.hold_key == NO_KEY
    assert_never_recorded(house, room)


def assert_never_recorded(house: House, room: Watched) -> None:
    """A restart leads to no recording by itself (R1)."""
    assert not room.happened("opened") and not room.happened("begun")
    assert house.capture_pid() is None and house.stage.listeners() == 0


def test_the_daemon_is_killed_while_recording(house: House) -> None:
    """Promise 4: SIGKILL in the middle: no capture outlives it, what was sealed is kept, recording does not resume."""
    house.start_room()
    recording = house.begin(blocks=2)
    blocks = kill_room(house)
    assert len(blocks) >= 2 and house.hold_key != NO_KEY
    assert_asked_again_and_kept(house, house.start_room(), recording, blocks)
    # And the room is of use again.
    after = house.begin(blocks=1)
    house.end()
    house.await_signed(after)
    assert house.verified(after).preamble.sequence == 2


def test_the_power_is_cut_while_recording(house: House) -> None:
    """Promise 2: hold gone with the power: what was recorded arrives whole, says so, and opens for nobody."""
    house.start_room()
    recording = house.begin(blocks=2)
    blocks = kill_room(house)
    house.hold_file.unlink()
    room = house.start_room()
    house.await_signed(recording)
    assert room.happened("state")[0].detail == "idle"
    assert "lost" in room.reports[0].status.faults, "and it says so till the next meeting"
    report = house.verified(recording)
    assert (report.state, report.ended, report.keybox) == (State.WHOLE, "power_loss", KeyboxState.NONE)
    assert blocks.items() <= house.archived_blocks(recording).items()
    assert "keybox" not in house.archived(recording)
    with pytest.raises(SealedError):
        house.opened(recording)
    assert_never_recorded(house, room)


def test_the_daemon_is_killed_in_the_grace_period(make_house: MakeHouse) -> None:
    """Promise 2: killed while the client may still refuse: the time begins anew, and a no then is as final as ever."""
    house = make_house({"meeting": {"grace_seconds": 3.0}})
    house.start_room()
    recording = house.begin(blocks=1)
    house.end()
    until("blocks at the archive", lambda: house.archived_blocks(recording))
    kill_room(house)
    assert "keybox" not in house.archived(recording) and house.hold_key != NO_KEY
    room = house.start_room()
    assert room.happened("state")[0].detail == "grace"
    room.press("refuse")
    room.wait_for("purge", lambda it: it.happened("purged", recording), 40)
    assert house.archived(recording).keys() == {"preamble", "manifest", "origin", "purged", "receipt"}
    assert house.verified(recording).state is State.REFUSED
    assert house.hold_key == NO_KEY
    assert_never_recorded(house, room)


def test_the_daemon_is_killed_right_after_a_no(house: House) -> None:
    """Promise 2: killed as soon as the key is erased: the refusal is completed at the next start, and start is dead."""
    house.start_room()
    recording = house.begin(blocks=2)
    until("blocks at the archive", lambda: house.archived_blocks(recording))
    house.room.press("refuse")
    until("erasure", lambda: house.hold_key == NO_KEY)
    house.room.kill()
    house.await_silence()
    room = house.start_room()
    room.wait_for("purge", lambda it: it.happened("purged", recording), 40)
    assert house.archived(recording).keys() == {"preamble", "manifest", "origin", "purged", "receipt"}
    assert house.verified(recording).state is State.REFUSED
    assert house.spool(recording) == set() and house.hold_key == NO_KEY
    assert (house.room_folder / "receipts" / f"{recording}.purged").exists()
    assert room.state == "refused", "only the client lifts a no"
    room.press("start")
    room.press("mark")
    room.await_happening("pressed", 2)
    assert_never_recorded(house, room)

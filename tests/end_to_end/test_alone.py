"""A second process on the settings of a room that runs: it must leave the first one's meeting alone."""

from tests.end_to_end.house import House, recorder
from tests.end_to_end.test_refusal import NO_KEY, assert_nothing_is_left


def test_a_room_is_served_by_one_process_and_its_no_counts(house: House) -> None:
    """Promise 2: taken for a meeting that was cut off, it would be released a grace period later, whatever its client says."""
    room = house.start_room()
    recording = house.begin(blocks=2)
    card = sorted(house.room_folder.rglob("*"))
    key = house.hold_key
    second = recorder("room", "--config", house.folder / "room.toml", "--report")
    assert second.returncode == 2
    assert f"this room runs already (process {room.process.pid})" in second.stderr
    assert second.stdout == "", "it got as far as a report"
    assert set(card) <= set(house.room_folder.rglob("*"))
    assert house.hold_key == key != NO_KEY
    house.await_sealed(recording, len(room.happened("sealed", recording)) + 1)
    room.press("refuse")
    room.wait_for("purge", lambda it: it.happened("purged", recording), 40)
    house.until_forgotten(recording)
    assert_nothing_is_left(house, recording)


def test_a_room_that_was_killed_is_served_anew(house: House) -> None:
    """The capture process and the guard, which may outlive it by a moment, do not hold its lock."""
    room = house.start_room()
    recording = house.begin(blocks=2)
    room.kill()
    again = house.start_room()
    again.await_happening("signed")
    assert again.happened("signed")[0].recording == recording

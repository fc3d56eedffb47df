"""What was recorded is kept, whatever happens to the road: the broker, the archive, and their certificates."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from recorder.fleet.authority import CERTIFICATE_DAYS, Authority
from recorder.sealed.verify import KeyboxState, State
from recorder.trial import machines
from recorder.trial.broker import Broker
from tests.end_to_end.conftest import MakeHouse
from tests.end_to_end.house import House, until
from tests.rumqttd import Rumqttd


@pytest.fixture(params=[Broker, Rumqttd])
def house_of_each(request: pytest.FixtureRequest, make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> House:
    """With each broker that we have."""
    monkeypatch.setattr(machines, "Broker", request.param)
    return make_house()


def assert_arrived_whole(house: House, recording: str) -> None:
    """Every block that the room sealed is at the archive, once, and the room has forgotten it."""
    house.await_signed(recording)
    report = house.verified(recording)
    assert (report.state, report.flaw, report.keybox) == (State.WHOLE, None, KeyboxState.PRESENT)
    assert report.ended == "stop" and report.final
    sealed = [int(happening.detail) for happening in house.room.happened("sealed", recording)]
    assert sealed == list(range(report.blocks)) and sealed
    house.until_forgotten(recording)
    assert house.opened(recording).stat().st_size > 1_000
    assert not (house.archive_folder / "objects" / "conflicts").exists()


def test_a_meeting_without_a_broker(house_of_each: House) -> None:
    """Promise 4: no broker when the room starts, none while it records: kept here, and all of it arrives later."""
    house = house_of_each
    house.broker.kill()
    room = house.start_room(connected=False)
    recording = house.begin(blocks=2)
    house.end()
    room.await_happening("released")
    assert {"preamble", "manifest", "keybox", "block-00000000", "block-00000001"} <= house.spool(recording)
    assert room.report is not None and not room.report.connected and "does not answer" in room.report.alarm
    assert house.archived(recording) == {}
    house.broker.start()
    assert_arrived_whole(house, recording)


def test_the_broker_dies_in_the_middle(house_of_each: House) -> None:
    """Promise 4: SIGKILL of the broker while it carries blocks; what it acknowledged but lost comes again."""
    house = house_of_each
    house.start_room()
    recording = house.begin(blocks=2)
    until("a block at the archive", lambda: house.archived_blocks(recording))
    house.broker.kill()
    house.await_sealed(recording, 4)
    house.broker.start()
    house.await_sealed(recording, 5)
    house.end()
    assert_arrived_whole(house, recording)


def test_the_archive_dies_in_the_middle(house: House) -> None:
    """Promise 4: SIGKILL of the intake while it stores; the broker's acknowledgement forgets nothing on the device."""
    house.start_room()
    recording = house.begin(blocks=2)
    until("a block at the archive", lambda: house.archived_blocks(recording))
    house.stop_archive(kill=True)
    there = house.archived_blocks(recording)
    house.await_sealed(recording, 4)
    assert set(house.spooled_blocks(recording)) - set(there), "nothing was on the road: this test shows nothing"
    house.start_archive()
    house.end()
    assert_arrived_whole(house, recording)
    assert there.items() <= house.archived_blocks(recording).items()


def expired(house: House) -> None:
    Authority.open(house.folder / "authority").enrol_broker(
        house.folder / "other", now=datetime.now(UTC) - timedelta(days=CERTIFICATE_DAYS + 1)
    )


def foreign(house: House) -> None:
    Authority.create(house.folder / "others-authority").enrol_broker(house.folder / "other")


@pytest.mark.parametrize(("issue", "says"), [(expired, "has expired"), (foreign, "not of our authority")])
def test_a_broker_that_is_not_ours(house: House, issue: Callable[[House], None], says: str) -> None:
    """Promise 3: an expired or foreign broker is told nothing; the room says why, records on, and delivers later."""
    issue(house)
    keys = house.folder / "broker" / "keys"
    house.broker.kill()
    shutil.copytree(keys, house.folder / "right-keys")
    for name in ("tls.pem", "tls.key"):
        shutil.copyfile(house.folder / "other" / name, keys / name)
    house.broker.start()
    room = house.start_room(connected=False)
    room.wait_for("alarm", lambda it: it.report is not None and says in it.report.alarm, 40)
    assert "the broker's certificate is not of our authority, or has ended" in house.log()
    assert "Traceback" not in house.log()
    recording = house.begin(blocks=1)
    house.end()
    room.await_happening("released")
    assert "room-1" not in house.broker.log, "a room that does not believe the broker said its name to it"
    assert {"preamble", "manifest", "keybox", "block-00000000"} <= house.spool(recording)
    house.broker.kill()
    shutil.copytree(house.folder / "right-keys", keys, dirs_exist_ok=True)
    house.broker.start()
    assert_arrived_whole(house, recording)
    room.wait_for("end of the alarm", lambda it: it.report is not None and it.report.alarm == "", 40)

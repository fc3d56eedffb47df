"""The client's no, in every state, with and without a network."""

import time
from io import BytesIO

from recorder import keyfiles
from recorder.meeting.presses import SAME_NO_SECONDS
from recorder.sealed.layout import hash_body
from recorder.sealed.verify import KeyboxState, State, verify
from recorder.wire.receipt import Receipt
from recorder.wire.records import parse_record
from tests.end_to_end.conftest import MakeHouse
from tests.end_to_end.house import House, until

NO_KEY = bytes(32)


def assert_nothing_is_left(house: House, recording: str) -> None:
    """Of a refused meeting: what tells of it, on both sides the same, and not one block or key."""
    assert house.archived(recording).keys() == {"preamble", "manifest", "origin", "purged", "receipt"}
    assert house.spool(recording) == set()
    assert house.hold_key == NO_KEY
    receipts = house.room_folder / "receipts"
    ours = (receipts / f"{recording}.sealed").read_bytes()
    archive_key = keyfiles.load_device_public(house.room_folder / "keys" / "archive.pub")
    theirs = Receipt.verify((receipts / f"{recording}.purged").read_bytes(), archive_key, "room-1")
    assert recording in {purged.recording for purged in theirs.purged}
    assert ours == house.sealed(recording)
    told = house.receipt(recording)
    assert (told.outcome, told.recording, told.state, told.answers.no) == ("refused", None, "refused", 1)
    assert (receipts / f"{recording}.receipt").read_bytes() == house.archived(recording)["receipt"]
    report = verify(BytesIO(ours), [keyfiles.load_device_public(house.device_key)])
    assert (report.state, report.blocks, report.ticks, report.keybox) == (State.REFUSED, 0, 0, KeyboxState.NONE)
    assert "refused" in {event.name for event in report.events}


def lift(house: House) -> None:
    time.sleep(2 * SAME_NO_SECONDS)  # or it would be the same no
    house.room.press("lift")
    house.room.await_state("idle")


def refuse(house: House) -> str:
    """Press, and wait until the archive has signed for the purge; the recording's id."""
    before = len(house.room.happened("refused"))
    house.room.press("refuse")
    recording = house.room.await_happening("refused", before + 1).recording
    house.room.wait_for("purge", lambda it: it.happened("purged", recording), 40)
    return recording


def test_a_no_wins_in_every_state(make_house: MakeHouse) -> None:
    """Promise 2: refused in idle, in the notice, while recording and in the grace period: each time nothing is left."""
    house = make_house({"meeting": {"notice_seconds": 1.0, "grace_seconds": 2.0}})
    room = house.start_room()
    refused = [refuse(house)]
    opened = len(room.happened("opened"))
    room.press("start")  # dead: the client has not lifted the no
    lift(house)

    room.press("start")
    room.await_state("notice")
    refused.append(refuse(house))
    assert len(room.happened("opened")) == opened == 0
    assert house.capture_pid() is None
    lift(house)

    recording = house.begin(blocks=2)
    assert house.capture_pid() is not None
    refused.append(refuse(house))
    assert refused[-1] == recording
    assert house.capture_pid() is None
    house.await_silence()
    lift(house)

    recording = house.begin(blocks=2)
    house.end()
    assert house.hold_key != NO_KEY
    refused.append(refuse(house))
    assert refused[-1] == recording
    lift(house)

    kept = house.begin(blocks=1)
    house.end()
    house.await_signed(kept)
    assert len(set(refused)) == 4
    for each in refused:
        assert_nothing_is_left(house, each)
    # Promise 5: a chain in which each names the one before it, the refused ones too; so none can be taken away unseen.
    reports = [house.verified(each) for each in [*refused, kept]]
    assert [report.preamble.sequence for report in reports] == [1, 2, 3, 4, 5]
    manifests = [house.archived(each)["manifest"] for each in [*refused, kept]]
    hashes = [hash_body(parse_record(manifest)[1]) for manifest in manifests]
    assert [report.preamble.previous for report in reports] == ["00" * 32, *(each.hex() for each in hashes[:-1])]
    assert reports[-1].state is State.WHOLE and reports[-1].keybox is KeyboxState.PRESENT
    receipts = [house.receipt(each) for each in [*refused, kept]]
    assert [receipt.sequence for receipt in receipts] == [1, 2, 3, 4, 5]
    hashes = [hash_body(parse_record(house.archived(each)["receipt"])[1]) for each in [*refused, kept]]
    assert [receipt.previous for receipt in receipts] == ["00" * 32, *(each.hex() for each in hashes[:-1])]
    assert (receipts[-1].outcome, receipts[-1].state, receipts[-1].recording) == ("kept", "notice_given", kept)
    assert "the chain of receipts" not in house.archive_log()
    assert not room.dark_while_open()


def test_a_no_without_a_network_is_carried_out_at_once(house: House) -> None:
    """Promise 2: refused with the broker dead: gone from the device at once, and from the archive once it can hear it."""
    room = house.start_room()
    recording = house.begin(blocks=3)
    until("blocks at the archive", lambda: house.archived_blocks(recording))
    house.broker.kill()
    house.await_sealed(recording, len(room.happened("sealed", recording)) + 1)
    pid = house.capture_pid()
    room.press("refuse")
    room.await_happening("refused")
    assert pid is not None and pid != house.capture_pid()
    assert house.hold_key == NO_KEY
    assert house.spool(recording) == {"preamble", "journal", "manifest", "receipt"}
    assert house.archived_blocks(recording), "the archive cannot know yet; else this test shows nothing"
    room.press("start")  # dead
    house.broker.start()
    room.wait_for("purge", lambda it: it.happened("purged", recording), 40)
    assert_nothing_is_left(house, recording)
    assert room.state == "refused" and not room.happened("released")
    assert len(room.happened("begun")) == 1
    lift(house)
    after = house.begin(blocks=1)
    house.end()
    house.await_signed(after)
    assert house.verified(after).state is State.WHOLE

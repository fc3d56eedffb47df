"""The intake as a process, with a real broker and real certificates: what dies, and what may not get in."""

import signal
import socket
import ssl
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recorder.archive.catalogue import Catalogue, Counts
from recorder.archive.certificate import Certificate
from recorder.archive.deletions import Deletions, Listed
from recorder.archive.retention import Cause
from recorder.fleet.authority import Authority
from recorder.keyfiles import load_device_public
from recorder.sealed.verify import State, verify
from recorder.trial.broker import Broker
from recorder.wire.receipt import Purged
from recorder.wire.upload import Upload
from tests.archive.site import SECONDS_MAX, Device, Site
from tests.rooms import RECIPIENT, WALL_MS, Recording, Room
from tests.rumqttd import Rumqttd


@pytest.fixture(scope="module", params=[Broker, Rumqttd])
def shared(request, tmp_path_factory):
    """One site for the tests that break nothing."""
    yield from running(Site(tmp_path_factory.mktemp("site"), broker=request.param))


@pytest.fixture(scope="module")
def gated(tmp_path_factory):
    """On a broker that has a gate."""
    yield from running(Site(tmp_path_factory.mktemp("gated")))


@pytest.fixture(params=[Broker, Rumqttd])
def site(request, tmp_path):
    yield from running(Site(tmp_path, broker=request.param))


def running(site: Site):
    site.broker.start()
    site.start_archive()
    yield site
    site.close()


@pytest.fixture
def device(shared):
    device = Device(shared, "room-1")
    assert device.connect()
    yield device
    device.close()


def assert_whole(site: Site, recording: Recording, room: Room) -> None:
    file = site.folder / f"{recording.id}.sealed"
    site.command("export", recording.id, "-o", str(file))
    with file.open("rb") as stream:
        assert verify(stream, [room.public_key]).state is State.WHOLE
    assert file.read_bytes() == b"".join(upload.record for upload in recording.kept)


def test_a_recording_arrives_is_signed_for_and_comes_out_whole(shared, device):
    recording = device.room.record(50)
    device.deliver(*recording.kept, recording.receipt)
    assert device.stored == {upload.name for upload in (*recording.kept, recording.receipt)}
    assert_whole(shared, recording, device.room)
    file = shared.folder / f"{recording.id}.receipt"
    shared.command("receipt", recording.id, "-o", str(file))
    assert file.read_bytes() == recording.receipt.record


def test_duplicates_are_receipted_again_and_stored_once(shared, device):
    recording = device.room.record(5)
    device.deliver(*recording.kept)
    before = shared.records(recording)
    device.stored.clear()
    device.deliver(*recording.kept[1:])
    device.deliver(recording.preamble)
    assert shared.records(recording) == before


def test_a_conflict_is_kept_beside_and_rejected(shared, device):
    recording = device.room.record(3)
    again = device.room.record(3, ident=recording.id)
    device.deliver(*recording.kept)
    device.send(again.preamble, again.blocks[1])
    device.wait(lambda device: len(device.rejected) == 2)
    assert [(each.type, each.index) for each in device.rejected] == [("preamble", 0), ("block", 1)]
    assert shared.records(recording)[recording.blocks[1].name] == recording.blocks[1].record
    beside = shared.folder / "archive/objects/conflicts" / recording.id / "blocks/block-00000001"
    assert [path.read_bytes() for path in beside.iterdir()] == [again.blocks[1].record]


def test_a_refusal_purges_and_late_blocks_hear_of_it(shared, device):
    recording = device.room.record(6)
    device.deliver(recording.preamble, *recording.blocks[:4])
    device.deliver(recording.refusal)
    order = Purged(recording.id, recording.refusal.content.hex())
    device.wait(lambda device: device.purged)
    assert device.purged == [order]
    device.send(*recording.blocks[4:])
    device.wait(lambda device: len(device.purged) > 1)
    told = len(device.purged)
    device.deliver(recording.refusal_receipt)
    device.wait(lambda device: len(device.purged) > told)
    assert set(device.purged) == {order}
    left = (recording.preamble, recording.refusal, recording.refusal_receipt)
    assert set(shared.names(recording)) == {upload.name for upload in left}
    assert shared.others(recording) == {"origin", "purged"}


def test_garbage_is_refused_and_the_next_recording_still_arrives(shared, device):
    recording = device.room.record(2)
    payload = bytes(recording.blocks[0])
    for garbage in (b"", b"WHU1", payload[:70], payload[:-1], b"\xff" * 5_000, payload[:-1] + b"?"):
        device.publish(str(recording.topic), garbage)
    device.publish("rec/v1/room-1/up/nothing", payload)
    device.publish("rec/v1/room-1/up/" + "0" * 32, payload)
    device.deliver(*recording.kept)
    assert_whole(shared, recording, device.room)
    assert not (shared.folder / "archive/objects" / ("0" * 32)).exists()


def test_many_rooms_at_once_get_each_its_own(shared):
    devices = [Device(shared, name) for name in shared.rooms]
    recordings = [device.room.record(40) for device in devices]
    threads = [
        threading.Thread(target=device.deliver, args=recording.kept)
        for device, recording in zip(devices, recordings, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for device, recording in zip(devices, recordings, strict=True):
        device.close()
        assert device.strange == []
        assert device.stored == {upload.name for upload in recording.kept}
        assert_whole(shared, recording, device.room)


class TestWhoMayNot:
    """Besides whom the broker keeps out: tests/archive/broker_contract.py."""

    def test_an_expired_certificate(self, gated, tmp_path):
        long_ago = datetime.now(UTC) - timedelta(days=3_000)
        gated.authority.enrol_room("expired", tmp_path / "room", [gated.folder / "reader.pub"], now=long_ago)
        assert Device(gated, "expired", tmp_path / "room" / "keys").connect() is False

    def test_a_broker_of_another_authority(self, gated, tmp_path):
        Authority.create(tmp_path / "authority")
        context = ssl.create_default_context(cafile=str(tmp_path / "authority" / "ca.pem"))
        with (
            socket.create_connection(("localhost", gated.broker.port), timeout=SECONDS_MAX) as plain,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(plain, server_hostname="localhost")

    def test_a_device_that_has_a_certificate_but_was_not_enrolled(self, gated, tmp_path):
        gated.authority.enrol_room("stranger", tmp_path / "room", [gated.folder / "reader.pub"])
        stranger = Device(gated, "stranger", tmp_path / "room" / "keys")
        assert stranger.connect()
        recording = Room("stranger").record(1)
        stranger.send(*recording.kept)
        stranger.wait(lambda device: len(device.rejected) == len(recording.kept))
        assert stranger.stored == set()
        assert not (gated.folder / "archive/objects" / recording.id).exists()
        stranger.close()


def deliver_in_background(device: Device, *parts: tuple[Upload, ...]) -> tuple[threading.Thread, list[Exception]]:
    """Deliver one part after the other."""
    flaws: list[Exception] = []

    def deliver() -> None:
        try:
            for uploads in parts:
                device.deliver(*uploads)
        except Exception as error:  # noqa: BLE001 - shown by the test
            flaws.append(error)

    thread = threading.Thread(target=deliver)
    thread.start()
    return thread, flaws


def wait_for_items(site: Site, recording: Recording, number: int) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while len(site.names(recording)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def check_everything_arrived(site: Site, device: Device, recording: Recording, background) -> None:
    thread, flaws = background
    thread.join()
    device.close()
    assert flaws == []
    assert device.stored == {upload.name for upload in recording.kept}
    # What was on the road when the archive died comes to the next one before the preamble does, of which it may know nothing.
    assert {each.reason for each in device.rejected} <= {"send the preamble first"}
    assert site.records(recording) == {upload.name: upload.record for upload in recording.kept}
    assert site.others(recording) == {"origin", "came"}
    assert_whole(site, recording, device.room)
    assert not (site.folder / "archive" / "objects" / "conflicts").exists()


def test_the_archive_is_killed_and_started_again(site):
    device = Device(site, "room-1")
    recording = device.room.record(1_500)
    background = deliver_in_background(device, recording.kept)
    for number in (50, 400):
        wait_for_items(site, recording, number)
        assert site.end_archive(signal.SIGKILL) == -signal.SIGKILL
        receipted = set(device.stored)
        there = site.records(recording)
        for upload in recording.kept:
            if upload.name in receipted:
                assert there[upload.name] == upload.record
        site.start_archive()
    check_everything_arrived(site, device, recording, background)


def test_what_a_backup_brought_back_is_deleted_before_anything_is_served(gated):
    device = Device(gated, "room-1")
    assert device.connect()
    recording, other = device.room.record(3), device.room.record(3)
    for each in (recording, other):
        device.deliver(*each.kept, each.receipt)
    gated.end_archive(signal.SIGTERM)
    # As after a restore: the list is newer than objects and catalogue.
    Deletions(gated.folder / "archive" / "deletions").note(recording.id, Listed(WALL_MS, Cause.CLIENT))
    gated.start_archive()
    assert gated.names(recording) == [recording.receipt.name]
    assert gated.others(recording) == {"origin", "deleted"}
    file = gated.folder / "certificate"
    gated.command("certificate", recording.id, "-o", str(file))
    key = load_device_public(gated.folder / "authority" / "archive.pub")
    assert Certificate.verify(file.read_bytes(), key).deletion.decided_ms == WALL_MS
    assert_whole(gated, other, device.room)
    before = len(device.rejected)
    device.stored.clear()
    device.deliver(recording.preamble, recording.blocks[1])  # its receipts were lost: it has them again, and forgets
    assert len(device.rejected) == before
    assert gated.names(recording) == [recording.receipt.name]
    device.close()


def written(process: subprocess.Popen[str]) -> int:
    """Bytes that it wrote so far, wherever."""
    told = Path(f"/proc/{process.pid}/io").read_text()
    return int(told.partition("wchar: ")[2].split()[0])


def test_of_two_intakes_at_one_archive_one_is_killed(site):
    helper = site.start_helper()
    devices = [Device(site, name) for name in site.rooms]
    recordings = [device.room.record(1_000) for device in devices]
    at_start = [written(process) for process in (site.archive, helper)]
    background = [  # in parts, as a room sends: what waited for a receipt may come to the other intake
        deliver_in_background(
            device, (recording.preamble,), (*recording.blocks, recording.manifest), (recording.keybox,)
        )
        for device, recording in zip(devices, recordings, strict=True)
    ]
    wait_for_items(site, recordings[0], 300)
    taken = [written(process) - before for process, before in zip((site.archive, helper), at_start, strict=True)]
    assert min(taken) > 10_000, "only one of them had any work, so this shows nothing"
    assert site.end_archive(signal.SIGKILL) == -signal.SIGKILL
    for each in zip(devices, recordings, background, strict=True):
        check_everything_arrived(site, *each)
    helper.terminate()
    assert helper.wait(SECONDS_MAX) == 0
    catalogue = Catalogue(f"sqlite:///{site.folder / 'archive' / 'catalogue.sqlite'}")
    with catalogue.write() as writing:
        assert writing.counts() == Counts(devices=2, kept=2, open=0, refused=0, beside=0)
        for recording in recordings:
            told = {upload.name: upload.content for upload in recording.kept}
            assert writing.contents([recording.id]) == {recording.id: told}
    catalogue.close()


def test_the_broker_is_killed_and_started_again(site):
    device = Device(site, "room-1")
    recording = device.room.record(1_500)
    background = deliver_in_background(device, recording.kept)
    for number in (50, 400):
        wait_for_items(site, recording, number)
        site.broker.kill()
        site.broker.start()
    check_everything_arrived(site, device, recording, background)
    assert site.end_archive(signal.SIGTERM) == 0


def test_told_to_end_it_finishes_what_arrived(site):
    device = Device(site, "room-1")
    assert device.connect()
    recording = device.room.record(300)
    device.send(*recording.kept)
    wait_for_items(site, recording, 20)
    assert site.end_archive(signal.SIGTERM) == 0
    there = site.names(recording)
    while device.listen(0.5):
        pass
    # Everything that is there was signed for: nothing was dropped between the store and the receipt.
    assert device.stored == set(there)
    assert "ended: " in site.log
    device.close()


def test_it_waits_for_a_broker_that_is_not_there_yet(tmp_path):
    site = Site(tmp_path)
    starter = threading.Thread(target=site.start_archive)
    starter.start()
    deadline = time.monotonic() + SECONDS_MAX
    while "not connected" not in (
        (tmp_path / "archive.log").read_text() if (tmp_path / "archive.log").exists() else ""
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    site.broker.start()
    starter.join()
    device = Device(site, "room-1")
    recording = device.room.record(2)
    device.deliver(*recording.kept)
    device.close()
    site.close()
    assert RECIPIENT.public.key_id.hex() not in site.log


def test_a_full_inbox_makes_the_road_wait_and_loses_nothing(tmp_path):
    site = Site(tmp_path)
    site.config.write_text(site.config.read_text() + "queue_items = 4\nbatch_items = 2\n")
    site.broker.start()
    site.start_archive()
    device = Device(site, "room-1")
    recording = device.room.record(200)
    device.deliver(*recording.kept)
    assert_whole(site, recording, device.room)
    device.close()
    site.close()


def test_a_disk_that_fails_ends_the_archive_with_a_word_and_signs_for_nothing(site):
    device = Device(site, "room-1")
    assert device.connect()
    recording = device.room.record(3)
    (site.folder / "archive" / "objects" / recording.id).write_text("in the way")
    device.send(recording.preamble)
    assert site.archive.wait(SECONDS_MAX) == 2
    assert "objects cannot be kept" in site.log
    assert device.listen(0.5) is False
    device.close()
    (site.folder / "archive" / "objects" / recording.id).unlink()
    site.archive.stdout.close()
    site.start_archive()
    device.deliver(*recording.kept)
    device.close()

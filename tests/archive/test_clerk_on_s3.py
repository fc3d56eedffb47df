"""The clerk and the rebuild on S3: what their tests ask of the store, asked of the other one too."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from recorder.archive.s3 import S3Store
from recorder.errors import StoreError
from tests.archive import test_clerk
from tests.archive.ceph import Ceph
from tests.archive.databases import SqliteFile
from tests.archive.relay import Relay
from tests.archive.test_clerk import ROOM, Archive, every, recording, timeless
from tests.archive.test_s3 import impatience

__all__ = ["recording"]  # a fixture


@pytest.fixture
def archive(ceph: Ceph, tmp_path: Path) -> Iterator[Archive]:
    bucket = ceph.bucket()
    archive = Archive(tmp_path, SqliteFile(tmp_path), lambda: S3Store.make(bucket))
    yield archive
    archive.catalogue.close()


test_what_is_signed_for_is_there_and_verifies = test_clerk.test_what_is_signed_for_is_there_and_verifies
test_a_batch_answers_each_device_with_its_own = test_clerk.test_a_batch_answers_each_device_with_its_own
test_a_crash_at_any_step = test_clerk.test_a_crash_at_any_step_loses_nothing_signed_for
test_a_restart_finishes_a_purge_by_itself = test_clerk.test_a_restart_finishes_a_purge_by_itself
test_what_a_crash_left_is_first = test_clerk.test_what_a_crash_left_is_first_even_if_something_else_comes_after
test_a_crash_that_left_the_origin_alone = test_clerk.test_a_crash_that_left_the_origin_alone_stops_nothing
test_two_clerks_at_one_archive_agree = test_clerk.test_two_clerks_at_one_archive_agree


class TestConflictAndRefusal:
    test_both_are_kept_and_the_first_stays = test_clerk.TestConflict.test_both_are_kept_and_the_first_stays
    test_blocks_are_gone_and_it_is_signed_for = test_clerk.TestRefusal.test_blocks_are_gone_and_it_is_signed_for
    test_the_archive_keeps_its_own_receipt = test_clerk.TestRefusal.test_the_archive_keeps_its_own_receipt
    test_what_came_back_is_purged_again = test_clerk.TestRefusal.test_what_came_back_out_of_a_backup_is_purged_again


@pytest.mark.parametrize("portion", [0.1, 0.5, 0.9])
def test_a_gateway_that_dies_within_a_batch_loses_nothing_signed_for(
    ceph: Ceph, tmp_path: Path, portion: float
) -> None:
    """Killed once that portion of a meeting's bytes has gone to it; then the room sends everything again."""
    meeting, bucket = ROOM.record(8), ceph.bucket()
    with Relay(ceph.port) as relay:
        archive = Archive(
            tmp_path,
            SqliteFile(tmp_path),
            lambda: S3Store.make(replace(bucket, endpoint=f"http://127.0.0.1:{relay.port}")),
        )
        with impatience():
            archive.open()
        with ceph.failing() as gateway:
            relay.at(int(portion * sum(len(upload.record) for upload in meeting.kept)), gateway.kill)
            with pytest.raises(StoreError):
                archive.send(meeting, *meeting.kept)
        assert archive.dump()["items"] == []
        archive.reopen()
        assert archive.send(meeting, *meeting.kept).stored(meeting.kept) == every(meeting.kept)
        assert archive.state(meeting) == "kept"
        assert timeless(archive.dump()) == timeless(archive.rebuilt())
        archive.catalogue.close()

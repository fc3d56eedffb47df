"""Deletion on S3: what its tests ask of the store, asked of the other one too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.archive.s3 import S3Store
from tests.archive import test_deletion
from tests.archive.ceph import Ceph
from tests.archive.databases import SqliteFile
from tests.archive.test_deletion import Site, recording

__all__ = ["recording"]  # a fixture


@pytest.fixture
def site(ceph: Ceph, tmp_path: Path) -> Iterator[Site]:
    bucket = ceph.bucket()
    site = Site(tmp_path, SqliteFile(tmp_path), lambda: S3Store.make(bucket))
    yield site
    site.catalogue.close()


test_the_order_holds_at_every_step = test_deletion.test_the_order_holds_at_every_step
test_a_crash_while_it_is_finished = test_deletion.test_a_crash_while_it_is_finished_is_finished_too


class TestDeletion:
    test_nothing_is_left = (
        test_deletion.TestDeletion.test_nothing_is_left_but_whose_it_was_its_receipt_and_the_certificate
    )
    test_what_lies_beside_goes_too = test_deletion.TestDeletion.test_what_lies_beside_goes_too
    test_it_can_neither_be_exported_nor_heard = (
        test_deletion.TestDeletion.test_it_can_neither_be_exported_nor_heard_and_that_is_said
    )
    test_two_that_delete_at_once = test_deletion.TestDeletion.test_two_that_delete_at_once


class TestList:
    test_one_that_cannot_be_written = (
        test_deletion.TestList.test_one_that_cannot_be_written_stops_it_before_anything_is_gone
    )


def test_it_is_deleted_again_when_it_came_back(site, recording):
    test_deletion.whole(site, recording)
    objects = {name: site.store.get(name) for name in site.store.list(f"{recording.id}/")}
    site.deleter.delete(recording.id, test_deletion.Cause.TERM)
    site.store.put(objects)
    assert "keybox" in site.names(recording)
    site.reopen()
    site.assert_deleted(recording)

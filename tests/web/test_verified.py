"""What the pages tell of a recording before anybody hears it."""

import time
from types import SimpleNamespace

import pytest
from django.core.cache.backends import base, locmem

from recorder.archive.listing import rows
from recorder.archive.web.meetings.moments import Moment, moments
from recorder.archive.web.meetings.verdicts import REMEMBERED_SECONDS, verdict
from recorder.archive.web.meetings.verified import Trouble, verified
from recorder.archive.web.meetings.words import MOMENTS, TROUBLES
from recorder.audio import GapCause
from tests.web.archive import Archive, now_ms


def tamper(archive: Archive, recording: str) -> None:
    """With its manifest, in the store."""
    (file,) = [each for each in (archive.folder / "objects" / recording).rglob("*") if each.name == "manifest"]
    data = bytearray(file.read_bytes())
    data[20] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)


def test_there_is_a_word_for_everything() -> None:
    assert set(TROUBLES) == set(Trouble)
    assert {each.value for each in GapCause} <= set(MOMENTS)


def test_a_whole_recording_and_what_happened_in_it(archive: Archive) -> None:
    said = [(0.0, "notice_given"), (0.0, "yes"), (1.5, "mark"), (7.25, "prompt"), (7.5, "answer"), (8.0, "a_new_thing")]
    recording = archive.record(blocks=6, gap_after=3, said=said)
    (row,) = rows(archive.catalogue, [recording.id])
    found = verified(archive.store, archive.catalogue, row)
    assert found.whole
    assert found.receipt is not None
    assert found.receipt.answers.yes == 1
    assert moments(verdict(row)) == [
        Moment(1.5, "mark", None),
        Moment(3.0, "unplugged", 5.0),
        Moment(7.25, "prompt", None),
        Moment(7.5, "answer", None),
    ]


def test_no_receipt_is_told_from_a_recording_that_is_not_whole(archive: Archive) -> None:
    recording = archive.record(receipt=False)
    (row,) = rows(archive.catalogue, [recording.id])
    found = verified(archive.store, archive.catalogue, row)
    assert (found.trouble, found.receipt) == (Trouble.RECEIPT, None)
    assert found.report is not None


def test_one_that_was_tampered_with_is_told_so(archive: Archive) -> None:
    recording = archive.record()
    tamper(archive, recording.id)
    (row,) = rows(archive.catalogue, [recording.id])
    found = verified(archive.store, archive.catalogue, row)
    assert not found.whole
    assert found.trouble in (Trouble.ALTERED, Trouble.UNREADABLE)


def test_what_was_found_counts_for_some_minutes_and_no_longer(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = rows(archive.catalogue, [archive.record().id])
    found = verdict(row)
    assert found.whole
    tamper(archive, row.recording)
    assert verdict(row) == found
    later = time.time() + REMEMBERED_SECONDS + 1
    for module in (base, locmem):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: later))
    assert not verdict(row).whole


def test_a_receipt_that_comes_late_counts_at_once(archive: Archive) -> None:
    recording = archive.record(receipt=False)
    (row,) = rows(archive.catalogue, [recording.id])
    assert verdict(row).trouble is Trouble.RECEIPT
    archive.take(recording, [recording.receipt], now_ms())
    (row,) = rows(archive.catalogue, [recording.id])
    assert verdict(row).whole


def test_what_cannot_be_read_now_is_read_again(archive: Archive) -> None:
    (row,) = rows(archive.catalogue, [archive.record().id])
    objects = archive.folder / "objects" / row.recording
    away = objects.with_name("away")
    objects.rename(away)
    assert verdict(row).trouble is Trouble.UNREADABLE
    away.rename(objects)
    assert verdict(row).whole

"""The clerk: what is signed for is there, what was refused is not, and no crash between two steps changes that."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from io import BytesIO

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine.default import DefaultDialect

from recorder import canonical
from recorder.archive import gather as gather_module
from recorder.archive import naming
from recorder.archive.catalogue import DAY_MS, Catalogue, Counts, Lacking
from recorder.archive.clerk import Clerk, Message
from recorder.archive.export import export
from recorder.archive.export import receipt as export_receipt
from recorder.archive.folder import FolderStore
from recorder.archive.naming import Enrolment
from recorder.archive.rebuild import read_items, rebuild
from recorder.archive.store import Store
from recorder.archive.tables import CONFLICTS, ITEMS
from recorder.canonical import encode
from recorder.errors import CatalogueError, StoreError
from recorder.sealed.layout import RecordType, parse_record
from recorder.sealed.verify import Report, State, verify
from recorder.wire.consent import DOMAIN_RECEIPT, ConsentReceipt
from recorder.wire.judge import Verdict
from recorder.wire.receipt import Purged, Receipt
from recorder.wire.upload import Name, Upload
from tests.archive.databases import KINDS, SqliteFile
from tests.archive.dump import dump, row_of
from tests.rooms import WALL_MS, Recording, Room

NOW_MS = WALL_MS + 1_000
DAYS = 126
KEY = Ed25519PrivateKey.generate()
ROOM = Room("room-1")
OTHER = Room("room-2")
LEFT = ["manifest", "origin", "preamble", "purged"]
"""The objects of a refused recording."""


class Crash(BaseException):
    """The process ends here."""


class Archive:
    """Store and clerk in a folder, the catalogue in a database; `reopen` is what a restart does."""

    def __init__(self, folder, database, make_store: Callable[[], Store] | None = None):
        self.folder = folder
        self.database = database
        self.make_store = make_store or (lambda: FolderStore.make(folder / "objects"))
        self.now_ms = NOW_MS
        self.open()
        for room in (ROOM, OTHER):
            enrolment = Enrolment(room.name, room.public_key.public_bytes_raw().hex(), NOW_MS)
            with self.catalogue.write() as writing:
                writing.enrol(enrolment)
            self.store.put({naming.device(room.name): encode(enrolment)})

    def open(self) -> None:
        self.store = self.make_store()
        self.catalogue = Catalogue(self.database.url)
        self.clerk = Clerk("archive", KEY, self.store, self.catalogue, DAYS)

    def reopen(self) -> None:
        self.catalogue.close()
        self.open()
        self.clerk.resume(self.now_ms)

    def send(self, recording: Recording, *uploads: Upload, room: Room = ROOM) -> "Answer":
        batch = [Message(f"rec/v1/{room.name}/up/{recording.id}", bytes(upload)) for upload in uploads]
        self.now_ms += 10
        return Answer(self.clerk.process(self.clerk.check(batch), self.now_ms), room)

    def names(self, recording: Recording) -> list[str]:
        return [found.partition("/")[2] for found in self.store.list(f"{recording.id}/")]

    def record(self, name: Name) -> bytes:
        """What is stored under this name."""
        for found in self.store.list(f"{name.recording}/"):
            if name in naming.parse_items(found):
                return next(record for item, record in read_items(self.store, found) if item.name == name)
        raise KeyError(name)

    def conflicts(self) -> list[str]:
        return list(self.store.list(naming.CONFLICTS))

    def dump(self):
        """What the catalogue says once there is nothing left to be done."""
        while self.clerk.gather():
            pass
        return dump(self.catalogue)

    def rebuilt(self):
        again = Catalogue("sqlite://")
        rebuild(self.store, again, self.now_ms)
        return dump(again)

    def state(self, recording: Recording) -> str:
        return row_of(self.catalogue, recording.id)["state"]

    def verified(self, recording: Recording) -> Report:
        return verify(BytesIO(b"".join(export(self.store, recording.id))), [ROOM.public_key])


class Answer:
    def __init__(self, messages: Iterable[Message], room: Room):
        self.receipts = []
        for message in messages:
            assert message.topic == f"rec/v1/{room.name}/down"
            self.receipts.append(Receipt.verify(message.payload, KEY.public_key(), room.name))

    def stored(self, uploads: Iterable[Upload]) -> set[Name]:
        """Of `uploads`, what the receipts sign for, by hash."""
        have = {upload.name: upload.content for upload in uploads}
        return {name for receipt in self.receipts for stored in receipt.stored for name in stored.covered(have)}

    @property
    def purged(self) -> list[Purged]:
        return [purged for receipt in self.receipts for purged in receipt.purged]

    @property
    def rejected(self) -> list[tuple[str, str, int]]:
        return [(each.recording, each.type, each.index) for receipt in self.receipts for each in receipt.rejected]


def timeless(dump):
    """What a retry after a crash does not change: the archive's times of storing differ then from the objects'."""
    columns = {"devices": range(3), "recordings": range(14), "items": range(4)}
    return {table: [[row[column] for column in columns[table]] for row in dump[table]] for table in columns}


def asked(archive: Archive, statement: str):
    with archive.catalogue.write() as writing:
        return writing._connection.exec_driver_sql(statement).scalar()


@pytest.fixture(params=KINDS)
def archive(request, tmp_path):
    archive = Archive(tmp_path, empty_database(request, request.param, tmp_path))
    yield archive
    archive.catalogue.close()


ALONE = "SQLite's alone: PostgreSQL keeps deleted rows on its disks until it uses their place again (docs/wire.md)"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.skip(reason=ALONE))])
def sqlite_archive(tmp_path):
    archive = Archive(tmp_path, SqliteFile(tmp_path))
    yield archive
    archive.catalogue.close()


def empty_database(request, kind, folder):
    if kind == "sqlite":
        return SqliteFile(folder)
    database = request.getfixturevalue("postgresql_database")
    database.empty()
    return database


@pytest.fixture
def recording():
    return ROOM.record(4)


def every(uploads: Iterable[Upload]) -> set[Name]:
    return {upload.name for upload in uploads}


def test_what_is_signed_for_is_there_and_verifies(archive, recording):
    answer = archive.send(recording, *recording.kept)
    assert answer.stored(recording.kept) == every(recording.kept)
    assert archive.state(recording) == "kept"
    assert archive.verified(recording).state is State.WHOLE


@pytest.mark.parametrize("ident", ["/etc/apt", "..", "", "A" * 32, "0" * 31, "0" * 32 + "/x"])
def test_what_is_no_recordings_id_is_not_looked_for(archive, ident):
    with pytest.raises(StoreError, match="no recording's id"):
        export(archive.store, ident)


def test_one_by_one_is_the_same_as_at_once(archive, recording):
    for upload in recording.kept:
        assert archive.send(recording, upload).stored([upload]) == {upload.name}
    assert archive.dump() == archive.rebuilt()


def test_a_batch_answers_each_device_with_its_own(archive, recording):
    other = OTHER.record(2)
    batch = [Message(str(each.topic), bytes(upload)) for each in (recording, other) for upload in each.kept]
    messages = archive.clerk.process(archive.clerk.check(batch), NOW_MS)
    for room, each, strange in ((ROOM, recording, other), (OTHER, other, recording)):
        answer = Answer([message for message in messages if f"/{room.name}/" in message.topic], room)
        assert answer.stored(each.kept) == every(each.kept)
        assert answer.stored(strange.kept) == set()


def test_a_duplicate_is_receipted_again_and_stored_once(archive, recording):
    archive.send(recording, *recording.kept)
    before, names = archive.dump(), archive.names(recording)
    for upload in recording.kept[1:]:
        assert archive.send(recording, upload, upload).stored([upload]) == {upload.name}
    assert archive.dump() == before
    assert archive.names(recording) == names


def test_a_preamble_again_is_answered_with_everything_there(archive, recording):
    archive.send(recording, recording.preamble, *recording.blocks[:3])
    answer = archive.send(recording, recording.preamble)
    assert answer.stored(recording.kept) == every((recording.preamble, *recording.blocks[:3]))


def test_an_early_keybox_is_judged_after_its_manifest_in_a_batch(archive, recording):
    answer = archive.send(recording, recording.keybox, recording.manifest, recording.preamble)
    assert recording.keybox.name in answer.stored(recording.kept)
    late = ROOM.record(1)
    assert archive.send(late, late.keybox).rejected == [(late.id, "keybox", 0)]
    assert archive.names(late) == []


def test_garbage_is_counted_and_harms_nothing(archive, recording):
    archive.send(recording, *recording.kept[:2])
    before = archive.dump()
    payload = bytes(recording.blocks[1])
    batch = [
        Message("", payload),
        Message("rec/v1/room-1/status", payload),
        Message("rec/v1/archive/up/" + recording.id, payload),
        Message(str(recording.topic), b""),
        Message(str(recording.topic), b"WHU1"),
        Message(str(recording.topic), payload[:-1]),
        Message(str(recording.topic), payload[:-1] + bytes([payload[-1] ^ 1])),
    ]
    archive.clerk.process(archive.clerk.check(batch), NOW_MS)
    assert archive.clerk.verdicts[Verdict.REFUSED] == len(batch)
    assert archive.dump() == before
    assert archive.send(recording, recording.blocks[1]).stored(recording.kept) == {recording.blocks[1].name}


def receipt_of(recording: Recording, **changes: object) -> Upload:
    """Its consent receipt, with something else in it."""
    said = msgspec.structs.replace(canonical.decode(recording.receipt.body[64:], ConsentReceipt), **changes)
    return replace(recording.receipt, body=canonical.signed(DOMAIN_RECEIPT, ROOM.key, encode(said)))


class TestConsentReceipt:
    def test_it_is_signed_for_beside_the_recording_and_is_no_part_of_its_file(self, archive, recording):
        answer = archive.send(recording, recording.receipt, *recording.kept)
        assert answer.stored([recording.receipt]) == {recording.receipt.name}
        assert export_receipt(archive.store, recording.id) == recording.receipt.record
        assert archive.verified(recording).state is State.WHOLE
        assert archive.send(recording, recording.receipt).stored([recording.receipt]) == {recording.receipt.name}
        everything = (*recording.kept, recording.receipt)
        assert archive.send(recording, recording.preamble).stored(everything) == every(everything)
        assert archive.dump() == archive.rebuilt()

    def test_before_its_manifest_it_is_not_taken(self, archive, recording):
        archive.send(recording, recording.preamble)
        assert archive.send(recording, recording.receipt).rejected == [(recording.id, "receipt", 0)]
        with pytest.raises(StoreError, match="no consent receipt"):
            export_receipt(archive.store, recording.id)

    @pytest.mark.parametrize("at_once", [True, False])
    def test_that_of_a_refusal_stays_and_each_answer_says_that_it_was_purged(self, archive, recording, at_once):
        uploads = [recording.preamble, *recording.blocks, recording.refusal, recording.refusal_receipt]
        for batch in [uploads] if at_once else [[each] for each in uploads]:
            answer = archive.send(recording, *batch)
        assert answer.stored([recording.refusal_receipt]) == {recording.refusal_receipt.name}
        assert answer.purged == [Purged(recording.id, recording.refusal.content.hex())]
        assert archive.names(recording) == [*LEFT, "receipt"]
        archive.reopen()
        assert export_receipt(archive.store, recording.id) == recording.refusal_receipt.record
        assert archive.dump() == archive.rebuilt()

    def test_one_of_another_end_is_not_taken(self, archive, recording):
        archive.send(recording, recording.preamble, recording.refusal)
        assert archive.send(recording, recording.receipt).rejected == [(recording.id, "receipt", 0)]
        assert archive.names(recording) == LEFT

    @pytest.mark.parametrize("backwards", [False, True])
    def test_a_chain_that_follows_is_not_told_of(self, archive, caplog, backwards):
        room = Room("room-1", ROOM.key)
        meetings = [room.record(1) for _ in range(3)]
        for each in reversed(meetings) if backwards else meetings:
            archive.send(each, *each.kept, each.receipt)
        rebuild(archive.store, Catalogue("sqlite://"), archive.now_ms)
        assert caplog.records == []

    @pytest.mark.parametrize("backwards", [False, True])
    @pytest.mark.parametrize("broken", [0, 1, 2])
    def test_one_that_does_not_follow_is_kept_and_told_also_by_a_rebuild(self, archive, caplog, backwards, broken):
        room = Room("room-1", ROOM.key)
        meetings = [room.record(1) for _ in range(3)]
        wrong = receipt_of(meetings[broken], previous="ab" * 32)
        receipts = [wrong if at == broken else each.receipt for at, each in enumerate(meetings)]
        both = list(zip(meetings, receipts, strict=True))
        for each, receipt in reversed(both) if backwards else both:
            assert archive.send(each, *each.kept, receipt).stored([receipt]) == {receipt.name}
        # The number that does not follow, and the one after it, which follows what should have been there.
        numbers = {str(at + 1) for at in (broken, broken + 1) if at < 3}
        told = "the chain of receipts is broken: device=room-1: number "
        assert {record.getMessage().removeprefix(told)[0] for record in caplog.records} == numbers
        assert {record.levelname for record in caplog.records} == {"ERROR"}
        caplog.clear()
        assert archive.dump() == archive.rebuilt()
        assert {record.getMessage().removeprefix(told)[0] for record in caplog.records} == numbers

    def test_a_second_one_is_kept_beside_with_an_alarm(self, archive, recording, caplog):
        archive.send(recording, *recording.kept, recording.receipt)
        other = receipt_of(recording, previous="cd" * 32)
        assert archive.send(recording, other).rejected == [(recording.id, "receipt", 0)]
        assert archive.conflicts() == [naming.conflict(other.name, other.content)]
        assert export_receipt(archive.store, recording.id) == recording.receipt.record
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert archive.dump() == archive.rebuilt()

    @pytest.mark.parametrize("step", [(FolderStore, "put"), (DefaultDialect, "do_commit")])
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_crash_while_it_comes(self, archive, recording, monkeypatch, step, when):
        archive.send(recording, *recording.kept)
        real = getattr(*step)

        def crash(*args, **kwargs):
            if when == "after":
                real(*args, **kwargs)
            raise Crash

        with monkeypatch.context() as patch:
            patch.setattr(*step, crash)
            with pytest.raises(Crash):
                archive.send(recording, recording.receipt)
        archive.reopen()
        assert archive.send(recording, recording.receipt).stored([recording.receipt]) == {recording.receipt.name}
        assert timeless(archive.dump()) == timeless(archive.rebuilt())

    @pytest.mark.parametrize("days", [30, 365])
    def test_what_it_promised_the_client_counts_where_the_archive_would_keep_it_longer(self, archive, recording, days):
        evidence, training = canonical.decode(recording.receipt.body[64:], ConsentReceipt).pii_processing.purposes
        evidence = msgspec.structs.replace(evidence, retention_period=f"P{days}D")
        said = canonical.decode(recording.receipt.body[64:], ConsentReceipt).pii_processing
        promising = receipt_of(
            recording, pii_processing=msgspec.structs.replace(said, purposes=(evidence, training)), delete_after=1
        )
        archive.send(recording, *recording.kept, promising)
        # Not by the day that the device has worked out, for its clock may be wrong.
        assert row_of(archive.catalogue, recording.id)["delete_after_ms"] == WALL_MS + min(days, DAYS) * DAY_MS
        assert archive.dump() == archive.rebuilt()


def in_blocks(archive: Archive, recording: Recording) -> list[str]:
    """The objects that its blocks lie in."""
    return list(archive.store.list(naming.blocks(recording.id)))


def stretches(recording: Recording, blocks: int = 4) -> list[str]:
    """The objects that its first blocks shall lie in."""
    return [naming.items(names) for names in naming.together(each.name for each in recording.blocks[:blocks])]


class TestGathering:
    """The blocks of a kept recording are brought together."""

    @pytest.fixture(params=[naming.STRETCH_BLOCKS, 2], autouse=True)
    def _stretch(self, request, monkeypatch):
        monkeypatch.setattr(naming, "STRETCH_BLOCKS", request.param)
        monkeypatch.setattr(gather_module, "READS_MAX", 1)  # one stretch at a time

    def test_each_stretch_lies_in_one_object_and_the_recording_is_what_it_was(self, archive, recording):
        for upload in recording.kept:
            archive.send(recording, upload)
        assert len(in_blocks(archive, recording)) == 4
        before = list(export(archive.store, recording.id))
        together = stretches(recording)
        steps = len(set(together) - set(in_blocks(archive, recording)))
        for more in reversed(range(steps)):
            assert archive.verified(recording).state is State.WHOLE
            assert archive.clerk.gather() is (more > 0)
            assert list(export(archive.store, recording.id)) == before
        assert in_blocks(archive, recording) == together
        assert archive.names(recording)[len(together) :] == ["came", "keybox", "manifest", "origin", "preamble"]
        assert archive.send(recording, recording.preamble).stored(recording.kept) == every(recording.kept)
        assert archive.dump() == archive.rebuilt()

    def test_an_open_one_is_left_alone(self, archive, recording):
        for upload in recording.kept[:-1]:
            archive.send(recording, upload)
        names = archive.names(recording)
        archive.clerk.gather()
        archive.reopen()
        archive.clerk.gather()
        assert archive.names(recording) == names

    def test_no_object_becomes_too_large(self, archive, monkeypatch):
        monkeypatch.setattr(naming, "STRETCH_BLOCKS", 2)
        long = ROOM.record(7)
        archive.send(long, *long.kept)
        assert [name for name in archive.names(long) if "/" in name] == ["blocks/00000000-00000006"]
        archive.dump()
        names = ["blocks/00000000-00000001", "blocks/00000002-00000003", "blocks/00000004-00000005"]
        assert [name for name in archive.names(long) if "/" in name] == [*names, "blocks/00000006-00000006"]
        assert archive.verified(long).state is State.WHOLE

    def test_of_two_clerks_that_take_turns_each_goes_on_where_the_other_was(self, archive, monkeypatch):
        monkeypatch.setattr(naming, "STRETCH_BLOCKS", 2)
        long = ROOM.record(8)
        for upload in long.kept:
            archive.send(long, upload)
        other = Clerk("archive", KEY, archive.make_store(), archive.catalogue, DAYS)
        other.resume(archive.now_ms)
        clerks = [archive.clerk, other, archive.clerk, other]
        assert [clerk.gather() for clerk in clerks] == [True, True, True, False]
        assert archive.clerk.gather() is False
        assert len(in_blocks(archive, long)) == 4
        assert archive.dump() == archive.rebuilt()

    def test_runs_that_overlap_are_read_once_and_what_another_crash_left_goes(self, archive, recording):
        archive.send(recording, recording.preamble, *recording.blocks[:3])
        orphan = [block.name for block in recording.blocks[1:]]
        archive.store.put({naming.items(orphan): b"".join(block.record for block in recording.blocks[1:])})
        archive.send(recording, recording.blocks[3], recording.manifest, recording.keybox)
        assert archive.verified(recording).state is State.WHOLE
        assert timeless(dump(archive.catalogue)) == timeless(archive.rebuilt())
        archive.dump()
        assert in_blocks(archive, recording) == stretches(recording)
        assert archive.verified(recording).state is State.WHOLE
        assert archive.conflicts() == []

    def test_of_two_that_a_device_signed_under_one_name_the_one_that_was_receipted_stays(self, archive, recording):
        archive.send(recording, *recording.kept)
        other = replace(recording.blocks[1], body=recording.blocks[2].body)
        archive.store.put({naming.items([recording.blocks[1].name]): other.record})
        archive.dump()
        assert archive.record(recording.blocks[1].name) == recording.blocks[1].record
        assert archive.conflicts() == [naming.conflict(recording.blocks[1].name, other.content)]
        assert archive.verified(recording).state is State.WHOLE
        assert archive.dump() == archive.rebuilt()

    def test_a_block_that_is_missing_is_told_and_its_stretch_left_as_it_is(self, archive, recording, caplog):
        for upload in recording.kept:
            archive.send(recording, upload)
        archive.store.delete([naming.items([recording.blocks[2].name])])
        names = set(archive.names(recording))
        assert archive.clerk.gather() is (naming.STRETCH_BLOCKS == 2)
        archive.clerk.gather()
        assert f"{recording.id}: block 2 is missing, which the catalogue tells of" in caplog.text
        if naming.STRETCH_BLOCKS > 2:
            assert set(archive.names(recording)) == names
        blocks = {name for each in in_blocks(archive, recording) for name in naming.parse_items(each)}
        assert blocks == {recording.blocks[at].name for at in (0, 1, 3)}
        assert [row[15] for row in dump(archive.catalogue)["recordings"]] == [False]

    @pytest.mark.parametrize("records_read", range(7))
    def test_who_reads_meanwhile_has_all_of_it_once(self, archive, recording, records_read):
        for upload in recording.kept:
            archive.send(recording, upload)
        whole = list(export(archive.store, recording.id))
        reading = export(archive.store, recording.id)
        read = [next(reading) for _ in range(records_read)]
        more = True
        while more:
            more = archive.clerk.gather()
            read += [each for each in (next(reading, None),) if each]
        assert read + list(reading) == whole

    def test_who_reads_meanwhile_reads_nothing_twice(self, archive, monkeypatch):
        long = ROOM.record(8)
        for upload in long.kept:
            archive.send(long, upload)
        whole = list(export(archive.store, long.id))
        read = Counter()
        get = archive.store.get

        def counted(name):
            data = get(name)
            read[name] += 1
            return data

        reading = export(archive.store, long.id)
        found = [next(reading)]
        monkeypatch.setattr(archive.store, "get", counted)
        for record in reading:
            found.append(record)
            with monkeypatch.context() as patch:
                patch.setattr(archive.store, "get", get)
                archive.clerk.gather()
        assert found == whole
        assert set(read.values()) == {1}

    def test_a_listing_that_was_made_meanwhile_is_not_believed(self, archive, recording, monkeypatch):
        """It may have neither what was put behind it, nor what was deleted before it came there."""
        for upload in recording.kept:
            archive.send(recording, upload)
        whole = list(export(archive.store, recording.id))
        list_, listings = archive.store.list, []

        def torn(prefix):
            listings.append(prefix)
            names = list(list_(prefix))
            if len(listings) > 1:
                return iter(names)
            while archive.clerk.gather():
                pass
            return (name for name in names if not name.startswith(naming.blocks(recording.id)))

        monkeypatch.setattr(archive.store, "list", torn)
        assert list(export(archive.store, recording.id)) == whole

    @pytest.mark.parametrize("records_read", range(5))
    def test_who_reads_meanwhile_misses_nothing_for_blocks_that_the_manifest_does_not_tell_of(
        self, archive, recording, records_read
    ):
        archive.send(recording, recording.preamble, *recording.blocks[:2])
        archive.send(recording, *recording.blocks[2:])
        archive.send(recording, ROOM.cut_short(recording, 3), recording.keybox)
        whole = list(export(archive.store, recording.id))
        reading = export(archive.store, recording.id)
        read = [next(reading) for _ in range(records_read)]
        archive.dump()
        assert read + list(reading) == whole

    def test_a_crash_after_what_is_beside_was_deleted_leaves_it_known(self, archive, recording, monkeypatch):
        archive.send(recording, *recording.kept)
        other = replace(recording.blocks[1], body=recording.blocks[2].body)
        archive.store.put({naming.items([recording.blocks[1].name]): other.record})

        def crash(*_):
            raise Crash

        with monkeypatch.context() as patch:
            patch.setattr(DefaultDialect, "do_commit", crash)
            with pytest.raises(Crash):
                while archive.clerk.gather():
                    pass
        archive.reopen()
        assert archive.dump() == archive.rebuilt()
        assert len(archive.conflicts()) == 1

    def test_who_reads_while_it_is_refused_is_told(self, archive, recording):
        for upload in (recording.preamble, *recording.blocks):
            archive.send(recording, upload)
        reading = export(archive.store, recording.id)
        next(reading)
        archive.send(recording, recording.refusal)
        assert [name for name in archive.names(recording) if name.startswith("blocks/")] == []
        with pytest.raises(StoreError, match="cannot be read"):
            list(reading)

    @pytest.mark.parametrize("step", ["put", "delete", "commit"])
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_crash_meanwhile_is_made_good(self, archive, recording, monkeypatch, step, when):
        short = ROOM.cut_short(recording, 3)
        for upload in (recording.preamble, *recording.blocks, short, recording.keybox):
            archive.send(recording, upload)
        where = (DefaultDialect, "do_commit") if step == "commit" else (FolderStore, step)
        real = getattr(*where)

        def crash(*args, **kwargs):
            if when == "after":
                real(*args, **kwargs)
            raise Crash

        with monkeypatch.context() as patch:
            patch.setattr(*where, crash)
            with pytest.raises(Crash):
                archive.clerk.gather()
        assert archive.verified(recording).state is State.WHOLE
        archive.reopen()
        assert archive.dump() == archive.rebuilt()
        assert in_blocks(archive, recording) == stretches(recording, 3)
        beside = recording.blocks[3]
        assert archive.conflicts() == [naming.conflict(beside.name, beside.content)]
        assert archive.verified(recording).state is State.WHOLE


class TestConflict:
    def test_both_are_kept_and_the_first_stays(self, archive, recording, caplog):
        again = ROOM.record(4, ident=recording.id)
        archive.send(recording, *recording.kept)
        answer = archive.send(recording, again.blocks[2], again.preamble)
        assert answer.stored(again.kept) == set()
        assert sorted(answer.rejected) == [(recording.id, "block", 2), (recording.id, "preamble", 0)]
        kept = {naming.conflict(each.name, each.content): each.record for each in (again.blocks[2], again.preamble)}
        assert {name: archive.store.get(name) for name in archive.conflicts()} == kept
        assert archive.record(recording.blocks[2].name) == recording.blocks[2].record
        assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
        assert archive.dump() == archive.rebuilt()

    def test_two_in_one_batch(self, archive, recording):
        again = ROOM.record(4, ident=recording.id)
        answer = archive.send(recording, recording.preamble, again.preamble, recording.preamble)
        assert answer.stored([recording.preamble]) == {recording.preamble.name}
        assert answer.rejected == [(recording.id, "preamble", 0)]
        assert len(archive.conflicts()) == 1

    def test_a_refusal_of_a_kept_recording_deletes_nothing(self, archive, recording):
        archive.send(recording, *recording.kept)
        names = archive.names(recording)
        answer = archive.send(recording, recording.refusal)
        assert answer.purged == []
        assert answer.rejected == [(recording.id, "manifest", 0)]
        assert archive.names(recording) == names
        assert archive.state(recording) == "kept"

    def test_another_device_gets_nothing_in(self, archive, recording):
        theirs = OTHER.record(4, ident=recording.id)
        archive.send(recording, *recording.kept[:3])
        before, names = archive.dump(), archive.names(recording)
        answer = archive.send(theirs, *theirs.kept, theirs.refusal, room=OTHER)
        assert answer.stored(theirs.kept) == set()
        assert answer.purged == []
        assert archive.dump() == before
        assert archive.names(recording) == names
        assert archive.conflicts() == []


class TestBeyondTheManifest:
    """A power cut damaged block 2 of the room's card, after it and block 3 had come here."""

    @pytest.mark.parametrize("at_once", [False, True])
    def test_the_recording_is_whole_and_the_rest_is_beside(self, archive, recording, caplog, at_once):
        short = ROOM.cut_short(recording, 2)
        batches = [(recording.preamble, *recording.blocks), (short,), (recording.keybox,)]
        for batch in [sum(batches, ())] if at_once else batches:
            archive.send(recording, *batch)
        assert archive.state(recording) == "kept"
        report = archive.verified(recording)
        assert (report.state, report.blocks, report.ended) == (State.WHOLE, 2, "power_loss")
        for block in recording.blocks:  # they were signed for
            assert archive.record(block.name) == block.record
        assert [(row[2], row[3]) for row in archive.dump()["conflicts"]] == [
            (2, recording.blocks[2].content),
            (3, recording.blocks[3].content),
        ]
        beside = {naming.conflict(block.name, block.content): block.record for block in recording.blocks[2:]}
        assert {name: archive.store.get(name) for name in archive.conflicts()} == beside
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert "2 blocks beyond the 2 of its manifest" in caplog.text
        assert archive.dump() == archive.rebuilt()

    def test_a_late_one_is_kept_beside_and_rejected(self, archive, recording, caplog):
        archive.send(
            recording, recording.preamble, *recording.blocks[:2], ROOM.cut_short(recording, 2), recording.keybox
        )
        answer = archive.send(recording, *recording.blocks)
        assert answer.stored(recording.blocks) == every(recording.blocks[:2])
        assert answer.rejected == [(recording.id, "block", 2), (recording.id, "block", 3)]
        assert archive.conflicts() == [naming.conflict(each.name, each.content) for each in recording.blocks[2:]]
        assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
        before = archive.dump()
        assert archive.send(recording, recording.blocks[3]).rejected == [(recording.id, "block", 3)]
        assert archive.dump() == before == archive.rebuilt()
        assert archive.verified(recording).state is State.WHOLE

    @pytest.mark.parametrize("step", [(FolderStore, "put"), (DefaultDialect, "do_commit")])
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_crash_while_the_manifest_comes(self, archive, recording, monkeypatch, step, when):
        archive.send(recording, recording.preamble, *recording.blocks)
        real = getattr(*step)

        def crash(*args, **kwargs):
            if when == "after":
                real(*args, **kwargs)
            raise Crash

        short = ROOM.cut_short(recording, 2)
        with monkeypatch.context() as patch:
            patch.setattr(*step, crash)
            with pytest.raises(Crash):
                archive.send(recording, short)
        archive.reopen()
        answer = archive.send(recording, short, recording.keybox)
        assert answer.stored([short, recording.keybox]) == every([short, recording.keybox])
        assert archive.verified(recording).state is State.WHOLE
        assert timeless(archive.dump()) == timeless(archive.rebuilt())

    def test_one_that_a_crash_left_without_a_row_does_no_harm(self, archive, recording):
        archive.send(recording, recording.preamble, *recording.blocks[:3])
        archive.store.put({naming.items([recording.blocks[3].name]): recording.blocks[3].record})
        archive.send(recording, ROOM.cut_short(recording, 2), recording.keybox)
        assert archive.verified(recording).state is State.WHOLE
        assert [row[2] for row in archive.rebuilt()["conflicts"]] == [2, 3]

    def test_kept_is_what_has_all_its_blocks_and_the_lack_is_told(self, archive, recording, caplog):
        archive.send(recording, recording.preamble, *recording.blocks[1:], recording.manifest)
        assert caplog.records == []  # the keybox, which the manifest's receipt calls for, comes last
        archive.send(recording, recording.keybox)
        assert archive.state(recording) == "open"
        assert f"not kept yet: recording={recording.id}: 3 of 4 blocks are here" in caplog.text
        assert rebuild(archive.store, Catalogue("sqlite://"), archive.now_ms)[1] == [Lacking(recording.id, 3, 4)]
        archive.send(recording, recording.blocks[0])
        assert archive.state(recording) == "kept"
        assert archive.verified(recording).state is State.WHOLE
        assert rebuild(archive.store, Catalogue("sqlite://"), archive.now_ms) == (Counts(2, 1, 0, 0, 0), [])


class TestRefusal:
    def test_blocks_are_gone_and_it_is_signed_for(self, archive, recording):
        again = ROOM.record(4, ident=recording.id)
        archive.send(recording, recording.preamble, *recording.blocks)
        archive.send(recording, again.preamble)
        archive.send(recording, again.blocks[1])
        assert len(archive.conflicts()) == 2
        answer = archive.send(recording, recording.refusal)
        assert answer.purged == [Purged(recording.id, recording.refusal.content.hex())]
        assert answer.stored([recording.refusal]) == {recording.refusal.name}
        assert archive.names(recording) == LEFT
        assert archive.conflicts() == [naming.conflict(again.preamble.name, again.preamble.content)]
        assert archive.state(recording) == "refused"
        assert archive.dump() == archive.rebuilt()

    def test_the_archive_keeps_its_own_receipt(self, archive, recording):
        archive.send(recording, recording.preamble, *recording.blocks)
        archive.send(recording, recording.refusal)
        receipt = Receipt.verify(archive.store.get(naming.purged(recording.id)), KEY.public_key(), "room-1")
        assert receipt.purged == (Purged(recording.id, recording.refusal.content.hex()),)

    def test_late_blocks_are_told_and_not_stored(self, archive, recording):
        archive.send(recording, recording.preamble, *recording.blocks[:2])
        archive.send(recording, recording.refusal)
        for late in (*recording.blocks, recording.manifest, recording.refusal, recording.preamble):
            answer = archive.send(recording, late)
            assert answer.purged == [Purged(recording.id, recording.refusal.content.hex())]
            assert answer.stored(recording.blocks) == set()
        assert archive.names(recording) == LEFT

    def test_blocks_and_their_refusal_in_one_batch(self, archive, recording):
        answer = archive.send(recording, recording.preamble, recording.refusal, *recording.blocks)
        assert answer.purged == [Purged(recording.id, recording.refusal.content.hex())]
        assert answer.stored(recording.kept) == {recording.preamble.name}
        assert answer.stored([recording.refusal]) == {recording.refusal.name}
        assert archive.names(recording) == LEFT
        assert archive.dump() == archive.rebuilt()

    def test_a_refusal_before_any_block(self, archive, recording):
        assert archive.send(recording, recording.refusal).rejected == [(recording.id, "manifest", 0)]
        assert archive.names(recording) == []
        archive.send(recording, recording.refusal, recording.preamble)
        answer = archive.send(recording, recording.preamble, *recording.blocks)
        assert answer.stored(recording.kept) == {recording.preamble.name}
        assert archive.names(recording) == LEFT
        assert archive.dump() == archive.rebuilt()

    def test_a_refused_meetings_blocks_do_not_come_back_under_another_id(self, archive, recording):
        archive.send(recording, recording.preamble, *recording.blocks)
        archive.send(recording, recording.refusal)
        kept = ROOM.record(4)
        archive.send(kept, *kept.kept)
        before, objects = archive.dump(), list(archive.store.list(""))
        for ident in ("f" * 32, kept.id):
            topic = f"rec/v1/room-1/up/{ident}"
            replayed = [Message(topic, bytes(replace(block, recording=ident))) for block in recording.blocks]
            answer = Answer(archive.clerk.process(archive.clerk.check(replayed), archive.now_ms), ROOM)
            assert answer.rejected == [(ident, "block", index) for index in range(4)]
        assert (archive.dump(), list(archive.store.list(""))) == (before, objects)

    def test_nothing_that_stays_tells_how_long_a_refused_meeting_was(self, archive, caplog):
        caplog.set_level("INFO")
        told = []
        for blocks in (1, 400):
            recording = ROOM.record(blocks)
            again = ROOM.record(2, ident=recording.id)
            archive.now_ms = NOW_MS
            archive.send(recording, recording.preamble, *recording.blocks)
            archive.send(recording, again.preamble, again.blocks[0])
            answer = archive.send(recording, recording.refusal)
            receipt = archive.store.get(naming.purged(recording.id))[64:].decode()
            row = row_of(archive.catalogue, recording.id)
            for own in ("id", "preamble_hash", "sequence", "ended_ms"):
                del row[own]
            left = [path for path in archive.folder.glob(f"objects/**/{recording.id}/**/*") if path.is_dir()]
            assert [path.name for path in left] == ["preamble"]  # of what was beside
            size = (archive.folder / "objects" / recording.id).stat().st_size
            told.append([answer.purged, receipt, row, size, [record.getMessage() for record in caplog.records]])
            told[-1] = repr(told[-1]).replace(recording.id, "").replace(recording.refusal.content.hex(), "")
            caplog.clear()
        assert told[0] == told[1]

    @pytest.mark.parametrize("blocks", [1, 40])
    def test_the_log_tells_once_that_a_room_is_not_enrolled(self, archive, caplog, blocks):
        """Each block that is told would tell for how long somebody spoke."""
        strange = Room("room-9")
        recording = strange.record(blocks)
        for upload in (recording.preamble, *recording.blocks, recording.refusal):
            archive.send(recording, upload, room=strange)
        assert [record.getMessage() for record in caplog.records] == [
            f"refused: device=room-9 recording={recording.id}: the device is not enrolled"
        ]

    def test_the_database_forgets_the_blocks_before_it_is_signed_for(self, sqlite_archive):
        recording = ROOM.record(400)
        files = [sqlite_archive.folder / "catalogue.sqlite", sqlite_archive.folder / "catalogue.sqlite-wal"]
        others = [ROOM.record(100) for _ in range(4)]
        for each in (recording, *others):
            sqlite_archive.send(each, each.preamble)
        for at in range(100):  # side by side, so that the database moves their rows about
            sqlite_archive.send(recording, *recording.blocks[4 * at : 4 * at + 4])
            for each in others:
                sqlite_archive.send(each, each.blocks[at])
        assert any(recording.blocks[0].content in file.read_bytes() for file in files)
        signed = Clerk._sign

        def look_and_sign(*args):
            told.extend(file.read_bytes() for file in files)
            return signed(*args)

        told: list[bytes] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Clerk, "_sign", look_and_sign)
            sqlite_archive.send(recording, recording.refusal)
        assert any(recording.refusal.content in data for data in told)
        assert not any(block.content in data for block in recording.blocks for data in told)

    def test_neither_numbers_nor_free_room_in_the_database_tell_how_many_blocks_there_were(self, sqlite_archive):
        recording = ROOM.record(400)
        sqlite_archive.send(recording, recording.preamble)
        before = asked(sqlite_archive, "PRAGMA page_count")
        sqlite_archive.send(recording, *recording.blocks)
        assert asked(sqlite_archive, "PRAGMA page_count") > before
        sqlite_archive.send(recording, recording.refusal)
        assert asked(sqlite_archive, "PRAGMA page_count") == before
        assert asked(sqlite_archive, "PRAGMA freelist_count") == 0
        for table in (ITEMS, CONFLICTS):
            with pytest.raises(CatalogueError, match="no such column: rowid"):
                asked(sqlite_archive, f"SELECT rowid FROM {table.name}")

    def test_it_is_not_signed_for_before_the_database_forgot(self, archive, recording, monkeypatch):
        archive.send(recording, recording.preamble, *recording.blocks)

        def fails(catalogue):
            raise CatalogueError("another program reads")

        with monkeypatch.context() as patch:
            patch.setattr(Catalogue, "forget", fails)
            with pytest.raises(CatalogueError):
                archive.send(recording, recording.refusal)
        assert "purged" not in archive.names(recording)
        archive.reopen()
        assert archive.names(recording) == LEFT

    def test_what_came_back_out_of_a_backup_is_purged_again(self, archive, recording):
        archive.send(recording, recording.preamble, *recording.blocks)
        archive.send(recording, recording.refusal)
        before = archive.dump()
        archive.store.put({naming.items([each.name]): each.record for each in recording.blocks})
        archive.catalogue.close()
        archive.database.empty()
        archive.open()
        rebuild(archive.store, archive.catalogue, archive.now_ms)
        archive.reopen()
        assert archive.names(recording) == LEFT
        assert archive.dump() == before


@pytest.mark.parametrize("refused", [False, True], ids=["kept", "refused"])
@pytest.mark.parametrize("step", ["put", "delete", "commit"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_crash_at_any_step_loses_nothing_signed_for(archive, recording, monkeypatch, refused, step, when, nth):
    """Crash at the nth such step, restart, and let the device send again whatever was not signed for."""
    end = (recording.refusal,) if refused else (recording.manifest, recording.keybox)
    wanted = (recording.preamble, *recording.blocks, *end)
    signed: set[Name] = set()
    purged: list[Purged] = []
    count = 0

    def crashing(real):
        def call(*args, **kwargs):
            nonlocal count
            count += 1
            if count == nth and when == "before":
                raise Crash
            result = real(*args, **kwargs)
            if count == nth and when == "after":
                raise Crash
            return result

        return call

    def send(*uploads: Upload) -> None:
        answer = archive.send(recording, *uploads)
        signed.update(answer.stored(wanted))
        purged.extend(answer.purged)

    with monkeypatch.context() as patch:
        match step:
            case "put" | "delete":
                kind = type(archive.store)
                patch.setattr(kind, step, crashing(getattr(kind, step)))
            case "commit":
                patch.setattr(DefaultDialect, "do_commit", crashing(DefaultDialect.do_commit))
        try:
            for batch in ((recording.preamble, *recording.blocks[:2]), recording.blocks[2:], end):
                send(*batch)
        except Crash:
            pass
    archive.reopen()
    names = archive.names(recording)
    if purged:
        assert not any(name.startswith("blocks/") for name in names)
    else:
        have = {name for found in names for name in naming.parse_items(f"{recording.id}/{found}")}
        assert signed <= have or archive.state(recording) == "refused"
    send(*(upload for upload in wanted if upload.name not in signed))
    send(recording.preamble)
    if refused:
        assert archive.names(recording) == LEFT
        assert purged
        assert {each.manifest for each in purged} == {recording.refusal.content.hex()}
    else:
        assert signed == every(wanted)
        for upload in wanted:
            assert archive.record(upload.name) == upload.record
    assert timeless(archive.dump()) == timeless(archive.rebuilt())
    assert archive.conflicts() == []


@pytest.mark.parametrize("method", ["delete", "put"])
def test_a_restart_finishes_a_purge_by_itself(archive, recording, monkeypatch, method):
    archive.send(recording, recording.preamble, *recording.blocks)
    real = getattr(type(archive.store), method)

    def crash(self, names, *args):
        # The purge's own writes: it deletes, then keeps its receipt.
        if method == "put" and naming.purged(recording.id) not in names:
            return real(self, names, *args)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(type(archive.store), method, crash)
        with pytest.raises(Crash):
            archive.send(recording, recording.refusal)
    assert archive.names(recording) != LEFT
    assert archive.state(recording) == "refused"
    archive.reopen()
    assert archive.names(recording) == LEFT
    answer = archive.send(recording, recording.blocks[0])
    assert answer.purged == [Purged(recording.id, recording.refusal.content.hex())]


def test_conflicts_around_a_refusal_do_not_stop_the_clerk(archive, recording):
    again = ROOM.record(4, ident=recording.id)
    archive.send(recording, again.preamble, again.refusal)
    archive.send(recording, recording.preamble, again.preamble, recording.preamble)
    assert len(archive.conflicts()) == 1
    assert archive.dump() == archive.rebuilt()


def test_what_a_crash_left_is_first_even_if_something_else_comes_after(archive, recording, monkeypatch):
    again = ROOM.record(4, ident=recording.id)
    real = type(archive.store).put

    def put_and_crash(self, objects):
        real(self, objects)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(type(archive.store), "put", put_and_crash)
        with pytest.raises(Crash):
            archive.send(recording, recording.preamble, recording.blocks[0])
    archive.reopen()
    assert archive.dump()["items"] == []
    answer = archive.send(recording, again.preamble, again.blocks[0])
    assert answer.stored(again.kept) == set()
    assert len(answer.rejected) == 2
    assert archive.send(recording, recording.preamble).stored(recording.kept) == every(recording.kept[:2])
    assert archive.record(recording.preamble.name) == recording.preamble.record
    assert archive.dump() == archive.rebuilt()


def test_a_crash_that_left_the_origin_alone_stops_nothing(archive, recording, monkeypatch):
    real = type(archive.store).put

    def put_the_first_and_crash(self, objects):
        name = next(iter(objects))
        real(self, {name: objects[name]})
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(type(archive.store), "put", put_the_first_and_crash)
        with pytest.raises(Crash):
            archive.send(recording, *recording.kept)
    assert archive.names(recording) == ["origin"]
    archive.reopen()
    assert archive.send(recording, *recording.kept).stored(recording.kept) == every(recording.kept)
    assert archive.state(recording) == "kept"
    assert timeless(archive.dump()) == timeless(archive.rebuilt())


def test_a_deletion_date_stands_from_birth_whatever_the_setting_and_the_files_times(archive, recording):
    archive.send(recording, *recording.kept)
    before = archive.dump()
    archive.clerk = Clerk("archive", KEY, archive.store, archive.catalogue, 7)
    late = ROOM.record(1)
    archive.send(late, *late.kept)
    for path in archive.folder.glob("objects/*/origin"):
        os.utime(path, (0, 0))
    dates = {row[0]: row[4] for row in archive.rebuilt()["recordings"]}
    assert dates == {row[0]: row[4] for row in archive.dump()["recordings"]}
    assert dates == {recording.id: WALL_MS + DAYS * DAY_MS, late.id: WALL_MS + 7 * DAY_MS}
    assert before["recordings"][0] in archive.dump()["recordings"]


def test_a_catalogue_that_is_not_empty_is_not_rebuilt(archive, recording):
    archive.send(recording, *recording.kept)
    before = archive.dump()
    with pytest.raises(CatalogueError, match="is not empty; end the archive, move the catalogue away"):
        rebuild(archive.store, archive.catalogue, archive.now_ms)
    assert archive.dump() == before


def test_a_store_that_fails_signs_for_nothing(archive, recording, monkeypatch):
    def fails(self, objects):
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(type(archive.store), "put", fails)
        with pytest.raises(StoreError):
            archive.send(recording, *recording.kept)
    assert archive.dump()["items"] == []
    assert archive.send(recording, *recording.kept).stored(recording.kept) == every(recording.kept)


def test_two_clerks_at_one_archive_agree(archive, recording):
    second = Clerk("archive", KEY, archive.store, archive.catalogue, DAYS)
    again = ROOM.record(4, ident=recording.id)
    first = archive.clerk
    answers = []
    for clerk, upload in zip([first, second] * 5, [*recording.kept[:5], *again.kept[:5]], strict=True):
        archive.clerk = clerk
        answers.append(archive.send(recording, upload))
    assert set.union(*(answer.stored(recording.kept) for answer in answers)) == every(recording.kept[:5])
    assert all(answer.stored(again.kept) == set() for answer in answers)


POOL = [ROOM.record(3), ROOM.record(2)]
POOL.append(ROOM.record(3, ident=POOL[0].id))
SHORT = [ROOM.cut_short(recording, 1) for recording in POOL]


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 7)), min_size=1, max_size=6), max_size=5))
@example([[(0, 0), (0, 1), (0, 3)], [(0, 5), (0, 7)]])  # one block is beyond its manifest, and alone in its object
@settings(max_examples=50)
def test_any_order_any_batches(request, tmp_path_factory, kind, batches):
    folder = tmp_path_factory.mktemp("archive")
    archive = Archive(folder, empty_database(request, kind, folder))
    promised: dict[Name, bytes] = {}
    try:
        for picks in batches:
            pool = [(POOL[which], (*POOL[which].kept, POOL[which].refusal, SHORT[which])) for which, _ in picks]
            batch = [(each, uploads[at % len(uploads)]) for (each, uploads), (_, at) in zip(pool, picks, strict=True)]
            messages = [Message(str(each.topic), bytes(upload)) for each, upload in batch]
            archive.now_ms += 10
            answer = Answer(archive.clerk.process(archive.clerk.check(messages), archive.now_ms), ROOM)
            for _, upload in batch:
                if upload.name in answer.stored([upload]):
                    assert promised.setdefault(upload.name, upload.content) == upload.content
        refused = {row[0] for row in archive.dump()["recordings"] if row[5] == "refused"}
        for name, content in promised.items():
            if name.recording not in refused or name.type in (RecordType.PREAMBLE, RecordType.MANIFEST):
                beside = naming.conflict(name, content)  # where the manifest did not tell of it
                record = archive.store.get(beside) if beside in archive.conflicts() else archive.record(name)
                body = parse_record(record)[1]
                assert Upload(name.recording, bytes(32), name.type, body).content == content
        for recording in refused:
            assert not list(archive.store.list(f"{recording}/blocks/"))
            assert not list(archive.store.list(f"{naming.CONFLICTS}{recording}/blocks/"))
        for recording in {each.id for each in POOL}:
            blocks = [row for row in archive.dump()["items"] if row[:2] == (recording, int(RecordType.BLOCK))]
            told = {row[0]: row[11] for row in archive.dump()["recordings"]}.get(recording)
            assert told is None or all(row[2] < told for row in blocks)
        states = Counter(row[5] for row in archive.dump()["recordings"])
        counts = archive.catalogue.counts()
        assert (counts.kept, counts.open, counts.refused) == (states["kept"], states["open"], states["refused"])
        assert archive.dump() == archive.rebuilt()
    finally:
        archive.catalogue.close()

"""A recording is deleted: nobody can open it, nothing is left of it, it is certified, and no crash or backup brings it back."""

import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.engine.default import DefaultDialect

from recorder.archive import deletion, naming
from recorder.archive.catalogue import Catalogue
from recorder.archive.certificate import Certificate
from recorder.archive.clerk import Message
from recorder.archive.deletion import Deleter
from recorder.archive.deletions import Deletions, Listed
from recorder.archive.export import export
from recorder.archive.export import receipt as export_receipt
from recorder.archive.hearing import Hearing
from recorder.archive.rebuild import rebuild, tombstone
from recorder.archive.retention import Cause
from recorder.errors import CatalogueError, SignedTextError, StoreError
from recorder.sealed.verify import State
from recorder.trial.postgresql import _program
from tests.archive.databases import KINDS, PostgresqlDatabase, SqliteFile
from tests.archive.dump import dump, row_of
from tests.archive.test_clerk import KEY, OTHER, ROOM, Archive, empty_database, every
from tests.rooms import RECIPIENT, Recording, Room

LEFT = ["deleted", "origin", "receipt"]


class Crash(BaseException):
    """The process ends here."""


class Clock:
    """Each look is a second later."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        self.now_ms += 1_000
        return self.now_ms


class Site(Archive):
    """An archive that can delete. `reopen` is what a restart does."""

    def open(self) -> None:
        super().open()
        self.deletions = Deletions(self.folder / "deletions")
        self.deleter = Deleter(
            "archive", KEY, self.store, self.catalogue, self.deletions, Clock(self.now_ms + 86_400_000)
        )

    def reopen(self) -> None:
        self.catalogue.close()
        self.open()
        self.deleter.finish()
        self.deleter.reapply()
        self.clerk.resume(self.now_ms)

    def certificate(self, recording: Recording) -> Certificate:
        return Certificate.verify(self.store.get(naming.deleted(recording.id)), KEY.public_key())

    def assert_deleted(self, recording: Recording) -> None:
        """Nothing of it is left, in the store or in the files, and all places say so."""
        assert [name for name in self.names(recording) if name != "receipt"] == ["deleted", "origin"]
        assert not list(self.store.list(f"{naming.CONFLICTS}{recording.id}/"))
        assert not list(self.store.list(naming.DELETING))
        found = [path.read_bytes() for path in (self.folder / "objects").rglob("*") if path.is_file()]
        for upload in (recording.keybox, *recording.blocks, recording.manifest, recording.preamble):
            assert not any(upload.body in data for data in found)
        assert not any(block.body[-40:] in data for block in recording.blocks for data in found)
        row = row_of(self.catalogue, recording.id)
        assert (row["state"], row["settled"]) == ("deleted", True)
        assert self.deletions.read()[recording.id] == Listed(row["delete_after_ms"], Cause(row["cause"]))
        certificate = self.certificate(recording)
        assert certificate.deletion.recording == recording.id
        assert certificate.deletion.decided_ms == row["delete_after_ms"]
        assert self.dump() == self.rebuilt()
        self.assert_counts()

    def assert_counts(self) -> None:
        states = [row[5] for row in dump(self.catalogue)["recordings"]]
        counts = self.catalogue.counts()
        found = (counts.kept, counts.open, counts.refused, counts.deleted)
        assert found == tuple(states.count(each) for each in ("kept", "open", "refused", "deleted"))


@pytest.fixture(params=KINDS)
def site(request, tmp_path):
    site = Site(tmp_path, empty_database(request, request.param, tmp_path))
    yield site
    site.catalogue.close()


@pytest.fixture
def recording():
    return ROOM.record(4)


def whole(site: Site, recording: Recording) -> None:
    """It is kept, with its receipt, and its blocks lie together."""
    site.send(recording, *recording.kept, recording.receipt)
    site.dump()


def hear(site: Site, recording: Recording) -> Hearing:
    return Hearing(site.store, recording.id, ROOM.public_key, RECIPIENT)


class TestDeletion:
    def test_nothing_is_left_but_whose_it_was_its_receipt_and_the_certificate(self, site, recording):
        other = ROOM.record(2)
        for each in (recording, other):
            whole(site, each)
        site.deleter.delete(recording.id, Cause.TERM)
        site.assert_deleted(recording)
        assert site.names(recording) == LEFT
        assert site.verified(other).state is State.WHOLE
        assert site.state(other) == "kept"

    def test_it_can_neither_be_exported_nor_heard_and_that_is_said(self, site, recording):
        whole(site, recording)
        heard = hear(site, recording)
        site.deleter.delete(recording.id, Cause.CLIENT)
        for attempt in (lambda: export(site.store, recording.id), lambda: hear(site, recording)):
            with pytest.raises(StoreError, match=rf"recording {recording.id} was deleted at the archive \(client\)"):
                attempt()
        with pytest.raises(StoreError):
            list(heard.read(0, heard.size))
        assert export_receipt(site.store, recording.id) == recording.receipt.record

    def test_one_that_is_being_deleted_is_not_given_out_either(self, site, recording, monkeypatch):
        whole(site, recording)
        monkeypatch.setattr(Deleter, "_carry_out", lambda *_: None)
        site.deleter.delete(recording.id, Cause.TERM)
        with pytest.raises(StoreError, match="was deleted"):
            hear(site, recording)
        assert site.clerk.gather() is False
        assert site.send(recording, recording.receipt).rejected == []

    def test_the_certificate_says_why_and_when_and_tells_no_length(self, site):
        told = []
        for blocks in (1, 60):
            recording = ROOM.record(blocks)
            whole(site, recording)
            site.deleter.delete(recording.id, Cause.DECISION)
            certificate = site.certificate(recording)
            deletion = certificate.deletion
            assert (deletion.cause, deletion.kept) == (Cause.DECISION, True)
            assert deletion.manifest == recording.manifest.content.hex()
            assert deletion.keybox == recording.keybox.content.hex()
            assert deletion.decided_ms < certificate.key_destroyed_ms < certificate.blocks_gone_ms
            assert certificate.device == "signed_for"
            told.append((len(site.store.get(naming.deleted(recording.id))), row_of(site.catalogue, recording.id)))
        assert told[0][0] == told[1][0]
        same = ("made_ms", "made_synced", "ended", "ended_ms", "blocks", "keybox", "came_ms")
        assert [told[0][1][name] for name in same] == [told[1][1][name] for name in same] == [None] * 7
        items = [row[0] for row in dump(site.catalogue)["items"]]
        assert items.count(told[0][1]["id"]) == items.count(told[1][1]["id"]) == 4

    def test_another_archive_s_certificate_is_none(self, site, recording):
        whole(site, recording)
        site.deleter.delete(recording.id, Cause.TERM)
        data = site.store.get(naming.deleted(recording.id))
        with pytest.raises(SignedTextError):
            Certificate.verify(data, Ed25519PrivateKey.generate().public_key())
        for at in range(0, len(data), 7):
            with pytest.raises(SignedTextError):
                Certificate.verify(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], KEY.public_key())

    def test_what_lies_beside_goes_too(self, site, recording):
        again = ROOM.record(4, ident=recording.id)
        whole(site, recording)
        site.send(recording, again.preamble, again.blocks[1], ROOM.cut_short(recording, 2))
        site.store.put({naming.conflict(again.keybox.name, again.keybox.content): again.keybox.record})
        assert len(site.conflicts()) == 4
        site.deleter.delete(recording.id, Cause.TERM)
        site.assert_deleted(recording)
        assert site.conflicts() == []

    @pytest.mark.parametrize("uploads", [1, 3, 5, 6], ids=["preamble", "blocks", "no manifest", "no keybox"])
    def test_one_that_never_was_whole(self, site, recording, uploads):
        for upload in recording.kept[:uploads]:
            site.send(recording, upload)
        assert site.state(recording) == "open"
        site.deleter.delete(recording.id, Cause.TERM)
        site.assert_deleted(recording)
        certificate = site.certificate(recording)
        assert (certificate.device, certificate.deletion.kept, certificate.deletion.keybox) == ("may_hold", False, None)

    def test_without_a_receipt_nothing_says_that_its_room_forgets_it(self, site, recording):
        site.send(recording, *recording.kept)
        site.deleter.delete(recording.id, Cause.NO_RECEIPT)
        site.assert_deleted(recording)
        assert site.certificate(recording).device == "may_hold"

    def test_twice_is_once(self, site, recording):
        whole(site, recording)
        site.deleter.delete(recording.id, Cause.TERM)
        before = site.store.get(naming.deleted(recording.id))
        site.deleter.delete(recording.id, Cause.CLIENT)
        site.reopen()
        assert site.store.get(naming.deleted(recording.id)) == before
        assert len((site.folder / "deletions").read_text().splitlines()) == 1
        site.assert_deleted(recording)

    def test_what_is_not_there_or_was_refused_is_not_deleted(self, site, recording):
        with pytest.raises(CatalogueError, match="there is none"):
            site.deleter.delete(recording.id, Cause.TERM)
        site.send(recording, recording.preamble, recording.refusal)
        before = site.dump()
        with pytest.raises(CatalogueError, match="it was refused"):
            site.deleter.delete(recording.id, Cause.TERM)
        assert site.dump() == before
        assert site.deletions.read() == {}

    def test_two_that_delete_at_once(self, site, recording):
        whole(site, recording)
        others = [
            Deleter("archive", KEY, site.make_store(), Catalogue(site.database.url), site.deletions, Clock(site.now_ms))
            for _ in range(4)
        ]
        start = threading.Barrier(len(others))
        failed = []

        def delete(deleter: Deleter) -> None:
            start.wait(60)
            try:
                deleter.delete(recording.id, Cause.TERM)
                deleter.finish()
            except BaseException as error:  # noqa: BLE001 - told by the test
                failed.append(error)

        threads = [threading.Thread(target=delete, args=(each,)) for each in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for each in others:
            each._catalogue.close()
        assert failed == []
        site.assert_deleted(recording)

    def test_the_database_s_file_has_no_block_s_hash_when_it_is_done(self, tmp_path):
        site = Site(tmp_path, SqliteFile(tmp_path))
        long = ROOM.record(200)
        whole(site, long)
        files = [tmp_path / "catalogue.sqlite", tmp_path / "catalogue.sqlite-wal"]
        assert any(long.blocks[5].content in file.read_bytes() for file in files)
        site.deleter.delete(long.id, Cause.TERM)
        assert not any(block.content in file.read_bytes() for block in long.blocks for file in files)
        site.catalogue.close()


class TestWhatTheIntakeSays:
    def test_a_room_that_missed_its_receipts_has_them_again_and_forgets_all_of_it(self, site, recording):
        whole(site, recording)
        site.deleter.delete(recording.id, Cause.TERM)
        names = site.names(recording)
        uploads = (*recording.kept, recording.receipt)
        for upload in uploads:
            assert upload.name in site.send(recording, upload).stored(uploads)
        assert site.send(recording, *uploads).stored(uploads) == every(uploads)
        assert site.names(recording) == names
        site.assert_deleted(recording)

    @pytest.mark.parametrize("rebuilt", [False, True])
    def test_what_never_came_is_refused_and_not_kept(self, site, recording, rebuilt):
        site.send(recording, *recording.kept[:3])
        site.deleter.delete(recording.id, Cause.TERM)
        if rebuilt:
            lose_the_catalogue(site)
        rest = (*recording.kept[3:], recording.receipt)
        for upload in (*rest, recording.refusal):
            answer = site.send(recording, upload)
            assert answer.stored(rest) == set()
            assert answer.purged == []
            assert answer.rejected == [(recording.id, answer.receipts[0].rejected[0].type, upload.name.index)]
            assert answer.receipts[0].rejected[0].reason == "the recording was deleted: its time is over"
        assert site.send(recording, recording.preamble).stored(recording.kept) == {recording.preamble.name}
        assert site.names(recording) == ["deleted", "origin"]
        site.assert_deleted(recording)

    def test_neither_another_content_nor_another_preamble_s_block_is_taken_for_it(self, site, recording):
        again = ROOM.record(4, ident=recording.id)
        theirs = OTHER.record(4, ident=recording.id)
        whole(site, recording)
        site.deleter.delete(recording.id, Cause.TERM)
        before = site.dump()
        for upload in (*again.kept, again.refusal, again.receipt, recording.refusal, ROOM.cut_short(recording, 2)):
            answer = site.send(recording, upload)
            assert answer.stored([upload]) == set()
            assert len(answer.rejected) == 1
        assert site.send(theirs, *theirs.kept, room=OTHER).stored(theirs.kept) == set()
        assert site.dump() == before
        site.assert_deleted(recording)

    def test_a_forged_block_of_it_is_not_signed_for(self, site, recording):
        forger = Room("room-1")
        forged = forger.record(4, ident=recording.id)
        whole(site, recording)
        site.deleter.delete(recording.id, Cause.TERM)
        answer = site.send(recording, *forged.kept)
        assert answer.stored(forged.kept) == set()

    def test_a_batch_that_waited_while_it_was_deleted_stores_nothing(self, site, recording):
        site.send(recording, *recording.kept[:3])
        checked = site.clerk.check([Message(str(recording.topic), bytes(upload)) for upload in recording.kept])
        site.deleter.delete(recording.id, Cause.TERM)
        site.clerk.process(checked, site.now_ms)
        site.assert_deleted(recording)


def lose_the_catalogue(site: Site) -> None:
    site.catalogue.close()
    site.database.empty()
    site.open()
    rebuild(site.store, site.catalogue, site.now_ms)


def steps(site: Site) -> list[tuple[type, str]]:
    return [
        (type(site.store), "put"),
        (type(site.store), "delete"),
        (type(site.store), "settle"),
        (DefaultDialect, "do_commit"),
        (Deletions, "note"),
        (Catalogue, "forget"),
    ]


def watched(site: Site, patch: pytest.MonkeyPatch, at: Callable[[str], None]) -> None:
    """`at` is called before and after each step that a deletion takes, with its name."""
    for kind, name in steps(site):
        real = getattr(kind, name)

        def call(*args, _real=real, _name=name, **kwargs):
            at(f"before {_name}")
            result = _real(*args, **kwargs)
            at(f"after {_name}")
            return result

        patch.setattr(kind, name, call)


def assert_order(site: Site, recording: Recording, *, was_whole: bool = True) -> None:
    """What must hold at every moment, as somebody finds it whose backup is of this moment."""
    names = site.names(recording)
    blocks = any(name.startswith("blocks/") for name in names)
    keyboxes = [name for name in names if name == "keybox"]
    keyboxes += list(site.store.list(f"{naming.CONFLICTS}{recording.id}/keybox/"))
    gone = not blocks or (not keyboxes and was_whole)
    buried = tombstone(site.store, recording.id)
    assert blocks or not keyboxes, "its blocks are gone, and its key is there"
    assert not gone or buried is not None, "something is gone, and no tombstone says why"
    assert not gone or recording.id in site.deletions.read(), (
        "something is gone that a backup would bring back for good"
    )
    state = site.catalogue.standing([recording.id])[recording.id].state
    assert not gone or state == "deleted", "something is gone, and the row does not say so"
    assert "deleted" not in names or not (blocks or keyboxes), "it is certified, and not gone"


def test_the_order_holds_at_every_step(site, recording):
    whole(site, recording)
    again = ROOM.record(4, ident=recording.id)
    site.store.put({naming.conflict(again.keybox.name, again.keybox.content): again.keybox.record})
    seen = []
    with pytest.MonkeyPatch.context() as patch:

        def look(step: str) -> None:
            seen.append(step)
            assert_order(site, recording)

        watched(site, patch, look)
        site.deleter.delete(recording.id, Cause.TERM)
    assert len(seen) > 16
    site.assert_deleted(recording)


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in RAM: what is not synced is no matter where a process dies and not the power."""
    with tempfile.TemporaryDirectory(prefix="wederhoor-test-", dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.mark.parametrize("rebuilt", [False, True], ids=["restarted", "rebuilt"])
@pytest.mark.parametrize("made", ["whole", "open"])
def test_a_crash_at_any_step_is_finished(memory, recording, made, rebuilt):
    """At every call that it makes, before and after it; then the next start does the rest. Until there is no further call."""
    template = memory / "template"
    template.mkdir()
    site = Site(template, SqliteFile(template))
    site.send(recording, *(recording.kept if made == "whole" else recording.kept[:3]), recording.receipt)
    site.catalogue.close()
    crashes = 0
    for nth in range(1, 200):
        folder = memory / str(nth)
        shutil.copytree(template, folder)
        site = Site(folder, SqliteFile(folder))
        with pytest.MonkeyPatch.context() as patch:
            watched(site, patch, Countdown(nth))
            try:
                site.deleter.delete(recording.id, Cause.UNLINKED)
            except Crash:
                crashes += 1
        done = crashes < nth
        assert_order(site, recording, was_whole=made == "whole")
        begun = tombstone(site.store, recording.id) is not None
        if rebuilt:
            lose_the_catalogue(site)
        site.reopen()
        if begun:
            site.assert_deleted(recording)
            assert site.certificate(recording).deletion.cause == Cause.UNLINKED
        else:
            assert site.state(recording) == ("kept" if made == "whole" else "open")
        site.catalogue.close()
        shutil.rmtree(folder)
        if done:
            break
    assert done
    assert crashes > 16


class Countdown:
    """The process dies at the step of this number."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, _step: str) -> None:
        self._left -= 1
        if self._left == 0:
            raise Crash


def test_a_crash_while_it_is_finished_is_finished_too(site, recording):
    whole(site, recording)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Deleter, "_carry_out", lambda *_: None)
        site.deleter.delete(recording.id, Cause.TERM)
    with pytest.MonkeyPatch.context() as patch:

        def die(*_):
            raise Crash

        patch.setattr(Deleter, "_certify", die)
        with pytest.raises(Crash):
            site.reopen()
    assert "keybox" not in site.names(recording)
    site.reopen()
    site.assert_deleted(recording)


class Backup:
    """Of store and catalogue, as an operator makes it: a copy of the folder, and of the database what pg_dump makes of it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sqlite = isinstance(site.database, SqliteFile)
        self._folder = site.folder / "backup"

    def make(self) -> None:
        shutil.copytree(self._site.folder / "objects", self._folder / "objects")
        if self._sqlite:
            self._site.catalogue.close()
            shutil.copy(self._site.folder / "catalogue.sqlite", self._folder)
            self._site.open()
        else:
            self._run("pg_dump", self._site.database.url, "--format=custom", f"--file={self._folder / 'dump'}")

    def restore(self, *, store: bool = True, catalogue: bool = True) -> None:
        site = self._site
        site.catalogue.close()
        if store:
            shutil.rmtree(site.folder / "objects")
            shutil.copytree(self._folder / "objects", site.folder / "objects")
        if catalogue and self._sqlite:
            site.database.empty()
            shutil.copy(self._folder / "catalogue.sqlite", site.folder)
        elif catalogue:
            another = re.sub(r"/catalogue_\d+", "/postgres", self._site.database.url)
            self._run("pg_restore", another, "--clean", "--create", "--exit-on-error", str(self._folder / "dump"))

    def _run(self, program: str, url: str, *arguments: str) -> None:
        database = f"--dbname={url.replace('+psycopg', '')}"
        done = subprocess.run([_program(program), database, *arguments], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.fixture(params=KINDS)
def backed_up(request, tmp_path):
    """A site that is this test's alone, and its backup."""
    if request.param == "sqlite":
        site = Site(tmp_path, SqliteFile(tmp_path))
        yield site, Backup(site)
        site.catalogue.close()
        return
    database = PostgresqlDatabase(request.getfixturevalue("postgresql_server"))
    site = Site(tmp_path, database)
    yield site, Backup(site)
    site.catalogue.close()
    database.drop()


class TestBackup:
    @pytest.mark.parametrize("what", [(True, True), (True, False), (False, True)], ids=["both", "store", "catalogue"])
    def test_what_was_deleted_after_it_is_deleted_again(self, backed_up, what):
        store, catalogue = what
        site, backup = backed_up
        deleted, kept, never_whole = (ROOM.record(3) for _ in range(3))
        for each in (deleted, kept):
            whole(site, each)
        site.send(never_whole, *never_whole.kept[:3])
        backup.make()
        site.deleter.delete(deleted.id, Cause.CLIENT)
        site.deleter.delete(never_whole.id, Cause.TERM)
        decided_ms = site.certificate(deleted).deletion.decided_ms
        backup.restore(store=store, catalogue=catalogue)
        site.open()
        if store:
            assert "keybox" in site.names(deleted)
        site.reopen()
        for each in (deleted, never_whole):
            site.assert_deleted(each)
        assert site.certificate(deleted).deletion.decided_ms == decided_ms
        assert site.certificate(deleted).deletion.kept is True
        assert site.certificate(never_whole).deletion.kept is False
        assert site.verified(kept).state is State.WHOLE
        assert site.send(deleted, *deleted.kept).stored(deleted.kept) == every(deleted.kept)
        site.assert_deleted(deleted)

    def test_one_from_before_a_recording_came_does_not_let_it_in_again(self, backed_up):
        site, backup = backed_up
        first, later = ROOM.record(2), ROOM.record(3)
        whole(site, first)
        backup.make()
        whole(site, later)
        site.deleter.delete(later.id, Cause.CLIENT)
        backup.restore(store=False)
        site.reopen()
        site.assert_deleted(later)
        answer = site.send(later, *later.kept)
        assert answer.stored(later.kept) == every(later.kept)
        site.assert_deleted(later)

    def test_with_a_catalogue_that_was_lost(self, backed_up):
        site, backup = backed_up
        recording = ROOM.record(3)
        whole(site, recording)
        backup.make()
        site.deleter.delete(recording.id, Cause.TERM)
        backup.restore(catalogue=False)
        site.open()
        lose_the_catalogue(site)
        assert site.state(recording) == "kept"
        site.reopen()
        site.assert_deleted(recording)

    def test_a_deletion_that_a_crash_interrupted_before_its_line_is_finished_from_the_row(self, backed_up):
        """The tombstone went with the store that was restored; the catalogue is the newer one."""
        site, backup = backed_up
        recording = ROOM.record(3)
        whole(site, recording)
        backup.make()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Deleter, "_carry_out", lambda *_: None)
            site.deleter.delete(recording.id, Cause.CEILING)
        backup.restore(catalogue=False)
        site.reopen()
        site.assert_deleted(recording)
        assert site.certificate(recording).deletion.cause == Cause.CEILING

    def test_nothing_is_done_again_where_nothing_came_back(self, backed_up, caplog):
        site, _ = backed_up
        recording = ROOM.record(3)
        whole(site, recording)
        site.deleter.delete(recording.id, Cause.TERM)
        assert site.deleter.reapply() == 0
        assert "restored" not in caplog.text


class TestList:
    def test_what_was_being_written_when_the_power_went_is_no_line_and_is_mended(self, tmp_path):
        file = tmp_path / "deletions"
        deletions = Deletions(file)
        assert deletions.read() == {}
        deletions.note("ab" * 16, Listed(5, Cause.TERM))
        whole_lines = file.read_bytes()
        deletions.note("cd" * 16, Listed(6, Cause.CLIENT))
        full = file.read_bytes()
        for at in range(len(whole_lines), len(full)):
            file.write_bytes(full[:at])
            assert deletions.read() == {"ab" * 16: Listed(5, Cause.TERM)}
            deletions.note("ef" * 16, Listed(7, Cause.UNLINKED))
            assert deletions.read() == {"ab" * 16: Listed(5, Cause.TERM), "ef" * 16: Listed(7, Cause.UNLINKED)}
        assert file.stat().st_mode & 0o777 == 0o600

    def test_a_damaged_one_is_told_with_its_line(self, tmp_path):
        file = tmp_path / "deletions"
        Deletions(file).note("ab" * 16, Listed(5, Cause.TERM))
        file.write_bytes(file.read_bytes() + b"\0\0\n")
        with pytest.raises(StoreError, match="line 2 is none of a deletion"):
            Deletions(file).read()

    def test_one_that_cannot_be_written_stops_it_before_anything_is_gone(self, site, recording):
        whole(site, recording)
        (site.folder / "deletions").mkdir()
        with pytest.raises(StoreError, match=r"deletions: cannot be written: .*; check archive\.deletions"):
            site.deleter.delete(recording.id, Cause.TERM)
        assert "keybox" in site.names(recording)
        (site.folder / "deletions").rmdir()
        site.reopen()
        site.assert_deleted(recording)


def test_a_flaw_in_the_order_is_seen(site, recording, monkeypatch):
    """Blocks before keybox."""
    whole(site, recording)
    is_keybox = deletion.is_keybox
    monkeypatch.setattr(deletion, "is_keybox", lambda name: not is_keybox(name))
    watched(site, monkeypatch, lambda _: assert_order(site, recording))
    with pytest.raises(AssertionError, match="its blocks are gone, and its key is there"):
        site.deleter.delete(recording.id, Cause.TERM)

"""The catalogue: migrations, the one writer, deletion dates, and being made anew from the objects."""

import re
import threading
import time

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, inspect

from recorder import canonical
from recorder.archive import catalogue as catalogue_module
from recorder.archive import naming
from recorder.archive.catalogue import BACKDATING_DAYS_MAX, DAY_MS, Addition, Catalogue, Counts, Item
from recorder.archive.certificate import Tombstone
from recorder.archive.clerk import Clerk, Message
from recorder.archive.code import code
from recorder.archive.enrolled import enrol
from recorder.archive.folder import FolderStore
from recorder.archive.naming import Enrolment, Origin, conflict, items, parse_conflict, parse_items
from recorder.archive.rebuild import rebuild
from recorder.archive.retention import Cause
from recorder.archive.tables import METADATA, PARTITIONS, RECORDINGS
from recorder.canonical import decode
from recorder.errors import CatalogueError
from recorder.sealed.layout import Preamble, RecordType
from recorder.wire.records import ITEM_TYPES
from recorder.wire.upload import Name
from tests.archive.dump import dump, row_of
from tests.rooms import WALL_MS, Room

DAYS = 126
NOW_MS = WALL_MS + 60_000
RECORDING = Room().record(2)


def origin(first_ms: int) -> Origin:
    return Origin("room-1", RECORDING.preamble.content.hex(), first_ms, DAYS)


@pytest.fixture
def catalogue(database):
    catalogue = Catalogue(database.url)
    yield catalogue
    catalogue.close()


def preamble_item() -> Item:
    said = decode(RECORDING.preamble.body[64:], Preamble)
    return Item(RECORDING.preamble.name, RECORDING.preamble.content, said)


def block_item() -> Item:
    block = RECORDING.blocks[0]
    return Item(block.name, block.content, None)


def delete_after(catalogue: Catalogue) -> int:
    return row_of(catalogue, RECORDING.id)["delete_after_ms"]


PARTITION = re.compile(r"(recordings|items)_\d\d")


def is_the_programs(_object, name, kind, _reflected, compared) -> bool:
    """Not a partition, nor PostgreSQL's own constraint on one."""
    if kind == "foreign_key_constraint" and compared is None:
        return not any(PARTITION.fullmatch(each.column.table.name) for each in _object.elements)
    return not PARTITION.fullmatch(name or "")


def tables(connection) -> set[str]:
    return {name for name in inspect(connection).get_table_names() if not PARTITION.fullmatch(name)}


@pytest.fixture
def engine(database):
    engine = create_engine(database.url)
    yield engine
    engine.dispose()


def turn(engine, direction, revision: str) -> None:
    with engine.begin() as connection:
        direction(catalogue_module._alembic(connection), revision)


def test_the_migrations_make_the_tables_that_the_program_knows(catalogue, engine):
    opts = {"compare_type": True, "compare_server_default": True, "include_object": is_the_programs}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, METADATA) == []
        assert "recordings" in tables(connection)
        partitions = set(inspect(connection).get_table_names()) - tables(connection)
        parts = PARTITIONS if engine.name == "postgresql" else 0
        assert partitions == {f"{table}_{at:02}" for table in ("recordings", "items") for at in range(parts)}


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004", "head"])
def test_up_down_up(engine, revision):
    turn(engine, command.upgrade, "head")
    turn(engine, command.downgrade, "base")
    with engine.connect() as connection:
        assert tables(connection) == {"alembic_version"}
    turn(engine, command.upgrade, revision)
    with engine.connect() as connection:
        assert tables(connection) >= {"devices", "recordings", "items", "conflicts", "alembic_version"}
    turn(engine, command.downgrade, "base")
    turn(engine, command.upgrade, "head")
    with engine.connect() as connection:
        assert tables(connection) == {*METADATA.tables, "alembic_version"}


def test_what_is_there_goes_up_and_down_and_up(database, engine, tmp_path):
    """As far as the versions have it: what an older one told of an item besides is told by none."""
    room, catalogue = Room(), Catalogue(database.url)
    store = FolderStore.make(tmp_path / "objects")
    clerk = Clerk("archive", Ed25519PrivateKey.generate(), store, catalogue, DAYS)
    with catalogue.write() as writing:
        writing.enrol(Enrolment(room.name, room.public_key.public_bytes_raw().hex(), NOW_MS))
    kept, short, refused = room.record(70), room.record(40), room.record(3)
    for recording, uploads in (
        (kept, (kept.preamble, *kept.blocks[33:], *kept.blocks[:31])),
        (short, (short.preamble, *short.blocks, room.cut_short(short, 33), short.keybox)),
        (refused, (refused.preamble, *refused.blocks, refused.refusal, refused.refusal_receipt)),
    ):
        clerk.process(clerk.check([Message(str(recording.topic), bytes(upload)) for upload in uploads]), NOW_MS)
    before, counts = dump(catalogue), catalogue.counts()
    assert len(before["items"]) > 100
    assert len(before["conflicts"]) == 7
    assert counts == Counts(devices=1, kept=1, open=1, refused=1, beside=7)
    catalogue.close()
    turn(engine, command.downgrade, "0001")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql('SELECT recording, type, "index", content FROM items ORDER BY 1, 2, 3')
        assert [tuple(row) for row in rows] == before["items"]
    turn(engine, command.upgrade, "head")
    again = Catalogue(database.url)
    assert again.counts() == counts
    after = dump(again)
    assert after["recordings"] == [without_what_no_row_told(row, again) for row in before["recordings"]]
    assert after | {"recordings": []} == before | {"recordings": []}
    again.close()


COLUMNS = [column.name for column in RECORDINGS.c]


def without_what_no_row_told(row, again: Catalogue):
    """As a row of before 0005 comes out of it: its receipt was not noted, and its manifest counts as come just now."""
    told = dict(zip(COLUMNS, row, strict=True))
    here = told["ended"] not in (None, "refused")
    came_ms = row_of(again, told["id"])["came_ms"]
    assert (came_ms is not None) == here
    assert not here or abs(came_ms - time.time_ns() // 1_000_000) < DAY_MS
    receipt = dict.fromkeys(("code", "consent", "yes", "present", "training"))
    return tuple((told | receipt | {"came_ms": came_ms}).values())


def test_a_catalogue_of_before_retention_is_migrated_by_whoever_opens_it(database, engine, tmp_path):
    """As the program opens it: SQLite watches over what refers to a table that is made anew."""
    catalogue, store, clerk, room = an_archive(database, tmp_path)
    kept, refused = room.record(3), room.record(2)
    send(clerk, kept, *kept.kept, kept.receipt)
    send(clerk, refused, refused.preamble, *refused.blocks, refused.refusal, refused.refusal_receipt)
    before, counts = dump(catalogue), catalogue.counts()
    catalogue.close()
    turn(engine, command.downgrade, "0004")
    again = Catalogue(database.url)
    assert (dump(again)["items"], again.counts()) == (before["items"], counts)
    other = room.record(1)
    send(Clerk("archive", KEY, store, again, DAYS), other, *other.kept)
    assert row_of(again, other.id)["came_ms"] == NOW_MS
    assert row_of(again, kept.id)["code"] is None
    again.close()
    rebuilt = Catalogue("sqlite://")
    rebuild(store, rebuilt, NOW_MS + DAY_MS)
    settled = COLUMNS.index("settled")  # a rebuild sees by itself that its blocks came together
    found = [row[:settled] + row[settled + 1 :] for row in dump(rebuilt)["recordings"] if row[0] != other.id]
    assert found == [row[:settled] + row[settled + 1 :] for row in before["recordings"]]


def test_no_older_version_gets_a_catalogue_with_deleted_recordings(catalogue, database, engine):
    with catalogue.write() as writing:
        writing.add({RECORDING.id: Addition(origin(NOW_MS), [preamble_item()], NOW_MS)})
        writing.bury(Tombstone(RECORDING.id, Cause.TERM, NOW_MS, kept=False, manifest=None, keybox=None))
    before = dump(catalogue)
    catalogue.close()
    with pytest.raises(CommandError, match="an older version would not know"):
        turn(engine, command.downgrade, "0004")
    again = Catalogue(database.url)
    assert dump(again) == before
    again.close()


class TestWhatRetentionNeeds:
    def test_it_is_told_by_the_manifest_and_the_receipt_and_found_by_a_rebuild(self, database, tmp_path):
        catalogue, store, clerk, room = an_archive(database, tmp_path)
        kept = room.record(3)
        send(clerk, kept, *kept.kept[:-2])
        assert (row_of(catalogue, kept.id)["came_ms"], row_of(catalogue, kept.id)["code"]) == (None, None)
        send(clerk, kept, kept.manifest, now_ms=NOW_MS + 5)
        send(clerk, kept, kept.keybox, kept.receipt, now_ms=NOW_MS + 9)
        row = row_of(catalogue, kept.id)
        assert row["came_ms"] == NOW_MS + 5
        assert row["code"] == code(kept.receipt.body)
        assert [row[name] for name in ("consent", "yes", "present", "training")] == ["not_asked", 0, None, "not_asked"]
        rebuilt = Catalogue("sqlite://")
        rebuild(store, rebuilt, NOW_MS + DAY_MS)
        assert row_of(rebuilt, kept.id)["came_ms"] == NOW_MS + 5
        assert {**row_of(rebuilt, kept.id), "settled": False} == row
        catalogue.close()

    def test_a_refused_meeting_has_a_code_and_nobodys_days_count_from_it(self, database, tmp_path):
        catalogue, store, clerk, room = an_archive(database, tmp_path)
        refused = room.record(3)
        send(clerk, refused, refused.preamble, *refused.blocks, refused.refusal, refused.refusal_receipt)
        row = row_of(catalogue, refused.id)
        assert (row["code"], row["consent"], row["came_ms"]) == (code(refused.refusal_receipt.body), "refused", None)
        assert not list(store.list(naming.came(refused.id)))
        catalogue.close()

    def test_of_objects_that_do_not_say_when_it_came_a_rebuild_says_it_and_the_next_one_the_same(
        self, database, tmp_path
    ):
        catalogue, store, clerk, room = an_archive(database, tmp_path)
        kept = room.record(3)
        send(clerk, kept, *kept.kept)
        store.delete([naming.came(kept.id)])
        for later in (7, 8):
            rebuilt = Catalogue("sqlite://")
            rebuild(store, rebuilt, NOW_MS + later * DAY_MS)
            assert row_of(rebuilt, kept.id)["came_ms"] == NOW_MS + 7 * DAY_MS
        catalogue.close()

    def test_a_crash_behind_the_manifest_says_of_none_that_it_came_too_early(self, database, tmp_path, monkeypatch):
        catalogue, store, clerk, room = an_archive(database, tmp_path)
        kept = room.record(3)
        real = FolderStore.put

        def put_all_but_the_last_and_crash(self, objects):
            real(self, dict(list(objects.items())[:-1]))
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(FolderStore, "put", put_all_but_the_last_and_crash)
            with pytest.raises(KeyboardInterrupt):
                send(clerk, kept, *kept.kept[:-1])
        assert f"{kept.id}/manifest" in list(store.list(f"{kept.id}/"))
        assert not list(store.list(naming.came(kept.id)))
        send(clerk, kept, *kept.kept, now_ms=NOW_MS + DAY_MS)
        assert row_of(catalogue, kept.id)["came_ms"] == NOW_MS + DAY_MS
        assert canonical.decode(store.get(naming.came(kept.id)), naming.Came).came_ms == NOW_MS + DAY_MS
        catalogue.close()


KEY = Ed25519PrivateKey.generate()


def an_archive(database, folder):
    room, catalogue = Room(), Catalogue(database.url)
    store = FolderStore.make(folder / "objects")
    enrol(store, catalogue, [Enrolment(room.name, room.public_key.public_bytes_raw().hex(), NOW_MS)])
    return catalogue, store, Clerk("archive", KEY, store, catalogue, DAYS), room


def send(clerk: Clerk, recording, *uploads, now_ms: int = NOW_MS) -> None:
    clerk.process(clerk.check([Message(str(recording.topic), bytes(upload)) for upload in uploads]), now_ms)


def test_no_two_devices_have_one_key_whoever_writes(catalogue, database, engine):
    """Two programs that enrol at once ask before either has written: the database has the last word."""
    for name, key in (("room-1", "ab"), ("room-2", "cd")):
        with catalogue.write() as writing:
            writing.enrol(Enrolment(name, key * 32, NOW_MS))
    before = dump(catalogue)
    same = (
        "UPDATE devices SET public_key = (SELECT public_key FROM devices WHERE name = 'room-1') WHERE name = 'room-2'"
    )
    with pytest.raises(Exception, match=r"(?i)unique"):
        database.turn(same)
    assert dump(catalogue) == before
    catalogue.close()
    turn(engine, command.downgrade, "0003")
    database.turn(same)
    with pytest.raises(CatalogueError, match="room-1 and room-2 are enrolled with one key; delete one of them"):
        Catalogue(database.url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "0003"
    database.turn("DELETE FROM devices WHERE name = 'room-2'")
    again = Catalogue(database.url)
    assert dump(again)["devices"] == before["devices"][:1]
    again.close()


def test_opening_it_again_keeps_what_is_there(catalogue, database):
    with catalogue.write() as writing:
        writing.enrol(Enrolment("room-1", "ab" * 32, NOW_MS))
    before = dump(catalogue)
    again = Catalogue(database.url)
    assert dump(again) == before
    again.close()


def test_a_database_without_a_catalogue_gets_one_only_for_who_says_so(catalogue, database, engine):
    turn(engine, command.downgrade, "base")
    with pytest.raises(CatalogueError, match=r"there is no catalogue; check archive\.folder and archive\.catalogue"):
        Catalogue(database.url, make=False)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    Catalogue(database.url).close()
    Catalogue(database.url, make=False).close()


def test_a_catalogue_of_a_newer_version_is_refused_and_left_alone(catalogue, database, engine):
    catalogue.close()
    database.turn("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CatalogueError):
        Catalogue(database.url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "9999"
        assert tables(connection) == {*METADATA.tables, "alembic_version"}


@pytest.mark.parametrize(
    "url", ["mysql://localhost/x", "postgresql://localhost/x", "postgresql+psycopg2://localhost/x"]
)
def test_another_kind_of_database_is_refused(url):
    with pytest.raises(
        CatalogueError, match=r"a catalogue is sqlite:///FILE or postgresql\+psycopg://USER@HOST/DATABASE"
    ):
        Catalogue(url)


@pytest.mark.parametrize("url", ["sqlite:foo", "sqlite:", "sqlite:////no/such/folder/catalogue.sqlite"])
def test_a_catalogue_that_cannot_be_opened_is_told_in_one_line(url):
    with pytest.raises(CatalogueError, match=r"cannot be opened: .*\Z"):
        Catalogue(url)


def test_commits_are_durable_and_deleted_rows_overwritten(tmp_path):
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    with catalogue.write() as writing:
        pragma = {
            name: writing._connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "auto_vacuum")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1, "auto_vacuum": 1}
    catalogue.close()


def test_there_is_one_writer_at_a_time(catalogue):
    order = []
    inside, done = threading.Event(), threading.Event()

    def second() -> None:
        inside.wait()
        with catalogue.write():
            order.append(catalogue.public_keys({"room-1"}).keys())
        done.set()

    thread = threading.Thread(target=second)
    thread.start()
    with catalogue.write() as writing:
        inside.set()
        assert not done.wait(0.1)
        assert catalogue.public_keys({"room-1"}) == {}  # who only reads does not wait
        writing.enrol(Enrolment("room-1", "ab" * 32, NOW_MS))
    thread.join()
    assert order == [{"room-1"}]


def test_what_raises_is_forgotten(catalogue):
    with pytest.raises(CatalogueError), catalogue.write() as writing:
        writing.add({RECORDING.id: Addition(origin(NOW_MS), [block_item()], NOW_MS)})
        raise CatalogueError("something came between")
    assert dump(catalogue) == {"devices": [], "recordings": [], "items": [], "conflicts": []}


def test_a_device_has_one_key(catalogue):
    with catalogue.write() as writing:
        assert writing.enrol(Enrolment("room-1", "ab" * 32, NOW_MS)) is True
        assert writing.enrol(Enrolment("room-1", "ab" * 32, NOW_MS + 5)) is False
        with pytest.raises(CatalogueError, match="another key"):
            writing.enrol(Enrolment("room-1", "cd" * 32, NOW_MS))
        with pytest.raises(CatalogueError, match="room-1 is enrolled with this key; room-2 must have its own"):
            writing.enrol(Enrolment("room-2", "ab" * 32, NOW_MS))
    assert catalogue.public_keys({"room-1", "room-2"}).keys() == {"room-1"}
    assert catalogue.public_keys({"room-1"})["room-1"].public_bytes_raw().hex() == "ab" * 32


class TestDeletionDate:
    def test_it_is_there_from_birth_even_without_a_preamble(self, catalogue):
        with catalogue.write() as writing:
            writing.add({RECORDING.id: Addition(origin(NOW_MS), [block_item()], NOW_MS)})
        assert delete_after(catalogue) == NOW_MS + DAYS * DAY_MS

    def test_it_counts_from_the_making_once_that_is_known(self, catalogue):
        with catalogue.write() as writing:
            writing.add({RECORDING.id: Addition(origin(NOW_MS), [block_item()], NOW_MS)})
        with catalogue.write() as writing:
            writing.add({RECORDING.id: Addition(None, [preamble_item()], NOW_MS)})
        assert delete_after(catalogue) == WALL_MS + DAYS * DAY_MS

    def test_a_clock_that_runs_ahead_does_not_put_it_off(self, catalogue):
        with catalogue.write() as writing:
            writing.add({RECORDING.id: Addition(origin(WALL_MS - 3_000), [preamble_item()], NOW_MS)})
        assert delete_after(catalogue) == WALL_MS - 3_000 + DAYS * DAY_MS

    def test_a_clock_far_behind_does_not_have_it_deleted_at_once(self, catalogue):
        late_ms = WALL_MS + 1_000 * DAY_MS
        with catalogue.write() as writing:
            writing.add({RECORDING.id: Addition(origin(late_ms), [preamble_item()], NOW_MS)})
        assert delete_after(catalogue) == late_ms + (DAYS - BACKDATING_DAYS_MAX) * DAY_MS


@pytest.mark.parametrize("kind", list(ITEM_TYPES.values()))
@pytest.mark.parametrize("index", [0, 7, 99_999_999, 100_000_000, 2**32 - 1])
def test_objects_names_are_what_they_were(kind, index):
    name = Name("0a" * 16, kind, index if kind is RecordType.BLOCK else 0)
    assert parse_items(items([name])) == (name,)
    assert parse_conflict(conflict(name, b"\xfe" * 32)) == (name, b"\xfe" * 32)
    assert parse_items(conflict(name, b"\xfe" * 32)) == ()


@pytest.mark.parametrize("first", [0, 99_999_998])
def test_a_run_names_each_of_its_blocks(first):
    run = [Name("0a" * 16, RecordType.BLOCK, index) for index in range(first, first + 3)]
    assert parse_items(items(run)) == tuple(run)


@pytest.mark.parametrize("name", ["devices/room-1", f"{'0' * 32}/origin", f"{'0' * 32}/blocks/1-2", "preamble", ""])
def test_other_objects_hold_no_item(name):
    assert parse_items(name) == ()
    assert parse_conflict(name) is None

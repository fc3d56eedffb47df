"""The catalogue: migrations, the one writer, deletion dates, and being made anew from the objects."""

import re
import threading

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, inspect

from recorder.archive import catalogue as catalogue_module
from recorder.archive.catalogue import BACKDATING_DAYS_MAX, DAY_MS, Addition, Catalogue, Counts, Item
from recorder.archive.clerk import Clerk, Message
from recorder.archive.folder import FolderStore
from recorder.archive.naming import Enrolment, Origin, conflict, items, parse_conflict, parse_items
from recorder.archive.tables import METADATA, PARTITIONS
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


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "head"])
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
    assert (dump(again), again.counts()) == (before, counts)
    again.close()


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
        writing.add({RECORDING.id: Addition(origin(NOW_MS), [block_item()])})
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
            writing.add({RECORDING.id: Addition(origin(NOW_MS), [block_item()])})
        assert delete_after(catalogue) == NOW_MS + DAYS * DAY_MS

    def test_it_counts_from_the_making_once_that_is_known(self, catalogue):
        with catalogue.write() as writing:
            writing.add({RECORDING.id: Addition(origin(NOW_MS), [block_item()])})
        with catalogue.write() as writing:
            writing.add({RECORDING.id: Addition(None, [preamble_item()])})
        assert delete_after(catalogue) == WALL_MS + DAYS * DAY_MS

    def test_a_clock_that_runs_ahead_does_not_put_it_off(self, catalogue):
        with catalogue.write() as writing:
            writing.add({RECORDING.id: Addition(origin(WALL_MS - 3_000), [preamble_item()])})
        assert delete_after(catalogue) == WALL_MS - 3_000 + DAYS * DAY_MS

    def test_a_clock_far_behind_does_not_have_it_deleted_at_once(self, catalogue):
        late_ms = WALL_MS + 1_000 * DAY_MS
        with catalogue.write() as writing:
            writing.add({RECORDING.id: Addition(origin(late_ms), [preamble_item()])})
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

"""The catalogue: what the archive has, in a database beside its objects.

It is an index, not a source: `rebuild` makes it anew from the objects. Whoever writes of a recording has its lock, judges,
writes the objects and then the rows in one transaction. So a row is never without its object; an object without its row,
left by a crash between the two, is found when its name is wanted again, and adopted.

A block is beside, in conflict, if it is not the first of its name, or lies beyond what the manifest tells of: the room
may have lost it, and ended without it.

The consent receipts of a device are a chain. One that does not follow its neighbour is kept like any other, and told: what is
wrong is with the device, or with who has its key, and no receipt is worth less for it.
"""

import logging
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from recorder.archive import pages
from recorder.archive.naming import Enrolment, Origin
from recorder.archive.tables import CONFLICTS, DEVICES, ITEMS, RECORDINGS
from recorder.errors import CatalogueError
from recorder.sealed.layout import Manifest, Preamble, RecordType
from recorder.wire.consent import ConsentReceipt
from recorder.wire.judge import CONFLICTS_LEFT_BY_A_REFUSAL, LEFT_BY_A_REFUSAL, Known, Said
from recorder.wire.receipt import Purged
from recorder.wire.records import ITEM_TYPES, Beside, ItemType
from recorder.wire.upload import Name

LOG = logging.getLogger(__name__)

DAY_MS = 86_400_000
BACKDATING_DAYS_MAX = 14
"""A device's clock counts for the deletion date, but may not put a recording's making further back than this before it
came: a wrong clock, or a stolen key, would have it deleted at once."""
BUSY_SECONDS_MAX = 30.0
"""How long a writer waits for another."""
BUSY_RETRY_SECONDS = 0.05
READING = {"reading": True}
"""Of a connection: it begins no writing."""

_Page = tuple[str, int, int]
"""Recording, type, number: the key of a page."""


class Item(NamedTuple):
    """One record that is durable in the store."""

    name: Name
    content: bytes
    said: Said | None
    """What it says, if it is a signed text."""


class Addition(NamedTuple):
    """Items of one recording that are durable in the store and were not noted before."""

    origin: Origin | None
    """Of a recording that is new."""
    items: Collection[Item]


class Lacking(NamedTuple):
    """A recording that has its manifest, and the keybox that this names, and not all of its blocks: it is not kept."""

    recording: str
    here: int
    """Of its blocks."""
    told: int
    """By the manifest."""


class Counts(NamedTuple):
    """How much a catalogue has."""

    devices: int
    kept: int
    open: int
    refused: int
    beside: int
    """Records in conflict."""


class Catalogue:
    """The database at `url` (SQLAlchemy's form), migrated to this version. Every method raises CatalogueError."""

    def __init__(self, url: str) -> None:
        if not url.startswith("sqlite:"):
            raise CatalogueError(f"{url.partition(':')[0]}: only an SQLite catalogue is known so far")
        try:
            self._engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS_MAX})
            event.listen(self._engine, "connect", _prepare)
            event.listen(self._engine, "begin", _begin)
            with self._engine.begin() as connection:
                command.upgrade(_alembic(connection), "head")
        except (SQLAlchemyError, CommandError) as error:
            raise CatalogueError(f"{url}: the catalogue cannot be opened: {_first_line(error)}") from error

    @contextmanager
    def write(self) -> Iterator["Writing"]:
        """The one writer there can be: committed durably at the end of the block, forgotten if it raises."""
        try:
            with self._engine.begin() as connection:
                yield Writing(connection)
        except SQLAlchemyError as error:
            raise CatalogueError(f"the catalogue cannot be written: {_first_line(error)}") from error

    def public_keys(self, devices: Collection[str]) -> dict[str, Ed25519PublicKey]:
        """The keys of those of `devices` that are enrolled. Waits for no writer."""
        query = select(DEVICES.c.name, DEVICES.c.public_key).where(DEVICES.c.name.in_(devices))
        try:
            with self._engine.connect().execution_options(**READING) as connection:
                rows = connection.execute(query).all()
        except SQLAlchemyError as error:
            raise CatalogueError(f"the catalogue cannot be read: {_first_line(error)}") from error
        return {row.name: Ed25519PublicKey.from_public_bytes(row.public_key) for row in rows}

    def enrolled(self) -> list[str]:
        """The devices that may upload, by name. Waits for no writer."""
        try:
            with self._engine.connect().execution_options(**READING) as connection:
                return list(connection.scalars(select(DEVICES.c.name).order_by(DEVICES.c.name)))
        except SQLAlchemyError as error:
            raise CatalogueError(f"the catalogue cannot be read: {_first_line(error)}") from error

    def forget(self) -> None:
        """Have no trace of deleted rows. In the database they are overwritten; its write-ahead log has them until this."""
        deadline = time.monotonic() + BUSY_SECONDS_MAX
        while not self._checkpoint():  # SQLite does not wait for the checkpoint of another process
            if time.monotonic() > deadline:
                raise CatalogueError(f"another program has read the catalogue for {BUSY_SECONDS_MAX:.0f} s; end it")
            time.sleep(BUSY_RETRY_SECONDS)

    def close(self) -> None:
        self._engine.dispose()

    def _checkpoint(self) -> bool:
        """Empty the write-ahead log into the database; False if another process is at it."""
        try:
            with closing(self._engine.raw_connection()) as connection:  # it cannot be in a transaction
                cursor = connection.cursor()
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                told = cursor.fetchone()
        except (sqlite3.Error, SQLAlchemyError) as error:
            raise CatalogueError(f"the catalogue cannot be written: {_first_line(error)}") from error
        return told is not None and told[0] == 0  # "busy"


class Writing:
    """One transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def enrol(self, enrolment: Enrolment) -> bool:
        """Enrol a device; False if it is with this key already, CatalogueError if it is with another."""
        key = bytes.fromhex(enrolment.public_key)
        there = self._connection.scalar(select(DEVICES.c.public_key).where(DEVICES.c.name == enrolment.name))
        if there is None:
            row = {"name": enrolment.name, "public_key": key, "enrolled_ms": enrolment.enrolled_ms}
            self._connection.execute(insert(DEVICES), row)
            return True
        if there != key:
            raise CatalogueError(f"{enrolment.name} is enrolled with another key; a new device needs a new name")
        return False

    def known(self, names: Collection[Name]) -> dict[str, Known]:
        """Recording to what is known of it, with the contents of those of `names` that are there, and of its manifest."""
        recordings = {name.recording for name in names}
        wanted = {Name(recording, RecordType.MANIFEST, 0) for recording in recordings}.union(names)
        there = self._pages({_page(name) for name in wanted})
        contents: dict[str, dict[Name, bytes]] = {recording: {} for recording in recordings}
        for name in wanted:
            content = pages.at(there.get(_page(name), b""), _place(name))
            if content is not None:
                contents[name.recording][name] = content
        conflicts: dict[str, set[tuple[Name, bytes]]] = {recording: set() for recording in recordings}
        for row in self._connection.execute(select(CONFLICTS).where(CONFLICTS.c.recording.in_(recordings))):
            name = Name(row.recording, ITEM_TYPES[row.type], row._mapping["index"])
            conflicts[row.recording].add((name, row.content))
        known = {recording: Known() for recording in recordings}
        for row in self._connection.execute(select(RECORDINGS).where(RECORDINGS.c.id.in_(recordings))):
            known[row.id] = Known(
                device=row.device,
                preamble_hash=row.preamble_hash,
                contents=contents[row.id],
                ended=row.ended,
                blocks=row.blocks,
                keybox=row.keybox,
                conflicts=frozenset(conflicts[row.id]),
            )
        return known

    def contents(self, recording: str) -> dict[Name, bytes]:
        """Name to content of everything there is of one recording, in the order of the file."""
        rows = self._connection.execute(
            select(ITEMS).where(ITEMS.c.recording == recording).order_by(ITEMS.c.type, ITEMS.c.page)
        )
        return {
            Name(recording, ITEM_TYPES[row.type], row.page * pages.PAGE_ITEMS + place): content
            for row in rows
            for place, content in pages.read(row.contents)
        }

    def add(self, additions: Mapping[str, Addition]) -> None:
        """Note new items, by recording.

        A refusal among them erases the rest of its recording. Blocks that a manifest does not tell of are beside from then on.
        """
        found = self._connection.execute(select(RECORDINGS).where(RECORDINGS.c.id.in_(additions)))
        rows: dict[str, dict[str, Any]] = {row.id: dict(row._mapping) for row in found}
        new = {}
        for recording, addition in additions.items():
            if recording not in rows:
                assert addition.origin is not None
                new[recording] = rows[recording] = _born(recording, addition.origin)
        if new:
            self._connection.execute(insert(RECORDINGS), list(new.values()))
        self._add_contents(item for addition in additions.values() for item in addition.items)
        for recording, addition in additions.items():
            changes: dict[str, Any] = {}
            for item in addition.items:
                changes |= _told(item.said, rows[recording])
            row = rows[recording] | changes
            if changes or row["ended"] is not None:
                self._settle(recording, row, changes)
            if "receipt_previous" in changes:
                self._check_chain(row["device"], row["sequence"])

    def add_conflicts(self, conflicts: Iterable[tuple[Name, bytes]]) -> None:
        """Note what was kept beside, by name and content; their recordings must be there."""
        rows = [
            {"recording": name.recording, "type": int(name.type), "index": name.index, "content": content}
            for name, content in conflicts
        ]
        if rows:
            self._connection.execute(insert(CONFLICTS), rows)

    def unpurged(self, recordings: Collection[str] | None = None) -> list[str]:
        """Those refused recordings (all, or of `recordings`) whose objects may not be deleted yet."""
        return self._unsettled("refused", recordings)

    def ungathered(self, recordings: Collection[str] | None = None) -> list[str]:
        """Those kept recordings (all, or of `recordings`) whose blocks may lie in many objects."""
        return self._unsettled("kept", recordings)

    def purges(self, recordings: Collection[str]) -> list[tuple[str, Purged]]:
        """Device and order of those of `recordings` that were refused, by recording."""
        query = (
            select(RECORDINGS.c.id, RECORDINGS.c.device, ITEMS.c.contents)
            .join(ITEMS, ITEMS.c.recording == RECORDINGS.c.id)
            .where(RECORDINGS.c.id.in_(recordings), RECORDINGS.c.state == "refused")
            .where(ITEMS.c.type == int(RecordType.MANIFEST))
            .order_by(RECORDINGS.c.id)
        )
        rows = self._connection.execute(query)
        return [(row.device, Purged(row.id, row.contents.hex())) for row in rows]

    def lacking(self, recordings: Collection[str] | None = None) -> list[Lacking]:
        """Those recordings (all, or of `recordings`) that would be kept if all their blocks were here."""
        query = select(RECORDINGS).where(RECORDINGS.c.state == "open", RECORDINGS.c.ended.is_not(None))
        if recordings is not None:
            query = query.where(RECORDINGS.c.id.in_(recordings))
        rows = self._connection.execute(query.order_by(RECORDINGS.c.id)).all()
        return [
            Lacking(row.id, self._blocks(row.id), row.blocks) for row in rows if self._has_keybox(row.id, row.keybox)
        ]

    def counts(self) -> Counts:
        """How much there is."""
        kept, opened, refused = (
            self._count(RECORDINGS, RECORDINGS.c.state == each) for each in ("kept", "open", "refused")
        )
        return Counts(self._count(DEVICES), kept, opened, refused, self._count(CONFLICTS))

    def purge_done(self, recording: str, purged_ms: int) -> None:
        """Note that the objects of a refused recording are gone."""
        self._change(recording, {"purged_ms": purged_ms, "settled": True})

    def gather_done(self, recording: str) -> None:
        """Note that the blocks of a kept recording lie together."""
        self._change(recording, {"settled": True})

    def _unsettled(self, state: str, recordings: Collection[str] | None) -> list[str]:
        query = select(RECORDINGS.c.id).where(~RECORDINGS.c.settled, RECORDINGS.c.state == state)
        if recordings is not None:
            query = query.where(RECORDINGS.c.id.in_(recordings))
        return list(self._connection.scalars(query.order_by(RECORDINGS.c.id)))

    def _pages(self, keys: Collection[_Page]) -> dict[_Page, bytes]:
        """Those pages that are there."""
        page = tuple_(ITEMS.c.recording, ITEMS.c.type, ITEMS.c.page)
        rows = self._connection.execute(select(ITEMS).where(page.in_(list(keys))))
        return {(row.recording, row.type, row.page): row.contents for row in rows}

    def _add_contents(self, items: Iterable[Item]) -> None:
        changes: dict[_Page, dict[int, bytes]] = {}
        for item in items:
            changes.setdefault(_page(item.name), {})[_place(item.name)] = item.content
        if not changes:
            return
        there = self._pages(changes)
        written = {key: pages.write(there.get(key, b""), contents) for key, contents in changes.items()}
        self._write_pages({key: page for key, page in written.items() if key not in there}, new=True)
        self._write_pages({key: page for key, page in written.items() if key in there}, new=False)

    def _write_pages(self, written: Mapping[_Page, bytes], *, new: bool) -> None:
        if not written:
            return
        if new:
            rows = [
                {"recording": recording, "type": type_, "page": number, "contents": page}
                for (recording, type_, number), page in written.items()
            ]
            self._connection.execute(insert(ITEMS), rows)
            return
        statement = (
            update(ITEMS)
            .where(
                ITEMS.c.recording == bindparam("of"), ITEMS.c.type == bindparam("kind"), ITEMS.c.page == bindparam("no")
            )
            .values(contents=bindparam("page_contents"))
        )
        changes = [
            {"of": recording, "kind": type_, "no": number, "page_contents": page}
            for (recording, type_, number), page in written.items()
        ]
        self._connection.execute(statement, changes)

    def _settle(self, recording: str, row: Mapping[str, Any], changes: dict[str, Any]) -> None:
        """Write `changes` of the row, and what follows from them."""
        if row["ended"] == "refused":
            changes |= {"state": "refused"}
            self._erase(ITEMS, recording, LEFT_BY_A_REFUSAL)
            self._erase(CONFLICTS, recording, CONFLICTS_LEFT_BY_A_REFUSAL)
        elif row["ended"] is not None:
            self._put_beside(recording, row["blocks"])
            if self._has_keybox(recording, row["keybox"]) and self._blocks(recording) == row["blocks"]:
                changes |= {"state": "kept"}
        if changes:
            self._change(recording, changes)

    def _change(self, recording: str, changes: Mapping[str, Any]) -> None:
        self._connection.execute(update(RECORDINGS).where(RECORDINGS.c.id == recording).values(**changes))

    def _check_chain(self, device: str, number: int) -> None:
        """Tell it if the receipt of that number does not follow the one before it, or the one after does not follow it."""
        near = (
            select(RECORDINGS.c.sequence, RECORDINGS.c.receipt_previous, ITEMS.c.contents)
            .join(ITEMS, ITEMS.c.recording == RECORDINGS.c.id)
            .where(RECORDINGS.c.device == device, RECORDINGS.c.sequence.between(number - 1, number + 1))
            .where(_of(Beside.RECEIPT))
        )
        found = {row.sequence: row for row in self._connection.execute(near)}
        for each in (number, number + 1):
            before = bytes(32) if each == 1 else found[each - 1].contents if each - 1 in found else None
            if each in found and before not in (None, found[each].receipt_previous):
                LOG.error(
                    "the chain of receipts is broken: device=%s: number %d does not follow the one before", device, each
                )

    def _put_beside(self, recording: str, blocks: int) -> None:
        """Note as conflicts what lies beyond so many blocks. An object's name tells it too, so none needs to be moved."""
        last, place = divmod(blocks, pages.PAGE_ITEMS)
        from_there = (ITEMS.c.recording == recording) & _of(RecordType.BLOCK) & (ITEMS.c.page >= last)
        found = {row.page: row.contents for row in self._connection.execute(select(ITEMS).where(from_there))}
        kept = pages.cut(found.get(last, b""), place)
        beyond = [
            (Name(recording, RecordType.BLOCK, number * pages.PAGE_ITEMS + at), content)
            for number, page in sorted(found.items())
            for at, content in pages.read(page)
            if (number, at) >= (last, place)
        ]
        if not beyond:
            return
        LOG.error("conflict: recording=%s: %d blocks beyond the %d of its manifest", recording, len(beyond), blocks)
        self.add_conflicts(beyond)
        self._connection.execute(delete(ITEMS).where(from_there))
        if kept:
            self._write_pages({(recording, int(RecordType.BLOCK), last): kept}, new=True)

    def _has_keybox(self, recording: str, named: str | None) -> bool:
        # A manifest that names no keybox says that none will ever come: then nothing is waited for.
        return named is None or self._count(ITEMS, ITEMS.c.recording == recording, _of(RecordType.KEYBOX)) > 0

    def _blocks(self, recording: str) -> int:
        found = select(ITEMS.c.contents).where(ITEMS.c.recording == recording, _of(RecordType.BLOCK))
        return sum(1 for page in self._connection.scalars(found) for _ in pages.read(page))

    def _count(self, table: Table, *where: ColumnElement[bool]) -> int:
        return self._connection.scalar(select(func.count()).select_from(table).where(*where)) or 0

    def _erase(self, table: Table, recording: str, left: Collection[ItemType]) -> None:
        others = table.c.type.not_in([int(kind) for kind in left])
        self._connection.execute(delete(table).where(table.c.recording == recording, others))


def consecutive(items: Iterable[Item]) -> Iterator[list[Item]]:
    """`items`, in the order of their names, cut where the next one does not follow: what one object may hold."""
    ordered = sorted(items, key=lambda item: item.name)
    places = enumerate(ordered)
    for _, run in groupby(
        places, lambda each: (each[1].name.recording, each[1].name.type, each[1].name.index - each[0])
    ):
        yield [item for _, item in run]


def _born(recording: str, origin: Origin) -> dict[str, Any]:
    """The row of a recording of which nothing is known but that it began to come."""
    return {
        "id": recording,
        "device": origin.device,
        "preamble_hash": bytes.fromhex(origin.preamble),
        "first_ms": origin.first_ms,
        "delete_after_ms": origin.first_ms + origin.retention_days * DAY_MS,
        "state": "open",
        "settled": False,
        "ended": None,
        "blocks": None,
        "keybox": None,
    }


def _told(said: Said | None, row: Mapping[str, Any]) -> dict[str, Any]:
    """What changes in a recording's row by what one of its items says."""
    match said:
        case Preamble() as preamble:
            return {
                "sequence": preamble.sequence,
                "made_ms": preamble.wall_ms,
                "made_synced": preamble.synced,
                "delete_after_ms": row["delete_after_ms"] - _made_before_ms(row["first_ms"], preamble),
            }
        case Manifest() as manifest:
            return {
                "ended": manifest.ended,
                "ended_ms": manifest.wall_ms,
                "blocks": manifest.blocks,
                "keybox": manifest.keybox,
            }
        case ConsentReceipt() as receipt:
            return {"receipt_previous": bytes.fromhex(receipt.previous)}
    return {}


def _made_before_ms(first_ms: int, preamble: Preamble) -> int:
    """How long before it came a recording was made, as far as the device's clock can be believed: its date counts from then."""
    return min(max(first_ms - preamble.wall_ms, 0), BACKDATING_DAYS_MAX * DAY_MS) if preamble.synced else 0


def _page(name: Name) -> _Page:
    return name.recording, int(name.type), name.index // pages.PAGE_ITEMS


def _place(name: Name) -> int:
    return name.index % pages.PAGE_ITEMS


def _of(kind: ItemType) -> ColumnElement[bool]:
    return ITEMS.c.type == int(kind)


def _first_line(error: Exception) -> str:
    """What happened; SQLAlchemy adds the statement and a link."""
    return str(error).partition("\n")[0]


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # or the driver begins transactions by itself, and not IMMEDIATE ones
    if connection.execute("PRAGMA auto_vacuum").fetchone() == (0,):  # a new one; of another it would wait for its writer
        connection.execute("PRAGMA auto_vacuum = FULL")  # the file keeps no room that deleted rows had
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit survives a power cut
        "foreign_keys = ON",
        "secure_delete = ON",  # the sizes of refused blocks tell how much was said: deleted rows are overwritten
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().keys() >= READING.keys()
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config

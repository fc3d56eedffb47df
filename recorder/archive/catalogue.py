"""The catalogue: what the archive has, in a database beside its objects.

It is an index, not a source: `rebuild` makes it anew from the objects. One writer at a time (BEGIN IMMEDIATE), who
judges, writes the objects and then the rows in one transaction. So a row is never without its object; an object
without its row, left by a crash between the two, is found when its name is wanted again, and adopted.

A block is beside, in conflict, if it is not the first of its name, or lies beyond what the manifest tells of: the room
may have lost it, and ended without it.

The consent receipts of a device are a chain. One that does not follow its neighbour is kept like any other, and told: what is
wrong is with the device, or with who has its key, and no receipt is worth less for it.
"""

import logging
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
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

from recorder import canonical
from recorder.archive import naming
from recorder.archive.naming import Enrolment, Origin
from recorder.archive.store import Store
from recorder.archive.tables import CONFLICTS, DEVICES, ITEMS, RECORDINGS
from recorder.canonical import SIGNATURE_BYTES
from recorder.errors import CatalogueError, SealedError, SignedTextError, StoreError
from recorder.sealed import layout
from recorder.sealed.layout import Manifest, Preamble, RecordType
from recorder.wire import records
from recorder.wire.consent import ConsentReceipt
from recorder.wire.judge import CONFLICTS_LEFT_BY_A_REFUSAL, LEFT_BY_A_REFUSAL, Known, Said
from recorder.wire.receipt import Purged, Receipt
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


T = TypeVar("T", bound=msgspec.Struct)


class Item(NamedTuple):
    """One record that is durable in the store."""

    name: Name
    content: bytes
    size: int
    """Bytes."""
    said: Said | None
    """What it says, if it is a signed text."""


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
            event.listen(self._engine, "begin", _begin_writing)
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

    def public_keys(self, devices: Collection[str]) -> dict[str, Ed25519PublicKey]:
        """The keys of those of `devices` that are enrolled."""
        rows = self._connection.execute(select(DEVICES.c.name, DEVICES.c.public_key).where(DEVICES.c.name.in_(devices)))
        return {row.name: Ed25519PublicKey.from_public_bytes(row.public_key) for row in rows}

    def known(self, names: Collection[Name]) -> dict[str, Known]:
        """Recording to what is known of it, with the contents of those of `names` that are there, and of its manifest."""
        recordings = {name.recording for name in names}
        contents: dict[str, dict[Name, bytes]] = {recording: {} for recording in recordings}
        manifests = {Name(recording, RecordType.MANIFEST, 0) for recording in recordings}
        keys = [(name.recording, int(name.type), name.index) for name in manifests.union(names)]
        item = tuple_(ITEMS.c.recording, ITEMS.c.type, ITEMS.c.index)
        for row in self._connection.execute(select(ITEMS).where(item.in_(keys))):
            contents[row.recording][_name(row)] = row.content
        conflicts: dict[str, set[tuple[Name, bytes]]] = {recording: set() for recording in recordings}
        for row in self._connection.execute(select(CONFLICTS).where(CONFLICTS.c.recording.in_(recordings))):
            conflicts[row.recording].add((_name(row), row.content))
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
        """Name to content of everything there is of one recording."""
        rows = self._connection.execute(select(ITEMS).where(ITEMS.c.recording == recording))
        return {_name(row): row.content for row in rows}

    def add(self, recording: str, origin: Origin | None, items: Collection[Item]) -> None:
        """Note items that are durable in the store and were not noted before; `origin` of a recording that is new.

        A refusal among them erases the rest. Blocks that the manifest does not tell of are beside from then on.
        """
        row = self._recording(recording)
        if row is None:
            assert origin is not None
            row = {
                "id": recording,
                "device": origin.device,
                "preamble_hash": bytes.fromhex(origin.preamble),
                "first_ms": origin.first_ms,
                "delete_after_ms": origin.first_ms + origin.retention_days * DAY_MS,
                "state": "open",
                "ended": None,
                "blocks": None,
                "keybox": None,
            }
            self._connection.execute(insert(RECORDINGS), row)
        changes: dict[str, Any] = {}
        for item in items:
            match item.said:
                case Preamble() as preamble:
                    changes |= {
                        "sequence": preamble.sequence,
                        "made_ms": preamble.wall_ms,
                        "made_synced": preamble.synced,
                        "delete_after_ms": row["delete_after_ms"] - _made_before_ms(row["first_ms"], preamble),
                    }
                case Manifest() as manifest:
                    changes |= {
                        "ended": manifest.ended,
                        "ended_ms": manifest.wall_ms,
                        "blocks": manifest.blocks,
                        "keybox": manifest.keybox,
                    }
                case ConsentReceipt() as receipt:
                    changes |= {"receipt_previous": bytes.fromhex(receipt.previous)}
        self._insert(ITEMS, items)
        row = {**row, **changes}
        self._settle(recording, row, changes)
        if "receipt_previous" in changes:
            self._check_chain(row["device"], row["sequence"])

    def add_conflicts(self, conflicts: Collection[Item]) -> None:
        """Note what was kept beside; their recordings must be there."""
        self._insert(CONFLICTS, conflicts)

    def unpurged(self, recordings: Collection[str] | None = None) -> list[str]:
        """Those refused recordings (all, or of `recordings`) whose objects may not be deleted yet."""
        query = select(RECORDINGS.c.id).where(RECORDINGS.c.state == "refused", RECORDINGS.c.purged_ms.is_(None))
        if recordings is not None:
            query = query.where(RECORDINGS.c.id.in_(recordings))
        return list(self._connection.scalars(query))

    def purges(self, recordings: Collection[str]) -> list[tuple[str, Purged]]:
        """Device and order of those of `recordings` that were refused, by recording."""
        query = (
            select(RECORDINGS.c.id, RECORDINGS.c.device, ITEMS.c.content)
            .join(ITEMS, ITEMS.c.recording == RECORDINGS.c.id)
            .where(RECORDINGS.c.id.in_(recordings), RECORDINGS.c.state == "refused")
            .where(ITEMS.c.type == int(RecordType.MANIFEST))
            .order_by(RECORDINGS.c.id)
        )
        rows = self._connection.execute(query)
        return [(row.device, Purged(row.id, row.content.hex())) for row in rows]

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
        done = update(RECORDINGS).where(RECORDINGS.c.id == recording)
        self._connection.execute(done.values(purged_ms=purged_ms))

    def _recording(self, recording: str) -> dict[str, Any] | None:
        row = self._connection.execute(select(RECORDINGS).where(RECORDINGS.c.id == recording)).first()
        return None if row is None else dict(row._mapping)

    def _insert(self, table: Table, items: Collection[Item]) -> None:
        rows = [
            {
                "recording": item.name.recording,
                "type": int(item.name.type),
                "index": item.name.index,
                "content": item.content,
                "bytes": item.size,
            }
            for item in items
        ]
        if rows:
            self._connection.execute(insert(table), rows)

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
            self._connection.execute(update(RECORDINGS).where(RECORDINGS.c.id == recording).values(**changes))

    def _check_chain(self, device: str, number: int) -> None:
        """Tell it if the receipt of that number does not follow the one before it, or the one after does not follow it."""
        near = (
            select(RECORDINGS.c.sequence, RECORDINGS.c.receipt_previous, ITEMS.c.content)
            .join(ITEMS, ITEMS.c.recording == RECORDINGS.c.id)
            .where(RECORDINGS.c.device == device, RECORDINGS.c.sequence.between(number - 1, number + 1))
            .where(_of(Beside.RECEIPT))
        )
        found = {row.sequence: row for row in self._connection.execute(near)}
        for each in (number, number + 1):
            before = bytes(32) if each == 1 else found[each - 1].content if each - 1 in found else None
            if each in found and before not in (None, found[each].receipt_previous):
                LOG.error(
                    "the chain of receipts is broken: device=%s: number %d does not follow the one before", device, each
                )

    def _put_beside(self, recording: str, blocks: int) -> None:
        """Note as conflicts what lies beyond so many blocks. An object's name tells it too, so none needs to be moved."""
        beyond = (ITEMS.c.recording == recording) & _of(RecordType.BLOCK) & (ITEMS.c.index >= blocks)
        columns = [column.name for column in CONFLICTS.columns]
        rows = select(*(ITEMS.c[name] for name in columns)).where(beyond)
        self._connection.execute(insert(CONFLICTS).from_select(columns, rows))
        number = self._connection.execute(delete(ITEMS).where(beyond)).rowcount
        if number:
            LOG.error("conflict: recording=%s: %d blocks beyond the %d of its manifest", recording, number, blocks)

    def _has_keybox(self, recording: str, named: str | None) -> bool:
        # A manifest that names no keybox says that none will ever come: then nothing is waited for.
        return named is None or self._count(ITEMS, ITEMS.c.recording == recording, _of(RecordType.KEYBOX)) > 0

    def _blocks(self, recording: str) -> int:
        return self._count(ITEMS, ITEMS.c.recording == recording, _of(RecordType.BLOCK))

    def _count(self, table: Table, *where: ColumnElement[bool]) -> int:
        return self._connection.scalar(select(func.count()).select_from(table).where(*where)) or 0

    def _erase(self, table: Table, recording: str, left: Collection[ItemType]) -> None:
        others = table.c.type.not_in([int(kind) for kind in left])
        self._connection.execute(delete(table).where(table.c.recording == recording, others))


def rebuild(store: Store, catalogue: Catalogue) -> tuple[Counts, list[Lacking]]:
    """Fill an empty catalogue from the objects; returns what it has then, and what is not whole.

    CatalogueError if it is not empty, StoreError if an object is not what its name says.
    """
    with catalogue.write() as writing:
        if any(writing.counts()):
            raise CatalogueError("the catalogue is not empty; end the archive, move the catalogue away, and rebuild")
        for name in store.list(naming.DEVICES):
            writing.enrol(_decode(store.get(name), Enrolment, name))
        recordings = {name.partition("/")[0] for name in store.list("") if naming.parse_item(name)}
        for recording in sorted(recordings):
            adopt(store, writing, recording)
        return writing.counts(), writing.lacking()


def adopt(store: Store, writing: Writing, recording: str) -> None:
    """Note every object of one recording that the catalogue does not know, and have it durable."""
    for prefix in (f"{recording}/", f"{naming.CONFLICTS}{recording}/"):
        store.settle(prefix)
    found = next(store.list(naming.origin(recording)), None)
    if found is None:
        raise StoreError(f"{recording}: the object that says whose recording it is, is missing")
    origin = _decode(store.get(found), Origin, found)
    preamble = Name(recording, RecordType.PREAMBLE, 0)
    beside = writing.known([preamble])[recording].conflicts
    found_items = _items(store, f"{recording}/", writing.contents(recording))
    items = [item for item in found_items if (item.name, item.content) not in beside]
    if items:
        writing.add(recording, origin, items)
    known = writing.known([preamble])[recording]
    conflicts = _conflicts(store, recording, known.conflicts)
    left = CONFLICTS_LEFT_BY_A_REFUSAL if known.refused else frozenset(ITEM_TYPES.values())
    writing.add_conflicts([conflict for conflict in conflicts if conflict.name.type in left])
    # A purge that was signed for is believed only if nothing came back since, out of a backup: else it is done again.
    if known.refused and not beyond_a_refusal(store, recording):
        for name in store.list(naming.purged(recording)):
            receipt = _decode(store.get(name)[SIGNATURE_BYTES:], Receipt, name)
            writing.purge_done(recording, receipt.wall_ms)


def beyond_a_refusal(store: Store, recording: str) -> list[str]:
    """The objects that may not be there if this recording was refused."""
    left = {naming.origin(recording), naming.purged(recording)}
    left |= {naming.item(Name(recording, each, 0)) for each in LEFT_BY_A_REFUSAL}
    gone = [name for name in store.list(f"{recording}/") if name not in left]
    for name in store.list(f"{naming.CONFLICTS}{recording}/"):
        parsed = naming.parse_conflict(name)
        if parsed is None or parsed[0].type not in CONFLICTS_LEFT_BY_A_REFUSAL:
            gone.append(name)
    return gone


def _items(store: Store, prefix: str, there: Mapping[Name, bytes]) -> Iterator[Item]:
    for found in store.list(prefix):
        name = naming.parse_item(found)
        if name is not None and name not in there:
            yield read_item(store.get(found), name)


def _conflicts(store: Store, recording: str, there: Collection[tuple[Name, bytes]]) -> Iterator[Item]:
    for found in store.list(f"{naming.CONFLICTS}{recording}/"):
        parsed = naming.parse_conflict(found)
        if parsed is not None and parsed not in there:
            yield read_item(store.get(found), parsed[0])


def read_item(record: bytes, name: Name) -> Item:
    """The item in an object of the archive; StoreError if the object is damaged."""
    try:
        kind, body = records.parse_record(record)
        text = body[SIGNATURE_BYTES:]
        said: Said | None = None
        if kind is RecordType.PREAMBLE:
            said = canonical.decode(text, Preamble)
        elif kind is RecordType.MANIFEST:
            said = canonical.decode(text, Manifest)
        elif kind is Beside.RECEIPT:
            said = canonical.decode(text, ConsentReceipt)
    except (SealedError, SignedTextError) as error:
        raise StoreError(f"{naming.item(name)}: the object is damaged: {error}") from error
    return Item(name, layout.hash_body(body), len(record), said)


def _decode(data: bytes, kind: type[T], name: str) -> T:
    try:
        return canonical.decode(data, kind)
    except SignedTextError as error:
        raise StoreError(f"{name}: the object is damaged: {error}") from error


def _made_before_ms(first_ms: int, preamble: Preamble) -> int:
    """How long before it came a recording was made, as far as the device's clock can be believed: its date counts from then."""
    return min(max(first_ms - preamble.wall_ms, 0), BACKDATING_DAYS_MAX * DAY_MS) if preamble.synced else 0


def _of(kind: ItemType) -> ColumnElement[bool]:
    return ITEMS.c.type == int(kind)


def _name(row: Any) -> Name:
    return Name(row.recording, ITEM_TYPES[row.type], row.index)


def _first_line(error: Exception) -> str:
    """What happened; SQLAlchemy adds the statement and a link."""
    return str(error).partition("\n")[0]


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # or the driver begins transactions by itself, and not IMMEDIATE ones
    for pragma in (
        "auto_vacuum = FULL",  # the file keeps no room that deleted rows had; of a new one, before all else
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit survives a power cut
        "foreign_keys = ON",
        "secure_delete = ON",  # the sizes of refused blocks tell how much was said: deleted rows are overwritten
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config

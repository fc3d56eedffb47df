"""The catalogue: what the archive has, in a database beside its objects.

It is an index, not a source: `rebuild` makes it anew from the objects. Whoever writes of a recording has its lock, judges,
writes the objects and then the rows in one transaction. So a row is never without its object; an object without its row,
left by a crash between the two, is found when its name is wanted again, and adopted.

What a batch costs in statements does not grow with its recordings, but for those whose manifest came.

A block is beside, in conflict, if it is not the first of its name, or lies beyond what the manifest tells of: the room
may have lost it, and ended without it.

The consent receipts of a device are a chain. One that does not follow its neighbour is kept like any other, and told: what is
wrong is with the device, or with who has its key, and no receipt is worth less for it.
"""

import logging
import secrets
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    bindparam,
    delete,
    func,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from recorder.archive import pages, postgresql
from recorder.archive.certificate import Tombstone
from recorder.archive.code import code as client_code
from recorder.archive.database import READING, Database, Keys, first_line
from recorder.archive.naming import Enrolment, Origin
from recorder.archive.postgresql import Postgresql
from recorder.archive.sqlite import Sqlite
from recorder.archive.tables import CONFLICTS, DEVICES, ITEMS, RECORDINGS, TALLIES, TALLY_SLOTS
from recorder.config import Archive
from recorder.errors import CatalogueError
from recorder.sealed.layout import Manifest, Preamble, RecordType
from recorder.wire.consent import DAY_MS, ConsentReceipt
from recorder.wire.judge import CONFLICTS_LEFT_BY_A_REFUSAL, LEFT_BY_A_REFUSAL, Known, Said
from recorder.wire.receipt import Purged
from recorder.wire.records import ITEM_TYPES, Beside, ItemType
from recorder.wire.upload import Name

LOG = logging.getLogger(__name__)

BACKDATING_DAYS_MAX = 14
"""A device's clock counts for the deletion date, but may not put a recording's making further back than this before it
came: a wrong clock, or a stolen key, would have it deleted at once."""

_Page = tuple[str, int, int]
"""Recording, type, number: the key of a page."""


class Item(NamedTuple):
    """One record that is durable in the store."""

    name: Name
    content: bytes
    said: Said | None
    """What it says, if it is a signed text."""
    code: str | None = None
    """The client's, if it is a consent receipt."""

    @classmethod
    def of(cls, name: Name, body: bytes, content: bytes, said: Said | None) -> Self:
        """The item whose record has this body."""
        return cls(name, content, said, client_code(body) if isinstance(said, ConsentReceipt) else None)


class Addition(NamedTuple):
    """Items of one recording that are durable in the store and were not noted before."""

    origin: Origin | None
    """Of a recording that is new."""
    items: Collection[Item]
    came_ms: int
    """When its manifest came, if that is among them."""


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
    deleted: int = 0


class Standing(NamedTuple):
    """How a recording stands."""

    state: str
    settled: bool


class Catalogue:
    """The database at `url` (SQLAlchemy's form), migrated to this version. Every method raises CatalogueError.

    Without `make` there must be a catalogue in it, of whatever version.
    """

    def __init__(self, url: str, *, make: bool = True) -> None:
        self._database = _database(url)
        self._tally_slot = secrets.randbelow(TALLY_SLOTS)
        try:
            there, newest = self._versions() if make or self._database.is_there() else (None, None)
            if there is None and not make:
                self.close()
                raise CatalogueError(
                    f"{url}: there is no catalogue; check archive.folder and archive.catalogue. A new archive's is made "
                    "when its first device is enrolled; one that was lost is rebuilt: recorder archive --config FILE rebuild"
                )
            if there != newest:
                with self._database.engine.begin() as connection:
                    self._database.lock(connection, None)  # of two programs that start at once one migrates
                    command.upgrade(_alembic(connection), "head")
        except (SQLAlchemyError, CommandError) as error:
            self.close()
            raise CatalogueError(f"{url}: the catalogue cannot be opened: {first_line(error)}") from error

    def _versions(self) -> tuple[str | None, str | None]:
        """Of the catalogue in the database (None: there is none) and of this program.

        Waits for no writer: one that hangs is when an operator looks.
        """
        with self._database.engine.connect().execution_options(**READING) as connection:
            there = MigrationContext.configure(connection).get_current_revision()
            return there, ScriptDirectory.from_config(_alembic(connection)).get_current_head()

    @contextmanager
    def write(self, keys: Keys | None = None) -> Iterator["Writing"]:
        """The one writer of what `keys` name (None: of everything): committed durably at the end of the block.

        Forgotten if it raises. Who is given no keys at all may only read.
        """
        try:
            with self._database.engine.begin() as connection:
                self._database.lock(connection, keys)
                writing = Writing(self._database, connection, keys)
                yield writing
                writing.note_tally(self._tally_slot)
        except SQLAlchemyError as error:
            raise CatalogueError(f"the catalogue cannot be written: {first_line(error)}") from error

    @contextmanager
    def write_beside(self) -> Iterator[Connection]:
        """A transaction over tables that tell of no recording, and that no `Writing` knows: committed at its end."""
        try:
            with self._database.engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise CatalogueError(f"the catalogue cannot be written: {first_line(error)}") from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that waits for no writer."""
        try:
            with self._database.engine.connect().execution_options(**READING) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise CatalogueError(f"the catalogue cannot be read: {first_line(error)}") from error

    def public_keys(self, devices: Collection[str]) -> dict[str, Ed25519PublicKey]:
        """The keys of those of `devices` that are enrolled. Waits for no writer."""
        query = select(DEVICES.c.name, DEVICES.c.public_key)
        with self.read() as connection:
            rows = connection.execute(query.where(self._database.among([DEVICES.c.name], _each(devices)))).all()
        return {row.name: Ed25519PublicKey.from_public_bytes(row.public_key) for row in rows}

    def standing(self, recordings: Collection[str]) -> dict[str, Standing]:
        """Of those of `recordings` that there are. Waits for no writer."""
        query = select(RECORDINGS.c.id, RECORDINGS.c.state, RECORDINGS.c.settled)
        with self.read() as connection:
            rows = connection.execute(query.where(self._database.among([RECORDINGS.c.id], _each(recordings))))
            return {row.id: Standing(row.state, row.settled) for row in rows}

    def counts(self) -> Counts:
        """How much there is. Waits for no writer."""
        with self.read() as connection:
            return _counts(connection, {})

    def enrolled(self) -> list[str]:
        """The devices that may upload, by name. Waits for no writer."""
        with self.read() as connection:
            return list(connection.scalars(select(DEVICES.c.name).order_by(DEVICES.c.name)).all())

    def forget(self) -> None:
        """What a database can do so that nothing tells of deleted rows: docs/wire.md says what that is."""
        self._database.forget()

    def close(self) -> None:
        self._database.engine.dispose()


class Writing:
    """One transaction, which has the locks of `keys`."""

    def __init__(self, database: Database, connection: Connection, keys: Keys | None) -> None:
        self._database = database
        self._connection = connection
        self._keys = keys
        self._tally: Counter[str] = Counter()
        self._rows: dict[str, dict[str, Any] | None] = {}
        self._contents: dict[_Page, bytes | None] = {}
        """What was read of recordings and pages (None: is not there), until something is written: nobody else changes it."""

    def enrol(self, enrolment: Enrolment) -> bool:
        """Enrol a device; False if it is with this key already, CatalogueError if it is with another."""
        key = bytes.fromhex(enrolment.public_key)
        there = self._connection.scalar(select(DEVICES.c.public_key).where(DEVICES.c.name == enrolment.name))
        if there is None:
            other = self._connection.scalar(select(DEVICES.c.name).where(DEVICES.c.public_key == key))
            if other is not None:
                raise CatalogueError(f"{other} is enrolled with this key; {enrolment.name} must have its own")
            row = {"name": enrolment.name, "public_key": key, "enrolled_ms": enrolment.enrolled_ms}
            self._connection.execute(insert(DEVICES), row)
            return True
        if there != key:
            raise CatalogueError(f"{enrolment.name} is enrolled with another key; a new device needs a new name")
        return False

    def known(self, names: Collection[Name]) -> dict[str, Known]:
        """Recording to what is known of it, with the contents of those of `names` that are there, and of its manifest."""
        recordings = {name.recording for name in names}
        rows = self._recordings(recordings)
        ended = {recording for recording, row in rows.items() if row["ended"] is not None}
        wanted = {Name(recording, RecordType.MANIFEST, 0) for recording in ended}.union(names)
        there = self._pages({_page(name) for name in wanted})
        contents: dict[str, dict[Name, bytes]] = {recording: {} for recording in recordings}
        for name in wanted:
            content = pages.at(there.get(_page(name), b""), _place(name))
            if content is not None:
                contents[name.recording][name] = content
        conflicts: dict[str, set[tuple[Name, bytes]]] = {recording: set() for recording in recordings}
        for each in self._connection.execute(select(CONFLICTS).where(self._of(CONFLICTS.c.recording, recordings))):
            name = Name(each.recording, ITEM_TYPES[each.type], each._mapping["index"])
            conflicts[each.recording].add((name, each.content))
        known = {recording: Known() for recording in recordings}
        for recording, row in rows.items():
            known[recording] = Known(
                device=row["device"],
                preamble_hash=row["preamble_hash"],
                contents=contents[recording],
                ended=row["ended"],
                blocks=row["blocks"],
                keybox=row["keybox"],
                conflicts=frozenset(conflicts[recording]),
                deleted=row["state"] == "deleted",
                was_kept=row["was_kept"] is True,
            )
        return known

    def contents(self, recordings: Collection[str]) -> dict[str, dict[Name, bytes]]:
        """Recording to name to content of everything there is of it, in the order of the file."""
        found: dict[str, dict[Name, bytes]] = {recording: {} for recording in recordings}
        if not recordings:
            return found
        of_them = self._of(ITEMS.c.recording, recordings)
        rows = self._connection.execute(select(ITEMS).where(of_them).order_by(ITEMS.c.type, ITEMS.c.page))
        for row in rows:
            for place, content in pages.read(row.contents):
                number = row.page * pages.PAGE_ITEMS + place
                found[row.recording][Name(row.recording, ITEM_TYPES[row.type], number)] = content
        return found

    def add(self, additions: Mapping[str, Addition]) -> None:
        """Note new items, by recording.

        A refusal among them erases the rest of its recording. Blocks that a manifest does not tell of are beside from then on.
        """
        assert self._keys is None or additions.keys() <= set(self._keys.recordings)
        rows = self._recordings(additions.keys())
        new = {}
        for recording, addition in additions.items():
            if recording not in rows:
                assert addition.origin is not None
                new[recording] = rows[recording] = _born(recording, addition.origin)
        if new:
            self._connection.execute(insert(RECORDINGS), list(new.values()))
            self._tally["open"] += len(new)
        self._add_contents(item for addition in additions.values() for item in addition.items)
        self._rows.clear()
        self._contents.clear()
        changes: dict[str, dict[str, Any]] = {}
        for recording, addition in additions.items():
            told: dict[str, Any] = {}
            for item in addition.items:
                told |= _told(item, rows[recording] | told, addition.came_ms)
            row = rows[recording] | told
            if row["ended"] is not None:
                told |= self._settle(recording, row)
            if told:
                changes[recording] = told
        self._change(changes)
        for recording, told in changes.items():
            self._note_state(rows[recording]["state"], told.get("state"))
        self._check_chains(
            (rows[each]["device"], (rows[each] | told)["sequence"])
            for each, told in changes.items()
            if "receipt_previous" in told
        )

    def add_conflicts(self, conflicts: Iterable[tuple[Name, bytes]]) -> None:
        """Note what was kept beside, by name and content; their recordings must be there."""
        rows = [
            {"recording": name.recording, "type": int(name.type), "index": name.index, "content": content}
            for name, content in conflicts
        ]
        if rows:
            self._connection.execute(insert(CONFLICTS), rows)

    def standing(self, recording: str) -> Standing | None:
        """How it stands; None if there is no such recording."""
        row = self._recordings([recording]).get(recording)
        return None if row is None else Standing(row["state"], row["settled"])

    def was_kept(self, recording: str) -> bool:
        """Whether it is kept, or was when it was deleted."""
        row = self._recordings([recording])[recording]
        return bool(row["state"] == "kept" or row["was_kept"])

    def bury(self, tombstone: Tombstone, *, settled: bool = False) -> None:
        """Note that a recording is deleted: of it is known from then on what its origin, receipt and tombstone tell.

        Its blocks are not: their number is the length of the meeting. Whether all that is to go is gone, `settled` says.
        """
        recording = tombstone.recording
        row = self._recordings([recording])[recording]
        self._erase(ITEMS, recording, {Beside.RECEIPT})
        self._erase(CONFLICTS, recording, ())
        self._contents.clear()
        left = {
            RecordType.PREAMBLE: row["preamble_hash"].hex(),
            RecordType.MANIFEST: tombstone.manifest,
            RecordType.KEYBOX: tombstone.keybox,
        }
        self._add_contents(
            Item(Name(recording, kind, 0), bytes.fromhex(content), None) for kind, content in left.items() if content
        )
        self._contents.clear()
        told = dict.fromkeys(_TOLD_OF_A_MEETING) | {
            "state": "deleted",
            "settled": settled,
            "delete_after_ms": tombstone.decided_ms,
            "sequence": None if row["code"] is None else row["sequence"],
            "cause": str(tombstone.cause),
            "was_kept": tombstone.kept,
        }
        self._change({recording: told})
        self._note_state(row["state"], "deleted")

    def deletion_done(self, recording: str) -> None:
        """Note that nothing of a deleted recording is left, and that it has its certificate."""
        self._change({recording: {"settled": True}})

    def undeleted(self) -> list[tuple[str, int, str]]:
        """Those deleted recordings of which something may be left, when that was decided, and why."""
        columns = RECORDINGS.c.id, RECORDINGS.c.delete_after_ms, RECORDINGS.c.cause
        query = select(*columns).where(~RECORDINGS.c.settled, RECORDINGS.c.state == "deleted")
        return [tuple(row) for row in self._connection.execute(query.order_by(RECORDINGS.c.id))]

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
            .where(self._of(RECORDINGS.c.id, recordings), RECORDINGS.c.state == "refused")
            .where(ITEMS.c.type == int(RecordType.MANIFEST))
            .order_by(RECORDINGS.c.id)
        )
        rows = self._connection.execute(query)
        return [(row.device, Purged(row.id, row.contents.hex())) for row in rows]

    def lacking(self, recordings: Collection[str] | None = None) -> list[Lacking]:
        """Those recordings (all, or of `recordings`) that would be kept if all their blocks were here."""
        query = select(RECORDINGS).where(RECORDINGS.c.state == "open", ~RECORDINGS.c.settled)
        query = query.where(RECORDINGS.c.ended.is_not(None))
        if recordings is not None:
            if not recordings:
                return []
            query = query.where(self._of(RECORDINGS.c.id, recordings))
        rows = self._connection.execute(query.order_by(RECORDINGS.c.id)).all()
        return [
            Lacking(row.id, self._blocks(row.id), row.blocks) for row in rows if self._has_keybox(row.id, row.keybox)
        ]

    def counts(self) -> Counts:
        """How much there is."""
        return _counts(self._connection, self._tally)

    def note_tally(self, slot: int) -> None:
        """Write down how many recordings changed their state. Last of all: who counts in the same slot waits from here on."""
        changes = [
            {"of": slot, "which": state, "more": number} for state, number in sorted(self._tally.items()) if number
        ]
        if changes:
            one = (TALLIES.c.slot == bindparam("of")) & (TALLIES.c.state == bindparam("which"))
            more = update(TALLIES).where(one).values(number=TALLIES.c.number + bindparam("more"))
            self._connection.execute(more, changes)
        self._tally.clear()

    def purge_done(self, recording: str, purged_ms: int) -> None:
        """Note that the objects of a refused recording are gone."""
        self._change({recording: {"purged_ms": purged_ms, "settled": True}})

    def gather_done(self, recording: str) -> None:
        """Note that the blocks of a kept recording lie together."""
        self._change({recording: {"settled": True}})

    def _note_state(self, before: str, after: str | None) -> None:
        if after is not None:
            self._tally[before] -= 1
            self._tally[after] += 1

    def _unsettled(self, state: str, recordings: Collection[str] | None) -> list[str]:
        query = select(RECORDINGS.c.id).where(~RECORDINGS.c.settled, RECORDINGS.c.state == state)
        if recordings is not None:
            if not recordings:
                return []
            query = query.where(self._of(RECORDINGS.c.id, recordings))
        return list(self._connection.scalars(query.order_by(RECORDINGS.c.id)))

    def _recordings(self, recordings: Collection[str]) -> dict[str, dict[str, Any]]:
        """The rows of those that are there."""
        if unread := [each for each in recordings if each not in self._rows]:
            self._rows |= dict.fromkeys(unread)
            found = self._connection.execute(select(RECORDINGS).where(self._of(RECORDINGS.c.id, unread)))
            self._rows |= {row.id: dict(row._mapping) for row in found}
        return {each: row for each in recordings if (row := self._rows[each]) is not None}

    def _pages(self, keys: Collection[_Page]) -> dict[_Page, bytes]:
        """Those pages that are there."""
        if unread := [key for key in keys if key not in self._contents]:
            self._contents |= dict.fromkeys(unread)
            wanted = self._database.among([ITEMS.c.recording, ITEMS.c.type, ITEMS.c.page], unread)
            for row in self._connection.execute(select(ITEMS).where(wanted)):
                self._contents[row.recording, row.type, row.page] = row.contents
        return {key: page for key in keys if (page := self._contents[key]) is not None}

    def _add_contents(self, items: Iterable[Item]) -> None:
        changes: dict[_Page, dict[int, bytes]] = {}
        for item in items:
            changes.setdefault(_page(item.name), {})[_place(item.name)] = item.content
        if not changes:
            return
        there = self._pages(changes.keys())
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
        keys = [ITEMS.c.recording, ITEMS.c.type, ITEMS.c.page]
        self._database.change(self._connection, keys, ITEMS.c.contents, [(*key, page) for key, page in written.items()])

    def _settle(self, recording: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """Do what follows from the end of a recording, whose row this will be; returns what changes in it."""
        if row["ended"] == "refused":
            self._erase(ITEMS, recording, LEFT_BY_A_REFUSAL)
            self._erase(CONFLICTS, recording, CONFLICTS_LEFT_BY_A_REFUSAL)
            return {"state": "refused"}
        self._put_beside(recording, row["blocks"])
        whole = self._has_keybox(recording, row["keybox"]) and self._blocks(recording) == row["blocks"]
        return {"state": "kept"} if whole else {}

    def _change(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Write these columns of these recordings: one statement for all that change the same ones."""
        assert self._keys is None or changes.keys() <= set(self._keys.recordings)
        self._rows.clear()
        alike: dict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
        for recording, values in changes.items():
            alike[frozenset(values)].append({"of": recording, **values})
        for rows in alike.values():
            self._connection.execute(update(RECORDINGS).where(RECORDINGS.c.id == bindparam("of")), rows)

    def _check_chains(self, receipts: Iterable[tuple[str, int]]) -> None:
        """Tell which receipts do not follow the one before them, near those of these devices and numbers.

        Whoever adds a receipt has its device's lock, or of two neighbours that come at once neither would see the other. One
        that is adopted may be of a device that used the same id before a crash, whose lock nobody took: a rebuild tells then.
        """
        broken: set[tuple[str, int]] = set()
        for device, number in receipts:
            near = (
                select(RECORDINGS.c.sequence, RECORDINGS.c.receipt_previous, ITEMS.c.contents)
                .join(ITEMS, ITEMS.c.recording == RECORDINGS.c.id)
                .where(RECORDINGS.c.device == device, RECORDINGS.c.sequence.between(number - 1, number + 1))
                .where(_is(Beside.RECEIPT))
            )
            found = {row.sequence: row for row in self._connection.execute(near)}
            for each in (number, number + 1):
                before = bytes(32) if each == 1 else found[each - 1].contents if each - 1 in found else None
                if each in found and before not in (None, found[each].receipt_previous):
                    broken.add((device, each))
        for device, number in sorted(broken):
            LOG.error(
                "the chain of receipts is broken: device=%s: number %d does not follow the one before", device, number
            )

    def _put_beside(self, recording: str, blocks: int) -> None:
        """Note as conflicts what lies beyond so many blocks. An object's name tells it too, so none needs to be moved."""
        last, place = divmod(blocks, pages.PAGE_ITEMS)
        from_there = (ITEMS.c.recording == recording) & _is(RecordType.BLOCK) & (ITEMS.c.page >= last)
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
        return named is None or (
            _count(self._connection, ITEMS, ITEMS.c.recording == recording, _is(RecordType.KEYBOX)) > 0
        )

    def _blocks(self, recording: str) -> int:
        found = select(ITEMS.c.contents).where(ITEMS.c.recording == recording, _is(RecordType.BLOCK))
        return sum(1 for page in self._connection.scalars(found) for _ in pages.read(page))

    def _of(self, column: Column[Any], names: Collection[str]) -> ColumnElement[bool]:
        return self._database.among([column], _each(names))

    def _erase(self, table: Table, recording: str, left: Collection[ItemType]) -> None:
        others = table.c.type.not_in([int(kind) for kind in left])
        self._connection.execute(delete(table).where(table.c.recording == recording, others))


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
        "sequence": None,
        "made_ms": None,
        "made_synced": None,
        "ended": None,
        "blocks": None,
        "keybox": None,
        "code": None,
        "was_kept": None,
    }


_TOLD_OF_A_MEETING = ("made_ms", "made_synced", "ended", "ended_ms", "blocks", "keybox", "came_ms")
"""From its making to its end, and to the coming of the one and the other, is how long a meeting was."""


def _told(item: Item, row: Mapping[str, Any], came_ms: int) -> dict[str, Any]:
    """What changes in a recording's row by what one of its items says, which came then if it is the manifest."""
    match item.said:
        case Preamble() as preamble:
            return {
                "sequence": preamble.sequence,
                "made_ms": preamble.wall_ms,
                "made_synced": preamble.synced,
                "delete_after_ms": row["delete_after_ms"]
                - row["first_ms"]
                + believed_ms(row["first_ms"], preamble.wall_ms, synced=preamble.synced),
            }
        case Manifest() as manifest:
            return {
                "ended": manifest.ended,
                "ended_ms": manifest.wall_ms,
                "blocks": manifest.blocks,
                "keybox": manifest.keybox,
                "came_ms": None if manifest.ended == "refused" else came_ms,
            }
        case ConsentReceipt() as receipt:
            days = int(receipt.pii_processing.purposes[0].retention_period.strip("PD"))
            # What the client was promised counts, where the archive would keep it longer.
            promised_ms = believed_ms(row["first_ms"], row["made_ms"], synced=row["made_synced"]) + days * DAY_MS
            evidence, training = receipt.pii_processing.purposes
            return {
                "sequence": receipt.sequence,
                "receipt_previous": bytes.fromhex(receipt.previous),
                "code": item.code,
                "consent": evidence.event.event_state,
                "yes": receipt.answers.yes,
                "present": receipt.present,
                "training": training.event.event_state,
                "delete_after_ms": min(row["delete_after_ms"], promised_ms),
            }
    return {}


def believed_ms(first_ms: int, made_ms: int | None, *, synced: bool | None) -> int:
    """When a recording was made, as far as the device's clock can be believed: its deletion date counts from then."""
    if made_ms is None or not synced:
        return first_ms
    return max(min(made_ms, first_ms), first_ms - BACKDATING_DAYS_MAX * DAY_MS)


def earliest_ms(first_ms: int, made_ms: int | None, *, synced: bool | None) -> int:
    """Before when it was not made. A clock that was not set tells nothing of it: the room may have been off the network."""
    if made_ms is None or not synced:
        return first_ms - BACKDATING_DAYS_MAX * DAY_MS
    return believed_ms(first_ms, made_ms, synced=synced)


def _page(name: Name) -> _Page:
    return name.recording, int(name.type), name.index // pages.PAGE_ITEMS


def _place(name: Name) -> int:
    return name.index % pages.PAGE_ITEMS


def _is(kind: ItemType) -> ColumnElement[bool]:
    return ITEMS.c.type == int(kind)


def _counts(connection: Connection, tally: Mapping[str, int]) -> Counts:
    """With what this transaction has changed so far."""
    sums = select(TALLIES.c.state, func.sum(TALLIES.c.number)).group_by(TALLIES.c.state)
    states = {state: int(number) + tally.get(state, 0) for state, number in connection.execute(sums)}
    return Counts(devices=_count(connection, DEVICES), beside=_count(connection, CONFLICTS), **states)


def _count(connection: Connection, table: Table, *where: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(*where)) or 0


def _each(names: Iterable[str]) -> list[tuple[str]]:
    return [(name,) for name in names]


def url(config: Archive) -> str:
    """Where the settings say that the catalogue is."""
    return config.catalogue or f"sqlite:///{Path(config.folder).absolute() / 'catalogue.sqlite'}"


def _database(url: str) -> Database:
    try:
        parsed = make_url(url)
        match parsed.drivername:
            case "sqlite":
                return Sqlite(parsed)
            case postgresql.DRIVER:
                return Postgresql(parsed)
    except SQLAlchemyError as error:
        raise CatalogueError(f"{url}: the catalogue cannot be opened: {first_line(error)}") from error
    raise CatalogueError(
        f"{parsed.drivername}: a catalogue is sqlite:///FILE or {postgresql.DRIVER}://USER@HOST/DATABASE"
    )


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    return config

"""From the objects back to the catalogue: of one recording after a crash, of all of them when the catalogue is lost."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import TypeVar

import msgspec

from recorder import canonical
from recorder.archive import naming
from recorder.archive.catalogue import Addition, Catalogue, Counts, Item, Lacking, Writing
from recorder.archive.certificate import Certificate, Tombstone
from recorder.archive.naming import Came, Enrolment, Origin
from recorder.archive.store import Store
from recorder.canonical import SIGNATURE_BYTES
from recorder.errors import CatalogueError, SealedError, SignedTextError, StoreError
from recorder.sealed import layout
from recorder.sealed.layout import Manifest, Preamble, RecordType
from recorder.wire import records
from recorder.wire.consent import ConsentReceipt
from recorder.wire.judge import CONFLICTS_LEFT_BY_A_REFUSAL, LEFT_BY_A_REFUSAL, Known, Said
from recorder.wire.receipt import Receipt
from recorder.wire.records import ITEM_TYPES, Beside, ItemType
from recorder.wire.upload import Name

T = TypeVar("T", bound=msgspec.Struct)
HASH_BYTES = 32


def rebuild(store: Store, catalogue: Catalogue, now_ms: int) -> tuple[Counts, list[Lacking]]:
    """Fill an empty catalogue from the objects; returns what it has then, and what is not whole.

    What does not say when it came has come now, and says so from then on: an older version wrote it, or one that was killed.
    CatalogueError if it is not empty, StoreError if an object is not what its name says.
    """
    store.settle("")
    with catalogue.write() as writing:
        if any(writing.counts()):
            raise CatalogueError("the catalogue is not empty; end the archive, move the catalogue away, and rebuild")
        for name in store.list(naming.DEVICES):
            writing.enrol(_decode(store.get(name), Enrolment, name))
        recordings = {name.partition("/")[0] for name in store.list("") if _is_of_one(name)}
        for recording in sorted(recordings):
            adopt(store, writing, recording, now_ms)
        return writing.counts(), writing.lacking()


def adopt(store: Store, writing: Writing, recording: str, now_ms: int) -> None:
    """Note every object of one recording that the catalogue does not know."""
    name = naming.origin(recording)
    if name not in store.list(name):
        raise StoreError(f"{recording}: the object that says whose recording it is, is missing")
    origin = _decode(store.get(name), Origin, name)
    if (buried := tombstone(store, recording)) is not None:
        _adopt_deleted(store, writing, origin, buried)
        return
    preamble = Name(recording, RecordType.PREAMBLE, 0)
    beside = writing.known([preamble])[recording].conflicts
    there = writing.contents([recording])[recording]
    new: dict[Name, Item] = {}
    for found in store.list(f"{recording}/"):
        names = naming.parse_items(found)
        if not there.keys() >= set(names):
            for item, _ in read_items(store, found):
                if item.name not in there and (item.name, item.content) not in beside:
                    new.setdefault(item.name, item)
    box = Name(recording, RecordType.KEYBOX, 0)
    if box not in there and box not in new and (again := list(store.list(naming.rewrapped_prefix(recording)))):
        new[box] = Item(box, read_keybox(store, again[-1])[0], None)
    if new:
        came_ms = now_ms
        if any(isinstance(item.said, Manifest) and item.said.ended != "refused" for item in new.values()):
            came_ms = _came(store, recording, now_ms)
        writing.add({recording: Addition(origin, list(new.values()), came_ms)})
    known = writing.known([preamble])[recording]
    adopt_conflicts(store, writing, recording, known)
    # A purge that was signed for is believed only if nothing came back since, out of a backup: else it is done again.
    if known.refused and not beyond_a_refusal(store, recording):
        for name in store.list(naming.purged(recording)):
            receipt = _decode(store.get(name)[SIGNATURE_BYTES:], Receipt, name)
            writing.purge_done(recording, receipt.wall_ms)
    for kept in writing.ungathered([recording]):
        if lie_together(store, kept, writing.contents([kept])[kept]):
            writing.gather_done(kept)


def adopt_conflicts(store: Store, writing: Writing, recording: str, known: Known) -> None:
    """Note what lies beside, of this recording, and the catalogue does not know, which knows that of it."""
    left = CONFLICTS_LEFT_BY_A_REFUSAL if known.refused else frozenset(ITEM_TYPES.values())
    beside = list_conflicts(store, recording)
    writing.add_conflicts([each for each in beside if each not in known.conflicts and each[0].type in left])


def list_conflicts(store: Store, recording: str) -> Iterator[tuple[Name, bytes]]:
    """Names and contents of what lies beside, of this recording."""
    return filter(None, map(naming.parse_conflict, store.list(f"{naming.CONFLICTS}{recording}/")))


def lie_together(store: Store, recording: str, contents: Iterable[Name]) -> bool:
    """Whether the blocks among `contents` are all that there is, each stretch in one object."""
    return list(store.list(naming.blocks(recording))) == [naming.items(blocks) for blocks in naming.together(contents)]


def beyond_a_refusal(store: Store, recording: str) -> list[str]:
    """The objects that may not be there if this recording was refused."""
    left = {naming.origin(recording), naming.purged(recording)}
    left |= {naming.items([Name(recording, each, 0)]) for each in LEFT_BY_A_REFUSAL}
    gone = [name for name in store.list(f"{recording}/") if name not in left]
    for name in store.list(f"{naming.CONFLICTS}{recording}/"):
        parsed = naming.parse_conflict(name)
        if parsed is None or parsed[0].type not in CONFLICTS_LEFT_BY_A_REFUSAL:
            gone.append(name)
    return gone


def tombstone(store: Store, recording: str) -> Tombstone | None:
    """What was decided if the recording is deleted, or is being deleted; None if it is not."""
    name = naming.deleting(recording)
    if name in store.list(name):
        return _decode(store.get(name), Tombstone, name)
    name = naming.deleted(recording)
    if name not in store.list(name):
        return None
    try:
        return Certificate.parse(store.get(name)).deletion
    except SignedTextError as error:
        raise StoreError(f"{name}: the object is damaged: {error}") from error


def beyond_a_deletion(store: Store, recording: str) -> list[str]:
    """The objects that may not be there once this recording was deleted, the tombstone apart: its keyboxes first."""
    left = {naming.origin(recording), naming.receipt(recording), naming.deleted(recording)}
    beside = f"{naming.CONFLICTS}{recording}/"
    gone = [name for name in store.list(f"{recording}/") if name not in left] + list(store.list(beside))
    return sorted(gone, key=lambda name: not is_keybox(name))


def is_keybox(found: str) -> bool:
    """Whether this object holds one, also if it lies beside, or counts instead."""
    if naming.rewrapped_number(found):
        return True
    conflict = naming.parse_conflict(found)
    names = [conflict[0]] if conflict else naming.parse_items(found)
    return any(name.type is RecordType.KEYBOX for name in names)


def keybox_objects(store: Store, recording: str) -> list[str]:
    """The objects with a keybox of this recording; the last one is what counts."""
    first = naming.keybox(recording)
    return [*(name for name in store.list(first) if name == first), *store.list(naming.rewrapped_prefix(recording))]


def read_keybox(store: Store, name: str) -> tuple[bytes, bytes]:
    """The content that the manifest names, and the body that counts, of one of `keybox_objects`."""
    data = store.get(name)
    if naming.rewrapped_number(name):
        if len(data) <= HASH_BYTES:
            raise StoreError(f"{name}: the object is damaged: it is too short for a keybox")
        return data[:HASH_BYTES], data[HASH_BYTES:]
    ((item, record),) = read_items(store, name)
    return item.content, records.parse_record(record)[1]


def read_items(store: Store, found: str) -> Iterator[tuple[Item, bytes]]:
    """The items in an object of this name, each with its record. StoreError if the object is damaged."""
    names = naming.parse_items(found)
    data = store.get(found)
    try:
        split = list(layout.split(BytesIO(data))) if len(names) > 1 else [records.parse_record(data)]
        if [kind for kind, _ in split] != [name.type for name in names]:
            raise StoreError(f"{found}: the object is damaged: it holds other records than its name says")
        for name, (kind, body) in zip(names, split, strict=True):
            yield Item.of(name, body, layout.hash_body(body), _said(kind, body)), records.record(kind, body)
    except (SealedError, SignedTextError) as error:
        raise StoreError(f"{found}: the object is damaged: {error}") from error


def _is_of_one(found: str) -> bool:
    """Whether there is a recording if this object is there. An origin alone is what a crash left before anything came."""
    return bool(naming.parse_items(found)) or found == naming.deleted(found.partition("/")[0])


def _came(store: Store, recording: str, now_ms: int) -> int:
    """When the manifest came. Where nobody noted it, that is now, and is noted: never too early, and the same next time."""
    name = naming.came(recording)
    if name not in store.list(name):
        store.put({name: canonical.encode(Came(now_ms))})
    return _decode(store.get(name), Came, name).came_ms


def _adopt_deleted(store: Store, writing: Writing, origin: Origin, buried: Tombstone) -> None:
    """Note what is left of a deleted recording. It counts as done only if nothing else is there; else it is done again."""
    recording = buried.recording
    standing = writing.standing(recording)
    if standing is None:
        name = naming.receipt(recording)
        receipt = [item for found in store.list(name) for item, _ in read_items(store, found)]
        writing.add({recording: Addition(origin, receipt, buried.decided_ms)})
    elif standing.state == "deleted":
        return
    done = not list(store.list(naming.deleting(recording))) and not beyond_a_deletion(store, recording)
    writing.bury(buried, settled=done)


def _said(kind: ItemType, body: bytes) -> Said | None:
    text = body[SIGNATURE_BYTES:]
    match kind:
        case RecordType.PREAMBLE:
            return canonical.decode(text, Preamble)
        case RecordType.MANIFEST:
            return canonical.decode(text, Manifest)
        case Beside.RECEIPT:
            return canonical.decode(text, ConsentReceipt)
    return None


def _decode(data: bytes, kind: type[T], name: str) -> T:
    try:
        return canonical.decode(data, kind)
    except SignedTextError as error:
        raise StoreError(f"{name}: the object is damaged: {error}") from error

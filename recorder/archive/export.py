"""Out of the store into a file: a recording and its keybox, as docs/sealed-recording.md lays them out, receipt, certificate."""

from collections.abc import Iterator, Sequence

from recorder.archive import naming
from recorder.archive.catalogue import Item
from recorder.archive.rebuild import keybox_objects, list_conflicts, read_items, read_keybox, tombstone
from recorder.archive.store import Store
from recorder.errors import StoreError
from recorder.sealed import layout
from recorder.sealed.layout import Manifest, RecordType
from recorder.wire.records import Beside
from recorder.wire.topics import RECORDING_PATTERN
from recorder.wire.upload import Name


def export(store: Store, recording: str) -> Iterator[bytes]:
    """The recording's records in the order of the file: once the manifest is there, the blocks that it tells of.

    StoreError if there is no preamble to begin with, or it was deleted.
    """
    return (record for _, record in file_items(store, recording))


def file_items(store: Store, recording: str) -> Iterator[tuple[Item, bytes]]:
    """As `export`, each record with its item."""
    objects = list_objects(store, recording)
    if (buried := tombstone(store, recording)) is not None:
        raise StoreError(
            f"recording {recording} was deleted at the archive ({buried.cause}); nobody can open it any more"
        )
    if naming.items([Name(recording, RecordType.PREAMBLE, 0)]) not in objects:
        raise StoreError(f"the archive has no recording {recording} that begins with a preamble")
    return _of_the_file(store, recording, objects)


def receipt(store: Store, recording: str) -> bytes:
    """The record of the recording's consent receipt; StoreError if there is none."""
    name = naming.receipt(recording)
    if name not in list_objects(store, recording):
        raise StoreError(f"the archive has no consent receipt of recording {recording}")
    return store.get(name)


def other_keybox(store: Store, recording: str) -> bytes | None:
    """The record of the keybox that counts instead of the room's (`rewrap.py`); None if the room's does, or there is none.

    No part of the recording's file: the manifest names the room's keybox, and the room has signed no other.
    """
    *_, newest = [None, *keybox_objects(store, recording)]
    if newest is None or not naming.rewrapped_number(newest):
        return None
    return layout.record(RecordType.KEYBOX, read_keybox(store, newest)[1])


def certificate(store: Store, recording: str) -> bytes:
    """The certificate of the recording's deletion (`certificate.py`); StoreError if there is none."""
    list_objects(store, recording)
    name = naming.deleted(recording)
    if name not in store.list(name):
        raise StoreError(f"the archive has no certificate that recording {recording} was deleted")
    return store.get(name)


def _of_the_file(store: Store, recording: str, objects: Sequence[str]) -> Iterator[tuple[Item, bytes]]:
    end = naming.items([Name(recording, RecordType.MANIFEST, 0)])
    told: int | None = None
    if end in objects:
        ((manifest, _),) = read_items(store, end)
        assert isinstance(manifest.said, Manifest)
        told = manifest.said.blocks
    for item, record in _items(store, recording, objects):
        beyond = item.name.type is RecordType.BLOCK and told is not None and item.name.index >= told
        if not beyond and item.name.type is not Beside.RECEIPT:
            yield item, record


def read(store: Store, recording: str) -> Iterator[tuple[Item, bytes]]:
    """The recording's items in the order of the file, each with its record. StoreError if an object is damaged, or deleted.

    Also while `gather` deletes what it has brought together: that lies in other objects then.
    """
    return _items(store, recording, list_objects(store, recording))


def _items(store: Store, recording: str, objects: Sequence[str]) -> Iterator[tuple[Item, bytes]]:
    """As `read`, of a recording that had these objects."""
    objects = list(objects)
    last: Name | None = None
    while objects:
        found = objects.pop(0)
        if last is not None and naming.parse_items(found)[-1] <= last:
            continue
        try:
            items = list(read_items(store, found))
        except StoreError:
            objects = list_objects(store, recording)
            there = {name for each in objects for name in naming.parse_items(each)}
            # Blocks that the manifest does not tell of go beside.
            there |= {name for name, _ in list_conflicts(store, recording)}
            if found in objects or not there.issuperset(naming.parse_items(found)):
                raise
            continue
        for item, record in items:
            if last is None or item.name > last:  # else it is in a run before, too, which a crash left
                last = item.name
                yield item, record


def list_objects(store: Store, recording: str) -> list[str]:
    """Those of a recording's objects that hold items, in the order of the file. StoreError if it is no recording's id."""
    if not RECORDING_PATTERN.fullmatch(recording):
        raise StoreError(f"{recording!r} is no recording's id: that is 32 hexadecimal digits in lower case")
    found = _listed(store, recording)
    # What is listed while `gather` works may have neither the parts nor the whole: then what is listed after that differs.
    while (again := _listed(store, recording)) != found:
        found = again
    return found


def _listed(store: Store, recording: str) -> list[str]:
    return sorted(filter(naming.parse_items, store.list(f"{recording}/")), key=naming.parse_items)

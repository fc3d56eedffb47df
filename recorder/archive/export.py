"""Out of the store into a file: a recording, as docs/sealed-recording.md lays it out, or its consent receipt."""

from collections.abc import Iterator, Sequence

from recorder.archive import naming
from recorder.archive.rebuild import read_items
from recorder.archive.store import Store
from recorder.errors import StoreError
from recorder.sealed.layout import Manifest, RecordType
from recorder.wire.records import Beside
from recorder.wire.topics import RECORDING_PATTERN
from recorder.wire.upload import Name


def export(store: Store, recording: str) -> Iterator[bytes]:
    """The recording's records in the order of the file: once the manifest is there, the blocks that it tells of.

    StoreError if there is no preamble to begin with.
    """
    objects = _objects(store, recording)
    if naming.items([Name(recording, RecordType.PREAMBLE, 0)]) not in objects:
        raise StoreError(f"the archive has no recording {recording} that begins with a preamble")
    return _records(store, recording, objects)


def receipt(store: Store, recording: str) -> bytes:
    """The record of the recording's consent receipt; StoreError if there is none."""
    name = naming.items([Name(recording, Beside.RECEIPT, 0)])
    if name not in _objects(store, recording):
        raise StoreError(f"the archive has no consent receipt of recording {recording}")
    return store.get(name)


def _records(store: Store, recording: str, objects: Sequence[str]) -> Iterator[bytes]:
    end = naming.items([Name(recording, RecordType.MANIFEST, 0)])
    told: int | None = None
    if end in objects:
        ((manifest, _),) = read_items(store, end)
        assert isinstance(manifest.said, Manifest)
        told = manifest.said.blocks
    last: Name | None = None
    for found in objects:
        for item, record in read_items(store, found):
            name = item.name
            again = last is not None and name <= last  # in another run, which a crash left
            beyond = name.type is RecordType.BLOCK and told is not None and name.index >= told
            if not again and not beyond and name.type is not Beside.RECEIPT:
                last = name
                yield record


def _objects(store: Store, recording: str) -> list[str]:
    """Those of its objects that hold items, in the order of the file."""
    if not RECORDING_PATTERN.fullmatch(recording):
        raise StoreError(f"{recording!r} is no recording's id: that is 32 hexadecimal digits in lower case")
    found = [name for name in store.list(f"{recording}/") if naming.parse_items(name)]
    return sorted(found, key=naming.parse_items)

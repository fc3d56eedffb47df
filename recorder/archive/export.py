"""Out of the store into a file: a recording, as docs/sealed-recording.md lays it out, or its consent receipt."""

from collections.abc import Iterator

from recorder.archive import naming
from recorder.archive.catalogue import read_item
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
    names = [name for name in _names(store, recording) if name.type is not Beside.RECEIPT]
    if not names or names[0] != Name(recording, RecordType.PREAMBLE, 0):
        raise StoreError(f"the archive has no recording {recording} that begins with a preamble")
    end = Name(recording, RecordType.MANIFEST, 0)
    if end in names:
        said = read_item(store.get(naming.item(end)), end).said
        assert isinstance(said, Manifest)
        names = [name for name in names if name.type is not RecordType.BLOCK or name.index < said.blocks]
    return (store.get(naming.item(name)) for name in names)


def receipt(store: Store, recording: str) -> bytes:
    """The record of the recording's consent receipt; StoreError if there is none."""
    name = Name(recording, Beside.RECEIPT, 0)
    if name not in _names(store, recording):
        raise StoreError(f"the archive has no consent receipt of recording {recording}")
    return store.get(naming.item(name))


def _names(store: Store, recording: str) -> list[Name]:
    """What the store has of it, in the order of the file."""
    if not RECORDING_PATTERN.fullmatch(recording):
        raise StoreError(f"{recording!r} is no recording's id: that is 32 hexadecimal digits in lower case")
    return sorted(name for found in store.list(f"{recording}/") if (name := naming.parse_item(found)) is not None)

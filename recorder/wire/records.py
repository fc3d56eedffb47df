"""The records of the wire: those of a sealed recording, and what is told of its meeting beside it.

    record = type u8 ‖ length u32 ‖ body[length]

`sealed` knows the types of a file, and its readers refuse all others (docs/sealed-recording.md, section 1). The consent
receipt is none of them: it outlives the recording, and exists where there never was one. It travels and lies beside it.
"""

import struct
from collections.abc import Mapping
from enum import IntEnum

from recorder.errors import SealedError
from recorder.sealed import layout
from recorder.sealed.layout import RecordType


class Beside(IntEnum):
    """A record of a meeting that is no part of its sealed recording."""

    RECEIPT = 5
    """The consent receipt (docs/receipt.md)."""


ItemType = RecordType | Beside
ITEM_TYPES: Mapping[int, ItemType] = {int(kind): kind for kind in (*RecordType, *Beside)}
"""Every type by its number, in the order of the file."""
RECEIPT_BODY_BYTES_MAX = 16_384

_HEAD = struct.Struct(">BI")


def record(kind: ItemType, body: bytes) -> bytes:
    """The record around `body`."""
    if isinstance(kind, RecordType):
        return layout.record(kind, body)
    _check_length(len(body))
    return _HEAD.pack(kind, len(body)) + body


def parse_record(data: bytes) -> tuple[ItemType, bytes]:
    """The type and body of exactly one record; SealedError if it is none."""
    if data[:1] != bytes([Beside.RECEIPT]):
        return layout.parse_record(data)
    if len(data) < _HEAD.size:
        raise SealedError("the file ends within a record")
    _, length = _HEAD.unpack_from(data)
    _check_length(length)
    body = data[_HEAD.size :]
    if len(body) != length:
        raise SealedError(f"the record says {length} bytes and has {len(body)}")
    return Beside.RECEIPT, body


def _check_length(length: int) -> None:
    if length > RECEIPT_BODY_BYTES_MAX:
        raise SealedError(f"a receipt of {length} bytes is over {RECEIPT_BODY_BYTES_MAX}")

"""An upload: one record on its way to the archive.

    payload = "WHU1" ‖ recording[16] ‖ preamble hash[32] ‖ record

Parsing checks form alone; whether the record is what it says is for `judge`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Self

from recorder.errors import SealedError, WireError
from recorder.sealed import layout
from recorder.sealed.layout import RecordType
from recorder.wire import records
from recorder.wire.records import ItemType
from recorder.wire.topics import RECORDING_PATTERN

MAGIC = b"WHU1"
ENVELOPE_BYTES = len(MAGIC) + 16 + 32
PAYLOAD_BYTES_MAX = ENVELOPE_BYTES + 5 + 4_194_304
"""The largest record there is, a manifest, in its envelope. The broker refuses what is larger."""


@dataclass(frozen=True, order=True, slots=True)
class Name:
    """What an item is called: one name, one content, for ever. Sorts in the order of the file."""

    recording: str
    """32 hexadecimal digits."""
    type: ItemType
    index: int
    """Of a block; 0 for the others."""


def consecutive(names: Iterable[Name]) -> Iterator[list[Name]]:
    """`names` in the order of the file, cut where the next one does not follow: the fewest ranges that name exactly these."""
    places = enumerate(sorted(names))
    for _, run in groupby(places, lambda each: (each[1].recording, each[1].type, each[1].index - each[0])):
        yield [name for _, name in run]


@dataclass(frozen=True)
class Upload:
    """One record, with the recording and the preamble that it claims to belong to.

    Raises WireError, or SealedError for a block without a right header, which has no name.
    """

    recording: str
    """32 hexadecimal digits."""
    preamble_hash: bytes
    type: ItemType
    body: bytes

    def __post_init__(self) -> None:
        if not RECORDING_PATTERN.fullmatch(self.recording):
            raise WireError("a recording's id is 32 hexadecimal digits in lower case")
        if len(self.preamble_hash) != 32:
            raise WireError("a preamble hash is 32 bytes")
        _ = self.name

    @cached_property
    def name(self) -> Name:
        """What the archive stores it under."""
        index = layout.BlockHeader.parse(self.body).index if self.type is RecordType.BLOCK else 0
        return Name(self.recording, self.type, index)

    @cached_property
    def content(self) -> bytes:
        """H(body): what a receipt signs for. 32 bytes."""
        return layout.hash_body(self.body)

    @property
    def record(self) -> bytes:
        """As in docs/sealed-recording.md, section 1, and docs/receipt.md."""
        return records.record(self.type, self.body)

    def __bytes__(self) -> bytes:
        return MAGIC + bytes.fromhex(self.recording) + self.preamble_hash + self.record

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """The upload in `payload`, or WireError: everything else that may have been sent."""
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise WireError(f"an upload of {len(payload)} bytes; the most is {PAYLOAD_BYTES_MAX}")
        if len(payload) < ENVELOPE_BYTES or not payload.startswith(MAGIC):
            raise WireError("not an upload of version 1")
        try:
            type_, body = records.parse_record(payload[ENVELOPE_BYTES:])
            return cls(payload[4:20].hex(), payload[20:52], type_, body)
        except SealedError as error:
            raise WireError(f"the upload's record is malformed: {error}") from error

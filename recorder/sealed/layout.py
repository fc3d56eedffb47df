"""The bytes of a sealed recording: each record's parser beside its printer (docs/sealed-recording.md, 1 to 6).

    file       = preamble ‖ block* ‖ (manifest ‖ keybox?)?
    record     = type u8 ‖ length u32 ‖ body[length]
    preamble   = signature[64] ‖ text
    block      = signature[64] ‖ header[34] ‖ ciphertext
    manifest   = signature[64] ‖ text
    keybox     = count u8 ‖ count × (key id[32] ‖ size u16 ‖ sealed[size])
    plaintext  = count u16 ‖ count × (size u16 ‖ packet[size]) ‖ zeros

Here a value is judged by itself: is it one that the format allows? Whether its signature is right and whether it
agrees with its neighbours is `verify`'s business. Whatever is wrong raises SealedError, and nothing else does.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, BinaryIO, Literal

import msgspec
from msgspec import Meta

from recorder.audio import FRAME_TICKS, GAP_TICKS_MULTIPLE, GapCause, Moment
from recorder.canonical import INTEGER_MAX, SIGNATURE_BYTES, DeviceName, Hex16, Hex32, Natural
from recorder.errors import SealedError

DOMAIN_PREAMBLE = b"wederhoor/1 preamble\0"
DOMAIN_BLOCK = b"wederhoor/1 block\0"
DOMAIN_MANIFEST = b"wederhoor/1 manifest\0"

NO_PREVIOUS = bytes(32).hex()
"""`previous` of a device's first recording."""
RECIPIENTS_MAX = 16
PACKETS_MAX = 250
PACKET_BYTES_MAX = 1_276
"""One frame (RFC 6716, section 3.2.1) and its table of contents."""
EVENTS_MAX = 4_096
GAPS_MAX = 65_536
TAG_BYTES = 16
"""What both suites add to a plaintext."""


class RecordType(IntEnum):
    PREAMBLE = 1
    BLOCK = 2
    MANIFEST = 3
    KEYBOX = 4


BODY_BYTES_MAX = {
    RecordType.PREAMBLE: 8_192,
    RecordType.BLOCK: 524_288,
    RecordType.MANIFEST: 4_194_304,
    RecordType.KEYBOX: 65_536,
}

_RECORD = struct.Struct(">BI")


def hash_body(body: bytes) -> bytes:
    """The name of a body's content; of a preamble's it is P, the preamble hash. 32 bytes."""
    return hashlib.sha256(body).digest()


def record(kind: RecordType, body: bytes) -> bytes:
    """The record around `body`."""
    if len(body) > BODY_BYTES_MAX[kind]:
        raise SealedError(f"a {kind.name.lower()} of {len(body)} bytes is over {BODY_BYTES_MAX[kind]}")
    return _RECORD.pack(kind, len(body)) + body


def parse_record(data: bytes) -> tuple[RecordType, bytes]:
    """The type and body of exactly one record."""
    kind, length = _parse_head(data[: _RECORD.size])
    body = data[_RECORD.size :]
    if len(body) != length:
        raise SealedError(f"the record says {length} bytes and has {len(body)}")
    return kind, body


def split(stream: BinaryIO) -> Iterator[tuple[RecordType, bytes]]:
    """The records of `stream`, one by one, never more than one in memory. SealedError where one is torn."""
    while head := stream.read(_RECORD.size):
        kind, length = _parse_head(head)
        body = stream.read(length)
        if len(body) != length:
            raise SealedError("the file ends within a record")
        yield kind, body


def _parse_head(head: bytes) -> tuple[RecordType, int]:
    if len(head) != _RECORD.size:
        raise SealedError("the file ends within a record")
    number, length = _RECORD.unpack(head)
    try:
        kind = RecordType(number)
    except ValueError as error:
        raise SealedError(f"there is no record of type {number}") from error
    if length > BODY_BYTES_MAX[kind]:
        raise SealedError(f"a {kind.name.lower()} of {length} bytes is over {BODY_BYTES_MAX[kind]}")
    return kind, length


class Preamble(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a preamble (section 2)."""

    version: Literal[1]
    recording: Hex16
    device: DeviceName
    device_key: Hex32
    sequence: Annotated[int, Meta(ge=1, le=INTEGER_MAX)]
    previous: Hex32
    wall_ms: Natural
    monotonic_ms: Natural
    synced: bool
    boot: Hex16
    rate: Literal[8_000, 12_000, 16_000, 24_000, 48_000]
    preskip: Annotated[int, Meta(ge=0, le=FRAME_TICKS)]
    pad_bytes: Annotated[int, Meta(ge=1, le=16_384)]
    suite: Literal["chacha20poly1305", "aes256gcm"]
    kem: Literal["mlkem768-x25519", "x25519"]
    recipients: Annotated[tuple[Hex32, ...], Meta(min_length=1, max_length=RECIPIENTS_MAX)]
    commitment: Hex32

    def __post_init__(self) -> None:
        if list(self.recipients) != sorted(set(self.recipients)):
            raise ValueError("recipients are not sorted, or one is there twice")

    @property
    def made(self) -> Moment:
        return Moment(self.wall_ms, self.monotonic_ms, self.synced)


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """Something that happened in the meeting: `[ticks, wall_ms, name]`."""

    ticks: Natural
    """Position in the recording."""
    wall_ms: Natural
    name: Annotated[str, Meta(pattern="^[a-z_]{1,32}$")]


class Missing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """A gap as the manifest tells it: `[position, length, cause]`."""

    position: Natural
    length: Natural
    cause: GapCause


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a manifest (section 5)."""

    version: Literal[1]
    recording: Hex16
    preamble: Hex32
    ended: Literal["stop", "limit", "fault", "power_loss", "refused"]
    blocks: Annotated[int, Meta(ge=0, le=2**32)]
    root: Hex32
    ticks: Natural
    gaps: Annotated[tuple[Missing, ...], Meta(max_length=GAPS_MAX)]
    events: Annotated[tuple[Event, ...], Meta(max_length=EVENTS_MAX)]
    wall_ms: Natural
    monotonic_ms: Natural
    synced: bool
    boot: Hex16
    keybox: Hex32 | None

    def __post_init__(self) -> None:
        if self.ended == "refused" and (
            self.keybox is not None
            or self.blocks
            or self.ticks
            or self.gaps
            or any(event.ticks for event in self.events)
            or len({event.wall_ms for event in self.events}) > 1
        ):
            raise ValueError("a refusal must not tell what it erased")

    @property
    def made(self) -> Moment:
        return Moment(self.wall_ms, self.monotonic_ms, self.synced)

    def check_end(self, last: "BlockHeader | None") -> None:
        """SealedError if a recording that ended so cannot have `last` (None: no block) as its last block."""
        if last is not None and not last.final and self.ended in ("stop", "limit"):
            raise SealedError(f"the manifest tells of an end by {self.ended}, and the last block is not the final one")


_COUNT = struct.Struct(">H")
_HEADER = struct.Struct(">IBBQIQQ")
_CIPHERTEXT = SIGNATURE_BYTES + _HEADER.size
_FINAL, _GAP, _FLUSHED, _SYNCED = 1, 2, 4, 8
_CAUSES = tuple(GapCause)


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What a block tells in the clear (section 4). Positions and lengths in ticks."""

    index: int
    final: bool
    flushed: bool
    cause: GapCause | None
    """Why audio is missing here; None for a block of audio."""
    position: int
    length: int
    moment: Moment
    """Of the first sample."""

    def __post_init__(self) -> None:
        if self.index >= 2**32:
            raise SealedError("the index is over 32 bits")
        if self.end > INTEGER_MAX:
            raise SealedError(f"block {self.index} ends at {self.end}, over 53 bits")
        if self.moment.wall_ms > INTEGER_MAX or self.moment.monotonic_ms > INTEGER_MAX:
            raise SealedError(f"block {self.index} tells a time over 53 bits")
        if self.gap:
            if self.flushed:
                raise SealedError(f"block {self.index} is both a gap and flushed")
            if self.length < FRAME_TICKS or self.length % GAP_TICKS_MULTIPLE:
                raise SealedError(f"block {self.index} is a gap of {self.length} ticks")
        elif self.length % FRAME_TICKS or not 1 <= self.packets <= PACKETS_MAX:
            raise SealedError(f"block {self.index} cannot hold {self.length} ticks of audio")

    @property
    def gap(self) -> bool:
        return self.cause is not None

    @property
    def end(self) -> int:
        """The position behind this block."""
        return self.position + self.length

    @property
    def packets(self) -> int:
        """How many packets the plaintext of a block of audio has."""
        return self.length // FRAME_TICKS + self.flushed

    def check_follows(self, before: "BlockHeader | None") -> None:
        """SealedError if a recording cannot have this block right behind `before` (None: at its beginning)."""
        if self.index != (0 if before is None else before.index + 1):
            raise SealedError(f"block {self.index} stands where another one should")
        if self.position != (0 if before is None else before.end):
            raise SealedError(f"block {self.index} does not begin where the audio before it ends")
        if before is not None:
            if before.final:
                raise SealedError(f"block {self.index} follows the final block")
            if self.gap and not (before.gap or before.flushed):
                raise SealedError(f"block {self.index} is a gap behind audio that was not flushed")
            if before.flushed and not self.gap:
                raise SealedError(f"block {self.index} is audio behind a flushed block")

    def __bytes__(self) -> bytes:
        flags = _FINAL * self.final | _GAP * self.gap | _FLUSHED * self.flushed | _SYNCED * self.moment.synced
        cause = 0 if self.cause is None else 1 + _CAUSES.index(self.cause)
        wall_ms, monotonic_ms = self.moment.wall_ms, self.moment.monotonic_ms
        return _HEADER.pack(self.index, flags, cause, self.position, self.length, wall_ms, monotonic_ms)

    @classmethod
    def parse(cls, body: bytes) -> "BlockHeader":
        """The header of a block's body, judged with the ciphertext's length."""
        if len(body) < _CIPHERTEXT + TAG_BYTES:
            raise SealedError(f"a block of {len(body)} bytes is too short")
        index, flags, cause, position, length, wall_ms, monotonic_ms = _HEADER.unpack_from(body, SIGNATURE_BYTES)
        if flags >= 16:
            raise SealedError(f"block {index} has unknown flags")
        if bool(flags & _GAP) != (cause > 0) or cause > len(_CAUSES):
            raise SealedError(f"block {index} has cause {cause} with flags {flags}")
        if bool(flags & _GAP) != (len(body) == _CIPHERTEXT + TAG_BYTES):
            raise SealedError(f"block {index} is a gap with something in it, or audio with nothing")
        return cls(
            index,
            bool(flags & _FINAL),
            bool(flags & _FLUSHED),
            _CAUSES[cause - 1] if cause else None,
            position,
            length,
            Moment(wall_ms, monotonic_ms, bool(flags & _SYNCED)),
        )


def ciphertext(body: bytes) -> bytes:
    """The ciphertext of a block's body, its tag included."""
    return body[_CIPHERTEXT:]


def header_bytes(body: bytes) -> bytes:
    """The header of a block's body, as it was signed."""
    return body[SIGNATURE_BYTES:_CIPHERTEXT]


def print_packets(packets: tuple[bytes, ...], pad_bytes: int) -> bytes:
    """The plaintext that carries `packets`, padded to a multiple of `pad_bytes`."""
    if not 1 <= len(packets) <= PACKETS_MAX:
        raise SealedError(f"a block cannot hold {len(packets)} packets")
    parts = [_COUNT.pack(len(packets))]
    for packet in packets:
        if not 1 <= len(packet) <= PACKET_BYTES_MAX:
            raise SealedError(f"a packet of {len(packet)} bytes is not one of Opus")
        parts += (_COUNT.pack(len(packet)), packet)
    plain = b"".join(parts)
    return plain + bytes(-len(plain) % pad_bytes)


def parse_packets(plain: bytes, pad_bytes: int) -> tuple[bytes, ...]:
    """The packets in a plaintext, or a SealedError if it is not what `print_packets` makes of them."""
    packets = []
    at = head = _COUNT.size
    try:
        (count,) = _COUNT.unpack_from(plain)
        for _ in range(count):
            begin = at + head
            at = begin + (plain[at] << 8 | plain[at + 1])
            packets.append(plain[begin:at])
    except (struct.error, IndexError) as error:
        raise SealedError("the packets are torn") from error
    if len(plain) != at + -at % pad_bytes or plain.count(0, at) != len(plain) - at:
        raise SealedError("the packets are not padded as they must be")
    if not 1 <= count <= PACKETS_MAX:
        raise SealedError(f"a block cannot hold {count} packets")
    if not 1 <= min(map(len, packets)) <= max(map(len, packets)) <= PACKET_BYTES_MAX:
        raise SealedError("a packet is not one of Opus")
    return tuple(packets)


@dataclass(frozen=True, slots=True)
class Keybox:
    """The data key, sealed to each recipient: pairs of key id (32 bytes) and sealed bytes, in the preamble's order."""

    entries: tuple[tuple[bytes, bytes], ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.entries) <= RECIPIENTS_MAX:
            raise SealedError(f"a keybox cannot have {len(self.entries)} entries")

    def __bytes__(self) -> bytes:
        entries = (key_id + _COUNT.pack(len(sealed)) + sealed for key_id, sealed in self.entries)
        return bytes([len(self.entries)]) + b"".join(entries)

    @classmethod
    def parse(cls, body: bytes) -> "Keybox":
        entries = []
        at = 1
        for _ in range(body[0] if body else 0):
            key_id, size = body[at : at + 32], body[at + 32 : at + 34]
            at += 34 + int.from_bytes(size, "big")
            entries.append((key_id, body[at - int.from_bytes(size, "big") : at]))
        keybox = cls(tuple(entries))
        if bytes(keybox) != body:
            raise SealedError("the keybox is torn, or something follows it")
        return keybox

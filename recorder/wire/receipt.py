r"""The archive's receipt: the one cause of deletion on a device.

    payload = signature[64] ‖ text        signature = Sign(archive, "wederhoor/1 receipt\0" ‖ text)

A receipt speaks of what is true for good: what is stored stays stored, what is purged stays purged. So it may be lost,
repeated or late without harm; and it says of each item what it is by hash, so that a device forgets only its own bytes.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from recorder import canonical
from recorder.canonical import DeviceName, Hex16, Hex32, Natural
from recorder.errors import SignedTextError, WireError
from recorder.sealed.layout import RecordType
from recorder.wire.records import Beside, ItemType
from recorder.wire.upload import Name, consecutive

DOMAIN_RECEIPT = b"wederhoor/1 receipt\0"
ENTRIES_MAX = 500
"""Of each list in one receipt: some 100 kB, which every device can hold in memory."""
RECEIPT_BYTES_MAX = 1_048_576
REASON_CHARACTERS_MAX = 200

Index = Annotated[int, Meta(ge=0, lt=2**32)]
Kind = Literal["preamble", "block", "manifest", "keybox", "receipt"]


class Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The items first…last of one type are durable at the archive, with these contents."""

    recording: Hex16
    type: Kind
    first: Index
    last: Index
    digest: Hex32

    def __post_init__(self) -> None:
        if self.last < self.first or (self.type != "block" and self.last):
            raise ValueError(f"there is no range {self.first} to {self.last} of type {self.type}")

    def covered(self, contents: Mapping[Name, bytes]) -> tuple[Name, ...]:
        """The names that this receipt signs for, if `contents` (name to content) has them all as the archive has them.

        Nothing if one of them is missing or differs: half a range proves nothing.
        """
        if self.last - self.first >= len(contents):
            return ()
        names = tuple(Name(self.recording, item_type(self.type), index) for index in range(self.first, self.last + 1))
        if any(name not in contents for name in names):
            return ()
        return names if digest(contents[name] for name in names).hex() == self.digest else ()


class Purged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All blocks were deleted by order of the refusal whose content is `manifest`. How many would tell how long it was."""

    recording: Hex16
    manifest: Hex32


class Rejected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The item with this content was not taken, and why. It makes a device forget nothing."""

    recording: Hex16
    type: Kind
    index: Index
    content: Hex32
    reason: Annotated[str, Meta(pattern=r"^[ !#-\[\]-~]*$", max_length=REASON_CHARACTERS_MAX)]


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the archive says to one device. `wall_ms` is Unix time."""

    version: Literal[1]
    archive: DeviceName
    device: DeviceName
    wall_ms: Natural
    stored: Annotated[tuple[Stored, ...], Meta(max_length=ENTRIES_MAX)]
    purged: Annotated[tuple[Purged, ...], Meta(max_length=ENTRIES_MAX)]
    rejected: Annotated[tuple[Rejected, ...], Meta(max_length=ENTRIES_MAX)]

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        """The payload of the message."""
        return canonical.signed(DOMAIN_RECEIPT, key, canonical.encode(self))

    @classmethod
    def verify(cls, payload: bytes, public_key: Ed25519PublicKey, device: str) -> "Receipt":
        """The receipt in `payload`, signed by the archive and addressed to `device`; or a WireError."""
        if len(payload) > RECEIPT_BYTES_MAX:
            raise WireError(f"a receipt of {len(payload)} bytes; the most is {RECEIPT_BYTES_MAX}")
        try:
            receipt = canonical.decode(canonical.open_signed(DOMAIN_RECEIPT, public_key, payload), cls)
        except SignedTextError as error:
            raise WireError(f"not a receipt of this archive: {error}") from error
        if receipt.device != device:
            raise WireError(f"the receipt is for {receipt.device}")
        return receipt


def digest(contents: Iterable[bytes]) -> bytes:
    """H(content ‖ …): what a range signs for. 32 bytes."""
    return hashlib.sha256(b"".join(contents)).digest()


def fold(contents: Mapping[Name, bytes]) -> tuple[Stored, ...]:
    """The fewest ranges that name exactly these items (name to content)."""
    return tuple(
        Stored(
            run[0].recording,
            kind(run[0].type),
            run[0].index,
            run[-1].index,
            digest(contents[name] for name in run).hex(),
        )
        for run in consecutive(contents)
    )


def receipts(
    archive: str,
    device: str,
    wall_ms: int,
    stored: Sequence[Stored] = (),
    purged: Sequence[Purged] = (),
    rejected: Sequence[Rejected] = (),
) -> Iterator[Receipt]:
    """As few receipts as carry all of it, each within ENTRIES_MAX; none if there is nothing to say."""
    for at in range(0, max(len(stored), len(purged), len(rejected)), ENTRIES_MAX):
        piece = slice(at, at + ENTRIES_MAX)
        yield Receipt(1, archive, device, wall_ms, tuple(stored[piece]), tuple(purged[piece]), tuple(rejected[piece]))


def kind(type_: ItemType) -> Kind:
    """A type of record by its name on the wire."""
    return _KINDS[type_]


def item_type(kind: Kind) -> ItemType:
    """The type of record that has this name on the wire."""
    return _TYPES[kind]


_KINDS: Mapping[ItemType, Kind] = {
    RecordType.PREAMBLE: "preamble",
    RecordType.BLOCK: "block",
    RecordType.MANIFEST: "manifest",
    RecordType.KEYBOX: "keybox",
    Beside.RECEIPT: "receipt",
}
_TYPES: Mapping[Kind, ItemType] = {name: type_ for type_, name in _KINDS.items()}

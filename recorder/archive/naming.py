"""What the archive's objects are called.

    RECORDING/origin                      whose recording it is, and since when: written with its first item
    RECORDING/came                        when its manifest came, written behind it: people's days count from then
    RECORDING/preamble  manifest  keybox  records, as in docs/sealed-recording.md, section 1
    RECORDING/blocks/00000000-00000007    the records of these blocks, one behind the other
    RECORDING/receipt                     the consent receipt, a record as in docs/receipt.md
    RECORDING/rewrapped/00000001          another keybox, which counts instead of the room's (`rewrap`)
    RECORDING/purged                      the archive's signed receipt of a purge
    RECORDING/deleted                     the certificate of its deletion, beside which origin and receipt alone are left
    deleting/RECORDING                    the tombstone of a deletion that is going on (`certificate.py`)
    conflicts/RECORDING/ITEM/CONTENT      records that were authentic, but not the first of their name
    devices/NAME                          an enrolled device and its public key

So the catalogue can be rebuilt from the objects alone. Blocks that came together lie in one object, a *run*, for what a store
costs is counted in objects rather than in bytes; once a recording is kept, each *stretch* of STRETCH_BLOCKS does (`gather`).
They are few then, and none is so large that whoever wants a moment of it must wait. Runs may overlap, when a crash left one
behind: what they have of one block is the same, but for a device that signed two. Blocks have a folder of their own, which goes
with them: a folder keeps the size that its entries once needed, and that of a refused meeting would tell how long it was.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Annotated, cast

import msgspec
from msgspec import Meta

from recorder.canonical import DeviceName, Hex32, Natural
from recorder.sealed.layout import RecordType
from recorder.wire.receipt import Kind, item_type, kind
from recorder.wire.records import Beside
from recorder.wire.upload import Name

STRETCH_BLOCKS = 256
"""Some four minutes and a megabyte, in blocks of a second; five times that in the longest that a room can be set to."""
CONFLICTS = "conflicts/"
DELETING = "deleting/"
"""Apart from the recordings, so that what is to be finished is found without a look at all of them."""
DEVICES = "devices/"
_ITEM = re.compile(r"([0-9a-f]{32})/(preamble|manifest|keybox|receipt)", re.ASCII)
_RUN = re.compile(r"([0-9a-f]{32})/blocks/([0-9]{8,10})-([0-9]{8,10})", re.ASCII)
_REWRAPPED = re.compile(r"[0-9a-f]{32}/rewrapped/([0-9]{8})", re.ASCII)
_CONFLICT = re.compile(
    rf"{CONFLICTS}([0-9a-f]{{32}})/(preamble|manifest|keybox|receipt|blocks/block-([0-9]{{8,10}}))/([0-9a-f]{{64}})",
    re.ASCII,
)


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a recording's records do not say: how it came, and what counted for its deletion then."""

    device: DeviceName
    preamble: Hex32
    first_ms: Natural
    """When its first item came: Unix time, by the archive's clock."""
    retention_days: Natural
    """The setting at that time: a deletion date stands from birth."""


class Came(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a recording's manifest came: Unix time, by the archive's clock."""

    came_ms: Natural


class Enrolment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device that may upload. `enrolled_ms` is Unix time."""

    name: DeviceName
    public_key: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """Ed25519, raw."""
    enrolled_ms: Natural


def origin(recording: str) -> str:
    return f"{recording}/origin"


def came(recording: str) -> str:
    return f"{recording}/came"


def purged(recording: str) -> str:
    return f"{recording}/purged"


def deleting(recording: str) -> str:
    return f"{DELETING}{recording}"


def deleted(recording: str) -> str:
    return f"{recording}/deleted"


def receipt(recording: str) -> str:
    return items([Name(recording, Beside.RECEIPT, 0)])


def keybox(recording: str) -> str:
    return items([Name(recording, RecordType.KEYBOX, 0)])


def rewrapped_prefix(recording: str) -> str:
    """What the names of this recording's other keyboxes begin with."""
    return f"{recording}/rewrapped/"


def rewrapped(recording: str, number: int) -> str:
    """The keybox of this rotation, counted from 1."""
    return f"{rewrapped_prefix(recording)}{number:08}"


def rewrapped_number(found: str) -> int:
    """Of which rotation the keybox in this object is; 0 for the room's own."""
    match = _REWRAPPED.fullmatch(found)
    return int(match[1]) if match else 0


def blocks(recording: str) -> str:
    """What the names of this recording's runs begin with."""
    return f"{recording}/blocks/"


def device(name: str) -> str:
    return f"{DEVICES}{name}"


def items(names: Sequence[Name]) -> str:
    """Where the first records of these names lie: consecutive blocks, or one other item."""
    first, last = names[0], names[-1]
    if first.type is RecordType.BLOCK:
        return f"{blocks(first.recording)}{first.index:08}-{last.index:08}"
    return f"{first.recording}/{kind(first.type)}"


def stretch(name: Name) -> int:
    """The number of the stretch that this block is of, from 0."""
    return name.index // STRETCH_BLOCKS


def together(names: Iterable[Name]) -> Iterator[list[Name]]:
    """The blocks among these names, in their order, as they lie in objects once they were brought together."""
    for _, blocks in groupby(sorted(name for name in names if name.type is RecordType.BLOCK), stretch):
        yield list(blocks)


def conflict(name: Name, content: bytes) -> str:
    """Where another record of this name lies."""
    part = f"blocks/block-{name.index:08}" if name.type is RecordType.BLOCK else kind(name.type)
    return f"{CONFLICTS}{name.recording}/{part}/{content.hex()}"


def parse_items(found: str) -> tuple[Name, ...]:
    """The names of the items in this object, in their order; empty if it holds none."""
    if match := _ITEM.fullmatch(found):
        return (Name(match[1], item_type(cast(Kind, match[2])), 0),)
    if match := _RUN.fullmatch(found):
        return tuple(Name(match[1], RecordType.BLOCK, index) for index in range(int(match[2]), int(match[3]) + 1))
    return ()


def parse_conflict(found: str) -> tuple[Name, bytes] | None:
    """The name and content of the item that was kept beside in this object; None if it holds none."""
    match = _CONFLICT.fullmatch(found)
    if match is None:
        return None
    recording, part, index, content = match.groups()
    type_ = RecordType.BLOCK if index else item_type(cast(Kind, part))
    return Name(recording, type_, int(index or 0)), bytes.fromhex(content)

"""What the archive's objects are called.

    RECORDING/origin                      whose recording it is, and since when: written with its first item
    RECORDING/preamble  manifest  keybox  records, as in docs/sealed-recording.md, section 1
    RECORDING/blocks/block-00000000       likewise; beside, where the manifest does not tell of so many
    RECORDING/receipt                     the consent receipt, a record as in docs/receipt.md
    RECORDING/purged                      the archive's signed receipt of a purge
    conflicts/RECORDING/ITEM/CONTENT      records that were authentic, but not the first of their name
    devices/NAME                          an enrolled device and its public key

So the catalogue can be rebuilt from the objects alone. Blocks have a folder of their own, which goes with them: a folder
keeps the size that its entries once needed, and that of a refused meeting would tell how long it was.
"""

import re
from typing import Annotated, cast

import msgspec
from msgspec import Meta

from recorder.canonical import DeviceName, Hex32, Natural
from recorder.sealed.layout import RecordType
from recorder.wire.receipt import Kind, item_type, kind
from recorder.wire.upload import Name

CONFLICTS = "conflicts/"
DEVICES = "devices/"
_ITEM = re.compile(r"([0-9a-f]{32})/(preamble|manifest|keybox|receipt|blocks/block-([0-9]{8,10}))", re.ASCII)
_CONFLICT = re.compile(rf"{CONFLICTS}({_ITEM.pattern})/([0-9a-f]{{64}})", re.ASCII)


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a recording's records do not say: how it came, and what counted for its deletion then."""

    device: DeviceName
    preamble: Hex32
    first_ms: Natural
    """When its first item came: Unix time, by the archive's clock."""
    retention_days: Natural
    """The setting at that time: a deletion date stands from birth."""


class Enrolment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device that may upload. `enrolled_ms` is Unix time."""

    name: DeviceName
    public_key: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """Ed25519, raw."""
    enrolled_ms: Natural


def origin(recording: str) -> str:
    return f"{recording}/origin"


def purged(recording: str) -> str:
    return f"{recording}/purged"


def device(name: str) -> str:
    return f"{DEVICES}{name}"


def item(name: Name) -> str:
    """Where the first record of this name lies."""
    part = f"blocks/block-{name.index:08}" if name.type is RecordType.BLOCK else kind(name.type)
    return f"{name.recording}/{part}"


def conflict(name: Name, content: bytes) -> str:
    """Where another record of this name lies."""
    return f"{CONFLICTS}{item(name)}/{content.hex()}"


def parse_item(found: str) -> Name | None:
    """The name of the item in this object; None if it holds none."""
    match = _ITEM.fullmatch(found)
    if match is None:
        return None
    recording, part, index = match.groups()
    return Name(recording, RecordType.BLOCK if index else item_type(cast(Kind, part)), int(index or 0))


def parse_conflict(found: str) -> tuple[Name, bytes] | None:
    """The name and content of the item that was kept beside in this object; None if it holds none."""
    match = _CONFLICT.fullmatch(found)
    if match is None:
        return None
    name = parse_item(match.group(1))
    assert name is not None
    return name, bytes.fromhex(match.group(match.lastindex or 0))

"""Recordings made by the product's own sealer, for tests that need sound ones."""

import os
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder.audio import FRAME_TICKS, Gap, GapCause, Moment, OpusBlock
from recorder.sealed import layout, seal
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.layout import Event, RecordType
from recorder.sealed.ledger import Ledger

DEVICE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CLASSICAL = RecipientPrivateKey.generate("x25519")
HYBRID = RecipientPrivateKey.generate("mlkem768-x25519")
MOMENT = Moment(1_700_000_000_000, 60_000, True)
BOOT = bytes(16)


def begin(**changes: Any) -> tuple[bytes, bytes, seal.Sealer]:
    arguments: dict[str, Any] = {
        "device": "room-1",
        "sequence": 1,
        "previous": bytes(32),
        "moment": MOMENT,
        "boot": BOOT,
        "rate": 48_000,
        "preskip": 312,
        "pad_bytes": 64,
        "suite": "chacha20poly1305",
        "recipients": [CLASSICAL.public],
        "random": os.urandom,
    }
    return seal.begin(DEVICE, **(arguments | changes))


def audio(position: int, packets: Sequence[bytes], *, flushed: bool = False) -> OpusBlock:
    return OpusBlock(position, FRAME_TICKS * (len(packets) - flushed), tuple(packets), flushed, MOMENT)


ITEMS: list[OpusBlock | Gap] = [
    audio(0, [b"\xf8one", b"\xf8two"]),
    audio(1_920, [b"\xf8three", b"\xf8out"], flushed=True),
    Gap(2_880, 1_080, GapCause.UNPLUGGED, MOMENT),
    audio(3_960, [b"\xf8four", b"\xf8out"], flushed=True),
]


def whole(items: Sequence[OpusBlock | Gap] = ITEMS, **changes: Any) -> list[bytes]:
    """The records of a whole recording."""
    preamble, keybox, sealer = begin(**changes)
    ledger = Ledger(layout.parse_record(preamble)[1])
    records = [preamble]
    for number, item in enumerate(items):
        records.append(sealer.seal(item, final=number == len(items) - 1))
        ledger.add(layout.parse_record(records[-1])[1])
    events = [Event(0, 1, "start"), Event(ledger.ticks, 2, "stop")]
    records.append(ledger.manifest(DEVICE, ended="stop", events=events, moment=MOMENT, boot=BOOT, keybox_body=keybox))
    return [*records, layout.record(RecordType.KEYBOX, keybox)]

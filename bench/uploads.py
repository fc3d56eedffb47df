"""What rooms send: real records, sealed and signed, of meetings in which chance speaks."""

import os
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import canonical
from recorder.audio import FRAME_TICKS, Moment, OpusBlock
from recorder.canonical import SIGNATURE_BYTES
from recorder.sealed import layout, seal
from recorder.sealed.keys import RecipientPublicKey
from recorder.sealed.layout import PACKETS_MAX, Preamble
from recorder.wire.upload import Upload

PAD_BYTES = 64
WALL_MS = 1_700_000_000_000
MOMENT = Moment(WALL_MS, 0, synced=True)
BOOT = bytes(16)
FRAME = b"\x78"
"""The first byte of a packet of one frame of 20 ms, mono; what follows is noise."""


def meeting(
    room: str,
    key: Ed25519PrivateKey,
    recipient: RecipientPublicKey,
    sequence: int,
    blocks: int,
    block_bytes: int,
    pad_bytes: int = PAD_BYTES,
) -> Iterator[Upload]:
    """The uploads of a meeting that goes on: its preamble, then `blocks`, each sealed when it is asked for."""
    record, _, sealer = begin(room, key, recipient, sequence, pad_bytes=pad_bytes)
    kind, preamble = layout.parse_record(record)
    ident = canonical.decode(preamble[SIGNATURE_BYTES:], Preamble).recording
    hashed = layout.hash_body(preamble)
    yield Upload(ident, hashed, kind, preamble)
    for block in sealed(sealer, blocks, block_bytes):
        yield Upload(ident, hashed, *layout.parse_record(block))


def begin(
    room: str,
    key: Ed25519PrivateKey,
    recipient: RecipientPublicKey,
    sequence: int,
    *,
    pad_bytes: int,
    previous: bytes = bytes(32),
) -> tuple[bytes, bytes, seal.Sealer]:
    """As `seal.begin`: the preamble's record, the keybox's body, the sealer of the blocks."""
    return seal.begin(
        key,
        device=room,
        sequence=sequence,
        previous=previous,
        moment=MOMENT,
        boot=BOOT,
        rate=48_000,
        preskip=312,
        pad_bytes=pad_bytes,
        suite="chacha20poly1305",
        recipients=[recipient],
        random=os.urandom,
    )


def sealed(sealer: seal.Sealer, blocks: int, block_bytes: int, *, ends: bool = False) -> Iterator[bytes]:
    """The records of so many blocks with packets of about `block_bytes` each; the last one is final if the meeting `ends`."""
    packet_bytes = 80 if block_bytes <= 80 * PACKETS_MAX else block_bytes // PACKETS_MAX
    packets = tuple(FRAME + os.urandom(packet_bytes - 1) for _ in range(block_bytes // packet_bytes))
    ticks = len(packets) * FRAME_TICKS
    for index in range(blocks):
        block = OpusBlock(index * ticks, ticks, packets, False, Moment(WALL_MS + index, index, synced=True))
        yield sealer.seal(block, final=ends and index == blocks - 1)

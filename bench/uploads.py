"""What rooms send, made ahead: real records, sealed and signed, so that a load costs its sender next to nothing."""

import os
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import canonical
from recorder.audio import FRAME_TICKS, Moment, OpusBlock
from recorder.canonical import SIGNATURE_BYTES
from recorder.sealed import layout
from recorder.sealed.keys import RecipientPublicKey
from recorder.sealed.layout import PACKETS_MAX, Preamble
from recorder.sealed.seal import begin
from recorder.wire.upload import Upload

PAD_BYTES = 64
WALL_MS = 1_700_000_000_000


def meeting(
    room: str, key: Ed25519PrivateKey, recipient: RecipientPublicKey, sequence: int, blocks: int, block_bytes: int
) -> Iterator[Upload]:
    """The uploads of a meeting that goes on: its preamble, then `blocks` with packets of about `block_bytes` each."""
    record, _, sealer = begin(
        key,
        device=room,
        sequence=sequence,
        previous=bytes(32),
        moment=Moment(WALL_MS, 0, synced=True),
        boot=bytes(16),
        rate=48_000,
        preskip=312,
        pad_bytes=PAD_BYTES,
        suite="chacha20poly1305",
        recipients=[recipient],
        random=os.urandom,
    )
    kind, preamble = layout.parse_record(record)
    ident = canonical.decode(preamble[SIGNATURE_BYTES:], Preamble).recording
    hashed = layout.hash_body(preamble)
    yield Upload(ident, hashed, kind, preamble)
    packet_bytes = 80 if block_bytes <= 80 * PACKETS_MAX else block_bytes // PACKETS_MAX
    packets = tuple(os.urandom(packet_bytes) for _ in range(block_bytes // packet_bytes))
    ticks = len(packets) * FRAME_TICKS
    for index in range(blocks):
        block = OpusBlock(index * ticks, ticks, packets, False, Moment(WALL_MS + index, index, synced=True))
        kind, body = layout.parse_record(sealer.seal(block, final=False))
        yield Upload(ident, hashed, kind, body)

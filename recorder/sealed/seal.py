"""Sealing: plaintext ends here. What leaves this module nobody opens without a recipient's private key.

`begin` makes the data key, gives it to the recipients in the keybox, and forgets it. The `Sealer` that remains knows
the key of the next block only. It refuses blocks that do not follow one another, because the hole could not be
mended later: a block once sealed cannot even be opened by the device that sealed it.

After a crash nothing is ever sealed again to the same recording; a new one is begun that names it as previous.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import canonical
from recorder.audio import Gap, Moment, OpusBlock
from recorder.sealed import keybox
from recorder.sealed.keys import RecipientPublicKey, device_key_hash
from recorder.sealed.layout import (
    DOMAIN_BLOCK,
    DOMAIN_PREAMBLE,
    BlockHeader,
    Preamble,
    RecordType,
    hash_body,
    print_packets,
    record,
)
from recorder.sealed.ratchet import KEY_BYTES, Ratchet, commitment, overwrite


class Sealer:
    """Seals the blocks of one recording, in order, each with a key that is gone afterwards."""

    def __init__(self, signing_key: Ed25519PrivateKey, preamble_hash: bytes, pad_bytes: int, ratchet: Ratchet) -> None:
        self._signing_key = signing_key
        self._preamble_hash = preamble_hash
        self._pad_bytes = pad_bytes
        self._ratchet: Ratchet | None = ratchet
        self._last: BlockHeader | None = None

    def seal(self, item: OpusBlock | Gap, *, final: bool = False) -> bytes:
        """The block's record. ValueError if it does not follow the block before it, or the sealer is wiped."""
        if self._ratchet is None:
            raise ValueError("this recording's keys are gone; begin a new one")
        header = BlockHeader(
            index=0 if self._last is None else self._last.index + 1,
            final=final,
            flushed=isinstance(item, OpusBlock) and item.flushed,
            cause=item.cause if isinstance(item, Gap) else None,
            position=item.position,
            length=item.length,
            moment=item.moment,
        )
        header.check_follows(self._last)
        plain = b"" if isinstance(item, Gap) else print_packets(item.packets, self._pad_bytes)
        clear = bytes(header)
        sealed = clear + self._ratchet.encrypt(plain, self._preamble_hash + clear)
        self._last = header
        signed = canonical.signed(DOMAIN_BLOCK + self._preamble_hash, self._signing_key, sealed)
        if final:
            self.wipe()
        return record(RecordType.BLOCK, signed)

    def wipe(self) -> None:
        """Overwrite what could seal or open a later block. May be called at any time, and again."""
        if self._ratchet is not None:
            self._ratchet.wipe()
            self._ratchet = None


def begin(
    signing_key: Ed25519PrivateKey,
    *,
    device: str,
    sequence: int,
    previous: bytes,
    moment: Moment,
    boot: bytes,
    rate: Literal[8_000, 12_000, 16_000, 24_000, 48_000],
    preskip: int,
    pad_bytes: int,
    suite: Literal["chacha20poly1305", "aes256gcm"],
    recipients: Sequence[RecipientPublicKey],
    random: Callable[[int], bytes | bytearray],
) -> tuple[bytes, bytes, Sealer]:
    """Begin a recording: (the preamble's record, the keybox's body, the sealer of its blocks).

    `previous` is H of the last manifest's body (32 bytes; zeros for the first), `boot` the kernel's boot id (16 bytes),
    `preskip` in ticks. `random` gives that many random bytes; as a bytearray the data key never exists otherwise.
    Raises SignedTextError if a value is not one that a preamble may have, ValueError if the recipients' kinds differ.
    """
    kems = {each.kem for each in recipients}
    if len(kems) != 1:
        raise ValueError("recipients must all be of one kind, and at least one")
    recipients = sorted(recipients, key=lambda each: each.key_id)
    recording = bytes(random(16))
    secret = random(KEY_BYTES)
    data_key = secret if isinstance(secret, bytearray) else bytearray(secret)
    try:
        preamble = Preamble(
            version=1,
            recording=recording.hex(),
            device=device,
            device_key=device_key_hash(signing_key.public_key()).hex(),
            sequence=sequence,
            previous=previous.hex(),
            wall_ms=moment.wall_ms,
            monotonic_ms=moment.monotonic_ms,
            synced=moment.synced,
            boot=boot.hex(),
            rate=rate,
            preskip=preskip,
            pad_bytes=pad_bytes,
            suite=suite,
            kem=kems.pop(),
            recipients=tuple(each.key_id.hex() for each in recipients),
            commitment=commitment(data_key, recording).hex(),
        )
        body = canonical.signed(DOMAIN_PREAMBLE, signing_key, canonical.encode(preamble))
        preamble_hash = hash_body(body)
        ratchet = Ratchet(data_key, preamble_hash, suite)
        keys = keybox.wrap(data_key, recipients, preamble_hash)
    finally:
        overwrite(data_key)
    return record(RecordType.PREAMBLE, body), keys, Sealer(signing_key, preamble_hash, pad_bytes, ratchet)

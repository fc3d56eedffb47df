"""The keys of one recording: what is derived from the data key, in which order, and what is overwritten when.

    commitment = HMAC(K, "wederhoor/1 commitment" ‖ recording[16])
    C₀         = HKDF(salt = P, ikm = K, info = "wederhoor/1 chain", 32)
    Bᵢ         = HKDF-Expand(Cᵢ, "wederhoor/1 block key", 32)
    Cᵢ₊₁       = HKDF-Expand(Cᵢ, "wederhoor/1 next", 32)

The chain runs one way: from Cᵢ nobody computes Cᵢ₋₁. So a recorder that is seized in a meeting opens nothing of what
it sealed before. Secrets live in bytearrays and are derived in place, because Python's bytes can be dropped but never
overwritten. This holds for what our code holds; copies inside OpenSSL are OpenSSL's to clear.
"""

import hmac
from typing import Literal

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

KEY_BYTES = 32
NONCE = bytes(12)
"""Constant: a key of the chain seals one block only."""


def overwrite(secret: bytearray) -> None:
    secret[:] = bytes(len(secret))


def commitment(data_key: bytearray, recording: bytes) -> bytes:
    """Pins `data_key` to the recording's id (16 bytes): an AEAD alone may open under two keys."""
    mac = HMAC(data_key, SHA256())
    mac.update(b"wederhoor/1 commitment" + recording)
    return mac.finalize()


def commits(expected: bytes, data_key: bytearray, recording: bytes) -> bool:
    """Whether `data_key` is the one committed to; in constant time."""
    return hmac.compare_digest(expected, commitment(data_key, recording))


class Ratchet:
    """Block keys, one after the other, each used by one call and gone after it."""

    def __init__(self, data_key: bytearray, preamble_hash: bytes, suite: Literal["chacha20poly1305", "aes256gcm"]):
        self._aead = ChaCha20Poly1305 if suite == "chacha20poly1305" else AESGCM
        self._chain = bytearray(KEY_BYTES)
        HKDF(SHA256(), KEY_BYTES, preamble_hash, b"wederhoor/1 chain").derive_into(data_key, self._chain)

    def encrypt(self, plain: bytes, associated: bytes) -> bytes:
        block_key = self._step()
        try:
            return self._aead(block_key).encrypt(NONCE, plain, associated)
        finally:
            overwrite(block_key)

    def decrypt(self, sealed: bytes, associated: bytes) -> bytes:
        """The plaintext; cryptography.exceptions.InvalidTag if key, ciphertext or associated data differ."""
        block_key = self._step()
        try:
            return self._aead(block_key).decrypt(NONCE, sealed, associated)
        finally:
            overwrite(block_key)

    def skip(self) -> None:
        """Leave one block out."""
        overwrite(self._step())

    def fork(self) -> "Ratchet":
        """Another one, at the same block."""
        other = object.__new__(Ratchet)
        other._aead, other._chain = self._aead, bytearray(self._chain)
        return other

    def wipe(self) -> None:
        """Overwrite the chain: no later block can be sealed or opened."""
        overwrite(self._chain)

    def _step(self) -> bytearray:
        """The key of this block; the chain moves on, and what it was is overwritten."""
        block_key, following = bytearray(KEY_BYTES), bytearray(KEY_BYTES)
        HKDFExpand(SHA256(), KEY_BYTES, b"wederhoor/1 block key").derive_into(self._chain, block_key)
        HKDFExpand(SHA256(), KEY_BYTES, b"wederhoor/1 next").derive_into(self._chain, following)
        self._chain[:] = following
        overwrite(following)
        return block_key

"""Keys: the recipients who may open, the devices that sign. How they are kept in files is for `recorder/keyfiles.py`.

A recipient's key is X25519 (RFC 7748), or the hybrid of ML-KEM-768 (FIPS 203) and X25519 that X-Wing is. A device's
signing key is Ed25519.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from recorder.errors import SealedError

Kem = Literal["mlkem768-x25519", "x25519"]

_HYBRID = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_CLASSICAL = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


@dataclass(frozen=True, slots=True)
class RecipientPublicKey:
    """Seals to one recipient. Without `mlkem` it is the classical kind."""

    x25519: X25519PublicKey
    mlkem: MLKEM768PublicKey | None = None

    @property
    def kem(self) -> Kem:
        return "x25519" if self.mlkem is None else "mlkem768-x25519"

    @property
    def key_id(self) -> bytes:
        """H of the raw public key (docs/sealed-recording.md, section 2); 32 bytes."""
        mlkem = b"" if self.mlkem is None else self.mlkem.public_bytes_raw()
        return sha256(mlkem + self.x25519.public_bytes_raw()).digest()

    def seal(self, secret: bytearray, info: bytes) -> bytes:
        """HPKE, base mode, single shot (RFC 9180): enc ‖ ciphertext."""
        if self.mlkem is None:
            return _CLASSICAL.encrypt(secret, self.x25519, info)
        return _HYBRID.encrypt(secret, MLKEM768X25519PublicKey(self.mlkem, self.x25519), info)


@dataclass(frozen=True, slots=True)
class RecipientPrivateKey:
    """Opens what was sealed to its public key."""

    x25519: X25519PrivateKey
    mlkem: MLKEM768PrivateKey | None = None

    @classmethod
    def generate(cls, kem: Kem) -> "RecipientPrivateKey":
        return cls(X25519PrivateKey.generate(), MLKEM768PrivateKey.generate() if kem == "mlkem768-x25519" else None)

    @property
    def public(self) -> RecipientPublicKey:
        return RecipientPublicKey(self.x25519.public_key(), None if self.mlkem is None else self.mlkem.public_key())

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """What `seal` was given, or a SealedError."""
        try:
            if self.mlkem is None:
                return _CLASSICAL.decrypt(sealed, self.x25519, info)
            return _HYBRID.decrypt(sealed, MLKEM768X25519PrivateKey(self.mlkem, self.x25519), info)
        except (InvalidTag, ValueError) as error:
            raise SealedError("the keybox was altered: its entry for this key does not open") from error


def device_key_hash(public_key: Ed25519PublicKey) -> bytes:
    """The `device_key` of a preamble; 32 bytes."""
    return sha256(public_key.public_bytes_raw()).digest()

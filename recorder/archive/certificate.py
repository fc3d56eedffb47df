r"""The certificate of a deletion: what is left of a recording once it was deleted, for whoever asks what became of it.

    certificate = "WHC1" ‖ signature[64] ‖ text        signature = Sign(archive, "wederhoor/1 certificate\0" ‖ text)

It says which recording, why, when its key and its blocks were gone, and what is known of the other places where something of it
might be. It does not say how long anybody spoke, or who. Two hashes are in it: the manifest's, by which the client's consent
receipt names the recording, and that of the keybox that was destroyed. Both are of what a device signed or drew by lot, so
nobody can try what they stand for; the intake knows by them what it once signed for.

Its first part is the tombstone, which is written before anything is deleted: what was decided, so that it can be finished.
"""

from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from recorder import canonical
from recorder.archive.retention import Cause
from recorder.canonical import SIGNATURE_BYTES, DeviceName, Hex16, Hex32, Natural
from recorder.errors import SignedTextError

MAGIC = b"WHC1"
DOMAIN_CERTIFICATE = b"wederhoor/1 certificate\0"
CERTIFICATE_BYTES_MAX = 4_096


class Tombstone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was decided of a recording: it goes. `decided_ms` is Unix time."""

    recording: Hex16
    cause: Cause
    decided_ms: Natural
    kept: bool
    """Whether it was kept, that is whole, with all that its manifest tells of; else something of it had never come."""
    manifest: Hex32 | None
    """H of the body of its manifest; None if none had come."""
    keybox: Hex32 | None
    """H of the body of its keybox; None if none had come, so that nobody could ever open it here."""


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """It was carried out. All times are Unix time in milliseconds, by the archive's clock."""

    version: Literal[1]
    archive: DeviceName
    deletion: Tombstone
    key_destroyed_ms: Natural
    """When no keybox of it was at the archive any more, for certain."""
    blocks_gone_ms: Natural
    """When nothing else was, but whose it was, and its consent receipt."""
    device: Literal["signed_for", "may_hold"]
    """`signed_for`: all that its room had was signed for, by which a room forgets it, at the latest when it hears that again.
    `may_hold`: something had never come, and what a room was not signed for it keeps."""
    broker: Literal["keeps_nothing"]
    backups: Literal["deleted_again"]
    """One from before still has it, key and all. What is restored from it is deleted again before it is served."""

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        """The bytes of the certificate."""
        return MAGIC + canonical.signed(DOMAIN_CERTIFICATE, key, canonical.encode(self))

    @classmethod
    def parse(cls, data: bytes) -> "Certificate":
        """The certificate in `data`, whoever signed it; SignedTextError if it is none."""
        return canonical.decode(_body(data)[SIGNATURE_BYTES:], cls)

    @classmethod
    def verify(cls, data: bytes, public_key: Ed25519PublicKey) -> "Certificate":
        """The certificate in `data`, if the archive with this key signed it; else SignedTextError."""
        return canonical.decode(canonical.open_signed(DOMAIN_CERTIFICATE, public_key, _body(data)), cls)


def _body(data: bytes) -> bytes:
    if not data.startswith(MAGIC) or len(data) > CERTIFICATE_BYTES_MAX:
        raise SignedTextError("it is no certificate of a deletion")
    return data[len(MAGIC) :]

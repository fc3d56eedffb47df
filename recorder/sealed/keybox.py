"""The keybox: the data key, sealed to each recipient, and how it is held back (docs/sealed-recording.md, section 6).

Whoever has the keybox and a private key can listen. So while a meeting may still be refused it exists only under a
hold key, which is never on flash: overwriting 32 bytes is what makes a refusal final.
"""

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from recorder.errors import OtherKey, SealedError
from recorder.sealed.keys import RecipientPrivateKey, RecipientPublicKey
from recorder.sealed.layout import Keybox
from recorder.sealed.ratchet import KEY_BYTES, NONCE

HOLD_KEY_BYTES = 32


def wrap(data_key: bytearray, recipients: Sequence[RecipientPublicKey], preamble_hash: bytes) -> bytes:
    """The body of the keybox that gives `data_key` to each of `recipients`, in their order."""
    sealed = ((each.key_id, each.seal(data_key, _info(preamble_hash, each.key_id))) for each in recipients)
    return bytes(Keybox(tuple(sealed)))


def unwrap(body: bytes, recipient: RecipientPrivateKey, preamble_hash: bytes) -> bytearray:
    """The data key, or OtherKey if the keybox has no entry for `recipient`, SealedError if it was altered."""
    key_id = recipient.public.key_id
    sealed = dict(Keybox.parse(body).entries).get(key_id)
    if sealed is None:
        raise OtherKey("the recording is not sealed for this key")
    data_key = bytearray(recipient.open(sealed, _info(preamble_hash, key_id)))
    if len(data_key) != KEY_BYTES:
        raise SealedError(f"the keybox holds a data key of {len(data_key)} bytes")
    return data_key


def hold_keybox(keybox: bytes, hold_key: bytearray | bytes, preamble_hash: bytes) -> bytes:
    """The keybox's body under `hold_key` (32 random bytes, used once). Safe on flash while the hold key is not."""
    return ChaCha20Poly1305(hold_key).encrypt(NONCE, keybox, b"wederhoor/1 held\0" + preamble_hash)


def release_keybox(held: bytes, hold_key: bytearray | bytes, preamble_hash: bytes) -> bytes:
    """The keybox's body again; SealedError if the hold key is another one (an erased one is all zeros)."""
    try:
        return ChaCha20Poly1305(hold_key).decrypt(NONCE, held, b"wederhoor/1 held\0" + preamble_hash)
    except InvalidTag as error:
        raise SealedError("the held keybox does not open with this hold key") from error


def _info(preamble_hash: bytes, key_id: bytes) -> bytes:
    return b"wederhoor/1 keybox\0" + preamble_hash + key_id

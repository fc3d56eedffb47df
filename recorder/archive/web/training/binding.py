"""Which sound is whose: the reading room signs it when it has made one, and plays no other.

What lies in the store of fragments tells nothing of where it is from, and the row that does the pages can write.
"""

from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from recorder import canonical
from recorder.archive.web.training.models import Fragment
from recorder.canonical import Hex16
from recorder.errors import SealedError, SignedTextError

DOMAIN_FRAGMENT = b"wederhoor/1 fragment\0"


class Made(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed."""

    fragment: Annotated[str, msgspec.Meta(pattern="^[0-9a-f-]{36}$")]
    recording: Hex16
    sealed: Hex16
    """What it is called in its store."""


def bind(key: Ed25519PrivateKey, fragment: Fragment, sealed: str) -> bytes:
    """That this sound is this fragment's, and was made of its recording."""
    return canonical.signed(DOMAIN_FRAGMENT, key, canonical.encode(Made(str(fragment.pk), fragment.recording, sealed)))


def check(key: Ed25519PublicKey, fragment: Fragment) -> str:
    """What its sound is called in its store; SealedError if that was not made for it."""
    try:
        made = canonical.decode(canonical.open_signed(DOMAIN_FRAGMENT, key, bytes(fragment.bound or b"")), Made)
    except SignedTextError as error:
        raise SealedError(f"the sound of fragment {fragment.pk} is not bound to it: {error}") from error
    if made != Made(str(fragment.pk), fragment.recording, fragment.sealed or ""):
        raise SealedError(
            f"the sound of fragment {fragment.pk} is another's: somebody wrote to the database of the pages"
        )
    return made.sealed

"""Canonical JSON and the signature in front of it: one text for one value, whoever writes it.

    body = signature[64] ‖ text        signature = Ed25519(key, domain ‖ text)        (RFC 8032)

The text is JSON (RFC 8259) of printable ASCII without a backslash, keys sorted, no white space, integers of at most
2⁵³ − 1 (RFC 7493, section 2.2), no fractions. Nothing in it ever needs an escape, so no two writers can differ.

A signature is checked over the raw bytes before anything parses them: a parser is the largest thing an attacker can
reach. A text is then refused unless encoding its value gives the same bytes again, which also refuses duplicate keys.
The domain names the kind of text, so that a signature over one kind is worth nothing over another.
"""

import re
from typing import Annotated, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from recorder.errors import SignedTextError

SIGNATURE_BYTES = 64
INTEGER_MAX = 2**53 - 1

Natural = Annotated[int, Meta(ge=0, le=INTEGER_MAX)]
Hex16 = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
"""16 bytes in hexadecimal."""
Hex32 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
"""32 bytes in hexadecimal."""
DeviceName = Annotated[str, Meta(pattern="^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$")]
"""A device's name, as in its certificate: 1 to 64 of `a-z 0-9 -`, first and last not `-`."""

_PLAIN = re.compile(rb"[ -\[\]-~]*")
_ENCODER = msgspec.json.Encoder(order="sorted")

T = TypeVar("T", bound=msgspec.Struct)


def encode(value: msgspec.Struct) -> bytes:
    """The one text of `value`; SignedTextError if the value is out of its own type's bounds or not plain ASCII."""
    text = _ENCODER.encode(value)
    decode(text, type(value))  # msgspec's constructors do not check, so that a wrong value would be signed
    return text


def decode(raw: bytes, kind: type[T]) -> T:
    """The value whose one text is `raw`, or a SignedTextError."""
    if not _PLAIN.fullmatch(raw):
        raise SignedTextError("the text is not printable ASCII without a backslash")
    try:
        value = msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SignedTextError(f"the text is not a {kind.__name__}: {error}") from error
    if _ENCODER.encode(value) != raw:
        raise SignedTextError("the text is not in canonical form")
    return value


def signed(domain: bytes, key: Ed25519PrivateKey, text: bytes) -> bytes:
    """The body: signature ‖ text."""
    return key.sign(domain + text) + text


def open_signed(domain: bytes, public_key: Ed25519PublicKey, body: bytes) -> bytes:
    """The text of `body`, once its signature was found right; or a SignedTextError. Parses nothing."""
    signature, text = body[:SIGNATURE_BYTES], body[SIGNATURE_BYTES:]
    try:
        public_key.verify(signature, domain + text)
    except InvalidSignature as error:
        raise SignedTextError("the signature is not this key's") from error
    return text

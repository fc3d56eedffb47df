"""One text for one value, and no parsing before the signature."""

import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from recorder import canonical
from recorder.errors import SignedTextError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zulu: canonical.Natural
    alpha: str
    more: tuple[bool, ...] = ()


PLAIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'))


@given(st.integers(0, canonical.INTEGER_MAX), PLAIN, st.lists(st.booleans()))
def test_the_text_is_what_any_strict_writer_makes(zulu: int, alpha: str, more: list[bool]) -> None:
    value = Value(zulu, alpha, tuple(more))
    text = canonical.encode(value)
    plain = {"zulu": zulu, "alpha": alpha, "more": more}
    assert text == json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
    assert canonical.decode(text, Value) == value


@given(st.text())
def test_a_text_that_would_need_an_escape_is_neither_written_nor_read(alpha: str) -> None:
    plain = all(" " <= each <= "~" and each not in '"\\' for each in alpha)
    try:
        canonical.encode(Value(1, alpha))
    except SignedTextError:
        assert not plain
    else:
        assert plain


@pytest.mark.parametrize(
    "raw",
    [
        b'{"zulu":1,"alpha":"a","more":[]}',
        b'{"alpha": "a","more":[],"zulu":1}',
        b'{"alpha":"a","more":[],"zulu":1}\n',
        b'{"alpha":"a","alpha":"a","more":[],"zulu":1}',
        b'{"alpha":"\\u0061","more":[],"zulu":1}',
        b'{"alpha":"a","more":[],"zulu":1.0}',
        b'{"alpha":"a","more":[],"zulu":1e0}',
        b'{"alpha":"a","more":[],"zulu":-0}',
        b'{"alpha":"a","more":[],"zulu":-1}',
        b'{"alpha":"a","more":[],"zulu":9007199254740992}',
        b'{"alpha":"a","more":[],"zulu":1,"zzz":1}',
        b'{"alpha":"a","zulu":1}',
        b'{"alpha":"a","more":[]}',
        b"[" * 100_000,
        b"",
        b"null",
    ],
)
def test_another_text_of_a_value_is_refused(raw: bytes) -> None:
    with pytest.raises(SignedTextError):
        canonical.decode(raw, Value)


def test_a_value_out_of_bounds_is_not_written() -> None:
    with pytest.raises(SignedTextError):
        canonical.encode(Value(-1, "a"))


@given(st.binary(max_size=99))
def test_noise_is_refused(raw: bytes) -> None:
    with pytest.raises(SignedTextError):
        canonical.open_signed(b"test\0", KEY.public_key(), raw)
    with pytest.raises(SignedTextError):
        canonical.decode(raw, Value)


def test_a_signature_is_bound_to_text_key_and_domain() -> None:
    body = canonical.signed(b"one\0", KEY, b"text")
    public = KEY.public_key()
    assert canonical.open_signed(b"one\0", public, body) == b"text"
    stranger = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32).public_key()
    for domain, key, data in [(b"two\0", public, body), (b"one\0", stranger, body), (b"one\0", public, body + b"!")]:
        with pytest.raises(SignedTextError, match="signature"):
            canonical.open_signed(domain, key, data)

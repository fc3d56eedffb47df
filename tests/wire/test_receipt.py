"""Receipts: signed, addressed, and by hash."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from recorder import canonical
from recorder.errors import WireError
from recorder.sealed.layout import DOMAIN_MANIFEST, RecordType
from recorder.wire.receipt import (
    DOMAIN_RECEIPT,
    ENTRIES_MAX,
    Purged,
    Receipt,
    Rejected,
    Stored,
    digest,
    fold,
    receipts,
)
from recorder.wire.records import ITEM_TYPES
from recorder.wire.upload import Name

KEY = Ed25519PrivateKey.generate()
A, B = "a" * 32, "b" * 32
STORED = Stored(A, "block", 3, 9, "c" * 64)
RECEIPT = Receipt(
    1,
    "archive",
    "room-1",
    1_700_000_000_000,
    (STORED,),
    (Purged(B, "d" * 64),),
    (Rejected(B, "keybox", 0, "e" * 64, "no"),),
)

names = st.builds(Name, st.sampled_from([A, B]), st.just(RecordType.BLOCK), st.integers(0, 12)) | st.builds(
    Name,
    st.sampled_from([A, B]),
    st.sampled_from([kind for kind in ITEM_TYPES.values() if kind is not RecordType.BLOCK]),
    st.just(0),
)
contents = st.dictionaries(names, st.binary(min_size=32, max_size=32), max_size=30)


def test_a_receipt_is_what_it_was():
    assert Receipt.verify(RECEIPT.sign(KEY), KEY.public_key(), "room-1") == RECEIPT


def test_the_text_is_canonical():
    text = RECEIPT.sign(KEY)[64:]
    assert text.startswith(b'{"archive":"archive","device":"room-1","purged":[{"manifest":"dddd')
    assert text.endswith(b'"type":"block"}],"version":1,"wall_ms":1700000000000}')


def test_another_devices_receipt_is_refused():
    with pytest.raises(WireError, match="for room-1"):
        Receipt.verify(RECEIPT.sign(KEY), KEY.public_key(), "room-2")


def test_another_archives_receipt_is_refused():
    with pytest.raises(WireError):
        Receipt.verify(RECEIPT.sign(Ed25519PrivateKey.generate()), KEY.public_key(), "room-1")


def test_a_signature_for_something_else_is_refused():
    payload = canonical.signed(DOMAIN_MANIFEST, KEY, canonical.encode(RECEIPT))
    with pytest.raises(WireError):
        Receipt.verify(payload, KEY.public_key(), "room-1")


@given(st.data())
def test_every_change_is_refused(data):
    payload = bytearray(RECEIPT.sign(KEY))
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WireError):
        Receipt.verify(bytes(payload), KEY.public_key(), "room-1")


@given(st.binary(max_size=200))
def test_garbage_is_the_wires_error_even_when_it_is_signed(text):
    for payload in (text, canonical.signed(DOMAIN_RECEIPT, KEY, text)):
        with pytest.raises(WireError):
            Receipt.verify(payload, KEY.public_key(), "room-1")


@pytest.mark.parametrize(
    "entry",
    [
        {"first": 4, "last": 3},
        {"type": "manifest", "first": 0, "last": 1},
        {"type": "status"},
        {"last": 2**32},
        {"digest": "C" * 64},
        {"more": 1},
    ],
    ids=str,
)
def test_an_impossible_range_is_refused_even_when_it_is_signed(entry):
    value = msgspec.to_builtins(RECEIPT)
    right = canonical.signed(DOMAIN_RECEIPT, KEY, msgspec.json.encode(value, order="sorted"))
    assert Receipt.verify(right, KEY.public_key(), "room-1") == RECEIPT
    value["stored"] = [value["stored"][0] | entry]
    payload = canonical.signed(DOMAIN_RECEIPT, KEY, msgspec.json.encode(value, order="sorted"))
    with pytest.raises(WireError):
        Receipt.verify(payload, KEY.public_key(), "room-1")


def test_a_range_signs_for_its_contents_in_order():
    have = {Name(A, RecordType.BLOCK, index): bytes([index]) * 32 for index in range(4)}
    (stored,) = fold(have)
    assert (stored.recording, stored.type, stored.first, stored.last) == (A, "block", 0, 3)
    assert stored.digest == digest([b"\0" * 32, b"\1" * 32, b"\2" * 32, b"\3" * 32]).hex()


@given(contents)
def test_folding_covers_every_item_once_in_the_fewest_ranges(have):
    ranges = fold(have)
    covered = [name for stored in ranges for name in stored.covered(have)]
    assert sorted(covered) == sorted(have)
    assert len(covered) == len(set(covered))
    starts = {name for name in have if Name(name.recording, name.type, name.index - 1) not in have}
    assert len(ranges) == len(starts)


@given(contents.filter(bool), st.data())
def test_nothing_is_covered_that_differs_or_is_missing(have, data):
    ranges = fold(have)
    victim = data.draw(st.sampled_from(sorted(have)))
    other = dict(have)
    if data.draw(st.booleans()):
        del other[victim]
    else:
        other[victim] = bytes(b ^ 1 for b in have[victim])
    covered = [name for stored in ranges for name in stored.covered(other)]
    assert victim not in covered
    assert set(covered) <= set(have)


def test_an_enormous_range_costs_nothing():
    assert Stored(A, "block", 0, 2**32 - 1, "c" * 64).covered({}) == ()


def test_much_to_say_takes_several_receipts_and_nothing_none():
    rejected = [Rejected(A, "block", index, "e" * 64, "no") for index in range(ENTRIES_MAX + 1)]
    said = list(receipts("archive", "room-1", 0, purged=[Purged(B, "d" * 64)], rejected=rejected))
    assert [len(receipt.rejected) for receipt in said] == [ENTRIES_MAX, 1]
    assert [len(receipt.purged) for receipt in said] == [1, 0]
    assert list(receipts("archive", "room-1", 0)) == []

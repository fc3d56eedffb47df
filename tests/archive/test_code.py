"""The client's code: it can be written down and typed, and tells nothing."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from recorder.archive.code import CHARACTERS, code, parse
from recorder.wire.consent import check_receipt
from tests.rooms import Room

RECEIPTS = st.binary(max_size=200)


def test_it_is_what_the_page_says() -> None:
    digest = sha256(b"wederhoor/1 client code\0" + bytes(32)).digest()
    bits = "".join(f"{byte:08b}" for byte in digest)[:100]
    expected = "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[int(bits[at : at + 5], 2)] for at in range(0, 100, 5))
    assert code(bytes(32)).replace("-", "") == expected
    assert [len(group) for group in code(bytes(32)).split("-")] == [4] * 5


def test_who_has_the_next_receipt_has_not_the_code_of_this_one() -> None:
    room = Room()
    receipt, following = room.record(1).receipt, room.record(1).receipt
    known = bytes.fromhex(check_receipt(room.public_key, following.body).previous)
    assert known == receipt.content
    assert code(receipt.body) != code(known)


@given(RECEIPTS, RECEIPTS)
def test_each_receipt_has_its_own(one: bytes, other: bytes) -> None:
    assert (code(one) == code(other)) == (one == other)


@given(RECEIPTS, st.randoms(use_true_random=False))
def test_it_is_understood_however_it_is_written(receipt: bytes, chance) -> None:
    written = code(receipt)
    for character, others in (("0", "0Oo"), ("1", "1IiLl"), ("-", ["", " ", "-", "--", "\u2013", "\u00a0", "\n"])):
        written = "".join(chance.choice(others) if each == character else each for each in written)
    assert parse(f" {written.swapcase()} ") == code(receipt)


@given(st.text(max_size=40))
def test_what_is_none_is_none(text: str) -> None:
    found = parse(text)
    assert found is None or set(found) <= {*CHARACTERS, "-"}


def test_none_of_these_is_one() -> None:
    whole = code(bytes(32))
    for text in (
        "",
        whole[:-1],
        f"{whole}0",
        whole.replace(whole[0], "U"),
        whole.replace(whole[0], "é"),
        f"{whole[:-2]}ß",
    ):
        assert parse(text) is None, text

"""Opening: what it says when it does not, and what it never lets out."""

import io

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from making import BOOT, CLASSICAL, DEVICE, ITEMS, MOMENT, audio, begin, whole

from recorder.errors import SealedError
from recorder.sealed import keybox, layout
from recorder.sealed.ledger import refusal
from recorder.sealed.open import STRIDE_BLOCKS, Opener, open_recording
from recorder.sealed.verify import verify

PUBLIC = DEVICE.public_key()


def test_a_refused_recording_says_why_it_cannot_be_opened() -> None:
    preamble, _, _ = begin()
    record = refusal(DEVICE, layout.parse_record(preamble)[1], told=(), no_ms=MOMENT.wall_ms, moment=MOMENT, boot=BOOT)
    for salvage in (False, True):
        with pytest.raises(SealedError, match="was refused"):
            open_recording(io.BytesIO(preamble + record), [PUBLIC], CLASSICAL, salvage=salvage)


def test_a_withheld_keybox_is_named() -> None:
    with pytest.raises(SealedError, match="no keybox in it"):
        open_recording(io.BytesIO(b"".join(whole()[:-1])), [PUBLIC], CLASSICAL)


def test_salvage_gives_what_stands_before_the_flaw_and_says_so() -> None:
    records = whole()
    data = b"".join([*records[:2], *records[3:]])
    with pytest.raises(SealedError, match="not whole: block 2 stands where another"):
        open_recording(io.BytesIO(data), [PUBLIC], CLASSICAL)
    opened = open_recording(io.BytesIO(data), [PUBLIC], CLASSICAL, salvage=True)
    assert list(opened.items) == ITEMS[:1]
    assert opened.report.flaw == "block 2 stands where another one should"


@pytest.mark.parametrize("changed", [0, 1, 2, 3])
def test_a_file_that_changes_between_judging_and_opening_lets_nothing_unjudged_out(changed: int) -> None:
    records = whole()
    stream = io.BytesIO(b"".join(records))
    opened = open_recording(stream, [PUBLIC], CLASSICAL)
    at = sum(map(len, records[: 1 + changed])) + 5 + 3
    stream.getbuffer()[at] ^= 1  # a bit of that block's signature, which no AEAD covers
    came = []
    with pytest.raises(SealedError, match="changed while it was read"):
        came.extend(opened.items)
    assert came == ITEMS[:changed]
    stream.getbuffer()[at] ^= 1
    stream.seek(0)
    assert list(open_recording(stream, [PUBLIC], CLASSICAL).items) == ITEMS


def test_any_of_several_devices_is_found() -> None:
    stranger = Ed25519PrivateKey.generate().public_key()
    opened = open_recording(io.BytesIO(b"".join(whole())), [stranger, PUBLIC], CLASSICAL)
    assert list(opened.items) == ITEMS


MANY = [audio(at * 960, [b"\xf8" + at.to_bytes(2)]) for at in range(2 * STRIDE_BLOCKS + 3)]
RECORDS = whole(MANY)
BODIES = [layout.parse_record(record)[1] for record in RECORDS]
REPORT = verify(io.BytesIO(b"".join(RECORDS)), [PUBLIC])
EDGES = st.sampled_from([0, 1, STRIDE_BLOCKS - 1, STRIDE_BLOCKS, 2 * STRIDE_BLOCKS, len(MANY) - 1])


def opener() -> Opener:
    return Opener(REPORT, keybox.unwrap(BODIES[-1], CLASSICAL, REPORT.preamble_hash))


@given(st.lists(EDGES | st.integers(0, len(MANY) - 1), min_size=1, max_size=8))
def test_blocks_open_in_any_order(wanted: list[int]) -> None:
    made = opener()
    assert [made.open(index, BODIES[1 + index]) for index in wanted] == [MANY[index] for index in wanted]


def test_a_block_that_was_not_judged_is_not_opened_and_stops_nothing() -> None:
    made = opener()
    for index, body in ((1, BODIES[1]), (len(MANY), BODIES[1]), (-1, BODIES[len(MANY)]), (0, BODIES[1] + b"x")):
        with pytest.raises(SealedError, match="changed while it was read"):
            made.open(index, body)
    assert made.open(0, BODIES[1]) == MANY[0]


def test_the_key_is_overwritten_and_another_one_is_refused() -> None:
    data_key = keybox.unwrap(BODIES[-1], CLASSICAL, REPORT.preamble_hash)
    Opener(REPORT, data_key)
    assert not any(data_key)
    other = bytearray(b"k" * 32)
    with pytest.raises(SealedError, match="another key than the preamble commits to"):
        Opener(REPORT, other)
    assert not any(other)


def test_nothing_is_opened_after_the_end() -> None:
    made = opener()
    for index in (len(MANY) - 1, 3):
        made.open(index, BODIES[1 + index])
    made.wipe()
    for index in (0, 4, STRIDE_BLOCKS, len(MANY) - 1):
        with pytest.raises(SealedError, match="does not open"):
            made.open(index, BODIES[1 + index])

"""Opening: what it says when it does not, and what it never lets out."""

import io

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from making import BOOT, CLASSICAL, DEVICE, ITEMS, MOMENT, begin, whole

from recorder.errors import SealedError
from recorder.sealed import layout
from recorder.sealed.ledger import refusal
from recorder.sealed.open import open_recording

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

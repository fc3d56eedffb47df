"""Whatever is done to a whole recording, verifying alone does not call it whole again, and opening refuses it."""

import io

import pytest
import second_reader
from hypothesis import given, settings
from hypothesis import strategies as st
from making import BOOT, CLASSICAL, DEVICE, ITEMS, MOMENT, whole
from readers import read_second

from recorder import canonical
from recorder.errors import SealedError
from recorder.sealed import layout
from recorder.sealed.layout import RecordType
from recorder.sealed.ledger import Ledger
from recorder.sealed.open import open_recording
from recorder.sealed.verify import State, verify

PUBLIC = DEVICE.public_key()
ONE, TWO = whole(), whole(sequence=2)
DATA = b"".join(ONE)
WITHOUT_KEYBOX = b"".join(ONE[:-1])


def refuses(data: bytes) -> None:
    """Neither verifier nor opener takes `data`; the verifier crashes on nothing."""
    try:
        report = verify(io.BytesIO(data), [PUBLIC])
    except SealedError:
        pass
    else:
        assert report.state in (State.CUT, State.OPEN)
        assert (report.flaw is None) == (report.state is State.OPEN)
    with pytest.raises(SealedError):
        list(open_recording(io.BytesIO(data), [PUBLIC], CLASSICAL).items)


def test_the_base_is_whole() -> None:
    assert verify(io.BytesIO(DATA), [PUBLIC]).state is State.WHOLE
    assert verify(io.BytesIO(WITHOUT_KEYBOX), [PUBLIC]).state is State.WHOLE


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
@settings(max_examples=400)
def test_a_changed_byte(at: int, change: int) -> None:
    refuses(DATA[:at] + bytes([DATA[at] ^ change]) + DATA[at + 1 :])


@given(st.integers(0, len(DATA) - 1))
def test_an_end_cut_off(length: int) -> None:
    if length != len(WITHOUT_KEYBOX):
        refuses(DATA[:length])


@given(st.integers(0, len(DATA) - 1), st.integers(1, 200))
def test_bytes_cut_out(at: int, count: int) -> None:
    if DATA[:at] + DATA[at + count :] not in (DATA, WITHOUT_KEYBOX):
        refuses(DATA[:at] + DATA[at + count :])


@given(st.integers(0, len(DATA)), st.binary(min_size=1, max_size=40))
def test_bytes_put_in(at: int, more: bytes) -> None:
    refuses(DATA[:at] + more + DATA[at:])


@given(st.lists(st.sampled_from([*ONE, *TWO]), max_size=9))
@settings(max_examples=300)
def test_records_of_two_recordings_in_any_order(records: list[bytes]) -> None:
    if records not in (ONE, ONE[:-1], TWO, TWO[:-1]):
        refuses(b"".join(records))


@given(st.permutations(range(len(ONE))))
def test_another_order(order: list[int]) -> None:
    if order != list(range(len(ONE))):
        refuses(b"".join(ONE[each] for each in order))


@pytest.mark.parametrize("dropped", range(len(ONE) - 1))
def test_a_record_dropped(dropped: int) -> None:
    refuses(b"".join(ONE[:dropped] + ONE[dropped + 1 :]))


@pytest.mark.parametrize("ended", ["stop", "limit", "fault", "power_loss"])
@pytest.mark.parametrize("kept", range(len(ITEMS) + 1))
def test_a_tail_lost_before_the_manifest_was_signed(kept: int, ended: str) -> None:
    """The device itself signs what is left: all agrees but the end that it tells of."""
    ledger = Ledger(layout.parse_record(ONE[0])[1])
    for block in ONE[1 : 1 + kept]:
        ledger.add(layout.parse_record(block)[1])
    record = ledger.manifest(DEVICE, ended="fault", events=[], moment=MOMENT, boot=BOOT, keybox_body=None)
    told = layout.parse_record(record)[1][canonical.SIGNATURE_BYTES :].replace(b'"fault"', f'"{ended}"'.encode())
    manifest = layout.record(RecordType.MANIFEST, canonical.signed(layout.DOMAIN_MANIFEST, DEVICE, told))
    data = b"".join([*ONE[: 1 + kept], manifest])
    lost = 0 < kept < len(ITEMS) and ended in ("stop", "limit")
    if lost:
        refuses(data)
    assert verify(io.BytesIO(data), [PUBLIC]).state is (State.CUT if lost else State.WHOLE)
    reading = second_reader.read(data, [PUBLIC], None, CLASSICAL.x25519)
    assert (reading.state, reading.layer) == (("cut", "manifest") if lost else ("whole", "nothing"))


@pytest.mark.parametrize("at", range(len(ONE)))
def test_a_record_from_the_device_s_other_recording(at: int) -> None:
    refuses(b"".join([*ONE[:at], TWO[at], *ONE[at + 1 :]]))


@pytest.mark.parametrize("at", range(len(ONE)))
def test_a_record_twice(at: int) -> None:
    refuses(b"".join([*ONE[:at], ONE[at], *ONE[at:]]))


@given(st.binary(max_size=300))
def test_noise_is_refused_and_crashes_nothing(data: bytes) -> None:
    refuses(data)
    assert read_second(data).state == "none"

"""The parsers beside their printers: what is printed parses, and what is parsed is all that there is."""

import io
import struct
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import canonical
from recorder.audio import GapCause, Moment
from recorder.errors import SealedError, SignedTextError
from recorder.sealed import layout
from recorder.sealed.layout import BlockHeader, Event, Keybox, Manifest, Missing, RecordType
from recorder.sealed.merkle import MerkleTree

MOMENTS = st.builds(Moment, st.integers(0, 2**53 - 1), st.integers(0, 2**53 - 1), st.booleans())
POSITIONS = st.integers(0, 2**52)
HEADERS = st.builds(
    lambda index, final, flushed, position, packets, moment: BlockHeader(
        index, final, flushed, None, position, 960 * (packets - flushed), moment
    ),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
    POSITIONS,
    st.integers(1, 250),
    MOMENTS,
) | st.builds(
    lambda index, final, cause, position, length, moment: BlockHeader(
        index, final, False, cause, position, 120 * length, moment
    ),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.sampled_from(GapCause),
    POSITIONS,
    st.integers(8, 2**32 // 120 - 1),
    MOMENTS,
)


@given(HEADERS)
def test_a_header_parses_to_what_was_printed(header: BlockHeader) -> None:
    body = bytes(64) + bytes(header) + bytes(16 if header.gap else 17)
    assert BlockHeader.parse(body) == header


@given(st.binary(min_size=90, max_size=130))
def test_a_header_of_noise_prints_as_it_was_or_is_refused(body: bytes) -> None:
    try:
        header = BlockHeader.parse(body)
    except SealedError:
        return
    assert bytes(header) == body[64:98]


def test_an_index_over_32_bits_is_refused() -> None:
    with pytest.raises(SealedError, match="32 bits"):
        BlockHeader(2**32, False, False, None, 0, 960, Moment(0, 0, False))


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=9), st.integers(1, 64))
def test_packets_parse_to_what_was_printed(packets: list[bytes], pad_bytes: int) -> None:
    plain = layout.print_packets(tuple(packets), pad_bytes)
    assert len(plain) % pad_bytes == 0
    assert layout.parse_packets(plain, pad_bytes) == tuple(packets)


@given(st.binary(max_size=60), st.integers(1, 8))
def test_packets_of_noise_print_as_they_were_or_are_refused(plain: bytes, pad_bytes: int) -> None:
    try:
        packets = layout.parse_packets(plain, pad_bytes)
    except SealedError:
        return
    assert layout.print_packets(packets, pad_bytes) == plain


@given(st.binary(max_size=120))
def test_a_keybox_of_noise_prints_as_it_was_or_is_refused(body: bytes) -> None:
    try:
        keybox = Keybox.parse(body)
    except SealedError:
        return
    assert bytes(keybox) == body


@given(st.sampled_from(RecordType), st.binary(max_size=50))
def test_a_record_parses_to_what_was_printed(kind: RecordType, body: bytes) -> None:
    data = layout.record(kind, body)
    assert layout.parse_record(data) == (kind, body)
    assert list(layout.split(io.BytesIO(data * 2))) == [(kind, body)] * 2
    for wrong in (data + b"\0", data[:-1], data[:4], b""):
        with pytest.raises(SealedError):
            layout.parse_record(wrong)


@pytest.mark.parametrize("kind", RecordType)
def test_no_record_is_over_its_bound(kind: RecordType) -> None:
    most = layout.BODY_BYTES_MAX[kind]
    assert layout.parse_record(layout.record(kind, bytes(most)))[0] is kind
    with pytest.raises(SealedError, match="over"):
        layout.record(kind, bytes(most + 1))
    with pytest.raises(SealedError, match="over"):
        layout.parse_record(struct.pack(">BI", kind, most + 1) + bytes(most + 1))


def test_the_longest_lists_fit_a_manifest_and_one_more_is_refused() -> None:
    def manifest(gaps: int, events: int) -> Manifest:
        largest = 2**53 - 1
        return Manifest(
            1, "0" * 32, "0" * 64, "power_loss", 2**32, "0" * 64, largest,
            (Missing(largest, largest, GapCause.UNPLUGGED),) * gaps, (Event(largest, largest, "x" * 32),) * events,
            largest, largest, False, "0" * 32, "0" * 64,
        )  # fmt: skip

    text = canonical.encode(manifest(layout.GAPS_MAX, layout.EVENTS_MAX))
    layout.record(RecordType.MANIFEST, bytes(64) + text)
    for gaps, events in [(layout.GAPS_MAX + 1, 0), (0, layout.EVENTS_MAX + 1)]:
        with pytest.raises(SignedTextError, match="length"):
            canonical.encode(manifest(gaps, events))


def test_the_tree_is_that_of_rfc_6962() -> None:
    def root(entries: list[bytes]) -> bytes:
        if len(entries) < 2:
            return sha256(b"\0" + entries[0]).digest() if entries else sha256().digest()
        split = max(2**power for power in range(10) if 2**power < len(entries))
        return sha256(b"\1" + root(entries[:split]) + root(entries[split:])).digest()

    tree, entries = MerkleTree(), []
    assert tree.root() == root([])
    for number in range(70):
        entries.append(bytes([number]))
        tree.add(entries[-1])
        assert (tree.entries, tree.root()) == (number + 1, root(entries))

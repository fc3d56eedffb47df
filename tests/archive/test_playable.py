"""The file that is never written: judged by the tools that play it, against the one that the reading room writes."""

import io
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recorder.archive.ogg import END, OggOpusWriter
from recorder.archive.playable import (
    PADDED_BYTES_MAX,
    Playable,
    Sealed,
    _frame,
    _laced,
    _padded,
    _room,
    _stretched,
)
from recorder.audio import FRAME_TICKS, Gap, OpusBlock
from recorder.errors import SealedError
from recorder.sealed.layout import PACKET_BYTES_MAX, PACKETS_MAX, BlockHeader, print_packets
from tests.archive.test_reading_room import MOMENT, PRESKIP, RECORDINGS, block, gap

PAD_BYTES = 1_024
LONG = [block(0, 0, 50), block(48_000, 50, 50, flush=True), gap(96_000, 48_000 * 65 + 1_080)]
LONG = [*LONG, block(LONG[-1].position + LONG[-1].length, 100, 120, flush=True)]
ALL = RECORDINGS | {"pages of a gap, and a long block": LONG}


def known(items: Sequence[OpusBlock | Gap]) -> list[Sealed]:
    """What a sealed recording tells of these without a key."""
    found = []
    for index, item in enumerate(items):
        heard = isinstance(item, OpusBlock)
        header = BlockHeader(
            index,
            index == len(items) - 1,
            heard and item.flushed,
            None if heard else item.cause,
            item.position,
            item.length,
            MOMENT,
        )
        found.append(Sealed(header, len(print_packets(item.packets, PAD_BYTES)) if heard else 0))
    return found


def playable(items: Sequence[OpusBlock | Gap]) -> Playable:
    return Playable(known(items), serial=7, rate=48_000, preskip=PRESKIP, comments=[("DEVICE", "room-1")])


def written(items: Sequence[OpusBlock | Gap]) -> bytes:
    out = io.BytesIO()
    writer = OggOpusWriter(out, serial=7, rate=48_000, preskip=PRESKIP, comments=[("DEVICE", "room-1")])
    for item in items:
        writer.write(item)
    writer.close()
    return out.getvalue()


def read(items: Sequence[OpusBlock | Gap], start: int = 0, stop: int | None = None) -> tuple[bytes, set[int]]:
    """The bytes, and which blocks were opened for them."""
    opened: set[int] = set()

    def unseal(index: int) -> OpusBlock:
        opened.add(index)
        item = items[index]
        assert isinstance(item, OpusBlock)
        return item

    file = playable(items)
    return b"".join(file.read(start, file.size if stop is None else stop, unseal)), opened


def decoded(data: bytes, folder: Path) -> bytes:
    """Its samples, and that no tool has anything to say of it."""
    (folder / "a.opus").write_bytes(data)
    told = subprocess.run(["opusinfo", folder / "a.opus"], check=True, capture_output=True, text=True).stdout
    assert "WARNING" not in told, told
    command = ["opusdec", "--quiet", "--rate", "48000", "--no-dither", folder / "a.opus", folder / "a.wav"]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "a.wav").read_bytes()[44:]


@pytest.mark.parametrize("name", ALL)
def test_it_sounds_as_what_the_reading_room_writes(name: str, tmp_path: Path) -> None:
    items = ALL[name]
    data, _ = read(items)
    assert len(data) == playable(items).size
    heard = decoded(data, tmp_path)
    assert heard == decoded(written(items), tmp_path)
    assert len(heard) // 2 == (items[-1].position + items[-1].length if items else 0)
    probe = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", tmp_path / "a.opus"]
    (stream,) = json.loads(subprocess.run(probe, check=True, capture_output=True).stdout)["streams"]
    assert stream["codec_name"] == "opus"


@given(st.data())
def test_any_range_is_what_stands_there(data: st.DataObject) -> None:
    items = ALL[data.draw(st.sampled_from(sorted(ALL)))]
    whole, _ = read(items)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    assert read(items, start, stop)[0] == whole[start:stop]


def test_no_more_is_opened_than_is_asked_for() -> None:
    items = [block(at * 48_000, at * 50, 50) for at in range(8)]
    whole, everything = read(items)
    assert everything == set(range(8))
    begins = [*(each.at for each in playable(items)._stretches), len(whole)]
    for at in range(8):
        data, opened = read(items, begins[at], begins[at + 1])
        assert (data, opened) == (whole[begins[at] : begins[at + 1]], {at})
    assert read(items, 0, 100)[1] == set()


def test_of_a_gap_no_more_is_opened_than_the_block_before_it() -> None:
    size = playable(LONG).size
    data, opened = read(LONG, size // 2, size // 2 + 200)
    assert (len(data), opened) == (200, {1})


def test_nothing_is_opened_for_no_bytes() -> None:
    size = playable(LONG).size
    for start, stop in ((0, 0), (size // 2, size // 2), (size // 2, 1), (size, size + 9), (size + 1, size + 9)):
        assert read(LONG, start, stop) == (b"", set())
    assert read(LONG, -9, size + 9)[0] == read(LONG)[0]


def test_for_all_pages_of_a_gap_the_block_before_it_is_opened_once() -> None:
    file, opened = playable(LONG), []

    def unseal(index: int) -> OpusBlock:
        opened.append(index)
        item = LONG[index]
        assert isinstance(item, OpusBlock)
        return item

    first = next(each for each in file._stretches if each.block is None)
    last = next(each for each in reversed(file._stretches) if each.like == 1)
    assert last.page > first.page + 60
    assert b"".join(file.read(first.at, last.at + 1, unseal))
    assert opened == [1]


def test_a_gap_behind_a_packet_that_is_none_of_ours_is_not_made_up() -> None:
    """Of 10 ms: what is lost would be told to be half as long."""
    items = [OpusBlock(0, FRAME_TICKS, (b"\xf0a", b"\xf0b"), True, MOMENT), gap(FRAME_TICKS, 96_000)]
    begin = playable(items)._stretches[1].at
    with pytest.raises(SealedError, match="not one frame of 20 ms"):
        read(items, begin, begin + 1)


def test_a_recording_of_nothing_has_an_end() -> None:
    file = Playable([], serial=7, rate=48_000, preskip=0, comments=[])

    def unseal(index: int) -> OpusBlock:
        raise AssertionError(index)

    data = b"".join(file.read(0, file.size, unseal))
    assert len(data) == file.size
    assert data[data.rindex(b"OggS") + 5] == END


def test_a_recording_that_no_room_can_have_made_is_told() -> None:
    days = [gap(at * 4_200_000_000, 4_200_000_000) for at in range(1_000)]
    with pytest.raises(SealedError, match="no room records more than"):
        playable(days)
    writer = OggOpusWriter(io.BytesIO(), serial=7, rate=48_000, preskip=PRESKIP, comments=[])
    with pytest.raises(SealedError, match="no room records more than"):
        writer.write(days[1])


def test_the_bytes_say_nothing_of_the_packets() -> None:
    """Where each lies must not depend on what only the key shows."""
    loud = [OpusBlock(0, 3 * FRAME_TICKS, (b"\xf8" + b"a" * 200, b"\xf8" + b"b" * 300, b"\xf8"), False, MOMENT)]
    soft = [OpusBlock(0, 3 * FRAME_TICKS, (b"\xf8", b"\xf8", b"\xf8"), False, MOMENT)]
    assert known(loud) == known(soft)
    assert playable(loud).size == playable(soft).size == len(read(loud)[0]) == len(read(soft)[0])


SIZES = st.one_of(
    st.integers(1, PACKET_BYTES_MAX), st.sampled_from([1, 2, 253, 254, 255, 256, 509, 510, 1_274, 1_275, 1_276])
)


@example([1, 763], 1_759)  # one of them grows no further, the other one's next byte is two
@given(
    st.lists(SIZES, min_size=1, max_size=PACKETS_MAX) | st.lists(SIZES, min_size=1, max_size=3), st.integers(1, 16_384)
)
def test_any_packets_are_stretched_to_exactly_their_room(sizes: list[int], pad_bytes: int) -> None:
    plain_bytes = 2 + sum(2 + size for size in sizes)
    plain_bytes += -plain_bytes % pad_bytes
    pages, laced = _room(len(sizes), plain_bytes)
    found = _stretched(sizes, laced)
    assert sum(map(_laced, found)) == laced
    assert all(before <= after <= PADDED_BYTES_MAX for before, after in zip(sizes, found, strict=True))
    assert pages * 42 >= len(sizes)


@given(st.binary(max_size=1_275), st.integers(0, 600), st.integers(0, 600))
def test_a_frame_stays_itself_however_often_it_is_padded(frame: bytes, first: int, then: int) -> None:
    packet = b"\xf8" + frame
    once = _padded(packet, len(packet) + first)
    twice = _padded(once, len(once) + then)
    assert (len(once), len(twice)) == (len(packet) + first, len(packet) + first + then)
    assert _frame(packet) == _frame(once) == _frame(twice) == frame


@given(st.binary(min_size=1, max_size=20))
def test_padding_that_is_torn_is_told(rest: bytes) -> None:
    try:
        assert len(_frame(b"\xfb\x41" + rest)) < len(rest)
    except SealedError:
        assert rest[0] >= len(rest)


def test_a_block_that_cannot_hold_its_packets_is_told() -> None:
    (sealed,) = known([block(0, 0, 50)])
    with pytest.raises(SealedError, match="a plaintext of 64 bytes cannot hold 50 packets"):
        Playable([sealed._replace(plain_bytes=64)], serial=7, rate=48_000, preskip=0, comments=[])

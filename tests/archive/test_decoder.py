"""The way back from packets: against opusdec, against what was put in, and with packets that chance made."""

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive.decoder import decode, silence
from recorder.archive.ogg import OggOpusWriter
from recorder.audio import FRAME_TICKS, Gap, GapCause, OpusBlock, PcmBlock
from recorder.errors import SealedError
from tests.archive.heard import room, tone
from tests.archive.test_reading_room import ANOTHER_KIND, MOMENT, PRESKIP, RECORDINGS, block, encode, sweep


def samples(items: list[PcmBlock | Gap], rate: int = 48_000) -> np.ndarray:
    parts = [item.pcm if isinstance(item, PcmBlock) else b"".join(silence(item.length, rate)) for item in items]
    return np.frombuffer(b"".join(parts), "<i2")


def opusdec(items: list[OpusBlock | Gap], folder: Path) -> np.ndarray:
    out = io.BytesIO()
    writer = OggOpusWriter(out, serial=7, rate=48_000, preskip=PRESKIP, comments=[])
    for item in items:
        writer.write(item)
    writer.close()
    (folder / "a.opus").write_bytes(out.getvalue())
    command = ["opusdec", "--quiet", "--rate", "48000", "--no-dither", folder / "a.opus", folder / "a.wav"]
    subprocess.run(command, check=True, capture_output=True)
    return np.frombuffer((folder / "a.wav").read_bytes()[44:], "<i2")


@pytest.mark.parametrize("rate", [16_000, 48_000])
@pytest.mark.parametrize("name", RECORDINGS)
def test_every_stretch_has_its_place_and_length(name: str, rate: int) -> None:
    items = RECORDINGS[name]
    made = list(decode(items, preskip=PRESKIP, rate=rate))
    assert [item for item in made if isinstance(item, Gap)] == [item for item in items if isinstance(item, Gap)]
    position = 0
    for item in made:
        assert item.position == position
        assert item.moment == MOMENT.later(position - start_of(items, position))
        if isinstance(item, PcmBlock):
            assert item.length % FRAME_TICKS == 0
            assert len(item.pcm) * 48_000 == 2 * item.length * rate
        position += item.length
    assert position == (items[-1].position + items[-1].length if items else 0)


def start_of(items: list[OpusBlock | Gap], position: int) -> int:
    """Of the run or gap at this position: these recordings have one moment for all of their blocks."""
    return max(item.position for item in items if item.position <= position)


@pytest.mark.parametrize("name", ["audio, flushed", "audio, not flushed (power cut)"])
def test_it_is_what_opusdec_decodes(name: str, tmp_path: Path) -> None:
    items = RECORDINGS[name]
    ours = samples(list(decode(items, preskip=PRESKIP, rate=48_000))).astype(int)
    assert np.abs(ours - opusdec(items, tmp_path)).max() <= 1


@pytest.mark.parametrize("name", ["a gap between", "the shortest gap", "two gaps in a row", "a gap first"])
def test_a_gap_is_silent_and_what_follows_stands_in_its_place(name: str, tmp_path: Path) -> None:
    items = RECORDINGS[name]
    ours = samples(list(decode(items, preskip=PRESKIP, rate=48_000)))
    theirs = opusdec(items, tmp_path)
    for item in items:
        part = slice(item.position, item.position + item.length)
        if isinstance(item, Gap):
            assert not ours[part].any()
        elif item.length:
            # A player's decoder comes out of the gap with what it made up; for some milliseconds that is to be heard.
            assert np.corrcoef(ours[part][960:], theirs[part][960:])[0, 1] > 0.999
            assert np.corrcoef(ours[part], sweep(np.arange(item.length)))[0, 1] > 0.9


@pytest.mark.parametrize("rate", [8_000, 12_000, 16_000, 24_000])
def test_at_every_rate_a_sample_is_where_it_was(rate: int) -> None:
    items = [block(0, 0, 50, flush=True)]
    step = 48_000 // rate
    whole = samples(list(decode(items, preskip=PRESKIP, rate=48_000))).astype(float)
    narrow = samples(list(decode(items, preskip=PRESKIP, rate=rate)), rate).astype(float)
    for shift in (-2, 2):
        away = np.corrcoef(np.roll(narrow, shift)[960:-960], whole[::step][960:-960])[0, 1]
        assert away < np.corrcoef(narrow[960:-960], whole[::step][960:-960])[0, 1]
    assert np.corrcoef(narrow[960:-960], whole[::step][960:-960])[0, 1] > 0.97


def test_who_begins_amid_hears_the_same_after_80_ms() -> None:
    items = room([tone(440, 4.0)])
    whole = samples(list(decode(items, preskip=312, rate=48_000))).astype(int)
    late = samples(list(decode(items[2:], preskip=312, rate=48_000))).astype(int)
    assert len(late) == 96_000
    away = np.abs(late - whole[96_000:])
    assert (
        away[3_840:].max() < 0.1 * whole.max()
    )  # its loudness is told from packet to packet, and comes near by halves
    assert away[48_000:].max() <= 1


def test_no_more_is_taken_than_is_needed_for_what_is_given() -> None:
    taken = []

    def items() -> Iterator[OpusBlock | Gap]:
        for number in range(100):
            taken.append(number)
            yield block(number * 48_000, 0, 50)

    made = decode(items(), preskip=PRESKIP, rate=16_000)
    next(made)
    assert taken == [0]
    next(made)
    assert taken == [0, 1]


def test_silence_of_a_day_comes_in_pieces() -> None:
    pieces = silence(86_400 * 48_000 + 120, 16_000)
    assert len(next(pieces)) == 32_000
    assert sum(map(len, pieces)) == (86_399 * 16_000 + 40) * 2
    assert list(silence(0, 48_000)) == []


def test_a_packet_of_another_kind_is_told() -> None:
    with pytest.raises(SealedError, match="not one frame of 20 ms"):
        list(decode([ANOTHER_KIND], preskip=PRESKIP, rate=48_000))


KINDS = [packet[0] for packet in encode(0, 3, flush=False)] + [0x08, 0x28, 0x48, 0x68, 0x78, 0x98, 0xB8, 0xD8, 0xF8]
"""Tables of contents of one frame of 20 ms, mono."""


@given(
    st.lists(
        st.builds(lambda toc, rest: bytes([toc]) + rest, st.sampled_from(KINDS), st.binary(max_size=1_275)),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
    st.sampled_from([8_000, 16_000, 48_000]),
)
def test_whatever_the_packets_hold_it_is_as_long_as_they_say_or_told(
    packets: list[bytes], flushed: bool, rate: int
) -> None:
    length = FRAME_TICKS * (len(packets) - flushed)
    items = [OpusBlock(0, length, tuple(packets), flushed, MOMENT), Gap(length, 4_920, GapCause.STALL, MOMENT)]
    try:
        made = list(decode(items, preskip=PRESKIP, rate=rate))
    except SealedError as error:
        assert "its encoder is at fault" in str(error)
    else:
        assert len(samples(made, rate)) == (length + 4_920) * rate // 48_000

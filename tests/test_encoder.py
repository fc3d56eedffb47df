"""The encoder against a real libopus decoder: length to the sample, sound in its place, gaps where they belong."""

import wave

import numpy as np
import opuslib_next
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.audio import FRAME_TICKS, Gap, GapCause, Moment, OpusBlock, PcmBlock
from recorder.config import load
from recorder.encoder import Encoder
from recorder.errors import EncoderError

OPUS = load().opus
SHIFTS = range(-3, 4)
START = Moment(1_000_000, 5_000, True)


def blocks_of(encoder: Encoder, items: list[PcmBlock | Gap]) -> list[OpusBlock | Gap]:
    blocks = [block for item in items for block in encoder.encode(item)]
    last = encoder.finish()
    return blocks if last is None else [*blocks, last]


def pcm_blocks(pcm: bytes, rate: int, frames: int, position: int = 0) -> list[PcmBlock]:
    """`pcm` in portions of `frames` frames of 20 ms."""
    size = frames * rate // 50 * 2
    step = 48_000 // rate
    parts = [pcm[begin : begin + size] for begin in range(0, len(pcm), size)]
    blocks = []
    for part in parts:
        length = len(part) // 2 * step
        blocks.append(PcmBlock(position, length, part, START.later(position)))
        position += length
    return blocks


def decode(encoder: Encoder, blocks: list[OpusBlock | Gap]) -> np.ndarray:
    """By docs/sealed-recording.md, section 7, with libopus alone."""
    decoder = opuslib_next.Decoder(48_000, 1)
    sound: list[bytes] = []
    flushed, toc = False, 0
    for block in blocks:
        if isinstance(block, Gap):
            missing = block.length - (FRAME_TICKS if flushed else 0)
            whole, rest = divmod(missing, FRAME_TICKS)
            sound += [decoder.decode(bytes([toc & 0xFC]), FRAME_TICKS) for _ in range(whole)]
            sound += [decoder.decode(b"\xe0", 120) for _ in range(rest // 120)]
            flushed = False
        else:
            sound += [decoder.decode(packet, FRAME_TICKS) for packet in block.packets]
            flushed, toc = block.flushed, block.packets[-1][0]
    total = blocks[-1].position + blocks[-1].length
    return np.frombuffer(b"".join(sound), "<i2")[encoder.preskip : encoder.preskip + total]


def likeness(heard: np.ndarray, source: np.ndarray) -> float:
    """The best correlation at a shift of at most three samples.

    libopus in its hybrid mode is two samples (40 µs) off the lookahead that it reports.
    """
    middle = source[3:-3].astype(float)
    return max(float(np.corrcoef(heard[3 + by : len(heard) - 3 + by], middle)[0, 1]) for by in SHIFTS)


@pytest.fixture(scope="module")
def source(spoken) -> np.ndarray:
    with wave.open(str(spoken)) as sound:
        pcm = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    loud = np.flatnonzero(np.abs(pcm) > 3_000)[-1]  # speech to the last sample, so that a lost end shows
    return pcm[: loud // 960 * 960]


def test_every_sample_stands_at_its_position(source):
    encoder = Encoder(OPUS, 48_000, 50)
    blocks = blocks_of(encoder, pcm_blocks(source.tobytes(), 48_000, 7))
    heard = decode(encoder, blocks)
    assert len(heard) == len(source)
    assert likeness(heard, source) >= 0.95
    # The very last samples were still inside the encoder when the input ended.
    assert likeness(heard[-960:], source[-960:]) >= 0.8


def test_sixteen_kilohertz_has_the_same_positions(source):
    narrow = source[: len(source) // 2_880 * 2_880]
    narrow = narrow.reshape(-1, 3).mean(axis=1).astype("<i2")
    encoder = Encoder(OPUS, 16_000, 50)
    blocks = blocks_of(encoder, pcm_blocks(narrow.tobytes(), 16_000, 5))
    heard = decode(encoder, blocks)
    assert len(heard) == 3 * len(narrow)
    assert likeness(heard[1::3], narrow) >= 0.95


def test_after_a_gap_the_sound_stands_where_it_should(source):
    before, after = source[: 960 * 130], source[960 * 200 : 960 * 400]
    gap = Gap(960 * 130, 4_920, GapCause.STALL, START)
    encoder = Encoder(OPUS, 48_000, 50)
    items = [*pcm_blocks(before.tobytes(), 48_000, 10), gap]
    items += pcm_blocks(after.tobytes(), 48_000, 10, position=gap.position + gap.length)
    blocks = blocks_of(encoder, items)
    heard = decode(encoder, blocks)
    assert len(heard) == len(before) + gap.length + len(after)
    assert likeness(heard[: len(before)], before) >= 0.95
    assert likeness(heard[len(before) - 960 : len(before)], before[-960:]) >= 0.8
    assert likeness(heard[len(before) + gap.length :], after) >= 0.95


def test_nothing_recorded_makes_no_block():
    assert Encoder(OPUS, 48_000, 50).finish() is None


def test_settings_that_libopus_refuses_are_an_encoder_error():
    with pytest.raises(EncoderError, match="opus"):
        Encoder(OPUS, 44_100, 50)


@given(
    st.lists(
        st.one_of(st.integers(1, 12), st.integers(8, 40).map(lambda count: -120 * count)), min_size=1, max_size=25
    ),
    st.integers(1, 25),
)
@settings(max_examples=60)
def test_blocks_follow_one_another_and_lose_nothing(script, block_frames):
    """A positive number is so many frames of sound, a negative one so many ticks of a gap."""
    encoder = Encoder(OPUS, 16_000, block_frames)
    position, items = 0, []
    for step in script:
        if step > 0:
            items.append(PcmBlock(position, 960 * step, bytes(640 * step), START.later(position)))
        else:
            items.append(Gap(position, -step, GapCause.OVERFLOW, START.later(position)))
        position += items[-1].length
    blocks = blocks_of(encoder, items)
    assert [block for block in blocks if isinstance(block, Gap)] == [item for item in items if isinstance(item, Gap)]
    expected = 0
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        assert block.position == expected
        assert abs(block.moment.monotonic_ms - START.later(expected).monotonic_ms) <= 1
        expected += block.length
        if isinstance(block, OpusBlock):
            assert len(block.packets) <= block_frames
            assert block.flushed == (following is None or isinstance(following, Gap))
    assert expected == position == encoder.position

"""However the microphone's audio is cut into reads, the front end makes the same sound of it, in pieces that fit."""

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.audio import FRAME_TICKS, Gap, GapCause, Moment, PcmBlock
from recorder.config import Microphone, load
from recorder.device.array import Array
from recorder.device.front import FrontEnd
from recorder.device.pipe import Flaw

RATE = 16_000
FRAME = 320
START = Moment(1_000_000, 5_000, True)


def of(channels: int) -> Microphone:
    built = msgspec.to_builtins(load().microphone) | {"channels": channels, "pick": "mix", "leave_out": []}
    return msgspec.convert(built, Microphone)


def reads(sizes: list[int], channels: int, seed: int = 1) -> list[PcmBlock | Gap]:
    """A positive size is so many frames of noise, a negative one a gap of so many frames."""
    dice, items, position = np.random.default_rng(seed), [], 0
    for size in sizes:
        moment = START.later(position)
        if size > 0:
            pcm = np.rint(dice.normal(0, 2_000, (size * FRAME, channels))).astype("<i2").tobytes()
            items.append(PcmBlock(position, size * FRAME_TICKS, pcm, moment))
        else:
            items.append(Gap(position, -size * FRAME_TICKS, GapCause.UNPLUGGED, moment))
        position += items[-1].length
    return items


def through(front: FrontEnd, items: list[PcmBlock | Gap]) -> list[PcmBlock | Gap]:
    return [piece for item in items for piece in front.take(item)] + list(front.rest())


@given(
    st.lists(st.one_of(st.integers(1, 40), st.integers(-9, -1)), min_size=1, max_size=12),
    st.integers(1, 2),
    st.integers(10, 250),
)
@settings(max_examples=80)
def test_pieces_fit_and_sound_as_if_they_had_never_been_cut(sizes, channels, block_frames):
    items = reads(sizes, channels)
    pieces = through(FrontEnd(of(channels), RATE, block_frames), items)
    assert [piece for piece in pieces if isinstance(piece, Gap)] == [item for item in items if isinstance(item, Gap)]
    sound = [item.pcm for item in items if isinstance(item, PcmBlock)]
    heard = [piece.pcm for piece in pieces if isinstance(piece, PcmBlock)]
    assert b"".join(heard) == (Array(of(channels), RATE).process(b"".join(sound)) if sound else b"")
    expected = 0
    for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
        assert piece.position == expected
        assert abs(piece.moment.monotonic_ms - START.later(expected).monotonic_ms) <= 1
        expected += piece.length
        if isinstance(piece, PcmBlock):
            assert len(piece.pcm) == 2 * FRAME * piece.length // FRAME_TICKS
            whole = min(block_frames, 50) * FRAME_TICKS
            assert piece.length == whole or (piece.length < whole and not isinstance(following, PcmBlock))
    assert expected == items[-1].position + items[-1].length


def test_the_level_is_that_of_the_piece_that_came_last():
    front, levels = FrontEnd(of(1), RATE, 50), []
    quiet, loud = (np.tile([1, -1], FRAME * 25) * height for height in (100, 10_000))
    pcm = np.concatenate([quiet, loud]).astype("<i2").tobytes()
    for _ in front.take(PcmBlock(0, 100 * FRAME_TICKS, pcm, START)):
        assert front.level is not None
        levels.append(front.level.rms_dbfs)
    assert levels[1] - levels[0] > 39


def test_after_a_gap_the_microphone_is_checked_anew():
    front = FrontEnd(of(2), RATE, 50)
    (sound, gap) = reads([50, -60], 2)
    muted = PcmBlock(gap.position + gap.length, 50 * FRAME_TICKS, bytes(4 * 50 * FRAME), START)
    list(front.take(sound))
    assert front.flaws == ()
    still = PcmBlock(50 * FRAME_TICKS, muted.length, muted.pcm, START)
    list(front.take(still))
    assert front.flaws == (), "it was sound from the start: what goes wrong later, the level tells"
    list(front.take(gap))
    list(front.take(muted))
    assert front.flaws == (Flaw.MUTED,)

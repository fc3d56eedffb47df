"""OpusBlock or Gap in, PcmBlock or Gap out: the way back of `recorder/encoder.py`, at any of libopus's rates.

Opus delays by `preskip` ticks (RFC 7845, section 4.2), so what a block sounds like ends that much behind it: the rest comes
with the next block, or with the packet that flushes. After a gap the encoder began afresh, and so does the decoder: each run of
audio between gaps stands at its position to the sample. Where a run was not flushed (the power was cut), its last few
milliseconds are concealed, as in the file that `OggOpusWriter` makes.

A gap stays one: who writes samples makes it silence (`silence`). No more than one block is in memory.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import opuslib_next

from recorder.archive import ogg
from recorder.audio import FRAME_TICKS, TICKS_PER_SECOND, Gap, Moment, OpusBlock, PcmBlock
from recorder.errors import SealedError

Rate = Literal[8_000, 12_000, 16_000, 24_000, 48_000]
"""Samples a second. libopus decodes to each of them by itself."""


def decode(items: Iterable[OpusBlock | Gap], *, preskip: int, rate: Rate) -> Iterator[PcmBlock | Gap]:
    """The sound of `items`, which follow one another; `preskip` in ticks.

    They may begin amid a recording, with a block of audio: its first tenth of a second is then not yet what it should be.
    SealedError if a packet is not one frame of 20 ms, mono, or libopus does not take it.
    """
    run: _Run | None = None
    for item in items:
        if isinstance(item, OpusBlock):
            run = run or _Run(item.position, item.moment, preskip, rate)
            yield from run.add(item)
            continue
        if run is not None:
            yield from run.end()
            run = None
        yield item
    if run is not None:
        yield from run.end()


def silence(ticks: int, rate: Rate) -> Iterator[bytes]:
    """So much of it as PCM, in pieces of at most a second: a gap may be of hours."""
    for at in range(0, ticks, TICKS_PER_SECOND):
        yield bytes(2 * (min(TICKS_PER_SECOND, ticks - at) * rate // TICKS_PER_SECOND))


class _Run:
    """Blocks of audio without a gap between them, from `position` on."""

    def __init__(self, position: int, moment: Moment, preskip: int, rate: Rate) -> None:
        self._opus = opuslib_next.Decoder(rate, 1)
        self._frame_samples = rate * FRAME_TICKS // TICKS_PER_SECOND
        self._skip_bytes = 2 * round(preskip * rate / TICKS_PER_SECOND)
        self._pcm = bytearray()
        """Decoded, not given yet: the last of it is not whole."""
        self._position, self._moment = position, moment
        """Of the first sample in it."""
        self._end = position
        self._lost = b""

    def add(self, block: OpusBlock) -> Iterator[PcmBlock]:
        """What is whole now."""
        ogg.check(block)
        for packet in block.packets:
            self._decode(packet)
        self._end = block.position + block.length
        self._lost = ogg.lost_like(block.packets[-1])
        return self._take()

    def end(self) -> Iterator[PcmBlock]:
        """The rest."""
        if 2 * self._frame_samples * (self._end - self._position) > FRAME_TICKS * len(self._pcm):
            self._decode(self._lost)
        return self._take()

    def _decode(self, packet: bytes) -> None:
        try:
            pcm: bytes = self._opus.decode(packet, self._frame_samples)
        except opuslib_next.OpusError as error:
            raise SealedError(
                f"the recording holds a packet that libopus does not take: its encoder is at fault ({error})"
            ) from error
        self._pcm += pcm[self._skip_bytes :]
        self._skip_bytes = max(0, self._skip_bytes - len(pcm))

    def _take(self) -> Iterator[PcmBlock]:
        """The whole frames, up to the end of the audio: a packet that flushes goes on behind it."""
        frames = min(len(self._pcm) // (2 * self._frame_samples), (self._end - self._position) // FRAME_TICKS)
        size, length = 2 * frames * self._frame_samples, frames * FRAME_TICKS
        if frames:
            yield PcmBlock(self._position, length, bytes(self._pcm[:size]), self._moment)
            del self._pcm[:size]
            self._position, self._moment = self._position + length, self._moment.later(length)

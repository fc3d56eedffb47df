"""PcmBlock or Gap in, OpusBlock or Gap out. Knows no file and no key.

An encoder delays: the first `preskip` ticks that come out were never put in (RFC 7845, section 4.2), and as many of
the last ones are still inside when the input ends. So before every gap and at the end one frame of silence is encoded
that pushes them out; its block is `flushed` (docs/sealed-recording.md, section 7). After a gap the encoder starts
afresh: a decoder that missed sound must not be told "as before".

Audio is gathered until it fills a block and then encoded in one go, because the same work in small portions costs a
third more: each finds the processor's caches cold.
"""

import opuslib_next

from recorder.audio import FRAME_TICKS, TICKS_PER_SECOND, Gap, Moment, OpusBlock, PcmBlock
from recorder.config import Opus
from recorder.errors import EncoderError


class Encoder:
    """Encodes one recording into blocks of `block_frames` packets of 20 ms."""

    def __init__(self, settings: Opus, rate: int, block_frames: int) -> None:
        """`rate` in samples a second; an EncoderError if libopus does not take the settings."""
        self._samples = rate * FRAME_TICKS // TICKS_PER_SECOND
        self._frame_bytes = 2 * self._samples
        self._block_bytes = block_frames * self._frame_bytes
        try:
            self._opus = opuslib_next.Encoder(rate, 1, settings.application)
            self._opus.bitrate = settings.bitrate
            self._opus.complexity = settings.complexity
            self._opus.vbr = int(settings.vbr)
            lookahead: int = self._opus.lookahead
        except opuslib_next.OpusError as error:
            raise EncoderError(f"libopus does not take the settings in [opus]: {error}") from error
        self.preskip = lookahead * TICKS_PER_SECOND // rate
        """Ticks that a decoder drops from the start."""
        self._pcm = bytearray()
        self._begin: tuple[int, Moment] | None = None
        """Where the gathered audio begins, and when."""
        self._end: tuple[int, Moment] | None = None
        """Where everything taken in so far ends, and when."""
        self._delaying = False

    @property
    def position(self) -> int:
        """Ticks taken in so far."""
        return 0 if self._end is None else self._end[0]

    def encode(self, item: PcmBlock | Gap) -> list[OpusBlock | Gap]:
        """The blocks that are complete now that `item` has come; a gap stands after a flushed block."""
        blocks: list[OpusBlock | Gap] = []
        if isinstance(item, Gap):
            if self._delaying:
                blocks.append(self._flush())
                self._opus.reset_state()
            blocks.append(item)
        else:
            self._begin = self._begin or (item.position, item.moment)
            self._pcm += item.pcm
            self._delaying = True
            while len(self._pcm) >= self._block_bytes:
                blocks.append(self._block(self._block_bytes, flushed=False))
        self._end = item.position + item.length, item.moment.later(item.length)
        return blocks

    def finish(self) -> OpusBlock | None:
        """The last block of the recording, flushed; None if nothing was recorded. It stands after a gap, too."""
        return None if self._end is None else self._flush()

    def _flush(self) -> OpusBlock:
        self._begin = self._begin or self._end
        self._pcm += bytes(self._frame_bytes)
        self._delaying = False
        return self._block(len(self._pcm), flushed=True)

    def _block(self, size: int, *, flushed: bool) -> OpusBlock:
        """Encode the first `size` bytes of what was gathered."""
        assert self._begin is not None
        position, moment = self._begin
        starts = range(0, size, self._frame_bytes)
        packets = tuple(self._encode(bytes(self._pcm[start : start + self._frame_bytes])) for start in starts)
        del self._pcm[:size]
        length = FRAME_TICKS * (len(packets) - flushed)
        self._begin = (position + length, moment.later(length)) if self._pcm else None
        return OpusBlock(position, length, packets, flushed, moment)

    def _encode(self, pcm: bytes) -> bytes:
        try:
            packet: bytes = self._opus.encode(pcm, self._samples)
        except opuslib_next.OpusError as error:
            raise EncoderError(f"libopus could not encode: {error}") from error
        return packet

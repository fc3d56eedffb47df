"""The audio front end: reads of all channels in, pieces of one channel out, and what there is to say of them. Pure.

It works on a whole piece at once, right before the encoder does: the same work on each read costs twice as much, for each finds
the processor's caches cold. And the thread that reads the microphone has nothing else to do.
"""

from collections.abc import Iterator

from recorder.audio import FRAME_TICKS, TICKS_PER_SECOND, Gap, Moment, PcmBlock
from recorder.config import Microphone as Settings
from recorder.device.array import Array
from recorder.device.check import Check
from recorder.device.level import Level, Meter
from recorder.device.pipe import Flaw

PIECE_FRAMES_MAX = TICKS_PER_SECOND // FRAME_TICKS
"""A second: how often there is something new to say."""


class FrontEnd:
    """Made once for a recording; what it has learnt of the channels goes on from piece to piece."""

    def __init__(self, settings: Settings, rate: int, block_frames: int) -> None:
        """`block_frames`: of a sealed block; a piece is never longer, so that none waits for two."""
        self._settings = settings
        self._rate = rate
        self._frame_bytes = 2 * settings.channels * rate * FRAME_TICKS // TICKS_PER_SECOND
        self._piece_bytes = min(block_frames, PIECE_FRAMES_MAX) * self._frame_bytes
        self._pcm = bytearray()
        self._begin: tuple[int, Moment] | None = None
        """Where what was gathered begins, and when."""
        self._array = Array(settings, rate)
        self._meter = Meter(rate, settings.silence_dbfs)
        self._check = Check(settings, rate)
        self.level: Level | None = None
        """Of the last piece."""

    @property
    def clipped(self) -> int:
        """Samples at full scale since the start, as they came."""
        return self._array.clipped

    @property
    def flaws(self) -> tuple[Flaw, ...]:
        """What is wrong with the microphone, by what came first since the start or the last gap."""
        return self._check.flaws

    @property
    def judged(self) -> bool:
        """Whether enough was heard for that, since the start or the last gap."""
        return self._check.judged

    def take(self, item: PcmBlock | Gap) -> Iterator[PcmBlock | Gap]:
        """The pieces that are complete now that `item` has come; before a gap, all that there is."""
        if isinstance(item, Gap):
            yield from self.rest()
            self._check = Check(self._settings, self._rate)
            yield item
            return
        self._begin = self._begin or (item.position, item.moment)
        self._pcm += item.pcm
        while len(self._pcm) >= self._piece_bytes:
            yield self._piece(self._piece_bytes)

    def rest(self) -> Iterator[PcmBlock]:
        """What is not a whole piece yet, if anything."""
        if self._pcm:
            yield self._piece(len(self._pcm))

    def _piece(self, size: int) -> PcmBlock:
        """The first `size` bytes of what was gathered."""
        assert self._begin is not None
        position, moment = self._begin
        raw = bytes(self._pcm[:size])
        del self._pcm[:size]
        length = size // self._frame_bytes * FRAME_TICKS
        self._begin = (position + length, moment.later(length)) if self._pcm else None
        self._check.feed(raw)
        pcm = self._array.process(raw)
        self.level = self._meter.measure(pcm)
        return PcmBlock(position, length, pcm, moment)

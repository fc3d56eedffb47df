"""What flows down the corridor: PcmBlock or Gap, then OpusBlock or Gap.

Positions and lengths are in **ticks**: samples at 48 kHz since the first sample of the recording, whatever the
microphone's rate, as Opus counts them (RFC 7845, section 4). A position is assigned once, in the microphone room.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

TICKS_PER_SECOND = 48_000
FRAME_TICKS = 960
"""20 ms: the one frame length of this product."""
CALENDAR_END_MS = 253_402_300_800_000
"""The year 10000, which `datetime` has no date in."""
GAP_TICKS_MULTIPLE = 120
"""2.5 ms: the shortest Opus packet, so that a gap can be rendered at its exact length."""


class GapCause(StrEnum):
    """Why audio is missing. The order of the members is their number on the wire; never reorder."""

    STALL = "stall"
    """The microphone or its driver delivered nothing for a while, or lost samples without saying so."""
    OVERFLOW = "overflow"
    """This device could not keep up and dropped samples."""
    UNPLUGGED = "unplugged"
    """The microphone was gone."""
    PAUSE = "pause"
    """The client paused the recording."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened, by both clocks of the device."""

    wall_ms: int
    """Unix time, milliseconds; only as good as `synced` says."""
    monotonic_ms: int
    """Milliseconds since the device's boot (CLOCK_BOOTTIME); never steps."""
    synced: bool
    """Whether the wall clock had a trusted source at that moment."""

    @property
    def utc(self) -> datetime | None:
        """By the wall clock; None beyond the year 9999, which a device's clock may well say."""
        return datetime.fromtimestamp(self.wall_ms / 1_000, UTC) if self.wall_ms < CALENDAR_END_MS else None

    def later(self, ticks: int) -> "Moment":
        """The moment `ticks` after this one (before it, if negative), by the same clocks."""
        milliseconds = ticks * 1_000 // TICKS_PER_SECOND
        return Moment(self.wall_ms + milliseconds, self.monotonic_ms + milliseconds, self.synced)


@dataclass(frozen=True, slots=True)
class PcmBlock:
    """Whole frames of signed 16-bit little-endian audio at the stream's rate, its channels interleaved."""

    position: int
    """Ticks."""
    length: int
    """Ticks; a multiple of FRAME_TICKS."""
    pcm: bytes
    moment: Moment
    """Of the first sample."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio that is missing, declared: at least one frame, a multiple of GAP_TICKS_MULTIPLE."""

    position: int
    """Ticks."""
    length: int
    """Ticks."""
    cause: GapCause
    moment: Moment

    def __post_init__(self) -> None:
        if self.length < FRAME_TICKS or self.length % GAP_TICKS_MULTIPLE:
            raise ValueError(f"a gap of {self.length} ticks is not a frame or more in steps of {GAP_TICKS_MULTIPLE}")


@dataclass(frozen=True, slots=True)
class OpusBlock:
    """Consecutive Opus packets of FRAME_TICKS each.

    `flushed` says that one packet beyond `length` follows the real ones: it carries the codec's delay out of the
    encoder before a gap or the end, so that every real sample can be decoded.
    """

    position: int
    """Ticks."""
    length: int
    """Ticks of real audio: FRAME_TICKS times the packets, less one packet if flushed."""
    packets: tuple[bytes, ...]
    flushed: bool
    moment: Moment
    """Of the first sample."""

    def __post_init__(self) -> None:
        if self.length != FRAME_TICKS * (len(self.packets) - self.flushed):
            raise ValueError(f"{len(self.packets)} packets do not carry {self.length} ticks")

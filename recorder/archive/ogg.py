"""Ogg Opus from packets that exist: RFC 3533 (pages), RFC 7845 (Opus in them). Nothing is encoded here.

The file begins with OpusHead and OpusTags, each on a page of its own; then pages of at most a second. A page's granule
position counts the ticks up to its last packet, the pre-skip included; the last page's is smaller than its packets
give, where the end is trimmed (RFC 7845, section 4.4). No packet here is larger than a page, so none is continued.

How a gap sounds is docs/sealed-recording.md, section 7: packets that say "lost", which a decoder conceals at exactly
their length. A jump of the granule position alone would be simpler, and players drop it.
"""

import struct
import zlib
from collections.abc import Sequence
from typing import IO

from recorder import __version__
from recorder.audio import FRAME_TICKS, GAP_TICKS_MULTIPLE, TICKS_PER_SECOND, Gap, OpusBlock
from recorder.errors import SealedError

PAGE_PACKETS_MAX = 50
PAGE_SEGMENTS_MAX = 255
TAGS_BYTES_MAX = PAGE_SEGMENTS_MAX * 255 - 1
"""So that the comments fit on one page."""
TICKS_MAX = 48 * 3_600 * TICKS_PER_SECOND
"""Of a recording: twice what a room can be set to. Gaps of 114 bytes may tell of a day each."""

BEGIN, END = 2, 4
"""Flags of a page."""
_PAGE = struct.Struct("<4sBBqIII")
PAGE_HEAD_BYTES = _PAGE.size + 1
"""Of a page, before its lacing and its packets."""
_HEAD = struct.Struct("<8sBBHIhB")
_LENGTH = struct.Struct("<I")

LOST_SHORTEST = b"\xe0"
"""CELT, 2.5 ms, mono, one empty frame: the table of contents alone (RFC 6716, section 3.1)."""
LOST_BEFORE_ANY = b"\xf8"
"""CELT, 20 ms, mono, one empty frame."""
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class OggOpusWriter:
    """Writes one file. `rate` is what was encoded from, for information; `preskip` in ticks; `serial` any 32 bits."""

    def __init__(
        self, out: IO[bytes], *, serial: int, rate: int, preskip: int, comments: Sequence[tuple[str, str]]
    ) -> None:
        self._out = out
        self._serial = serial
        self._preskip = preskip
        self._pages = 0
        self._held: list[bytes] = []
        self._granule = 0
        self._ticks = 0
        self._lost = LOST_BEFORE_ANY
        self._taken = 0
        self._write_page(BEGIN, 0, [head(rate, preskip)])
        self._write_page(0, 0, [tags(comments)])

    def write(self, item: OpusBlock | Gap) -> None:
        """The next stretch of the recording; SealedError if a packet is not one frame of 20 ms, mono, or it ends too late."""
        check(item)
        if isinstance(item, Gap):
            frames, rest = divmod(item.length - self._taken, FRAME_TICKS)
            for _ in range(frames):
                self._add(self._lost, FRAME_TICKS)
            for _ in range(rest // GAP_TICKS_MULTIPLE):
                self._add(LOST_SHORTEST, GAP_TICKS_MULTIPLE)
            self._taken = 0
        else:
            for packet in item.packets:
                self._add(packet, FRAME_TICKS)
                self._lost = lost_like(packet)
            self._taken = FRAME_TICKS if item.flushed else 0
        self._ticks += item.length

    def close(self) -> int:
        """Write the end; returns the length that a player will show, in ticks."""
        if self._granule < self._preskip + self._ticks:
            self._add(self._lost, FRAME_TICKS)
        self._write_page(END, self._preskip + self._ticks, self._held)
        return self._ticks

    def _add(self, packet: bytes, ticks: int) -> None:
        segments = sum(len(held) // 255 + 1 for held in self._held)
        if len(self._held) == PAGE_PACKETS_MAX or segments + len(packet) // 255 + 1 > PAGE_SEGMENTS_MAX:
            self._write_page(0, self._granule, self._held)
            self._held = []
        self._held.append(packet)
        self._granule += ticks

    def _write_page(self, flags: int, granule: int, packets: list[bytes]) -> None:
        self._out.write(page(self._serial, self._pages, flags, granule, packets))
        self._pages += 1


def page(serial: int, number: int, flags: int, granule: int, packets: Sequence[bytes]) -> bytes:
    """One page of whole packets (RFC 3533, section 6), which need PAGE_SEGMENTS_MAX segments at most."""
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    rest = bytes([len(lacing)]) + lacing + b"".join(packets)
    start = (b"OggS", 0, flags, granule, serial, number)
    checksum = _checksum(_PAGE.pack(*start, 0) + rest)
    return _PAGE.pack(*start, checksum) + rest


def head(rate: int, preskip: int) -> bytes:
    """OpusHead, of one channel (RFC 7845, section 5.1)."""
    return _HEAD.pack(b"OpusHead", 1, 1, preskip, rate, 0, 0)


def check(item: OpusBlock | Gap) -> None:
    """SealedError if `item` could not be written: a packet is not one frame of 20 ms, mono, or it ends too late."""
    check_end(item.position + item.length)
    if isinstance(item, OpusBlock):
        for packet in item.packets:
            _check_frame(packet)


def check_end(ticks: int) -> None:
    """SealedError if no recording can go on to here."""
    if ticks > TICKS_MAX:
        raise SealedError(f"the recording tells of {ticks} ticks, and no room records more than {TICKS_MAX}")


def lost_like(packet: bytes) -> bytes:
    """A frame that says "lost", of the kind of `packet`: its table of contents alone."""
    return bytes([packet[0] & 0xFC])


def _checksum(page: bytes) -> int:
    """The CRC of RFC 3533: zlib's polynomial, mirrored, and without its two inversions."""
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def tags(comments: Sequence[tuple[str, str]]) -> bytes:
    """OpusTags: who wrote the file, and `comments` as `NAME=text` (RFC 7845, section 5.2)."""
    texts = [f"wederhoor {__version__}".encode(), *(f"{name}={text}".encode() for name, text in comments)]
    vendor, *rest = [_LENGTH.pack(len(text)) + text for text in texts]
    tags = b"OpusTags" + vendor + _LENGTH.pack(len(rest)) + b"".join(rest)
    if len(tags) > TAGS_BYTES_MAX:
        raise ValueError(f"{len(tags)} bytes of comments are over {TAGS_BYTES_MAX}")
    return tags


def _check_frame(packet: bytes) -> None:
    """SealedError unless `packet` is one frame of 20 ms, mono (RFC 6716, sections 3.1 and 3.2)."""
    config, code = packet[0] >> 3, packet[0] & 3
    frames = 1 if code == 0 else packet[1] & 0x3F if code == 3 and len(packet) > 1 else 2
    twenty = config % 4 == 1 if config < 12 else config % 2 == 1 if config < 16 else config % 4 == 3
    if frames != 1 or not twenty or packet[0] & 4:
        raise SealedError("the recording holds a packet that is not one frame of 20 ms, mono: its encoder is at fault")

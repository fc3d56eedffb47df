"""A recording as an Ogg Opus file that is never written: where each of its bytes lies is known before any block is opened.

A player seeks by asking for ranges of bytes, and what it did not ask for need not be opened. But how long a packet is stands
in the ciphertext. So a block is given as many bytes as the longest packets need that it could hold, which its header and the
length of its ciphertext tell, and its packets are padded to that, as Opus allows (RFC 6716, section 3.2.5): a decoder hears no
difference. A block that is padded already when it is sealed grows by little.

    file     = OpusHead ‖ OpusTags ‖ stretch* ‖ end?
    stretch  = a block of audio, on pages of up to PAGE_PACKETS; or of a gap a page of up to GAP_PAGE_PACKETS
    end      = a lost frame, where the codec's delay would cut the last samples off

Beside that it is what `OggOpusWriter` makes of the same recording, and decodes to the same samples.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from recorder.archive import ogg
from recorder.audio import FRAME_TICKS, GAP_TICKS_MULTIPLE, OpusBlock
from recorder.errors import SealedError
from recorder.sealed.layout import PACKET_BYTES_MAX, BlockHeader

PAGE_PACKETS = 42
"""So many packets of PADDED_BYTES_MAX fit on a page."""
GAP_PAGE_PACKETS = 50
PADDED_BYTES_MAX = 1_500
"""Of a packet with its padding: a little more than the largest without, so that any number of bytes can be made up."""


class Sealed(NamedTuple):
    """What is known of a block without its key."""

    header: BlockHeader
    plain_bytes: int
    """Of its plaintext: 0 for a gap."""


class _Stretch(NamedTuple):
    at: int
    """Its first byte."""
    page: int
    """The number of its first page."""
    granule: int
    """Ticks in front of it."""
    block: int | None
    """Of audio; None where audio is missing."""
    like: int | None
    """The block of audio before what is missing, if there is one: what says "lost" is of its kind."""
    packets: int
    shorts: int
    """Of what is missing, so many packets at the end are the shortest that there are."""


class Playable:
    """The file, without its audio: `size` in bytes.

    `blocks` are all of the recording, in order; SealedError if one cannot hold the packets that its header tells of, or the
    recording is over `ogg.TICKS_MAX`.
    `serial`, `rate`, `preskip` and `comments` as for `OggOpusWriter`.
    """

    def __init__(
        self,
        blocks: Sequence[Sealed],
        *,
        serial: int,
        rate: int,
        preskip: int,
        comments: Sequence[tuple[str, str]],
    ) -> None:
        if blocks:
            ogg.check_end(blocks[-1].header.end)
        self._blocks = blocks
        self._serial = serial
        self._start = ogg.page(serial, 0, ogg.BEGIN, 0, [ogg.head(rate, preskip)])
        self._start += ogg.page(serial, 1, 0, 0, [ogg.tags(comments)])
        self._stretches: list[_Stretch] = []
        self._at, self._page, self._granule = len(self._start), 2, 0
        like, taken, ticks = None, 0, 0
        for at, (header, plain_bytes) in enumerate(blocks):
            if header.gap:
                self._add_gap(like, header.length - taken)
            else:
                pages, laced = _room(header.packets, plain_bytes)
                stretch = _Stretch(self._at, self._page, self._granule, at, None, header.packets, 0)
                self._add(stretch, pages, pages * ogg.PAGE_HEAD_BYTES + laced, header.packets * FRAME_TICKS)
                like = at
            taken = FRAME_TICKS if header.flushed else 0
            ticks += header.length
        self._end = preskip + ticks
        if self._granule < self._end or not self._stretches:  # a file has a last page
            self._add_gap(like, FRAME_TICKS)
        self.size = self._at

    def read(self, start: int, stop: int, unseal: Callable[[int], OpusBlock]) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, in pieces. `unseal` is asked for no other block than they need."""
        start, stop = max(0, start), min(stop, self.size)
        if start >= stop:
            return
        # of each page of a long gap the same block would be opened again
        lost = cache(lambda like: _lost(like, unseal))
        if start < len(self._start):
            yield self._start[start:stop]
        first = max(0, bisect_right(self._stretches, start, key=lambda each: each.at) - 1)
        for number in range(first, len(self._stretches)):
            stretch = self._stretches[number]
            if stretch.at >= stop:
                return
            made = self._make(stretch, unseal, lost, last=number == len(self._stretches) - 1)
            piece = made[max(0, start - stretch.at) : stop - stretch.at]
            if piece:
                yield piece

    def _add_gap(self, like: int | None, ticks: int) -> None:
        """Room for so many ticks of what is missing."""
        frames, rest = divmod(ticks, FRAME_TICKS)
        shorts = rest // GAP_TICKS_MULTIPLE
        while frames or shorts:
            packets = min(frames, GAP_PAGE_PACKETS)
            here = min(shorts, GAP_PAGE_PACKETS - packets) if packets == frames else 0
            stretch = _Stretch(self._at, self._page, self._granule, None, like, packets + here, here)
            length = packets * FRAME_TICKS + here * GAP_TICKS_MULTIPLE
            self._add(stretch, 1, ogg.PAGE_HEAD_BYTES + 2 * (packets + here), length)
            frames, shorts = frames - packets, shorts - here

    def _add(self, stretch: _Stretch, pages: int, length_bytes: int, ticks: int) -> None:
        self._stretches.append(stretch)
        self._at += length_bytes
        self._page += pages
        self._granule += ticks

    def _make(
        self, stretch: _Stretch, unseal: Callable[[int], OpusBlock], lost: Callable[[int | None], bytes], *, last: bool
    ) -> bytes:
        """The pages of one stretch."""
        if stretch.block is None:
            frames = stretch.packets - stretch.shorts
            packets = [lost(stretch.like)] * frames + [ogg.LOST_SHORTEST] * stretch.shorts
            granule = stretch.granule + frames * FRAME_TICKS + stretch.shorts * GAP_TICKS_MULTIPLE
            return self._print(stretch.page, packets, granule, last=last)
        header, plain_bytes = self._blocks[stretch.block]
        item = unseal(stretch.block)
        ogg.check(item)
        _, laced = _room(header.packets, plain_bytes)
        sizes = _stretched([len(packet) for packet in item.packets], laced)
        packets = [_padded(packet, size) for packet, size in zip(item.packets, sizes, strict=True)]
        made = []
        for at in range(0, len(packets), PAGE_PACKETS):
            here = packets[at : at + PAGE_PACKETS]
            granule = stretch.granule + (at + len(here)) * FRAME_TICKS
            made.append(
                self._print(
                    stretch.page + at // PAGE_PACKETS, here, granule, last=last and at + PAGE_PACKETS >= len(packets)
                )
            )
        return b"".join(made)

    def _print(self, number: int, packets: Sequence[bytes], granule: int, *, last: bool) -> bytes:
        flags, granule = (ogg.END, self._end) if last else (0, granule)
        return ogg.page(self._serial, number, flags, granule, packets)


def _lost(like: int | None, unseal: Callable[[int], OpusBlock]) -> bytes:
    """What says "lost" behind this block."""
    if like is None:
        return ogg.LOST_BEFORE_ANY
    item = unseal(like)
    ogg.check(item)
    return ogg.lost_like(item.packets[-1])


def _laced(size: int) -> int:
    """The bytes of a packet of `size` bytes, its lacing included."""
    return size + size // 255 + 1


def _room(packets: int, plain_bytes: int) -> tuple[int, int]:
    """On how many pages a block's packets stand, and how many bytes they take there with their lacing.

    That is what they would need if the plaintext had no padding, and one more: of sizes that may all be stretched there are
    always some for one number of bytes or the next, but a single packet cannot be given 256 bytes.
    """
    bare = min(plain_bytes - 2 - 2 * packets, packets * PACKET_BYTES_MAX)
    if bare < packets:
        raise SealedError(f"a plaintext of {plain_bytes} bytes cannot hold {packets} packets")
    return -(-packets // PAGE_PACKETS), _laced(bare) if packets == 1 else bare + bare // 255 + packets + 1


def _stretched(sizes: Sequence[int], laced: int) -> list[int]:
    """As many sizes, none smaller, that take `laced` bytes with their lacing."""
    found = list(sizes)
    missing = laced - sum(map(_laced, found))
    for at in reversed(range(len(found))):
        larger = min(_largest(_laced(found[at]) + missing), PADDED_BYTES_MAX)
        missing -= _laced(larger) - _laced(found[at])
        found[at] = larger
    if missing == 1:  # the next byte of a packet is one of lacing too: another one gives a byte back, and it takes two
        taker = next(at for at, size in enumerate(found) if size % 255 == 254)
        giver = next(at for at, size in enumerate(found) if at != taker and size > sizes[at] and size % 255)
        found[giver] -= 1
        found[taker] += 1
        missing = 0
    if missing:
        raise SealedError("the packets of a block are larger than its plaintext")
    return found


def _largest(laced: int) -> int:
    """The largest size that takes no more than `laced` bytes."""
    size = (laced - 1) * 255 // 256
    return size + 1 if _laced(size + 1) <= laced else size


def _padded(packet: bytes, size: int) -> bytes:
    """The same frame in a packet of so many bytes (RFC 6716, section 3.2.5)."""
    if size == len(packet):
        return packet
    frame = _frame(packet)
    padding = size - 2 - len(frame)
    start = bytes([packet[0] | 3, 0x41 if padding else 1])
    if not padding:
        return start + frame
    full, last = divmod(padding - 1, 255)
    return start + b"\xff" * full + bytes([last]) + frame + bytes(padding - 1 - full)


def _frame(packet: bytes) -> bytes:
    """The one frame of a packet that has one, without table of contents and padding."""
    if packet[0] & 3 == 0:
        return packet[1:]
    at, padding = 2, 0
    if packet[1] & 0x40:
        try:
            while packet[at] == 255:
                at, padding = at + 1, padding + 254
            padding += packet[at]
        except IndexError as error:
            raise SealedError("a packet's padding is torn") from error
        at += 1
    if at + padding > len(packet):
        raise SealedError("a packet's padding is longer than the packet")
    return packet[at : len(packet) - padding]

"""Copies of a hearing that leave it: a Track is what a copy consists of, and a file is made of it piece by piece.

    original   the very packets of the room: nothing is encoded again
    masked     decoded, masked (`masking`), encoded anew
    fragment   a stretch of it for training: masked, with another voice (`voice`), encoded anew, and without its place and time

As a file a Track is Ogg Opus; what plays no Opus plays `wav_file`. Memory is bounded: a block, or of a fragment its samples.
"""

import io
import wave
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recorder.archive import masking, ogg, voice
from recorder.archive.decoder import Rate, decode, silence
from recorder.archive.hearing import Hearing
from recorder.archive.masking import Range
from recorder.archive.ogg import OggOpusWriter
from recorder.archive.reading_room import comments
from recorder.archive.voice import Alteration
from recorder.audio import FRAME_TICKS, GAP_TICKS_MULTIPLE, TICKS_PER_SECOND, Gap, OpusBlock, PcmBlock
from recorder.config import Opus
from recorder.encoder import Encoder
from recorder.errors import SealedError

MASKED_RATE: Rate = 48_000
SETTLING_TICKS = 80 * TICKS_PER_SECOND // 1_000
"""Before the first sample that counts, a decoder wants to have heard so much (RFC 7845, section 4.6)."""
WAV_RATE: Rate = 16_000
"""All that a telephone has, and most of what a voice has, in a third of the bytes."""
WAV_BYTES_MAX = 2**32 - 64
"""Its header counts in 32 bits. Some 37 hours: no room records as long."""
BLOCK_FRAMES = 50
"""Of what is encoded anew, as the rooms' default is."""
FRAGMENT_SECONDS_MAX = 300
RANGES_TOLD_MAX = 256
"""Masks named one by one in the file's comments; of more, their number is told."""


@dataclass(frozen=True, slots=True)
class Track:
    """Audio as packets, its gaps declared. It can be gone through once."""

    rate: Rate
    """Of what was encoded."""
    preskip: int
    """Ticks."""
    items: Iterator[OpusBlock | Gap]
    """In order, from position 0. SealedError or StoreError, as `Hearing.items`."""
    comments: Sequence[tuple[str, str]]
    """What an audio file says of it."""


def original(hearing: Hearing) -> Track:
    """All of it as the room encoded it."""
    preamble = hearing.report.preamble
    return Track(preamble.rate, preamble.preskip, hearing.items(), comments(hearing.report))


def masked(hearing: Hearing, ranges: Sequence[Range], opus: Opus) -> Track:
    """All of it, these ranges masked."""
    encoder = Encoder(opus, MASKED_RATE, BLOCK_FRAMES)
    told = [("MASKED", f"{stop - start} ms at {start} ms") for start, stop in ranges[:RANGES_TOLD_MAX]]
    if len(ranges) > RANGES_TOLD_MAX:
        told.append(("MASKS", str(len(ranges))))
    told.append(("COPY", "encoded anew at the archive: the room's signatures are not of these packets"))
    items = masking.mask(_decoded(hearing, MASKED_RATE), ranges, MASKED_RATE)
    return Track(MASKED_RATE, encoder.preskip, _encode(encoder, items), [*comments(hearing.report), *told])


def fragment(hearing: Hearing, range_: Range, masks: Sequence[Range], alteration: Alteration, opus: Opus) -> Track:
    """What lies within `range_`, in whole frames of 20 ms; `masks` are of the recording, as everywhere.

    It tells of no recording, room or time: its moments are those of the audio, though, and whoever seals it gives it others.
    ValueError if it is longer than FRAGMENT_SECONDS_MAX, or nothing at all.
    """
    if not 0 < range_.stop - range_.start <= FRAGMENT_SECONDS_MAX * 1_000:
        raise ValueError(
            f"a fragment of {range_.stop - range_.start} ms is empty or over {FRAGMENT_SECONDS_MAX} seconds"
        )
    rate = voice.RATE
    encoder = Encoder(opus, rate, BLOCK_FRAMES)
    start, stop = (each * TICKS_PER_SECOND // 1_000 for each in range_)
    # A tone that was altered too would tell by how much. So there is silence until the voice is another one.
    items = masking.mask(_decoded(hearing, rate, start, stop), masks, rate, level=0)
    altered = _altered(_cut(items, start, stop), alteration)
    items = _from_the_start(masking.mask(altered, masks, rate))
    return Track(rate, encoder.preskip, _encode(encoder, items), [("VOICE", "altered: pseudonymised, not anonymous")])


def ogg_file(track: Track, serial: int) -> Iterator[bytes]:
    """An Ogg Opus file of it, in pieces. `serial` is any 32 bits."""
    out = io.BytesIO()
    writer = OggOpusWriter(out, serial=serial, rate=track.rate, preskip=track.preskip, comments=track.comments)
    for item in track.items:
        writer.write(item)
        yield _drain(out)
    writer.close()
    yield _drain(out)


def wav_file(hearing: Hearing, ranges: Iterable[Range] = ()) -> Iterator[bytes]:
    """All of it as a WAV file of 16 bits at WAV_RATE, in pieces, these ranges masked: for what plays nothing else.

    SealedError if it is longer than such a file may be.
    """
    samples = hearing.report.ticks * WAV_RATE // TICKS_PER_SECOND
    if 2 * samples > WAV_BYTES_MAX:
        raise SealedError("the recording is longer than a WAV file may be, and than a room records; take the Opus file")
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setparams((1, 2, WAV_RATE, samples, "NONE", ""))
        for item in masking.mask(_decoded(hearing, WAV_RATE), ranges, WAV_RATE):
            for pcm in [item.pcm] if isinstance(item, PcmBlock) else silence(item.length, WAV_RATE):
                writer.writeframesraw(pcm)
                yield _drain(out)
    yield _drain(out)


def _drain(out: io.BytesIO) -> bytes:
    """What was written since."""
    written = out.getvalue()
    out.seek(0)
    out.truncate()
    return written


def _decoded(hearing: Hearing, rate: Rate, start: int = 0, stop: int = ogg.TICKS_MAX) -> Iterator[PcmBlock | Gap]:
    """What lies from tick `start` to before `stop`, and what the decoder needs around it."""
    headers, preskip = hearing.headers, hearing.report.preamble.preskip
    first = bisect_right(headers, start, key=lambda each: each.end)
    while 0 < first < len(headers) and start - headers[first].position < SETTLING_TICKS:
        if headers[first - 1].gap:
            break
        first -= 1
    # What a block sounds like ends within the next one.
    end = bisect_left(headers, stop + preskip, key=lambda each: each.position)
    return decode(map(hearing.block, range(first, end)), preskip=preskip, rate=rate)


def _cut(items: Iterable[PcmBlock | Gap], start: int, stop: int) -> Iterator[PcmBlock | Gap]:
    """Of `items` the whole frames from tick `start` to before `stop`, and of a gap as much as one may have."""
    for item in items:
        step = GAP_TICKS_MULTIPLE if isinstance(item, Gap) else FRAME_TICKS
        skipped = -(-max(0, start - item.position) // step) * step
        length = min(item.length, max(0, stop - item.position) // step * step) - skipped
        if length < FRAME_TICKS:
            continue
        position, moment = item.position + skipped, item.moment.later(skipped)
        if isinstance(item, Gap):
            yield replace(item, position=position, length=length, moment=moment)
        else:
            first, end = (len(item.pcm) * ticks // item.length for ticks in (skipped, skipped + length))
            yield PcmBlock(position, length, item.pcm[first:end], moment)


def _altered(items: Iterable[PcmBlock | Gap], alteration: Alteration) -> Iterator[PcmBlock | Gap]:
    """Each stretch between gaps with the other voice."""
    run: list[PcmBlock] = []
    for item in items:
        if isinstance(item, PcmBlock):
            run.append(item)
            continue
        yield from _alter(run, alteration)
        run = []
        yield item
    yield from _alter(run, alteration)


def _alter(run: Sequence[PcmBlock], alteration: Alteration) -> Iterator[PcmBlock]:
    pcm = voice.alter(np.frombuffer(b"".join(each.pcm for each in run), "<i2"), alteration).tobytes()
    at = 0
    for each in run:
        yield replace(each, pcm=pcm[at : at + len(each.pcm)])
        at += len(each.pcm)


def _from_the_start(items: Iterable[PcmBlock | Gap]) -> Iterator[PcmBlock | Gap]:
    """`items` from position 0 on."""
    start: int | None = None
    for item in items:
        start = item.position if start is None else start
        yield replace(item, position=item.position - start)


def _encode(encoder: Encoder, items: Iterable[PcmBlock | Gap]) -> Iterator[OpusBlock | Gap]:
    for item in items:
        yield from encoder.encode(item)
    last = encoder.finish()
    if last is not None:
        yield last

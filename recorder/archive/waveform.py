"""A recording at one look: how loud it is from bar to bar, where audio is missing, and where the caseworker set a mark.

A bar is the RMS of its sound on a scale of decibels, FLOOR_DB is 0 and CEILING_DB is 1: what is twice as loud looks as much
higher whether it is whispered or shouted. RMS and not the peak, for of a bar of many seconds the peak is a door.

The drawing needs no style sheet: what means something is told by shape and place, in the colour of the text around it. With
one, its classes are `wave` with `-bars`, `-gap`, `-hatch`, `-pause`, `-mark` and `-time`. It has no script, no style and no id,
so that it may stand in any page, and more than once.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.archive.decoder import Rate, decode
from recorder.archive.hearing import Hearing
from recorder.audio import FRAME_TICKS, GAP_TICKS_MULTIPLE, TICKS_PER_SECOND, GapCause, OpusBlock, PcmBlock
from recorder.sealed.layout import Missing

BARS = 240
RATE: Rate = 16_000
FLOOR_DB, CEILING_DB = -60.0, -12.0
"""Of full scale. Below is the silence of a room, above the one who shouts."""
SAMPLED_FROM = 2
"""With more blocks than this for each bar, one of them stands for the others."""
SETTLING_PACKETS = 4
"""80 ms (RFC 7845, section 4.6)."""
_PIECE = GAP_TICKS_MULTIPLE * RATE // TICKS_PER_SECOND
"""Samples that are in one bar: 2.5 ms."""

WIDTH, HEIGHT = 1_200.0, 168.0
MIDDLE, REACH = 84.0, 52.0
TOP, BOTTOM = 24.0, 144.0
EDGE = 4.0
"""To the left and right, where lines have a half."""
HATCH = 8.0
GAP_WIDTH_MIN = 4.0
TOLD_MAX = 8
"""Pauses, gaps and marks that the text names one by one, of each."""
TIME_STEPS = (1, 5, 10, 30, 60, 300, 600, 900, 1_800, 3_600, 7_200, 21_600)
"""Seconds between two times below the drawing."""
TIMES_MAX = 12
TEXT_WIDTH = 64.0
"""Of a time, at most."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the drawing says in one language."""

    whole: str
    pause: tuple[str, str]
    """One, and many."""
    gap: tuple[str, str]
    mark: tuple[str, str]
    stretch: str
    """From when, and how long."""
    moment: str
    more: str
    paused_here: str
    missing_here: str
    marked_here: str
    units: tuple[tuple[str, str], ...]
    """Hours, minutes and seconds."""
    both: str
    no_second: str


WORDS = {
    "nl": Words(
        whole="Opname van {}.",
        pause=("pauze", "pauzes"),
        gap=("keer ontbreekt geluid", "keer ontbreekt geluid"),
        mark=("markering", "markeringen"),
        stretch="vanaf {}, {}",
        moment="op {}",
        more="en nog {}",
        paused_here="pauze {}",
        missing_here="hier ontbreekt geluid: {}",
        marked_here="markering {}",
        units=(("uur", "uur"), ("minuut", "minuten"), ("seconde", "seconden")),
        both="en",
        no_second="minder dan een seconde",
    ),
    "en": Words(
        whole="Recording of {}.",
        pause=("pause", "pauses"),
        gap=("place where sound is missing", "places where sound is missing"),
        mark=("mark", "marks"),
        stretch="from {}, {}",
        moment="at {}",
        more="and {} more",
        paused_here="pause {}",
        missing_here="sound is missing here: {}",
        marked_here="mark {}",
        units=(("hour", "hours"), ("minute", "minutes"), ("second", "seconds")),
        both="and",
        no_second="less than a second",
    ),
}
"""By language. Here and not with the words of the pages: the drawing is made where their translations are not loaded."""


@dataclass(frozen=True, slots=True)
class Waveform:
    """How loud, from bar to bar; each is an equal part of `ticks`."""

    levels: tuple[float, ...]
    """0 to 1."""
    gaps: tuple[bool, ...]
    """Whether audio is missing in the bar, be it for a moment."""
    ticks: int


def overview(hearing: Hearing, bars: int = BARS) -> Waveform:
    """The recording in so many bars, or fewer if they were shorter than 2.5 ms. SealedError or StoreError, as `Hearing.read`.

    A recording of up to SAMPLED_FROM blocks a bar is decoded as a whole. Of a longer one a single block is decoded in each bar,
    the one in its middle, and before it the end of its neighbour, so that the decoder has settled: three hours take as long as
    some minutes, and what is loud between these blocks does not show.
    """
    headers = hearing.headers
    ticks = headers[-1].end if headers else 0
    bars = min(bars, ticks // GAP_TICKS_MULTIPLE)
    energy, samples, gaps = np.zeros(bars), np.zeros(bars), np.zeros(bars, bool)
    for header in headers:
        if header.gap:
            gaps[header.position * bars // ticks : (header.end - 1) * bars // ticks + 1] = True
    heard = _sampled(hearing, bars, ticks) if len(headers) > SAMPLED_FROM * bars else _all(hearing, bars, ticks)
    for places, pcm in heard:
        np.add.at(energy, places, (pcm.reshape(-1, _PIECE).astype(float) ** 2).sum(axis=1))
        np.add.at(samples, places, _PIECE)
    decibels = 10 * np.log10(np.maximum(energy / np.maximum(samples, 1), 1e-9) / 32_768**2)
    levels = np.clip((decibels - FLOOR_DB) / (CEILING_DB - FLOOR_DB), 0, 1)
    return Waveform(tuple(map(float, levels)), tuple(map(bool, gaps)), ticks)


_Heard = tuple[NDArray[np.int64], NDArray[np.int16]]
"""For each piece of some sound its bar, and the samples."""


def _all(hearing: Hearing, bars: int, ticks: int) -> Iterator[_Heard]:
    for item in decode(hearing.items(), preskip=hearing.report.preamble.preskip, rate=RATE):
        if isinstance(item, PcmBlock):
            places = np.arange(item.position, item.position + item.length, GAP_TICKS_MULTIPLE) * bars // ticks
            yield places, np.frombuffer(item.pcm, "<i2")


def _sampled(hearing: Hearing, bars: int, ticks: int) -> Iterator[_Heard]:
    for bar in range(bars):
        index = _middle(hearing, bar * ticks // bars, (bar + 1) * ticks // bars)
        if index is None:
            continue
        block = hearing.block(index)
        settling = [] if index == 0 or hearing.headers[index - 1].gap else [_end(hearing, index - 1)]
        for item in decode([*settling, block], preskip=hearing.report.preamble.preskip, rate=RATE):
            if isinstance(item, PcmBlock) and item.position >= block.position:
                yield np.full(item.length // GAP_TICKS_MULTIPLE, bar), np.frombuffer(item.pcm, "<i2")


def _middle(hearing: Hearing, start: int, stop: int) -> int | None:
    """The block of audio nearest to the middle of these ticks, of those that begin among them."""
    headers, middle = hearing.headers, (start + stop) // 2
    first = bisect_right(headers, start - 1, key=lambda each: each.position)
    last = bisect_right(headers, stop - 1, key=lambda each: each.position)
    return min(
        (index for index in range(first, last) if headers[index].length and not headers[index].gap),
        key=lambda index: abs(headers[index].position + headers[index].end - 2 * middle),
        default=None,
    )


def _end(hearing: Hearing, index: int) -> OpusBlock:
    """The last packets of a block that is not flushed."""
    block = hearing.block(index)
    assert isinstance(block, OpusBlock)
    packets = block.packets[-SETTLING_PACKETS:]
    length = len(packets) * FRAME_TICKS
    end = block.position + block.length
    return OpusBlock(end - length, length, packets, False, block.moment.later(block.length - length))


def draw(waveform: Waveform, missing: Sequence[Missing], marks: Sequence[int], language: str) -> str:
    """An SVG of it to stand within a page, with a text in its place for who does not see it, in a language of WORDS.

    `missing` are the gaps, as `Report.gaps` has them; `marks` the positions of the caseworker's, in ticks.
    Bars are how loud it was. A pause is a dashed frame with two bars on top, other audio that is missing a hatched one, a mark
    a flag.
    """
    words, scale = WORDS[language], WIDTH / max(1, waveform.ticks)
    view = f"{-EDGE:g} 0 {WIDTH + 2 * EDGE:g} {HEIGHT:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="wave" viewBox="{view}" role="img" lang="{language}" '
        f'aria-label="{describe(waveform, missing, marks, words)}" fill="none" stroke="currentColor" stroke-width="1.5">',
        f'<path class="wave-bars" stroke-width="{_pitch(waveform) * 0.6:.2f}" stroke-linecap="round" stroke-opacity="0.6" ',
        f'd="{_bars(waveform)}"/>',
    ]
    for each in missing:
        width = max(GAP_WIDTH_MIN, each.length * scale)
        left, stretch = min(each.position * scale, WIDTH - width), _stretch(each, words)
        if each.cause is GapCause.PAUSE:
            parts.append(_pause(left, width, words.paused_here.format(stretch)))
        else:
            parts.append(_gap(left, width, words.missing_here.format(stretch)))
    parts += [_flag(ticks * scale, words.marked_here.format(_moment(ticks, words))) for ticks in marks]
    return "".join([*parts, *_times(waveform, scale), "</svg>"])


def describe(waveform: Waveform, missing: Sequence[Missing], marks: Sequence[int], words: Words) -> str:
    """What the drawing tells, as a text."""
    pauses = [_stretch(each, words) for each in missing if each.cause is GapCause.PAUSE]
    others = [_stretch(each, words) for each in missing if each.cause is not GapCause.PAUSE]
    told = [words.whole.format(_long(waveform.ticks, words))]
    for places, names in (
        (pauses, words.pause),
        (others, words.gap),
        ([_moment(each, words) for each in marks], words.mark),
    ):
        told += _told(places, names, words)
    return " ".join(told)


def _told(places: Sequence[str], names: tuple[str, str], words: Words) -> list[str]:
    if not places:
        return []
    more = [words.more.format(len(places) - TOLD_MAX)] if len(places) > TOLD_MAX else []
    return [f"{len(places)} {names[len(places) > 1]}: {'; '.join([*places[:TOLD_MAX], *more])}."]


def _stretch(missing: Missing, words: Words) -> str:
    return words.stretch.format(_clock(missing.position), _long(missing.length, words))


def _moment(ticks: int, words: Words) -> str:
    return words.moment.format(_clock(ticks))


def _clock(ticks: int) -> str:
    """12:05, or 1:12:05."""
    minutes, seconds = divmod(ticks // TICKS_PER_SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _long(ticks: int, words: Words) -> str:
    """1 hour, 12 minutes and 5 seconds."""
    minutes, seconds = divmod(round(ticks / TICKS_PER_SECOND), 60)
    counts = zip((*divmod(minutes, 60), seconds), words.units, strict=True)
    told = [f"{count} {unit[count > 1]}" for count, unit in counts if count]
    return f" {words.both} ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told or [words.no_second])


def _pitch(waveform: Waveform) -> float:
    return WIDTH / max(1, len(waveform.levels))


def _bars(waveform: Waveform) -> str:
    """A stroke for each; a dot where it was silent, and nothing where there is no sound."""
    pitch = _pitch(waveform)
    return "".join(
        f"M{pitch * (at + 0.5):.1f} {MIDDLE - max(0.1, level * REACH):.1f}V{MIDDLE + max(0.1, level * REACH):.1f}"
        for at, (level, gap) in enumerate(zip(waveform.levels, waveform.gaps, strict=True))
        if level or not gap
    )


def _box(left: float, width: float, dashes: str = "") -> str:
    return f'<rect x="{left:.1f}" y="{TOP:g}" width="{width:.1f}" height="{BOTTOM - TOP:g}" rx="2"{dashes}/>'


def _pause(left: float, width: float, told: str) -> str:
    middle = left + width / 2
    sign = f'<path stroke-width="4" d="M{middle - 4:.1f} 4V18M{middle + 4:.1f} 4V18"/>'
    dashes = ' stroke-dasharray="2 4"'
    return f'<g class="wave-pause"><title>{told}</title>{_box(left, width, dashes)}{sign}</g>'


def _gap(left: float, width: float, told: str) -> str:
    """Hatched by lines that are cut to the box here: a pattern would need an id, which a page may have once."""
    height, lines, along = BOTTOM - TOP, [], HATCH
    while along < width + height:
        over, under = min(along, width), max(0.0, along - height)
        lines.append(
            f"M{left + over:.1f} {TOP + along - over:.1f}L{left + under:.1f} {TOP + along - under:.1f}"
        )  # down to the left
        along += HATCH
    return f'<g class="wave-gap"><title>{told}</title>{_box(left, width)}<path class="wave-hatch" d="{"".join(lines)}"/></g>'


def _flag(at: float, told: str) -> str:
    """Its cloth to the right of its pole, but at the right edge."""
    cloth = -14 if at > WIDTH - 20 else 14
    shape = f'<path d="M{at:.1f} {BOTTOM:g}V4"/><path fill="currentColor" d="M{at:.1f} 4l{cloth} 6l{-cloth} 6z"/>'
    return f'<g class="wave-mark"><title>{told}</title>{shape}</g>'


def _times(waveform: Waveform, scale: float) -> list[str]:
    """Below: a line for each step, and the time."""
    seconds = waveform.ticks // TICKS_PER_SECOND
    step = next((each for each in TIME_STEPS if seconds // each < TIMES_MAX), TIME_STEPS[-1])
    every = range(0, seconds + 1, step)
    places = [each * TICKS_PER_SECOND * scale for each in every]
    texts = [
        f'<text x="{place:.1f}" y="{HEIGHT - 4:g}" text-anchor="{_anchor(place)}">'
        f"{_clock(each * TICKS_PER_SECOND)}</text>"
        for each, place in zip(every, places, strict=True)
    ]
    lines = "".join(f"M{place:.1f} {BOTTOM:g}v5" for place in places)
    return [
        f'<g class="wave-time"><path d="{lines}M0 {BOTTOM:g}H{WIDTH:g}"/>'
        f'<g fill="currentColor" stroke="none" font-family="sans-serif" font-size="14">{"".join(texts)}</g></g>'
    ]


def _anchor(place: float) -> str:
    """Of a text that must not stand out of the drawing."""
    if place < TEXT_WIDTH / 2:
        return "start"
    return "end" if place > WIDTH - TEXT_WIDTH / 2 else "middle"

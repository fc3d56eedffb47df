"""Days of a room as a picture: a shape for each. Drawn here, not in a template: a page has hundreds of days."""

from collections.abc import Mapping, Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

DAY_WIDTH, HEIGHT = 12, 30
SHAPES: Mapping[str, str] = {
    "heard": '<rect class="heard" x="{}" y="8" width="10" height="21"/>',
    "part": '<rect class="part" x="{}" y="19" width="10" height="10"/>',
    "silent": '<path class="silent" d="M{} 19l10 10m-10 0l10-10"/>',
    "unknown": '<circle class="unknown" cx="{}" cy="26" r="1.5"/>',
}
MARK = '<path class="mark" d="M{} {}h8l-4 6z"/>'
"""Above a day on which something was wrong."""


def strip(days: Sequence[tuple[str, bool]], words: str) -> SafeString:
    """Of each day what it was, and whether it has a mark. `words` say the same."""
    drawn = "".join(_day(DAY_WIDTH * at, kind, marked) for at, (kind, marked) in enumerate(days))
    width = DAY_WIDTH * len(days)
    head = '<svg class="strip" viewBox="0 0 {} {}" role="img" aria-label="{}"><path class="base" d="M0 29.5h{}"/>'
    return format_html(head + "{}</svg>", width, HEIGHT, words, width, mark_safe(drawn))  # noqa: S308 - made here, of numbers


def sample(shape: str) -> SafeString:
    """One day, for the legend: its words stand beside it."""
    drawn = mark_safe(shape)  # noqa: S308 - one of these
    return format_html('<svg class="strip" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>', DAY_WIDTH, HEIGHT, drawn)


def legend(words: Mapping[str, object], marked: object) -> list[tuple[SafeString, object]]:
    """Each shape with its words."""
    return [
        *((sample(_day(0, kind, False)), word) for kind, word in words.items()),
        (sample(MARK.format(2, 12)), marked),
    ]


def _day(x: int, kind: str, marked: bool) -> str:
    inset = 6 if kind == "unknown" else 1
    return SHAPES[kind].format(x + inset) + (MARK.format(x + 2, 0) if marked else "")

"""Draws docs/meeting.md and docs/room.md from the table, with a picture of each pattern: `python -m recorder.meeting.drawing`.

A test holds all of it to the table.
"""

from itertools import accumulate
from pathlib import Path

from recorder.meeting import tone
from recorder.meeting.fault import Fault, Language
from recorder.meeting.light import ASK, BLINKS, RECORDING_LIGHT, Pattern, recording_light
from recorder.meeting.table import TABLE, Event, State
from recorder.meeting.words import heard, words

DOCS = Path(__file__).parents[2] / "docs"
MEETING, ROOM, PATTERNS = DOCS / "meeting.md", DOCS / "room.md", DOCS / "patterns"
BEGIN, END = "<!-- drawn from recorder/meeting/table.py -->", "<!-- end of the drawing -->"
LIT, UNLIT, LINE = "#d33a2c", "#3b3b3b", "#8a8a8a"
PICTURE_MS = 6_000
PATTERNS_DRAWN = {*RECORDING_LIGHT.values(), *BLINKS.values()}
TONES = (tone.ANNOUNCE, tone.START, tone.END, tone.REFUSED, tone.QUESTION, tone.TROUBLE)
SEEN: dict[Language, tuple[str, str, str]] = {
    "nl": ("Het lampje", "Het tweede lampje", "Er is iets mis: tel hoe vaak het knippert"),
    "en": ("The light", "The second light", "Something is wrong: count the blinks"),
}
HEARD: dict[Language, str] = {
    "nl": "Wat u hoort, waar een luidspreker is",
    "en": "What you hear, where there is a speaker",
}
HEADS: dict[Language, str] = {"nl": "| wat u ziet | wat het betekent |", "en": "| what you see | what it means |"}


def meeting() -> str:
    """The diagram, the table and the light, as Markdown."""
    arrows = (f"    {state} --> {then}: {event}" for (state, event), (then, _) in TABLE.items() if state is not then)
    rows = (
        f"| {state} | {event} | {then} | {', '.join(actions) or 'nothing'} |"
        for (state, event), (then, actions) in TABLE.items()
    )
    lights = (f"| {state} | {recording_light(state).name} |" for state in State)
    ignored = (f"| {state} | {', '.join(event for event in Event if (state, event) not in TABLE)} |" for state in State)
    return "\n".join(
        [
            "```mermaid\nstateDiagram-v2\n    [*] --> idle",
            *arrows,
            "```\n",
            "| in | when | then | and do, in this order |\n|---|---|---|---|",
            *rows,
            "\n| state | the client's light |\n|---|---|",
            *lights,
            "\n| in | ignored |\n|---|---|",
            *ignored,
        ]
    )


def room(language: Language) -> str:
    """What the two lights say, as Markdown tables with pictures, for the people in the room."""
    first, second, wrong = SEEN[language]
    shown = [(state, erased) for state in State for erased in ((True, False) if state is State.REFUSED else (False,))]
    states = "\n".join(
        f"| {_shown(recording_light(state))} | {words(state, language, erased=erased)} |" for state, erased in shown
    )
    faults = "\n".join(f"| {_shown(BLINKS[fault])} | {fault.words(language)} |" for fault in Fault)
    asks = f"| {_shown(ASK)} | {words(State.PROMPT, language)} |"
    rule = "|---|---|"
    tones = "\n".join(f"- {heard(each, language)}" for each in TONES)
    return f"""### {first}

{HEADS[language]}
{rule}
{states}

### {second}

{wrong}.

{HEADS[language]}
{rule}
{asks}
{faults}

### {HEARD[language]}

{tones}"""


def picture(pattern: Pattern) -> str:
    """Six seconds of a pattern as SVG: a lamp that shows it, and the same drawn out from left to right."""
    segments = pattern.segments_ms
    bars, steps = [], []
    if segments:
        period = sum(segments)
        for begin in range(0, PICTURE_MS, period):
            ends = [begin + end for end in accumulate(segments)]
            for start, end in list(zip([begin, *ends], ends, strict=False))[::2]:
                width = (min(end, PICTURE_MS) - start) * 240 / PICTURE_MS
                if width > 0:
                    bars.append(
                        f'<rect x="{40 + start * 240 / PICTURE_MS:.1f}" y="8" width="{width:.1f}" height="16"/>'
                    )
        at = 0
        for number, segment in enumerate(segments):
            colour = UNLIT if number % 2 else LIT
            steps.append(f"{at * 100 / period:.2f}%{{fill:{colour}}}")
            at += segment
    style = (
        f"@keyframes p{{{''.join(steps)}}}circle{{fill:{LIT};animation:p {sum(segments)}ms step-end infinite}}"
        "@media(prefers-reduced-motion:reduce){circle{animation:none}}"
        if segments
        else f"circle{{fill:{UNLIT}}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="290" height="32" role="img" aria-label="{pattern.name}">'
        f"<title>{pattern.name}</title><style>{style}</style>"
        f'<circle cx="16" cy="16" r="11" stroke="{LINE}" stroke-width="2"/>'
        f'<path d="M40 24h240" stroke="{LINE}"/><g fill="{LIT}">{"".join(bars)}</g></svg>\n'
    )


def drawn(page: str, drawing: str) -> str:
    """`page` with its drawing made anew."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{drawing}\n{END}{tail}"


def files() -> dict[Path, str]:
    """Everything that is drawn, by file."""
    pages = {
        MEETING: meeting(),
        ROOM: f"## Nederlands\n\n{room('nl')}\n\n## English\n\n{room('en')}",
    }
    return {
        **{file: drawn(file.read_text(encoding="utf-8"), drawing) for file, drawing in pages.items()},
        **{PATTERNS / _file(pattern): picture(pattern) for pattern in PATTERNS_DRAWN},
    }


def _shown(pattern: Pattern) -> str:
    return f"![{pattern.name}](patterns/{_file(pattern)})"


def _file(pattern: Pattern) -> str:
    return pattern.name.replace(" ", "-") + ".svg"


if __name__ == "__main__":
    PATTERNS.mkdir(exist_ok=True)
    for file, text in files().items():
        file.write_text(text, encoding="utf-8")

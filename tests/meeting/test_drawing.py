"""What docs/ tells of the meeting is what the table, the lights and the words say."""

import re
import xml.etree.ElementTree as ET

import pytest

from recorder.meeting.drawing import BEGIN, END, MEETING, PATTERNS, PATTERNS_DRAWN, ROOM, drawn, files, meeting, picture
from recorder.meeting.fault import Fault, Language
from recorder.meeting.light import Pattern
from recorder.meeting.table import TABLE, Event, State
from recorder.meeting.tone import TONES
from recorder.meeting.words import heard, words


def test_everything_that_is_drawn_is_as_it_would_be_drawn_now() -> None:
    for file, text in files().items():
        assert file.read_text(encoding="utf-8") == text, f"{file.name}: run `make docs`"
    assert set(PATTERNS.iterdir()) <= set(files()), "a picture of a pattern that is no more"


@pytest.mark.parametrize("file", [MEETING, ROOM])
def test_drawing_replaces_the_drawing_alone(file: object) -> None:
    page = file.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert page.count(BEGIN) == page.count(END) == 1
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    assert drawn(f"{head}{BEGIN}\nan old drawing\n{END}{tail}", "new") == f"{head}{BEGIN}\nnew\n{END}{tail}"


def test_every_pair_is_in_the_drawing_once_as_a_row_or_as_ignored() -> None:
    _, rows, _, ignored = meeting().split("\n\n")
    for state in State:
        line = next(line for line in ignored.splitlines() if line.startswith(f"| {state} |"))
        names = [name.strip() for name in line.split("|")[2].split(",")]
        for event in Event:
            listed = any(row.startswith(f"| {state} | {event} | ") for row in rows.splitlines())
            assert listed == ((state, event) in TABLE)
            assert (event in names) != listed


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_state_and_every_fault_is_told_in_both_languages(language: Language) -> None:
    page = ROOM.read_text(encoding="utf-8")
    states = {words(state, language, erased=erased) for state in State for erased in (False, True)}
    assert len(states) == len(State) + 1, "a no that erased something says more"
    for told in (*states, *(fault.words(language) for fault in Fault)):
        assert f"| {told} |" in page
    assert all(f"- {heard(tone, language)}\n" in page for tone in TONES)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_words_are_short(language: Language) -> None:
    """N5: sentences of twelve words at most, on average."""
    told = " ".join(words(state, language) for state in State)
    sentences = re.findall(r"[^.?!]+[.?!]", told)
    assert sum(len(sentence.split()) for sentence in sentences) / len(sentences) <= 12


@pytest.mark.parametrize("pattern", sorted(PATTERNS_DRAWN, key=lambda each: each.name), ids=lambda each: each.name)
def test_a_picture_shows_when_a_pattern_is_lit(pattern: Pattern) -> None:
    drawing = ET.fromstring(picture(pattern))
    bars = [
        (float(bar.get("x", 0)), float(bar.get("width", 0))) for bar in drawing.iter("{http://www.w3.org/2000/svg}rect")
    ]
    for at_ms in range(20, 6_000, 40):
        x = 40 + at_ms * 240 / 6_000
        near_an_edge = any(min(abs(x - begin), abs(x - begin - width)) < 0.3 for begin, width in bars)
        if not near_an_edge:
            assert any(begin <= x <= begin + width for begin, width in bars) == pattern.lit_at(at_ms)

"""docs/meeting.md is what the table draws."""

from recorder.meeting.drawing import BEGIN, END, PAGE, drawing, drawn
from recorder.meeting.table import TABLE, Event, State


def test_the_page_is_drawn_from_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert drawn(page) == page, "run `make docs`"


def test_drawing_replaces_the_drawing_alone() -> None:
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    assert drawn(f"{head}{BEGIN}\nan old drawing\n{END}{tail}") == page


def test_every_pair_is_in_the_drawing_once_as_a_row_or_as_ignored() -> None:
    _, rows, _, ignored = drawing().split("\n\n")
    for state in State:
        line = next(line for line in ignored.splitlines() if line.startswith(f"| {state} |"))
        names = [name.strip() for name in line.split("|")[2].split(",")]
        for event in Event:
            listed = any(row.startswith(f"| {state} | {event} | ") for row in rows.splitlines())
            assert listed == ((state, event) in TABLE)
            assert (event in names) != listed

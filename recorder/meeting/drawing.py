"""Draws docs/meeting.md from the table: `python -m recorder.meeting.drawing`. A test holds the drawing to the table."""

from pathlib import Path

from recorder.meeting.light import recording_light
from recorder.meeting.table import TABLE, Event, State

PAGE = Path(__file__).parents[2] / "docs" / "meeting.md"
BEGIN, END = "<!-- drawn from recorder/meeting/table.py -->", "<!-- end of the drawing -->"


def drawing() -> str:
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


def drawn(page: str) -> str:
    """`page` with its drawing made anew."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{drawing()}\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

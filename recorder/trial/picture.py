"""Draws docs/panel.svg, the README's picture, with the panel's own code: `python -m recorder.trial.picture`."""

import io
import re
from pathlib import Path

from rich.console import Console

from recorder.audio import TICKS_PER_SECOND
from recorder.trial.terminal import HELP, panel
from recorder.wire.status import Report, Status

FILE = Path(__file__).parents[2] / "docs" / "panel.svg"
EXAMPLE = Report(
    status=Status(room="room-1", online=True, state="recording"),
    light="steady",
    lit=True,
    attention="dark",
    connected=True,
    elapsed_ticks=754 * TICKS_PER_SECOND,
    rms_dbfs=-27.0,
    peak_dbfs=-9.0,
    waiting=1,
    sealed=754,
    receipted=753,
)


def picture() -> str:
    """The panel of a room in the middle of a recording, as SVG."""
    console = Console(record=True, width=78, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(panel(EXAMPLE, "en", HELP))
    drawn = console.export_svg(title="make run", unique_id="panel")
    return re.sub(
        r"@font-face \{.*?\}\n", "", drawn, flags=re.DOTALL
    )  # a picture that fetches fonts tells who looks at it


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8")

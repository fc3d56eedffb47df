"""The room's panel in a terminal: light, state, level, time, and what the archive has signed for."""

import contextlib
import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from recorder.audio import TICKS_PER_SECOND
from recorder.trial.performance import Performance
from recorder.wire.status import Report

TURN_SECONDS = 0.1
LEVEL_DBFS_MIN = -60.0
KEYS = {"s": "start", "r": "refuse", "l": "lift", "m": "mark"}
HELP = "s start/stop   r refuse   l hold refuse: lift the no   m mark   q quit"
WORDS = {
    "idle": "Ready. Nothing is recorded.",
    "preparing": "Recording starts soon. Say no now and nothing is kept.",
    "asking": "May this be recorded? Who agrees presses start; one no is a no for all.",
    "agreed": "Who else agrees? Press start; one no is a no for all.",
    "notice": "Recording starts soon. Say no now and nothing is kept.",
    "lighting": "The light is being checked.",
    "opening": "The microphone is opening.",
    "recording": "Recording.",
    "prompt": "Recording. Is anybody there? Press start, or it ends.",
    "interrupted": "The microphone is gone. Recording goes on as soon as it is back.",
    "ending": "Ending.",
    "grace": "Ended. Until the time is over the client may still refuse.",
    "refused": "Refused. Nothing is kept, and nothing can start.",
    "fault": "Fault. Nothing is recorded.",
}


def show(performance: Performance, console: Console) -> None:
    """Show the panel and pass keys on as presses, until `q` or the room's end.

    Then it is taken away: a light that stays on the screen would tell of a room that is no more.
    """
    with _keys() as keys, Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            performance.follow()
            report = performance.room.report
            if report is not None:
                live.update(panel(report), refresh=True)
            for key in keys(TURN_SECONDS):
                if key == "q":
                    return
                if key in KEYS:
                    performance.room.press(KEYS[key])
            if performance.room.process.poll() is not None:
                return


def panel(report: Report) -> RenderableType:
    """The panel of one report."""
    state = report.status.state
    light = Text("●" if report.lit else "○", style="bold red" if report.lit else "dim")
    head = Text.assemble(light, "  ", (WORDS.get(state, state), "bold"))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", style="dim")
    grid.add_column()
    if report.elapsed_ticks:
        grid.add_row("recorded", _clock(report.elapsed_ticks / TICKS_PER_SECOND))
    if report.seconds_left:
        grid.add_row("seconds left", f"{report.seconds_left:.0f}")
    grid.add_row("level", _meter(report.rms_dbfs, report.peak_dbfs))
    grid.add_row("sealed", f"{report.sealed} blocks")
    grid.add_row("archive signed", f"{report.receipted} of {report.sealed}, {report.status.waiting} waiting")
    grid.add_row(
        "archive", "connected" if report.connected else Text("no connection; everything is kept here", "yellow")
    )
    if report.attention != "dark":
        grid.add_row("attention light", report.attention)
    for text, style in ((report.alarm, "bold yellow"), (report.status.fault, "bold red")):
        if text:
            grid.add_row("", Text(text, style=style))
    return Panel(
        Group(head, "", grid, "", Text(HELP, style="dim")), title=f"Wederhoor · {report.status.room}", width=78
    )


def _meter(rms_dbfs: float, peak_dbfs: float) -> RenderableType:
    """A bar from LEVEL_DBFS_MIN to full scale, with the numbers: never by colour alone."""
    grid = Table.grid(padding=(0, 1))
    share = max(0.0, min(1.0, 1 - rms_dbfs / LEVEL_DBFS_MIN))
    grid.add_row(ProgressBar(total=1.0, completed=share, width=30), f"{rms_dbfs:5.0f} dB, peak {peak_dbfs:.0f}")
    return grid


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """Keys as they are pressed, without Enter; the terminal as it was afterwards."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)

    def read(seconds_max: float) -> str:
        """The keys pressed by then; waits for the first one."""
        ready, _, _ = select.select([terminal], [], [], seconds_max)
        return os.read(terminal, 64).decode(errors="replace") if ready else ""

    try:
        yield read
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)

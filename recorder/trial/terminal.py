"""The room's panel in a terminal: light, state, level, time, and what the archive has signed for."""

import contextlib
import os
import select
import signal
import socket
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from recorder.audio import TICKS_PER_SECOND
from recorder.errors import PanelError
from recorder.meeting.fault import Fault, Language
from recorder.meeting.light import DARK
from recorder.meeting.table import State
from recorder.meeting.words import words
from recorder.trial.performance import MARKED_STATE, REFUSED_STATE, Performance
from recorder.trial.room import RoomProcess
from recorder.wire.status import Report

TURN_SECONDS = 0.1
SECONDS_TOLD_MAX = 120.0
"""Of what is left; more is told in minutes."""
LEVEL_DBFS_MIN = -60.0
KEYS = {"s": "start", "r": "refuse", "l": "lift", "m": "mark", "e": "end"}
QUIT = "q\x03"
"""Control-C as well: a signal would go to broker, archive and room too, and the meeting could not be ended any more."""
HELP = "s start/stop/yes   r refuse   l lift an earlier no   m mark   q quit"
HELP_WITH_END = HELP.replace("q quit", "e end   q quit")
NO_END_BUTTON = "This room has no button for the client's end: panel.end_button is 0."
NO_RECORDING = "Nothing is recorded that could be marked."
NO_EARLIER_NO = "There is no earlier no to lift; r says one."
HOLDING = "The refuse button is being held, to lift an earlier no …"
LABELS: dict[Language, tuple[str, ...]] = {
    "nl": ("opgenomen", "gemarkeerd", "nog", "geluid", "verzegeld", "archief tekende", "archief", "tweede lampje"),
    "en": ("recorded", "marked", "left", "level", "sealed", "archive signed", "archive", "second light"),
}
SIGNED: dict[Language, str] = {
    "nl": "voor {0} van {1} blokken; in totaal wacht hier nog {2}",
    "en": "for {0} of {1} blocks; still waiting here in all: {2}",
}
"""What waits is more than blocks: beginning, end and key of a recording, and earlier ones."""
BACKLOG: dict[Language, tuple[str, str]] = {
    "nl": ("eerder opgenomen", "nog {0} van {1} stukken te gaan"),
    "en": ("recorded before", "{0} of {1} items still to go"),
}
ROAD: dict[Language, tuple[str, str]] = {
    "nl": ("verbonden", "geen verbinding; alles wordt hier bewaard"),
    "en": ("connected", "no connection; everything is kept here"),
}


def show(performance: Performance, console: Console) -> None:
    """Show the panel and pass keys on as presses, until `q` or the room's end.

    Then it is taken away: a light that stays on the screen would tell of a room that is no more.
    """
    keys_there = HELP_WITH_END if performance.has_end_button else HELP
    told, lifting = keys_there, 0.0
    with _keys() as keys, Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            performance.follow()
            report = performance.room.report
            if told is HOLDING and time.monotonic() > lifting:
                told = keys_there
            if report is not None:
                live.update(panel(report, "en", told, _marks(performance.room, report)), refresh=True)
            for key in keys(TURN_SECONDS):
                told = keys_there
                if key in QUIT:
                    return
                if key == "m" and performance.room.state != MARKED_STATE:
                    told = NO_RECORDING
                elif key == "l" and performance.room.state != REFUSED_STATE:
                    told = NO_EARLIER_NO
                elif key == "e" and not performance.has_end_button:
                    told = NO_END_BUTTON
                elif key in KEYS:
                    performance.room.press(KEYS[key])
                    if key == "l":
                        told, lifting = HOLDING, time.monotonic() + performance.lift_seconds
            if performance.room.process.poll() is not None:
                return


def watch(window: Path, language: Language, console: Console) -> None:
    """Show the panel of the room behind `window` until it ends. A PanelError if there is none."""
    decoder = msgspec.json.Decoder(Report)
    with socket.socket(socket.AF_UNIX) as reports:
        try:
            reports.connect(str(window))
        except OSError as error:
            raise PanelError(f"{window}: no room shows itself there: {error.strerror}. Is it running?") from error
        with (
            reports.makefile("rb") as lines,
            Live(console=console, auto_refresh=False, transient=console.is_terminal) as live,
        ):
            for line in lines:
                live.update(panel(decoder.decode(line), language), refresh=True)


def panel(report: Report, language: Language, keys: str = "", marks: int = 0) -> RenderableType:
    """The panel of one report; `keys` tells what can be pressed, where something can, and `marks` what was marked there."""
    state = State(report.status.state)
    recorded, marked, left, level, sealed, signed, archive, second = LABELS[language]
    light = Text("●" if report.lit else "○", style="bold red" if report.lit else "dim")
    head = Text.assemble(light, "  ", (words(state, language, erased=report.erased), "bold"))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", style="dim")
    grid.add_column()
    if report.elapsed_ticks:
        grid.add_row(recorded, _clock(report.elapsed_ticks / TICKS_PER_SECOND))
    if report.elapsed_ticks and marks:
        grid.add_row(marked, f"{marks} ×")
    if report.seconds_left:
        grid.add_row(left, _left(report.seconds_left))
    grid.add_row(level, _meter(report.rms_dbfs, report.peak_dbfs))
    grid.add_row(sealed, f"{report.sealed}")
    grid.add_row(signed, SIGNED[language].format(report.receipted, report.sealed, report.waiting))
    if report.backlog:
        earlier, to_go = BACKLOG[language]
        grid.add_row(earlier, to_go.format(report.backlog, report.backlog + report.caught_up))
    road = ROAD[language][not report.connected]
    grid.add_row(archive, road if report.connected else Text(road, "yellow"))
    if report.attention != DARK.name:
        grid.add_row(second, report.attention)
    faults = [Fault[name.upper()] for name in report.status.faults]
    for fault in faults:
        grid.add_row("", Text(fault.words(language), style="bold red" if fault.grave else "bold yellow"))
    told = {fault.words("en") for fault in faults}  # of what a room has no more to say than its fault does
    for text in (report.status.fault, report.alarm):
        if text and text not in told:
            grid.add_row("", Text(text, style="dim"))
    return Panel(
        Group(head, "", grid, *(("", Text(keys, style="dim")) if keys else ())),
        title=f"Wederhoor · {report.status.room}",
        width=78,
    )


def _meter(rms_dbfs: float, peak_dbfs: float) -> RenderableType:
    """A bar from LEVEL_DBFS_MIN to full scale, with the numbers: never by colour alone."""
    grid = Table.grid(padding=(0, 1))
    share = max(0.0, min(1.0, 1 - rms_dbfs / LEVEL_DBFS_MIN))
    grid.add_row(ProgressBar(total=1.0, completed=share, width=30), f"{rms_dbfs:5.0f} dB, peak {peak_dbfs:.0f}")
    return grid


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"


def _marks(room: RoomProcess, report: Report) -> int:
    return sum(h.detail == "mark" for h in room.happened("pressed", report.recording))


def _left(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds <= SECONDS_TOLD_MAX else f"{seconds / 60:.0f} min"


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """Keys as they are pressed, without Enter, Control-C among them; the terminal as it was afterwards."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)

    def take(*_: object) -> None:
        with contextlib.suppress(termios.error):  # it was closed, which continues whoever was stopped
            tty.setcbreak(terminal)
            own = termios.tcgetattr(terminal)
            own[6][termios.VINTR] = b"\0"  # no character; else Control-C would be a signal
            termios.tcsetattr(terminal, termios.TCSADRAIN, own)

    def read(seconds_max: float) -> str:
        """The keys pressed by then; waits for the first one. A terminal that is closed says `q`."""
        ready, _, _ = select.select([terminal], [], [], seconds_max)
        try:
            return (os.read(terminal, 64).decode(errors="replace") or QUIT[0]) if ready else ""
        except OSError:
            return QUIT[0]

    take()
    continued = signal.signal(
        signal.SIGCONT, take
    )  # a shell gives a program that it continues the terminal of all others
    try:
        yield read
    finally:
        signal.signal(signal.SIGCONT, continued)
        with contextlib.suppress(termios.error):  # it was closed
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)

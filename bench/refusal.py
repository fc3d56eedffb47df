"""`python -m bench.refusal`: how long a no takes, with the encoder at work, the processors busy and the card slow.

Each no is said in a real room that records: real capture process, sound card, hold and card; the button is a mock pin. Three
moments are taken by the room itself, on one clock: the press reaches the GPIO callback, the capture process is sent its
SIGKILL, the hold key is overwritten and read back. Meanwhile a busy process sits on each processor, and another writes and
syncs beside the spool without a pause; and another room does the same at the same time, so that a thousand noes take less
than an hour. The rooms go before these processes, as their unit has it (systemd/, `CPUWeight=`); without the right to that,
which root has, they do not, and the result says so. Exits with 1 if a target is missed.
"""

import argparse
import contextlib
import math
import os
import queue
import random
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from pathlib import Path

from rich.console import Console
from rich.progress import track

from bench import command, results
from bench.figures import Line
from bench.processes import running
from recorder.errors import TrialError
from recorder.meeting.presses import SAME_NO_SECONDS
from recorder.trial.machines import Machines
from recorder.trial.room import RoomProcess
from recorder.trial.soundstage import MICROPHONE, SoundStage

SHUT_MS_MAX, ERASED_MS_MAX = 20.0, 50.0
"""At the 99.9th percentile."""
SHARE = 0.999
ROOMS = 2
WEIGHT_RATIO = 10
"""By which a room goes before others: as systemd/wederhoor-room.service says."""
ROOM_NICE = -10
"""Which gives about that weight: 9,548 to 1,024 (sched(7))."""
AUTOGROUP = Path("/proc/sys/kernel/sched_autogroup_enabled")
"""Where this is 1, a session is weighed as a whole, and the niceness of its processes counts among them alone."""
STEP_SECONDS_MAX = 60.0
BAR_WIDTH = 40
SETTINGS = {
    "microphone": MICROPHONE,
    "seal": {"block_seconds": 0.2},  # a no may come once one is sealed: so less time is spent on waiting
    "meeting": {"notice_seconds": 0.0, "lift_seconds": 1.0},
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.refusal", description="How long a no takes in a busy room.")
    parser.add_argument(
        "--refusals", type=int, default=1_000, help="how many (default %(default)s, which takes the most of an hour)"
    )
    count = parser.parse_args().refusals
    console = Console(highlight=False)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, ROOM_NICE)  # for the rooms, which take it over
    shut, erased = measure(count, console)
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    lines = [
        Line("noes", f"{len(shut)}; the rooms at the weight of nice {nice}, what disturbs them at that of 0"),
        _line("from the press to the tap shut", shut, SHUT_MS_MAX),
        _line("from the press to the key destroyed", erased, ERASED_MS_MAX),
    ]
    console.print(f"\n{lines[0].value}")
    for line, times in zip(lines[1:], (shut, erased), strict=True):
        console.print(f"\n{line.name}: {line.value} (target {line.target}) {line.verdict}")
        _draw(times, console)
    return results.finish(lines, {"shut_ms": shut, "erased_ms": erased}, "refusal", console)


def measure(count: int, console: Console) -> tuple[list[float], list[float]]:
    """Milliseconds from each press to the tap shut, and to the key destroyed."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        stage = stack.enter_context(SoundStage())
        rooms, free = [], queue.SimpleQueue[RoomProcess]()
        for number in range(ROOMS):
            machines = stack.enter_context(Machines(folder / f"room-{number}", SETTINGS, stage.environment))
            rooms.append(machines.start_room())
            _go_before(rooms[-1].process.pid)
            rooms[-1].wait_for("first report", lambda it: it.report is not None, STEP_SECONDS_MAX)
            free.put(rooms[-1])

        def refuse_somewhere(wait_seconds: float) -> None:
            room = free.get()
            _refuse_once(room, wait_seconds)
            free.put(room)

        stack.enter_context(_busy(folder))
        chance = random.Random(1)
        waits = [chance.random() for _ in range(count)]
        hands = stack.enter_context(ThreadPool(ROOMS))
        for _ in track(hands.imap_unordered(refuse_somewhere, waits), "saying no", total=count, console=console):
            pass
        found = [times for room in rooms for times in _times(room)]
        if len(found) != count:
            raise TrialError(f"of {count} noes the rooms told of {len(found)}")
    return [shut for shut, _ in found], [erased for _, erased in found]


def _go_before(pid: int) -> None:
    """Let the session that this process leads have the weight of its processes, where sessions are weighed."""
    with contextlib.suppress(FileNotFoundError):
        if AUTOGROUP.read_text().strip() == "1":
            Path(f"/proc/{pid}/autogroup").write_text(str(os.getpriority(os.PRIO_PROCESS, pid)))


def _times(room: RoomProcess) -> Iterator[tuple[float, float]]:
    """Of each no of this room, from the press on: until the tap was shut, and until the key was destroyed."""
    pressed, killed, erased = (
        [each.monotonic_ms for each in room.happened(name)] for name in ("pressed", "killed", "erased")
    )
    for shut in killed:  # a press that lifts a no erases too, and finds no tap
        before, after = [each for each in pressed if each <= shut], [each for each in erased if each >= shut]
        if not (before and after):
            raise TrialError(f"{shut:.0f} ms: a tap was shut without a press, or without an erasure")
        yield shut - before[-1], after[0] - before[-1]


def _refuse_once(room: RoomProcess, wait_seconds: float) -> None:
    sealed, purged = len(room.happened("sealed")), len(room.happened("erased"))
    room.press("start")
    room.wait_for("block", lambda it: len(it.happened("sealed")) > sealed, STEP_SECONDS_MAX)
    time.sleep(wait_seconds)
    room.press("refuse")
    room.wait_for("erasure", lambda it: len(it.happened("erased")) > purged and it.state == "refused", STEP_SECONDS_MAX)
    time.sleep(2 * SAME_NO_SECONDS)
    room.press("lift")
    room.wait_for("idle room", lambda it: it.state == "idle", STEP_SECONDS_MAX)


@contextlib.contextmanager
def _busy(folder: Path) -> Iterator[None]:
    """A process on each processor that never rests, and one that writes and syncs where the spool is."""
    with contextlib.ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            stack.enter_context(running(_compute))
        stack.enter_context(running(_write, folder / "noise"))
        yield


def _compute() -> None:
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    while True:
        sum(range(100_000))


def _write(file: Path) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    while True:
        with file.open("wb", buffering=0) as out:
            for _ in range(64):
                out.write(bytes(1_048_576))
                os.fsync(out.fileno())


def _line(name: str, times: list[float], target_ms: float) -> Line:
    ordered = sorted(times)
    at = ordered[math.ceil(SHARE * len(ordered)) - 1]  # the smallest that so many do not exceed
    middle = ordered[len(ordered) // 2]
    value = f"{at:.2f} ms at 99.9 % of {len(times)}; median {middle:.2f} ms, longest {ordered[-1]:.2f} ms"
    return Line(name, value, f"{target_ms:.0f} ms at most", at <= target_ms)


def _draw(times: list[float], console: Console) -> None:
    """How many took how long, each row twice the one before."""
    edge = 0.0625
    while any(time >= edge / 2 for time in times):
        count = sum(edge / 2 <= each < edge or (edge == 0.0625 and each < edge) for each in times)
        console.print(f"  < {edge:8.3f} ms {'█' * round(BAR_WIDTH * count / len(times)):{BAR_WIDTH}} {count}")
        edge *= 2


if __name__ == "__main__":
    command.run(main)

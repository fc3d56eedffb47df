"""`python -m bench.fleet`: how many rooms may record at once, and what gives way first.

Rooms of the device's own sender and uplink seal blocks of 32 kbit/s and send them over mutual TLS through a real Mosquitto to
a real archive, all on this machine. A number of rooms is borne if 99 of 100 blocks have their receipt within two seconds, and
all of them in the end. For each length of a block the largest number is looked for by short runs; that of the first length is
then held for long. The rooms take processor time too, here: a real room has its own. Where they take more than the archive, the
figure is what the machine bears of rooms and archive together, and the archive alone bears more.

Exits with 1 if neither what the short runs found holds, nor seven tenths of it.
"""

import argparse
import contextlib
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from bench import command, processes, results
from bench.figures import Line
from bench.processes import SPAWN, running
from bench.rooms import Load, Outcome, run
from bench.site import Site
from recorder import config
from recorder.errors import TrialError

SECONDS_MAX = 2.0
SHARE = 0.99
BLOCK_SECONDS = (1.0, 2.0, 5.0)
ROOMS_FIRST = 100
ROOMS_MAX = 20_000
PRECISION = 1.25
"""The largest number borne and the smallest not borne are nearer to each other than this when the search ends."""
HELD_SHARES = (1.0, 0.7)
"""Of the largest number that short runs bore: what is tried for long, until one holds."""
ROOMS_A_PROCESS = 300
"""Of three open files each, of which the client library may have a thousand."""
SETTLE_SECONDS = 5.0
READY_SECONDS_MAX = 300.0


@dataclass(frozen=True, slots=True)
class Run:
    """What came of so many rooms."""

    rooms: int
    block_seconds: float
    outcome: Outcome
    cores: dict[str, float]
    """Processors in use while it was measured, by whom."""

    @property
    def latency(self) -> float:
        """Seconds within which SHARE of the blocks had their receipts."""
        found = sorted(self.outcome.seconds)
        return found[min(len(found) - 1, int(SHARE * len(found)))] if found else float("inf")

    @property
    def borne(self) -> bool:
        return self.latency < SECONDS_MAX and not self.outcome.unsigned and not self.outcome.lost

    @property
    def told(self) -> str:
        found = self.outcome.seconds
        missing = f"; {self.outcome.unsigned} blocks without a receipt" if self.outcome.unsigned else ""
        lost = f"; {self.outcome.lost} connections lost" if self.outcome.lost else ""
        half = f"half {statistics.median(found):.2f} s, " if found else ""
        return f"{half}99 of 100 {self.latency:.2f} s, of {len(found):,} blocks{missing}{lost}"

    @property
    def used(self) -> str:
        """By whom how much of a core; and what a block costs each."""
        blocks = self.rooms / self.block_seconds
        found = [f"{name} {share:.2f}" for name, share in self.cores.items()]
        each = [f"{name} {1e6 * share / blocks:,.0f}" for name, share in self.cores.items() if name != "others"]
        return f"{', '.join(found)}; in µs a block: {', '.join(each)}"

    @property
    def first(self) -> str:
        """What has the least left."""
        free = (os.cpu_count() or 1) - sum(self.cores.values())
        one = max((name for name in self.cores if name.startswith("the ")), key=self.cores.__getitem__)
        told = f"{one} ({self.cores[one]:.2f} of a core)"
        return f"{told}; of the machine's {os.cpu_count()} cores {max(0.0, free):.2f} are free"

    def json(self) -> dict[str, Any]:
        found = sorted(self.outcome.seconds)
        return {
            "rooms": self.rooms,
            "block_seconds": self.block_seconds,
            "blocks": len(found),
            "seconds": {f"{share:g}": found[int(share * (len(found) - 1))] for share in (0.5, 0.9, 0.99, 0.999, 1)}
            if found
            else {},
            "unsigned": self.outcome.unsigned,
            "lost": self.outcome.lost,
            "cores": self.cores,
        }


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.fleet", description="How many rooms may record at once.")
    parser.add_argument("--seconds", type=int, default=600, help="of the long run (default %(default)s; 0: none)")
    parser.add_argument("--look", type=int, default=20, help="seconds of each short run (default %(default)s)")
    parser.add_argument("--archives", type=int, default=1, help="intakes of the archive (default %(default)s)")
    parser.add_argument("--blocks", type=float, nargs="+", default=BLOCK_SECONDS, help="lengths of a block, in seconds")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    runs: list[Run] = []
    lines: list[Line] = []
    with Site() as site, site.intakes(arguments.archives) as intakes:
        fleet = Fleet(site, intakes, runs, console)
        for block_seconds in arguments.blocks:
            best = largest(lambda rooms, each=block_seconds: fleet.run(rooms, each, arguments.look))
            lines += _lines(best, [each for each in runs if each.block_seconds == block_seconds])
            if arguments.seconds and best is not None and block_seconds == arguments.blocks[0]:
                lines += _hold(fleet, best, arguments.seconds)
    results.tell(lines, console)
    return results.finish(lines, {"runs": [each.json() for each in runs]}, "fleet", console)


def largest(borne: Callable[[int], Run]) -> Run | None:
    """The run of the largest number of rooms that was borne; None if not even the first was."""
    best: Run | None = None
    at, above = ROOMS_FIRST, ROOMS_MAX
    while at < above:
        found = borne(at)
        if found.borne:
            best = found
        else:
            above = at
        below = best.rooms if best is not None else ROOMS_FIRST // 10
        if above / below < PRECISION:
            break
        at = min(2 * below, ROOMS_MAX) if above == ROOMS_MAX else round((above * below) ** 0.5)
    return best


def _hold(fleet: "Fleet", best: Run, seconds: int) -> list[Line]:
    """Let as many record for long as hold."""
    lines = []
    for share in HELD_SHARES:
        long = fleet.run(round(share * best.rooms), best.block_seconds, seconds)
        name, more = f"  {long.rooms:,} rooms for {seconds} s", share != HELD_SHARES[-1]
        if not long.borne and more:
            lines.append(Line(name, f"not borne: {long.told}"))
            continue
        lines.append(Line(name, long.told, f"99 of 100 below {SECONDS_MAX:g} s", long.borne))
        return [*lines, Line("  has the least left", long.first), Line("  cores in use", long.used)]
    return lines


class Fleet:
    """Runs of many rooms at one site."""

    def __init__(self, site: Site, intakes: list[int], runs: list[Run], console: Console) -> None:
        self._site = site
        self._intakes = intakes
        self._runs = runs
        self._console = console
        self._enrolled = 0

    def run(self, rooms: int, block_seconds: float, seconds: float) -> Run:
        """Let so many rooms record for so long."""
        if rooms > self._enrolled:
            self._site.enrol(_name(at) for at in range(self._enrolled, rooms))
            self._enrolled = rooms
        window = config.load(None).uplink.window
        names = [_name(at) for at in range(rooms)]
        count = -(-rooms // ROOMS_A_PROCESS)
        loads = [
            Load(
                self._site.folder,
                tuple(names[each::count]),
                self._site.broker.port,
                block_seconds,
                window,
                len(self._runs) + 1,
            )
            for each in range(count)
        ]
        with contextlib.ExitStack() as stack:
            pipes, pids = [], []
            for load in loads:
                pipe, process = stack.enter_context(_rooms(load))
                pipes.append(pipe)
                pids.append(process.pid or 0)
            for pipe in pipes:
                if not pipe.poll(READY_SECONDS_MAX):
                    raise TrialError("the rooms did not all connect")
                pipe.recv()
            settle = SETTLE_SECONDS + 2 * block_seconds
            for pipe in pipes:
                pipe.send((settle, seconds))
            time.sleep(settle)
            whom = {"the broker": [self._site.broker.pid], "the rooms": pids} | {
                f"the archive {at + 1}": [pid] for at, pid in enumerate(self._intakes)
            }
            before, began = _used(whom), time.monotonic()
            time.sleep(seconds)
            passed = time.monotonic() - began
            cores = {name: (used - before[name]) / passed for name, used in _used(whom).items()}
            outcome = Outcome()
            for pipe in pipes:
                its: Outcome = pipe.recv()
                outcome.seconds += its.seconds
                outcome.unsigned += its.unsigned
                outcome.lost += its.lost
                pipe.send("go")
        found = Run(rooms, block_seconds, outcome, cores)
        self._runs.append(found)
        verdict = "borne" if found.borne else "not borne"
        self._console.print(f"{rooms} rooms, blocks of {block_seconds:g} s: {verdict}: {found.told}; {found.used}")
        return found


@contextlib.contextmanager
def _rooms(load: Load) -> Any:
    ours, theirs = SPAWN.Pipe()
    with ours, running(run, load, theirs) as process:
        theirs.close()
        yield ours, process
        process.join(1.0)


def _used(whom: dict[str, list[int]]) -> dict[str, float]:
    """CPU seconds so far; and of all others on this machine."""
    used = {name: sum(processes.cpu(pid).own for pid in pids) for name, pids in whom.items()}
    return used | {"others": processes.machine_cpu() - sum(used.values())}


def _name(at: int) -> str:
    return f"room-{at + 1}"


def _lines(best: Run | None, runs: list[Run]) -> list[Line]:
    length = runs[0].block_seconds
    if best is None:
        return [Line(f"rooms, blocks of {length:g} s", "fewer than the first number tried")]
    found = [Line(f"rooms, blocks of {length:g} s", f"{best.rooms:,}; {best.told}")]
    worse = [each for each in runs if not each.borne]
    if worse:
        least = min(worse, key=lambda each: each.rooms)
        found.append(Line("  not borne", f"{least.rooms:,}; {least.told}"))
        found.append(Line("  has the least left then", least.first))
    return [*found, Line("  cores in use", best.used)]


if __name__ == "__main__":
    command.run(main)

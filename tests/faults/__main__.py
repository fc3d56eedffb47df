"""All faults and all pairs of them, on real processes: `make faults`. About half an hour on two cores.

    python -m tests.faults [--seed N] [--faults "archive killed; broker stopped"]

A run that went wrong is told with the options that play it again.
"""

import argparse
import contextlib
import signal
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.faults import matrix
from tests.faults.faults import BY_NAME
from tests.faults.players import Players
from tests.faults.run import Case, Outcome

PLAYERS = 3
"""They wait more than they work."""
WIDTH_COLUMNS = 160
"""Of a table that goes to a file."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--seed", type=int, default=None, help="what chance begins with (default: another one each time)"
    )
    parser.add_argument("--faults", default="", help="these alone, separated by semicolons")
    args = parser.parse_args()
    seed = int(time.time()) if args.seed is None else args.seed
    names = tuple(name.strip() for name in args.faults.split(";") if name.strip())
    if unknown := [name for name in names if name not in BY_NAME]:
        parser.error(f"there is no fault {unknown[0]!r}; there are: {'; '.join(BY_NAME)}")
    cases = [Case(names, seed)] if names else matrix.everything(seed)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_COLUMNS)
    console.print(f"{len(cases)} runs, seed {seed}")
    outcomes: list[Outcome] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    began = time.monotonic()
    with (
        contextlib.suppress(KeyboardInterrupt),  # what was played by then is told
        Progress(*columns, console=console) as progress,
        Players(min(PLAYERS, len(cases))) as players,
    ):
        task = progress.add_task("faults", total=len(cases))
        for outcome in players.play(cases):
            outcomes.append(outcome)
            for told in matrix.flawed([outcome]):
                console.print(told, style="red", markup=False)
            progress.advance(task)
    console.print(matrix.table(outcomes))
    console.print(f"{len(outcomes)} runs in {(time.monotonic() - began) / 60:.0f} min, seed {seed}")
    return int(len(outcomes) < len(cases) or any(outcome.verdict.wrong for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())

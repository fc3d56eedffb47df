"""The matrix: each fault by itself, each with each other one; and the table of what became of the blocks."""

import random
from collections.abc import Iterable, Iterator
from itertools import combinations

from rich.table import Table

from tests.faults.faults import FAULTS, Fault
from tests.faults.run import Case, Outcome

COLUMNS = ("runs", "struck", "sealed", "stored", "gaps", "cut short", "erased", "lost", "doubled", "wrong")


def everything(seed: int) -> list[Case]:
    """All faults, and all pairs."""
    pairs = (pair for pair in combinations(FAULTS, 2) if go_together(*pair))
    return [_case(seed, *faults) for faults in (*((fault,) for fault in FAULTS), *pairs)]


def some(seed: int) -> list[Case]:
    """Every fault once, together with another one."""
    chance = random.Random(seed)
    faults = chance.sample(FAULTS, len(FAULTS))
    cases = []
    while faults:
        first = faults.pop()
        second = next((fault for fault in faults if go_together(first, fault)), None)
        if second is not None:
            faults.remove(second)
        cases.append(_case(seed, *filter(None, (first, second))))
    return cases


def go_together(first: Fault, second: Fault) -> bool:
    """Whether there is an archive that both can be done to: it has one catalogue."""
    return {first.needs, second.needs} != {"sqlite", "postgresql"}


def table(outcomes: Iterable[Outcome]) -> Table:
    """A run with two faults stands under both, and once in the sum."""
    rows: dict[str, list[Outcome]] = {fault.name: [] for fault in FAULTS}
    every = list(outcomes)
    for outcome in every:
        for name in outcome.case.faults:
            rows[name].append(outcome)
    drawn = Table(box=None, header_style="dim")
    drawn.add_column("fault", no_wrap=True)
    for column in COLUMNS:
        drawn.add_column(column, justify="right", no_wrap=True)
    for name, those in rows.items():
        if those:
            struck = sum(name in outcome.struck for outcome in those)
            drawn.add_row(name, str(len(those)), str(struck), *_sums(those))
    drawn.add_section()
    drawn.add_row("all", str(len(every)), str(sum(bool(outcome.struck) for outcome in every)), *_sums(every))
    return drawn


def flawed(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """What was wrong, and how to run it again."""
    for outcome in outcomes:
        if outcome.verdict.wrong:
            yield f"{outcome.case}\n  {outcome.folder}\n" + "\n".join(f"  {each}" for each in outcome.verdict.wrong)


def _case(seed: int, *faults: Fault) -> Case:
    return Case(tuple(fault.name for fault in faults), seed)


def _sums(outcomes: list[Outcome]) -> list[str]:
    verdicts = [outcome.verdict for outcome in outcomes]
    sums = [sum(getattr(verdict, name) for verdict in verdicts) for name in _COUNTS]
    return [*map(str, sums), str(sum(bool(verdict.wrong) for verdict in verdicts))]


_COUNTS = ("sealed", "stored", "gaps", "cut", "erased", "lost", "doubled")

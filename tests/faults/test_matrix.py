"""Every fault once, with another one; and that the matrix would find what could be wrong. `make faults` plays all pairs."""

import re
import shutil
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from tests.faults import flaws, matrix
from tests.faults.faults import BY_NAME
from tests.faults.players import Players
from tests.faults.run import Case

PLAYERS = 2
WIDTH_COLUMNS = 160
SEEDS = range(1, 9)
FLAWED_SECONDS_MAX = 6.0
"""A flaw may keep a run from ever being done."""

pytestmark = pytest.mark.timeout(900)  # a minute on two idle cores; a busy machine takes many times that


@pytest.fixture(scope="module")
def players() -> Iterator[Players]:
    with Players(PLAYERS) as players:
        yield players


def test_nothing_is_lost_and_nothing_doubled(players: Players, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(time.time())
    outcomes = list(players.play(matrix.some(seed)))
    with capsys.disabled():
        print()
        Console(highlight=False, width=WIDTH_COLUMNS).print(matrix.table(outcomes))
        print(f"seed {seed}")
    assert {name for outcome in outcomes for name in outcome.case.faults} == BY_NAME.keys()
    assert not list(matrix.flawed(outcomes)), "\n".join(matrix.flawed(outcomes))
    assert sum(outcome.verdict.sealed for outcome in outcomes) > 10 * len(outcomes)


FOUND = {
    "forgets on PUBACK": ("archive killed", "lost|no receipt|nobody had carried out"),
    "sends nothing again": ("archive cut off", "not done"),
    "knows no backlog": ("device dies: everything is signed for, and nothing forgotten", "not done"),
    "lets a crash take a recording": ("device killed", "no receipt"),
    "writes no late receipts": ("device dies: a manifest is durable, and its receipt is not", "no consent receipt"),
    "signs before it stores": (
        "archive dies: a batch is judged, and nothing of it written",
        "lost|no receipt|not tell of",
    ),
    "stores duplicates": ("uploads of an earlier session again, in any order", "doubled"),
    "purges nothing": ("archive dies: a refusal is committed, and nothing deleted", "a refused block is in"),
    "adopts nothing": ("archive dies: there are objects, and no rows", "not done"),
    "rebuilds without keyboxes": ("catalogue lost", "not the one that was lost"),
}
"""By which fault each flaw is found, and what is told of it."""


@pytest.mark.parametrize("flaw", [*flaws.DEVICE, *flaws.ARCHIVE])
def test_a_flaw_is_found(players: Players, flaw: str) -> None:
    """Chance must strike at the right moment, so it is tried a few times. Without the flaw the same must go well meanwhile."""
    fault, seen = FOUND[flaw]
    for seed in SEEDS:
        cases = [Case((fault,), seed, each, FLAWED_SECONDS_MAX) for each in (flaw, "")]
        outcomes = {outcome.case.flaw: outcome for outcome in players.play(cases)}
        for outcome in outcomes.values():
            if outcome.folder:
                shutil.rmtree(outcome.folder)
        if outcomes[""].verdict.wrong:
            continue  # this machine is too busy to tell what takes for ever from what takes long
        if any(re.search(seen, each) for each in outcomes[flaw].verdict.wrong):
            return
    pytest.fail(f"with the flaw {flaw!r} the matrix finds nothing wrong")


def test_every_pair_is_played() -> None:
    played = [frozenset(case.faults) for case in matrix.everything(0)]
    number = len(BY_NAME)
    assert len(set(played)) == len(played) == number + number * (number - 1) // 2 - len(impossible())
    assert len(played) >= 1_000


def impossible() -> list[tuple[str, str]]:
    """An archive has one catalogue: what is done to a file cannot be done to a server."""
    return [
        (first, second)
        for first, one in BY_NAME.items()
        for second, other in BY_NAME.items()
        if one.needs == "sqlite" and other.needs == "postgresql"
    ]

"""spin walks every order in which presses, samples, a broken lamp, timers and a crash fall between the table's actions."""

import re
import subprocess
from pathlib import Path

import pytest

from recorder.meeting.table import TABLE, Action, Event, State
from tests.meeting.promela import model
from tests.meeting.rules import Table

S, E, A = State, Event, Action
SECONDS_MAX = 800
pytestmark = pytest.mark.timeout(900)  # half a minute on an idle core; a busy machine takes many times that
HASH = "-w24"
"""So that what ends early does not first clear half a gigabyte."""


def check(folder: Path, text: str) -> tuple[int, str]:
    """The errors that spin found in the model, and what it printed."""
    (folder / "meeting.pml").write_text(text)
    for command in (
        ("spin", "-a", "meeting.pml"),
        ("gcc", "-O2", "-DSAFETY", "-DCOLLAPSE", "-w", "-o", "pan", "pan.c"),
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=SECONDS_MAX)
    said = subprocess.run(
        ["./pan", "-m1000000", HASH], cwd=folder, check=True, capture_output=True, text=True, timeout=SECONDS_MAX
    ).stdout
    found = re.search(r"errors: (\d+)", said)
    assert found is not None, said
    assert "max search depth too small" not in said and "out of memory" not in said, said
    return int(found[1]), said


def test_no_order_of_events_breaks_a_promise(tmp_path: Path) -> None:
    errors, said = check(tmp_path, text := model(TABLE))
    assert errors == 0, said
    assert "Search not completed" not in said
    states = re.search(r"(\d+) states, stored", said)
    assert states is not None and int(states[1]) > 1_000_000, "so few states are no room"
    # Every row of the table was walked: spin lists what it could not reach by its line.
    lines = text.splitlines()
    unreached = {lines[int(number) - 1] for number in re.findall(r"meeting\.pml:(\d+), state", said)}
    rows = [line.strip() for line in lines if line.startswith("    :: state == S_")]
    assert len(rows) == len(TABLE)
    assert [row for row in rows if row in {line.strip() for line in unreached}] == []


def changed(*changes: tuple[tuple[State, Event], tuple[State, tuple[Action, ...]] | None]) -> Table:
    table: dict[tuple[State, Event], tuple[State, tuple[Action, ...]]] = dict(TABLE)
    for pair, row in changes:
        table.pop(pair, None)
        if row is not None:
            table[pair] = row
    return table


MUTANTS: dict[str, str] = {
    "a tap is opened though a no has just been said": model(TABLE, guarded=False),
    "nobody sees the edge of the lamp": model(TABLE, watched=False),
    "the light is not proven": model(changed(((S.NOTICE, E.NOTICE_OVER), (S.OPENING, (A.OPEN_TAP,))))),
    "nobody is told": model(changed(((S.PREPARING, E.CAPTURE_READY), (S.LIGHTING, ())))),
    "people are asked before they are told": model(
        changed(((S.PREPARING, E.CAPTURE_READY), (S.ASKING, (A.TIME_ANSWERS,))))
    ),
    "a no while recording is ignored": model(changed(((S.RECORDING, E.REFUSE_PRESSED), None))),
    "a no in the grace period is ignored": model(changed(((S.GRACE, E.REFUSE_PRESSED), None))),
    "released without a grace period": model(changed(((S.ENDING, E.CAPTURE_DONE), (S.GRACE, (A.RELEASE,))))),
    "the key is destroyed before the tap is shut": model(
        changed(((S.NOTICE, E.START_PRESSED), (S.IDLE, (A.DESTROY_KEY, A.SHUT_TAP, A.WRITE_EMPTY))))
    ),
    "recording resumes after a restart": model(changed(((S.IDLE, E.RECOVERED), (S.PREPARING, (A.PREPARE,))))),
    "a cleared fault starts": model(changed(((S.FAULT, E.FAULT_CLEARED), (S.PREPARING, (A.PREPARE,))))),
    "start lifts a no": model(changed(((S.REFUSED, E.START_PRESSED), (S.PREPARING, (A.PREPARE,))))),
    "a room asks, nobody answers, and it goes on": model(
        changed(
            ((S.PROMPT, E.PROMPT_OVER), None),
            *(((state, E.LIMIT_REACHED), None) for state in (S.RECORDING, S.PROMPT, S.INTERRUPTED)),
        )
    ),
    "a fault while ending is ignored": model(
        changed(((S.RECORDING, E.FAULT_FOUND), (S.RECORDING, ())), ((S.PROMPT, E.FAULT_FOUND), None)), watched=False
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_spin_finds_what_was_broken_on_purpose(mutant: str, tmp_path: Path) -> None:
    errors, said = check(tmp_path, MUTANTS[mutant])
    assert errors == 1, said

"""Leaving a trial: what is pressed, and in which state of the room."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from recorder import config
from recorder.errors import ScriptError
from recorder.trial.performance import Performance
from recorder.trial.script import Press

REPLACE = msgspec.structs.replace


class Room:
    """Goes from one state to the next whenever somebody waits for it."""

    report = None
    process = SimpleNamespace(poll=lambda: None)

    def __init__(self, *states: str) -> None:
        self._states = list(states)
        self.pressed: list[tuple[str, str]] = []

    @property
    def state(self) -> str:
        return self._states[0]

    def happened(self, *_: str) -> list[object]:
        return []

    def press(self, button: str) -> None:
        self.pressed.append((self.state, str(button)))

    def wait_for(self, what: str, seen: Callable[[Any], bool], seconds_max: float) -> None:
        while not seen(self):
            assert len(self._states) > 1, what
            del self._states[0]


@pytest.mark.parametrize(
    ("asks", "states", "pressed"),
    [
        (True, ("notice", "asking", "idle"), []),
        (True, ("asking", "idle"), []),
        (True, ("agreed", "lighting", "idle"), [("lighting", "stop")]),
        (False, ("notice", "idle"), [("notice", "stop")]),
        (False, ("recording", "ending", "grace"), [("recording", "stop")]),
    ],
)
def test_leaving_presses_nothing_that_could_be_a_yes(
    asks: bool, states: tuple[str, ...], pressed: list[tuple[str, str]]
) -> None:
    """R1: where everyone is asked a press in the notice may be heard when the room asks."""
    settings = config.load()
    settings = REPLACE(settings, meeting=REPLACE(settings.meeting, ask_everyone=asks))
    room = Room(*states)
    performance = Performance(room, settings, None, None)  # type: ignore[arg-type]
    performance.finish(lambda _: None)
    assert room.pressed == pressed


def test_a_no_is_lifted_where_one_stands_and_nowhere_else() -> None:
    """Held anywhere else, the same button says one."""
    room = Room("refused", "idle")
    performance = Performance(room, config.load(), None, None)  # type: ignore[arg-type]
    performance.act(Press.LIFT)
    assert room.pressed == [("refused", "lift")]
    with pytest.raises(ScriptError, match="'lift' in the state 'idle': there is no earlier no to lift"):
        performance.act(Press.LIFT)
    assert room.pressed == [("refused", "lift")]

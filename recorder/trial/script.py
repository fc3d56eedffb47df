"""The steps of a meeting without a person: `start,wait:20,stop`."""

from dataclasses import dataclass
from enum import StrEnum

from recorder.errors import TrialError

WAIT_SECONDS_MAX = 86_400.0


class Press(StrEnum):
    """A press of the room's buttons."""

    START = "start"
    STOP = "stop"
    REFUSE = "refuse"
    LIFT = "lift"
    """The client lifts an earlier no: the refuse button, held."""
    MARK = "mark"
    END = "end"
    """The client's other button."""
    YES = "yes"
    """One who agrees, in a room that asks everyone: a press of start."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Let this much time go by."""

    seconds: float


Step = Press | Wait


def parse(script: str) -> list[Step]:
    """The steps of `script`, or a TrialError that names the one it does not know."""
    return [_step(word.strip()) for word in script.split(",")]


def _step(word: str) -> Step:
    name, _, argument = word.partition(":")
    if name == "wait":
        try:
            seconds = float(argument)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= WAIT_SECONDS_MAX:
            raise TrialError(f"script: '{word}' should be wait:SECONDS, from 0 to {WAIT_SECONDS_MAX:.0f}")
        return Wait(seconds)
    if argument or name not in list(Press):
        raise TrialError(f"script: '{word}' is no step; there are {', '.join(Press)} and wait:SECONDS")
    return Press(name)

"""What the two lights show: a function of the state, never a side effect of an event.

Patterns differ by rhythm, not by colour alone (requirement L3). Steadily lit means one thing only: what is said here is
being recorded, or may be from now on.
"""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate

from recorder.meeting.fault import Fault, nearest
from recorder.meeting.table import State


@dataclass(frozen=True, slots=True)
class Pattern:
    """A rhythm: milliseconds lit, dark, lit, dark … from the beginning, over and over. No segments: always dark."""

    name: str
    segments_ms: tuple[int, ...] = ()

    def lit_at(self, elapsed_ms: int) -> bool:
        """Whether it is lit so long after it began."""
        if not self.segments_ms:
            return False
        now = elapsed_ms % sum(self.segments_ms)
        passed = sum(end <= now for end in accumulate(self.segments_ms))
        return passed % 2 == 0


DARK = Pattern("dark")
STEADY = Pattern("steady", (1000,))
PULSE = Pattern("slow pulse", (1000, 1000))
"""A recording is announced."""
ASK = Pattern("long blink", (1400, 600))
"""Everyone present is asked; whoever agrees presses."""
DOUBLE = Pattern("double blink", (150, 150, 150, 1550))
"""It has ended; there is still time to say no."""
WINK = Pattern("short wink", (60, 2940))
"""Refused: nothing is recorded, and nothing will be."""

RECORDING_LIGHT: dict[State, Pattern] = {
    State.IDLE: DARK,
    State.PREPARING: PULSE,
    State.NOTICE: PULSE,
    State.ASKING: ASK,
    State.AGREED: ASK,
    State.LIGHTING: STEADY,
    State.OPENING: STEADY,
    State.RECORDING: STEADY,
    State.PROMPT: STEADY,
    State.INTERRUPTED: STEADY,
    State.ENDING: STEADY,
    State.GRACE: DOUBLE,
    State.REFUSED: WINK,
    State.FAULT: DARK,
}
CAPTURE_STATES = frozenset(state for state, pattern in RECORDING_LIGHT.items() if pattern is STEADY)
"""Where the tap may be open."""


def recording_light(state: State) -> Pattern:
    """The light that the client watches."""
    return RECORDING_LIGHT[state]


def attention_light(state: State, faults: Collection[Fault]) -> Pattern:
    """The other light: something is asked of the people in the room, or something is wrong."""
    if state is State.PROMPT:
        return ASK
    fault = nearest(faults)
    return DARK if fault is None else BLINKS[fault]


def _blinks(count: int) -> Pattern:
    """So many short blinks, then a pause. At most two and a half a second: three may harm (WCAG 2.2, 2.3.1)."""
    return Pattern(f"{count} blink{'s' if count > 1 else ''}", (150, 250) * (count - 1) + (150, 1650))


BLINKS: dict[Fault, Pattern] = {fault: _blinks(fault.blinks) for fault in Fault}

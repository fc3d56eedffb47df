"""What is heard when the state of the meeting changes: a function of where it came from and where it went (requirement L3).

Told apart by melody alone, as the lights are by rhythm: up is a beginning, down an end, three times the same a question.
"""

from dataclasses import dataclass

from recorder.meeting.table import State


@dataclass(frozen=True, slots=True)
class Tone:
    """Notes one after the other: hertz (0 is a rest) and milliseconds."""

    name: str
    notes: tuple[tuple[int, int], ...]

    @property
    def seconds(self) -> float:
        return sum(milliseconds for _, milliseconds in self.notes) / 1_000


ANNOUNCE = Tone("announce", ((660, 180), (0, 60), (660, 180)))
START = Tone("start", ((523, 160), (659, 160), (784, 320)))
END = Tone("end", ((784, 160), (659, 160), (523, 320)))
REFUSED = Tone("refused", ((392, 250), (0, 80), (262, 600)))
QUESTION = Tone("question", ((880, 140), (0, 120), (880, 140), (0, 120), (880, 140)))
TROUBLE = Tone("trouble", ((330, 200), (0, 100), (330, 200), (0, 100), (330, 200), (0, 100), (330, 200)))

ENTERED: dict[State, Tone] = {
    State.NOTICE: ANNOUNCE,
    State.ASKING: QUESTION,
    State.PROMPT: QUESTION,
    State.INTERRUPTED: TROUBLE,
    State.REFUSED: REFUSED,
    State.FAULT: TROUBLE,
}
"""What is heard on entering a state, wherever from."""
BETWEEN: dict[tuple[State, State], Tone] = {
    (State.OPENING, State.RECORDING): START,
    (State.INTERRUPTED, State.RECORDING): START,
    (State.ENDING, State.GRACE): END,
    (State.RECORDING, State.GRACE): TROUBLE,
    (State.PROMPT, State.GRACE): TROUBLE,
    (State.INTERRUPTED, State.GRACE): TROUBLE,
}
"""Only once it is true: the start when samples came, so that it is heard in the recording; the end when nothing is captured."""
TONES = frozenset({*ENTERED.values(), *BETWEEN.values()})


def tone(before: State, after: State) -> Tone | None:
    """What is heard when one becomes the other."""
    return BETWEEN.get((before, after)) or (ENTERED.get(after) if after is not before else None)

"""The meeting: one literal table of what follows from what. Pure: no clock, no light, no key.

The rules that the table keeps (tests/meeting holds it to them, over every path):

1. Only the caseworker's press of start, in an idle room, leads to capture. No message, no timer, no restart does.
2. The client's no wins in every state. It shuts the tap first, destroys the key second, and writes its receipt third.
3. Only the client lifts a no, by holding the button.
4. Wherever the tap can be open, the light is steadily lit (see `light.py`).
5. A key is released by one thing only: a grace period that ended without a no.
6. What goes wrong shuts the tap. What had been recorded by then is kept, and the client may still refuse it.

`step(state, event)` gives the next state and what to do, in order. A pair that the table does not list is ignored: the
state stays and nothing is done. That is a decision for each of them; docs/meeting.md, drawn from this table, shows all.
"""

from enum import StrEnum


class State(StrEnum):
    IDLE = "idle"
    PREPARING = "preparing"
    """Start was pressed; the capture process is being made. The light already announces the recording."""
    NOTICE = "notice"
    """Announced; nothing is captured yet."""
    OPENING = "opening"
    """The light is lit and the tap is told to open; no sample has come yet."""
    RECORDING = "recording"
    ENDING = "ending"
    """The tap is told to shut in order; the last block is being sealed."""
    GRACE = "grace"
    """Ended; the client may still refuse, and the key is not released."""
    REFUSED = "refused"
    """Erased, and start is dead until the client lifts it."""
    FAULT = "fault"
    """The room cannot do its duty, and start is dead until that is mended."""


class Event(StrEnum):
    START_PRESSED = "start pressed"
    MARK_PRESSED = "mark pressed"
    """Start, twice in quick succession."""
    REFUSE_PRESSED = "refuse pressed"
    REFUSE_HELD = "refuse held"
    """The client lifts an earlier no."""
    CAPTURE_READY = "capture ready"
    """The capture process is made, its preamble and held keybox are durable."""
    NOTICE_OVER = "notice over"
    CAPTURE_OPEN = "capture open"
    """The first samples came."""
    CAPTURE_DONE = "capture done"
    """The stream is closed, everything is sealed, the process has ended."""
    CAPTURE_FAILED = "capture failed"
    """The capture process gave up, died, or has been silent beyond its deadline."""
    LIMIT_REACHED = "limit reached"
    GRACE_OVER = "grace over"
    FAULT_FOUND = "fault found"
    """The card is full, the hold or the light cannot be trusted."""
    FAULT_CLEARED = "fault cleared"
    RECOVERED = "recovered"
    """After a restart: a recording that was cut off, whose key is still in the hold."""
    STILL_REFUSED = "still refused"
    """After a restart: the client had said no and has not lifted it."""


class Action(StrEnum):
    PREPARE = "prepare"
    """Make the capture process. It opens no microphone yet."""
    OPEN_TAP = "open tap"
    """Only with the light proven lit."""
    FINISH_TAP = "finish tap"
    """Close the stream in order, and seal what was heard."""
    SHUT_TAP = "shut tap"
    """Now, whatever it is doing."""
    DESTROY_KEY = "destroy key"
    WRITE_REFUSAL = "write refusal"
    """The receipt, which is also the order to purge; without a recording a receipt all the same."""
    WRITE_EMPTY = "write empty"
    """The end of a meeting that never came to a first sample: a signed manifest of no blocks."""
    RELEASE = "release"
    """The keybox and the manifest."""
    NOTE_START = "note start"
    NOTE_MARK = "note mark"
    NOTE_STOP = "note stop"
    NOTE_LIMIT = "note limit"
    NOTE_FAULT = "note fault"
    NOTE_LIFT = "note lift"
    TIME_NOTICE = "time notice"
    TIME_LIMIT = "time limit"
    TIME_GRACE = "time grace"


S, E, A = State, Event, Action

REFUSE = (S.REFUSED, (A.SHUT_TAP, A.DESTROY_KEY, A.WRITE_REFUSAL))
CANCEL = (S.IDLE, (A.SHUT_TAP, A.NOTE_STOP, A.DESTROY_KEY, A.WRITE_EMPTY))
FAIL_EMPTY = (S.IDLE, (A.SHUT_TAP, A.NOTE_FAULT, A.DESTROY_KEY, A.WRITE_EMPTY))
BREAK_EMPTY = (S.FAULT, (A.SHUT_TAP, A.NOTE_FAULT, A.DESTROY_KEY, A.WRITE_EMPTY))
FAIL_KEPT = (S.GRACE, (A.SHUT_TAP, A.NOTE_FAULT, A.TIME_GRACE))

TABLE: dict[tuple[State, Event], tuple[State, tuple[Action, ...]]] = {
    (S.IDLE, E.START_PRESSED): (S.PREPARING, (A.PREPARE,)),
    (S.IDLE, E.REFUSE_PRESSED): REFUSE,
    (S.IDLE, E.FAULT_FOUND): (S.FAULT, ()),
    (S.IDLE, E.RECOVERED): (S.GRACE, (A.TIME_GRACE,)),
    (S.IDLE, E.STILL_REFUSED): (S.REFUSED, ()),
    #
    (S.PREPARING, E.CAPTURE_READY): (S.NOTICE, (A.TIME_NOTICE,)),
    (S.PREPARING, E.START_PRESSED): CANCEL,
    (S.PREPARING, E.REFUSE_PRESSED): REFUSE,
    (S.PREPARING, E.CAPTURE_FAILED): FAIL_EMPTY,
    (S.PREPARING, E.FAULT_FOUND): BREAK_EMPTY,
    #
    (S.NOTICE, E.NOTICE_OVER): (S.OPENING, (A.OPEN_TAP,)),
    (S.NOTICE, E.START_PRESSED): CANCEL,
    (S.NOTICE, E.REFUSE_PRESSED): REFUSE,
    (S.NOTICE, E.CAPTURE_FAILED): FAIL_EMPTY,
    (S.NOTICE, E.FAULT_FOUND): BREAK_EMPTY,
    #
    (S.OPENING, E.CAPTURE_OPEN): (S.RECORDING, (A.TIME_LIMIT, A.NOTE_START)),
    (S.OPENING, E.START_PRESSED): CANCEL,
    (S.OPENING, E.REFUSE_PRESSED): REFUSE,
    (S.OPENING, E.CAPTURE_FAILED): FAIL_EMPTY,
    (S.OPENING, E.FAULT_FOUND): BREAK_EMPTY,
    #
    (S.RECORDING, E.START_PRESSED): (S.ENDING, (A.NOTE_STOP, A.FINISH_TAP)),
    (S.RECORDING, E.LIMIT_REACHED): (S.ENDING, (A.NOTE_LIMIT, A.FINISH_TAP)),
    (S.RECORDING, E.MARK_PRESSED): (S.RECORDING, (A.NOTE_MARK,)),
    (S.RECORDING, E.REFUSE_PRESSED): REFUSE,
    (S.RECORDING, E.CAPTURE_FAILED): FAIL_KEPT,
    (S.RECORDING, E.FAULT_FOUND): FAIL_KEPT,
    #
    (S.ENDING, E.CAPTURE_DONE): (S.GRACE, (A.TIME_GRACE,)),
    (S.ENDING, E.REFUSE_PRESSED): REFUSE,
    (S.ENDING, E.CAPTURE_FAILED): FAIL_KEPT,
    (S.ENDING, E.FAULT_FOUND): FAIL_KEPT,
    #
    (S.GRACE, E.GRACE_OVER): (S.IDLE, (A.RELEASE,)),
    (S.GRACE, E.REFUSE_PRESSED): REFUSE,
    #
    (S.REFUSED, E.REFUSE_HELD): (S.IDLE, (A.NOTE_LIFT,)),
    #
    (S.FAULT, E.REFUSE_PRESSED): REFUSE,
    (S.FAULT, E.FAULT_CLEARED): (S.IDLE, ()),
}


def step(state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
    """What follows: the next state, and what to do, in order."""
    return TABLE.get((state, event), (state, ()))

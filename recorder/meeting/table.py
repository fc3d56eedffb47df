"""The meeting: one literal table of what follows from what. Pure: no clock, no light, no key.

The rules that the table keeps (tests/meeting holds it to them, over every path, twice: by a walk and by a model checker):

1. Only the caseworker's press of start, in an idle room, leads to capture. No message, no timer, no restart does.
2. The client's no wins in every state. It shuts the tap first, destroys the key second, and writes its receipt third.
3. Only the client lifts a no, by holding the button; but for one whose meeting is over, which is so after a long time.
4. Wherever the tap can be open, the light is steadily lit (see `light.py`), and was proven lit before the tap opened.
5. A key is released by one thing only: a grace period that ended without a no.
6. What goes wrong shuts the tap. What had been recorded by then is kept, and the client may still refuse it. The one thing
   that does not is a microphone that was unplugged: it is waited for, with the light lit, because it may be back at any moment.
7. A room that nobody answers in does not go on recording.
8. Whoever is asked, and whoever is recorded, was told of it first.

`step(state, event)` gives the next state and what to do, in order. A pair that the table does not list is ignored: the
state stays and nothing is done. That is a decision for each of them; docs/meeting.md, drawn from this table, shows all.
"""

from enum import StrEnum


class State(StrEnum):
    IDLE = "idle"
    PREPARING = "preparing"
    """Start was pressed; the capture process is being made. The light already announces the recording."""
    NOTICE = "notice"
    """It is being announced; nothing is captured yet."""
    ASKING = "asking"
    """Where everyone present is asked (R3): nobody has answered yet."""
    AGREED = "agreed"
    """Somebody has said yes; the others are still asked."""
    LIGHTING = "lighting"
    """Everything is said. The light is lit, and it is not proven yet."""
    OPENING = "opening"
    """The light is proven lit and the tap is told to open; no sample has come yet."""
    RECORDING = "recording"
    PROMPT = "prompt"
    """Recording goes on, and the room asks whether anybody is there."""
    INTERRUPTED = "interrupted"
    """The microphone is gone. It may be back at any moment, and then recording goes on, so the light stays lit."""
    ENDING = "ending"
    """The tap is told to shut in order; the last block is being sealed."""
    GRACE = "grace"
    """Ended; the client may still refuse, and the key is not released."""
    REFUSED = "refused"
    """Erased, and start is dead until the client lifts it, or until the meeting must be over."""
    FAULT = "fault"
    """The room cannot do its duty, and start is dead until that is mended."""


class Event(StrEnum):
    START_PRESSED = "start pressed"
    MARK_PRESSED = "mark pressed"
    """Start, twice in quick succession."""
    END_PRESSED = "end pressed"
    """The client's other button, where there is one: end it, and keep what was said (R5)."""
    REFUSE_PRESSED = "refuse pressed"
    REFUSED_ANEW = "refused anew"
    """A no long after the one that stands: it may be that of another client."""
    REFUSE_HELD = "refuse held"
    """The client lifts an earlier no."""
    CAPTURE_READY = "capture ready"
    """The capture process is made, its preamble and held keybox are durable."""
    NOTICE_OVER = "notice over"
    READY_TO_ASK = "ready to ask"
    """The same, in a room where everyone present is asked."""
    ANSWERS_OVER = "answers over"
    """Nobody has answered for a while."""
    LIGHT_PROVEN = "light proven"
    """The current of the lit light reads back; before it was lit, none did."""
    CAPTURE_OPEN = "capture open"
    """The first samples came, or the first since the microphone was gone."""
    MICROPHONE_GONE = "microphone gone"
    """The capture process has lost the microphone and looks out for it."""
    CAPTURE_DONE = "capture done"
    """The stream is closed, everything is sealed, the process has ended."""
    CAPTURE_FAILED = "capture failed"
    """The capture process gave up, died, or has been silent beyond its deadline."""
    PROMPT_DUE = "prompt due"
    """Nothing was heard for long, or it has gone on for long."""
    PROMPT_OVER = "prompt over"
    """Nobody answered."""
    LIMIT_REACHED = "limit reached"
    GRACE_OVER = "grace over"
    REFUSAL_OVER = "refusal over"
    """The meeting in which the client said no must be over by now."""
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
    WRITE_MISSED = "write missed"
    """A meeting that could not be recorded at all: signed, and told to the archive like any other."""
    RELEASE = "release"
    """The keybox and the manifest."""
    NOTE_NOTICE = "note notice"
    """That it was announced, once that is so."""
    NOTE_YES = "note yes"
    NOTE_START = "note start"
    NOTE_MARK = "note mark"
    NOTE_GONE = "note gone"
    NOTE_BACK = "note back"
    NOTE_PROMPT = "note prompt"
    NOTE_ANSWER = "note answer"
    NOTE_STOP = "note stop"
    NOTE_CLIENT_STOP = "note client stop"
    NOTE_LIMIT = "note limit"
    NOTE_NO_ANSWER = "note no answer"
    NOTE_FAULT = "note fault"
    NOTE_LIFT = "note lift"
    NOTE_LAPSE = "note lapse"
    TIME_NOTICE = "time notice"
    TIME_ANSWERS = "time answers"
    TIME_LIMIT = "time limit"
    TIME_PROMPT = "time prompt"
    """Until the room asks whether anybody is there."""
    TIME_ANSWER = "time answer"
    TIME_GRACE = "time grace"
    TIME_REFUSAL = "time refusal"


S, E, A = State, Event, Action

REFUSE = (S.REFUSED, (A.SHUT_TAP, A.DESTROY_KEY, A.WRITE_REFUSAL, A.TIME_REFUSAL))
CANCEL = (S.IDLE, (A.SHUT_TAP, A.NOTE_STOP, A.DESTROY_KEY, A.WRITE_EMPTY))
CLIENT_CANCEL = (S.IDLE, (A.SHUT_TAP, A.NOTE_CLIENT_STOP, A.DESTROY_KEY, A.WRITE_EMPTY))
NOBODY_AGREED = (S.IDLE, (A.SHUT_TAP, A.NOTE_NO_ANSWER, A.DESTROY_KEY, A.WRITE_EMPTY))
FAIL_EMPTY = (S.IDLE, (A.SHUT_TAP, A.NOTE_FAULT, A.DESTROY_KEY, A.WRITE_EMPTY))
BREAK_EMPTY = (S.FAULT, (A.SHUT_TAP, A.NOTE_FAULT, A.DESTROY_KEY, A.WRITE_EMPTY))
FAIL_KEPT = (S.GRACE, (A.SHUT_TAP, A.NOTE_FAULT, A.TIME_GRACE))
STOP = (S.ENDING, (A.NOTE_STOP, A.FINISH_TAP))
CLIENT_STOP = (S.ENDING, (A.NOTE_CLIENT_STOP, A.FINISH_TAP))
LIMIT = (S.ENDING, (A.NOTE_LIMIT, A.FINISH_TAP))

# A note may find the card full and end the meeting there and then, so nothing but an end follows it in a row.
TABLE: dict[tuple[State, Event], tuple[State, tuple[Action, ...]]] = {
    (S.IDLE, E.START_PRESSED): (S.PREPARING, (A.PREPARE,)),
    (S.IDLE, E.REFUSE_PRESSED): REFUSE,
    (S.IDLE, E.FAULT_FOUND): (S.FAULT, ()),
    (S.IDLE, E.RECOVERED): (S.GRACE, (A.TIME_GRACE,)),
    (S.IDLE, E.STILL_REFUSED): (S.REFUSED, (A.TIME_REFUSAL,)),
    #
    (S.PREPARING, E.CAPTURE_READY): (S.NOTICE, (A.TIME_NOTICE,)),
    (S.PREPARING, E.START_PRESSED): CANCEL,
    (S.PREPARING, E.END_PRESSED): CLIENT_CANCEL,
    (S.PREPARING, E.REFUSE_PRESSED): REFUSE,
    (S.PREPARING, E.CAPTURE_FAILED): FAIL_EMPTY,
    (S.PREPARING, E.FAULT_FOUND): BREAK_EMPTY,
    #
    (S.NOTICE, E.NOTICE_OVER): (S.LIGHTING, (A.NOTE_NOTICE,)),
    (S.NOTICE, E.READY_TO_ASK): (S.ASKING, (A.TIME_ANSWERS, A.NOTE_NOTICE)),
    (S.NOTICE, E.START_PRESSED): CANCEL,
    (S.NOTICE, E.END_PRESSED): CLIENT_CANCEL,
    (S.NOTICE, E.REFUSE_PRESSED): REFUSE,
    (S.NOTICE, E.CAPTURE_FAILED): FAIL_EMPTY,
    (S.NOTICE, E.FAULT_FOUND): BREAK_EMPTY,
    #
    (S.ASKING, E.START_PRESSED): (S.AGREED, (A.TIME_ANSWERS, A.NOTE_YES)),
    (S.ASKING, E.ANSWERS_OVER): NOBODY_AGREED,
    (S.ASKING, E.END_PRESSED): CLIENT_CANCEL,
    (S.ASKING, E.REFUSE_PRESSED): REFUSE,
    (S.ASKING, E.CAPTURE_FAILED): FAIL_EMPTY,
    (S.ASKING, E.FAULT_FOUND): BREAK_EMPTY,
    #
    (S.AGREED, E.START_PRESSED): (S.AGREED, (A.TIME_ANSWERS, A.NOTE_YES)),
    (S.AGREED, E.ANSWERS_OVER): (S.LIGHTING, ()),
    (S.AGREED, E.END_PRESSED): CLIENT_CANCEL,
    (S.AGREED, E.REFUSE_PRESSED): REFUSE,
    (S.AGREED, E.CAPTURE_FAILED): FAIL_EMPTY,
    (S.AGREED, E.FAULT_FOUND): BREAK_EMPTY,
    #
    (S.LIGHTING, E.LIGHT_PROVEN): (S.OPENING, (A.OPEN_TAP,)),
    (S.LIGHTING, E.START_PRESSED): CANCEL,
    (S.LIGHTING, E.END_PRESSED): CLIENT_CANCEL,
    (S.LIGHTING, E.REFUSE_PRESSED): REFUSE,
    (S.LIGHTING, E.CAPTURE_FAILED): FAIL_EMPTY,
    (S.LIGHTING, E.FAULT_FOUND): BREAK_EMPTY,
    #
    (S.OPENING, E.CAPTURE_OPEN): (S.RECORDING, (A.TIME_LIMIT, A.TIME_PROMPT, A.NOTE_START)),
    (S.OPENING, E.START_PRESSED): CANCEL,
    (S.OPENING, E.END_PRESSED): CLIENT_CANCEL,
    (S.OPENING, E.REFUSE_PRESSED): REFUSE,
    (S.OPENING, E.CAPTURE_FAILED): FAIL_EMPTY,
    (S.OPENING, E.FAULT_FOUND): BREAK_EMPTY,
    #
    (S.RECORDING, E.START_PRESSED): STOP,
    (S.RECORDING, E.END_PRESSED): CLIENT_STOP,
    (S.RECORDING, E.LIMIT_REACHED): LIMIT,
    (S.RECORDING, E.PROMPT_DUE): (S.PROMPT, (A.TIME_ANSWER, A.NOTE_PROMPT)),
    (S.RECORDING, E.MICROPHONE_GONE): (S.INTERRUPTED, (A.NOTE_GONE,)),
    (S.RECORDING, E.MARK_PRESSED): (S.RECORDING, (A.NOTE_MARK,)),
    (S.RECORDING, E.REFUSE_PRESSED): REFUSE,
    (S.RECORDING, E.CAPTURE_FAILED): FAIL_KEPT,
    (S.RECORDING, E.FAULT_FOUND): FAIL_KEPT,
    #
    (S.PROMPT, E.START_PRESSED): (S.RECORDING, (A.TIME_PROMPT, A.NOTE_ANSWER)),
    (S.PROMPT, E.END_PRESSED): CLIENT_STOP,
    (S.PROMPT, E.PROMPT_OVER): (S.ENDING, (A.NOTE_NO_ANSWER, A.FINISH_TAP)),
    (S.PROMPT, E.LIMIT_REACHED): LIMIT,
    (S.PROMPT, E.MICROPHONE_GONE): (S.INTERRUPTED, (A.NOTE_GONE,)),
    (S.PROMPT, E.REFUSE_PRESSED): REFUSE,
    (S.PROMPT, E.CAPTURE_FAILED): FAIL_KEPT,
    (S.PROMPT, E.FAULT_FOUND): FAIL_KEPT,
    #
    (S.INTERRUPTED, E.CAPTURE_OPEN): (S.RECORDING, (A.TIME_PROMPT, A.NOTE_BACK)),
    (S.INTERRUPTED, E.START_PRESSED): STOP,
    (S.INTERRUPTED, E.END_PRESSED): CLIENT_STOP,
    (S.INTERRUPTED, E.LIMIT_REACHED): LIMIT,
    (S.INTERRUPTED, E.MARK_PRESSED): (S.INTERRUPTED, (A.NOTE_MARK,)),
    (S.INTERRUPTED, E.REFUSE_PRESSED): REFUSE,
    (S.INTERRUPTED, E.CAPTURE_FAILED): FAIL_KEPT,
    (S.INTERRUPTED, E.FAULT_FOUND): FAIL_KEPT,
    #
    (S.ENDING, E.CAPTURE_DONE): (S.GRACE, (A.TIME_GRACE,)),
    (S.ENDING, E.REFUSE_PRESSED): REFUSE,
    (S.ENDING, E.CAPTURE_FAILED): FAIL_KEPT,
    (S.ENDING, E.FAULT_FOUND): FAIL_KEPT,
    #
    (S.GRACE, E.GRACE_OVER): (S.IDLE, (A.RELEASE,)),
    (S.GRACE, E.REFUSE_PRESSED): REFUSE,
    #
    (S.REFUSED, E.REFUSE_PRESSED): (S.REFUSED, (A.TIME_REFUSAL,)),
    (S.REFUSED, E.REFUSED_ANEW): (S.REFUSED, (A.WRITE_REFUSAL, A.TIME_REFUSAL)),
    (S.REFUSED, E.REFUSE_HELD): (S.IDLE, (A.NOTE_LIFT,)),
    (S.REFUSED, E.REFUSAL_OVER): (S.IDLE, (A.NOTE_LAPSE,)),
    #
    (S.FAULT, E.START_PRESSED): (S.FAULT, (A.WRITE_MISSED,)),
    (S.FAULT, E.REFUSE_PRESSED): REFUSE,
    (S.FAULT, E.FAULT_CLEARED): (S.IDLE, ()),
}

TIMERS: dict[Action, tuple[Event, frozenset[State]]] = {
    A.TIME_NOTICE: (E.NOTICE_OVER, frozenset({S.NOTICE})),
    A.TIME_ANSWERS: (E.ANSWERS_OVER, frozenset({S.ASKING, S.AGREED})),
    A.TIME_PROMPT: (E.PROMPT_DUE, frozenset({S.RECORDING})),
    A.TIME_ANSWER: (E.PROMPT_OVER, frozenset({S.PROMPT})),
    A.TIME_LIMIT: (E.LIMIT_REACHED, frozenset({S.RECORDING, S.PROMPT, S.INTERRUPTED})),
    A.TIME_GRACE: (E.GRACE_OVER, frozenset({S.GRACE})),
    A.TIME_REFUSAL: (E.REFUSAL_OVER, frozenset({S.REFUSED})),
}
"""What each timer says when its time is over, and the states in which it runs: in any other it is void.

A room where everyone present is asked hears READY_TO_ASK in the place of NOTICE_OVER.
"""


def step(state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
    """What follows: the next state, and what to do, in order."""
    return TABLE.get((state, event), (state, ()))

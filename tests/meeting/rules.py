"""The rules of the meeting, held against any table: a small world in which each action has its consequence.

`break_of(table)` walks every path that the world allows and gives the first rule that is broken, or None. It knows nothing
of the table's rows: it says what must be true of the tap, the key, the light and the receipts, whatever the rows are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from recorder.meeting.light import ASK, PULSE, STEADY, recording_light
from recorder.meeting.table import TIMERS, Action, Event, State

Table = Mapping[tuple[State, Event], tuple[State, tuple[Action, ...]]]

AT_REST = (State.IDLE, State.REFUSED, State.FAULT)
FAILURES = (Event.CAPTURE_FAILED, Event.FAULT_FOUND)
BY_TIME = frozenset(event for event, _ in TIMERS.values())
IN_ANY_STATE = (Action.SHUT_TAP, Action.DESTROY_KEY, Action.WRITE_REFUSAL)
ENDS_OF_NO = {Event.REFUSE_HELD: Action.NOTE_LIFT, Event.REFUSAL_OVER: Action.NOTE_LAPSE}
UNHEARD = ("made", "ready", "open")
"""A tap from which no sample has come."""
HEARING = ("heard", "lost")
TAPS = {
    State.PREPARING: "made",
    State.NOTICE: "ready",
    State.ASKING: "ready",
    State.AGREED: "ready",
    State.LIGHTING: "ready",
    State.OPENING: "open",
    State.RECORDING: "heard",
    State.PROMPT: "heard",
    State.INTERRUPTED: "lost",
    State.ENDING: "finishing",
}
WAITS = {
    State.NOTICE: {Event.NOTICE_OVER},
    State.ASKING: {Event.ANSWERS_OVER},
    State.AGREED: {Event.ANSWERS_OVER},
    State.RECORDING: {Event.LIMIT_REACHED, Event.PROMPT_DUE},
    State.PROMPT: {Event.LIMIT_REACHED, Event.PROMPT_OVER},
    State.INTERRUPTED: {Event.LIMIT_REACHED},
    State.GRACE: {Event.GRACE_OVER},
    State.REFUSED: {Event.REFUSAL_OVER},
}
"""The timers that must run in each state."""


MOVELESS = {
    Event.MARK_PRESSED: None,
    Event.REFUSED_ANEW: None,
    Event.FAULT_CLEARED: State.FAULT,
    Event.REFUSE_HELD: State.REFUSED,
}
"""What leaves every state as it is, but for one."""
NOTED = {
    (Event.NOTICE_OVER, State.NOTICE): Action.NOTE_NOTICE,
    (Event.READY_TO_ASK, State.NOTICE): Action.NOTE_NOTICE,
    (Event.CAPTURE_OPEN, State.OPENING): Action.NOTE_START,
    (Event.CAPTURE_OPEN, State.INTERRUPTED): Action.NOTE_BACK,
    (Event.MICROPHONE_GONE, State.RECORDING): Action.NOTE_GONE,
    (Event.MICROPHONE_GONE, State.PROMPT): Action.NOTE_GONE,
    (Event.PROMPT_DUE, State.RECORDING): Action.NOTE_PROMPT,
}
"""What must be in the journal, and with it in the signed manifest."""


@dataclass(frozen=True)
class World:
    """What the room's parts are doing."""

    state: State = State.IDLE
    booting: bool = True
    tap: str = "none"
    """none, made, ready, open (told to open), heard (samples came), lost (the microphone is gone), finishing"""
    recording: bool = False
    """One is in custody: begun, neither released nor refused."""
    key: bool = False
    """In the hold."""
    pressed: bool = False
    """The caseworker pressed start in an idle room, and this meeting came of it."""
    told: bool = False
    """It was announced, from beginning to end."""
    asking: bool = False
    """Everyone present is asked in this meeting."""
    yes: bool = False
    """Somebody agreed."""
    answered: bool = False
    """And nobody else has for a while."""
    proven: bool = False
    """The light read back lit, since it was last lit."""
    no: bool = False
    """The client said no, and has not lifted it."""
    timers: frozenset[Event] = frozenset()
    ended: str = ""
    """What the journal says of how the meeting ended."""


class Broken(Exception):
    """A rule was broken; the message says which."""


def must(what: bool, rule: str) -> None:
    if not what:
        raise Broken(rule)


def possible(world: World, event: Event) -> bool:
    """Whether the room's parts can say this now. Buttons and faults always can; late timers and words of a tap too."""
    match event:
        case Event.RECOVERED | Event.STILL_REFUSED:
            return world.booting
        case Event.CAPTURE_READY:
            return world.tap == "made" and world.recording
        case Event.READY_TO_ASK:
            return Event.NOTICE_OVER in world.timers
        case Event.LIGHT_PROVEN:
            return recording_light(world.state) is STEADY and not world.proven
        case Event.CAPTURE_OPEN:
            return world.tap in ("open", "lost")
        case Event.MICROPHONE_GONE:
            return world.tap == "heard"
        case Event.CAPTURE_DONE:
            return world.tap == "finishing"
        case Event.CAPTURE_FAILED:
            return world.tap != "none"
    return event not in BY_TIME or event in world.timers


def before_step(world: World, event: Event) -> World:
    """What has happened by the time that the event is told."""
    world = replace(world, booting=False, timers=world.timers - {event})
    match event:
        case Event.START_PRESSED if world.state is State.IDLE:
            return replace(world, pressed=True)
        case Event.START_PRESSED if world.tap == "ready" and world.asking:
            return replace(world, yes=True)
        case Event.REFUSE_PRESSED | Event.STILL_REFUSED:
            return replace(world, no=True)
        case Event.REFUSE_HELD | Event.REFUSAL_OVER:
            return replace(world, no=False)
        case Event.CAPTURE_READY:
            return replace(world, tap="ready")
        case Event.NOTICE_OVER:
            return replace(world, told=True)
        case Event.READY_TO_ASK:
            return replace(world, told=True, asking=True)
        case Event.ANSWERS_OVER:
            return replace(world, answered=True)
        case Event.LIGHT_PROVEN:
            return replace(world, proven=True)
        case Event.CAPTURE_OPEN:
            return replace(world, tap="heard")
        case Event.MICROPHONE_GONE:
            return replace(world, tap="lost")
        case Event.CAPTURE_DONE:
            return replace(world, tap="none")
        case Event.RECOVERED:
            return replace(world, recording=True, key=True, ended="power_loss")
    return world


def act(world: World, action: Action, event: Event, before: World) -> World:
    """What an action does, and what must be true when it does it."""
    if action in TIMERS:
        first = event is Event.CAPTURE_OPEN and before.tap == "open"
        must(action is not Action.TIME_LIMIT or first, "M2: a limit that begins anew is none")
        return replace(world, timers=world.timers | {TIMERS[action][0]})
    match action:
        case Action.PREPARE:
            must(world.pressed and event is Event.START_PRESSED, "1: a tap is made by a press of start alone")
            must(world.tap == "none" and not world.recording, "a second meeting begins inside a first")
            return replace(world, tap="made")
        case Action.OPEN_TAP:
            must(world.pressed, "1: the tap opens only after a press of start")
            must(world.proven, "4: the light is proven lit before the tap opens")
            must(world.told, "8: the tap opens before it was announced")
            must(not world.asking or world.yes, "R3: the tap opens though nobody agreed")
            must(recording_light(world.state) is STEADY, "4: the light is lit before the tap opens")
            must(world.tap == "ready" and world.key, "the tap opens though custody has not begun")
            return replace(world, tap="open")
        case Action.FINISH_TAP:
            must(world.tap in HEARING, "a tap is finished that does not run")
            must(bool(world.ended), "a crash while the tap is finished would not know why")
            return replace(world, tap="finishing")
        case Action.SHUT_TAP:
            return replace(world, tap="none")
        case Action.DESTROY_KEY:
            must(world.tap == "none", "2: the tap is shut before the key is destroyed")
            must(world.no or bool(world.ended), "a crash right after would not know why the key is gone")
            return replace(world, key=False)
        case Action.WRITE_REFUSAL:
            must(world.tap == "none", "2: the tap is shut before the receipt")
            must(not world.key, "2: the key is destroyed before the receipt")
            must(event in (Event.REFUSE_PRESSED, Event.REFUSED_ANEW), "a refusal is written without a no")
            must(world.no, "a no is another, and there is none")
            return replace(world, recording=False)
        case Action.WRITE_EMPTY:
            must(world.tap == "none" and not world.key, "an empty end is written while there is a tap or a key")
            must(bool(world.ended) or not world.recording, "an end is written that the journal does not know")
            return replace(world, recording=False)
        case Action.WRITE_MISSED:
            must(event is Event.START_PRESSED, "a meeting is missed that nobody started")
            must(world.tap == "none" and not world.recording, "a meeting is missed inside another")
        case Action.RELEASE:
            must(event is Event.GRACE_OVER, "5: the end of a grace period alone releases")
            must(world.tap == "none", "a key is released while there is a tap")
            must(world.recording and world.key and not world.no, "5: no release after a no")
            must(bool(world.ended), "a recording is released whose end the journal does not know")
            return replace(world, recording=False, key=False)
        case Action.NOTE_NOTICE:
            must(event in (Event.NOTICE_OVER, Event.READY_TO_ASK), "a notice is noted that is not over")
        case Action.NOTE_YES:
            must(event is Event.START_PRESSED and world.asking, "a yes is noted that nobody gave")
            must(world.told, "8: somebody is asked before it was announced")
        case Action.NOTE_START:
            must(event is Event.CAPTURE_OPEN and before.tap == "open", "the start is noted when the first samples came")
        case Action.NOTE_BACK:
            must(event is Event.CAPTURE_OPEN and before.tap == "lost", "a microphone is back that was not gone")
        case Action.NOTE_GONE:
            must(event is Event.MICROPHONE_GONE, "a microphone is gone that nobody missed")
        case Action.NOTE_MARK:
            must(event is Event.MARK_PRESSED and world.tap in HEARING, "a mark is noted where none was pressed")
        case Action.NOTE_PROMPT:
            must(event is Event.PROMPT_DUE, "a question is noted that was not due")
        case Action.NOTE_ANSWER:
            must(event is Event.START_PRESSED and before.state is State.PROMPT, "an answer is noted that nobody gave")
        case Action.NOTE_STOP:
            must(event is Event.START_PRESSED, "a stop is noted that nobody pressed")
            return replace(world, ended="stop")
        case Action.NOTE_CLIENT_STOP:
            must(event is Event.END_PRESSED, "the client's end is noted, and the client did not press it")
            return replace(world, ended="stop")
        case Action.NOTE_LIMIT:
            must(event is Event.LIMIT_REACHED, "a limit is noted that was not reached")
            return replace(world, ended="limit")
        case Action.NOTE_NO_ANSWER:
            must(
                event in (Event.PROMPT_OVER, Event.ANSWERS_OVER), "that nobody answered is noted, and nobody was asked"
            )
            return replace(world, ended="limit")
        case Action.NOTE_FAULT:
            must(event in FAILURES, "a fault is noted where none was")
            return replace(world, ended="fault")
        case Action.NOTE_LIFT:
            must(event is Event.REFUSE_HELD, "3: only holding the button lifts a no")
        case Action.NOTE_LAPSE:
            must(event is Event.REFUSAL_OVER, "3: a no lapses only after a long time")
    return world


def after_step(before: World, event: Event, world: World, actions: tuple[Action, ...]) -> None:
    """What must be true once everything is done."""
    state = world.state
    light = recording_light(state)
    must(world.tap in ("none", *UNHEARD[:2]) or light is STEADY, "4: the tap is open, the light not lit")
    must(world.tap in ("none", *UNHEARD[:2]) or world.proven, "4: the tap is open, and the light was never proven")
    must(world.tap != "ready" or light in (PULSE, ASK, STEADY), "the light does not announce the recording")
    must(light is not STEADY or world.tap not in ("none", "made"), "the light is lit, and there is no tap")
    asked = world.tap == "ready" and world.asking and not world.answered
    must((light is ASK) == asked, "R3: the light asks where nobody is asked, or does not where they are")
    must(world.tap == TAPS.get(state, "none"), "the state tells something else than the tap does")
    must((state is State.REFUSED) == world.no, "2, 3: refused is where the client's no stands, and nowhere else")
    if state in AT_REST:
        must(world.tap == "none" and not world.recording and not world.key, "at rest, with something in hand")
    must(world.key == world.recording, "a recording and its key part")
    must(world.timers == WAITS.get(state, set()), "a timer is missing, or runs where none should")
    if event is Event.REFUSE_PRESSED and not before.no:
        must(actions[:3] == IN_ANY_STATE, "2: a no shuts the tap, destroys the key, writes its receipt: in every state")
    if event in ENDS_OF_NO and before.no:
        must(actions == (ENDS_OF_NO[event],), "3: how a no ended is noted, and nothing else happens")
    if event is Event.REFUSED_ANEW and before.no:
        must(actions == (Action.WRITE_REFUSAL, Action.TIME_REFUSAL), "2: another no has a receipt, and stands as long")
    if event is Event.REFUSE_PRESSED and before.no:
        must(actions == (Action.TIME_REFUSAL,), "2: a no said again stands anew, and nothing else happens")
    must(event not in MOVELESS or MOVELESS[event] is before.state or state is before.state, f"{event} moves the room")
    if before.tap in UNHEARD and world.tap == "none":
        must(actions[:1] == (Action.SHUT_TAP,), "what ends before the first sample shuts the tap first")
    note = NOTED.get((event, before.state))
    must(note is None or note in actions, "what happened is not in the journal")
    if event is Event.START_PRESSED:
        start(before, world, actions)
    if event is Event.END_PRESSED and before.tap != "none":
        must(world.tap in ("none", "finishing"), "R5: the client ends it, and it goes on")
        must(before.tap == "finishing" or world.ended == "stop", "R5: who ended it is not in the journal")
        must(
            before.tap == "finishing" or Action.NOTE_CLIENT_STOP in actions, "R5: it says that the caseworker ended it"
        )
    must(state is not State.FAULT or before.state is state or event is Event.FAULT_FOUND, "a fault that nobody found")
    if event is Event.MARK_PRESSED and before.tap in HEARING and before.state is not State.PROMPT:
        must(
            actions == (Action.NOTE_MARK,) and world.state is before.state, "a mark is noted, and nothing else happens"
        )
    if event in FAILURES and before.tap != "none":
        must(world.tap == "none", "6: what goes wrong shuts the tap")
        must(actions[:1] == (Action.SHUT_TAP,), "6: it shuts the tap first")
        must(world.ended == "fault", "6: the fault is in the journal")
        if before.tap not in UNHEARD:
            must(world.recording and state is State.GRACE, "6: what was recorded is kept, and may still be refused")
    if event is Event.FAULT_FOUND:
        must(state is State.FAULT or before.state is not State.IDLE, "a fault at rest is shown")
        must(state is not State.IDLE or before.state is not State.IDLE, "a fault at rest stops start")
        if before.tap in UNHEARD:
            must(state is State.FAULT, "a room that broke before the first sample is idle again")
    if event is Event.CAPTURE_FAILED and before.tap in UNHEARD:
        must(state is State.IDLE, "a capture that failed before its first sample leaves the room usable")
    if state in (State.ENDING, State.GRACE):
        must(bool(world.ended), "a meeting has ended, and the journal does not say how")
    if before.state is State.FAULT and state is State.IDLE:
        must(event is Event.FAULT_CLEARED, "a fault goes away by itself")
    if event is Event.STILL_REFUSED:
        must(Action.WRITE_REFUSAL not in actions, "a no that stands is taken up without a second receipt")
        must(not set(actions) - set(TIMERS), "a no that stands is taken up, and nothing else is done")
    notes = [at for at, action in enumerate(actions) if action.value.startswith("note")]
    ends = {Action.FINISH_TAP, Action.DESTROY_KEY, Action.TIME_GRACE}
    must(
        not notes or notes[0] == len(actions) - 1 or bool(set(actions[notes[0] :]) & ends),
        "a note that finds the card full ends the meeting, and something is done after that",
    )


def start(before: World, world: World, actions: tuple[Action, ...]) -> None:
    """What a press of start must do."""
    state = world.state
    must(before.state is not State.IDLE or state is State.PREPARING, "start does not start")
    if before.tap == "ready" and recording_light(before.state) is ASK:
        must(state is State.AGREED and actions[-1:] == (Action.NOTE_YES,), "R3: a yes is not noted")
        must(Action.TIME_ANSWERS in actions, "R3: the next one has no time to answer")
    elif before.tap in UNHEARD:
        must(state is State.IDLE and world.ended == "stop", "a cancelled start leaves the room idle")
    elif before.state is State.PROMPT:
        must(state is State.RECORDING and Action.NOTE_ANSWER in actions, "M2: an answer lets it go on")
    elif before.tap in HEARING:
        must(state is State.ENDING and world.ended == "stop", "a stop seals what was heard")
    if before.state is State.FAULT:
        must(actions == (Action.WRITE_MISSED,), "a meeting that could not be recorded is not told")
    must(state is not State.FAULT or before.state is State.FAULT, "start breaks the room")


LEADS: dict[Event, dict[State, State]] = {
    Event.CAPTURE_READY: {State.PREPARING: State.NOTICE},
    Event.NOTICE_OVER: {State.NOTICE: State.LIGHTING},
    Event.READY_TO_ASK: {State.NOTICE: State.ASKING},
    Event.ANSWERS_OVER: {State.ASKING: State.IDLE, State.AGREED: State.LIGHTING},
    Event.LIGHT_PROVEN: {State.LIGHTING: State.OPENING},
    Event.CAPTURE_OPEN: {State.OPENING: State.RECORDING, State.INTERRUPTED: State.RECORDING},
    Event.MICROPHONE_GONE: {State.RECORDING: State.INTERRUPTED, State.PROMPT: State.INTERRUPTED},
    Event.PROMPT_DUE: {State.RECORDING: State.PROMPT},
    Event.PROMPT_OVER: {State.PROMPT: State.ENDING},
    Event.LIMIT_REACHED: dict.fromkeys((State.RECORDING, State.PROMPT, State.INTERRUPTED), State.ENDING),
    Event.CAPTURE_DONE: {State.ENDING: State.GRACE},
    Event.GRACE_OVER: {State.GRACE: State.IDLE},
    Event.REFUSE_HELD: {State.REFUSED: State.IDLE},
    Event.REFUSAL_OVER: {State.REFUSED: State.IDLE},
    Event.FAULT_CLEARED: {State.FAULT: State.IDLE},
    Event.RECOVERED: {State.IDLE: State.GRACE},
    Event.STILL_REFUSED: {State.IDLE: State.REFUSED},
}
"""What may not be ignored: without it a meeting would hang, or be recorded though nobody is there (M2)."""


def follow(table: Table, world: World, event: Event) -> World:
    """One step of the table, and of the world with it; Broken if a rule is."""
    before = before_step(world, event)
    state, actions = table.get((world.state, event), (world.state, ()))
    after = before
    if state is not world.state:
        running = {timer for timer, states in TIMERS.values() if state in states}
        after = replace(after, state=state, timers=after.timers & running)
        if recording_light(state) is not STEADY:
            after = replace(after, proven=False)
        if world.state in AT_REST:
            after = replace(after, ended=after.ended if event is Event.RECOVERED else "")
    for action in actions:
        after = act(after, action, event, world)
    if after.tap == "none":
        after = replace(after, told=False, asking=False, yes=False, answered=False)
    if after.state in AT_REST:
        after = replace(after, pressed=False)
    after_step(world, event, after, actions)
    leads = LEADS.get(event, {})
    must(world.state not in leads or after.state is leads[world.state], f"{event} leads nowhere")
    return after if after.state not in AT_REST else replace(after, ended="")


def walk(table: Table) -> set[World]:
    """Every world that can come about; Broken at the first that may not."""
    seen, edge = {World()}, [World()]

    def reach(world: World) -> None:
        if world not in seen:
            seen.add(world)
            edge.append(world)

    while edge:
        world = edge.pop()
        for event in Event:
            if possible(world, event):
                reach(follow(table, world, event))
        if world.tap == "made":
            reach(
                replace(world, recording=True, key=True)
            )  # custody has begun; the tap has not yet said that it is ready
    for state in State:
        for event in Event:
            heard = any(world.state is state and possible(world, event) for world in seen)
            must(
                heard or (state, event) not in table, f"{event} means something in {state}, where it can only be stale"
            )
    return seen


def break_of(table: Table) -> str | None:
    """The first rule that the table breaks on some path; None if it breaks none."""
    try:
        walk(table)
    except Broken as broken:
        return str(broken)
    return None

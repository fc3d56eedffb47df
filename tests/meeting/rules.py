"""The rules of the meeting, held against any table: a small world in which each action has its consequence.

`break_of(table)` walks every path that the world allows and gives the first rule that is broken, or None. It knows nothing
of the table's rows: it says what must be true of the tap, the key, the light and the receipts, whatever the rows are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from recorder.meeting.light import PULSE, STEADY, recording_light
from recorder.meeting.table import Action, Event, State

Table = Mapping[tuple[State, Event], tuple[State, tuple[Action, ...]]]

AT_REST = (State.IDLE, State.REFUSED, State.FAULT)
FAILURES = (Event.CAPTURE_FAILED, Event.FAULT_FOUND)
IN_ANY_STATE = (Action.SHUT_TAP, Action.DESTROY_KEY, Action.WRITE_REFUSAL)
TAPS = {
    State.PREPARING: "made",
    State.NOTICE: "ready",
    State.OPENING: "open",
    State.RECORDING: "heard",
    State.ENDING: "finishing",
}


@dataclass(frozen=True)
class World:
    """What the room's parts are doing."""

    state: State = State.IDLE
    booting: bool = True
    tap: str = "none"
    """none, made, ready, open (told to open), heard (samples came), finishing"""
    recording: bool = False
    """One is in custody: begun, neither released nor refused."""
    key: bool = False
    """In the hold."""
    pressed: bool = False
    """The caseworker pressed start in an idle room, and this meeting came of it."""
    no: bool = False
    """The client said no, and has not lifted it."""
    timer: str = ""
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
        case Event.CAPTURE_OPEN:
            return world.tap == "open"
        case Event.CAPTURE_DONE:
            return world.tap == "finishing"
        case Event.CAPTURE_FAILED:
            return world.tap != "none"
        case Event.NOTICE_OVER | Event.LIMIT_REACHED | Event.GRACE_OVER:
            return world.timer == event
    return True


def before_step(world: World, event: Event) -> World:
    """What has happened by the time that the event is told."""
    world = replace(world, booting=False)
    match event:
        case Event.START_PRESSED if world.state is State.IDLE:
            return replace(world, pressed=True)
        case Event.REFUSE_PRESSED:
            return replace(world, no=True)
        case Event.STILL_REFUSED:
            return replace(world, no=True)
        case Event.REFUSE_HELD:
            return replace(world, no=False)
        case Event.CAPTURE_READY:
            return replace(world, tap="ready")
        case Event.CAPTURE_OPEN:
            return replace(world, tap="heard")
        case Event.CAPTURE_DONE:
            return replace(world, tap="none")
        case Event.RECOVERED:
            return replace(world, recording=True, key=True, ended="power_loss")
        case Event.NOTICE_OVER | Event.LIMIT_REACHED | Event.GRACE_OVER:
            return replace(world, timer="")
    return world


def act(world: World, action: Action, event: Event) -> World:
    """What an action does, and what must be true when it does it."""
    match action:
        case Action.PREPARE:
            must(world.pressed and event is Event.START_PRESSED, "1: a tap is made by a press of start alone")
            must(world.tap == "none" and not world.recording, "a second meeting begins inside a first")
            return replace(world, tap="made")
        case Action.OPEN_TAP:
            must(world.pressed, "1: the tap opens only after a press of start")
            must(event is Event.NOTICE_OVER, "1: the tap opens only when the notice is over")
            must(recording_light(world.state) is STEADY, "4: the light is lit before the tap opens")
            must(world.tap == "ready" and world.key, "the tap opens though custody has not begun")
            return replace(world, tap="open")
        case Action.FINISH_TAP:
            must(world.tap == "heard", "a tap is finished that does not run")
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
            must(event is Event.REFUSE_PRESSED, "a refusal is written without a no")
            return replace(world, recording=False)
        case Action.WRITE_EMPTY:
            must(world.tap == "none" and not world.key, "an empty end is written while there is a tap or a key")
            must(bool(world.ended) or not world.recording, "an end is written that the journal does not know")
            return replace(world, recording=False)
        case Action.RELEASE:
            must(event is Event.GRACE_OVER, "5: the end of a grace period alone releases")
            must(world.tap == "none", "a key is released while there is a tap")
            must(world.recording and world.key and not world.no, "5: no release after a no")
            must(bool(world.ended), "a recording is released whose end the journal does not know")
            return replace(world, recording=False, key=False)
        case Action.NOTE_START:
            must(event is Event.CAPTURE_OPEN, "the start is noted when samples came")
        case Action.NOTE_MARK:
            must(event is Event.MARK_PRESSED and world.tap == "heard", "a mark is noted where none was pressed")
        case Action.NOTE_STOP:
            must(event is Event.START_PRESSED, "a stop is noted that nobody pressed")
            return replace(world, ended="stop")
        case Action.NOTE_LIMIT:
            must(event is Event.LIMIT_REACHED, "a limit is noted that was not reached")
            return replace(world, ended="limit")
        case Action.NOTE_FAULT:
            must(event in FAILURES, "a fault is noted where none was")
            return replace(world, ended="fault")
        case Action.NOTE_LIFT:
            must(event is Event.REFUSE_HELD, "3: only holding the button lifts a no")
        case Action.TIME_NOTICE:
            return replace(world, timer=Event.NOTICE_OVER)
        case Action.TIME_LIMIT:
            return replace(world, timer=Event.LIMIT_REACHED)
        case Action.TIME_GRACE:
            return replace(world, timer=Event.GRACE_OVER)
    return world


def after_step(before: World, event: Event, world: World, actions: tuple[Action, ...]) -> None:
    """What must be true once everything is done."""
    state = world.state
    light = recording_light(state)
    must(world.tap not in ("open", "heard", "finishing") or light is STEADY, "4: the tap is open, the light not lit")
    must(world.tap != "ready" or light in (PULSE, STEADY), "the light does not announce the recording")
    must(light is not STEADY or world.tap in ("open", "heard", "finishing"), "the light is lit, and there is no tap")
    must(world.tap == TAPS.get(state, "none"), "the state tells something else than the tap does")
    must((state is State.REFUSED) == world.no, "2, 3: refused is where the client's no stands, and nowhere else")
    if state in AT_REST:
        must(world.tap == "none" and not world.recording and not world.key, "at rest, with something in hand")
    must(world.key == world.recording, "a recording and its key part")
    if event is Event.REFUSE_PRESSED and not before.no:
        must(actions == IN_ANY_STATE, "2: a no shuts the tap, destroys the key, writes its receipt: in every state")
    if event is Event.REFUSE_HELD and before.no:
        must(Action.NOTE_LIFT in actions, "3: a lifted no is noted")
    if event is Event.START_PRESSED:
        must(before.state is not State.IDLE or state is State.PREPARING, "start does not start")
        must(before.tap in ("none", "finishing") or world.tap in ("none", "finishing"), "start does not stop")
        must(before.tap not in ("made", "ready", "open") or actions[:1] == (Action.SHUT_TAP,), "a cancel shuts the tap")
    must(state is not State.FAULT or before.state is state or event is Event.FAULT_FOUND, "a fault that nobody found")
    if event is Event.CAPTURE_OPEN:
        must(actions[-1:] == (Action.NOTE_START,), "the start is not noted, or a full card would not be the last word")
    if event is Event.MARK_PRESSED and before.tap == "heard":
        must(
            actions == (Action.NOTE_MARK,) and world.state is before.state, "a mark is noted, and nothing else happens"
        )
    if event in FAILURES and before.tap != "none":
        must(world.tap == "none", "6: what goes wrong shuts the tap")
        must(actions[:1] == (Action.SHUT_TAP,), "6: it shuts the tap first")
        must(world.ended == "fault", "6: the fault is in the journal")
        if before.tap in ("heard", "finishing"):
            must(world.recording and state is State.GRACE, "6: what was recorded is kept, and may still be refused")
    if event is Event.FAULT_FOUND:
        must(state is State.FAULT or before.state is not State.IDLE, "a fault at rest is shown")
        must(state is not State.IDLE or before.state is not State.IDLE, "a fault at rest stops start")
        if before.tap in ("made", "ready", "open"):
            must(state is State.FAULT, "a room that broke before the first sample is idle again")
    if event is Event.CAPTURE_FAILED and before.tap in ("made", "ready", "open"):
        must(state is State.IDLE, "a capture that failed before its first sample leaves the room usable")
    waits = {State.NOTICE: Event.NOTICE_OVER, State.RECORDING: Event.LIMIT_REACHED, State.GRACE: Event.GRACE_OVER}
    must(world.timer == waits.get(state, ""), "a timer is missing, or runs where none should")
    if state in (State.ENDING, State.GRACE):
        must(bool(world.ended), "a meeting has ended, and the journal does not say how")
    if before.state is State.FAULT and state is State.IDLE:
        must(event is Event.FAULT_CLEARED, "a fault goes away by itself")
    if event is Event.STILL_REFUSED:
        must(not actions, "a no that stands is taken up without a second receipt")


def progress(world: World, event: Event, after: World) -> None:
    """What may not be ignored: without it a meeting would hang."""
    moves = {
        Event.CAPTURE_READY: (State.PREPARING, State.NOTICE),
        Event.NOTICE_OVER: (State.NOTICE, State.OPENING),
        Event.CAPTURE_OPEN: (State.OPENING, State.RECORDING),
        Event.LIMIT_REACHED: (State.RECORDING, State.ENDING),
        Event.CAPTURE_DONE: (State.ENDING, State.GRACE),
        Event.GRACE_OVER: (State.GRACE, State.IDLE),
        Event.REFUSE_HELD: (State.REFUSED, State.IDLE),
        Event.FAULT_CLEARED: (State.FAULT, State.IDLE),
        Event.RECOVERED: (State.IDLE, State.GRACE),
        Event.STILL_REFUSED: (State.IDLE, State.REFUSED),
    }
    came, goes = moves.get(event, (None, None))
    must(world.state is not came or after.state is goes, f"{event} leads nowhere")
    if event is Event.START_PRESSED and world.tap == "heard":
        must(after.state is State.ENDING, "a stop seals what was heard")
    if event is Event.START_PRESSED and world.tap in ("made", "ready", "open"):
        must(after.state is State.IDLE and after.ended == "stop", "a cancelled start leaves the room idle")


def follow(table: Table, world: World, event: Event) -> World:
    """One step of the table, and of the world with it; Broken if a rule is."""
    after = before_step(world, event)
    state, actions = table.get((world.state, event), (world.state, ()))
    if state is not world.state:
        after = replace(after, state=state, timer="")
        if world.state in AT_REST:
            after = replace(after, ended=after.ended if event is Event.RECOVERED else "")
    for action in actions:
        after = act(after, action, event)
    if after.state in AT_REST:
        after = replace(after, pressed=False)
    after_step(world, event, after, actions)
    progress(world, event, after)
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

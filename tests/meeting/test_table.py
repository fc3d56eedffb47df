"""The meeting's table keeps its rules on every path, does what an independent model does, and no change of it goes unseen."""

from collections.abc import Iterator
from itertools import combinations, pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from recorder.meeting.table import TABLE, Action, Event, State, step
from tests.meeting.rules import Table, break_of, walk

S, E, A = State, Event, Action


def test_the_rules_hold_on_every_path() -> None:
    assert break_of(TABLE) is None
    reached = walk(TABLE)
    assert {world.state for world in reached} == set(State), "a state that no path reaches is not tested"
    assert {world.tap for world in reached} == {"none", "made", "ready", "open", "heard", "lost", "finishing"}


def test_every_row_is_walked() -> None:
    class Watched(dict[tuple[State, Event], tuple[State, tuple[Action, ...]]]):
        def get(self, key, default=None):  # type: ignore[no-untyped-def, override]
            used.add(key)
            return super().get(key, default)

    used: set[tuple[State, Event]] = set()
    walk(Watched(TABLE))
    assert used >= set(TABLE)


def test_a_no_wins_in_every_state() -> None:
    for state in set(State) - {S.REFUSED}:
        assert step(state, E.REFUSE_PRESSED) == (
            S.REFUSED,
            (A.SHUT_TAP, A.DESTROY_KEY, A.WRITE_REFUSAL, A.TIME_REFUSAL),
        )
    assert step(S.REFUSED, E.REFUSE_PRESSED) == (S.REFUSED, (A.TIME_REFUSAL,)), "it stands already"


def test_nothing_but_start_in_an_idle_room_makes_a_tap() -> None:
    makers = [pair for pair, (_, actions) in TABLE.items() if A.PREPARE in actions]
    assert makers == [(S.IDLE, E.START_PRESSED)]


def test_what_the_table_does_not_list_is_ignored() -> None:
    for state in State:
        for event in Event:
            if (state, event) not in TABLE:
                assert step(state, event) == (state, ())


# Mutants: each row dropped, led elsewhere, robbed of an action, or done in another order; any two swapped; and rows that are
# not there, added.


def mutants() -> Iterator[tuple[str, Table]]:
    for pair, (then, actions) in TABLE.items():
        name = f"{pair[0]} + {pair[1]}"
        yield f"{name}: dropped", {key: row for key, row in TABLE.items() if key != pair}
        for other in set(State) - {then}:
            yield f"{name}: to {other}", {**TABLE, pair: (other, actions)}
        for at, action in enumerate(actions):
            yield f"{name}: without {action}", {**TABLE, pair: (then, actions[:at] + actions[at + 1 :])}
            for other in set(Action) - {action}:
                yield (
                    f"{name}: {other} for {action}",
                    {**TABLE, pair: (then, (*actions[:at], other, *actions[at + 1 :]))},
                )
        for at, (first, second) in enumerate(pairwise(actions)):
            yield (
                f"{name}: {second} before {first}",
                {**TABLE, pair: (then, (*actions[:at], second, first, *actions[at + 2 :]))},
            )
    for (one, follows), (two, then) in combinations(TABLE.items(), 2):
        if follows != then:
            yield f"{one[0]} + {one[1]} and {two[0]} + {two[1]}: swapped", {**TABLE, one: then, two: follows}
    for state in State:
        for event in Event:
            if (state, event) not in TABLE:
                for other in set(State) - {state}:
                    yield f"{state} + {event}: added, to {other}", {**TABLE, (state, event): (other, ())}


MUTANTS = dict(mutants())


# Both are done before the next event is taken, and a timer leaves nothing behind that a crash could show.
EQUIVALENT = {
    "opening + capture open: time prompt before time limit",
    *(
        f"{state} + {event}: time grace before note fault"
        for state in (S.RECORDING, S.PROMPT, S.INTERRUPTED, S.ENDING)
        for event in (E.CAPTURE_FAILED, E.FAULT_FOUND)
    ),
}


def test_the_rules_catch_every_mutant_but_those_that_change_nothing() -> None:
    lived = {name for name, table in MUTANTS.items() if break_of(table) is None}
    assert lived == EQUIVALENT
    assert len(MUTANTS) > 10_000


class Room(RuleBasedStateMachine):
    """The meeting as told by somebody who never saw the table: a few facts instead of states."""

    def __init__(self) -> None:
        super().__init__()
        self.state = S.IDLE
        self.refused = self.broken = False
        self.stage = ""
        """How far a meeting is: made, announced, asked, agreed, lamp, lit, heard, doubted, lost, closing, waiting."""

    def expected(self) -> State:
        if self.refused:
            return S.REFUSED
        if self.broken:
            return S.FAULT
        return {
            "": S.IDLE,
            "made": S.PREPARING,
            "announced": S.NOTICE,
            "asked": S.ASKING,
            "agreed": S.AGREED,
            "lamp": S.LIGHTING,
            "lit": S.OPENING,
            "heard": S.RECORDING,
            "doubted": S.PROMPT,
            "lost": S.INTERRUPTED,
            "closing": S.ENDING,
            "waiting": S.GRACE,
        }[self.stage]

    def tell(self, event: Event) -> set[Action]:
        """What must be done, in any order."""
        stage = self.stage
        if self.refused:
            self.refused = event not in (E.REFUSE_HELD, E.REFUSAL_OVER)
            return {
                E.REFUSE_HELD: {A.NOTE_LIFT},
                E.REFUSAL_OVER: {A.NOTE_LAPSE},
                E.REFUSE_PRESSED: {A.TIME_REFUSAL},
                E.REFUSED_ANEW: {A.WRITE_REFUSAL, A.TIME_REFUSAL},
            }.get(event, set())
        if event is E.REFUSE_PRESSED:
            self.refused, self.broken, self.stage = True, False, ""
            return {A.SHUT_TAP, A.DESTROY_KEY, A.WRITE_REFUSAL, A.TIME_REFUSAL}
        if self.broken:
            self.broken = event is not E.FAULT_CLEARED
            return {A.WRITE_MISSED} if event is E.START_PRESSED else set()
        if event is E.STILL_REFUSED and not stage:
            self.refused = True
            return {A.TIME_REFUSAL}
        if stage in ("heard", "doubted", "lost", "closing") and event in (E.CAPTURE_FAILED, E.FAULT_FOUND):
            self.stage = "waiting"
            return {A.SHUT_TAP, A.NOTE_FAULT, A.TIME_GRACE}
        if stage in ("made", "announced", "asked", "agreed", "lamp", "lit"):
            why = {
                E.CAPTURE_FAILED: A.NOTE_FAULT,
                E.FAULT_FOUND: A.NOTE_FAULT,
                E.END_PRESSED: A.NOTE_CLIENT_STOP,
                **({} if stage in ("asked", "agreed") else {E.START_PRESSED: A.NOTE_STOP}),
                **({E.ANSWERS_OVER: A.NOTE_NO_ANSWER} if stage == "asked" else {}),
            }
            if event in why:
                self.stage, self.broken = "", event is E.FAULT_FOUND
                return {A.SHUT_TAP, why[event], A.DESTROY_KEY, A.WRITE_EMPTY}
        if not stage and event is E.FAULT_FOUND:
            self.broken = True
            return set()
        if stage in ("heard", "doubted", "lost"):
            ends = {
                E.END_PRESSED: A.NOTE_CLIENT_STOP,
                E.LIMIT_REACHED: A.NOTE_LIMIT,
                **({} if stage == "doubted" else {E.START_PRESSED: A.NOTE_STOP}),
                **({E.PROMPT_OVER: A.NOTE_NO_ANSWER} if stage == "doubted" else {}),
            }
            if event in ends:
                self.stage = "closing"
                return {ends[event], A.FINISH_TAP}
        steps = {
            ("", E.START_PRESSED): ("made", {A.PREPARE}),
            ("", E.RECOVERED): ("waiting", {A.TIME_GRACE}),
            ("made", E.CAPTURE_READY): ("announced", {A.TIME_NOTICE}),
            ("announced", E.NOTICE_OVER): ("lamp", {A.NOTE_NOTICE}),
            ("announced", E.READY_TO_ASK): ("asked", {A.NOTE_NOTICE, A.TIME_ANSWERS}),
            ("asked", E.START_PRESSED): ("agreed", {A.TIME_ANSWERS, A.NOTE_YES}),
            ("agreed", E.START_PRESSED): ("agreed", {A.TIME_ANSWERS, A.NOTE_YES}),
            ("agreed", E.ANSWERS_OVER): ("lamp", set()),
            ("lamp", E.LIGHT_PROVEN): ("lit", {A.OPEN_TAP}),
            ("lit", E.CAPTURE_OPEN): ("heard", {A.NOTE_START, A.TIME_LIMIT, A.TIME_PROMPT}),
            ("heard", E.MARK_PRESSED): ("heard", {A.NOTE_MARK}),
            ("lost", E.MARK_PRESSED): ("lost", {A.NOTE_MARK}),
            ("heard", E.PROMPT_DUE): ("doubted", {A.NOTE_PROMPT, A.TIME_ANSWER}),
            ("doubted", E.START_PRESSED): ("heard", {A.NOTE_ANSWER, A.TIME_PROMPT}),
            ("heard", E.MICROPHONE_GONE): ("lost", {A.NOTE_GONE}),
            ("doubted", E.MICROPHONE_GONE): ("lost", {A.NOTE_GONE}),
            ("lost", E.CAPTURE_OPEN): ("heard", {A.NOTE_BACK, A.TIME_PROMPT}),
            ("closing", E.CAPTURE_DONE): ("waiting", {A.TIME_GRACE}),
            ("waiting", E.GRACE_OVER): ("", {A.RELEASE}),
        }
        self.stage, done = steps.get((stage, event), (stage, set()))
        return done

    @rule(event=st.sampled_from(Event))
    def any_event(self, event: Event) -> None:
        self.state, actions = step(self.state, event)
        assert set(actions) == self.tell(event)
        assert self.state is self.expected()

    @rule(ask=st.booleans())
    def the_event_that_leads_on(self, ask: bool) -> None:
        leads = {
            S.IDLE: E.START_PRESSED,
            S.PREPARING: E.CAPTURE_READY,
            S.NOTICE: E.READY_TO_ASK if ask else E.NOTICE_OVER,
            S.ASKING: E.START_PRESSED,
            S.AGREED: E.START_PRESSED if ask else E.ANSWERS_OVER,
            S.LIGHTING: E.LIGHT_PROVEN,
            S.OPENING: E.CAPTURE_OPEN,
            S.RECORDING: E.PROMPT_DUE if ask else E.MICROPHONE_GONE,
            S.PROMPT: E.START_PRESSED if ask else E.PROMPT_OVER,
            S.INTERRUPTED: E.CAPTURE_OPEN if ask else E.LIMIT_REACHED,
            S.ENDING: E.CAPTURE_DONE,
            S.GRACE: E.GRACE_OVER,
            S.REFUSED: E.REFUSE_HELD if ask else E.REFUSAL_OVER,
            S.FAULT: E.FAULT_CLEARED,
        }
        self.any_event(leads[self.state])


TestRoom = Room.TestCase
TestRoom.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)

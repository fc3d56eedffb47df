"""What presses mean, whatever their times."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.meeting.presses import (
    ANOTHER_NO_SECONDS,
    CHATTER_PRESSES,
    STUCK_SECONDS,
    ButtonWatch,
    RefusePresses,
    StartPresses,
)
from recorder.meeting.table import Event

WINDOW = 0.5
START, MARK = Event.START_PRESSED, Event.MARK_PRESSED


def meant(presses: Sequence[float], *, recording: bool, window: float = WINDOW) -> list[tuple[float, Event]]:
    """What a series of presses means, in a room that goes on as it is, and when it takes effect."""
    machine = StartPresses(window)
    events = []

    def ask(now: float) -> None:
        deadline = machine.deadline
        event = machine.due(now, recording=recording)
        if event is not None:
            assert deadline is not None
            events.append((deadline, event))

    for at in presses:
        ask(at)
        event = machine.press(at, recording=recording)
        if event is not None:
            events.append((at, event))
    ask(float("inf"))
    return events


@pytest.mark.parametrize(
    ("presses", "recording", "expected"),
    [
        ([1.0], False, [(1.0, START)]),
        ([1.0, 1.25], False, [(1.0, START)]),
        ([1.0, 1.25, 1.5], False, [(1.0, START)]),
        ([1.0, 1.5], False, [(1.0, START), (1.5, START)]),
        ([1.0], True, [(1.5, START)]),
        ([1.0, 1.25], True, [(1.25, MARK)]),
        ([1.0, 1.25, 1.5], True, [(1.25, MARK)]),
        ([1.0, 1.5], True, [(1.5, START), (2.0, START)]),
        ([1.0, 1.25, 2.0], True, [(1.25, MARK), (2.5, START)]),
    ],
)
def test_a_burst(presses: list[float], recording: bool, expected: list[tuple[float, Event]]) -> None:
    assert meant(presses, recording=recording) == expected


@given(gaps=st.lists(st.integers(1, 20), min_size=1, max_size=12), recording=st.booleans())
def test_every_burst_means_one_thing(gaps: list[int], recording: bool) -> None:
    """Times in whole numbers, the window is 8: bursts counted by another way than the machine's."""
    times = [float(sum(gaps[: end + 1])) for end in range(len(gaps))]
    bursts: list[list[float]] = [[times[0]]]
    for before, at in pairwise(times):
        if at - before < 8:
            bursts[-1].append(at)
        else:
            bursts.append([at])
    expected = [
        (burst[0], START) if not recording else (burst[0] + 8, START) if len(burst) == 1 else (burst[1], MARK)
        for burst in bursts
    ]
    assert meant(times, recording=recording, window=8.0) == expected


def test_a_waiting_press_is_void_once_its_recording_is_over() -> None:
    """R1: it was meant to end one, and must not begin another."""
    machine = StartPresses(WINDOW)
    assert machine.press(1.0, recording=True) is None
    assert machine.due(1.5, recording=False) is None
    assert machine.due(9.0, recording=True) is None
    assert machine.deadline is None


def test_the_second_press_is_no_mark_once_the_recording_is_over() -> None:
    machine = StartPresses(WINDOW)
    assert machine.press(1.0, recording=True) is None
    assert machine.press(1.25, recording=False) is None
    assert machine.due(9.0, recording=False) is None


def test_nothing_is_due_before_its_time() -> None:
    machine = StartPresses(WINDOW)
    assert machine.due(0.0, recording=True) is None
    machine.press(1.0, recording=True)
    assert machine.deadline == 1.5
    assert machine.due(1.499, recording=True) is None
    assert machine.due(1.5, recording=True) is START
    assert machine.due(1.5, recording=True) is None


def test_the_press_that_refuses_lifts_nothing_however_long_it_is_held() -> None:
    machine = RefusePresses(3.0)
    assert machine.press(5.0, refused_since=None) is Event.REFUSE_PRESSED
    assert machine.let_go(9.0) is None


@pytest.mark.parametrize("heard", [4.99, 5.0, 5.2])
def test_nor_does_it_where_the_room_knew_of_that_no_before_it_heard_the_press(heard: float) -> None:
    """Start pressed at the same time is a no, too; and a release may find the key erased before the loop hears why."""
    machine = RefusePresses(3.0)
    assert machine.press(heard, refused_since=5.0) is Event.REFUSE_PRESSED
    assert machine.let_go(9.0) is None


@pytest.mark.parametrize(
    ("held", "event"),
    [(0.1, None), (2.99, None), (3.0, Event.REFUSE_HELD), (29.9, Event.REFUSE_HELD), (STUCK_SECONDS, None)],
)
def test_a_press_of_its_own_lifts_if_it_is_held_as_long_as_a_person_holds(held: float, event: Event | None) -> None:
    """A bag on the button, and a wire that breaks, take nothing back."""
    machine = RefusePresses(3.0)
    machine.press(5.0, refused_since=None)
    assert machine.let_go(5.1) is None
    assert machine.press(100.0, refused_since=5.0) is Event.REFUSE_PRESSED
    assert machine.let_go(100.0 + held) is event
    assert machine.let_go(100.0 + held) is None


@pytest.mark.parametrize(
    ("since", "held", "event"),
    [
        (ANOTHER_NO_SECONDS - 1, 0.1, None),
        (ANOTHER_NO_SECONDS + 1, 0.1, Event.REFUSED_ANEW),
        (ANOTHER_NO_SECONDS + 1, 3.0, Event.REFUSE_HELD),
        (ANOTHER_NO_SECONDS + 1, STUCK_SECONDS, None),
    ],
)
def test_a_short_press_long_after_a_no_is_another_no(since: float, held: float, event: Event | None) -> None:
    """It may be the next client's, who shall have a receipt. The one who lifts has said no before."""
    machine = RefusePresses(3.0)
    machine.press(5.0, refused_since=None)
    machine.let_go(5.1)
    assert machine.press(5.0 + since, refused_since=5.0) is Event.REFUSE_PRESSED
    assert machine.let_go(5.0 + since + held) is event
    machine.press(6.0 + since + held, refused_since=5.0)
    assert machine.let_go(6.1 + since + held) is None, "said again at once it is the same"


def test_letting_go_without_a_press_lifts_nothing() -> None:
    """A button that was down when the service started."""
    assert RefusePresses(3.0).let_go(20.0) is None


def test_a_button_that_is_down_for_too_long_is_broken_until_it_is_let_go() -> None:
    watch: ButtonWatch[str] = ButtonWatch()
    watch.press("start", 0.0)
    assert watch.look(0.0, {"start"}) == frozenset()
    assert watch.look(STUCK_SECONDS - 0.1, {"start"}) == frozenset()
    assert watch.look(STUCK_SECONDS, {"start"}) == {"start"}
    assert watch.look(STUCK_SECONDS + 1, ()) == frozenset()
    assert watch.look(STUCK_SECONDS + 2, {"start"}) == frozenset(), "a new press begins anew"


def test_a_button_that_nobody_can_press_so_fast_is_broken_until_it_is_quiet() -> None:
    watch: ButtonWatch[str] = ButtonWatch()
    for number in range(CHATTER_PRESSES):
        assert watch.look(float(number), ()) == frozenset()
        watch.press("refuse", float(number))
    last = CHATTER_PRESSES - 1
    assert watch.look(last + 1.0, ()) == {"refuse"}
    assert watch.look(last + STUCK_SECONDS, ()) == frozenset()


@given(st.lists(st.floats(1.6, 60), max_size=40))
def test_a_person_who_presses_is_never_taken_for_a_broken_button(pauses: list[float]) -> None:
    watch: ButtonWatch[str] = ButtonWatch()
    now = 0.0
    for pause in pauses:
        now += pause
        watch.press("start", now)
        assert watch.look(now, {"start"}) == frozenset()
        assert watch.look(now + 1.0, ()) == frozenset()

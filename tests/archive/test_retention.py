"""When a recording goes: D1, D2, D3, D6, D7 and S1 of the requirements, one by one and in any mixture."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive.retention import DAY_MS, HOUR_MS, Cause, Facts, Terms, days_end_ms, fate, in_first_days

TERMS = Terms()
MADE_MS = 1_700_000_000_000
PLAIN = Facts(MADE_MS, MADE_MS, MADE_MS, MADE_MS + 126 * DAY_MS, receipt=True, linked=True)


def day(number: float) -> int:
    return MADE_MS + int(number * DAY_MS)


@pytest.mark.parametrize(
    ("changes", "due", "cause"),
    [
        ({}, 126, Cause.TERM),  # D1
        ({"decided_ms": day(20)}, 126, Cause.TERM),
        ({"decided_ms": day(71)}, 127, Cause.DECISION),
        ({"decided_ms": day(400)}, 365, Cause.CEILING),
        ({"linked": False}, 14, Cause.UNLINKED),  # D6
        ({"receipt": False}, 3, Cause.NO_RECEIPT),
        ({"receipt": False, "linked": False}, 3, Cause.NO_RECEIPT),
        ({"erasure_asked_ms": day(2), "erasure_confirmed_ms": day(2)}, 3, Cause.CLIENT),  # D7
        ({"erasure_asked_ms": day(13.8), "erasure_confirmed_ms": day(13.9)}, 14, Cause.CLIENT),
        ({"erasure_asked_ms": day(2), "erasure_confirmed_ms": day(4)}, 5, Cause.CLIENT),
        ({"erasure_asked_ms": day(2), "erasure_confirmed_ms": day(13.5)}, 14, Cause.CLIENT),
        (
            {"erasure_asked_ms": day(2), "erasure_confirmed_ms": day(100)},
            101,
            Cause.CLIENT,
        ),  # they say that it came then
        ({"erasure_asked_ms": day(2)}, 126, Cause.TERM),
        ({"erasure_asked_ms": day(14)}, 126, Cause.TERM),  # then it is a request that somebody decides
        ({"erasure_asked_ms": day(14), "erasure_confirmed_ms": day(20)}, 21, Cause.CLIENT),
        ({"erasure_asked_ms": day(14), "erasure_confirmed_ms": day(125.5)}, 126, Cause.TERM),
    ],
)
def test_when_it_goes_and_why(changes: dict[str, object], due: float, cause: Cause) -> None:
    found = fate(replace(PLAIN, **changes), TERMS, day(1))
    assert (found.due_ms, found.cause) == (day(due), cause)
    assert not found.is_due(found.due_ms - 1)
    assert found.is_due(found.due_ms)
    assert found.goes_ms == found.due_ms


def test_a_room_that_was_off_the_network_takes_nobody_their_days() -> None:
    late = replace(PLAIN, came_ms=day(30), linked=False)
    assert fate(late, TERMS, day(30)).remind_ms == day(37)
    assert fate(late, TERMS, day(30)).due_ms == day(44)
    asked = fate(replace(late, erasure_asked_ms=day(43), erasure_confirmed_ms=day(43.5)), TERMS, day(43.5))
    assert (asked.due_ms, asked.cause) == (day(44), Cause.CLIENT)


def test_a_reminder_is_for_what_has_no_case() -> None:
    assert fate(PLAIN, TERMS, day(1)).remind_ms is None
    assert fate(replace(PLAIN, linked=False), TERMS, day(1)).remind_ms == day(7)
    assert fate(replace(PLAIN, linked=False, receipt=False), TERMS, day(1)).remind_ms is None  # it is gone by then


def test_a_hold_keeps_it_beyond_its_date_and_then_it_is_due() -> None:
    held = replace(PLAIN, holds_until_ms=(day(130), day(200)))
    assert not fate(held, TERMS, day(199)).is_due(day(199))
    assert fate(held, TERMS, day(200)).is_due(day(200))
    assert fate(held, TERMS, day(199)).due_ms == day(126)
    assert fate(held, TERMS, day(1)).goes_ms == day(200)


def test_an_open_request_pauses_deletion() -> None:
    asked = replace(PLAIN, request_open=True)
    assert not fate(asked, TERMS, day(300)).is_due(day(300))
    assert fate(PLAIN, TERMS, day(300)).is_due(day(300))


def test_the_clients_wish_in_their_days_is_stronger_than_any_hold() -> None:
    asked = replace(
        PLAIN, erasure_asked_ms=day(2), erasure_confirmed_ms=day(2), holds_until_ms=(day(300),), request_open=True
    )
    assert fate(asked, TERMS, day(2)).locked
    assert not fate(asked, TERMS, day(2)).is_due(day(3) - 1)  # it can be taken back for a day
    assert fate(asked, TERMS, day(3)).is_due(day(3))


def test_what_came_before_the_recording_was_not_asked_in_the_clients_days() -> None:
    """Its day is a mistake, and would else be a right that nobody has a say in."""
    held = replace(PLAIN, erasure_confirmed_ms=day(20), holds_until_ms=(day(300),))
    for asked_ms, early in (
        (day(-1_000), False),
        (day(-1.1), False),
        (day(-0.99), True),
        (day(0), True),
        (day(14), False),
    ):
        found = fate(replace(held, erasure_asked_ms=asked_ms), TERMS, day(20))
        assert (found.kept, found.locked) == (not early, True), asked_ms
    # A room whose clock was not set may have made it as long before as a room may be off the network.
    unset = replace(held, earliest_ms=day(-14), erasure_asked_ms=day(-13))
    assert not fate(unset, TERMS, day(20)).kept


def test_an_erasure_locks_it_and_destroys_nothing_until_two_people_have_looked() -> None:
    asked = replace(PLAIN, erasure_asked_ms=day(2), request_open=True)
    for when in (day(2), day(3), day(15), day(200)):
        found = fate(asked, TERMS, when)
        assert found.locked
        assert not found.is_due(when)
    # The day on which it was asked counts, not the one on which it was confirmed: no hold stands against it.
    confirmed = replace(asked, erasure_confirmed_ms=day(20), holds_until_ms=(day(300),))
    assert not fate(confirmed, TERMS, day(20)).is_due(day(21) - 1)
    assert fate(confirmed, TERMS, day(21)).is_due(day(21))


def test_what_was_granted_later_is_locked_and_goes_a_day_later_unless_it_is_held() -> None:
    granted = replace(PLAIN, erasure_asked_ms=day(20), erasure_confirmed_ms=day(22))
    assert fate(granted, TERMS, day(22)).locked
    assert not fate(granted, TERMS, day(22)).is_due(day(23) - 1)
    assert fate(granted, TERMS, day(23)).is_due(day(23))
    held = replace(granted, holds_until_ms=(day(90),))
    assert fate(held, TERMS, day(89)).locked
    assert not fate(held, TERMS, day(89)).is_due(day(89))
    assert fate(held, TERMS, day(90)).is_due(day(90))


def test_a_wish_that_came_too_late_locks_it_until_it_is_decided() -> None:
    asked = replace(PLAIN, erasure_asked_ms=day(20), request_open=True)
    assert fate(asked, TERMS, day(21)).locked
    refused = fate(PLAIN, TERMS, day(30))
    assert (refused.locked, refused.due_ms, refused.cause) == (False, day(126), Cause.TERM)


def test_without_a_receipt_nobody_hears_it() -> None:
    assert fate(replace(PLAIN, receipt=False), TERMS, day(0)).locked
    assert not fate(PLAIN, TERMS, day(0)).locked


def test_nothing_is_cut_for_training_while_the_client_may_erase() -> None:
    late = replace(PLAIN, came_ms=day(30))
    assert days_end_ms(late, TERMS) == day(44)


TIMES = st.integers(day(-30), day(800))
FACTS = st.builds(
    Facts,
    made_ms=st.integers(day(-14), day(0)),
    earliest_ms=st.integers(day(-28), day(0)),
    came_ms=st.just(day(0)),
    delete_after_ms=st.integers(day(-14), day(365)),
    receipt=st.booleans(),
    linked=st.booleans(),
    decided_ms=st.none() | TIMES,
    holds_until_ms=st.lists(TIMES, max_size=3).map(tuple),
    request_open=st.booleans(),
    undone_ms=st.none() | TIMES,
    erasure_asked_ms=st.none() | st.integers(day(-60), day(60)),
    erasure_confirmed_ms=st.none() | st.integers(day(0), day(60)),
)


@given(FACTS, TIMES)
def test_what_may_move_it_and_what_may_not(facts: Facts, now_ms: int) -> None:
    found = fate(facts, TERMS, now_ms)
    assert found.due_ms <= facts.made_ms + TERMS.ceiling_days * DAY_MS
    if facts.decided_ms is None:
        assert found.due_ms <= facts.delete_after_ms  # the date from birth is never moved but by a decision
    if not facts.receipt:
        assert found.locked
        assert found.due_ms <= facts.came_ms + TERMS.no_receipt_hours * HOUR_MS
    if not facts.linked:
        assert found.due_ms <= facts.came_ms + TERMS.unlinked_days * DAY_MS
    asked_ms, confirmed_ms, last_ms = facts.erasure_asked_ms, facts.erasure_confirmed_ms, facts.came_ms + 14 * DAY_MS
    assert found.locked == (not facts.receipt or asked_ms is not None)
    if asked_ms is not None and confirmed_ms is not None:
        undone_ms = confirmed_ms + TERMS.undo_hours * HOUR_MS
        assert found.due_ms <= (min(undone_ms, last_ms) if confirmed_ms < last_ms else undone_ms)
        if facts.earliest_ms <= asked_ms < last_ms:  # D7
            assert found.is_due(found.due_ms)
    else:
        # What one person says, or whoever has the code, destroys nothing: but for the lock it is as if nobody had asked.
        nobody = fate(replace(facts, erasure_asked_ms=None, erasure_confirmed_ms=None), TERMS, now_ms)
        assert replace(found, locked=nobody.locked) == nobody
    assert found.is_due(now_ms) == (now_ms >= found.due_ms and not found.kept)
    assert found.goes_ms is None or found.goes_ms >= found.due_ms
    # With a hold more it is deleted no sooner, and the date stays.
    undone = fate(replace(facts, undone_ms=now_ms + 1), TERMS, now_ms)
    early = asked_ms is not None and confirmed_ms is not None and in_first_days(asked_ms, facts, TERMS)
    assert undone.due_ms == found.due_ms
    assert undone.is_due(now_ms) == (early and found.due_ms <= now_ms)
    more = fate(replace(facts, holds_until_ms=(*facts.holds_until_ms, now_ms + 1)), TERMS, now_ms)
    assert (more.due_ms, more.locked) == (found.due_ms, found.locked)
    assert found.is_due(now_ms) or not more.is_due(now_ms)
    # Once due and not kept, time alone does not take that back.
    later = fate(facts, TERMS, now_ms + DAY_MS)
    assert later.is_due(now_ms + DAY_MS) or not found.is_due(now_ms)

"""The light: a function of the state, told apart by rhythm alone, steady where the tap may be open and nowhere else."""

import itertools

import pytest

from recorder.meeting import light
from recorder.meeting.fault import Fault
from recorder.meeting.light import CAPTURE_STATES, Pattern, attention_light, recording_light
from recorder.meeting.table import TABLE, Action, State

RECORDING = {recording_light(state) for state in State}
ATTENTION = {*(attention_light(State.IDLE, [fault]) for fault in Fault), attention_light(State.PROMPT, ())}


def pairs(patterns: set[Pattern]) -> list[tuple[Pattern, Pattern]]:
    return list(itertools.combinations(sorted(patterns, key=lambda each: each.name), 2))


FLASH_MS_MIN = 50
"""A shorter flash may be missed by the loop that shows it, and by an eye."""


def rhythm(pattern: Pattern, since_ms: int = 0) -> str:
    """Twelve seconds of it, sampled every 10 ms."""
    return "".join(".#"[pattern.lit_at(at)] for at in range(since_ms, since_ms + 12_000, 10))


def test_every_state_has_its_light() -> None:
    assert set(light.RECORDING_LIGHT) == set(State)


def test_the_tap_is_only_open_where_the_light_is_steady() -> None:
    assert set(CAPTURE_STATES) == {
        State.LIGHTING, State.OPENING, State.RECORDING, State.PROMPT, State.INTERRUPTED, State.ENDING,
    }  # fmt: skip
    for state in CAPTURE_STATES:
        assert set(rhythm(recording_light(state))) == {"#"}
    opening = {then for then, actions in TABLE.values() if Action.OPEN_TAP in actions}
    assert opening <= CAPTURE_STATES


def test_no_other_state_is_steady() -> None:
    for state in set(State) - CAPTURE_STATES:
        assert "." in rhythm(recording_light(state)), state


@pytest.mark.parametrize(("one", "other"), pairs(RECORDING))
def test_patterns_differ_in_rhythm_whenever_one_begins_to_look(one: Pattern, other: Pattern) -> None:
    whole = sum(other.segments_ms) or 10
    assert all(rhythm(one) != rhythm(other, since) for since in range(0, whole, 10))


@pytest.mark.parametrize(("one", "other"), pairs(RECORDING))
def test_patterns_differ_in_how_much_they_are_lit(one: Pattern, other: Pattern) -> None:
    """Roughly: who cannot count blinks sees the difference too."""
    shares = [rhythm(pattern).count("#") / len(rhythm(pattern)) for pattern in (one, other)]
    assert max(shares) >= min(shares) + 0.019


def test_flashes_are_long_enough_to_be_shown_and_slow_enough_to_be_safe() -> None:
    """At most three flashes in any second do not harm those who are sensitive to light (WCAG 2.2, 2.3.1)."""
    for pattern in RECORDING | ATTENTION:
        assert all(each >= FLASH_MS_MIN for each in pattern.segments_ms)
        shown = rhythm(pattern)
        for at in range(len(shown) - 100):
            assert shown[at : at + 100].count(".#") <= 3


def test_a_pattern_repeats_and_a_dark_one_stays_dark() -> None:
    double = light.DOUBLE
    assert [double.lit_at(at) for at in (0, 149, 150, 299, 300, 449, 450, 1_999, 2_000)] == [
        True, True, False, False, True, True, False, False, True,
    ]  # fmt: skip
    assert not any(light.DARK.lit_at(at) for at in (0, 1, 10**9))


def test_the_number_of_a_fault_can_be_counted() -> None:
    """So many flashes, then a pause that is longer than any between them."""
    for fault in Fault:
        segments = attention_light(State.IDLE, [fault]).segments_ms
        assert len(segments) == 2 * fault.blinks
        assert all(segments[-1] >= 3 * dark for dark in segments[1:-1:2])
    assert sorted(fault.blinks for fault in Fault) == list(range(1, len(Fault) + 1))


def test_of_several_faults_the_nearest_to_the_recording_is_shown_and_a_question_before_all() -> None:
    everything = list(reversed(Fault))
    assert attention_light(State.RECORDING, everything) is attention_light(State.RECORDING, [Fault.LIGHT])
    assert attention_light(State.PROMPT, everything) is light.ASK
    assert attention_light(State.RECORDING, ()) is light.DARK


def test_every_fault_has_its_words_in_both_languages() -> None:
    for language in ("nl", "en"):
        words = [fault.words(language) for fault in Fault]  # type: ignore[arg-type]
        assert len(set(words)) == len(Fault)
        for sentence in " ".join(words).split(". "):
            assert len(sentence.split()) <= 12, f"N5: {sentence}"

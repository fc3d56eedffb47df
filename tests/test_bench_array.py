"""What the bench says of an array can be believed: a gain that is known by arithmetic is found, and the best way is named."""

from dataclasses import replace

import numpy as np
import pytest

from bench import array
from recorder import config

RATE = 16_000


@pytest.fixture(scope="module")
def heard() -> list[array.Heard]:
    """Four microphones that hear the talker alike, and each its own noise."""
    chance = np.random.default_rng(1)
    syllables = np.resize(np.repeat([1.0, 1.0, 0.01], RATE // 5), 5 * RATE)
    said = chance.normal(0, 2_000, 5 * RATE) * syllables
    noise = chance.normal(0, 400, (array.MICROPHONES, 5 * RATE))
    return list(array.listen(array.Scene("plain", RATE, np.tile(said, (array.MICROPHONES, 1)), noise, said)))


def test_four_microphones_gain_six_decibels_where_each_has_its_own_noise(heard):
    gains = {each.way: each.gain_db for each in heard}
    assert gains[1, 0.0] == 0
    assert gains["mix", 0.0] == pytest.approx(6.02, abs=0.1)
    assert gains["beam", 0.0] == pytest.approx(6.02, abs=0.1)


def test_what_is_less_noisy_is_more_intelligible(heard):
    scores = {each.way: each.stoi for each in heard}
    assert scores["beam", 0.0] == pytest.approx(scores["mix", 0.0], abs=0.01)
    assert scores[1, 0.0] + 0.02 < scores["mix", 0.0] <= 1


def test_the_default_is_judged_by_those_that_are_filtered_alike(heard):
    settings = config.load().microphone
    best = [replace(each, stoi=0.9 if each.pick == settings.pick else 0.8) for each in heard]
    worse = [replace(each, stoi=0.7 if each.pick == settings.pick else 0.8) for each in heard]
    for found, kept in ((best, True), (worse, False)):
        at_both = [replace(each, rate=rate) for each in found for rate in array.RATES]
        assert [line.kept for line in array.judge(at_both) if line.target] == [kept]


def test_a_conversation_is_taken_in_turns_and_at_last_together():
    voices = array.conversation(0, RATE)
    loud = [
        np.abs(voice).reshape(-1, RATE // 10).max(axis=1) > 0 for voice in voices[:, : len(voices[0]) // 1_600 * 1_600]
    ]
    both = np.flatnonzero(loud[0] & loud[1])
    assert both.size
    assert both[0] > 2 * len(loud[0]) // 4

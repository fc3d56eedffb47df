"""One channel from many: as long as it was, however it is cut; nothing wraps, no dead channel speaks, the loudest is found."""

from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt

from recorder.config import Microphone, load
from recorder.device.array import DEAD_FRAMES, Array
from recorder.device.rumble import Rumble

RATES = [48_000, 16_000]
seeds = st.integers(0, 2**32 - 1)
cuts = st.lists(st.integers(1, 7), min_size=1, max_size=12)
"""How many frames of 20 ms come at a time."""


def array(
    rate: int, channels: int, pick: int | str, *, rumble_hz: float = 0.0, leave_out: tuple[int, ...] = ()
) -> Array:
    settings = msgspec.to_builtins(load().microphone)
    settings |= {"channels": channels, "pick": pick, "rumble_hz": rumble_hz, "leave_out": leave_out}
    return Array(msgspec.convert(settings, Microphone), rate)


def noise(seed: int, samples: int, channels: int = 1, loudness: float = 3_000.0) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).normal(0, loudness, (samples, channels)), -32_768, 32_767).astype("<i2")


def heard(array: Array, sound: np.ndarray, sizes: list[int] | None = None) -> np.ndarray:
    """What comes out, `sizes` samples at a time."""
    edges = np.cumsum([0, *(sizes or [len(sound)])])
    return np.concatenate([np.frombuffer(array.process(sound[a:b].tobytes()), "<i2") for a, b in pairwise(edges)])


def speech(seed: int, samples: int, rate: int) -> np.ndarray:
    """Noise in syllables of a fifth of a second, and pauses between them."""
    syllables = np.resize(np.repeat([1.0, 1.0, 0.01], rate // 5), samples)
    return (np.random.default_rng(seed).normal(0, 3_000, samples) * syllables).astype("<i2")


def room(talker: np.ndarray, delays: list[int]) -> np.ndarray:
    """What microphones hear of one who speaks, each by its delay later."""
    return np.stack([np.roll(talker, delay) for delay in delays], axis=1)


@given(seeds, cuts, st.sampled_from(RATES), st.sampled_from([1, 3, "mix", "beam"]), st.sampled_from([0.0, 80.0]))
def test_as_much_comes_out_as_goes_in_and_cuts_change_nothing(seed, sizes, rate, pick, rumble_hz):
    frame = rate // 50
    sound = noise(seed, sum(sizes) * frame, 3)
    sound[: len(sound) // 2, 1] = 7  # so that a channel comes to life in the middle
    whole = heard(array(rate, 3, pick, rumble_hz=rumble_hz), sound)
    assert len(whole) == len(sound)
    assert (heard(array(rate, 3, pick, rumble_hz=rumble_hz), sound, [frame * size for size in sizes]) == whole).all()


@given(seeds, cuts, st.sampled_from(RATES), st.floats(20, 300))
def test_the_filter_is_a_butterworth_of_second_order_however_the_stream_is_cut(seed, sizes, rate, cutoff_hz):
    chance, samples = np.random.default_rng(seed), sum(sizes) * rate // 50
    sound = chance.uniform(-32_768, 32_767, samples) + 9_000 * np.sin(np.arange(samples) * 300 / rate) + 5_000
    wanted = sosfilt(butter(2, cutoff_hz, "highpass", fs=rate, output="sos"), sound)
    rumble, edges = Rumble(cutoff_hz, rate), np.cumsum([0, *sizes]) * rate // 50
    found = np.concatenate([rumble.filter(sound[begin:end]).copy() for begin, end in pairwise(edges)])
    assert np.abs(found - wanted).max() < 1e-4, "of one step of 16 bits"


@pytest.mark.parametrize("rate", RATES)
def test_a_constant_and_what_no_voice_has_are_gone_and_a_voice_is_not(rate):
    seconds = np.arange(2 * rate) / rate
    for hertz, least, most in (
        (0, 0.0, 0.001),
        (16, 0.0, 0.05),
        (80, 0.70, 0.715),
        (250, 0.99, 1.0),
        (3_000, 0.999, 1.0),
    ):
        tone = np.rint(8_000 * np.cos(2 * np.pi * hertz * seconds)).astype("<i2")
        found = heard(array(rate, 1, 1, rumble_hz=80.0), tone)[rate:].astype(float)
        assert least <= np.abs(found).max() / 8_000 <= most, hertz


def test_without_a_filter_a_single_channel_is_what_was_heard():
    sound = noise(1, 9_600, loudness=20_000.0)
    for pick in (1, "mix", "beam"):
        assert (heard(array(48_000, 1, pick), sound) == sound[:, 0]).all()


@pytest.mark.parametrize("rate", RATES)
def test_what_overshoots_full_scale_is_limited_and_does_not_wrap(rate):
    square = np.where(np.arange(rate) // (rate // 40) % 2, 32_767, -32_768).astype("<i2")
    wanted = sosfilt(butter(2, 80, "highpass", fs=rate, output="sos"), square)
    assert np.abs(wanted).max() > 40_000, "or there is nothing to limit"
    found = heard(array(rate, 1, 1, rumble_hz=80.0), square)
    assert np.abs(found - np.clip(wanted, -32_768, 32_767)).max() <= 0.5 + 1e-6


@given(seeds, st.integers(1, 8), st.sampled_from(["mix", "beam"]))
def test_nothing_is_louder_than_the_loudest_channel(seed, channels, pick):
    sound = noise(seed, 9_600, channels, loudness=30_000.0)
    assert np.abs(heard(array(48_000, channels, pick), sound).astype(int)).max() <= np.abs(sound.astype(int)).max()


def test_one_channel_is_picked_by_its_number():
    sound = noise(1, 9_600, 4)
    for pick in (1, 2, 3, 4):
        assert (heard(array(48_000, 4, pick), sound) == sound[:, pick - 1]).all()


def test_the_mean_of_full_scale_does_not_wrap():
    loud = np.tile(np.array([[32_767] * 8, [-32_768] * 8, [32_767, -32_768] * 4], "<i2"), (320, 1))
    assert heard(array(48_000, 8, "mix"), loud)[:3].tolist() == [32_767, -32_768, 0]


@pytest.mark.parametrize("pick", ["mix", "beam"])
def test_a_channel_that_never_moves_is_left_out(pick):
    sound = noise(1, 48_000, 3)
    sound[:, 1] = -12_345
    others = sound[:, [0, 2]].copy()
    assert (heard(array(48_000, 3, pick), sound) == heard(array(48_000, 2, pick), others)).all()


def test_a_channel_that_dies_is_left_out_and_one_that_comes_to_life_is_not():
    sound = noise(1, 40 * 960, 2)
    sound[10 * 960 : 30 * 960, 1] = 8_000
    found, mean = heard(array(48_000, 2, "mix"), sound), np.rint(sound.mean(axis=1))
    gone, back = (10 + DEAD_FRAMES) * 960, 30 * 960
    assert (found[: gone - 960] == mean[: gone - 960]).all()
    assert (found[gone:back] == sound[gone:back, 0]).all()
    assert (found[back + 960 :] == mean[back + 960 :]).all()


def test_when_every_channel_is_dead_what_they_give_is_recorded():
    assert (heard(array(48_000, 2, "mix"), np.tile(np.array([100, 300], "<i2"), (9_600, 1))) == 200).all()


def test_a_change_is_faded_and_does_not_click():
    sound = np.stack([np.arange(40 * 960) % 2, np.full(40 * 960, 8_000)], axis=1).astype("<i2")
    sound[:960, 1] = noise(1, 960)[:, 0]  # alive, and then dead
    found = heard(array(48_000, 2, "mix"), sound).astype(int)[2 * 960 :]
    assert (found[0], found[-1]) == (4_000, 1)
    assert np.abs(np.diff(found)).max() < 20


def test_channels_without_a_microphone_are_left_out():
    sound = noise(1, 9_600, 6)
    found = heard(array(48_000, 6, "mix", leave_out=(1, 6)), sound)
    assert (found == np.rint(sound[:, 1:5].mean(axis=1))).all()


@given(seeds, st.lists(st.integers(-4, 4), min_size=1, max_size=5), st.sampled_from(RATES))
def test_the_beam_finds_a_planted_delay(seed, delays, rate):
    talker = speech(seed, rate, rate)
    beam = array(rate, 1 + len(delays), "beam")
    late = beam._mean.late
    found = heard(beam, room(talker, [0, *delays]))
    assert (found[-rate // 5 :] == talker[-rate // 5 - late : -late]).all()


@pytest.mark.parametrize("rate", RATES)
def test_the_beam_follows_who_speaks(rate):
    first, second = room(speech(1, 2 * rate, rate), [0, 3, -1, 2]), room(speech(2, 2 * rate, rate), [0, -2, 4, 1])
    conversation = np.concatenate([first, second])
    beam = array(rate, 4, "beam")
    found, late = heard(beam, conversation), beam._mean.late
    for end in (2 * rate, 4 * rate):
        spoken = conversation[end - rate // 5 - late : end - late, 0]
        assert (found[end - rate // 5 : end] == spoken).all(), end


@pytest.mark.parametrize("rate", RATES)
def test_the_beam_goes_on_when_the_first_channel_dies(rate):
    talker = speech(1, 3 * rate, rate)
    sound = room(talker, [0, 3, -2])
    sound[rate:, 0] = 0
    beam = array(rate, 3, "beam")
    found, late = heard(beam, sound), beam._mean.late + 3  # by the second now, which is later
    assert (found[-rate // 5 :] == talker[-rate // 5 - late : -late]).all()


@pytest.mark.parametrize("rate", RATES)
def test_a_sound_is_where_it_comes_from_first_and_not_where_its_echo_is(rate):
    delays, talker = [0, 3, -1, 2], speech(1, 2 * rate, rate) // 2
    echo = np.roll(talker, rate // 16)
    beam = array(rate, 4, "beam")
    heard(beam, room(talker, delays) + room(echo, [0, -2, 4, 1]))
    assert list(beam._mean._delays) == delays


def test_in_a_pause_the_bearing_stays():
    beam, delays = array(48_000, 4, "beam"), [0, 3, -1, 2]
    talker, hiss = room(speech(1, 48_000, 48_000), delays), noise(2, 5 * 48_000, 4, loudness=300.0)
    heard(beam, np.concatenate([talker, hiss]))
    assert list(beam._mean._delays) == delays


@pytest.mark.parametrize("rate", RATES)
def test_of_two_who_speak_at_once_the_louder_is_followed(rate):
    delays = {"loud": [0, 3, -1, 2], "soft": [0, -2, 4, 1]}
    loud, soft = speech(1, 2 * rate, rate), noise(2, 2 * rate, loudness=700.0)[:, 0]
    for order in (["loud", "soft"], ["soft", "loud"]):
        beam = array(rate, 4, "beam")
        heard(beam, room(loud, delays[order[0]]) + room(soft, delays[order[1]]))
        assert list(beam._mean._delays) == delays[order[0]]


def test_clipping_is_counted_as_it_came_on_the_channels_that_are_used():
    sound = noise(1, 9_600, 3)
    sound[100, 0], sound[200, 1], sound[300:302, 2], sound[400, 2] = 32_767, -32_768, 32_767, 32_766
    for pick, leave_out, count in ((1, (), 1), (2, (), 1), (3, (), 2), ("mix", (), 4), ("beam", (3,), 2)):
        one = array(48_000, 3, pick, rumble_hz=80.0, leave_out=leave_out)
        heard(one, sound, [960, 8_640])
        assert one.clipped == count

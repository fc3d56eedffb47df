"""Lost samples are found by the clock; jitter, drift and stalls without a loss are not mistaken for one."""

import random
from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from recorder.audio import FRAME_TICKS, GAP_TICKS_MULTIPLE, TICKS_PER_SECOND
from recorder.device.microphone import READ_SECONDS_MAX
from recorder.device.timeline import READ_SECONDS, WATCH_SECONDS, WATCHES_MAX, Pace, Timeline

NS = 1_000_000_000
TOLERANCE_SECONDS = 0.05


@dataclass
class Sound:
    """A simulated microphone: a clock that drifts, chunks that come late, losses and stalls at given times."""

    rate: int = 48_000
    drift_ppm: float = 0.0
    chunk_seconds: float = 0.02
    latency_seconds: float = 0.0
    losses: list[tuple[float, float]] = field(default_factory=list)
    """When, and seconds of sound that vanish."""
    stalls: list[tuple[float, float]] = field(default_factory=list)
    """When, and how long nothing is delivered; what was captured meanwhile comes afterwards."""
    catching_up: float = float("inf")
    """How many times faster than it was captured the sound comes after a stall."""
    pauses: list[tuple[float, float]] = field(default_factory=list)
    """When, and how long the reader does not run."""

    def delivered(self, now: float) -> int:
        """Samples that have reached the reader's side at `now`."""
        time = now - self.latency_seconds
        for begin, length in self.stalls:
            if time >= begin:
                late = time - begin - length
                time = min(time, begin + (late * self.catching_up if late > 0 else 0.0))
        heard = max(0.0, time)
        for begin, length in self.losses:
            heard -= min(max(0.0, time - begin), length)
        chunk = max(1, round(self.chunk_seconds * self.rate))
        return int(heard * self.rate * (1 + self.drift_ppm / 1e6)) // chunk * chunk

    def run(self, seconds: float, jitter_seconds: float = 0.0, seed: int = 0) -> list[tuple[float, int]]:
        """What the timeline declares, and when, to a reader like the microphone's."""
        dice = random.Random(seed)
        timeline = Timeline(self.rate)
        frame = self.rate // 50
        pace = Pace()
        now, read, seen, lost, declared = 0.0, 0, 0, 0, []
        while now < seconds:
            available = self.delivered(now) - read
            came, seen = available > seen, available
            take = min(available // frame * frame, round(self.rate * READ_SECONDS_MAX))
            if not pace.read(came=came, waiting=take > 0):
                take = 0
            read, seen = read + take, seen - take
            if read:
                lost += timeline.observe(take, round(now * NS) + 10**12, available - take)
            if lost and take:
                declared.append((now, lost))
                lost = 0
            now += pace.pause_seconds + dice.random() * jitter_seconds
            for begin, length in self.pauses:
                if begin <= now < begin + length:
                    now = begin + length
        return declared


calm = st.builds(
    Sound,
    rate=st.sampled_from([48_000, 16_000]),
    drift_ppm=st.floats(-300, 300),
    chunk_seconds=st.floats(0.001, 0.1),
    latency_seconds=st.floats(0, 2),
)


@given(calm, st.floats(0, 0.2), st.integers(0, 9))
@settings(max_examples=60)
def test_jitter_drift_and_latency_lose_nothing(sound, jitter, seed):
    assert sound.run(60, jitter, seed) == []


@given(calm, st.floats(5, 10), st.floats(0.01, 8), st.booleans(), st.floats(0, 0.05), st.integers(0, 9))
@settings(max_examples=60)
def test_a_stall_whose_sound_comes_later_loses_nothing(sound, begin, length, reader, jitter, seed):
    (sound.pauses if reader else sound.stalls).append((begin, length))
    assert sound.run(30, jitter, seed) == []


@given(calm, st.floats(0.2, 8), st.floats(1.3, 4))
@example(Sound(chunk_seconds=0.1), 2.1875, 1.3)
@settings(max_examples=60)
def test_a_stall_that_is_caught_up_slowly_loses_nothing(sound, length, speed):
    sound.stalls.append((6.0, length))
    sound.catching_up = speed
    assert sound.run(60, 0.02) == []


@given(calm, st.floats(5, 10), st.floats(0.25, 12), st.floats(0, 0.05), st.integers(0, 9))
@example(Sound(), 5.0, 0.25, 0.0, 0)
@example(Sound(drift_ppm=300, chunk_seconds=0.1), 10.0, 0.25, 0.05, 0)
@settings(max_examples=150)
def test_a_loss_is_found_soon_and_once(sound, begin, length, jitter, seed):
    sound.losses.append((begin, length))
    declared = sound.run(40, jitter, seed)
    assert len(declared) == 1
    when, lost = declared[0]
    assert lost >= FRAME_TICKS
    assert lost % GAP_TICKS_MULTIPLE == 0
    # The half second of the loss, up to four more for floors that agree, and the reader's pauses.
    assert begin < when <= begin + length + sound.latency_seconds + 3.5
    assert abs(lost / TICKS_PER_SECOND - length) <= TOLERANCE_SECONDS


@given(calm, st.lists(st.floats(0.25, 2), min_size=2, max_size=5), st.integers(0, 9))
@settings(max_examples=40)
def test_every_one_of_several_losses_is_found(sound, lengths, seed):
    sound.losses = [(5.0 + 6 * number, length) for number, length in enumerate(lengths)]
    declared = sound.run(45, 0.02, seed)
    assert len(declared) == len(lengths)
    assert abs(sum(lost for _, lost in declared) / TICKS_PER_SECOND - sum(lengths)) <= len(lengths) * TOLERANCE_SECONDS


def test_hours_of_a_drifting_clock_hide_neither_themselves_nor_a_loss():
    for ppm in (-300, 300):
        sound = Sound(drift_ppm=ppm, losses=[(3 * 3600.0, 0.25)])
        ((when, lost),) = sound.run(3 * 3600 + 10, 0.02)
        assert when > 3 * 3600
        assert abs(lost / TICKS_PER_SECOND - 0.25) <= TOLERANCE_SECONDS


def test_small_losses_add_up():
    sound = Sound(losses=[(10.0 + 2 * number, 0.03) for number in range(10)])
    declared = sound.run(40)
    assert abs(sum(lost for _, lost in declared) / TICKS_PER_SECOND - 0.3) <= 0.2


def test_the_latency_of_the_start_does_not_hide_a_later_loss():
    # For two seconds the sound comes half a second late, then it catches up; the loss is smaller than that.
    sound = Sound(stalls=[(0.1 * number, 0.0) for number in range(3)], losses=[(20.0, 0.3)])
    late = Sound.delivered

    def delivered(now: float) -> int:
        return late(sound, now - 0.5) if now < 2 else late(sound, now)

    sound.delivered = delivered
    ((when, lost),) = sound.run(30)
    assert 20.0 < when < 23.0
    assert abs(lost / TICKS_PER_SECOND - 0.3) <= TOLERANCE_SECONDS


def test_a_latency_that_rises_for_good_is_no_loss():
    """A sound server does this when somebody else begins to play; no sample is missing."""
    sound = Sound(losses=[(10.0, 0.14)])  # to the clock it looks like a loss of that length
    assert sound.run(60, 0.02) == []


def test_what_waits_is_read_right_after_something_came_and_else_before_long():
    pace = Pace()
    assert pace.read(came=True, waiting=True), "the first that comes"
    assert pace.pause_seconds == READ_SECONDS
    assert not pace.read(came=True, waiting=True), "when it came in the long pause is not known"
    assert pace.pause_seconds == WATCH_SECONDS
    assert not pace.read(came=False, waiting=True)
    assert pace.read(came=True, waiting=True)
    looks = [pace.read(came=False, waiting=True) for _ in range(WATCHES_MAX + 1)]
    assert looks == [False] * WATCHES_MAX + [True], "a microphone that falls silent keeps nothing from the recording"
    assert not any(pace.read(came=False, waiting=False) for _ in range(100))
    assert pace.pause_seconds == WATCH_SECONDS

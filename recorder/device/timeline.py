"""Finds lost samples by the clock, because overflow flags cannot be trusted. Pure.

A driver or sound server that drops samples often does not say so. What cannot lie is arithmetic: a stream at 48 kHz
that has delivered 47 s of sound after 48 s has lost one, or holds it back. The rules tell these apart:

- The **lag** is the time since the stream began, less the sound received so far (what was read and what waits to be
  read). It is sampled only when something new has come.
- Lateness only ever adds to the lag: scheduling, buffering, chunks. So the least lag of half a second, its **floor**,
  hardly moves however much single lags do, and a loss lifts it for good. That needs one delivery in half a second
  whose arrival is known closely: `Pace` looks out for one before each reading.
- Sound that was held back comes in a burst: the lag falls again at once. A loss is therefore declared only when two
  floors in a row, without an interruption, lie above the baseline and agree. A lag that goes on rising is declared at
  the second judgement, in parts; one that falls never, if what was held back comes at 1.3 times its speed or faster:
  deliveries of 0.1 s blur the floors.
- A sound card's clock differs from the monotonic clock by up to 300 ppm, a second an hour. The baseline follows the
  floor by at most 500 ppm, so drift is never a loss, and no loss from LOSS_SECONDS_MIN up is ever taken for drift.
- A floor that stays *below* the baseline for ten seconds is the better baseline: the latency of the start has gone.

So a loss is found one to three seconds after it happened, its length known to some 40 ms, and the gap stands where it
was found: what was captured in between is that much early in the recording.
"""

from recorder.audio import FRAME_TICKS, GAP_TICKS_MULTIPLE, TICKS_PER_SECOND

LOSS_SECONDS_MIN = 0.2
"""The least lasting lag that counts as a loss; every loss of 0.25 s is found, smaller ones add up.

A sound server may raise its latency by 0.1 s and more in the middle of a stream, when somebody else begins to play, and
loses nothing by it. A driver that overruns loses its buffer, which is larger than this.
"""
BUCKET_SECONDS = 0.5
SLEW_SECONDS = 500e-6 * BUCKET_SECONDS
AGREE_SECONDS = 0.05
EARLY_BUCKETS = 20
READ_SECONDS = 0.45
"""The pause after reading: every look costs processor time, and every reading more."""
WATCH_SECONDS = 0.04
"""The pause while looking out for a delivery: how closely its arrival is known."""
WATCHES_MAX = 8
"""Then what waits is read, whether or not more has come."""


class Pace:
    """When to look for something new, and when to read it: right after one delivery whose arrival is known closely."""

    def __init__(self) -> None:
        self._looks = 1  # the first that comes is read at once

    def read(self, *, came: bool, waiting: bool) -> bool:
        """Whether to read now, after a look: anything `came` since the one before; something is `waiting` to be read."""
        self._looks += 1
        if waiting and ((came and self._looks > 1) or self._looks > WATCHES_MAX):
            self._looks = 0
            return True
        return False

    @property
    def pause_seconds(self) -> float:
        """Until the next look."""
        return WATCH_SECONDS if self._looks else READ_SECONDS


class Timeline:
    """Compares what one stream delivered with the clock, from its first delivery on."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._received = 0
        self._total = 0
        self._start_ns: int | None = None
        self._declared = 0.0
        self._bucket_end_ns = 0
        self._floor = float("inf")
        self._previous: float | None = None
        self._baseline: float | None = None
        self._early: list[float] = []
        self._rising = 0

    def observe(self, frames_read: int, now_ns: int, backlog_frames: int) -> int:
        """Ticks lost: 0, or a valid length of a gap.

        `frames_read` were read since the last call, perhaps none; `backlog_frames` are still waiting to be read, and
        `now_ns` (monotonic) was taken after they were counted.
        """
        self._received += frames_read
        total = self._received + backlog_frames
        if total <= self._total:
            return 0
        self._total = total
        if self._start_ns is None:
            self._start_ns = now_ns
            self._restart(now_ns)
        lag = (now_ns - self._start_ns) / 1e9 - total / self._rate - self._declared
        lost = self._close_bucket(now_ns) if now_ns >= self._bucket_end_ns else 0
        self._floor = min(self._floor, lag - lost / TICKS_PER_SECOND)
        return lost

    def _restart(self, now_ns: int) -> None:
        """Begin the next half second."""
        self._bucket_end_ns = now_ns + round(BUCKET_SECONDS * 1e9)
        self._floor = float("inf")

    def _close_bucket(self, now_ns: int) -> int:
        """Judge the half second that is over."""
        previous, current = self._previous, self._floor
        self._restart(now_ns)
        self._previous = current
        if previous is None:
            return 0
        floor = min(previous, current)
        if self._baseline is None:
            self._baseline = floor
            return 0
        excess = floor - self._baseline
        if excess >= LOSS_SECONDS_MIN:
            step = current - previous
            self._rising = self._rising + 1 if step > AGREE_SECONDS else 0
            if step < -AGREE_SECONDS or self._rising == 1:
                return 0
            lost = int(excess * TICKS_PER_SECOND) // GAP_TICKS_MULTIPLE * GAP_TICKS_MULTIPLE
            self._declared += lost / TICKS_PER_SECOND
            self._previous -= lost / TICKS_PER_SECOND
            self._rising = 0
            return lost
        self._baseline += max(-SLEW_SECONDS, min(SLEW_SECONDS, excess))
        self._settle(floor)
        return 0

    def _settle(self, floor: float) -> None:
        """Take a floor that stays well below the baseline for its better value."""
        if self._baseline is None or floor > self._baseline - AGREE_SECONDS:
            self._early.clear()
            return
        self._early.append(floor)
        if len(self._early) >= EARLY_BUCKETS:
            self._baseline = max(self._early)
            self._early.clear()


assert LOSS_SECONDS_MIN * TICKS_PER_SECOND >= FRAME_TICKS

"""One run: meetings are held, faults come and go, and in the end nothing may be missing.

What is done to the site, for how long and after what comes from the seed; how two cores share the processes, and how long the
product waits before it tries again, does not. So a seed repeats the story, and not every microsecond.
"""

import random
import shutil
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from tests.faults.faults import BY_NAME, Fault, Missed, Over
from tests.faults.judge import Verdict, judge
from tests.faults.site import Ground, Room, Site, Stack

TURN_SECONDS = 0.004
RUN_SECONDS_MAX = 120.0
"""A run takes two or three, and many times that on a busy machine; what is not done by then is stuck."""
PATIENCE_SECONDS = 1.5
"""After which a fault comes, whether what it waits for has happened or not."""
TOGETHER = 0.5
"""How often the second of two faults comes right behind the first."""


class Case(msgspec.Struct, frozen=True):
    """What is to be run."""

    faults: tuple[str, ...]
    seed: int
    flaw: str = ""
    seconds_max: float = RUN_SECONDS_MAX

    def __str__(self) -> str:
        return f'--faults "{"; ".join(self.faults)}" --seed {self.seed}'


class Outcome(msgspec.Struct):
    case: Case
    verdict: Verdict
    struck: tuple[str, ...]
    """Those faults that could be done, and were."""
    seconds: float
    folder: str = ""
    """Where diaries and logs are, if something was wrong."""


class Moment:
    """After how many lines of which kind in the device's diary; or right after another strike."""

    def __init__(self, chance: random.Random, room: Room) -> None:
        blocks = sum(int(word.partition(":")[0]) for word in room.plan)
        what, most = chance.choice((("born", 1), ("kept", blocks), ("heard", 20), ("meeting", 2), ("let go", 2)))
        self._what, self._number = what, chance.randint(1, most)
        self._later = chance.uniform(0.0, 0.05)
        self._due: float | None = None

    def has_come(self, room: Room, now: float) -> bool:
        if self._due is None and room.diary.count(self._what) >= self._number:
            self._due = now + self._later
        return self._due is not None and now >= self._due


class Strike:
    """One fault of a run."""

    def __init__(self, fault: Fault, site: Site, chance: random.Random, behind: "Strike | None") -> None:
        self._fault = fault
        self._site = site
        self._chance = random.Random(chance.random())
        self._moment = Moment(chance, site.room)
        self._behind = behind if chance.random() < TOGETHER else None
        self._pause = chance.uniform(0.0, 0.2)
        self._lasts = chance.uniform(*fault.lasts)
        self._patience = time.monotonic() + PATIENCE_SECONDS
        self._doing: AbstractContextManager[Over | None] | None = None
        self._waits: Over | None = None
        self.since: float | None = None
        self.over = False

    def turn(self, *, done: bool) -> None:
        """`done`: nothing more will happen at the site, unless a fault makes it."""
        now = time.monotonic()
        if self.over:
            return
        if self._doing is None:
            if self._is_due(now):
                self._begin(now)
        elif self.since is not None and (now >= self.since + self._lasts or (self._waits and (done or self._waits()))):
            self.end()

    def end(self) -> None:
        """Heal what it did; nothing if that is done."""
        doing, self._doing, self.over = self._doing, None, True
        if doing is not None:
            try:
                doing.__exit__(None, None, None)
            except Missed:
                self.since = None

    def _is_due(self, now: float) -> bool:
        if self._behind is not None:
            return self._behind.over or (self._behind.since is not None and now >= self._behind.since + self._pause)
        return self._fault.early or now >= self._patience or self._moment.has_come(self._site.room, now)

    def _begin(self, now: float) -> None:
        doing = self._fault.how(self._site, self._chance)
        try:
            self._waits = doing.__enter__()
        except OSError:
            self.over = now >= self._patience + PATIENCE_SECONDS  # it cannot be done, by what the other one does
        else:
            self._doing, self.since = doing, time.monotonic()


def run(ground: Ground, case: Case) -> Outcome:
    """Play it, and judge."""
    began = time.monotonic()
    chance = random.Random(f"{case.faults} {case.seed}")
    faults = [BY_NAME[name] for name in case.faults]
    ends = ("refuse", "regret") if any(fault.of_a_no for fault in faults) else ("stop", "stop", "refuse", "regret")
    plan = f"{chance.randint(8, 20)}:stop {chance.randint(4, 16)}:{chance.choice(ends)}"
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=ground.folder))
    site = Site(ground, folder / "site", _stack(faults), plan, case.flaw, any(fault.clocks for fault in faults))
    strikes: list[Strike] = []
    try:
        site.open()
        for fault in faults:
            strikes.append(Strike(fault, site, chance, strikes[0] if strikes else None))
        while time.monotonic() < began + case.seconds_max:
            site.tend()
            done = site.is_done()
            for strike in strikes:
                strike.turn(done=done)
            if done and all(strike.over for strike in strikes) and site.is_done():
                break
            time.sleep(TURN_SECONDS)
        else:
            site.wrong.append(f"not done after {case.seconds_max:.0f} s; the last that was said:\n{site.last_words()}")
            for strike in strikes:
                strike.end()
        site.end()
        verdict = judge(site)
    finally:
        for strike in strikes:
            strike.end()
        site.end()
        site.clear()
    struck = tuple(name for name, strike in zip(case.faults, strikes, strict=True) if strike.since is not None)
    outcome = Outcome(case, verdict, struck, time.monotonic() - began)
    if verdict.wrong:
        outcome.folder = tempfile.mkdtemp(prefix="wederhoor-fault-")
        shutil.copytree(folder, outcome.folder, dirs_exist_ok=True)
    shutil.rmtree(folder)
    return outcome


def _stack(faults: list[Fault]) -> Stack:
    """Where the archive keeps its things: where the faults can be done; without need, in files."""
    needs = {fault.needs for fault in faults}
    return Stack("postgresql" if "postgresql" in needs else "sqlite", "s3" if "s3" in needs else "folder")

"""What the archive signed for is there whenever the power goes, and what it purged is not: on a disk that keeps what was synced
and of the rest whatever it likes (`tests/storage/disk.py`).

The real archive is traced while a device sends it three meetings (`tests/storage/story.py`). For each point of that trace the
disk tells what a crash there may leave; each of these, once, is opened by the same code and judged (`tests/storage/judge.py`),
under the most receipts that had been sent by then. And once more so if the archive was killed before, at one of its calls, and
started anew: what it left was synced by nobody, and the next one must not take it for durable.

A device's spool is judged so under Python's calls, in one process: `tests/device/test_crash_points.py`.

That these tests can fail is shown by archives with one flaw each (`tests/storage/traced_archive.py`).
"""

import hashlib
import logging
import multiprocessing
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from recorder.archive import naming
from tests.storage.disk import Files
from tests.storage.judge import Judge
from tests.storage.story import Crash, Meeting, TracedSite, crashes, play
from tests.storage.trace import parse
from tests.storage.traced_archive import STRETCH_BLOCKS

JUDGES = 2
JUDGED_AT_ONCE = 8
EVERY = "--every-kill"
KILL = "{}:error=EIO:signal=KILL:when={}"
"""In words of strace's `inject`: the process dies at this call of a thread, which for certain is not carried out."""
KILLED_AT = ("mkdir", "rmdir", "unlink", "linkat", "fsync", "fdatasync", "syncfs")
KILLS_SAMPLED = (("linkat", 4), ("syncfs", 9), ("syncfs", 40), ("rmdir", 3), ("fdatasync", 8))
"""At which calls the archive is killed without EVERY. The third is within a deletion."""
FLAWED_SAMPLED = 400
"""Of the aftermaths of an archive with a flaw, from the last on: the first that shows it is enough."""

Say = Callable[[str], None]

pytestmark = pytest.mark.timeout(900)  # a minute on two idle cores; a busy machine takes many times that


class Court:
    """Judges, in processes of their own, of what one site may have left."""

    def __init__(self, site: TracedSite, *, all_lost: bool = False) -> None:
        """`all_lost`: only those that lost everything that was not synced."""
        self.found: dict[bytes, Crash] = {}
        """By what is left, under the most receipts."""
        self.number = 0
        """Of aftermaths; some leave the same."""
        before: Files | None = None
        for crash in crashes(site):
            if before is None:
                before = site.disk.killed().files()
            if all_lost and crash.aftermath.arrived:
                continue
            self.number += 1
            self.found[_digest(crash.aftermath.files())] = crash
        assert before is not None
        self._case = (before, site.meetings)

    def judge(self, crashes: Iterable[Crash]) -> Iterator[tuple[Crash, list[str]]]:
        """Those of them after which something is wrong, and what."""
        crashes = list(crashes)
        folder = Path(tempfile.mkdtemp(prefix="wederhoor-test-", dir="/dev/shm"))
        judges = ProcessPoolExecutor(JUDGES, multiprocessing.get_context("spawn"), _begin, (folder, *self._case))
        try:
            cases = ((crash.aftermath.files(), crash.receipts) for crash in crashes)
            for crash, wrong in zip(crashes, judges.map(_judge, cases, chunksize=JUDGED_AT_ONCE), strict=True):
                if wrong:
                    yield crash, wrong
        finally:
            judges.shutdown(cancel_futures=True)
            shutil.rmtree(folder)


_JUDGE: list[Judge] = []
"""Of this process."""


def _begin(folder: Path, before: Files, meetings: tuple[Meeting, ...]) -> None:
    logging.disable()  # what an archive tells of a crash is not asked here
    naming.STRETCH_BLOCKS = STRETCH_BLOCKS
    _JUDGE.append(Judge(folder / multiprocessing.current_process().name, before, meetings))


def _judge(case: tuple[Files, tuple[bytes, ...]]) -> list[str]:
    return _JUDGE[0].judge(*case)


def _digest(files: Files) -> bytes:
    told = hashlib.sha256()
    for path, data in files.items():
        told.update(repr((path, data)).encode())
    return told.digest()


def told(wrong: Iterable[tuple[Crash, list[str]]]) -> str:
    """For who must mend it."""
    return "\n".join(f"{crash.when}, {len(crash.receipts)} receipts: {'; '.join(each)}" for crash, each in wrong)


def check_the_model(site: TracedSite) -> None:
    """Everything that was traced, played: then there must be what there is."""
    folder = site.folder / "archive"
    there = {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")
    }
    assert site.disk.killed().files() == there


def kills(site: TracedSite) -> list[str]:
    """Every call of the clerk at which the archive may be killed."""
    calls = [call for call in parse(site.traces[-1].read_text()) if call.name in KILLED_AT]
    (clerk, _), *_ = Counter(call.thread for call in calls).most_common()
    numbers = Counter(call.name for call in calls if call.thread == clerk)
    return [KILL.format(name, number + 1) for name in KILLED_AT for number in range(numbers[name])]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> TracedSite:
    site = TracedSite(tmp_path_factory.mktemp("site"))
    play(site)
    return site


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """What a passing test has to tell."""

    def say(words: str) -> None:
        with capsys.disabled():
            print(f"\n  {words}")

    return say


def test_whatever_a_power_cut_leaves_keeps_what_was_signed_for(undisturbed: TracedSite, say: Say) -> None:
    court = Court(undisturbed)
    check_the_model(undisturbed)
    wrong = list(court.judge(court.found.values()))
    say(f"{court.number} aftermaths, {len(court.found)} of them distinct: all judged")
    assert not wrong, told(wrong)


@pytest.mark.timeout(14_400)
def test_what_a_killed_archive_left_unsynced_is_not_signed_for(
    undisturbed: TracedSite, tmp_path: Path, request: pytest.FixtureRequest, say: Say
) -> None:
    every = kills(undisturbed)
    sampled = [KILL.format(*each) for each in KILLS_SAMPLED]
    chosen = every if request.config.getoption(EVERY) else sampled
    wrong, killed, judged = "", 0, 0
    for number, kill in enumerate(chosen):
        site = TracedSite(tmp_path / str(number), kill=kill)
        play(site)
        court = Court(site, all_lost=True)
        check_the_model(site)
        killed += site.kills
        judged += len(court.found)
        if found := told(court.judge(court.found.values())):
            wrong += f"killed at {kill}:\n{found}\n"
        shutil.rmtree(site.folder)
    say(f"killed at {killed} of {len(every)} calls; {judged} aftermaths without all that was not synced: all judged")
    assert not wrong, wrong
    assert chosen is every or killed == len(chosen), "the archive does not come to a call at which it was to be killed"


@pytest.mark.parametrize(
    ("flaw", "kill", "seen"),
    [
        ("no file is synced before it has a name", "", "."),
        ("no name is synced", "", "the store does not have .*, which was signed for"),
        ("synchronous=OFF", "", "the catalogue does not know .*, which was signed for"),
        ("synchronous=NORMAL", "", "the catalogue does not know .*, which was signed for"),
        ("receipts before the commit", "", "the catalogue does not know .*, which was signed for"),
        ("the catalogue forgets nothing", "", "after `purged`: catalogue.sqlite-wal has something of a refused block"),
        (
            "nothing is settled",
            KILL.format("rmdir", 1),
            "after `purged`: a folder of a refused recording is left",
        ),
    ],
)
def test_a_flaw_is_found(tmp_path: Path, flaw: str, kill: str, seen: str) -> None:
    site = TracedSite(tmp_path, flaw, kill)
    play(site)
    court = Court(site)
    found = list(court.found.values())
    for _, wrong in court.judge(found[:: -max(1, len(found) // FLAWED_SAMPLED)]):
        if any(re.search(seen, each) for each in wrong):
            return
    pytest.fail(f"an archive with the flaw {flaw!r} passes")

"""A bench that is ended leaves nothing: no process, and no folder."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import command
from recorder.errors import TrialError
from recorder.trial.machines import RAM
from tests.end_to_end.house import ROOT, SECONDS_MAX, until

HOURS = "0.1"
"""Of speech: more than is sent while we look."""


@pytest.fixture
def _handled_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("_handled_as_before")
def test_what_is_wrong_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> int:
        raise TrialError("mosquitto is not installed")

    with pytest.raises(SystemExit, match=r"^2$"):
        command.run(main)
    assert capsys.readouterr().err == "bench: mosquitto is not installed\n"


def of_home(home: Path) -> dict[int, str]:
    """The command lines of all that runs with this home folder."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # it ended while we looked, or is another's
    return found


@pytest.mark.parametrize(("begun", "number"), [("spawn_main", signal.SIGINT), ("recorder room", signal.SIGTERM)])
def test_a_bench_that_is_ended_leaves_nothing(tmp_path: Path, begun: str, number: signal.Signals) -> None:
    """While a process of its own is at work, and while archive and room are."""
    before = set(RAM.glob("bench-*"))
    with subprocess.Popen(
        # Else it would not hear Control-C where these tests are a job in the background of a shell.
        ["env", "--default-signal=INT", sys.executable, "-m", "bench.backlog", "--hours", HOURS],
        cwd=ROOT,
        env=os.environ | {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as bench:
        try:
            for word in ("mosquitto", begun):
                until(word, lambda word=word: any(word in line for line in of_home(tmp_path).values()))
            running = " ".join(of_home(tmp_path).values())
            (folder,) = (each for each in set(RAM.glob("bench-*")) - before if str(each) in running)
            assert list(tmp_path.glob("bench-*")), "the archive's folder is there"
            bench.send_signal(number)
            said, _ = bench.communicate(timeout=SECONDS_MAX)
        finally:
            bench.kill()
    assert bench.returncode == 128 + number, said
    until("end of all its processes", lambda: not of_home(tmp_path))
    assert not folder.exists()
    assert not list(tmp_path.glob("bench-*"))

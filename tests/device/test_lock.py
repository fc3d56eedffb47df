"""The lock of a room's folder, on real processes."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.device import lock
from recorder.device.lock import alone
from recorder.errors import RoomError

HOLDER = """
import subprocess, sys
from pathlib import Path
from recorder.device.lock import alone
with alone(Path(sys.argv[1])):
    subprocess.Popen(["cat"], stdout=subprocess.DEVNULL, close_fds=False)
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in the room, and a child of it, which lives until the standard input of both ends."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_told_which_one_is_in_the_room(tmp_path: Path) -> None:
    with holder(tmp_path) as first, pytest.raises(RoomError) as told, alone(tmp_path):
        pass
    assert str(told.value).startswith(f"{tmp_path}: this room runs already (process {first.pid});")


def test_that_a_room_runs_is_told_also_where_the_kernel_does_not_say_who(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "LOCKS", tmp_path / "none")
    with holder(tmp_path), pytest.raises(RoomError, match="this room runs already; stop"), alone(tmp_path):
        pass


def test_the_lock_ends_with_its_process_and_not_with_what_that_began(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        first.kill()
        first.wait()
        with alone(tmp_path):  # its child lives, for its standard input has not ended
            pass
    assert not list(tmp_path.iterdir())


def test_with_real_pins_it_ends_at_once_for_the_lights_are_the_first_ones(tmp_path: Path) -> None:
    """A room that cannot start would blink that for a minute."""
    file = tmp_path / "room.toml"
    file.write_text(f'[room]\nname = "room-1"\nfolder = "{tmp_path}"\n')
    command = [sys.executable, "-m", "recorder", "room", "--config", str(file)]
    with holder(tmp_path):
        second = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (second.returncode, second.stdout) == (2, "")
    assert second.stderr.startswith(f"recorder room: {tmp_path}: this room runs already")


def test_of_a_folder_that_is_not_there_another_tells(tmp_path: Path) -> None:
    with alone(tmp_path / "none"):
        pass
    assert not list(tmp_path.iterdir())

"""Who watches the watchers: the daemon, the guard and their threads are killed, stopped and hung in the middle of a meeting.

Promise 1 in each: capture comes to an end, the guard says so, and what had been recorded can still be refused.
"""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

from recorder.sealed.verify import KeyboxState, State
from tests.end_to_end.house import House, alive, end_process, until

GUARD_SECONDS_MAX = 40.0
"""The guard is patient for ten."""


def guard_pid(room: int) -> int | None:
    found = subprocess.run(
        ["pgrep", "-P", str(room), "-f", "recorder.device.guard"], capture_output=True, text=True, check=False
    )
    return int(found.stdout.split()[0]) if found.stdout.strip() else None


def begin(house: House) -> tuple[str, int, int]:
    """The recording, its capture process and the guard."""
    house.start_room()
    recording = house.begin(blocks=2)
    capture, guard = house.capture_pid(), guard_pid(house.room.process.pid)
    assert capture is not None and guard is not None
    return recording, capture, guard


def assert_cut_off(house: House, recording: str) -> None:
    """After a restart: nothing starts by itself, the client is asked again, and what was sealed is kept."""
    house.room.kill()  # it is dead: its pipes are not
    room = house.start_room()
    assert room.happened("state")[0].detail == "grace"
    assert room.report is not None and "cut_off" in room.report.status.faults
    assert house.capture_pid() is None and house.stage.listeners() == 0
    house.await_signed(recording)
    report = house.verified(recording)
    assert (report.state, report.ended, report.keybox) == (State.WHOLE, "power_loss", KeyboxState.PRESENT)
    assert report.blocks >= 2


def test_the_daemon_is_killed(house: House) -> None:
    recording, capture, guard = begin(house)
    os.kill(house.room.process.pid, signal.SIGKILL)
    until("end of the capture process", lambda: not alive(capture))
    until("word of the guard", lambda: "has ended without a word" in house.log())
    until("end of the guard, whose lamp is made of software", lambda: not alive(guard))
    house.await_silence()
    assert_cut_off(house, recording)


def test_the_daemon_is_killed_while_the_capture_process_is_stopped(house: House) -> None:
    """A process that is stopped reads no pipe; the kernel ends it all the same."""
    recording, capture, _ = begin(house)
    os.kill(capture, signal.SIGSTOP)
    os.kill(house.room.process.pid, signal.SIGKILL)
    until("end of the capture process", lambda: not alive(capture))
    house.await_silence()
    assert_cut_off(house, recording)


def test_the_daemon_is_stopped_dead(house: House) -> None:
    """SIGSTOP: every thread of it, the one that hears the buttons included."""
    recording, capture, _ = begin(house)
    os.kill(house.room.process.pid, signal.SIGSTOP)
    until("end of the daemon", lambda: not alive(house.room.process.pid), GUARD_SECONDS_MAX)
    until("end of the capture process", lambda: not alive(capture))
    assert "the daemon of this room hangs, and is ended" in house.log()
    house.await_silence()
    assert_cut_off(house, recording)


def test_the_loop_hangs(house: House) -> None:
    """The loop alone: it writes its report to a pipe that nobody reads any more. Its other threads live."""
    room = subprocess.Popen(
        [sys.executable, "-m", "recorder", "room", "--config", str(house.folder / "room.toml"), "--report"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(log := (house.folder / "room.log").open("ab")),
        env=os.environ | house.stage.environment,
    )
    assert room.stdin is not None and room.stdout is not None
    try:
        for line in room.stdout:
            if b'"connected":true' in line:
                break
        room.stdin.write(b"start\n")
        room.stdin.flush()
        for line in room.stdout:
            if b'"sealed"' in line:
                break
        until("listener", lambda: house.stage.listeners() == 1)
        fcntl.fcntl(room.stdout, fcntl.F_SETPIPE_SZ, 4_096)
        until("end of the daemon", lambda: room.poll() is not None, GUARD_SECONDS_MAX)
        assert room.returncode == -signal.SIGKILL
        assert "the daemon of this room hangs, and is ended" in house.log()
        house.await_silence()
    finally:
        end_process(room)
        room.stdin.close()
        room.stdout.close()
        log.close()
    again = house.start_room()
    assert again.happened("state")[0].detail == "grace"


def test_the_guard_is_killed(house: House) -> None:
    """L2: a fault of the supervisor stops recording; the guard is made anew, and then the room is in service again."""
    recording, capture, guard = begin(house)
    os.kill(guard, signal.SIGKILL)
    house.room.await_state("grace")
    assert not alive(capture)
    house.await_signed(recording)
    assert house.verified(recording).ended == "fault"
    until("another guard", lambda: guard_pid(house.room.process.pid) not in (None, guard))
    house.room.await_state("idle")
    report = house.room.report
    assert report is not None and "the recording that ran was cut off" in report.status.fault
    again = house.begin(blocks=1)
    house.end()
    house.await_signed(again)


def test_the_guard_is_stopped_dead(house: House) -> None:
    recording, capture, guard = begin(house)
    os.kill(guard, signal.SIGSTOP)
    house.room.await_state("grace")
    assert not alive(capture) and not alive(guard)
    house.await_signed(recording)


def test_asked_to_test_itself_with_all_that_it_started_it_records_on(house: House) -> None:
    """As `systemctl kill -s USR1` does, which asks every process of a service."""
    recording, capture, guard = begin(house)
    for process in (house.room.process.pid, capture, guard):
        os.kill(process, signal.SIGUSR1)
    sealed = len(house.room.happened("sealed"))
    until("another block", lambda: len(house.room.happened("sealed")) > sealed)
    assert (house.capture_pid(), guard_pid(house.room.process.pid)) == (capture, guard)
    house.end()
    house.await_signed(recording)
    assert house.verified(recording).ended == "stop"


def test_a_room_that_is_switched_off_takes_its_guard_along(house: House) -> None:
    house.start_room()
    guard = guard_pid(house.room.process.pid)
    assert guard is not None and Path(f"/proc/{guard}").exists()
    assert house.room.stop() == 0
    until("end of the guard", lambda: not alive(guard))

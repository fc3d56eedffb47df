"""The unit files: systemd knows every word of them, and they leave a room little to do harm with."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from bench import refusal
from recorder.archive.intake import FAREWELL_SECONDS_MAX
from recorder.cli import parser
from recorder.device import daemon, guard, supervisor

UNITS = Path(__file__).parent.parent / "systemd"
ROOM = UNITS / "wederhoor-room.service"
INTAKE = UNITS / "wederhoor-archive@.service"
WATCH = UNITS / "wederhoor-watch.service"
FORGET = UNITS / "wederhoor-forget.service"
TIMER = UNITS / "wederhoor-forget.timer"
EXPOSURE_MAX = {ROOM: 18, INTAKE: 11, WATCH: 11, FORGET: 11}
"""Tenths, as `systemd-analyze security` counts; comparable services of Debian have 21 to 94."""


def settings(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )


each_unit = pytest.mark.parametrize("unit", EXPOSURE_MAX, ids=lambda each: each.name)


def complaints(text: str, unit: Path, folder: Path) -> list[str]:
    """What systemd says of this unit; of a template, as its first instance."""
    copy = folder / unit.name.replace("@.", "@1.")
    if unit.suffix == ".timer":
        (folder / FORGET.name).write_text("[Service]\nType=oneshot\nExecStart=/bin/true\n")
    copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    done = analyze("verify", copy)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stderr.splitlines() if copy.name in line]


def test_there_is_no_other_unit() -> None:
    assert {*UNITS.glob("*.service")} == {*EXPOSURE_MAX}


@each_unit
def test_systemd_knows_every_word(unit: Path, tmp_path: Path) -> None:
    """`verify` returns 0 for a word that it does not know, and warns."""
    assert complaints(unit.read_text(), unit, tmp_path) == []


@each_unit
def test_a_misspelt_word_would_be_noticed(unit: Path, tmp_path: Path) -> None:
    (told,) = complaints(unit.read_text().replace("NoNewPrivileges", "NoNewPriviliges"), unit, tmp_path)
    assert "NoNewPriviliges" in told


def test_the_timer_starts_the_nightly_run_and_makes_up_for_a_night_that_was_missed(tmp_path: Path) -> None:
    assert {*UNITS.glob("*.timer")} == {TIMER}
    assert complaints(TIMER.read_text(), TIMER, tmp_path) == []
    (told,) = complaints(TIMER.read_text().replace("Persistent", "Persistant"), TIMER, tmp_path)
    assert "Persistant" in told
    timer = settings(TIMER)
    assert TIMER.stem == FORGET.stem
    assert timer["Persistent"] == ["yes"]
    calendar = analyze("calendar", *timer["OnCalendar"])
    assert calendar.returncode == 0, calendar.stderr
    assert "02:30:00" in calendar.stdout
    assert settings(FORGET)["Type"] == ["oneshot"], "one that failed is to be seen"


@each_unit
def test_it_leaves_little_to_do_harm_with(unit: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX[unit]}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout[-300:]


@each_unit
def test_what_it_starts_is_a_command_of_ours(unit: Path) -> None:
    (command,) = settings(unit)["ExecStart"]
    program, *arguments = shlex.split(command)
    assert program == "/opt/wederhoor/bin/recorder"
    parser().parse_args(arguments)


def test_the_watchdog_barks_after_the_guard_and_long_after_a_turn() -> None:
    unit = settings(ROOM)
    assert unit["Type"] == ["notify"] and unit["Restart"] == ["always"]
    (seconds,) = unit["WatchdogSec"]
    assert float(seconds) >= 2 * guard.SILENT_SECONDS_MAX
    assert guard.SILENT_SECONDS_MAX >= 5 * supervisor.BEAT_SECONDS


def test_a_room_that_cannot_start_has_the_time_to_say_so() -> None:
    (seconds,) = settings(ROOM)["TimeoutStartSec"]
    assert float(seconds) >= daemon.BROKEN_SECONDS + supervisor.START_SECONDS_MAX


def test_what_the_room_needs_is_allowed() -> None:
    unit = settings(ROOM)
    assert unit["SupplementaryGroups"] == ["audio gpio"]
    assert sorted(unit["DeviceAllow"]) == ["char-alsa rw", "char-gpiochip rw"]
    assert unit["KillMode"] == ["mixed"], "a SIGTERM to the capture process would lose the tail"
    assert "@clock" not in " ".join(unit["SystemCallFilter"]) and "adjtimex" in unit["SystemCallFilter"]
    assert "ProtectClock" not in unit, "the clock could not be asked whether it is set"
    assert "ProcSubset" not in unit, "the sound cards are in /proc"
    assert unit["PrivateTmp"] == ["yes"], (
        "lgpio makes a pipe while it is imported (panel.py), and nothing else is writable"
    )


def test_the_room_goes_before_what_else_runs_as_where_it_was_measured() -> None:
    weight = settings(ROOM)["CPUWeight"]
    assert weight == [str(refusal.WEIGHT_RATIO * 100)], "systemd gives every other service 100"


def test_no_unit_waits_for_network_or_time() -> None:
    """A room records without either; time-sync targets hang with some time daemons (systemd #14061)."""
    for unit in UNITS.glob("*.service"):
        waits = " ".join(" ".join(settings(unit).get(name, [])) for name in ("After", "Requires", "Wants", "BindsTo"))
        assert not re.search("network|time-", waits), unit.name


def test_an_intake_has_the_time_to_send_its_last_receipts() -> None:
    (seconds,) = settings(INTAKE)["TimeoutStopSec"]
    assert float(seconds) >= 2 * FAREWELL_SECONDS_MAX

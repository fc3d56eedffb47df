"""What the machines of a trial are given to read, whoever starts them and wherever they lie."""

import signal
import tomllib
from pathlib import Path

import pytest

from recorder.fleet.authority import Authority
from recorder.trial import intake
from recorder.trial.broker import Broker
from recorder.trial.machines import Machines, toml


def test_settings_come_back_as_they_were_written() -> None:
    settings = {
        "room": {"folder": '/tmp/𝄞 "zaal" \\ é', "rates": [48_000], "on": True},
        "meeting": {"grace_seconds": 5.0},
    }
    assert tomllib.loads(toml(settings)) == settings


def test_an_archive_that_hangs_is_ended_and_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else the trial has to tell would be lost in a traceback."""
    monkeypatch.setattr(intake, "STOP_SECONDS_MAX", 1.0)
    with Machines(tmp_path / "parts", {}, {}) as machines:
        assert machines._intake is not None
        archive = machines._intake.process
        archive.send_signal(signal.SIGSTOP)
    assert archive.returncode == -signal.SIGKILL


def test_the_broker_reads_its_keys_whatever_the_environment_calls_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`su` without a dash leaves the name of the one who called it."""
    monkeypatch.setenv("LOGNAME", "nobody")
    monkeypatch.setenv("USER", "nobody")
    Authority.create(tmp_path / "authority").enrol_broker(tmp_path / "broker" / "keys")
    with Broker(tmp_path / "broker") as broker:
        # Who looked whether it is there hung up without a word, which it calls an error as well.
        assert not [line for line in broker.log.splitlines() if "Error" in line and "unexpected eof" not in line]

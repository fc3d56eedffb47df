"""What the machines of a trial are given to read, whoever starts them and wherever they lie."""

import tomllib
from pathlib import Path

import pytest

from recorder.fleet.authority import Authority
from recorder.trial.broker import Broker
from recorder.trial.machines import _toml


def test_settings_come_back_as_they_were_written() -> None:
    settings = {
        "room": {"folder": '/tmp/𝄞 "zaal" \\ é', "rates": [48_000], "on": True},
        "meeting": {"grace_seconds": 5.0},
    }
    assert tomllib.loads(_toml(settings)) == settings


def test_the_broker_reads_its_keys_whatever_the_environment_calls_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`su` without a dash leaves the name of the one who called it."""
    monkeypatch.setenv("LOGNAME", "nobody")
    monkeypatch.setenv("USER", "nobody")
    Authority.create(tmp_path / "authority").enrol_broker(tmp_path / "broker" / "keys")
    with Broker(tmp_path / "broker") as broker:
        assert "Error" not in broker.log

"""Many at once, each a process of its own, on both databases: one request is opened, and decided once."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import make_url

from recorder.trial.postgresql import PostgresqlServer
from tests.web.archive import Archive
from tests.web.desk import SECONDS_MAX

CLERKS = 5


class Site(NamedTuple):
    config: Path
    recording: str
    """That the nightly run would delete."""
    kind: str


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "sqlite":
        yield _site(tmp_path / "archive", "", request.param)
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    server.execute("CREATE DATABASE clerks")
    url = make_url(server.url("clerks")).set(drivername="postgresql").render_as_string()
    try:
        yield _site(tmp_path / "archive", f'[web]\ndatabase = "{url}"\n', request.param)
    finally:
        server.execute("DROP DATABASE clerks WITH (FORCE)")


def _site(folder: Path, settings: str, kind: str) -> Site:
    archive = Archive(folder, settings=settings)
    recording = archive.record(days_ago=15).id
    archive.catalogue.close()
    return Site(archive.config_file, recording, kind)


def started(site: Site, act: str) -> list[subprocess.Popen[str]]:
    """Each waits to be told."""
    command = [sys.executable, "-m", "tests.web.clerks", str(site.config), act, site.recording]
    processes = []
    for number in range(CLERKS):  # each brings the database up to date: not at once
        process = subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert heard(process) == "ready"
    return processes


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def said(processes: list[subprocess.Popen[str]]) -> list[str]:
    """What each of them says last."""
    found = [process.communicate(timeout=SECONDS_MAX)[0].split("\n")[-2] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return found


def at_once(site: Site, act: str) -> list[str]:
    """What each of them says."""
    processes = started(site, act)
    for process in processes:
        tell(process)
    return said(processes)


def test_one_request_is_opened_and_decided_once(site: Site) -> None:
    opened = at_once(site, "open")
    assert len(set(opened)) == 1
    assert opened[0]
    assert sorted(at_once(site, "decide")) == ["decided", *["too late"] * (CLERKS - 1)]


def test_an_erasure_is_confirmed_once(site: Site) -> None:
    at_once(site, "open_erasure")
    assert sorted(at_once(site, "confirm")) == ["confirmed", *["too late"] * (CLERKS - 1)]


def test_a_request_is_opened_or_the_recording_goes_and_never_both(site: Site) -> None:
    """Who asks while the nightly run decides, and its decision is in no database yet, waits for that, and is told."""
    night, *others = started(site, "open_or_go")
    tell(night)
    assert heard(night) == "decides"
    for process in others:
        tell(process)
        if site.kind == "postgresql":  # in SQLite they wait before that, where their transactions begin
            assert heard(process) == "asks"
    tell(night)
    assert said([night, *others]) == ["goes", *["being deleted"] * (CLERKS - 1)]

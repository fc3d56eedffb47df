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


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    if request.param == "sqlite":
        yield _site(tmp_path / "archive", "")
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    server.execute("CREATE DATABASE clerks")
    url = make_url(server.url("clerks")).set(drivername="postgresql").render_as_string()
    try:
        yield _site(tmp_path / "archive", f'[web]\ndatabase = "{url}"\n')
    finally:
        server.execute("DROP DATABASE clerks WITH (FORCE)")


def _site(folder: Path, settings: str) -> Site:
    archive = Archive(folder, settings=settings)
    recording = archive.record(days_ago=15).id
    archive.catalogue.close()
    return Site(archive.config_file, recording)


def at_once(site: Site, act: str) -> list[str]:
    """What each of them says."""
    command = [sys.executable, "-m", "tests.web.clerks", str(site.config), act, site.recording]
    commands = [[*command, str(number)] for number in range(CLERKS)]
    processes = []
    for each in commands:  # each brings the database up to date: not at once
        process = subprocess.Popen(each, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        processes.append(process)
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=SECONDS_MAX)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * CLERKS
    return said


def test_one_request_is_opened_and_decided_once(site: Site) -> None:
    opened = at_once(site, "open")
    assert len(set(opened)) == 1
    assert opened[0]
    assert sorted(at_once(site, "decide")) == ["decided", *["too late"] * (CLERKS - 1)]


def test_an_erasure_is_confirmed_once(site: Site) -> None:
    at_once(site, "open_erasure")
    assert sorted(at_once(site, "confirm")) == ["confirmed", *["too late"] * (CLERKS - 1)]


def test_a_request_is_opened_or_the_recording_goes_and_never_both(site: Site) -> None:
    """One of them is the nightly run, which decides that the recording goes unless somebody has asked something."""
    said = at_once(site, "open_or_go")
    went = said[0] == "goes"
    assert set(said[1:]) == ({"being deleted"} if went else {said[1]})
    assert went or said[0] == "stays"
    assert went or len(said[1]) == 36  # the number of the one request

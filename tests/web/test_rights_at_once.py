"""Many at once, each a process of its own, on both databases: one request is opened, and decided once."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from recorder.archive.catalogue import Catalogue
from recorder.archive.folder import FolderStore
from recorder.trial.postgresql import PostgresqlServer
from tests.web.desk import SECONDS_MAX

CLERKS = 5
RECORDING = "5" * 32


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "archive.toml"
    FolderStore.make(tmp_path / "objects")
    Catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}").close()
    text = f'[archive]\nfolder = "{tmp_path}"\n'
    if request.param == "sqlite":
        file.write_text(text)
        yield file
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    server.execute("CREATE DATABASE clerks")
    url = make_url(server.url("clerks")).set(drivername="postgresql").render_as_string()
    file.write_text(f'{text}[web]\ndatabase = "{url}"\n')
    try:
        yield file
    finally:
        server.execute("DROP DATABASE clerks WITH (FORCE)")


def at_once(config: Path, act: str) -> list[str]:
    """What each of them says."""
    commands = [[sys.executable, "-m", "tests.web.clerks", str(config), act, RECORDING, str(n)] for n in range(CLERKS)]
    processes = []
    for command in commands:  # each brings the database up to date: not at once
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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


def test_one_request_is_opened_and_decided_once(config: Path) -> None:
    opened = at_once(config, "open")
    assert len(set(opened)) == 1
    assert opened[0]
    assert sorted(at_once(config, "decide")) == ["decided", *["too late"] * (CLERKS - 1)]

"""The programs of the pages as they start."""

import subprocess
from pathlib import Path

import pytest
from sqlalchemy import make_url

from recorder.trial.postgresql import PostgresqlServer
from tests.web.archive import Archive
from tests.web.desk import Desk

TOGETHER = 4


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_those_that_start_at_once_make_the_database_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = ""
    if kind == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        server.execute("CREATE DATABASE started")
        url = make_url(server.url("started")).set(drivername="postgresql").render_as_string()
        settings = f'database = "{url}"\n'
    archive = Archive(tmp_path / "archive")
    desk = Desk(archive, settings)
    commands = [
        desk._command("account", f"{n}@gemeente.example", "N. N.", "--role", "listener") for n in range(TOGETHER)
    ]
    started = [subprocess.Popen(each, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for each in commands]
    ended = [(each.communicate(timeout=60), each.returncode) for each in started]
    assert [code for _, code in ended] == [0] * TOGETHER, ended
    archive.catalogue.close()
    if kind == "postgresql":
        server.execute("DROP DATABASE started WITH (FORCE)")

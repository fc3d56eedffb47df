"""The programs of the pages as they start."""

import http.client
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import make_url

from recorder.trial.postgresql import PostgresqlServer
from tests.web.archive import Archive
from tests.web.desk import SECONDS_MAX, Desk

TOGETHER = 4


def test_the_first_who_come_at_once_find_every_type_read(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    Desk(archive).decide()
    command = [sys.executable, "-m", "tests.structs_at_once", "pages", str(archive.config_file)]
    for _ in range(3):
        assert subprocess.run(command, timeout=SECONDS_MAX).returncode == 0
    archive.catalogue.close()


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


def test_who_asks_for_the_head_gets_that_alone_and_the_log_has_nothing_of_it(desk: Desk) -> None:
    before = desk.log_file.stat().st_size
    with closing(http.client.HTTPConnection(urlsplit(desk.url).netloc, timeout=SECONDS_MAX)) as connection:
        connection.request("HEAD", "/account/login/")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (http.HTTPStatus.OK, b"")
        assert int(answer.headers["Content-Length"]) > 1_000
    assert "HEAD" not in desk.log_file.read_text()[before:]

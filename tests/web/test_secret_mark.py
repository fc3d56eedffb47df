"""`keys/web.secret` is the one of its database, or nothing starts: of a lost one nobody would notice what went with it."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from recorder.trial.postgresql import PostgresqlServer
from tests.web.archive import Archive
from tests.web.desk import SECONDS_MAX, Desk
from tests.web.test_account_command import recorder

ACCOUNT = ("account", "a@gemeente.example", "A", "--role", "listener")
MARK = "SELECT hash FROM people_mark"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(Archive(tmp_path / "archive"))
    yield made
    made.close()
    made.archive.catalogue.close()


def secret(desk: Desk) -> Path:
    return desk.archive.folder / "keys" / "web.secret"


def people(desk: Desk, sql: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(desk.archive.folder / "people.sqlite")) as database, database:
        return database.execute(sql).fetchall()


def start(desk: Desk, action: str) -> "subprocess.CompletedProcess[str]":
    """One that is to refuse: it would serve for ever."""
    more = ["--key", str(desk.folder / "reader.key"), "--passphrase-file", str(desk.folder / "passphrase")]
    return recorder(desk.archive.config_file, action, *(more if action == "read" else []))


def refuses(desk: Desk, action: str) -> None:
    done = start(desk, action)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    told = done.stderr.splitlines()[-1]
    assert str(secret(desk)) in told and "restore it from the backup" in told
    assert "Traceback" not in done.stderr


def test_the_first_start_leaves_a_mark_that_tells_no_secret(desk: Desk) -> None:
    assert recorder(desk.archive.config_file, *ACCOUNT).returncode == 0
    ((mark,),) = people(desk, MARK)
    assert len(mark) == 64 and mark not in secret(desk).read_text()
    desk.start_one("web")
    desk.start_reading()
    assert people(desk, MARK) == [(mark,)]


def test_a_lost_secret_is_not_made_anew(desk: Desk) -> None:
    recorder(desk.archive.config_file, *ACCOUNT)
    kept = secret(desk).rename(secret(desk).with_name("aside"))
    for action in ("web", "web"):
        refuses(desk, action)
        assert not secret(desk).exists(), "nor left where the next start takes it for the old one"
    assert (
        recorder(desk.archive.config_file, "account", "b@gemeente.example", "B", "--role", "listener").returncode == 2
    )
    kept.rename(secret(desk))
    desk.start_one("web")


@pytest.mark.parametrize("action", ["web", "read", "forget"])
def test_another_secret_is_refused_by_all(action: str, desk: Desk) -> None:
    """As after a restored backup of the secret alone, or of the database alone."""
    recorder(desk.archive.config_file, *ACCOUNT)
    secret(desk).write_text("of another archive, or of another backup")
    refuses(desk, action)


def test_a_database_that_was_restored_without_its_secret_is_refused(desk: Desk, tmp_path: Path) -> None:
    recorder(desk.archive.config_file, *ACCOUNT)
    other = Desk(Archive(tmp_path / "other" / "archive"))
    recorder(other.archive.config_file, *ACCOUNT)
    shutil.copy(other.archive.folder / "people.sqlite", desk.archive.folder / "people.sqlite")
    refuses(desk, "web")
    other.close()
    other.archive.catalogue.close()


@pytest.mark.parametrize("held", [b"", b"\xff"])
def test_an_empty_or_broken_secret_is_told(held: bytes, desk: Desk) -> None:
    recorder(desk.archive.config_file, *ACCOUNT)
    secret(desk).write_bytes(held)
    refuses(desk, "web")


def test_an_archive_from_before_there_were_marks_gets_its_own_at_the_next_start(desk: Desk) -> None:
    recorder(desk.archive.config_file, *ACCOUNT)
    ((mark,),) = people(desk, MARK)
    people(desk, "DELETE FROM people_mark")
    desk.start_one("web")
    assert people(desk, MARK) == [(mark,)]


def test_who_has_a_folder_without_a_secret_does_without(desk: Desk, tmp_path: Path) -> None:
    """The reading room and the nightly run need none, and have a folder of their own where they are users of their own."""
    recorder(desk.archive.config_file, *ACCOUNT)
    secret(desk).unlink()
    desk.start_reading()


def test_those_that_start_at_once_agree_on_postgresql(tmp_path: Path, postgresql_server: PostgresqlServer) -> None:
    postgresql_server.execute("CREATE DATABASE marked")
    url = make_url(postgresql_server.url("marked")).set(drivername="postgresql").render_as_string()
    desk = Desk(Archive(tmp_path / "archive"), f'database = "{url}"\n')
    try:
        commands = [desk._command("account", f"{n}@gemeente.example", "N", "--role", "listener") for n in range(3)]
        started = [
            subprocess.Popen(each, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for each in commands
        ]
        assert [(each.communicate(timeout=2 * SECONDS_MAX), each.returncode)[1] for each in started] == [0] * 3
        secret(desk).write_text("another")
        refuses(desk, "web")
    finally:
        desk.archive.catalogue.close()
        postgresql_server.execute("DROP DATABASE marked WITH (FORCE)")


def test_who_fails_at_the_first_start_leaves_what_another_may_have_marked_the_database_with(desk: Desk) -> None:
    good = desk.archive.config_file.read_text()
    desk.archive.config_file.write_text(f'{good}database = "postgresql:///x?host={desk.folder}"\n')
    failed = start(desk, "web")
    assert failed.returncode == 2 and "check web.database" in failed.stderr
    made = secret(desk).read_text()
    assert secret(desk).stat().st_mode & 0o777 == 0o600
    assert [each.name for each in secret(desk).parent.glob("web.secret*")] == ["web.secret"]
    desk.archive.config_file.write_text(good)
    assert recorder(desk.archive.config_file, *ACCOUNT).returncode == 0
    assert secret(desk).read_text() == made
    desk.start_one("web")


@pytest.mark.parametrize("action", ["web", "read", "forget"])
def test_a_table_that_cannot_be_used_is_told_with_what_to_do(action: str, desk: Desk) -> None:
    recorder(desk.archive.config_file, *ACCOUNT)
    people(desk, "DROP TABLE people_mark")
    done = start(desk, action)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "people_mark" in done.stderr and "roles.sql again" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert secret(desk).exists()


OLD = """
import sys
from pathlib import Path
import os
os.environ["WEDERHOOR_CONFIG"], os.environ["DJANGO_SETTINGS_MODULE"] = sys.argv[1], "recorder.archive.web.settings"
import django
django.setup()
from django.core.management import call_command
call_command("migrate", "people", "0002", verbosity=0)
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("INSERT INTO people_person (id, email, name, password, is_active, era) "
                   "VALUES ('8d7f3d1e5d8c4f6f9d5a2f4c3b2a1908', 'old@gemeente.example', 'Old', '!', true, 0)")
from recorder.archive.web.serving import set_up
set_up(Path(sys.argv[1]))
from recorder.archive.web.people.models import Person
print([(each.name, each.confirmed) for each in Person.objects.all()])
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_accounts_that_were_there_before_count_as_confirmed(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = ""
    if kind == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        server.execute("CREATE DATABASE older")
        settings = f'database = "{make_url(server.url("older")).set(drivername="postgresql").render_as_string()}"\n'
    archive = Archive(tmp_path / "archive")
    desk = Desk(archive, settings)
    done = subprocess.run(
        [sys.executable, "-c", OLD, str(archive.config_file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * SECONDS_MAX,
    )
    archive.catalogue.close()
    if kind == "postgresql":
        server.execute("DROP DATABASE older WITH (FORCE)")
    assert done.stdout.strip() == "[('Old', True)]", done.stderr
    assert desk.url

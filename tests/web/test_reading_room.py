"""The reading room as a process beside the pages: what it takes to start it, who reaches it, and what happens when it dies."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from recorder.archive.access import Role
from recorder.cli import EXIT_BAD_INPUT
from recorder.keyfiles import save_recipient
from recorder.trial.postgresql import PostgresqlServer
from tests.rooms import RECIPIENT
from tests.web.archive import Archive
from tests.web.desk import PASSPHRASE, SECONDS_MAX, Answer, Desk, Visit

THREADS = 4
SLIPS = (
    "UPDATE trail_line SET person = 'somebody-else'",
    "UPDATE trail_line SET details = NULL, salt = salt",
    "DELETE FROM trail_line",
    "DELETE FROM trail_head",
    "TRUNCATE trail_line",
    "ALTER TABLE trail_line DISABLE TRIGGER ALL",
    "DROP TRIGGER trail_line_kept ON trail_line",
    "DELETE FROM trail_checkpoint",
    "INSERT INTO trail_checkpoint VALUES (1, '', 0)",
    "DELETE FROM django_migrations",
)
KEPT_FROM_ITS_OWNER = 4
"""The first so many, as long as the owner does not take away what keeps it."""


def permitted(desk: Desk) -> tuple[Visit, str]:
    """Somebody who may hear a new recording, and the path of its player, which they have not opened yet."""
    room = desk.archive.add_room()
    recording = desk.archive.record(room).id
    visit = Visit(desk, desk.visitor(Role.CASEWORKER, rooms=[room]))
    assert visit.post(f"/meetings/{recording}/case/", case="Z-1", there="on").status == HTTPStatus.FOUND
    answer = visit.post(f"/recordings/{recording}/hear/", purpose="decision", case="Z-1", reason="because")
    return visit, answer.headers["Location"]


def at_once(visit: Visit, path: str) -> list[int]:
    """The same page, opened in many windows."""
    found: list[int] = []
    barrier = threading.Barrier(THREADS)

    def ask() -> None:
        barrier.wait()
        found.append(visit.get(path).status)

    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(SECONDS_MAX)
    return found


def eventually(ask: Callable[[], Answer], status: int) -> Answer:
    deadline = time.monotonic() + SECONDS_MAX
    while (answer := ask()).status != status:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return answer


def test_many_windows_are_one_line_in_the_trail(desk: Desk) -> None:
    visit, path = permitted(desk)
    assert at_once(visit, path) == [HTTPStatus.OK] * THREADS
    with closing(sqlite3.connect(desk.archive.folder / "people.sqlite")) as people:
        recording = people.execute(
            "SELECT recording FROM listening_permit WHERE id = ?", [path.split("/")[2].replace("-", "")]
        ).fetchone()
        count = people.execute(
            "SELECT count(*) FROM trail_line WHERE action = 'hear' AND recording = ?", recording
        ).fetchone()
    assert count == (1,)


ROLES = {"web": "wederhoor-web", "read": "wederhoor-reading-room"}
"""The two on PostgreSQL, each with no more rights than roles.sql gives it."""
SQL = Path(__file__).parents[2] / "provisioning" / "postgresql" / "roles.sql"


@pytest.fixture
def on_postgresql(postgresql_server: PostgresqlServer, tmp_path: Path) -> Iterator[Desk]:
    postgresql_server.execute("CREATE DATABASE people")
    owner = make_url(postgresql_server.url("people")).set(drivername="postgresql")
    made = Desk(Archive(tmp_path / "archive"), f'database = "{owner.render_as_string()}"\n')
    try:
        made.decide()  # as the owner, who makes the tables
        for role in ROLES.values():
            postgresql_server.execute(f'CREATE ROLE "{role}" LOGIN')
        subprocess.run(["psql", "--quiet", postgresql_server.conninfo("people"), "--file", SQL], check=True)
        settings = made.archive.config_file.read_text()
        for action, start in (("web", lambda: made.start_one("web")), ("read", made.start_reading)):
            url = owner.set(username=ROLES[action]).render_as_string()
            made.archive.config_file.write_text(settings.replace(owner.render_as_string(), url))
            start()
        made.archive.config_file.write_text(settings)
        yield made
    finally:
        made.close()
        made.archive.catalogue.close()
        postgresql_server.execute("DROP DATABASE people WITH (FORCE)")
        for role in ROLES.values():
            postgresql_server.execute(f'DROP ROLE IF EXISTS "{role}"')


def test_so_they_are_on_postgresql(on_postgresql: Desk, postgresql_server: PostgresqlServer) -> None:
    visit, path = permitted(on_postgresql)
    assert at_once(visit, path) == [HTTPStatus.OK] * THREADS
    found = postgresql_server.execute("SELECT count(*) FROM trail_line WHERE action = 'hear'", "people")
    assert found == [(1,)]
    assert visit.get(f"{path}audio/").body.startswith(b"OggS")
    assert b"<svg" in visit.get(f"{path}waveform/").body
    made = postgresql_server.conninfo("people")
    for role in ROLES.values():
        with psycopg.connect(made.replace("user=postgres", f"user={role}"), autocommit=True) as connection:
            for slip in SLIPS:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(slip.encode())
    with psycopg.connect(made, autocommit=True) as connection:
        for slip in SLIPS[:KEPT_FROM_ITS_OWNER]:
            with pytest.raises(psycopg.errors.RaiseException, match="the audit trail is kept"):
                connection.execute(slip.encode())
        connection.execute("UPDATE trail_line SET details = NULL, salt = NULL")


def test_roles_that_protect_nothing_are_refused(on_postgresql: Desk, postgresql_server: PostgresqlServer) -> None:
    made = postgresql_server.conninfo("people")
    for who in ("postgres", "wederhoor-web"):
        postgresql_server.execute('ALTER TABLE trail_line OWNER TO "wederhoor-web"', "people")
        command = ["psql", "--quiet", made.replace("user=postgres", f"user={who}"), "--file", SQL]
        tried = subprocess.run(command, capture_output=True, text=True)
        assert tried.returncode != 0
        assert "some are wederhoor-web's" in tried.stderr or "some are postgres's" in tried.stderr
        assert "REASSIGN OWNED" in tried.stderr
    postgresql_server.execute("ALTER TABLE trail_line OWNER TO postgres", "people")
    subprocess.run(["psql", "--quiet", made, "--file", SQL], check=True)
    visit, path = permitted(on_postgresql)
    assert visit.get(path).status == HTTPStatus.OK


def test_its_socket_is_for_its_group(desk: Desk) -> None:
    mode = (desk.archive.folder / "reading-room.socket").stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o770


def test_no_file_is_made_of_its_memory(desk: Desk) -> None:
    (worker,) = desk.workers("read")
    limits = Path(f"/proc/{worker}/limits").read_text()
    assert next(line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file")) == ["0", "0"]
    # What is not dumpable belongs to root, whoever runs it (prctl(2)); for root itself the kernel tells by this.
    assert Path(f"/proc/{worker}/coredump_filter").stat().st_uid == 0


def test_another_persons_permit_is_not_there(desk: Desk) -> None:
    visit, path = permitted(desk)
    other = Visit(desk, desk.visitor(Role.CASEWORKER, Role.LISTENER))
    for page in ("", "audio/", "waveform/"):
        assert other.get(path + page).status == HTTPStatus.NOT_FOUND
    assert visit.get(path).status == HTTPStatus.OK
    for page in ("", "audio/", "waveform/"):
        assert other.get(path + page).status == HTTPStatus.NOT_FOUND


def test_a_worker_that_is_killed_comes_back_and_plays(desk: Desk) -> None:
    visit, path = permitted(desk)
    visit.get(path)
    before = visit.get(f"{path}audio/", {"Range": "bytes=0-99"})
    assert before.status == HTTPStatus.PARTIAL_CONTENT
    (worker,) = desk.workers("read")
    os.kill(worker, signal.SIGKILL)
    after = eventually(lambda: visit.get(f"{path}audio/", {"Range": "bytes=0-99"}), HTTPStatus.PARTIAL_CONTENT)
    assert after.body == before.body
    assert desk.workers("read") != [worker]


def test_without_it_people_read_why_and_then_they_hear(desk: Desk) -> None:
    visit, path = permitted(desk)
    desk.end_one("read")
    try:
        answer = visit.get(path, {"Accept-Language": "en"})
        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert "The reading room does not answer" in answer.text
        sound = visit.get(f"{path}audio/", {"Accept-Language": "en"})
        assert sound.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert sound.text.startswith("The reading room does not answer")
    finally:
        desk.start_reading()
    assert visit.get(path).status == HTTPStatus.OK
    assert visit.get(f"{path}audio/").body.startswith(b"OggS")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Starts the reading room of a new archive with these arguments, which do not let it start."""
    archive = Archive(tmp_path / "archive")
    command = [sys.executable, "-m", "recorder", "archive", "--config", str(archive.config_file), "read"]

    def started(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *args],
            check=False,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            stdin=subprocess.DEVNULL,
        )

    yield started
    archive.catalogue.close()


def test_it_does_not_start_without_its_key(
    start: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    key, right, wrong, other = (tmp_path / name for name in ("reader.key", "right", "wrong", "other.key"))
    save_recipient(key, RECIPIENT, PASSPHRASE)
    right.write_bytes(PASSPHRASE)
    wrong.write_bytes(b"five words are not enough")
    other.write_text("this is no key\n")
    for file, passphrase in ((key, wrong), (other, right), (tmp_path / "missing", right), (key, tmp_path / "missing")):
        ended = start("--key", str(file), "--passphrase-file", str(passphrase))
        assert ended.returncode == EXIT_BAD_INPUT, ended.stderr
        assert "Traceback" not in ended.stderr
        assert PASSPHRASE.decode() not in ended.stderr

"""`recorder archive forget`, as a timer starts it, with both databases of either kind, and with backups of both."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from recorder.archive import naming
from recorder.archive.catalogue import Catalogue, url
from recorder.archive.certificate import Certificate
from recorder.keyfiles import load_device_public, save_device
from recorder.trial.postgresql import PostgresqlServer, _program
from tests.archive.conftest import postgresql_server  # noqa: F401 (a fixture)
from tests.archive.databases import KINDS
from tests.rooms import Recording
from tests.web.archive import Archive
from tests.web.desk import SECONDS_MAX

SPEAK = """
import sys
from pathlib import Path
from recorder.archive.access import Role
from recorder.archive.web.serving import set_up
set_up(Path(sys.argv[1]))
from recorder.archive.web.meetings.models import Case, Link, Statement
from recorder.archive.web.people.models import Person
person = Person.objects.make("a@gemeente.example", "A", [Role.LISTENER])
for recording in sys.argv[2:]:
    case, _ = Case.objects.get_or_create(number="Z-" + recording[:6].upper())
    Link.objects.create(recording=recording, case=case, person=person, device="room-1", at_ms=1)
    Statement.objects.create(recording=recording, text="It was cold", of_client=True, person=person, at_ms=1)
"""
TELL = """
import sys
from pathlib import Path
from recorder.archive.web.serving import set_up
set_up(Path(sys.argv[1]))
from recorder.archive.web.meetings.models import Case, Link, Statement
from recorder.archive.web.trail.models import Line
for model in (Link, Statement):
    print(model.__name__, *sorted(model.objects.values_list("recording", flat=True)))
print("Case", Case.objects.count())
print("lines", *sorted(Line.objects.filter(action="delete").values_list("recording", flat=True)))
"""


class Site:
    """An archive with both databases of one kind, and one person."""

    _numbers = count()

    def __init__(self, folder: Path, server: PostgresqlServer | None) -> None:
        self.folder = folder
        self._server = server
        self._databases: list[str] = []
        catalogue, people = (f'"{self._make(part)}"' for part in ("catalogue", "people"))
        self.archive = Archive(folder / "archive", settings=f"catalogue = {catalogue}\n")
        with self.archive.config_file.open("a") as config:
            config.write(f"[web]\ndatabase = {people}\n")
        save_device(self.archive.folder / "keys" / "receipt.key", self.archive.clerk._key)

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self._command(*arguments), check=False, capture_output=True, text=True, timeout=2 * SECONDS_MAX
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self._command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
        )

    def script(self, text: str, *arguments: str) -> str:
        command = [sys.executable, "-c", text, str(self.archive.config_file), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=2 * SECONDS_MAX).stdout

    def standing(self, *recordings: Recording) -> list[str]:
        catalogue = Catalogue(url(self.archive.config.archive), make=False)
        found = catalogue.standing([each.id for each in recordings])
        catalogue.close()
        return [found[each.id].state for each in recordings]

    def back_up(self) -> None:
        """Objects and both databases. Not the list of deletions, as docs/operating.md says."""
        self.archive.catalogue.close()
        to = self.folder / "backup"
        shutil.copytree(self.archive.folder / "objects", to / "objects")
        for file in self.archive.folder.glob("*.sqlite*"):
            shutil.copy(file, to)
        for name in self._databases:
            self._run("pg_dump", name, "--format=custom", f"--file={to / name}")

    def restore(self, *parts: str) -> None:
        """`objects`, `catalogue` and `people`, or some of them."""
        backup, folder = self.folder / "backup", self.archive.folder
        for part in parts:
            if part == "objects":
                shutil.rmtree(folder / "objects")
                shutil.copytree(backup / "objects", folder / "objects")
            elif self._server is None:
                for file in folder.glob(f"{part}.sqlite*"):
                    file.unlink()
                for file in backup.glob(f"{part}.sqlite*"):
                    shutil.copy(file, folder)
            else:
                (name,) = (each for each in self._databases if each.startswith(part))
                self._run("pg_restore", "postgres", "--clean", "--create", "--exit-on-error", str(backup / name))

    def close(self) -> None:
        self.archive.catalogue.close()
        if self._server is not None:
            for name in self._databases:
                self._server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _make(self, part: str) -> str:
        if self._server is None:
            return ""
        name = f"{part}_of_forget_{next(self._numbers)}"
        self._databases.append(name)
        self._server.execute(f"CREATE DATABASE {name}")
        return self._server.url(name)

    def _run(self, program: str, database: str, *arguments: str) -> None:
        assert self._server is not None
        to = f"--dbname={self._server.url(database).replace('+psycopg', '')}"
        done = subprocess.run([_program(program), to, *arguments], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "recorder", "archive", "--config", str(self.archive.config_file), *arguments]


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    server = request.getfixturevalue("postgresql_server") if request.param == "postgresql" else None
    made = Site(tmp_path, server)
    yield made
    made.close()


@pytest.mark.parametrize(
    "parts", [("objects", "catalogue", "people"), ("people",)], ids=["everything", "what people did"]
)
def test_what_was_deleted_does_not_come_back_out_of_a_backup(site: Site, parts: tuple[str, ...]) -> None:  # D5
    gone, kept = site.archive.record(days_ago=130), site.archive.record(days_ago=20)
    site.script(SPEAK, gone.id, kept.id)
    site.back_up()
    assert site.command("forget").returncode == 0
    certificate = site.archive.store.get(naming.deleted(gone.id))
    site.restore(*parts)
    assert bool(list(site.archive.store.list(naming.keybox(gone.id)))) == ("objects" in parts), "the backup has its key"
    done = site.command("forget")
    # Links and holds since the backup are lost with it: nothing new goes in that night, and somebody is to see that.
    assert done.returncode == 1, done.stderr
    assert "is from a backup" in " ".join(done.stderr.split())
    assert site.standing(gone, kept) == ["deleted", "kept"]
    left = [name.partition("/")[2] for name in site.archive.store.list(f"{gone.id}/")]
    assert sorted(left) == ["deleted", "origin", "receipt"]
    objects = [each.read_bytes() for each in (site.archive.folder / "objects").rglob("*") if each.is_file()]
    assert not any(gone.keybox.body[-40:] in each for each in objects)
    found = site.archive.store.get(naming.deleted(gone.id))
    key = load_device_public(site.archive.folder / "keys" / "archive.pub")
    assert Certificate.verify(found, key).deletion == Certificate.verify(certificate, key).deletion
    assert site.command("forget").returncode == 0
    assert site.script(TELL) == f"Link {kept.id}\nStatement {kept.id}\nCase 1\nlines {gone.id}\n"


def test_two_at_once_delete_each_once(site: Site) -> None:
    due = [site.archive.record(days_ago=15, blocks=1) for _ in range(8)]
    site.script(SPEAK)
    site.archive.catalogue.close()
    runs = [site.start("forget") for _ in range(2)]
    told = [run.communicate(timeout=2 * SECONDS_MAX) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    numbers = [int(found[1]) for out, _ in told if (found := re.search(r"^deleted: (\d+)", out))]
    assert sum(numbers) == len(due), told
    assert site.standing(*due) == ["deleted"] * len(due)
    assert site.script(TELL).splitlines()[-1].split()[1:] == sorted(each.id for each in due)


def test_a_preview_deletes_nothing_and_tells_how_many(tmp_path: Path) -> None:
    site = Site(tmp_path, None)
    due, soon = site.archive.record(days_ago=15), site.archive.record(days_ago=10)
    site.script(SPEAK)
    done = site.command("forget", "--preview", "--days", "5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        *("now", "in", "5", "days"),
        *("1", "2", "unlinked"),
        *("past", "its", "date,", "and", "kept:", "0"),
    ]
    assert site.standing(due, soon) == ["kept", "kept"]
    site.close()


def test_a_preview_of_nothing_says_so_and_makes_the_tables_of_a_new_database(tmp_path: Path) -> None:
    site = Site(tmp_path, None)
    done = site.command("forget", "--preview", "--days", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["nothing goes now, nor within 1 day", "past its date, and kept: 0"]
    site.archive.record(days_ago=15)
    done = site.command("forget")
    assert done.returncode == 2
    assert "If it is new, all is well: its tables are made" in done.stderr
    assert site.command("forget", "--preview", "--days", "1").stdout.splitlines()[0].split() == [
        "now",
        "in",
        "1",
        "day",
    ]
    site.close()


def test_one_that_cannot_be_deleted_is_told_and_makes_it_fail(tmp_path: Path) -> None:
    site = Site(tmp_path, None)
    bad, good = site.archive.record(days_ago=15), site.archive.record(days_ago=15)
    site.script(SPEAK)
    tombstone = site.archive.folder / "objects" / naming.deleting(bad.id)
    tombstone.mkdir(parents=True)  # so that none can be put
    done = site.command("forget")
    assert done.returncode == 1, done.stderr
    assert f"not deleted, and tried again the next night: {bad.id}" in done.stderr
    assert site.standing(bad, good) == ["kept", "deleted"]
    tombstone.rmdir()
    assert site.command("forget").returncode == 0
    assert site.standing(bad) == ["deleted"]
    site.close()


def test_a_store_that_is_another_one_is_not_touched(tmp_path: Path) -> None:
    site = Site(tmp_path, None)
    recording = site.archive.record(days_ago=15)
    (site.archive.folder / "objects").rename(tmp_path / "away")
    (site.archive.folder / "objects").mkdir()
    done = site.command("forget")
    assert done.returncode == 2
    assert site.standing(recording) == ["kept"]
    site.close()

"""A backup as docs/operating.md makes it, and what it says of restoring one, by the very commands that stand there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.trial.postgresql import PostgresqlServer, _program
from tests.archive.conftest import postgresql_server  # noqa: F401 (a fixture)
from tests.archive.databases import KINDS
from tests.web.desk import SECONDS_MAX
from tests.web.test_forget import SPEAK, TELL, Site

TEXT = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
WRITE = """
import sys
from pathlib import Path
from recorder.archive.web.serving import set_up
set_up(Path(sys.argv[1]))
from recorder.archive.web.trail import writing
for number in range(int(sys.argv[2])):
    writing.write(person="somebody", role="listener", action="see", details={"reason": str(number)})
print("written", flush=True)
sys.stdin.readline()
"""
"""Lines of the trail; and the database stays open, as the pages have it, until somebody says so."""
STAND_INS = """
systemctl() { :; }
sudo() { shift 2; "$@"; }
recorder() { "$PYTHON" -m recorder "$@"; }
"""


def section(heading: str) -> str:
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def blocks(heading: str) -> list[str]:
    """Those of a shell, without what a list sets them in."""
    found = re.findall(r"^( *)```sh\n(.*?)^ *```", section(heading), re.MULTILINE | re.DOTALL)
    return [re.sub(f"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]


SAVE, DUMP = blocks("To make a backup")
(RESTORE,) = blocks("If a backup is restored")
((LOAD, *_more),) = re.findall("`(sudo -u postgres (pg_restore) [^`]+)`", section("If a backup is restored"))


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    server: PostgresqlServer | None = (
        request.getfixturevalue("postgresql_server") if request.param == "postgresql" else None
    )
    made = Site(tmp_path, server)
    made.archive.catalogue.close()
    yield made
    made.close()


def run(site: Site, commands: str) -> None:
    """As the page has them, but for the places, and without the services."""
    backup, environment = site.folder / "backup", dict(os.environ, PYTHON=sys.executable)
    for there, here in (
        ("/var/lib/wederhoor-archive", site.archive.folder),
        ("/etc/wederhoor/archive-1.toml", site.archive.config_file),
        ("/backup/$(date +%F)", backup),
        ("/backup/2026-11-28", backup),
    ):
        commands = commands.replace(there, str(here))
    if site._server is not None:
        for called, name in (("wederhoor_people", site._databases[1]), ("wederhoor >", f"{site._databases[0]} >")):
            commands = commands.replace(called, name)
        host = site._server.conninfo().split()[0].partition("=")[2]
        environment |= {"PGHOST": host, "PGUSER": "postgres"}
        environment["PATH"] = f"{Path(_program('pg_dump')).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", STAND_INS + commands],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * SECONDS_MAX,
    )
    assert done.returncode == 0, done.stderr


def check(site: Site, *checkpoints: Path) -> "subprocess.CompletedProcess[str]":
    words = [word for each in checkpoints for word in ("--checkpoint", str(each))]
    return site.command("audit", "check", *words)


def test_a_backup_of_a_running_archive_is_restored_and_the_trail_accuses_nobody(site: Site) -> None:
    recording, sqlite = site.archive.record(days_ago=20), site._server is None
    site.script(SPEAK, recording.id)
    site.archive.catalogue.close()
    before = site.script(TELL)
    command = [sys.executable, "-c", WRITE, str(site.archive.config_file), "9"]
    pages = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert pages.stdout is not None and pages.stdout.readline() == "written\n"
    if sqlite:
        assert (site.archive.folder / "people.sqlite-wal").stat().st_size > 0, "the lines are not in the file yet"
        run(site, SAVE)
    else:
        run(site, SAVE.replace("for part in catalogue people; do sqlite3", "for part in; do sqlite3") + DUMP)
    pages.communicate("end\n", timeout=SECONDS_MAX)
    published = site.archive.folder / "published"
    old = published / "9.checkpoint"
    assert old.exists()
    site.script(WRITE, "3")
    assert site.command("audit", "checkpoint").returncode == 0
    new = published / "12.checkpoint"
    assert check(site, old, new).returncode == 0
    if sqlite:
        run(site, RESTORE)
    else:
        run(site, RESTORE.replace("chown --reference=keys ./*.sqlite", ""))
        for part, name in zip(("catalogue", "people"), site._databases, strict=True):
            assert name.startswith(part)
            run(site, f"cd {site.folder}/backup\n" + LOAD.replace("people.dump", f"{part}.dump"))
    assert site.standing(recording) == ["kept"]
    assert site.script(TELL) == before
    assert {each.name for each in (site.folder / "backup" / "keys").iterdir()} >= {"receipt.key"}
    done = check(site, old)
    assert done.returncode == 0 and "lines 1 to 9 are as they were written" in done.stdout, done.stderr
    for lines, told in ((0, "tells of 12 lines"), (3, "line 12 is not the one that was published")):
        site.script(WRITE, str(lines))
        done = check(site, old, new)
        assert done.returncode == 2
        assert told in done.stderr and "a backup was restored that is older than this checkpoint" in done.stderr

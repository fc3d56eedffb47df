"""Acts on accounts at the same moment: somebody who keeps them is always left, and nobody waits for each other for ever."""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import make_url

from recorder.trial.postgresql import PostgresqlServer
from tests.archive.conftest import database, postgresql_server  # noqa: F401 # fixtures
from tests.archive.databases import Database, SqliteFile
from tests.web.archive import Archive
from tests.web.ending_each_other import ROUNDS


def test_two_who_end_each_other_do_not_both_succeed(database: Database, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "archive" / "keys").mkdir(parents=True)
    config = tmp_path / "archive.toml"
    people = "" if isinstance(database, SqliteFile) else database.url
    config.write_text(f'[archive]\nfolder = "{tmp_path / "archive"}"\n[web]\ndatabase = "{people}"\n')
    command = [sys.executable, "-m", "tests.web.ending_each_other", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1"] * ROUNDS, done.stderr


def test_who_acts_while_their_account_is_changed_does_and_so_does_the_administrator(
    postgresql_server: PostgresqlServer,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Each has what the other comes to next: the account, and the end of the trail. In SQLite one waits for the other."""
    postgresql_server.execute("CREATE DATABASE meanwhile")
    url = make_url(postgresql_server.url("meanwhile")).set(drivername="postgresql").render_as_string()
    try:
        archive = Archive(tmp_path / "archive", settings=f'[web]\ndatabase = "{url}"\n')
        recording = archive.record().id
        archive.catalogue.close()
        command = [sys.executable, "-m", "tests.web.acting_meanwhile", str(archive.config_file), recording]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        assert sorted(done.stdout.split()) == ["attached", "changed"], done.stderr
    finally:
        postgresql_server.execute("DROP DATABASE meanwhile WITH (FORCE)")

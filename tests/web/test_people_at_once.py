"""Somebody who keeps accounts is always left, also when two of them end each other's at the same moment."""

import subprocess
import sys
from pathlib import Path

from tests.archive.conftest import database, postgresql_server  # noqa: F401 # fixtures
from tests.archive.databases import Database, SqliteFile
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

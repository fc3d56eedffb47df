"""The tests' own small file system: as small as asked, gone afterwards, and missed loudly where there can be none."""

import errno
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.filesystem import mount_small, small_file_system, with_own_mounts


def test_it_is_full_when_it_is_full(tmp_path: Path) -> None:
    with small_file_system(tmp_path, 1) as card:
        (card / "fits").write_bytes(bytes(500_000))
        with pytest.raises(OSError) as caught:
            (card / "too much").write_bytes(bytes(1_000_000))
        assert caught.value.errno == errno.ENOSPC
        seen = subprocess.run(["stat", "--format=%s", card / "fits"], capture_output=True, text=True, check=True)
        assert seen.stdout == "500000\n", "by other processes too"
        assert list(tmp_path.iterdir()) == [], "and by nobody who does not know the way"
    assert not card.exists()


def test_a_program_with_mounts_of_its_own_has_its_database_there(tmp_path: Path) -> None:
    """Which is what SQLite cannot have by the other way: it follows the links of `/proc/PID/root` itself."""
    program = [sys.executable, "-c", f"from {__name__} import fill_a_database; fill_a_database({str(tmp_path)!r})"]
    done = subprocess.run(with_own_mounts(program), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "database or disk is full\n"), done.stderr
    assert list(tmp_path.iterdir()) == []


def fill_a_database(folder: str) -> None:
    mount_small(Path(folder), 1)
    with closing(sqlite3.connect(Path(folder, "database"))) as database:
        try:
            database.execute("CREATE TABLE numbers AS SELECT zeroblob(2000000)")
        except sqlite3.OperationalError as error:
            print(error)


def test_a_machine_that_allows_none_is_told_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that was passed over in silence would look like one that passed."""
    program = tmp_path / "unshare"
    program.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(pytest.fail.Exception, match=r"Operation not permitted.*kernel\.unprivileged_userns_clone"),
        small_file_system(tmp_path, 1),
    ):
        pass

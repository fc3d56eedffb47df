"""All acts lock in one order, and so none waits for one that waits for it."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from sqlalchemy import make_url

from recorder.archive.web.forgotten import forgotten
from recorder.archive.web.meetings.models import Case
from recorder.archive.web.trail import writing
from recorder.archive.web.trail.writing import acting
from recorder.trial.postgresql import PostgresqlServer
from tests.archive.conftest import postgresql_server  # noqa: F401 # a fixture
from tests.web.archive import Archive
from tests.web.ordered import OutOfOrder


def test_a_case_is_held_and_named_at_once(postgresql_server: PostgresqlServer, tmp_path: Path) -> None:  # noqa: F811
    """Both make its row, and each needs the end of the trail. In SQLite one waits for the other from the beginning."""
    postgresql_server.execute("CREATE DATABASE naming")
    url = make_url(postgresql_server.url("naming")).set(drivername="postgresql").render_as_string()
    try:
        archive = Archive(tmp_path / "archive", settings=f'[web]\ndatabase = "{url}"\n')
        recordings = [archive.record("room-2").id, archive.record("room-1").id]
        archive.catalogue.close()
        command = [sys.executable, "-m", "tests.web.naming_at_once", str(archive.config_file), *recordings]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        assert done.stdout.split() == ["held", "linked"], done.stderr
    finally:
        postgresql_server.execute("DROP DATABASE naming WITH (FORCE)")


def test_what_is_forgotten_once_more_comes_between_two_acts_too(archive: Archive, db: None) -> None:
    """Of a backup's recordings there may be a request that somebody has in hand at that moment."""
    with CaptureQueriesContext(connection) as asked:
        forgotten([archive.record().id])
    touched = [each["sql"] for each in asked if not each["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert "trail_head" in touched[0] and len(touched) > 1


def test_who_changes_something_before_is_seen(archive: Archive, db: None) -> None:
    """By what watches all tests of the pages."""
    line = {"person": "x", "role": "x", "action": "x"}
    with acting():
        Case.objects.create(number="Z-1")
        writing.write(**line)
    with pytest.raises(OutOfOrder, match="meetings_case"), transaction.atomic():
        Case.objects.create(number="Z-2")
        writing.write(**line)
    writing.write(**line)

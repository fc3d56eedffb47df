"""The servers of the tests, each started by the first test that asks for it: S3, and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.trial.postgresql import PostgresqlServer, temporary
from tests.archive.ceph import Ceph
from tests.archive.databases import KINDS, Database, PostgresqlDatabase, SqliteFile


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ceph]:
    with Ceph(tmp_path_factory.mktemp("ceph")) as ceph:
        yield ceph


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    with temporary() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: PostgresqlServer) -> PostgresqlDatabase:
    """The one that tests share which begin with an empty one."""
    return PostgresqlDatabase(postgresql_server)


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of either kind that is this test's alone."""
    if request.param == "sqlite":
        yield SqliteFile(tmp_path)
        return
    database = PostgresqlDatabase(request.getfixturevalue("postgresql_server"))
    yield database
    database.drop()

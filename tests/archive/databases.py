"""The two databases that a catalogue can be in, for the tests that both of them have to pass."""

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Protocol

from recorder.archive.catalogue import Catalogue
from recorder.trial.postgresql import PostgresqlServer

KINDS = ("sqlite", "postgresql")
_TEMPLATE = "template_catalogue"


class Database(Protocol):
    """An empty one."""

    url: str

    def empty(self) -> None:
        """Have nothing in it again. Nobody may be connected."""

    def turn(self, statement: str) -> None:
        """Carry out one statement behind the catalogue's back."""


class SqliteFile:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "catalogue.sqlite"
        self.url = f"sqlite:///{self.file}"

    def empty(self) -> None:
        for file in self.file.parent.glob(f"{self.file.name}*"):
            file.unlink()

    def turn(self, statement: str) -> None:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            connection.execute(statement)


class PostgresqlDatabase:
    """One of a server's; `drop` it in the end. It is a copy of one that was migrated, for that is quicker."""

    _numbers = count()

    def __init__(self, server: PostgresqlServer) -> None:
        self._server = server
        self._name = f"catalogue_{next(self._numbers)}"
        self.url = server.url(self._name)
        if not server.execute(f"SELECT 1 FROM pg_database WHERE datname = '{_TEMPLATE}'"):
            server.execute(f"CREATE DATABASE {_TEMPLATE}")
            Catalogue(server.url(_TEMPLATE)).close()
        server.execute(f"CREATE DATABASE {self._name} TEMPLATE {_TEMPLATE}")

    def empty(self) -> None:
        for table in ("conflicts", "items", "recordings", "devices"):
            self.turn(f"DELETE FROM {table}")
        self.turn("UPDATE tallies SET number = 0")

    def turn(self, statement: str) -> None:
        self._server.execute(statement, self._name)

    def drop(self) -> None:
        self._server.execute(f"DROP DATABASE {self._name} WITH (FORCE)")

"""What the catalogue asks of its database, and in what SQLite and PostgreSQL differ: nothing else knows which of them it is."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Column, ColumnElement, Connection, Engine

BUSY_SECONDS_MAX = 30.0
"""How long a writer waits for another."""
READING = {"reading": True}
"""Of a connection: it begins no writing."""


class Keys(NamedTuple):
    """What a writing is about: nobody else writes of these until it ends."""

    recordings: Collection[str] = ()
    devices: Collection[str] = ()


class Database(Protocol):
    """One that survives a power cut: it says so when it is opened, or raises CatalogueError."""

    @property
    def engine(self) -> Engine: ...

    def is_there(self) -> bool:
        """Whether there is one: to connect to it may make it. Raises CatalogueError."""

    def lock(self, connection: Connection, keys: Keys | None) -> None:
        """Until its transaction ends nobody else writes of these, or (None) of anything.

        Waits at most BUSY_SECONDS_MAX for each.
        """

    def among(self, columns: Sequence[Column[Any]], rows: Collection[Sequence[Any]]) -> ColumnElement[bool]:
        """Whether the values of these columns are one of `rows`."""

    def change(
        self, connection: Connection, keys: Sequence[Column[Any]], value: Column[Any], rows: Collection[Sequence[Any]]
    ) -> None:
        """Give `value` the last of each of `rows`, where `keys`, which name one row, are what comes before it."""

    def forget(self) -> None:
        """Leave of deleted rows what cannot be helped: docs/wire.md says what that is. Raises CatalogueError."""


def first_line(error: Exception) -> str:
    """What happened; SQLAlchemy adds the statement and a link."""
    return str(error).partition("\n")[0]

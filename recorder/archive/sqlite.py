"""The catalogue in a file: SQLite, for an archive of one machine. There is one writer at a time, whatever it writes of."""

import sqlite3
import time
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Column, ColumnElement, Connection, bindparam, create_engine, event, tuple_, update
from sqlalchemy.exc import SQLAlchemyError

from recorder.archive.database import BUSY_SECONDS_MAX, READING, Keys, first_line
from recorder.errors import CatalogueError

BUSY_RETRY_SECONDS = 0.05


class Sqlite:
    """The database at `url`."""

    def __init__(self, url: URL) -> None:
        self.engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS_MAX})
        event.listen(self.engine, "connect", _prepare)
        event.listen(self.engine, "begin", _begin)

    def is_there(self) -> bool:
        try:
            Path(self.engine.url.database or "").stat()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise CatalogueError(f"{self.engine.url}: the catalogue cannot be opened: {error.strerror}") from error
        return True

    def lock(self, connection: Connection, keys: Keys | None) -> None:
        """Done by BEGIN IMMEDIATE, which knows one lock."""

    def among(self, columns: Sequence[Column[Any]], rows: Collection[Sequence[Any]]) -> ColumnElement[bool]:
        return tuple_(*columns).in_(list(rows))

    def change(
        self, connection: Connection, keys: Sequence[Column[Any]], value: Column[Any], rows: Collection[Sequence[Any]]
    ) -> None:
        these = [key == bindparam(f"{key.name}_given") for key in keys]
        statement = update(value.table).where(*these).values({value: bindparam(f"{value.name}_given")})
        names = [f"{column.name}_given" for column in (*keys, value)]
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])

    def forget(self) -> None:
        """Have no trace of deleted rows. In the database they are overwritten; its write-ahead log has them until this."""
        deadline = time.monotonic() + BUSY_SECONDS_MAX
        while not self._checkpoint():  # SQLite does not wait for the checkpoint of another process
            if time.monotonic() > deadline:
                raise CatalogueError(f"another program has read the catalogue for {BUSY_SECONDS_MAX:.0f} s; end it")
            time.sleep(BUSY_RETRY_SECONDS)

    def _checkpoint(self) -> bool:
        """Empty the write-ahead log into the database; False if another process is at it."""
        try:
            with closing(self.engine.raw_connection()) as connection:  # it cannot be in a transaction
                cursor = connection.cursor()
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                told = cursor.fetchone()
        except (sqlite3.Error, SQLAlchemyError) as error:
            raise CatalogueError(f"the catalogue cannot be written: {first_line(error)}") from error
        return told is not None and told[0] == 0  # "busy"


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # or the driver begins transactions by itself, and not IMMEDIATE ones
    if connection.execute("PRAGMA auto_vacuum").fetchone() == (0,):  # it is new; else this would wait for its writer
        connection.execute("PRAGMA auto_vacuum = FULL")  # the file keeps no room that deleted rows had
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit survives a power cut
        "foreign_keys = ON",
        "secure_delete = ON",  # the sizes of refused blocks tell how much was said: deleted rows are overwritten
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().keys() >= READING.keys()
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

"""The catalogue on a server: PostgreSQL, for an archive whose intake is many processes.

**Locks.** Whoever writes takes transaction advisory locks for what it is about, all of them at the beginning and in the order
of their numbers; so nobody waits for somebody who waits for them. First comes that of the whole catalogue: shared, or alone by
who writes of everything. A row lock would not do: what the clerks contend for is often not there yet.

**READ COMMITTED is enough.** Whoever has a lock is the only one to change what it stands for, and each statement reads what was
committed before *it* began: a server makes a commit visible before it gives the locks away, so every statement after the locks
sees all that their last holders did. A stricter level would be wrong here: it reads as of its first statement, which waits.

**Durability.** Receipts are signed for what a commit made durable. A server that may lose one is refused, at each connection:
it could have been restarted with other settings.

**The road.** What the catalogue says tells how long somebody spoke before they said no. libpq is content with a server that
speaks no TLS, and with one that shows any certificate, unless it is told otherwise; so it is told, and a URL that names a host
must say so, for whoever reads the settings. By a unix socket it does without.
"""

import hashlib
from collections.abc import Collection, Sequence
from typing import Any, Final

import psycopg
from sqlalchemy import (
    ARRAY,
    URL,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    bindparam,
    create_engine,
    event,
    func,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.sql.selectable import TableValuedAlias

from recorder.archive.database import BUSY_SECONDS_MAX, Keys
from recorder.errors import CatalogueError

DRIVER = "postgresql+psycopg"
VERSION_MIN = 15
CONNECT_SECONDS_MAX = 15
SILENCE_SECONDS_MAX = 30
"""After which a server that says nothing counts as gone: by itself TCP waits for hours."""
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
_PLANS_NOT_WANTED = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit")
"""All that is asked is asked by a key. But the planner counts a look-up once for each partition, of which all but one are left
out when it is done, and would rather read a table of a million rows than look 256 of them up: that took seven times as long.
What it counts so high it would compile, too, which took 70 ms."""
_LOCK = text(
    "SELECT pg_advisory_xact_lock(number) FROM "
    "(SELECT number FROM unnest(:numbers) AS number ORDER BY number) AS ordered"
).bindparams(bindparam("numbers", type_=ARRAY(BigInteger)))


_ROAD = {"sslmode": "verify-full", "gssencmode": "disable"}
"""Also where PGHOST or a service file names the host; on a unix socket libpq passes it over. Kerberos, where there is any,
would take the place of TLS, and knows no authority of ours."""


class Postgresql:
    """The database at `url`."""

    def __init__(self, url: URL) -> None:
        if url.password is not None or "password" in url.query:
            raise CatalogueError(
                "the catalogue's URL has a password in it: have it read from the file that PGPASSFILE names, "
                "or connect by a unix socket, where none is needed"
            )
        if _names_a_host(url) and not (url.query.get("sslmode") == "verify-full" and url.query.get("sslrootcert")):
            raise CatalogueError(
                "the catalogue's URL names a host, and not how to know it: write behind it "
                "?sslmode=verify-full&sslrootcert=FILE, with the authority (PEM) that signed the server's certificate; "
                "within one machine connect by a unix socket, as ?host=/run/postgresql"
            )
        self.engine = create_engine(
            url,
            isolation_level="READ COMMITTED",
            connect_args=_ROAD
            | {
                "connect_timeout": CONNECT_SECONDS_MAX,
                "keepalives_idle": SILENCE_SECONDS_MAX // 3,
                "keepalives_interval": SILENCE_SECONDS_MAX // 6,
                "keepalives_count": 4,
                "tcp_user_timeout": SILENCE_SECONDS_MAX * 1_000,
            },
        )
        event.listen(self.engine, "connect", _prepare)

    def is_there(self) -> bool:
        """Always: connecting makes none."""
        return True

    def lock(self, connection: Connection, keys: Keys | None) -> None:
        if keys is None:
            connection.execute(select(func.pg_advisory_xact_lock(_EVERYTHING)))
            return
        connection.execute(select(func.pg_advisory_xact_lock_shared(_EVERYTHING)))
        numbers = {_number("recording", name) for name in keys.recordings}
        numbers |= {_number("device", name) for name in keys.devices}
        if numbers:
            connection.execute(_LOCK, {"numbers": list(numbers)})

    def among(self, columns: Sequence[Column[Any]], rows: Collection[Sequence[Any]]) -> ColumnElement[bool]:
        wanted = _given(columns, rows)
        return tuple_(*columns).in_(select(*wanted.c))

    def change(
        self, connection: Connection, keys: Sequence[Column[Any]], value: Column[Any], rows: Collection[Sequence[Any]]
    ) -> None:
        # A statement for each row would cost four times as much, most of it to find its partition.
        given = _given([*keys, value], rows)
        *where, new = given.c
        these = [key == one for key, one in zip(keys, where, strict=True)]
        connection.execute(update(value.table).where(*these).values({value: new}))

    def forget(self) -> None:
        """Nothing: a server keeps old versions of rows, and its log, until it has use for their place (ADR 16)."""


def _names_a_host(url: URL) -> bool:
    """Or its address; a folder, for a unix socket, is none. There may be several, in the URL or behind it."""
    _, told = url.get_dialect()().create_connect_args(url)
    hosts = [host for host in str(told.get("host", "")).split(",") if host]
    return "hostaddr" in told or any(not host.startswith("/") for host in hosts)


def _given(columns: Sequence[Column[Any]], rows: Collection[Sequence[Any]]) -> TableValuedAlias:
    """`rows` as a table, of one array a column: the statement is the same however many there are, and so is its plan."""
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    arrays = [
        bindparam(None, list(each), type_=ARRAY(column.type)) for column, each in zip(columns, values, strict=True)
    ]
    return func.unnest(*arrays).table_valued(*(f"{column.name}_given" for column in columns)).render_derived()


def _number(kind: str, name: str) -> int:
    """Of an advisory lock. Two names may share one: then one waits for the other without need."""
    return int.from_bytes(hashlib.sha256(f"{kind} {name}".encode()).digest()[:8], signed=True)


_EVERYTHING: Final = _number("catalogue", "")


def _prepare(connection: psycopg.Connection, _record: Any) -> None:
    try:
        _require_durability(connection)
        connection.autocommit = True  # or the end of the first transaction would take the settings back
        connection.execute(f"SET lock_timeout = {int(BUSY_SECONDS_MAX * 1_000)}")
        for name in _PLANS_NOT_WANTED:
            connection.execute(f"SET {name} = off".encode())
        connection.autocommit = False
    except BaseException:
        connection.close()
        raise


def _require_durability(connection: psycopg.Connection) -> None:
    version = connection.info.server_version // 10_000
    if version < VERSION_MIN:
        raise CatalogueError(
            f"the PostgreSQL server is of version {version}; the catalogue needs {VERSION_MIN} or later"
        )
    found = connection.execute(
        "SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = 'off' ORDER BY name", [list(_DURABLE)]
    ).fetchall()
    connection.rollback()
    if found:
        names = " and ".join(name for (name,) in found)
        raise CatalogueError(
            f"the PostgreSQL server has {names} off, and could lose what the archive signed for; set it to on"
        )

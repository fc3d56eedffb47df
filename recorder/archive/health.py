"""How the rooms are and were: what the watch keeps of what it tells, for people to look at. It is no finer than that (ADR 17).

Of now it keeps what the metrics tell. Of a day it keeps in which hours a room was not heard, and what was wrong on it at all: a
fault of a day's last hour counts for the next day, too. Nothing in it tells that anybody had a conversation.

It stands in the catalogue, which watch and pages have open anyway; it is not made anew by a rebuild, and nobody needs it to be.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from recorder.archive.catalogue import Catalogue
from recorder.archive.coarse import HOUR_SECONDS
from recorder.archive.rooms import Told
from recorder.archive.tables import FAILED, RECORDINGS, ROOM_DAYS, ROOMS
from recorder.wire.consent import DAY_MS

KEPT_DAYS = 400
"""A year and a month: so that the same month of last year can be seen beside this one."""
HOUR_MS = HOUR_SECONDS * 1_000
HOURS = 24
FAILED_MAX = 500
"""Of meetings that failed, so many are told."""


class Now(NamedTuple):
    """A room as the watch told it last. All times are Unix milliseconds."""

    name: str
    told_ms: int
    heard: bool
    silent_ms: int | None
    """Of one that is not heard: the beginning of the hour in which that began; None if it never was heard."""
    rejected: bool
    behind: bool
    spool: int | None
    """How full its card is, in tenths."""
    certificate_ends_ms: int
    """0 if it never said, as the next ones."""
    started_ms: int
    selftest_ms: int
    """The day of its last self-test."""
    faults: tuple[str, ...]
    selftest_found: tuple[str, ...]


class Day(NamedTuple):
    """A day of a room."""

    room: str
    day: int
    """Since 1970, by UTC."""
    watched: int
    """In how many of its hours the watch listened."""
    silent: int
    """In how many of those the room was not heard at some time."""
    faults: tuple[str, ...]
    rejected: bool


class Failed(NamedTuple):
    """A meeting that was not recorded, or not to its end."""

    room: str
    at_ms: int
    what: str
    """"missed" (nothing was recorded), "fault", "power_loss", or "lost" (nobody can listen)."""


def note(catalogue: Catalogue, told: Collection[Told], now_ms: int) -> None:
    """Keep how all enrolled rooms are. Raises CatalogueError. To be called often enough that no hour is without it."""
    with catalogue.write_beside() as connection:
        _note_now(connection, told, now_ms)
        _note_day(connection, told, now_ms)


def _note_now(connection: Connection, told: Collection[Told], now_ms: int) -> None:
    there = {row.name: row._asdict() for row in connection.execute(select(ROOMS))}
    rows = [_now(each, there.get(each.name), now_ms) for each in told]
    _insert(connection, ROOMS, [row for row in rows if row["name"] not in there])
    # One statement says that all of them were told now; only what differs costs one of its own.
    connection.execute(update(ROOMS).values(told_ms=now_ms))
    changed = [row for row in rows if row["name"] in there and there[row["name"]] | {"told_ms": now_ms} != row]
    if changed:
        values: dict[str, Any] = {name: bindparam(f"{name}_given") for name in changed[0] if name != "name"}
        statement = update(ROOMS).where(ROOMS.c.name == bindparam("name_given")).values(values)
        connection.execute(statement, [{f"{name}_given": value for name, value in row.items()} for row in changed])
    gone = there.keys() - {each.name for each in told}
    if gone:
        connection.execute(delete(ROOMS).where(ROOMS.c.name.in_(gone)))


def _now(told: Told, before: dict[str, Any] | None, now_ms: int) -> dict[str, Any]:
    silent_ms = None
    if not told.heard and before is not None:
        silent_ms = now_ms // HOUR_MS * HOUR_MS if before["heard"] else before["silent_ms"]
    return {
        "name": told.name,
        "told_ms": now_ms,
        "heard": told.heard,
        "silent_ms": silent_ms,
        "faults": ",".join(told.faults),
        "rejected": told.rejected,
        "behind": told.behind,
        "spool": None if told.spool is None else round(told.spool * 10),
        "certificate_ends_ms": told.certificate_ends_ms,
        "started_ms": told.started_ms,
        "selftest_ms": told.selftest_ms,
        "selftest_found": ",".join(told.selftest_found),
    }


def _note_day(connection: Connection, told: Collection[Told], now_ms: int) -> None:
    day, hour = now_ms // DAY_MS, 1 << now_ms % DAY_MS // HOUR_MS
    table = ROOM_DAYS.c
    there = {row.room: row for row in connection.execute(select(ROOM_DAYS).where(table.day == day))}
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    for each in told:
        before = there.get(each.name)
        silent = 0 if each.heard else hour
        if before is None:
            row = (hour, silent, ",".join(each.faults), each.rejected)
        else:
            faults = ",".join(sorted({*_names(before.faults), *each.faults}))
            row = (before.watched | hour, before.silent | silent, faults, before.rejected or each.rejected)
            if row == before[2:]:
                continue
        (new if before is None else changed).append((each.name, *row))
    _insert(connection, ROOM_DAYS, [dict(zip(_DAY, (name, day, *row), strict=True)) for name, *row in new])
    if new:
        connection.execute(delete(ROOM_DAYS).where(table.day < day - KEPT_DAYS))
    if changed:
        values: dict[str, Any] = {name: bindparam(f"{name}_given") for name in _DAY[2:]}
        these = (table.day == day) & (table.room == bindparam("room_given"))
        names = [f"{name}_given" for name in (_DAY[0], *_DAY[2:])]
        given = [dict(zip(names, row, strict=True)) for row in changed]
        connection.execute(update(ROOM_DAYS).where(these).values(values), given)


_DAY = [column.name for column in ROOM_DAYS.columns]


def _insert(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def now(catalogue: Catalogue) -> list[Now]:
    """All rooms that the watch has told of, by name."""
    query = select(*(ROOMS.c[each] for each in Now._fields)).order_by(ROOMS.c.name)
    with catalogue.read() as connection:
        rows = connection.execute(query).all()
    return [Now._make([*rest, _names(faults), _names(found)]) for *rest, faults, found in rows]


def days(catalogue: Catalogue, rooms: Collection[str], first: int, last: int) -> Iterator[Day]:
    """What is known of these rooms on the days `first` to `last`; what is left out nobody watched."""
    table = ROOM_DAYS.c
    query = (
        select(ROOM_DAYS).where(table.room.in_(rooms), table.day.between(first, last)).order_by(table.room, table.day)
    )
    with catalogue.read() as connection:
        for row in connection.execute(query).all():
            watched, silent = row.watched.bit_count(), row.silent.bit_count()
            yield Day(row.room, row.day, watched, silent, _names(row.faults), row.rejected)


def failed(catalogue: Catalogue, since_ms: int) -> list[Failed]:
    """The meetings that were not recorded, or not to their end, and came since then; the newest first."""
    table = RECORDINGS.c
    columns = (table.device, table.first_ms, table.made_ms, table.made_synced, table.ended, table.blocks, table.keybox)
    query = select(*columns).where(FAILED, table.first_ms >= since_ms).order_by(table.first_ms.desc()).limit(FAILED_MAX)
    with catalogue.read() as connection:
        return [
            Failed(row.device, row.made_ms if row.made_synced else row.first_ms, _what(row))
            for row in connection.execute(query)
        ]


def _what(row: Any) -> str:
    if not row.blocks:
        return "missed"
    return "lost" if row.keybox is None else str(row.ended)

"""What the archive has, for people to look at: in portions, each of which begins where the one before it ended.

So the next portion costs what the first did, however far down it is, and none is shown twice when others come meanwhile.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlalchemy import ColumnElement, select, tuple_

from recorder.archive.catalogue import Catalogue
from recorder.archive.tables import LIVE, RECORDINGS

PORTION_ROWS = 500


class Listed(NamedTuple):
    """One recording in a list."""

    recording: str
    device: str
    first_ms: int
    """When its first item came, by the archive's clock."""
    state: str
    sequence: int | None
    """The device's number; None before the preamble is there, as the next one."""
    made_ms: int | None
    """By the device's clock."""
    ended: str | None
    """None before the manifest is there."""
    delete_after_ms: int


def newest(catalogue: Catalogue, device: str | None = None) -> Iterator[Listed]:
    """All recordings, or those of one device, the newest first. Raises CatalogueError."""
    after: Listed | None = None
    while found := portion(catalogue, device, after):
        yield from found
        after = found[-1]


def portion(catalogue: Catalogue, device: str | None, after: Listed | None, rows: int = PORTION_ROWS) -> list[Listed]:
    """The newest, or those that come after `after` in this order: so many rows at most. Waits for no writer."""
    table = RECORDINGS.c
    query = select(
        table.id,
        table.device,
        table.first_ms,
        table.state,
        table.sequence,
        table.made_ms,
        table.ended,
        table.delete_after_ms,
    )
    if device is not None:
        query = query.where(table.device == device)
    if after is not None:
        query = query.where(tuple_(table.first_ms, table.id) < tuple_(after.first_ms, after.recording))
    query = query.order_by(table.first_ms.desc(), table.id.desc()).limit(rows)
    with catalogue.read() as connection:
        return [Listed(*row) for row in connection.execute(query)]


def kept(catalogue: Catalogue) -> Iterator[str]:
    """The ids of all recordings that are kept, in their order, a portion at a time. Waits for no writer."""
    after = ""
    while found := live(catalogue, after, PORTION_ROWS):
        yield from (each.recording for each in found if each.state == "kept")
        after = found[-1].recording


class Row(NamedTuple):
    """One recording, as people are told of it."""

    recording: str
    device: str
    state: str
    first_ms: int
    """When its first item came, by the archive's clock."""
    came_ms: int | None
    """When its manifest came, unless that was a refusal's."""
    made_ms: int | None
    """By the device's clock."""
    made_synced: bool | None
    ended: str | None
    ended_ms: int | None
    """By the device's clock."""
    delete_after_ms: int
    consent: str | None
    """From the consent receipt, as its words are: None while it is not there."""
    yes: int | None
    """How often the button said yes."""
    present: int | None
    """How many were counted; None where nobody was."""
    training: str | None
    """As `consent`, for training."""
    code: str | None
    """The client's: there once the consent receipt is."""
    keybox: str | None
    """Its content, by the manifest: without one nobody can ever listen."""
    cause: str | None
    """Of a deleted one, why it was; when that was decided is `delete_after_ms`."""


_ROW = [RECORDINGS.c.id, *(RECORDINGS.c[name] for name in Row._fields[1:])]


def live(catalogue: Catalogue, after: str, rows: int) -> list[Row]:
    """So many of those that are kept or open, by id, beginning behind `after`. Waits for no writer."""
    query = select(*_ROW).where(LIVE, RECORDINGS.c.id > after).order_by(RECORDINGS.c.id).limit(rows)
    with catalogue.read() as connection:
        return [Row(*row) for row in connection.execute(query)]


def rows(catalogue: Catalogue, recordings: Collection[str]) -> list[Row]:
    """Those of these that are there, the newest first."""
    return _rows(catalogue, RECORDINGS.c.id.in_(recordings))


def of_code(catalogue: Catalogue, code: str) -> list[Row]:
    """Those of the consent receipt with this code. Of any state."""
    return _rows(catalogue, RECORDINGS.c.code == code)


def of_rooms(catalogue: Catalogue, devices: Collection[str], since_ms: int) -> dict[str, int]:
    """The ids of all kept ones of these devices whose first item came since then, and when it did. Waits for no writer."""
    table = RECORDINGS.c
    query = select(table.id, table.first_ms).where(
        table.device.in_(devices), table.first_ms >= since_ms, table.state == "kept"
    )
    with catalogue.read() as connection:
        return {row.id: row.first_ms for row in connection.execute(query)}


def _rows(catalogue: Catalogue, which: ColumnElement[bool]) -> list[Row]:
    query = select(*_ROW).where(which).order_by(RECORDINGS.c.first_ms.desc(), RECORDINGS.c.id.desc())
    with catalogue.read() as connection:
        return [Row(*row) for row in connection.execute(query)]


def device_of(catalogue: Catalogue, recording: str) -> str | None:
    """Whose recording it is, or was; None if the archive never heard of it. Waits for no writer."""
    with catalogue.read() as connection:
        return connection.execute(select(RECORDINGS.c.device).where(RECORDINGS.c.id == recording)).scalar()


def between(
    catalogue: Catalogue, since_ms: int, until_ms: int, device: str | None, after: str, count: int
) -> list[str]:
    """So many ids at most of recordings whose first item came then, the first first. Waits for no writer.

    `after` is the one behind which they begin; empty to begin with the first.
    """
    table = RECORDINGS.c
    which = (table.first_ms >= since_ms) & (table.first_ms < until_ms)
    if device is not None:
        which &= table.device == device
    with catalogue.read() as connection:
        if after:
            came_ms = connection.execute(select(table.first_ms).where(table.id == after)).scalar()
            if came_ms is None:
                return []
            which &= tuple_(table.first_ms, table.id) > tuple_(came_ms, after)
        query = select(table.id).where(which).order_by(table.first_ms, table.id).limit(count)
        return list(connection.execute(query).scalars())

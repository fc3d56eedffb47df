"""What the archive has, for people to look at: in portions, each of which begins where the one before it ended.

So the next portion costs what the first did, however far down it is, and none is shown twice when others come meanwhile.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import select, tuple_

from recorder.archive.catalogue import Catalogue
from recorder.archive.tables import RECORDINGS

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

"""Every row of every table of a catalogue, in the order of their keys: to compare two catalogues."""

from typing import Any

from sqlalchemy import select

from recorder.archive import pages
from recorder.archive.catalogue import Catalogue
from recorder.archive.tables import CONFLICTS, DEVICES, ITEMS, RECORDINGS


def dump(catalogue: Catalogue) -> dict[str, list[tuple[Any, ...]]]:
    with catalogue.write() as writing:
        rows = {
            table.name: [tuple(row) for row in writing._connection.execute(select(table).order_by(*table.primary_key))]
            for table in (DEVICES, RECORDINGS, ITEMS, CONFLICTS)
        }
    rows["items"] = [
        (recording, type_, number * pages.PAGE_ITEMS + place, content)
        for recording, type_, number, page in rows["items"]
        for place, content in pages.read(page)
    ]
    return rows


def row_of(catalogue: Catalogue, recording: str) -> dict[str, Any]:
    """What the catalogue says of one recording."""
    with catalogue.write() as writing:
        found = writing._connection.execute(select(RECORDINGS).where(RECORDINGS.c.id == recording)).one()
    return dict(found._mapping)

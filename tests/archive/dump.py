"""Every row of every table of a catalogue, in the order of their keys: to compare two catalogues."""

from typing import Any

from sqlalchemy import select

from recorder.archive.catalogue import Catalogue
from recorder.archive.tables import CONFLICTS, DEVICES, ITEMS, RECORDINGS


def dump(catalogue: Catalogue) -> dict[str, list[tuple[Any, ...]]]:
    with catalogue.write() as writing:
        return {
            table.name: [tuple(row) for row in writing._connection.execute(select(table).order_by(*table.primary_key))]
            for table in (DEVICES, RECORDINGS, ITEMS, CONFLICTS)
        }

"""What is to be deleted, and why: what the catalogue knows of a recording and what people did about it, judged by `retention`.

What people did (named a case, decided, held, asked) stands in another database, which is asked for a portion at a time. The
recordings are walked by their ids, in portions too, so however many there are only a few are in memory, and nobody waits.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy import Row, select

from recorder.archive.catalogue import Catalogue, believed_ms
from recorder.archive.retention import Facts, Fate, Terms, fate
from recorder.archive.tables import LIVE, RECORDINGS

PORTION_ROWS = 500


@dataclass(frozen=True, slots=True)
class People:
    """What people did about a recording: as in `retention.Facts`."""

    linked: bool = False
    decided_ms: int | None = None
    holds_until_ms: tuple[int, ...] = ()
    request_open: bool = False
    erasure_asked_ms: int | None = None
    unlinked_ms: int | None = None


NOBODY = People()


class Judged(Protocol):
    """What the catalogue knows of a recording, as far as it counts here."""

    @property
    def first_ms(self) -> int: ...
    @property
    def made_ms(self) -> int | None: ...
    @property
    def made_synced(self) -> bool | None: ...
    @property
    def delete_after_ms(self) -> int: ...
    @property
    def came_ms(self) -> int | None: ...
    @property
    def code(self) -> str | None: ...


def due(
    catalogue: Catalogue,
    known: Callable[[Collection[str]], Mapping[str, People]],
    terms: Terms,
    now_ms: int,
) -> Iterator[tuple[str, Fate]]:
    """The recordings, kept or open, that are to be deleted as of `now_ms`, by id. A later `now_ms` is a preview.

    `known` tells of these recordings what people did; of whom it leaves out nobody did anything. Whoever deletes must see to
    it that nobody sets a hold in between. Raises CatalogueError. Waits for no writer.
    """
    after = ""
    while rows := _portion(catalogue, after):
        people = known([row.id for row in rows])
        for row in rows:
            found = _fate(row, people.get(row.id, NOBODY), terms, now_ms)
            if found.is_due(now_ms):
                yield row.id, found
        after = rows[-1].id


def _portion(catalogue: Catalogue, after: str) -> list[Row[Any]]:
    table = RECORDINGS.c
    columns = (
        *(table.id, table.first_ms, table.made_ms, table.made_synced),
        *(table.delete_after_ms, table.came_ms, table.code),
    )
    query = select(*columns).where(LIVE, table.id > after).order_by(table.id).limit(PORTION_ROWS)
    with catalogue.read() as connection:
        return list(connection.execute(query))


def facts(row: Judged, people: People) -> Facts:
    """All that counts for what is to become of one that has come, or as if it had come with its first item."""
    return Facts(
        made_ms=believed_ms(row.first_ms, row.made_ms, synced=row.made_synced),
        came_ms=row.first_ms if row.came_ms is None else row.came_ms,
        delete_after_ms=row.delete_after_ms,
        receipt=row.code is not None,
        linked=people.linked,
        decided_ms=people.decided_ms,
        holds_until_ms=people.holds_until_ms,
        request_open=people.request_open,
        erasure_asked_ms=people.erasure_asked_ms,
        unlinked_ms=people.unlinked_ms,
    )


def _fate(row: Judged, people: People, terms: Terms, now_ms: int) -> Fate:
    known = facts(row, people)
    if row.came_ms is not None:
        return fate(known, terms, now_ms)
    # Its end has not come, and may never: people's days have not begun, and nobody can be missed to have named a case or sent a
    # receipt. Nobody can hear it either: its keybox comes behind its end.
    return replace(fate(replace(known, came_ms=now_ms, linked=True, receipt=True), terms, now_ms), locked=True)

"""What is to be deleted, and why: what the catalogue knows of a recording and what people did about it, judged by `retention`.

What people did (named a case, decided, held, asked) stands in another database, which is asked for a portion at a time. The
recordings are walked by their ids, in portions too, so however many there are only a few are in memory, and nobody waits.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from recorder.archive import listing
from recorder.archive.catalogue import Catalogue, believed_ms, earliest_ms
from recorder.archive.listing import Row
from recorder.archive.retention import Facts, Fate, Terms, fate

PORTION_ROWS = 500


@dataclass(frozen=True, slots=True)
class People:
    """What people did about a recording: as in `retention.Facts`."""

    linked: bool = False
    decided_ms: int | None = None
    holds_until_ms: tuple[int, ...] = ()
    request_open: bool = False
    undone_ms: int | None = None
    erasure_asked_ms: int | None = None
    erasure_confirmed_ms: int | None = None
    unlinked_ms: int | None = None


NOBODY = People()
Known = Callable[[Collection[str]], Mapping[str, People]]
"""Tells of these recordings what people did; of whom it leaves out nobody did anything."""


def due(catalogue: Catalogue, known: Known, terms: Terms, now_ms: int) -> Iterator[tuple[str, Fate]]:
    """The recordings, kept or open, that are to be deleted as of `now_ms`, by id. A later `now_ms` is a preview.

    Whoever deletes must see to it that nobody sets a hold in between: `fates` asks again. Raises CatalogueError.
    """
    for row, found in walk(catalogue, known, terms, now_ms):
        if found.is_due(now_ms):
            yield row.recording, found


def walk(catalogue: Catalogue, known: Known, terms: Terms, now_ms: int) -> Iterator[tuple[Row, Fate]]:
    """All recordings that are kept or open, by id, and what is to become of each as of `now_ms`. Waits for no writer."""
    after = ""
    while rows := listing.live(catalogue, after, PORTION_ROWS):
        people = known([row.recording for row in rows])
        for row in rows:
            yield row, judge(row, people.get(row.recording, NOBODY), terms, now_ms)
        after = rows[-1].recording


def fates(
    catalogue: Catalogue, recordings: Collection[str], known: Known, terms: Terms, now_ms: int
) -> dict[str, Fate]:
    """Of those of `recordings` that are kept or open. Waits for no writer."""
    rows = [row for row in listing.rows(catalogue, recordings) if row.state in ("kept", "open")]
    people = known([row.recording for row in rows])
    return {row.recording: judge(row, people.get(row.recording, NOBODY), terms, now_ms) for row in rows}


def facts(row: Row, people: People) -> Facts:
    """All that counts for what is to become of one that has come, or as if it had come with its first item."""
    return Facts(
        made_ms=believed_ms(row.first_ms, row.made_ms, synced=row.made_synced),
        earliest_ms=earliest_ms(row.first_ms, row.made_ms, synced=row.made_synced),
        came_ms=row.first_ms if row.came_ms is None else row.came_ms,
        delete_after_ms=row.delete_after_ms,
        receipt=row.code is not None,
        linked=people.linked,
        decided_ms=people.decided_ms,
        holds_until_ms=people.holds_until_ms,
        request_open=people.request_open,
        undone_ms=people.undone_ms,
        erasure_asked_ms=people.erasure_asked_ms,
        erasure_confirmed_ms=people.erasure_confirmed_ms,
        unlinked_ms=people.unlinked_ms,
    )


def judge(row: Row, people: People, terms: Terms, now_ms: int) -> Fate:
    """What is to become of a recording that is kept or open, as of `now_ms`."""
    known = facts(row, people)
    if row.came_ms is not None:
        return fate(known, terms, now_ms)
    # Its end has not come, and may never: people's days have not begun, and nobody can be missed to have named a case or sent a
    # receipt. Nobody can hear it either: its keybox comes behind its end.
    return replace(fate(replace(known, came_ms=now_ms, linked=True, receipt=True), terms, now_ms), locked=True)

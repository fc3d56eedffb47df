"""My meetings: three lists, each a page at a time, so that what it takes does not grow with what is there."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from recorder.archive.listing import Row, rows
from recorder.archive.web.archive import archive
from recorder.archive.web.meetings.claims import of_colleagues, settled
from recorder.archive.web.meetings.models import Link
from recorder.archive.web.meetings.seen import Seen, lasted, of_rows, unlinked
from recorder.archive.web.paging import Page, cut, page
from recorder.archive.web.people.models import Person


class Claim(NamedTuple):
    """What a colleague has linked: neither its case nor what becomes of it is for who was not there."""

    link: Link
    row: Row
    right: bool
    """Whether that was disputed, and found right."""

    @property
    def seconds(self) -> float | None:
        return lasted(self.row)


def lists(person: Person, after: Mapping[str, str]) -> dict[str, Page[Seen] | Page[Claim]]:
    """By its name each list, from behind what `after` has there: a recording of those without a case, else a place."""
    waits = cut(unlinked(person.rooms, after.get("unlinked", "")), str, further="unlinked" in after)
    mine = page(Link.objects.filter(person=person), "-at_ms", after.get("mine", ""))
    others = page(of_colleagues(person), "-at_ms", after.get("colleagues", ""))
    # What is asked of a recording is asked once for all lists.
    own = {*waits.rows, *(link.recording for link in mine.rows)}
    there = rows(archive().catalogue, own.union(link.recording for link in others.rows))
    kept = {each.recording: each for each in there if each.state == "kept"}
    seen = {each.recording: each for each in of_rows([row for recording, row in kept.items() if recording in own])}
    return {
        "unlinked": waits.of([seen[each] for each in waits.rows if each in seen]),
        "mine": mine.of([seen[each.recording] for each in mine.rows if each.recording in seen]),
        "colleagues": others.of(_claims(others.rows, kept)),
    }


def _claims(links: Sequence[Link], kept: Mapping[str, Row]) -> list[Claim]:
    """Of those that the archive still has."""
    right = settled(links)
    there = [each for each in links if each.recording in kept]
    return [Claim(each, kept[each.recording], each.recording in right) for each in there]

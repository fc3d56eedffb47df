"""My meetings: three lists, each a page at a time, so that what it takes does not grow with what is there."""

from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from django.db.models import Q, QuerySet

from recorder.archive.listing import Row, rows
from recorder.archive.web.archive import archive
from recorder.archive.web.meetings.claims import of_colleagues, settled
from recorder.archive.web.meetings.models import Link
from recorder.archive.web.meetings.seen import Seen, lasted, see, unlinked
from recorder.archive.web.people.models import Person

PAGE_ROWS = 25

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """Some of a list, the newest first."""

    rows: Sequence[T]
    further: bool
    """Whether it is another page than the first."""
    after: str | None
    """The recording behind which the next page begins; None if there is none."""


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
    """By its name each list, from behind the recording that `after` has under that name."""
    waits = unlinked(person.rooms, after.get("unlinked", ""))[: PAGE_ROWS + 1]
    mine = _behind(Link.objects.filter(person=person), after.get("mine", ""))
    others = _behind(of_colleagues(person), after.get("colleagues", ""))
    own = [each.recording for each in mine]
    # What is asked of a recording is asked once for both lists.
    seen = {each.recording: each for each in see([*waits[:PAGE_ROWS], *own[:PAGE_ROWS]])}
    return {
        "unlinked": _page(waits, seen, "unlinked" in after),
        "mine": _page(own, seen, "mine" in after),
        "colleagues": _page([each.recording for each in others], _claims(others[:PAGE_ROWS]), "colleagues" in after),
    }


def _behind(links: QuerySet[Link], after: str) -> list[Link]:
    """One more than a page has, the newest first, from behind this recording's on, if it is among them."""
    links = links.order_by("-at_ms", "-recording")
    last = links.filter(recording=after).first() if after else None
    if last is not None:
        links = links.filter(Q(at_ms__lt=last.at_ms) | Q(at_ms=last.at_ms, recording__lt=after))
    return list(links[: PAGE_ROWS + 1])


def _claims(links: Sequence[Link]) -> dict[str, Claim]:
    """Of those that the archive still has."""
    there = {each.recording: each for each in rows(archive().catalogue, [each.recording for each in links])}
    right = settled(links)
    kept = [each for each in links if each.recording in there and there[each.recording].state == "kept"]
    return {each.recording: Claim(each, there[each.recording], each.recording in right) for each in kept}


def _page(recordings: Sequence[str], there: Mapping[str, T], further: bool) -> Page[T]:
    shown = recordings[:PAGE_ROWS]
    after = shown[-1] if len(recordings) > PAGE_ROWS else None
    return Page([there[each] for each in shown if each in there], further, after)

"""A recording as the pages show it: what the catalogue knows, what people said of it, and what is to become of it."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.functional import Promise

from recorder.archive.access import Role
from recorder.archive.due import People, judge
from recorder.archive.listing import Row, of_rooms, rows
from recorder.archive.retention import Fate
from recorder.archive.web.archive import archive, terms
from recorder.archive.web.clock import now_ms
from recorder.archive.web.known import known_by
from recorder.archive.web.meetings.models import Link, Unlinked
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.standing import restricted
from recorder.archive.web.words import CAUSES, CONSENT, ENDS
from recorder.wire.consent import DAY_MS


@dataclass(frozen=True, slots=True)
class Seen:
    """One recording."""

    row: Row
    link: Link | None
    people: People
    fate: Fate
    restricted: bool
    """Nobody may use it but the rights desk (S5)."""

    @property
    def recording(self) -> str:
        return self.row.recording

    def of(self, person: Person) -> bool:
        """Whether it is theirs: they said of which case it is, and nobody disputes that."""
        return self.link is not None and self.link.person_id == person.pk and not self.link.disputed

    def closed_to(self, roles: Collection[Role]) -> bool:
        """Whether who has these roles may know of it, and nothing more."""
        return self.restricted and Role.RIGHTS_DESK not in roles

    @property
    def seconds(self) -> float | None:
        return lasted(self.row)

    @property
    def ended(self) -> Promise:
        return ENDS[self.row.ended or ""]

    @property
    def consent(self) -> Promise:
        return CONSENT[self.row.consent or ""]

    @property
    def cause(self) -> Promise:
        return CAUSES[self.fate.cause]

    @property
    def late(self) -> bool:
        """Whether the person who was there is to be reminded (D6)."""
        return self.fate.remind_ms is not None and now_ms() >= self.fate.remind_ms


def see(recordings: Collection[str]) -> list[Seen]:
    """Those of these that the archive has and that were kept, the newest first."""
    return of_rows([each for each in rows(archive().catalogue, recordings) if each.state == "kept"])


def see_one(recording: str) -> Seen | None:
    """The same of one; None if the archive has it not, or it was not kept."""
    return next(iter(see([recording])), None)


def unlinked(devices: Collection[str], after: str = "") -> list[str]:
    """The recordings of these rooms that have no case yet, or none any more: those that had one in time are somebody's.

    The newest first, and from the one behind `after` on, which may have got a case since.
    """
    since_ms = now_ms() - (terms().unlinked_days + 1) * DAY_MS
    came_ms = of_rooms(archive().catalogue, devices, since_ms)
    again = Unlinked.objects.filter(device__in=devices, at_ms__gte=since_ms).values_list("recording", flat=True)
    if more := set(again) - came_ms.keys():
        came_ms |= {each.recording: each.first_ms for each in rows(archive().catalogue, more) if each.state == "kept"}
    found = sorted(came_ms, key=lambda each: (came_ms[each], each), reverse=True)
    if after in came_ms:
        found = found[found.index(after) + 1 :]
    linked = set(Link.objects.filter(recording__in=found).values_list("recording", flat=True))
    return [each for each in found if each not in linked]


def lasted(row: Row) -> float | None:
    """How many seconds from the press of the button to the end, by the device's clock: the announcement is in it.

    How long its sound is, the catalogue does not know: `Verdict` does.
    """
    if row.made_ms is None or row.ended_ms is None:
        return None
    return max(0, row.ended_ms - row.made_ms) / 1_000


def of_rows(found: Collection[Row]) -> list[Seen]:
    """These, which are kept, in their order."""
    ids = [each.recording for each in found]
    links = {each.recording: each for each in Link.objects.filter(recording__in=ids).select_related("case")}
    people, now, by, closed = known_by(ids, links.values()).people, now_ms(), terms(), restricted(ids)
    return [
        Seen(
            each,
            links.get(each.recording),
            people[each.recording],
            judge(each, people[each.recording], by, now),
            each.recording in closed,
        )
        for each in found
    ]

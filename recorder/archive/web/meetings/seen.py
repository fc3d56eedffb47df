"""A recording as the pages show it: what the catalogue knows, what people said of it, and what is to become of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise

from recorder.archive.due import People, facts
from recorder.archive.listing import Row, of_rooms, rows
from recorder.archive.retention import Fate, fate
from recorder.archive.web.archive import archive, terms
from recorder.archive.web.clock import now_ms
from recorder.archive.web.known import known
from recorder.archive.web.meetings.models import Link, Unlinked
from recorder.archive.web.people.models import Person
from recorder.archive.web.words import CAUSES, CONSENT, ENDS
from recorder.wire.consent import DAY_MS


@dataclass(frozen=True, slots=True)
class Seen:
    """One recording."""

    row: Row
    link: Link | None
    people: People
    fate: Fate

    @property
    def recording(self) -> str:
        return self.row.recording

    def of(self, person: Person) -> bool:
        """Whether it is theirs: they said of which case it is, and nobody disputes that."""
        return self.link is not None and self.link.person_id == person.pk and not self.link.disputed

    @property
    def seconds(self) -> float | None:
        """How long the meeting took, by the device's clock."""
        if self.row.made_ms is None or self.row.ended_ms is None:
            return None
        return max(0, self.row.ended_ms - self.row.made_ms) / 1_000

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
    return _seen(rows(archive().catalogue, recordings))


def unlinked(devices: Collection[str]) -> list[Seen]:
    """The recordings of these rooms that have no case yet, or none any more: those that had one in time are somebody's."""
    since_ms = now_ms() - (terms().unlinked_days + 1) * DAY_MS
    found = of_rooms(archive().catalogue, devices, since_ms)
    again = Unlinked.objects.filter(device__in=devices, at_ms__gte=since_ms).values_list("recording", flat=True)
    found += rows(archive().catalogue, set(again) - {each.recording for each in found})
    linked = set(
        Link.objects.filter(recording__in=[each.recording for each in found]).values_list("recording", flat=True)
    )
    return _seen([each for each in found if each.recording not in linked])


def _seen(found: Collection[Row]) -> list[Seen]:
    found = [each for each in found if each.state == "kept"]
    links: Mapping[str, Link] = {
        each.recording: each
        for each in Link.objects.filter(recording__in=[each.recording for each in found]).select_related(
            "case", "person"
        )
    }
    people, now, by = known([each.recording for each in found]), now_ms(), terms()
    return [
        Seen(
            each, links.get(each.recording), people[each.recording], fate(facts(each, people[each.recording]), by, now)
        )
        for each in found
    ]

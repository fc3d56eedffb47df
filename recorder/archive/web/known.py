"""What people have said and done of recordings, as far as it counts for what is to become of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from recorder.archive.due import People
from recorder.archive.web.holds.holding import standing, until_ms
from recorder.archive.web.holds.models import Hold
from recorder.archive.web.meetings.models import Link, Unlinked
from recorder.archive.web.rights.standing import standing as rights_standing


def known(recordings: Collection[str]) -> Mapping[str, People]:
    """Of each of these."""
    return known_by(recordings, Link.objects.filter(recording__in=recordings).select_related("case")).people


class Said(NamedTuple):
    """What people said and did of recordings."""

    people: Mapping[str, People]
    holds: Mapping[str, list[Hold]]
    """Of those that have any: as `holding.standing` gives them."""


def known_by(recordings: Collection[str], links: Iterable[Link]) -> Said:
    """The same, with the holds themselves, for who has the links with their cases already."""
    found = dict.fromkeys(recordings, People())
    for each in Unlinked.objects.filter(recording__in=recordings):
        found[each.recording] = replace(found[each.recording], unlinked_ms=each.at_ms)
    cases: dict[str, int | None] = dict.fromkeys(recordings)
    for link in links:
        found[link.recording] = replace(found[link.recording], linked=True, decided_ms=link.case.decided_ms)
        cases[link.recording] = link.case_id
    holds = standing(cases)
    for recording, held in holds.items():
        found[recording] = replace(found[recording], holds_until_ms=until_ms(held))
    for recording, rights in rights_standing(recordings).items():
        found[recording] = replace(
            found[recording],
            request_open=rights.kept,
            undone_ms=rights.undone_ms,
            erasure_asked_ms=rights.erasure_asked_ms,
            erasure_confirmed_ms=rights.erasure_confirmed_ms,
        )
    return Said(found, holds)

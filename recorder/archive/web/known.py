"""What people have said and done of recordings, as far as it counts for what is to become of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from recorder.archive.due import People
from recorder.archive.web.holds.holding import standing as holds
from recorder.archive.web.holds.holding import until_ms
from recorder.archive.web.meetings.models import Link, Unlinked
from recorder.archive.web.rights.standing import standing


def known(recordings: Collection[str]) -> Mapping[str, People]:
    """Of each of these."""
    return known_by(recordings, Link.objects.filter(recording__in=recordings).select_related("case"))


def known_by(recordings: Collection[str], links: Iterable[Link]) -> Mapping[str, People]:
    """The same, for who has their links with their cases already."""
    found = dict.fromkeys(recordings, People())
    for each in Unlinked.objects.filter(recording__in=recordings):
        found[each.recording] = replace(found[each.recording], unlinked_ms=each.at_ms)
    cases: dict[str, int | None] = dict.fromkeys(recordings)
    for link in links:
        found[link.recording] = replace(found[link.recording], linked=True, decided_ms=link.case.decided_ms)
        cases[link.recording] = link.case_id
    for recording, held in holds(cases).items():
        found[recording] = replace(found[recording], holds_until_ms=until_ms(held))
    for recording, rights in standing(recordings).items():
        found[recording] = replace(
            found[recording],
            request_open=rights.kept,
            undone_ms=rights.undone_ms,
            erasure_asked_ms=rights.erasure_asked_ms,
            erasure_confirmed_ms=rights.erasure_confirmed_ms,
        )
    return found

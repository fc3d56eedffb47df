"""What people have said and done of recordings, as far as it counts for what is to become of them."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from recorder.archive.due import People
from recorder.archive.web.meetings.models import Link, Unlinked


def known(recordings: Collection[str]) -> Mapping[str, People]:
    """Of each of these."""
    found = dict.fromkeys(recordings, People())
    for each in Unlinked.objects.filter(recording__in=recordings):
        found[each.recording] = replace(found[each.recording], unlinked_ms=each.at_ms)
    for link in Link.objects.filter(recording__in=recordings).select_related("case"):
        found[link.recording] = replace(found[link.recording], linked=True, decided_ms=link.case.decided_ms)
    return found

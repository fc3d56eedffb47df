"""Setting, confirming and ending holds, and which recordings they keep. Who may do it, the views ask."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from django.db.models import Q

from recorder.archive.web.archive import archive
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.models import CONFIRM_DAYS, UNDO_MS, Going, Hold, How, Kind
from recorder.archive.web.meetings.models import Case
from recorder.archive.web.people.models import Person
from recorder.wire.consent import DAY_MS


class BeingDeleted(Exception):
    """The recording is being deleted at this moment."""


def standing(cases: Mapping[str, int | None]) -> dict[str, list[Hold]]:
    """Of these recordings, each with the id of its case if it has one: the holds that keep it or may, the newest first.

    No person has ended them, or not for as long as that takes to count.
    """
    by_recording: defaultdict[str, list[Hold]] = defaultdict(list)
    by_case: defaultdict[int, list[Hold]] = defaultdict(list)
    named = {case for case in cases.values() if case is not None}
    stands = Q(ended_ms=None) | Q(ended_ms__gt=now_ms() - UNDO_MS)
    found = Hold.objects.filter(stands, Q(recording__in=list(cases)) | Q(case__in=named))
    for hold in found.select_related("placed_by", "confirmed_by").order_by("-placed_ms", "-pk"):
        by_case[hold.case_id].append(hold)
        by_recording[hold.recording or ""].append(hold)
    return {
        recording: list({each.pk: each for each in (*by_recording[recording], *by_case[case or 0])}.values())
        for recording, case in cases.items()
        if by_recording[recording] or by_case[case or 0]
    }


def until_ms(holds: Iterable[Hold]) -> tuple[int, ...]:
    """When each of these ends that counts."""
    return tuple(each.until_ms for each in holds if each.until_ms is not None)


def covered(hold: Hold) -> int:
    """How many recordings it covers now."""
    linked = hold.case.links.count()
    return linked + (hold.recording is not None and not hold.case.links.filter(recording=hold.recording).exists())


def place(
    person: Person | None, kind: Kind, *, case: str, reason: str, expires_ms: int, recording: str | None = None
) -> Hold:
    """Set one; `person` is None for the organisation's own program. Call it in the transaction that notes it, behind that.

    BeingDeleted if the recording is: what is noted first has the lock that the nightly run decides in.
    """
    if recording is not None:
        check_stays(recording)
    found, _new = Case.objects.get_or_create(number=case)
    same = Q(case=found) | Q(recording=recording) if recording else Q(case=found)
    before = Hold.objects.filter(same, kind=kind, confirmed_ms=None, placed_by=person)
    return Hold.objects.create(
        recording=recording,
        case=found,
        kind=kind,
        reason=reason,
        expires_ms=expires_ms,
        placed_by=person,
        placed_ms=now_ms(),
        at_once=kind.by_itself and not before.exists(),
    )


def check_stays(recording: str) -> None:
    """BeingDeleted if it is, or was just now. Ask with the lock that the nightly run decides in: who notes a line has it."""
    if _going([recording]):
        raise BeingDeleted


def check_keeps(hold: Hold) -> None:
    """BeingDeleted if nothing of what it covers stays. Ask as with `check_stays`."""
    covers = {*hold.case.links.values_list("recording", flat=True), *([hold.recording] if hold.recording else [])}
    if covers and _going(covers) == covers:
        raise BeingDeleted


def _going(recordings: Collection[str]) -> set[str]:
    standing = archive().catalogue.standing(recordings)
    deleted = {each for each, found in standing.items() if found.state == "deleted"}
    return deleted | set(Going.objects.filter(recording__in=recordings).values_list("recording", flat=True))


def confirm(hold: Hold, person: Person) -> None:
    """As the second person. `hold` is locked, and waits."""
    hold.confirmed_by, hold.confirmed_ms = person, now_ms()
    hold.save()


def end(hold: Hold, person: Person | None, how: How, why: str = "") -> None:
    """Before its date: nothing is kept by it from now on, or a day later if a person ends it.

    `hold` is locked, and no one has ended it.
    """
    hold.ended_by, hold.ended_ms, hold.how, hold.why = person, now_ms(), how, why
    hold.save()


def lapsed() -> list[Hold]:
    """Those that nobody confirmed in time, and of which that was not yet written down. To be called in a transaction."""
    old = Q(placed_ms__lte=now_ms() - CONFIRM_DAYS * DAY_MS) | Q(expires_ms__lte=now_ms())
    return list(Hold.objects.select_for_update().filter(old, ended_ms=None, confirmed_ms=None).order_by("pk"))

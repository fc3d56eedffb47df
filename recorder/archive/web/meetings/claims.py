"""Whose was a meeting? Whoever links it says so; this is how a mistake, or worse, comes to light and is put right (P2).

A room is shared, so a caseworker could link a colleague's meeting, and hear it. Therefore those with the same room see for
`SHOWN_DAYS` who linked what there, without its case, and may say that it is not right. From then on it is not the linker's any
more, until the privacy officer, who hears nothing, has asked them both and settled it: the link stands, or the meeting is
without a case again. Of one's own mistake one may think better for `REGRET_MS`.
"""

from collections.abc import Collection

from django.db.models import QuerySet
from django.http import Http404

from recorder.archive.access import Action, Role
from recorder.archive.web.access import note
from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.holding import check_stays
from recorder.archive.web.meetings.models import Case, Dispute, Link, Unlinked
from recorder.archive.web.meetings.seen import Seen
from recorder.archive.web.people.models import Person
from recorder.archive.web.trail import writing
from recorder.archive.web.trail.models import Line
from recorder.archive.web.trail.writing import acting
from recorder.wire.consent import DAY_MS

SHOWN_DAYS = 14
REGRET_MS = DAY_MS


def link(seen: Seen, number: str, person: Person | None, *, by: str, role: str) -> bool:
    """Say of which case it is, if nobody has yet; whether that was so. BeingDeleted if it is.

    `by` and `role` stand in the trail. `person` is whose it is: None where the organisation's own program says it, which need
    not tell who was there, and may do that later (`give`).
    """
    with acting():
        case, _new = Case.objects.get_or_create(number=number)
        _link, new = Link.objects.get_or_create(
            recording=seen.recording,
            defaults={"case": case, "person": person, "device": seen.row.device, "at_ms": now_ms()},
        )
        if new:
            details = {"case": number}
            writing.write(person=by, role=role, action=Action.LINK, recording=seen.recording, details=details)
            check_stays(seen.recording)
    return new


def give(recording: str, number: str, person: Person, *, by: str, role: str) -> bool:
    """Say whose a recording is of which the same program, `by`, has said the case and no person; whether that was so.

    As if it had said so at first: colleagues see it from now on. BeingDeleted if it is.
    """
    with acting():
        link = Link.objects.select_for_update().filter(recording=recording, case__number=number, person=None).first()
        said = Line.objects.filter(recording=recording, action=Action.LINK.value, result="done", person=by)
        if link is None or not said.exists():
            return False
        link.person, link.at_ms = person, now_ms()
        link.save()
        details = {"case": number, "account": str(person.pk)}
        writing.write(person=by, role=role, action=Action.LINK, recording=recording, details=details)
        check_stays(recording)
    return True


def of_colleagues(person: Person) -> QuerySet[Link]:
    """What others have linked of this person's rooms lately."""
    since_ms = now_ms() - SHOWN_DAYS * DAY_MS
    found = Link.objects.filter(device__in=person.rooms, at_ms__gte=since_ms, person__isnull=False)
    return found.exclude(person=person).select_related("person")


def settled(links: Collection[Link]) -> set[str]:
    """The recordings of those of these links that were found right: nobody disputes them again."""
    found = Dispute.objects.filter(recording__in=[each.recording for each in links], stands=True)
    right = set(found.values_list("recording", "linked_by_id"))
    return {each.recording for each in links if (each.recording, each.person_id) in right}


def dispute(person: Person, role: Role, recording: str) -> None:
    """Say that a colleague's link is wrong. Http404 if it is none that may be disputed by this person."""
    if not of_colleagues(person).filter(recording=recording).exists():
        raise Http404
    with acting():
        link = Link.objects.select_for_update().filter(recording=recording, disputed=False).first()
        if link is None or link.person is None or link.person == person or settled([link]):
            raise Http404
        Dispute.objects.create(
            recording=recording,
            device=link.device,
            linked_by=link.person,
            linked_ms=link.at_ms,
            person=person,
            at_ms=now_ms(),
        )
        link.disputed = True
        link.save()
        note(person, role, Action.DISPUTE, recording=recording, details={"linked_by": str(link.person_id)})


def settle(person: Person, role: Role, number: int, *, stands: bool, reason: str) -> None:
    """Decide a dispute. Http404 if none of this number is open; BeingDeleted if the recording is."""
    with acting():
        found = Dispute.objects.select_for_update().filter(pk=number, settled_ms=None).first()
        if found is None:
            raise Http404
        found.settled_ms, found.stands = now_ms(), stands
        found.save()
        if stands:
            Link.objects.filter(recording=found.recording).update(disputed=False)
        else:
            _take_away(Link.objects.get(recording=found.recording))
        details = {"found": "right" if stands else "wrong", "reason": reason}
        note(person, role, Action.SETTLE_DISPUTE, recording=found.recording, details=details)
        check_stays(found.recording)


def may_regret(link: Link | None, person: Person) -> bool:
    """Whether this person may still name another case, or give the meeting back."""
    return link is not None and link.person_id == person.pk and not link.disputed and now_ms() < link.at_ms + REGRET_MS


def relink(person: Person, role: Role, recording: str, number: str) -> None:
    """Name another case than one has named before. Http404 if it is too late; BeingDeleted if it is."""
    with acting():
        link = _regretted(person, recording)
        details = {"case": number, "before": link.case.number}
        link.case, _new = Case.objects.get_or_create(number=number)
        link.save()
        note(person, role, Action.LINK, recording=recording, details=details)
        check_stays(recording)


def give_back(person: Person, role: Role, recording: str) -> None:
    """Say that it was not one's own meeting after all. Http404 if it is too late; BeingDeleted if it is."""
    with acting():
        link = _regretted(person, recording)
        details = {"case": link.case.number}
        _take_away(link)
        note(person, role, Action.UNLINK, recording=recording, details=details)
        check_stays(recording)


def _regretted(person: Person, recording: str) -> Link:
    link = Link.objects.select_for_update(of=("self",)).select_related("case").filter(recording=recording).first()
    if link is None or not may_regret(link, person):
        raise Http404
    return link


def _take_away(link: Link) -> None:
    Unlinked.objects.update_or_create(recording=link.recording, defaults={"device": link.device, "at_ms": now_ms()})
    link.delete()

"""What of the rights desk's work gives a recording to somebody needs two: the end of a restriction, and a copy."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
from django.test import Client
from django.utils.timezone import localdate

from recorder.archive.access import Purpose, Role
from recorder.archive.code import code
from recorder.archive.web.clock import now_ms
from recorder.archive.web.forgotten import forgotten
from recorder.archive.web.listening.judging import NotNow, judge
from recorder.archive.web.listening.models import PERMIT_MS, Permit
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights import copy_judging
from recorder.archive.web.rights.kinds import Kind
from recorder.archive.web.rights.models import CopyPermit, Request, Restriction
from recorder.archive.web.rights.standing import standing
from recorder.archive.web.trail.models import Line
from recorder.archive.web.trail.reading import details
from tests.web.archive import DAY_MS, Archive
from tests.web.conftest import Make
from tests.web.test_erasures import People, linked, people, seen_by  # noqa: F401 (a fixture)
from tests.web.test_rights import GRANT, LOOK_AGAIN, REFUSE, ask, lines

SignIn = Callable[[Person], Client]
ENGLISH = {"Accept-Language": "en"}


def restricted(desk: Client, recording: str) -> Restriction:
    asked = ask(recording, Kind.RESTRICTION)
    assert desk.post(f"/rights/requests/{asked.pk}/decide/", GRANT | LOOK_AGAIN).status_code == 302
    return Restriction.objects.get(recording=recording)


def lift(desk: Client, found: Restriction) -> None:
    assert desk.post(f"/rights/restrictions/{found.pk}/", {"words": "De reden is voorbij."}).status_code == 302


def hearing(person: Person, recording: str) -> Permit:
    return Permit.objects.create(
        person=person,
        recording=recording,
        purpose=Purpose.OBJECTION.value,
        case="Z-1",
        reason="bezwaar",
        until_ms=now_ms() + PERMIT_MS,
    )


def entered(desk: Client, recording: str) -> Request:
    """An access request that the desk enters in a client's name."""
    fields = {"kind": "access", "channel": "letter", "day": localdate().isoformat(), "words": "Een kopie"}
    assert desk.post(f"/rights/recordings/{recording}/", fields).status_code == 302
    return Request.objects.get(recording=recording)


def granted(desk: Client, asked: Request) -> None:
    assert desk.post(f"/rights/requests/{asked.pk}/decide/", GRANT).status_code == 302


def state(asked: Request) -> tuple[str, str | None]:
    asked.refresh_from_db()
    return asked.state, asked.proposed


def fetched(desk: Client, asked: Request) -> CopyPermit | None:
    """What the desk gets by which the reading room makes the copy."""
    before = list(CopyPermit.objects.values_list("pk", flat=True))
    desk.post(f"/rights/requests/{asked.pk}/copy/", {"given_to": "de cliënt", "language": "nl", "sure": "on"})
    return CopyPermit.objects.filter(request=asked).exclude(pk__in=before).first()


def test_a_restriction_stays_until_a_second_person_has_confirmed_its_end(  # S5
    archive: Archive,
    people: People,  # noqa: F811
    make: Make,
) -> None:
    recording = linked(archive, 20)
    permit = hearing(make(Role.LISTENER), recording)
    found = restricted(people.desk, recording)
    assert f'"/rights/restrictions/{found.pk}/"' in people.desk.get("/rights/").content.decode()
    lift(people.desk, found)
    assert f'"/rights/restrictions/{found.pk}/"' not in people.desk.get("/rights/").content.decode()
    assert seen_by(people.desk, found.request) == 403
    with pytest.raises(NotNow, match="restricted"):
        judge(permit)
    assert Restriction.objects.get().lifted_ms is None
    assert seen_by(people.colleague, found.request) == 302
    judge(permit)
    found.refresh_from_db()
    assert found.lifted_by is not None and found.confirmed_by is not None
    assert (found.lifted_by.name, found.confirmed_by.name) == ("Rens Dekker", "Anna Collega")
    assert found.lifted_words == "De reden is voorbij."
    assert state(found.request) == ("granted", None)
    assert lines("done").count("confirm_request") == 1
    page = people.desk.get(f"/rights/requests/{found.request_id}/", headers=ENGLISH).content.decode()
    assert "(Rens Dekker, confirmed by Anna Collega) De reden" in page and "The restriction has ended" in page
    assert b"voorbij" not in b"".join(bytes(each.text) for each in Line.objects.all())


def test_the_second_person_says_no_and_it_stays(archive: Archive, people: People, make: Make) -> None:  # noqa: F811
    recording = linked(archive, 20)
    permit, found = hearing(make(Role.LISTENER), recording), restricted(people.desk, recording)
    lift(people.desk, found)
    assert seen_by(people.officer, found.request, "decline", words="De zaak loopt nog.") == 302
    with pytest.raises(NotNow, match="restricted"):
        judge(permit)
    address = f"/rights/restrictions/{found.pk}/"
    page = people.desk.get(f"/rights/requests/{found.request_id}/").content.decode()
    assert address in page and "De zaak loopt nog." in page
    lift(people.desk, found)
    assert state(found.request) == ("granted", "lifted")
    assert people.desk.get(address).status_code == 302, "it waits already"


def test_saying_that_it_is_to_end_keeps_no_recording(archive: Archive, people: People) -> None:  # noqa: F811
    """Else one person alone kept it for as long as they like: past its day a restriction keeps nothing."""
    found = restricted(people.desk, linked(archive, 20))
    Restriction.objects.update(look_again_ms=now_ms() - DAY_MS)
    Request.objects.update(decided_ms=now_ms() - 9 * DAY_MS)
    assert not standing([found.recording])[found.recording].kept
    lift(people.desk, found)
    assert not standing([found.recording])[found.recording].kept


def test_with_the_recording_goes_what_waits_of_its_restriction(archive: Archive, people: People) -> None:  # noqa: F811
    found, asked = restricted(people.desk, linked(archive, 20)), entered(people.desk, archive.record().id)
    lift(people.desk, found)
    granted(people.desk, asked)
    forgotten([found.recording, asked.recording])
    assert state(found.request) == ("granted", None)
    assert state(asked) == ("open", "copy"), "the client must have an answer"
    assert seen_by(people.officer, asked) == 302


def test_a_copy_that_one_person_entered_and_granted_waits_for_a_second(
    archive: Archive,
    people: People,  # noqa: F811
) -> None:
    asked = entered(people.desk, archive.record().id)
    told = people.desk.get(f"/rights/requests/{asked.pk}/decide/", headers=ENGLISH).content.decode()
    assert "You entered this request" in told
    granted(people.desk, asked)
    assert state(asked) == ("open", "copy")
    assert fetched(people.desk, asked) is None
    assert seen_by(people.desk, asked) == 403
    assert state(asked) == ("open", "copy")
    page = people.colleague.get(f"/second-look/{asked.pk}/", headers=ENGLISH).content.decode()
    assert "A copy is to be made" in page and "Een kopie" in page
    assert seen_by(people.colleague, asked) == 302
    assert state(asked) == ("granted", None)
    permit = fetched(people.desk, asked)
    assert permit is not None
    copy_judging.judge(permit)
    # The reading room believes the pages nothing: as if these had let one person do it.
    for confirmed_by in (None, asked.decided_by):
        Request.objects.update(confirmed_by=confirmed_by)
        with pytest.raises(NotNow, match="undecided"):
            copy_judging.judge(CopyPermit.objects.get())


def test_the_client_or_a_colleague_who_entered_it_is_the_other_of_the_two(
    archive: Archive,
    people: People,  # noqa: F811
) -> None:
    for asked in (ask(archive.record().id), entered(people.colleague, archive.record().id)):
        granted(people.desk, asked)
        assert state(asked) == ("granted", None)
        permit = fetched(people.desk, asked)
        assert permit is not None
        copy_judging.judge(permit)


def test_who_had_the_clients_code_on_a_page_may_have_been_the_client(
    archive: Archive,
    people: People,  # noqa: F811
) -> None:
    recording, later, colleagues = (archive.record().id for _ in range(3))
    for each in (recording, colleagues):
        assert people.desk.get(f"/recordings/{each}/card/").status_code == 200
    asked, before, trusted = ask(recording), ask(later), ask(colleagues)
    told = people.colleague.get(f"/rights/requests/{trusted.pk}/decide/", headers=ENGLISH).content.decode()
    assert "First see who asks." in told
    granted(people.desk, asked)
    assert state(asked) == ("open", "copy")
    assert seen_by(people.desk, asked) == 403
    assert seen_by(people.officer, asked) == 302
    Request.objects.filter(pk=before.pk).update(came_ms=now_ms() - 60_000)
    people.desk.get(f"/recordings/{later}/card/")
    granted(people.desk, before)
    assert state(before) == ("granted", None), "who printed it after the client had asked"
    for each in (asked, before):
        permit = fetched(people.desk, each)
        assert permit is not None
        copy_judging.judge(permit)
    granted(people.colleague, trusted)
    assert state(trusted) == ("granted", None)
    for who, why in ((people.desk, "had_code"), (people.colleague, None)):
        permit = fetched(who, trusted)
        assert permit is not None
        with nullcontext() if why is None else pytest.raises(NotNow, match=why):
            copy_judging.judge(permit)
    Request.objects.filter(pk=asked.pk).update(confirmed_by=None)
    with pytest.raises(NotNow, match="undecided"):
        copy_judging.judge(CopyPermit.objects.get(request=asked))


def test_who_found_it_by_the_code_may_have_been_the_client_and_the_code_stands_nowhere(
    archive: Archive,
    people: People,  # noqa: F811
) -> None:
    recording = archive.record()
    typed = code(recording.receipt.body)
    assert recording.id in people.desk.post("/rights/find/", {"what": typed.lower()}).content.decode()
    assert not any(typed[:9] in value.upper() for each in Line.objects.all() for value in details(each).values())
    assert Line.objects.get(action="find").recording == recording.id
    asked = ask(recording.id)
    granted(people.desk, asked)
    assert state(asked) == ("open", "copy")
    granted(people.colleague, asked)
    assert state(asked) == ("open", "copy"), "what waits is for the second person"
    assert seen_by(people.colleague, asked) == 302
    assert state(asked) == ("granted", None)


def test_a_copy_is_refused_and_taken_back_by_one(archive: Archive, people: People) -> None:  # noqa: F811
    refused, back = entered(people.desk, archive.record().id), entered(people.desk, archive.record().id)
    people.desk.post(f"/rights/requests/{refused.pk}/decide/", REFUSE)
    granted(people.desk, back)
    people.desk.post(f"/rights/requests/{back.pk}/withdraw/", {"words": "Bedacht zich."})
    assert state(refused) == ("refused", None)
    assert state(back) == ("withdrawn", None)


def test_what_waits_is_told_to_who_can_confirm_it(archive: Archive, people: People) -> None:  # noqa: F811
    asked, found = entered(people.desk, archive.record().id), restricted(people.desk, linked(archive, 20))
    granted(people.desk, asked)
    lift(people.desk, found)
    desk = people.colleague.get("/rights/", headers=ENGLISH).content.decode()
    assert "2 requests wait for a second person" in desk
    assert ">2<" in people.officer.get("/waiting/", headers=ENGLISH).content.decode()
    page = people.officer.get("/second-look/", headers=ENGLISH).content.decode()
    assert "The restriction is to end" in page and "A copy is to be made" in page
    for each in (asked, found.request):
        assert seen_by(people.officer, each) == 302
    assert "None. When the rights desk" in people.officer.get("/second-look/", headers=ENGLISH).content.decode()
    for each in (asked, found.request):  # what waits no more is not for who has no other reason to read it
        assert people.officer.get(f"/second-look/{each.pk}/").status_code == 404

"""How an erasure ends: by two people, whichever way, for what is erased is gone and what is unlocked is heard."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest
from django.test import Client
from django.utils.timezone import localdate

from recorder.archive.access import Role
from recorder.archive.retention import Fate
from recorder.archive.web.holds.models import Going
from recorder.archive.web.meetings.models import Case, Link
from recorder.archive.web.meetings.seen import see
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.deadline import due_ms
from recorder.archive.web.rights.deciding import TooLate, confirm
from recorder.archive.web.rights.kinds import Kind, State
from recorder.archive.web.rights.models import Request
from recorder.archive.web.rights.opening import open_request
from recorder.archive.web.times import noon_ms
from recorder.archive.web.trail.models import Line
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make
from tests.web.pdf import text as text_of
from tests.web.test_client import code_of, look
from tests.web.test_rights import GRANT, REFUSE, ask, lines

SignIn = Callable[[Person], Client]
ENGLISH = {"Accept-Language": "en"}


class People(NamedTuple):
    desk: Client
    colleague: Client
    officer: Client


@pytest.fixture
def people(make: Make, sign_in: SignIn) -> People:
    """Two of the rights desk, and the privacy officer."""
    return People(
        sign_in(make(Role.RIGHTS_DESK, name="Rens Dekker")),
        sign_in(make(Role.RIGHTS_DESK, name="Anna Collega")),
        sign_in(make(Role.PRIVACY_OFFICER, name="Fatma Gezag")),
    )


def entered(desk: Client, recording: str, days_ago: int = 0) -> Request:
    """An erasure that the desk enters, as if it had come so many days ago."""
    day = (localdate() - timedelta(days=days_ago)).isoformat()
    fields = {"kind": "erasure", "channel": "counter", "day": day, "words": "Weg"}
    assert desk.post(f"/rights/recordings/{recording}/", fields).status_code == 302
    return Request.objects.get(recording=recording)


def linked(archive: Archive, days_ago: int) -> str:
    """A recording that has a case, so that it does not go for want of one."""
    recording = archive.record(days_ago=days_ago).id
    case, _ = Case.objects.get_or_create(number="Z-1")
    Link.objects.create(recording=recording, case=case, person=None, device="room-1", at_ms=now_ms())
    return recording


def seen_by(client: Client, asked: Request, act: str = "confirm", **more: str) -> int:
    """What becomes of it that somebody answers what waits now."""
    proposed_ms = Request.objects.get(pk=asked.pk).proposed_ms
    return client.post(f"/second-look/{asked.pk}/{act}/", {"proposed_ms": str(proposed_ms), **more}).status_code


def fate(asked: Request) -> Fate:
    return see([asked.recording])[0].fate


def proposed(asked: Request) -> str | None:
    return Request.objects.get(pk=asked.pk).proposed


def never_goes(asked: Request) -> bool:
    return not fate(asked).is_due(now_ms() + 1_000 * DAY_MS)


def test_one_person_of_the_desk_destroys_nothing_by_entering_an_erasure_of_the_first_days(
    archive: Archive, people: People
) -> None:
    asked = entered(people.desk, linked(archive, days_ago=100), days_ago=95)
    assert fate(asked).locked
    assert never_goes(asked)
    assert seen_by(people.desk, asked) == 403
    assert never_goes(asked)
    assert lines("refused") == ["confirm_request"]
    assert seen_by(people.colleague, asked) == 302
    assert fate(asked).locked
    assert not fate(asked).is_due(now_ms() + DAY_MS // 2)  # the undo counts from then
    assert fate(asked).is_due(now_ms() + DAY_MS)
    assert fate(asked).cause == "client"
    found = Request.objects.get()
    assert (found.state, found.decided_by.name, found.confirmed_by.name) == ("granted", "Rens Dekker", "Anna Collega")  # type: ignore[union-attr]
    done = lines("done")
    assert (done.count("erase"), done.count("confirm_request")) == (1, 1)


def test_of_the_clients_days_no_hour_is_lost_if_it_is_confirmed_in_them(archive: Archive, people: People) -> None:  # D7
    young, last = (entered(people.desk, archive.record(days_ago=days).id) for days in (3, 13.9))
    assert seen_by(people.officer, young) == seen_by(people.officer, last) == 302
    assert fate(young).is_due(now_ms() + DAY_MS)
    assert fate(last).is_due(now_ms() + DAY_MS // 5)  # no day of undo: the fourteenth is over sooner


def test_the_morning_of_the_fourteenth_day_is_one_of_the_clients_days(archive: Archive, people: People) -> None:  # D7
    """The desk knows the day and not the hour: the whole of it counts, and the month is as it was."""
    day = localdate() - timedelta(days=6)
    came_ms = noon_ms(day) - 14 * DAY_MS - 3_600_000  # so the client's days ended an hour before that noon
    asked = entered(people.desk, linked(archive, (now_ms() - came_ms) / DAY_MS), days_ago=6)
    assert proposed(asked) == "granted"
    other = linked(archive, (now_ms() - noon_ms(day - timedelta(days=15))) / DAY_MS)
    assert proposed(entered(people.desk, other, days_ago=6)) is None
    assert Request.objects.get(recording=other).due_ms == due_ms(noon_ms(day))


def test_an_erasure_of_the_first_days_cannot_be_refused_by_the_desk(archive: Archive, people: People) -> None:  # D7
    asked = entered(people.desk, archive.record(days_ago=3).id)
    address = f"/rights/requests/{asked.pk}/decide/"
    people.desk.post(address, REFUSE)  # it is to be granted already, and waits for the other
    assert proposed(asked) == "granted"
    assert seen_by(people.officer, asked, "decline", words="Wie was dit?") == 302
    assert 'role="alert"' in people.desk.post(address, REFUSE).content.decode()
    assert proposed(asked) is None
    people.desk.post(address, GRANT)
    assert proposed(asked) == "granted"


@pytest.mark.parametrize("days_ago", [3, 20])
@pytest.mark.parametrize("answer", [GRANT, REFUSE])
def test_what_came_with_the_code_alone_ends_by_two(
    answer: dict[str, str], days_ago: int, archive: Archive, people: People
) -> None:
    asked = ask(linked(archive, days_ago), Kind.ERASURE)
    assert proposed(asked) is None
    people.desk.post(f"/rights/requests/{asked.pk}/decide/", answer)
    assert fate(asked).locked
    assert never_goes(asked)
    people.desk.post(f"/rights/requests/{asked.pk}/decide/", GRANT if answer is REFUSE else REFUSE)
    assert proposed(asked) == answer["outcome"]
    assert seen_by(people.desk, asked) == 403
    assert fate(asked).locked
    assert seen_by(people.colleague, asked) == 302
    granted = answer is GRANT
    assert fate(asked).locked == granted
    assert fate(asked).is_due(now_ms() + DAY_MS) == granted
    assert fate(asked).cause == ("client" if granted else "term")


def test_a_hold_stands_against_what_was_asked_later_and_not_in_the_first_days(archive: Archive, people: People) -> None:
    late, early = ask(linked(archive, 20), Kind.ERASURE), ask(linked(archive, 3), Kind.ERASURE)
    until = (localdate() + timedelta(days=90)).isoformat()
    hold = {"kind": "objection", "case": "Z-1", "reason": "Hoorzitting", "until": until}
    assert people.desk.post(f"/recordings/{late.recording}/hold/", hold).status_code == 302
    for each in (late, early):
        page = people.officer.get(f"/second-look/{each.pk}/", headers=ENGLISH).content.decode()
        assert "yes: somebody needs it" in page
        people.desk.post(f"/rights/requests/{each.pk}/decide/", GRANT)
        assert seen_by(people.officer, each) == 302
    assert (fate(late).kept, fate(early).kept) == (True, False)
    assert fate(early).is_due(now_ms() + DAY_MS)


@pytest.mark.parametrize("confirmed", [False, True])
def test_that_the_client_takes_it_back_needs_two(confirmed: bool, archive: Archive, people: People) -> None:
    """Else one person of the desk could unlock, and hear, what the client locked."""
    asked = entered(people.desk, linked(archive, days_ago=20), days_ago=19)
    if confirmed:
        assert seen_by(people.officer, asked) == 302
    people.desk.post(f"/rights/requests/{asked.pk}/withdraw/", {"words": "Bedacht zich."})
    assert proposed(asked) == "withdrawn"
    Request.objects.filter(state=State.GRANTED).update(due_ms=now_ms() - 9 * DAY_MS)  # it was answered long ago
    page = people.officer.get("/second-look/", headers=ENGLISH).content.decode()
    assert ("Look at these first" in page) == (not confirmed)  # what was asked in the client's days, which are over
    assert fate(asked).locked
    assert never_goes(asked)  # nor is it destroyed meanwhile
    assert seen_by(people.desk, asked) == 403
    assert fate(asked).locked
    assert seen_by(people.colleague, asked) == 302
    assert not fate(asked).locked
    assert Request.objects.get().state == State.WITHDRAWN
    assert Line.objects.filter(action="confirm_request", result="refused").count() == 1


def test_who_says_no_to_that_leaves_it_as_it_was(archive: Archive, people: People) -> None:
    asked = entered(people.desk, linked(archive, days_ago=20), days_ago=19)
    assert seen_by(people.officer, asked) == 302
    people.desk.post(f"/rights/requests/{asked.pk}/withdraw/", {"words": "Bedacht zich."})
    assert seen_by(people.officer, asked, "decline", words="Ik sprak de cliënt.") == 302
    assert Request.objects.get().state == State.GRANTED
    assert fate(asked).is_due(now_ms() + DAY_MS)


def test_who_was_told_no_does_not_say_again_that_the_client_takes_it_back(archive: Archive, people: People) -> None:
    """Else one person alone keeps, for as long as they like, what two have said is to be erased."""
    asked = entered(people.desk, linked(archive, days_ago=20), days_ago=19)
    taken_back = f"/rights/requests/{asked.pk}/withdraw/"
    people.desk.post(taken_back, {"words": "Bedacht zich."})  # before it was granted: that is another matter
    assert seen_by(people.officer, asked, "decline", words="Nee.") == 302
    people.desk.post(f"/rights/requests/{asked.pk}/decide/", GRANT)
    assert seen_by(people.officer, asked) == 302
    people.desk.post(taken_back, {"words": "Bedacht zich."})
    assert proposed(asked) == "withdrawn"
    assert seen_by(people.officer, asked, "decline", words="Ik sprak de cliënt.") == 302
    page = people.desk.get(f"/rights/requests/{asked.pk}/", headers=ENGLISH).content.decode()
    assert "A colleague may say it, not you again." in page
    assert taken_back not in page
    answer = people.desk.post(taken_back, {"words": "Toch."}, follow=True, headers=ENGLISH)
    assert "A colleague may say it, not you again." in answer.content.decode()
    assert proposed(asked) is None
    assert fate(asked).is_due(now_ms() + DAY_MS)
    assert taken_back in people.colleague.get(f"/rights/requests/{asked.pk}/").content.decode()
    people.colleague.post(taken_back, {"words": "Ik sprak hem zelf."})
    assert proposed(asked) == "withdrawn"


def test_the_second_person_says_no_with_words_and_the_request_is_open_again(archive: Archive, people: People) -> None:
    asked = ask(linked(archive, 20), Kind.ERASURE)
    people.desk.post(f"/rights/requests/{asked.pk}/decide/", GRANT)
    assert seen_by(people.officer, asked, "decline", words=" ") == 200
    assert proposed(asked) == "granted"
    assert seen_by(people.officer, asked, "decline", words="Er loopt een rechtszaak") == 302
    found = Request.objects.get()
    assert (found.state, found.proposed, found.decision) == ("open", None, "")
    assert fate(asked).locked
    page = people.desk.get(f"/rights/requests/{asked.pk}/").content.decode()
    assert "Er loopt een rechtszaak" in page
    assert f"/rights/requests/{asked.pk}/decide/" in page
    assert b"rechtszaak" not in b"".join(bytes(each.text) for each in Line.objects.all())


def test_what_is_confirmed_is_what_was_seen(archive: Archive, people: People) -> None:
    asked = ask(linked(archive, 20), Kind.ERASURE)
    people.desk.post(f"/rights/requests/{asked.pk}/decide/", GRANT)
    before_ms = Request.objects.get().proposed_ms
    Request.objects.update(proposed_ms=(before_ms or 0) - 1)
    people.desk.post(f"/rights/requests/{asked.pk}/withdraw/", {"words": "Toch niet."})
    for stale in ({"proposed_ms": str((before_ms or 0) - 1)}, {"proposed_ms": "٣"}, {"proposed_ms": "9" * 40}, {}):
        for act in ("confirm", "decline"):
            people.officer.post(f"/second-look/{asked.pk}/{act}/", {"words": "x", **stale})
            assert proposed(asked) == "withdrawn"
    assert seen_by(people.officer, asked) == 302
    assert not fate(asked).locked
    # Once more is nothing more.
    people.officer.post(f"/second-look/{asked.pk}/confirm/", {"proposed_ms": str(before_ms)})
    assert lines("done").count("confirm_request") == 1


def test_nobody_confirms_their_own_that_took_the_place_of_a_colleagues_meanwhile(
    archive: Archive, people: People
) -> None:
    asked = entered(people.desk, linked(archive, days_ago=20), days_ago=19)
    before = Request.objects.get()  # as the colleague's page saw it when it asked whose it is
    people.colleague.post(f"/rights/requests/{asked.pk}/withdraw/", {"words": "Bedacht zich."})
    after = Request.objects.get()
    assert after.proposed_by is not None
    with pytest.raises(TooLate):
        confirm(after.proposed_by, Role.RIGHTS_DESK, before, after.proposed_ms or 0)
    assert fate(asked).locked


def test_it_is_listed_for_those_who_may_and_told_when_it_is_late(archive: Archive, people: People) -> None:
    for client in people:
        assert "None. When the rights desk" in client.get("/second-look/", headers=ENGLISH).content.decode()
    asked = entered(people.desk, linked(archive, days_ago=3))
    for client in people:
        page = client.get("/second-look/", headers=ENGLISH).content.decode()
        assert str(asked.pk) in page
        assert "Look at these first" not in page
    assert "1 request waits for a second person" in people.colleague.get("/rights/", headers=ENGLISH).content.decode()
    for left, told in ((5, "5 days left"), (-3, "days too late")):
        Request.objects.update(due_ms=now_ms() + left * DAY_MS + 1_000)
        page = people.officer.get("/second-look/", headers=ENGLISH).content.decode()
        assert "1 is late" in page
        assert told in page
    assert "It waits for a second person" in people.officer.get("/deletions/", headers=ENGLISH).content.decode()


def test_it_is_told_in_plain_words_where_it_stands(archive: Archive, people: People) -> None:
    recording = archive.record(days_ago=3)
    asked = entered(people.desk, recording.id)
    for client in people[:2]:
        page = client.get(f"/rights/requests/{asked.pk}/", headers=ENGLISH).content.decode()
        assert "Two people must look." in page
        assert (f"/second-look/{asked.pk}/" in page) == (client is people.colleague)
    mine = people.desk.get(f"/second-look/{asked.pk}/", headers=ENGLISH).content.decode()
    assert "you cannot confirm it" in mine
    assert "/confirm/" not in mine
    client = look(Client(headers={"accept-language": "en"}), code_of(recording))
    assert "Two of our staff must look at it." in client
    assert "The recording is locked. Nobody may listen now." in client
    assert "Rens Dekker" not in client
    assert seen_by(people.officer, asked) == 302
    client = look(Client(headers={"accept-language": "en"}), code_of(recording))
    assert "We said yes." in client
    letter = text_of(people.desk.get(f"/rights/requests/{asked.pk}/letter-nl.pdf").content)
    assert "uw eerste dagen" in letter


def test_there_is_no_letter_before_two_have_looked(archive: Archive, people: People) -> None:
    asked = ask(linked(archive, 20), Kind.ERASURE)
    people.desk.post(f"/rights/requests/{asked.pk}/decide/", REFUSE)
    assert people.desk.get(f"/rights/requests/{asked.pk}/letter-nl.pdf").status_code == 404


def test_nobody_else_comes_to_it(archive: Archive, make: Make, sign_in: SignIn, people: People) -> None:
    asked = entered(people.desk, linked(archive, days_ago=20), days_ago=19)
    for role in set(Role) - {Role.RIGHTS_DESK, Role.PRIVACY_OFFICER}:
        client = sign_in(make(role, rooms=["room-1"]))
        assert client.get("/second-look/").status_code == 403
        assert client.get(f"/second-look/{asked.pk}/").status_code == 403
        assert seen_by(client, asked) == seen_by(client, asked, "decline", words="x") == 403
    assert proposed(asked) == "granted"
    other = ask(archive.record().id)  # no erasure: nobody's second person has a say in it
    for client in people:
        assert client.get(f"/second-look/{other.pk}/").status_code == 404
        assert seen_by(client, other) == 404
    assert Client().get("/second-look/").status_code == 302


def test_what_was_granted_before_two_were_needed_counts(archive: Archive, people: People) -> None:
    asked = ask(linked(archive, 20), Kind.ERASURE)
    Request.objects.update(state=State.GRANTED.value, decided_ms=now_ms())
    assert fate(asked).is_due(now_ms() + DAY_MS)


def test_what_is_being_deleted_is_not_taken_back_any_more(archive: Archive, people: People) -> None:
    asked = entered(people.desk, linked(archive, days_ago=20), days_ago=19)
    assert seen_by(people.officer, asked) == 302
    Going.objects.create(recording=asked.recording, cause="client")
    answer = people.desk.post(
        f"/rights/requests/{asked.pk}/withdraw/", {"words": "Bedacht zich."}, follow=True, headers=ENGLISH
    )
    assert "is being deleted at this moment" in answer.content.decode()
    assert proposed(asked) is None
    assert Request.objects.get().state == State.GRANTED


def test_nothing_is_asked_of_what_is_being_deleted(archive: Archive, people: People) -> None:
    recording = archive.record()
    Going.objects.create(recording=recording.id, cause="unlinked")
    fields = {"kind": "access", "channel": "letter", "day": localdate().isoformat(), "words": ""}
    page = people.desk.post(f"/rights/recordings/{recording.id}/", fields, headers=ENGLISH).content.decode()
    assert "is being deleted at this moment" in page
    fields = {"code": code_of(recording), "kind": "access", "send": "1", "words": ""}
    page = Client(headers={"accept-language": "en"}).post("/c/ask/", fields).content.decode()
    assert "We are deleting the recording at this moment" in page
    assert not Request.objects.exists()
    assert not Line.objects.filter(action="open_request").exists()
    Going.objects.all().delete()
    assert open_request(recording.id, Kind.ACCESS, "", person=None).waiting

"""What is told once something is over: a restriction, a request, the hours in which an erasure can be taken back."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import translation
from django.utils.timezone import localdate

from recorder.archive.access import Role
from recorder.archive.web.clock import now_ms
from recorder.archive.web.meetings.models import Statement
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.kinds import Kind
from recorder.archive.web.rights.models import Disclosure, Request, Restriction
from recorder.archive.web.rights.standing import keeping, standing
from recorder.archive.web.times import day, minute
from tests.web.archive import DAY_MS, Archive
from tests.web.conftest import Make
from tests.web.pdf import text as text_of
from tests.web.test_client import code_of, look
from tests.web.test_erasures import ENGLISH, People, fate, linked, people, seen_by  # noqa: F401 (a fixture)
from tests.web.test_rights import GRANT, LOOK_AGAIN, REFUSE, ask
from tests.web.test_second_look import fetched, granted, lift, restricted

SignIn = Callable[[Person], Client]
AS_IT_IS = "Print it, or send it to the client as it is."
BSN = "Het gaat om 1234.56.782."


def page(desk: Client, asked: Request) -> str:
    return desk.get(f"/rights/requests/{asked.pk}/", headers=ENGLISH).content.decode()


def letter(desk: Client, asked: Request, name: str) -> str:
    answer = desk.get(f"/rights/requests/{asked.pk}/{name}.pdf")
    assert answer.status_code == 200
    return text_of(answer.content)


def test_that_a_restriction_ends_is_told_before_it_does_and_after(archive: Archive, people: People) -> None:  # noqa: F811
    recording = archive.record(days_ago=2)
    found = restricted(people.desk, recording.id)
    asked, client = found.request, Client(headers={"accept-language": "en"})
    assert AS_IT_IS in page(people.desk, asked)
    assert people.desk.get(f"/rights/requests/{asked.pk}/end-nl.pdf").status_code == 404
    assert (
        "The client reads this in the letter."
        in people.desk.get(f"/rights/restrictions/{found.pk}/", headers=ENGLISH).content.decode()
    )
    lift(people.desk, found)
    told = page(people.desk, asked)
    assert AS_IT_IS not in told
    assert "the client must know before the restriction ends" in told
    assert "Do not send it any more" in told
    dutch, english = letter(people.desk, asked, "end-nl"), letter(people.desk, asked, "end-en")
    assert "De opname mag weer worden gebruikt" in dutch and "Dat houdt nu op." in dutch
    assert "That ends now." in english and "De reden is voorbij." in english
    assert people.desk.get(f"/rights/requests/{asked.pk}/end-de.pdf").status_code == 404
    assert "That ended on" not in look(client, code_of(recording))
    assert seen_by(people.colleague, asked) == 302
    told = page(people.desk, asked)
    assert AS_IT_IS not in told
    assert "This letter says that the restriction has ended." in told
    with translation.override("en"):
        today = day(now_ms())
    assert f"That ended on {today}." in letter(people.desk, asked, "end-en")
    assert "De reden is voorbij." in letter(people.desk, asked, "end-nl")
    assert f"That ended on {today}." in look(client, code_of(recording))


def test_a_second_person_who_says_no_takes_the_letter_of_the_end_away(archive: Archive, people: People) -> None:  # noqa: F811
    found = restricted(people.desk, archive.record(days_ago=2).id)
    lift(people.desk, found)
    assert seen_by(people.officer, found.request, "decline", words="Nog niet.") == 302
    assert people.desk.get(f"/rights/requests/{found.request_id}/end-nl.pdf").status_code == 404
    assert AS_IT_IS in page(people.desk, found.request)


def test_the_letters_are_the_rights_desks_alone(
    archive: Archive,
    people: People,  # noqa: F811
    make: Make,
    sign_in: SignIn,
) -> None:
    found = restricted(people.desk, archive.record(days_ago=2).id)
    lift(people.desk, found)
    for role in set(Role) - {Role.RIGHTS_DESK}:
        client = sign_in(make(role, rooms=["room-1"]))
        for each in ("end-nl.pdf", "misentered/"):
            assert client.get(f"/rights/requests/{found.request_id}/{each}").status_code == 403
    assert Client().get(f"/rights/requests/{found.request_id}/end-nl.pdf").status_code == 302


def test_the_end_of_a_restriction_has_no_deadline_of_the_request(archive: Archive, people: People) -> None:  # noqa: F811
    found = restricted(people.desk, archive.record(days_ago=2).id)
    lift(people.desk, found)
    for address in ("/second-look/", f"/second-look/{found.request_id}/"):
        told = people.officer.get(address, headers=ENGLISH).content.decode()
        assert "no day is set for it" in told
        assert "days left" not in told
    Request.objects.update(proposed_ms=now_ms() - 90 * DAY_MS)
    told = people.officer.get("/second-look/", headers=ENGLISH).content.decode()
    assert "Look at these first" not in told and "too late" not in told


def test_which_recording_a_restriction_is_of_is_told_in_words(archive: Archive, people: People) -> None:  # noqa: F811
    recording = linked(archive, 2)
    found = restricted(people.desk, recording)
    for address in (f"/rights/restrictions/{found.pk}/", f"/rights/restrictions/{found.pk}/again/"):
        told = people.desk.get(address, headers=ENGLISH).content.decode()
        assert "room-1" in told and "Z-1" in told
        assert re.search(rf"Its number: <span class=\"id\">{recording}", told)


def test_the_letter_of_an_erasure_says_until_when_it_can_be_taken_back(archive: Archive, people: People) -> None:  # noqa: F811
    asked, held = ask(linked(archive, 3), Kind.ERASURE), ask(linked(archive, 20), Kind.ERASURE)
    until = (localdate() + timedelta(days=90)).isoformat()
    hold = {"kind": "objection", "case": "Z-1", "reason": "Hoorzitting", "until": until}
    assert people.desk.post(f"/recordings/{held.recording}/hold/", hold).status_code == 302
    for each in (asked, held):
        people.desk.post(f"/rights/requests/{each.pk}/decide/", GRANT)
        assert seen_by(people.officer, each) == 302
    with translation.override("nl"):
        when = minute(fate(asked).due_ms)
    told = " ".join(letter(people.desk, asked, "letter-nl").split())
    assert f"De opname wordt gewist na {when}. Tot dan kunt u dit terugnemen." in told
    assert "Kom naar onze balie of bel ons, met uw code." in told
    told = " ".join(letter(people.desk, held, "letter-en").split())
    assert "Somebody still needs it. So we erase it later." in told


def test_what_keeps_a_recording_is_named_with_its_end(
    archive: Archive,
    people: People,  # noqa: F811
    make: Make,
    sign_in: SignIn,
) -> None:
    recording = archive.record(days_ago=2).id
    address = f"/recordings/{recording}/"

    def told(client: Client = people.desk) -> str:
        return client.get(address, headers=ENGLISH).content.decode()

    assert "Nothing keeps it beyond its date." in told()
    asked = ask(recording)
    assert "The client asked something, and it is not dealt with yet: it stays until that is done" in told()
    granted(people.desk, asked)
    assert "The client may get a copy, which nobody has fetched yet: it stays until" in told()
    copy = fetched(people.desk, asked)
    assert copy is not None
    copy.opened_ms = now_ms()
    copy.save()
    page = told()
    with translation.override("en"):
        end = minute(copy.opened_ms + DAY_MS)
    assert "Held." in page and 'href="#holds"' in page
    assert f"A copy for the client was fetched a short time ago: it stays until {end}" in page
    assert "Nothing keeps it" not in page
    # What the client asked, and what became of it, is the rights desk's matter.
    page = told(sign_in(make(Role.LISTENER)))
    assert f"The rights desk keeps it for now: it stays until {end}" in page and "A copy for" not in page


def test_what_keeps_it_is_what_counts_for_its_deletion(archive: Archive, people: People) -> None:  # noqa: F811
    """One is never told without the other."""
    recording = linked(archive, 20)

    def agree(*until_days: float | None) -> None:
        now, found = now_ms(), keeping(recording)
        told = standing([recording]).get(recording)
        assert [each.until_ms and round((each.until_ms - now) / DAY_MS) for each in found] == list(until_days)
        assert bool(found) == (told is not None and (told.kept or told.undone_ms is not None))

    agree()
    refused = ask(recording)
    agree(None)
    people.desk.post(f"/rights/requests/{refused.pk}/decide/", REFUSE)
    agree(1)
    Request.objects.update(decided_ms=now_ms() - 2 * DAY_MS)
    agree()
    found = restricted(people.desk, recording)
    agree(1, 300)
    Request.objects.update(decided_ms=now_ms() - 2 * DAY_MS)
    lift(people.desk, found)
    agree(300)
    assert seen_by(people.colleague, found.request) == 302
    agree(1)
    Restriction.objects.update(lifted_ms=now_ms() - 2 * DAY_MS)
    agree()
    erased = ask(recording, Kind.ERASURE)
    agree(None)
    people.desk.post(f"/rights/requests/{erased.pk}/decide/", GRANT)
    assert seen_by(people.officer, erased) == 302
    agree()
    people.desk.post(f"/rights/requests/{erased.pk}/withdraw/", {"words": "Bedacht zich."})
    agree(None)


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("/rights/recordings/{0}/", {"kind": "access", "channel": "letter", "day": str(localdate()), "words": BSN}),
        ("/rights/requests/{1}/decide/", GRANT | {"words": BSN}),
        ("/rights/requests/{2}/decide/", GRANT | {"statement": BSN}),
        ("/rights/requests/{1}/extend/", {"words": BSN}),
        ("/rights/requests/{1}/withdraw/", {"words": BSN}),
        ("/rights/requests/{1}/masks/", {"start": "0:00:01", "stop": "0:00:02", "whom": BSN, "reason": BSN}),
        ("/rights/restrictions/{3}/", {"words": BSN}),
        ("/rights/restrictions/{3}/again/", LOOK_AGAIN | {"words": BSN}),
        ("/recordings/{0}/statement/", {"text": BSN}),
        ("/disclosures/of/{0}/", {"to": "De rechter", "ground": "duty", "words": BSN}),
    ],
)
def test_no_citizen_number_is_taken_in_the_desks_words(
    address: str,
    fields: dict[str, str],
    archive: Archive,
    people: People,  # noqa: F811
) -> None:
    recording = archive.record(days_ago=2).id
    other = restricted(people.desk, archive.record(days_ago=2).id)
    asked, correction = ask(recording), ask(recording, Kind.RECTIFICATION)
    at = address.format(recording, asked.pk, correction.pk, other.pk)
    answer = people.desk.post(at, fields, headers=ENGLISH)
    assert answer.status_code == 200
    assert "There seems to be a citizen service number (BSN) in this." in answer.content.decode()
    assert not Statement.objects.exists() and not Disclosure.objects.exists()
    told = {name: value.replace(BSN, "Zie 2026-12345 en 06-12345678.") for name, value in fields.items()}
    assert people.desk.post(at, told, headers=ENGLISH).status_code == 302

"""A day that cannot be is not entered, and what was entered wrongly is put right: by two, and without an untrue word."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import translation
from django.utils.timezone import localdate

from recorder.archive.web.meetings.seen import see
from recorder.archive.web.rights.kinds import Channel, Kind, State
from recorder.archive.web.rights.models import Request
from recorder.archive.web.rights.opening import open_request, unconditional
from recorder.archive.web.times import day, moment, noon_ms
from recorder.archive.web.trail.models import Line
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make
from tests.web.test_client import code_of, look
from tests.web.test_erasures import (  # noqa: F401 (a fixture)
    ENGLISH,
    People,
    entered,
    fate,
    linked,
    never_goes,
    people,
    proposed,
    seen_by,
)
from tests.web.test_rights import GRANT, REFUSE, ask, lines


def tried(desk: Client, recording: str, typed: str, kind: Kind = Kind.ERASURE) -> str:
    fields = {"kind": kind.value, "channel": "letter", "day": typed, "words": "Weg"}
    return desk.post(f"/rights/recordings/{recording}/", fields, headers=ENGLISH).content.decode()


@pytest.mark.parametrize("kind", list(Kind))
def test_no_request_came_before_the_recording(kind: Kind, archive: Archive, people: People) -> None:  # noqa: F811
    recording = archive.record(days_ago=3).id
    (seen,) = see([recording])
    with translation.override("en"):
        made = day(seen.row.made_ms or 0)
    on = moment(seen.row.made_ms or 0).date()
    for typed in ("2020-01-01", (on - timedelta(days=1)).isoformat()):
        page = tried(people.desk, recording, typed, kind)
        assert f"The recording was not made before {made}." in page
    assert not Request.objects.exists()
    assert not see([recording])[0].fate.locked
    assert tried(people.desk, recording, on.isoformat(), kind) == ""
    assert Request.objects.get().kind == kind.value


def test_the_recordings_own_day_is_one_of_the_clients_days(archive: Archive, people: People) -> None:  # noqa: F811
    asked = entered(people.desk, linked(archive, 3), days_ago=3)
    assert proposed(asked) == "granted"


def test_where_the_rooms_clock_was_not_set_what_came_while_it_was_off_the_network_counts(
    archive: Archive,
    people: People,  # noqa: F811
) -> None:
    """Else a client had no days of their own because of a clock."""
    recording = linked(archive, 3)
    with closing(sqlite3.connect(archive.folder / "catalogue.sqlite", isolation_level=None)) as catalogue:
        catalogue.execute("UPDATE recordings SET made_synced = 0 WHERE id = ?", [recording])
    assert "The recording was not made before" in tried(people.desk, recording, "2020-01-01")
    assert proposed(entered(people.desk, recording, days_ago=10)) == "granted"


def test_what_was_entered_so_before_is_no_right_that_nobody_has_a_say_in(
    archive: Archive,
    people: People,  # noqa: F811
    make: Make,
) -> None:
    recording = linked(archive, 20)
    asked = entered(people.desk, recording, days_ago=3)
    assert proposed(asked) is None
    Request.objects.update(came_ms=noon_ms(localdate() - timedelta(days=2_500)))
    asked.refresh_from_db()
    (seen,) = see([recording])
    assert not unconditional(asked, seen)
    people.desk.post(f"/rights/requests/{asked.pk}/decide/", REFUSE)
    assert proposed(asked) == "refused"
    page = people.officer.get(f"/second-look/{asked.pk}/", headers=ENGLISH).content.decode()
    assert "no: a hold keeps it" in page


def test_what_was_entered_wrongly_is_closed_by_two_and_entered_anew(archive: Archive, people: People) -> None:  # noqa: F811
    recording = archive.record(days_ago=30)
    wrong = entered(people.desk, recording.id, days_ago=28)
    assert proposed(wrong) == "granted"
    told = people.officer.get(f"/second-look/{wrong.pk}/", headers=ENGLISH).content.decode()
    assert "Is the day wrong? Then say no." in told
    assert seen_by(people.officer, wrong, "decline", words="De brief is van deze week.") == 302
    address = f"/rights/requests/{wrong.pk}/misentered/"
    assert address in people.desk.get(f"/rights/requests/{wrong.pk}/").content.decode()
    assert "We entered it wrongly" in people.desk.get(address, headers=ENGLISH).content.decode()
    assert people.desk.post(address, {"words": ""}).status_code == 200
    people.desk.post(address, {"words": "De dag klopt niet."})
    assert proposed(wrong) == "misentered"
    assert fate(wrong).locked and never_goes(wrong), "until two have looked"
    assert people.desk.get(address).status_code == 302, "it waits already"
    assert seen_by(people.desk, wrong) == 403
    page = people.officer.get(f"/second-look/{wrong.pk}/", headers=ENGLISH).content.decode()
    assert "We entered it wrongly" in page and "De dag klopt niet." in page
    assert seen_by(people.officer, wrong) == 302
    assert Request.objects.get().state == State.MISENTERED
    assert not fate(wrong).locked
    assert "We had entered it wrongly." in look(Client(headers={"accept-language": "en"}), code_of(recording))
    page = people.desk.get(f"/rights/requests/{wrong.pk}/", headers=ENGLISH).content.decode()
    assert "entered wrongly" in page and "letter-nl.pdf" not in page
    assert "entered wrongly" in people.desk.get("/rights/", headers=ENGLISH).content.decode()
    assert lines("done").count("confirm_request") == 2
    assert b"klopt niet" not in b"".join(bytes(each.text) for each in Line.objects.all())
    people.desk.post(
        f"/rights/recordings/{recording.id}/",
        {"kind": "erasure", "channel": "letter", "day": localdate().isoformat(), "words": "Weg"},
    )
    right = Request.objects.exclude(pk=wrong.pk).get()
    assert (right.state, right.proposed) == ("open", None), "it came after the client's days, and is decided"
    assert fate(right).locked


def test_it_is_stopped_in_the_day_after_two_have_overlooked_it_and_not_again_and_again(
    archive: Archive,
    people: People,  # noqa: F811
) -> None:
    recording = archive.record(days_ago=20)
    asked = entered(people.desk, recording.id, days_ago=19)
    assert seen_by(people.officer, asked) == 302
    wrong, back = (f"/rights/requests/{asked.pk}/{each}/" for each in ("misentered", "withdraw"))
    people.colleague.post(wrong, {"words": "De brief is van deze week."})
    assert proposed(asked) == "misentered"
    assert never_goes(asked)
    client = look(Client(headers={"accept-language": "en"}), code_of(recording))
    assert "Then we saw that we may have entered it wrongly." in client
    assert seen_by(people.officer, asked, "decline", words="De dag klopt.") == 302
    for each in (wrong, back):  # one alone would keep for ever what two have said is to be erased
        people.colleague.post(each, {"words": "Toch."})
        assert proposed(asked) is None
    assert fate(asked).is_due(now_ms() + DAY_MS)


def test_what_the_client_asked_themself_nobody_entered(archive: Archive, people: People) -> None:  # noqa: F811
    asked = ask(linked(archive, 3), Kind.ERASURE)
    address = f"/rights/requests/{asked.pk}/misentered/"
    assert address not in people.desk.get(f"/rights/requests/{asked.pk}/").content.decode()
    people.desk.post(address, {"words": "Verkeerd."})
    assert proposed(asked) is None
    assert fate(asked).locked


def test_of_other_requests_one_closes_it_and_it_keeps_a_day_more(archive: Archive, people: People) -> None:  # noqa: F811
    recording = archive.record(days_ago=130).id
    fields = {"kind": "access", "channel": "letter", "day": localdate().isoformat(), "words": ""}
    people.desk.post(f"/rights/recordings/{recording}/", fields)
    asked = Request.objects.get()
    people.desk.post(f"/rights/requests/{asked.pk}/misentered/", {"words": "Een andere cliënt."})
    asked.refresh_from_db()
    assert asked.state == State.MISENTERED
    assert not fate(asked).is_due(now_ms())
    assert fate(asked).is_due(now_ms() + DAY_MS)
    people.desk.post(f"/rights/requests/{asked.pk}/decide/", GRANT)
    asked.refresh_from_db()
    assert asked.state == State.MISENTERED


def test_a_desk_that_enters_the_day_of_today_is_as_before(archive: Archive, make: Make, people: People) -> None:  # noqa: F811
    recording = archive.record().id
    assert proposed(entered(people.desk, recording)) == "granted"
    assert open_request(recording, Kind.ACCESS, "", person=None).channel == Channel.PAGE

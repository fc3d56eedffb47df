"""What the organisation decides: nothing is heard before it has, and nobody decides alone."""

from collections.abc import Callable

import pytest
from django.test import Client

from recorder.archive.access import NEEDS_POLICY, Action, Purpose, Role
from recorder.archive.web.listening.judging import NotNow, judge
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.meetings.models import Link
from recorder.archive.web.people.models import Person
from recorder.archive.web.policy.live import in_use, live
from recorder.archive.web.policy.models import Version
from recorder.archive.web.trail.models import Line
from tests.web.archive import Archive
from tests.web.conftest import Make

SignIn = Callable[[Person], Client]
NOT_YET = "Nog niet in gebruik"


def test_of_a_new_archive_nobody_is_given_anything(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record()
    caseworker = make(Role.CASEWORKER, rooms=["room-1"])
    client = sign_in(caseworker)
    client.post(f"/meetings/{recording.id}/case/", {"case": "Z-1", "there": "on"})
    permit = Permit.objects.create(
        person=caseworker, recording=recording.id, purpose=Purpose.DECISION, case="Z-1", reason="", until_ms=2**50
    )
    assert judge(permit)[1] is Role.CASEWORKER
    other = archive.record()
    Version.objects.all().delete()
    assert not in_use()
    assert NOT_YET in client.get("/meetings/").content.decode()
    for address in (
        f"/meetings/{other.id}/case/",
        f"/recordings/{recording.id}/hear/",
        f"/listen/{permit.pk}/",
        f"/listen/{permit.pk}/audio/",
    ):
        answer = client.get(address)
        assert answer.status_code == 403, address
        assert NOT_YET in answer.content.decode()
    assert client.post(f"/meetings/{other.id}/case/", {"case": "Z-2", "there": "on"}).status_code == 403
    assert not Link.objects.filter(recording=other.id).exists()
    refused = [each.action for each in Line.objects.order_by("number") if b'"refused"' in bytes(each.text)]
    assert refused == ["link", "hear", "hear", "hear", "link"]
    with pytest.raises(NotNow, match="not_in_use"):  # the reading room believes the pages nothing
        judge(permit)
    assert client.get(f"/recordings/{recording.id}/").status_code == 200
    assert live().terms.unlinked_days == 14  # and retention goes on


def test_what_waits_for_the_policy_is_all_that_gives_a_recording_to_somebody() -> None:
    gives = {Action.LINK, Action.HEAR, Action.COPY, Action.CUT, Action.HEAR_FRAGMENT, Action.DISCLOSE}
    assert gives | {Action.CONFIRM_DISCLOSURE} == NEEDS_POLICY

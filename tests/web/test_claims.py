"""Whose meeting was it? Links of colleagues, disputes, and one's own mistakes (P2)."""

from collections.abc import Callable

import pytest
from django.test import Client

from recorder.archive.access import Role
from recorder.archive.web.clock import now_ms
from recorder.archive.web.forgotten import forgotten
from recorder.archive.web.holds.holding import BeingDeleted
from recorder.archive.web.holds.models import Going
from recorder.archive.web.meetings import claims
from recorder.archive.web.meetings.claims import REGRET_MS, SHOWN_DAYS
from recorder.archive.web.meetings.models import Case, Dispute, Link, Unlinked
from recorder.archive.web.meetings.seen import see
from recorder.archive.web.people.models import Person
from recorder.archive.web.trail.models import Line
from tests.web.archive import DAY_MS, Archive
from tests.web.conftest import Make

SignIn = Callable[[Person], Client]


class Shared:
    """A room of two caseworkers, the first of whom has linked a meeting there."""

    def __init__(self, archive: Archive, make: Make, sign_in: SignIn) -> None:
        self.recording = archive.record("room-1").id
        self.linker, self.other = (make(Role.CASEWORKER, rooms=["room-1"], name=name) for name in ("Kim", "Bo"))
        self.officer = make(Role.PRIVACY_OFFICER)
        self.kim, self.bo, self.fg = map(sign_in, (self.linker, self.other, self.officer))
        self.kim.post(f"/meetings/{self.recording}/case/", {"case": "Z-2026/17", "there": "on"})

    def wrong(self, client: Client) -> int:
        return client.post(f"/meetings/{self.recording}/wrong/").status_code

    def settle(self, found: str) -> None:
        number = Dispute.objects.get(settled_ms=None).pk
        answer = self.fg.post(f"/disputes/{number}/", {"found": found, "reason": "asked both"})
        assert answer.status_code == 302


@pytest.fixture
def shared(archive: Archive, make: Make, sign_in: SignIn) -> Shared:
    return Shared(archive, make, sign_in)


def lines(action: str, result: str = "done") -> int:
    return sum(f'"{result}"'.encode() in bytes(each.text) for each in Line.objects.filter(action=action))


def test_who_names_a_case_leaves_nothing_of_it_where_the_recording_is_being_deleted(
    archive: Archive, make: Make
) -> None:
    recording = archive.record("room-1").id
    (seen,) = see([recording])
    Going.objects.create(recording=recording, cause="unlinked")
    person = make(Role.CASEWORKER, rooms=["room-1"])
    with pytest.raises(BeingDeleted):
        claims.link(seen, "Z-1", person, by=str(person.pk), role=Role.CASEWORKER)
    assert not Link.objects.exists()
    assert not Line.objects.filter(action="link").exists()
    Going.objects.all().delete()
    assert claims.link(seen, "Z-1", person, by=str(person.pk), role=Role.CASEWORKER)
    assert not claims.link(seen, "Z-2", None, by="token-1", role=Role.CASE_SYSTEM)
    assert Line.objects.filter(action="link").count() == 1


def test_colleagues_see_who_linked_what_of_their_room_without_its_case(shared: Shared) -> None:
    page = shared.bo.get("/meetings/").content.decode()
    assert "Kim" in page
    assert f"/meetings/{shared.recording}/wrong/" in page
    assert "Z-2026/17" not in page
    assert f"/recordings/{shared.recording}/" not in page
    assert f"/meetings/{shared.recording}/wrong/" not in shared.kim.get("/meetings/").content.decode()
    Link.objects.update(at_ms=now_ms() - SHOWN_DAYS * DAY_MS - 1)
    assert "Kim" not in shared.bo.get("/meetings/").content.decode()
    assert shared.wrong(shared.bo) == 404


def test_who_has_another_room_sees_nothing_of_it(shared: Shared, make: Make, sign_in: SignIn) -> None:
    stranger = sign_in(make(Role.CASEWORKER, rooms=["room-2"]))
    assert "Kim" not in stranger.get("/meetings/").content.decode()
    assert shared.wrong(stranger) == 404
    assert shared.wrong(shared.kim) == 404  # nor does one dispute one's own
    assert shared.wrong(shared.fg) == 403
    assert not Dispute.objects.exists()


def test_a_disputed_meeting_is_nobodys(shared: Shared) -> None:
    assert shared.kim.get(f"/recordings/{shared.recording}/").status_code == 200
    assert shared.wrong(shared.bo) == 302
    assert lines("dispute") == 1
    for client in (shared.kim, shared.bo):
        for page in ("", "hear/", "statement/", "case/"):
            assert client.get(f"/recordings/{shared.recording}/{page}").status_code == 404
    assert shared.recording not in shared.kim.get("/meetings/").content.decode()
    assert "disputed" in shared.kim.get("/meetings/", headers={"Accept-Language": "en"}).content.decode()
    assert shared.wrong(shared.bo) == 404  # once is enough
    (found,) = see([shared.recording])
    assert found.people.linked  # it is not erased meanwhile


def test_a_listener_still_hears_it(shared: Shared, make: Make, sign_in: SignIn) -> None:
    shared.wrong(shared.bo)
    assert sign_in(make(Role.LISTENER)).get(f"/recordings/{shared.recording}/").status_code == 200


def test_a_link_that_was_found_right_stands_for_good(shared: Shared) -> None:
    shared.wrong(shared.bo)
    shared.settle("right")
    assert shared.kim.get(f"/recordings/{shared.recording}/").status_code == 200
    assert shared.wrong(shared.bo) == 404
    assert lines("settle_dispute") == 1
    assert b"asked both" in bytes(Line.objects.get(action="settle_dispute").details or b"")


def test_a_link_that_was_found_wrong_is_gone_and_the_days_count_anew(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.wrong(shared.bo)
    later_ms = now_ms() + 20 * DAY_MS
    for module in ("claims", "seen", "views"):
        monkeypatch.setattr(f"recorder.archive.web.meetings.{module}.now_ms", lambda: later_ms)
    shared.settle("wrong")
    assert not Link.objects.exists()
    assert f"/meetings/{shared.recording}/case/" in shared.bo.get("/meetings/").content.decode()
    (found,) = see([shared.recording])
    assert found.fate.due_ms == later_ms + 14 * DAY_MS
    shared.bo.post(f"/meetings/{shared.recording}/case/", {"case": "Z-18", "there": "on"})
    assert Link.objects.get().person == shared.other
    assert shared.wrong(shared.kim) == 302  # the other one may be wrong, too


def test_of_what_is_deleted_there_is_nothing_to_be_settled(shared: Shared) -> None:
    shared.wrong(shared.bo)
    number = Dispute.objects.get().pk
    forgotten([shared.recording])
    assert shared.fg.post(f"/disputes/{number}/", {"found": "wrong", "reason": "x"}).status_code == 404
    assert not Dispute.objects.exists()


def test_only_the_privacy_officer_settles(shared: Shared, make: Make, sign_in: SignIn) -> None:
    shared.wrong(shared.bo)
    number = Dispute.objects.get().pk
    assert "Kim" in shared.fg.get("/disputes/").content.decode()
    for role in set(Role) - {Role.PRIVACY_OFFICER, Role.CASE_SYSTEM}:
        client = sign_in(make(role))
        assert client.get("/disputes/").status_code == 403
        assert client.post(f"/disputes/{number}/", {"found": "right", "reason": "x"}).status_code == 403
    assert shared.fg.get(f"/disputes/{number + 1}/").status_code == 404
    assert shared.fg.post(f"/disputes/{number}/", {"found": "right"}).status_code == 200  # without a reason
    assert Dispute.objects.get().settled_ms is None
    shared.settle("right")
    assert shared.fg.post(f"/disputes/{number}/", {"found": "wrong", "reason": "x"}).status_code == 404


def test_a_wrong_case_is_put_right_within_a_day(shared: Shared) -> None:
    address = f"/recordings/{shared.recording}/case/"
    assert shared.kim.post(address, {"case": "Z-99"}).status_code == 302
    assert Link.objects.get().case.number == "Z-99"
    assert b"Z-2026/17" in bytes(Line.objects.filter(action="link").latest("number").details or b"")
    assert shared.bo.post(address, {"case": "Z-1"}).status_code == 404
    Link.objects.update(at_ms=now_ms() - REGRET_MS)
    assert shared.kim.get(address).status_code == 404
    assert shared.kim.post(address, {"case": "Z-100"}).status_code == 404
    assert Link.objects.get().case.number == "Z-99"


def test_a_meeting_that_was_not_ones_own_is_given_back(shared: Shared) -> None:
    address = f"/recordings/{shared.recording}/back/"
    assert shared.bo.post(address).status_code == 404
    assert shared.kim.post(address).status_code == 302
    assert not Link.objects.exists()
    assert Unlinked.objects.get().recording == shared.recording
    assert lines("unlink") == 1
    assert shared.kim.get(f"/recordings/{shared.recording}/").status_code == 404
    assert f"/meetings/{shared.recording}/case/" in shared.bo.get("/meetings/").content.decode()


def test_what_is_disputed_is_not_given_back(shared: Shared) -> None:
    shared.wrong(shared.bo)
    assert shared.kim.post(f"/recordings/{shared.recording}/back/").status_code == 404
    assert Link.objects.exists()


@pytest.mark.parametrize("act", ["link", "relink", "back", "settle"])
def test_who_acts_while_it_is_being_deleted_is_told_and_nothing_is_done(
    act: str, shared: Shared, archive: Archive
) -> None:
    where, client = f"/recordings/{shared.recording}/", shared.kim
    if act == "link":
        shared.recording = archive.record("room-1").id
        answer_at, said = f"/meetings/{shared.recording}/case/", {"case": "Z-2", "there": "on"}
    elif act == "settle":
        shared.wrong(shared.bo)
        answer_at, client = f"/disputes/{Dispute.objects.get().pk}/", shared.fg
        said = {"found": "wrong", "reason": "asked both"}
    else:
        answer_at, said = (f"{where}case/", {"case": "Z-2"}) if act == "relink" else (f"{where}back/", {})
    Going.objects.create(recording=shared.recording, cause="unlinked")
    before = [list(each.objects.values()) for each in (Link, Case, Dispute, Unlinked)], Line.objects.count()
    answer = client.post(answer_at, said, follow=True, headers={"Accept-Language": "en"})
    page = answer.content.decode()
    assert "The recording is being deleted at this moment." in page and "is now of case" not in page
    assert ([list(each.objects.values()) for each in (Link, Case, Dispute, Unlinked)], Line.objects.count()) == before
    Going.objects.all().delete()
    assert client.post(answer_at, said).status_code == 302
    assert Line.objects.count() == before[1] + 1

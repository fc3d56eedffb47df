"""What somebody of the desk ends that keeps a recording keeps it a day more: the night after, and not the one before."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from django.utils.timezone import localdate

from recorder.archive.access import Role
from recorder.archive.deletion import Deleter
from recorder.archive.deletions import Deletions
from recorder.archive.web.holds.nightly import Nightly
from recorder.archive.web.meetings.models import Case, Link
from recorder.archive.web.meetings.seen import see
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.deciding import confirm
from recorder.archive.web.rights.kinds import Kind, State
from recorder.archive.web.rights.models import CopyPermit, Request, Restriction
from recorder.archive.web.rights.standing import HANDED_OVER_DAYS, standing
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make
from tests.web.test_rights import GRANT, LOOK_AGAIN, REFUSE, ask

SignIn = Callable[[Person], Client]
Ends = Callable[[Client, str], None]
ENGLISH = {"Accept-Language": "en"}
HOUR_MS = 3_600_000


def asked(desk: Client, recording: str, kind: Kind, act: str, data: dict[str, str]) -> None:
    request = ask(recording, kind)
    answer = desk.post(f"/rights/requests/{request.pk}/{act}/", data)
    assert answer.status_code == 302


def refused(desk: Client, recording: str) -> None:
    asked(desk, recording, Kind.ACCESS, "decide", REFUSE)


def corrected(desk: Client, recording: str) -> None:
    asked(desk, recording, Kind.RECTIFICATION, "decide", GRANT | {"statement": "Geen auto."})


def withdrawn(desk: Client, recording: str) -> None:
    asked(desk, recording, Kind.OBJECTION, "withdraw", {"words": "Bedacht zich."})


def restricted(desk: Client, recording: str) -> Restriction:
    """For a long time, since long ago."""
    asked(desk, recording, Kind.RESTRICTION, "decide", GRANT | LOOK_AGAIN)
    Request.objects.update(decided_ms=now_ms() - 20 * DAY_MS)
    return Restriction.objects.get()


def lift(desk: Client, found: Restriction) -> None:
    """By this person, and as if a second one had confirmed it."""
    assert desk.post(f"/rights/restrictions/{found.pk}/", {"words": "Klaar."}).status_code == 302
    request = Request.objects.get(pk=found.request_id)
    confirm(Person.objects.get(), Role.RIGHTS_DESK, request, request.proposed_ms or 0)


def lifted(desk: Client, recording: str) -> None:
    lift(desk, restricted(desk, recording))


def brought_forward(desk: Client, recording: str) -> None:
    number, tomorrow = restricted(desk, recording).pk, str(localdate() + timedelta(days=1))
    data = {"words": "Eerder.", "look_again": tomorrow}
    assert desk.post(f"/rights/restrictions/{number}/again/", data).status_code == 302


def brought_forward_and_lifted(desk: Client, recording: str) -> None:
    brought_forward(desk, recording)
    lift(desk, Restriction.objects.get())


def fetched(desk: Client, recording: str) -> None:
    """A copy that was granted long ago, and that who granted it has fetched now."""
    asked(desk, recording, Kind.ACCESS, "decide", GRANT)
    Request.objects.update(decided_ms=now_ms() - 10 * DAY_MS)
    request = Request.objects.get()
    assert request.decided_by is not None
    copy = CopyPermit(request=request, recording=recording, person=request.decided_by, given_to="?", language="nl")
    copy.at_ms, copy.until_ms, copy.opened_ms = now_ms(), now_ms() + HOUR_MS, now_ms()
    copy.save()


ENDS: Iterable[Ends] = (refused, corrected, withdrawn, lifted, brought_forward, brought_forward_and_lifted, fetched)


@pytest.fixture
def desk(make: Make, sign_in: SignIn) -> Client:
    return sign_in(make(Role.RIGHTS_DESK, name="Rens Dekker"))


@pytest.fixture
def night(archive: Archive, tmp_path: Path) -> Callable[[], None]:
    key, deletions = Ed25519PrivateKey.generate(), Deletions(tmp_path / "deletions")
    deleter = Deleter("archive", key, archive.store, archive.catalogue, deletions, now_ms)

    def run() -> None:
        assert not Nightly("archive", key, archive.catalogue, deleter, deletions).run().failed

    return run


def past_its_date(archive: Archive) -> str:
    recording = archive.record(days_ago=200).id
    case = Case.objects.create(number="Z-1")
    Link.objects.create(recording=recording, case=case, person=None, device="room-1", at_ms=now_ms())
    assert see([recording])[0].fate.is_due(now_ms())
    return recording


def later(hours: float) -> None:
    """As if everything had been said so much earlier."""
    by = int(hours * HOUR_MS)
    for each in Request.objects.filter(decided_ms__isnull=False):
        Request.objects.filter(pk=each.pk).update(decided_ms=(each.decided_ms or 0) - by)
    for copy in CopyPermit.objects.filter(opened_ms__isnull=False):
        CopyPermit.objects.filter(pk=copy.pk).update(opened_ms=(copy.opened_ms or 0) - by)
    for found in Restriction.objects.all():
        times = {"look_again_ms": found.look_again_ms, "looked_ms": found.looked_ms, "lifted_ms": found.lifted_ms}
        changed = {name: ms - by for name, ms in times.items() if ms is not None}
        Restriction.objects.filter(pk=found.pk).update(**changed)


@pytest.mark.parametrize("end", ENDS)
def test_one_person_ends_what_keeps_it_and_it_goes_the_night_after_the_next(
    end: Ends, archive: Archive, desk: Client, night: Callable[[], None]
) -> None:
    recording = past_its_date(archive)
    end(desk, recording)

    def there() -> bool:
        return archive.catalogue.standing([recording])[recording].state == "kept"

    night()
    assert there()
    later(23)
    fate = see([recording])[0].fate
    assert fate.kept
    night()
    assert there()
    later(14)  # the day to look again on, which is the furthest, was at noon
    night()
    assert not there()


def test_the_pages_say_so_before_somebody_does_it(archive: Archive, desk: Client) -> None:
    recording = past_its_date(archive)
    request = ask(recording)
    number = restricted(desk, recording).pk
    for act in ("decide", "withdraw"):
        page = desk.get(f"/rights/requests/{request.pk}/{act}/", headers=ENGLISH).content.decode()
        assert "is erased 24 hours from now" in page
    lifting = desk.get(f"/rights/restrictions/{number}/", headers=ENGLISH).content.decode()
    assert "is erased 24 hours after that" in lifting
    again = desk.get(f"/rights/restrictions/{number}/again/", headers=ENGLISH).content.decode()
    assert "kept for 24 hours from now" in again


@pytest.mark.parametrize(
    ("kind", "state", "decided", "fetched", "kept", "undone"),
    [
        ("access", "open", None, None, True, None),
        ("access", "refused", 1, None, False, 23),
        ("access", "refused", 25, None, False, None),
        ("access", "withdrawn", 1, None, False, 23),
        ("access", "granted", 2, None, True, 22),
        ("access", "granted", 30, None, True, None),
        ("access", "granted", 30, 4, False, 20),
        ("access", "granted", 60, 30, False, None),
        ("access", "granted", 24 * HANDED_OVER_DAYS + 1, None, False, None),
        ("rectification", "granted", 5, None, False, 19),
        ("objection", "refused", 5, None, False, 19),
        ("erasure", "refused", 5, None, False, None),  # two people looked
        ("erasure", "withdrawn", 5, None, False, None),
    ],
)
def test_what_stands_of_a_request(
    kind: str,
    state: str,
    decided: float | None,
    fetched: float | None,
    kept: bool,
    undone: float | None,
    archive: Archive,
    make: Make,
) -> None:
    """In hours: how long ago, and how long still."""
    person, now, recording = make(Role.RIGHTS_DESK), now_ms(), "0" * 32
    request = Request.objects.create(
        recording=recording,
        kind=kind,
        channel="letter",
        words="",
        came_ms=now - 40 * DAY_MS,
        due_ms=now,
        state=state,
        decided_ms=None if decided is None else now - int(decided * HOUR_MS),
    )
    for opened in (None, fetched):
        CopyPermit.objects.create(
            request=request,
            recording=recording,
            person=person,
            given_to="?",
            language="nl",
            at_ms=now,
            until_ms=now,
            opened_ms=None if opened is None else now - int(opened * HOUR_MS),
        )
    found = standing([recording])[recording]
    assert found.kept == kept
    assert found.undone_ms == (None if undone is None else now + int(undone * HOUR_MS))


@pytest.mark.parametrize(
    ("again", "looked", "lifted", "kept", "undone"),
    [
        (500, None, None, True, None),
        (-1, None, None, False, None),
        (500, -100, None, True, None),
        (500, None, -1, False, 23),
        (2, None, -1, False, 2),  # it would have ended before anyway
        (-50, None, -1, False, None),  # it kept nothing when it was lifted
        (-1, -3, None, True, None),
        (-1, -25, None, False, None),
        (-1, -3, -1, False, 21),
        (500, -3, -25, False, None),
    ],
)
def test_what_stands_of_a_restriction(
    again: float,
    looked: float | None,
    lifted: float | None,
    kept: bool,
    undone: float | None,
    archive: Archive,
    make: Make,
) -> None:
    """In hours from now."""
    now, recording = now_ms(), "0" * 32

    def at(hours: float | None) -> int | None:
        return None if hours is None else now + int(hours * HOUR_MS)

    request = Request.objects.create(
        recording=recording,
        kind=Kind.RESTRICTION.value,
        channel="letter",
        words="",
        came_ms=now - 40 * DAY_MS,
        due_ms=now,
        state=State.GRANTED.value,
        decided_ms=now - 30 * DAY_MS,
    )
    Restriction.objects.create(
        recording=recording,
        request=request,
        at_ms=now - 30 * DAY_MS,
        look_again_ms=at(again),
        looked_ms=at(looked),
        lifted_ms=at(lifted),
    )
    found = standing([recording])[recording]
    assert (found.kept, found.undone_ms) == (kept, at(undone))

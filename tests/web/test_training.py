"""Fragments for training: who may cut, approve and hear which, with another voice, and how they end (P4, R4, D7)."""

import http
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client, RequestFactory

from recorder.archive.access import Purpose, Role
from recorder.archive.deletion import Deleter
from recorder.archive.deletions import Deletions
from recorder.archive.web.archive import fragments
from recorder.archive.web.holds.nightly import Nightly, Tally
from recorder.archive.web.listening import serving as listening
from recorder.archive.web.listening.asking import Answer, Away
from recorder.archive.web.listening.models import PERMIT_MS, Permit
from recorder.archive.web.listening.room import Room
from recorder.archive.web.meetings.models import Case, Link
from recorder.archive.web.meetings.seen import Seen, see
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.kinds import Kind
from recorder.archive.web.rights.models import Request, Restriction
from recorder.archive.web.rights.opening import open_request
from recorder.archive.web.times import minute
from recorder.archive.web.trail.models import Line
from recorder.archive.web.training import destroying, serving, views
from recorder.archive.web.training.forms import CutForm
from recorder.archive.web.training.models import Fragment, FragmentPermit, State, TrainingConsent
from recorder.errors import StoreError
from tests.archive.heard import power
from tests.archive.test_playable import decoded
from tests.rooms import RECIPIENT, Recording
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make

SignIn = Callable[[Person], Client]
CUT = {
    "start": "0:00:01",
    "stop": "0:00:07",
    "masks": "0:00:03 - 0:00:04\n\n",
    "title": "Saying no",
    "goal": "To say no kindly",
    "sure": "on",
}


class Site:
    """A recording of which the client agreed to training, those who work with it, and the reading room in this process."""

    def __init__(self, archive: Archive, make: Make, sign_in: SignIn, folder: Path) -> None:
        self.archive, self.folder = archive, folder
        self.room = Room(RECIPIENT)
        self.cutter, self.second = make(Role.TRAINER, name="Anouk"), make(Role.TRAINER, name="Bram")
        self.trainee, self.desk = make(Role.TRAINEE, name="Cas"), make(Role.RIGHTS_DESK, name="Daan")
        self.sign_in = sign_in
        self.recording = self.recorded()
        self.consent = self.agreed(self.recording)

    def recorded(self, days_ago: float = 15) -> Recording:
        made = self.archive.record("room-1", blocks=8, days_ago=days_ago)
        case, _new = Case.objects.get_or_create(number="Z-1")
        Link.objects.create(recording=made.id, case=case, person=self.desk, device="room-1", at_ms=now_ms())
        return made

    def agreed(self, recording: Recording) -> TrainingConsent:
        return TrainingConsent.objects.create(
            recording=recording.id, channel="paper", proof="in the cupboard", person=self.desk, at_ms=now_ms()
        )

    def permit(self, person: Person | None = None, recording: Recording | None = None) -> Permit:
        return Permit.objects.create(
            person=person or self.cutter,
            recording=(recording or self.recording).id,
            purpose=Purpose.TRAINING.value,
            case="Z-1",
            reason="because",
            until_ms=now_ms() + PERMIT_MS,
        )

    def cut(self, **changes: str) -> Any:
        """What the page answers to who asks for a fragment."""
        self.permit()
        return self.sign_in(self.cutter).post(
            f"/training/recordings/{self.recording.id}/", CUT | changes, headers={"accept-language": "en"}
        )

    def fragment(self) -> Fragment:
        """One that was cut, and waits."""
        answer = self.cut()
        assert answer.status_code == http.HTTPStatus.FOUND, answer.content.decode()
        return Fragment.objects.get(pk=answer.headers["Location"].split("/")[3])

    def hear(self, person: Person, fragment: Fragment) -> tuple[int, bytes]:
        """By the pages: the state of the first answer that is no success, or of the sound."""
        client = self.sign_in(person)
        asked = client.post(f"/training/fragments/{fragment.pk}/")
        if asked.status_code != http.HTTPStatus.FOUND:
            return asked.status_code, b""
        page = client.get(asked.headers["Location"])
        assert page.status_code == http.HTTPStatus.OK
        answer = client.get(f"{asked.headers['Location']}audio/")
        return answer.status_code, answer.content

    def judge(self, person: Person, fragment: Fragment, outcome: str = "approved", words: str = "") -> int:
        answer = self.sign_in(person).post(
            f"/training/fragments/{fragment.pk}/approve/", {"outcome": outcome, "words": words}
        )
        return answer.status_code

    def approved(self) -> Fragment:
        fragment = self.fragment()
        assert self.hear(self.second, fragment)[0] == http.HTTPStatus.PARTIAL_CONTENT
        assert self.judge(self.second, fragment) == http.HTTPStatus.FOUND
        return fragment

    def directly(self, person: Person, fragment: Fragment) -> str:
        """What the reading room itself says to a permit, whatever the pages would have: why not, or nothing."""
        held = FragmentPermit.objects.create(person=person, fragment=fragment, until_ms=now_ms() + PERMIT_MS)
        answer = serving.opened(RequestFactory().post("/"), permit=held.pk)
        return str(json.loads(answer.content).get("why", ""))  # type: ignore[attr-defined]

    def objects(self) -> list[str]:
        return list(fragments().list(""))

    def night(self) -> Tally:
        key, deletions = Ed25519PrivateKey.generate(), Deletions(self.folder / "deletions")
        deleter = Deleter("archive", key, self.archive.store, self.archive.catalogue, deletions, now_ms)
        return Nightly("archive", key, self.archive.catalogue, deleter, deletions).run()


@pytest.fixture
def site(
    archive: Archive, make: Make, sign_in: SignIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    made = Site(archive, make, sign_in, tmp_path)
    monkeypatch.setattr(listening, "_room", made.room)

    def asked(method: str, address: str, headers: dict[str, str] | None = None) -> Answer:
        """What the reading room answers, without its socket."""
        _, kind, number, what = address.split("/")
        view: Any = {
            "fragments": {"made": serving.made},
            "fragment-permits": {"opened": serving.opened, "audio": serving.audio},
            "permits": {"opened": listening.opened, "audio": listening.audio},
        }[kind][what]
        answer = view(RequestFactory().generic(method, "/", headers=headers or {}), UUID(number))
        return Answer(answer.status_code, dict(answer.items()), b"".join(answer))

    monkeypatch.setattr(views, "ask", asked)
    monkeypatch.setattr("recorder.archive.web.listening.views.ask", asked)
    yield made
    for each in made.room.permits():
        made.room.close(each)


def lines(action: str) -> list[Line]:
    return list(Line.objects.filter(action=action, result="done").order_by("number"))


def test_a_fragment_has_another_voice_its_masks_and_nothing_of_where_it_is_from(site: Site, tmp_path: Path) -> None:
    fragment = site.fragment()
    assert (fragment.state, fragment.masks, fragment.title) == (State.WAITING, [[3_000, 4_000]], "Saying no")
    status, sound = site.hear(site.second, fragment)
    assert status == http.HTTPStatus.PARTIAL_CONTENT
    assert site.recording.id.encode() not in sound
    assert b"room-1" not in sound
    pcm = np.frombuffer(decoded(sound, tmp_path), "<i2")
    assert len(pcm) == 6 * 48_000
    (_permit,) = Permit.objects.all()
    with site.room.alone(_seen(site)) as hearing:
        original = np.frombuffer(decoded(b"".join(hearing.read(0, hearing.size)), tmp_path), "<i2")
    inside, masked = slice(48_000 // 2, 48_000), slice(int(2.3 * 48_000), int(2.7 * 48_000))
    assert np.abs(np.corrcoef(pcm[inside], original[48_000 + 24_000 : 96_000])[0, 1]) < 0.5
    assert power(pcm[masked], 1_000, 48_000) > 100 * power(pcm[masked], 440, 48_000)
    stored = b"".join(fragments().get(name) for name in site.objects())
    assert b"OggS" not in stored
    assert site.recording.id.encode() not in stored
    key = site.archive.folder / "keys" / "reading-room.key"
    assert key.stat().st_mode & 0o777 == 0o600


def _seen(site: Site, recording: Recording | None = None) -> Seen:
    return see([(recording or site.recording).id])[0]


def test_a_fragment_is_no_longer_than_its_recording_has_sound(site: Site) -> None:  # the room's clock counts more
    for stop in ("0:00:09", "0:00:40"):
        answer = site.cut(stop=stop)
        assert answer.status_code == http.HTTPStatus.OK
        assert "The recording has 0:08 of sound. Take an earlier end." in answer.content.decode()
    assert not Fragment.objects.exists()
    page = site.cut(stop="0:00:09").content.decode()
    assert "0:08 of sound" in page
    assert site.cut(stop="0:00:08").status_code == http.HTTPStatus.FOUND


@pytest.mark.parametrize("end_ms", [7_001, 7_960, 8_000])
def test_what_is_cut_up_to_the_end_is_told_as_long_as_it_is(end_ms: int) -> None:
    """Places are typed in seconds, and the sound ends between two."""
    form = CutForm(end_ms, CUT | {"stop": "0:00:08"})
    assert form.is_valid()
    assert form.cleaned_data["stop"] == end_ms
    assert not CutForm(end_ms, CUT | {"stop": "0:00:08.1"}).is_valid()


def test_nothing_of_what_is_heard_stays_in_a_browser(site: Site) -> None:
    fragment, client = site.approved(), site.sign_in(site.cutter)
    page = client.get(f"/training/recordings/{site.recording.id}/", headers={"accept-language": "en"})
    assert 'controlslist="nodownload"' in page.content.decode()
    assert "This page leaves nothing of it on this computer." in page.content.decode()
    held = Permit.objects.get(person=site.cutter)
    heard = client.post(f"/training/fragments/{fragment.pk}/").headers["Location"]
    assert 'controlslist="nodownload"' in client.get(heard).content.decode()
    for address in (f"/listen/{held.pk}/audio/", f"{heard}audio/"):
        answer = client.get(address)
        assert answer.status_code == http.HTTPStatus.PARTIAL_CONTENT
        assert answer.headers["Cache-Control"] == "no-store"


def test_each_act_is_written_down_and_hearing_once_a_permit(site: Site) -> None:
    fragment = site.approved()
    client = site.sign_in(site.trainee)
    place = client.post(f"/training/fragments/{fragment.pk}/").headers["Location"]
    for _ in range(3):
        client.get(place)
        assert client.get(f"{place}audio/").status_code == http.HTTPStatus.PARTIAL_CONTENT
    assert [each.person for each in lines("cut")] == [str(site.cutter.pk)]
    assert [each.person for each in lines("approve_fragment")] == [str(site.second.pk)]
    assert [each.person for each in lines("hear_fragment")] == [str(site.second.pk), str(site.trainee.pk)]
    assert {each.recording for each in lines("hear_fragment")} == {site.recording.id}
    assert all(fragment.title.encode() not in bytes(each.text) for each in Line.objects.all())


def test_no_sound_before_it_is_written_down(site: Site) -> None:
    fragment = site.approved()
    held = FragmentPermit.objects.create(person=site.trainee, fragment=fragment, until_ms=now_ms() + PERMIT_MS)
    answer = site.sign_in(site.trainee).get(f"/training/listen/{held.pk}/audio/")
    assert answer.status_code == http.HTTPStatus.FORBIDDEN


def test_what_the_database_says_of_a_permit_spares_nobody_the_trail(site: Site) -> None:
    """The pages write there too: who has taken them over says what they like of permits."""
    one, other = site.approved(), site.approved()
    before = len(lines("hear_fragment"))
    held = FragmentPermit.objects.create(
        person=site.trainee, fragment=one, until_ms=now_ms() + PERMIT_MS, opened_ms=now_ms()
    )
    for fragment in (one, other):
        FragmentPermit.objects.filter(pk=held.pk).update(fragment=fragment)
        for _ in range(2):
            answer = serving.audio(RequestFactory().get("/"), permit=held.pk)
            assert answer.status_code == http.HTTPStatus.PARTIAL_CONTENT
    told = [json.loads(bytes(each.details or b""))["fragment"] for each in lines("hear_fragment")[before:]]
    assert told == [str(one.pk), str(other.pk)]


def test_nobody_hears_anothers_sound_by_what_the_pages_wrote(site: Site) -> None:
    one, other = site.approved(), site.approved()
    assert site.directly(site.trainee, one) == ""
    Fragment.objects.filter(pk=other.pk).update(sealed=None)
    for change in ({"sealed": other.sealed}, {"sealed": other.sealed, "bound": other.bound}, {"bound": None}):
        Fragment.objects.filter(pk=one.pk).update(**change)
        one.refresh_from_db()
        assert site.directly(site.trainee, one) == "unreadable"


def test_who_cut_it_does_not_approve_it_and_nobody_does_who_has_not_heard_it(site: Site) -> None:
    fragment = site.fragment()
    assert site.hear(site.cutter, fragment)[0] == http.HTTPStatus.PARTIAL_CONTENT
    assert site.judge(site.cutter, fragment) == http.HTTPStatus.FORBIDDEN
    assert site.judge(site.second, fragment) == http.HTTPStatus.FORBIDDEN
    fragment.refresh_from_db()
    assert fragment.state == State.WAITING
    assert len(Line.objects.filter(action="approve_fragment", result="refused")) == 2


def test_a_trainee_hears_what_is_approved_and_nothing_else(site: Site) -> None:
    fragment = site.fragment()
    page = site.sign_in(site.trainee).get("/training/")
    assert fragment.title not in page.content.decode()
    assert site.hear(site.trainee, fragment)[0] == http.HTTPStatus.NOT_FOUND
    assert site.directly(site.trainee, fragment) == "forbidden"
    assert site.hear(site.second, fragment)[0] == http.HTTPStatus.PARTIAL_CONTENT
    site.judge(site.second, fragment)
    assert site.hear(site.trainee, fragment)[0] == http.HTTPStatus.PARTIAL_CONTENT
    assert fragment.title in site.sign_in(site.trainee).get("/training/").content.decode()
    for path in (f"/training/recordings/{site.recording.id}/", f"/training/fragments/{fragment.pk}/approve/"):
        assert site.sign_in(site.trainee).get(path).status_code == http.HTTPStatus.FORBIDDEN
    assert site.sign_in(site.trainee).get(f"/recordings/{site.recording.id}/hear/").status_code == 403


def test_nobody_hears_by_anothers_permit_or_what_is_not_there(site: Site, make: Make) -> None:
    fragment = site.approved()
    held = FragmentPermit.objects.create(person=site.trainee, fragment=fragment, until_ms=now_ms() + PERMIT_MS)
    other = site.sign_in(make(Role.TRAINEE, name="Eva"))
    for path in (
        f"/training/listen/{held.pk}/",
        f"/training/listen/{held.pk}/audio/",
        f"/training/fragments/{uuid4()}/",
    ):
        assert other.get(path).status_code == http.HTTPStatus.NOT_FOUND
    held.until_ms = now_ms()
    held.save()
    answer = serving.opened(RequestFactory().post("/"), permit=held.pk)
    assert json.loads(answer.content)["why"] == "over"  # type: ignore[attr-defined]


def _withdraw(site: Site) -> None:
    answer = site.sign_in(site.desk).post(f"/rights/recordings/{site.recording.id}/training/withdraw/")
    assert answer.status_code == http.HTTPStatus.FOUND


def _restrict(site: Site) -> None:
    asked = open_request(site.recording.id, Kind.RESTRICTION, "", person=site.desk)
    Restriction.objects.create(recording=site.recording.id, request=asked, at_ms=now_ms(), look_again_ms=now_ms() + 1)


def _erase(site: Site) -> None:
    asked = open_request(site.recording.id, Kind.ERASURE, "", person=site.desk)
    assert Request.objects.filter(pk=asked.pk).exists()


def _expire(site: Site) -> None:
    Fragment.objects.update(expires_ms=now_ms())


ENDS = {
    _withdraw: "no_training_consent",
    _restrict: "restricted",
    _erase: "locked",
    _expire: "fragment_gone",
}


@pytest.mark.parametrize("end", ENDS)
def test_what_may_not_be_used_any_more_is_not_heard_any_more_at_once(site: Site, end: Callable[[Site], None]) -> None:
    fragment = site.approved()
    held = FragmentPermit.objects.create(person=site.trainee, fragment=fragment, until_ms=now_ms() + PERMIT_MS)
    client = site.sign_in(site.trainee)
    client.get(f"/training/listen/{held.pk}/")
    assert client.get(f"/training/listen/{held.pk}/audio/").status_code == http.HTTPStatus.PARTIAL_CONTENT
    end(site)
    assert client.get(f"/training/listen/{held.pk}/audio/").status_code == http.HTTPStatus.FORBIDDEN
    assert site.directly(site.trainee, fragment) == ENDS[end]
    assert fragment.title not in client.get("/training/").content.decode()
    assert site.hear(site.trainee, fragment)[0] == http.HTTPStatus.NOT_FOUND


def test_a_recording_is_cut_by_a_choice_of_its_own_and_not_before_the_clients_days_are_over(site: Site) -> None:
    early, unasked = site.recorded(days_ago=13), site.recorded()
    site.agreed(early)
    client = site.sign_in(site.cutter)
    for recording, why in ((early, "too_early"), (unasked, "no_training_consent")):
        held = site.permit(recording=recording)
        answer = listening.opened(RequestFactory().post("/"), permit=held.pk)
        assert json.loads(answer.content)["why"] == why  # type: ignore[attr-defined]
        answer = client.post(f"/training/recordings/{recording.id}/", CUT)
        assert answer.status_code == http.HTTPStatus.OK
    assert not Fragment.objects.exists()
    from_ms = (_seen(site, early).row.came_ms or 0) + 14 * DAY_MS
    english = {"accept-language": "en"}
    page = client.get(f"/training/recordings/{early.id}/", headers=english).content.decode()
    assert f"It can be from {minute(from_ms)} on." in page
    at_desk = site.sign_in(site.desk)
    told = f"Nothing is cut from it before {minute(from_ms)}."
    assert told in at_desk.get(f"/rights/recordings/{early.id}/training/", headers=english).content.decode()
    over = at_desk.get(f"/rights/recordings/{unasked.id}/training/", headers=english).content.decode()
    assert "Nothing is cut from it before" not in over
    asked = Fragment.objects.create(  # as a page that is broken would
        recording=early.id,
        consent=TrainingConsent.objects.get(recording=early.id),
        start_ms=0,
        stop_ms=2_000,
        person=site.cutter,
        at_ms=now_ms(),
        expires_ms=now_ms() + DAY_MS,
    )
    answer = serving.made(RequestFactory().post("/"), fragment=asked.pk)
    assert json.loads(answer.content)["why"] == "too_early"  # type: ignore[attr-defined]
    assert site.objects() == []


def test_the_rights_desk_notes_a_yes_once_and_takes_it_back(site: Site) -> None:
    recording = site.recorded()
    path, client = f"/rights/recordings/{recording.id}/training/", site.sign_in(site.desk)
    given = {"channel": "counter", "proof": "seen by two", "free": "on"}
    assert client.post(path, given | {"free": ""}).status_code == http.HTTPStatus.OK
    assert client.post(path, given).status_code == http.HTTPStatus.FOUND
    client.post(path, given)
    assert TrainingConsent.objects.filter(recording=recording.id).count() == 1
    client.post(f"{path}withdraw/")
    client.post(f"{path}withdraw/")
    client.post(path, given)
    assert TrainingConsent.objects.filter(recording=recording.id, withdrawn_ms=None).count() == 1
    assert len(lines("note_training")) == 3
    for person in (site.cutter, site.trainee):
        assert site.sign_in(person).post(path, given).status_code == http.HTTPStatus.FORBIDDEN


def test_a_new_yes_does_not_bring_back_what_was_cut_by_the_old_one(site: Site) -> None:
    fragment = site.approved()
    _withdraw(site)
    site.agreed(site.recording)
    assert site.directly(site.trainee, fragment) == "no_training_consent"


@pytest.mark.parametrize("end", [_withdraw, _expire])
def test_the_night_destroys_it_keybox_first(
    site: Site, end: Callable[[Site], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fragment = site.approved()
    end(site)
    deleted: list[str] = []
    store = fragments()
    original = store.delete

    def delete(names: list[str]) -> None:
        deleted.extend(names)
        original(names)

    monkeypatch.setattr(store, "delete", delete)
    assert site.night().fragments == 1
    assert deleted[0] == f"{fragment.sealed}/keybox"
    assert site.objects() == []
    assert not Fragment.objects.exists()
    assert [each.recording for each in lines("destroy_fragment")] == [site.recording.id]
    assert site.night().fragments == 0
    assert len(lines("destroy_fragment")) == 1


def test_the_night_leaves_what_may_be_heard(site: Site) -> None:
    fragment = site.approved()
    before = site.objects()
    assert site.night().fragments == 0
    assert site.objects() == before
    assert site.hear(site.trainee, fragment)[0] == http.HTTPStatus.PARTIAL_CONTENT


def test_a_rejected_one_is_not_heard_and_goes(site: Site) -> None:
    fragment = site.fragment()
    site.hear(site.second, fragment)
    assert site.judge(site.second, fragment, "rejected") == http.HTTPStatus.OK, "it wants a reason"
    assert site.judge(site.second, fragment, "rejected", "a street is said") == http.HTTPStatus.FOUND
    assert site.directly(site.second, fragment) == "fragment_gone"
    assert "a street is said" in site.sign_in(site.cutter).get(f"/training/fragments/{fragment.pk}/").content.decode()
    site.night()
    assert site.objects() == []


def test_it_goes_with_its_recording(site: Site) -> None:
    recording = site.recorded(days_ago=140)
    site.recording, site.consent = recording, site.agreed(recording)
    Case.objects.update(decided_ms=now_ms())
    site.approved()
    Case.objects.update(decided_ms=None)
    tally = site.night()
    assert tally.deleted.total() == 1
    assert not Fragment.objects.filter(recording=recording.id).exists()
    assert not TrainingConsent.objects.filter(recording=recording.id).exists()
    assert site.objects() == []


def test_what_a_crash_or_a_backup_left_is_destroyed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = serving.derived.keep

    def dies(*args: Any) -> str:
        real(*args)
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(serving.derived, "keep", dies)
        assert site.cut().status_code == http.HTTPStatus.OK
    assert not Fragment.objects.exists()
    assert site.objects()
    copied = site.folder / "backup"
    shutil.copytree(site.archive.folder / "fragments", copied)
    site.night()
    assert site.objects() == []
    shutil.copytree(copied, site.archive.folder / "fragments", dirs_exist_ok=True)
    site.night()
    assert site.objects() == []


def test_a_store_that_fails_is_told_and_tried_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.approved()
    _withdraw(site)

    def fails(*_args: object) -> None:
        raise StoreError("it is away")

    with monkeypatch.context() as broken:
        broken.setattr(fragments(), "delete", fails)
        assert site.night().fragments_failed
    assert Fragment.objects.exists()
    assert site.night().fragments == 1


def test_one_that_was_withdrawn_while_it_was_made_leaves_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = serving.derived.keep

    def withdrawn(*args: Any) -> str:
        made = real(*args)
        TrainingConsent.objects.update(withdrawn_ms=now_ms())
        return made

    monkeypatch.setattr(serving.derived, "keep", withdrawn)
    assert "did not agree" in site.cut().content.decode()
    assert site.objects() == []
    assert not lines("cut")


def test_without_the_reading_room_nothing_is_left_half_made(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: object) -> Answer:
        raise Away

    monkeypatch.setattr(views, "ask", away)
    assert "does not answer" in site.cut().content.decode()
    assert not Fragment.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"stop": "0:00:01"},
        {"stop": "0:06:02"},
        {"start": "0:01:00", "stop": "0:01:10"},
        {"masks": "0:00:04 - 0:00:03"},
        {"masks": "0:00:03"},
        {"masks": "Jan Jansen"},
        {"masks": "0:00:08 - 0:00:09"},
        {"masks": "0:00:02 - 0:00:03\n" * 101},
        {"title": ""},
        {"goal": ""},
        {"sure": ""},
    ],
)
def test_what_is_no_fragment_is_not_cut(site: Site, changes: dict[str, str]) -> None:
    assert site.cut(**changes).status_code == http.HTTPStatus.OK
    assert not Fragment.objects.exists()


def test_who_cuts_sees_of_a_recording_what_that_takes(site: Site) -> None:
    client = site.sign_in(site.cutter)
    found = client.post("/find/", {"case": "Z-1"}).content.decode()
    assert f"/training/recordings/{site.recording.id}/" in found
    assert f'"/recordings/{site.recording.id}/"' not in found
    page = client.post(
        f"/recordings/{site.recording.id}/hear/", {"purpose": "training", "case": "Z-1", "reason": "because"}
    )
    assert page.headers["Location"] == f"/training/recordings/{site.recording.id}/"
    held = Permit.objects.get()
    assert client.get(f"/listen/{held.pk}/").headers["Location"] == page.headers["Location"]
    assert "<audio" in client.get(page.headers["Location"]).content.decode()
    assert [each.purpose for each in Permit.objects.exclude(opened_ms=None)] == ["training"]
    assert client.get(f"/recordings/{site.recording.id}/").status_code == http.HTTPStatus.FORBIDDEN


def test_what_is_destroyed_is_nobody_elses(site: Site) -> None:
    one, other = site.approved(), site.approved()
    assert one.sealed
    assert other.sealed
    destroying.destroy(fragments(), one.sealed)
    assert {name.partition("/")[0] for name in site.objects()} == {other.sealed}

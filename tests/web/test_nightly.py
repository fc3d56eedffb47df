"""The nightly run: it deletes what is due and nothing else, whatever fails or runs beside it, and what people said goes too."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.apps import apps
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from recorder.archive import audit, audit_file, naming
from recorder.archive.access import Role
from recorder.archive.audit import AuditError, Place
from recorder.archive.certificate import Certificate
from recorder.archive.deletion import Deleter
from recorder.archive.deletions import Deletions
from recorder.archive.due import People, due
from recorder.archive.retention import Cause, Terms
from recorder.archive.web.forgotten import GOES
from recorder.archive.web.holds import holding, nightly
from recorder.archive.web.holds.models import Day, Expected, Going, Hold, How, Kind, Run
from recorder.archive.web.holds.nightly import Nightly, Tally
from recorder.archive.web.known import known
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.meetings.models import Case, Link, Statement
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.models import Disclosure, Request
from recorder.archive.web.trail import chain, writing
from recorder.archive.web.trail.models import Checkpoint, Line
from recorder.errors import StoreError, WebError
from recorder.keyfiles import load_device_public
from tests.rooms import Recording
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make

SignIn = Callable[[Person], Client]
STAYS = {Line, Hold, Going, Request, Disclosure}
"""Models that name a recording and are not deleted with it: what happens to them `forgotten` says."""


@dataclass
class Site:
    archive: Archive
    key: Ed25519PrivateKey
    deletions: Deletions
    person: Person

    @property
    def deleter(self) -> Deleter:
        return Deleter("archive", self.key, self.archive.store, self.archive.catalogue, self.deletions, now_ms)

    def run(self) -> Tally:
        return Nightly("archive", self.key, self.archive.catalogue, self.deleter, self.deletions).run()

    def state(self, recording: Recording) -> str:
        return self.archive.catalogue.standing([recording.id])[recording.id].state

    def certificate(self, recording: Recording) -> Certificate:
        return Certificate.verify(self.archive.store.get(naming.deleted(recording.id)), self.key.public_key())

    def link(self, recording: Recording, case: str) -> None:
        found, _ = Case.objects.get_or_create(number=case)
        Link.objects.create(recording=recording.id, case=found, person=self.person, device="room-1", at_ms=now_ms())

    def hold(self, recording: Recording, case: str, kind: Kind = Kind.OBJECTION) -> Hold:
        until_ms = now_ms() + 100 * DAY_MS
        return holding.place(
            self.person, kind, case=case, reason="hearing", expires_ms=until_ms, recording=recording.id
        )

    def say(self, recording: Recording) -> None:
        """Everything that people say of a recording."""
        Statement.objects.create(
            recording=recording.id, text="I said no", of_client=True, person=self.person, at_ms=now_ms()
        )
        Permit.objects.create(
            person=self.person, recording=recording.id, purpose="decision", case="Z-1", reason="why", until_ms=now_ms()
        )
        details = {"case": "Z-1", "reason": "because of the roof"}
        writing.write(
            person=str(self.person.pk), role="caseworker", action="hear", recording=recording.id, details=details
        )


@pytest.fixture
def site(archive: Archive, make: Make, tmp_path: Path) -> Site:
    return Site(archive, Ed25519PrivateKey.generate(), Deletions(tmp_path / "deletions"), make(Role.CASEWORKER))


def test_it_deletes_what_is_due_and_nothing_else_and_writes_down_each(site: Site) -> None:
    unlinked, unreceipted = site.archive.record(days_ago=15), site.archive.record(days_ago=4, receipt=False)
    linked, young = site.archive.record(days_ago=16), site.archive.record(days_ago=13)
    site.link(linked, "Z-1")
    tally = site.run()
    assert tally.deleted == {Cause.UNLINKED: 1, Cause.NO_RECEIPT: 1}
    assert [site.state(each) for each in (unlinked, unreceipted, linked, young)] == [
        "deleted",
        "deleted",
        "kept",
        "kept",
    ]
    assert site.certificate(unlinked).deletion.cause is Cause.UNLINKED
    lines = Line.objects.filter(action="delete")
    assert {(each.person, each.recording) for each in lines} == {("nightly", unlinked.id), ("nightly", unreceipted.id)}
    assert not Going.objects.exists()
    again = site.run()
    assert not again.deleted
    assert Line.objects.filter(action="delete").count() == 2
    run = Run.objects.latest("pk")
    assert run.ended_ms is not None
    assert sum(Day.objects.values_list("deleted", flat=True)) == 2


def test_what_is_held_stays_and_goes_when_the_hold_ends(site: Site) -> None:
    recording = site.archive.record(days_ago=15)
    hold = site.hold(recording, "Z-1")
    site.run()
    assert site.state(recording) == "kept"
    told = Expected.objects.get()
    assert (told.kept, told.goes_ms) == (True, hold.until_ms)
    holding.end(hold, site.person, How.ENDED, "over")
    site.run()
    assert site.state(recording) == "kept"  # for a day: who ends it is one person alone
    Hold.objects.update(ended_ms=now_ms() - DAY_MS)
    site.run()
    assert site.state(recording) == "deleted"


def test_a_hold_that_is_set_between_the_look_and_the_deletion_counts(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = site.archive.record(days_ago=15)
    decide = Nightly._decide

    def late(self: Nightly, ident: str) -> Cause | None:
        site.hold(recording, "Z-1")
        return decide(self, ident)

    monkeypatch.setattr(Nightly, "_decide", late)
    assert not site.run().deleted
    assert site.state(recording) == "kept"


def test_a_hold_comes_too_late_once_it_is_decided(site: Site, make: Make, sign_in: SignIn) -> None:
    recording = site.archive.record(days_ago=15)
    Going.objects.create(recording=recording.id, cause="unlinked")
    form = {"kind": "objection", "case": "Z-1", "reason": "hearing", "until": "2027-03-01"}
    listener = sign_in(make(Role.LISTENER))
    answer = listener.post(f"/recordings/{recording.id}/hold/", form, headers={"Accept-Language": "en"})
    assert "is being deleted at this moment" in answer.content.decode()
    assert not Hold.objects.exists()
    assert not Line.objects.filter(action="hold").exists()
    assert site.run().deleted == {Cause.UNLINKED: 1}


def test_one_that_fails_does_not_keep_the_others_and_may_be_held_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = site.archive.record(days_ago=15), site.archive.record(days_ago=15)
    delete = Deleter.delete

    def failing(self: Deleter, recording: str, cause: Cause) -> None:
        if recording == bad.id:
            raise StoreError("the disk is away")
        delete(self, recording, cause)

    with monkeypatch.context() as patch:
        patch.setattr(Deleter, "delete", failing)
        tally = site.run()
    assert tally.failed == {bad.id}
    assert [site.state(each) for each in (bad, good)] == ["kept", "deleted"]
    assert b'"result":"failed"' in bytes(Line.objects.get(action="delete", recording=bad.id).text)
    assert Expected.objects.get().recording == bad.id
    assert not Going.objects.exists()
    assert site.run().deleted == {Cause.UNLINKED: 1}


@pytest.mark.parametrize("where", ["tombstone", "deleted"])
def test_what_was_cut_off_is_finished_in_both_databases(
    where: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = site.archive.record(days_ago=130)
    site.link(recording, "Z-1")
    site.say(recording)

    class Crash(BaseException):
        pass

    def crash(*args: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        if where == "tombstone":
            patch.setattr(Deleter, "_carry_out", crash)
        else:
            patch.setattr(nightly, "forgotten", crash)
        with pytest.raises(Crash):
            site.run()
    assert site.state(recording) == "deleted"
    assert Link.objects.exists()
    assert Going.objects.exists()
    tally = site.run()
    assert not tally.waits
    assert tally.deleted == {Cause.TERM: 1}
    assert not Link.objects.exists()
    assert Line.objects.filter(action="delete").count() == 1
    assert site.certificate(recording).deletion.cause is Cause.TERM


def test_another_run_beside_it_does_each_step_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = [site.archive.record(days_ago=15) for _ in range(3)]
    decide, inner = Nightly._decide, []

    def beside(self: Nightly, ident: str) -> Cause | None:
        found = decide(self, ident)
        if not inner:
            inner.append(Tally())
            inner[0] = site.run()
        return found

    monkeypatch.setattr(Nightly, "_decide", beside)
    outer = site.run()
    assert outer.deleted.total() + inner[0].deleted.total() == 3
    assert not outer.waits
    assert not inner[0].waits
    assert Line.objects.filter(action="delete").count() == 3
    assert [site.state(each) for each in recordings] == ["deleted"] * 3


def test_what_people_said_goes_with_it_and_the_trail_stays_whole(site: Site) -> None:
    recording, other = site.archive.record(days_ago=130), site.archive.record(days_ago=15)
    for each, case in ((recording, "Z-1"), (other, "Z-2")):
        site.link(each, case)
        site.say(each)
    site.run()
    for model in GOES:
        assert not model._default_manager.filter(recording=recording.id).exists(), model
    assert Statement.objects.get().recording == other.id
    assert list(Case.objects.values_list("number", flat=True)) == ["Z-2"]
    heard = {each.recording: each for each in Line.objects.filter(action="hear")}
    assert heard[recording.id].details is None
    assert heard[recording.id].salt is None
    assert b"roof" in bytes(heard[other.id].details or b"")
    lines = [
        audit.Line(
            bytes(each.text), bytes(each.hash), each.details and bytes(each.details), each.salt and bytes(each.salt)
        )
        for each in Line.objects.order_by("number")
    ]
    assert len(list(audit.check(lines))) == Line.objects.count()


def test_every_model_that_names_a_recording_goes_or_is_known_to_stay() -> None:
    ours = [each for each in apps.get_models() if each.__module__.startswith("recorder.")]
    named = {each for each in ours if any(field.name == "recording" for field in each._meta.fields)}
    assert named == {*GOES} | STAYS


def test_a_hold_of_a_case_outlives_one_recording_and_goes_when_it_was_over_for_long(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = site.archive.record(days_ago=130)
    site.link(recording, "Z-1")
    hold = site.hold(recording, "Z-1", Kind.OTHER)  # it waits, and keeps nothing
    site.run()
    assert site.state(recording) == "deleted"
    hold.refresh_from_db()
    assert hold.recording is None
    assert Case.objects.get().number == "Z-1"
    later_ms = now_ms() + 14 * DAY_MS
    monkeypatch.setattr(holding, "now_ms", lambda: later_ms)
    assert site.run().lapsed == 1
    hold.refresh_from_db()
    assert hold.how == How.LAPSED
    assert Line.objects.get(action="lapse_hold").person == "nightly"
    monkeypatch.setattr("recorder.archive.web.forgotten.now_ms", lambda: later_ms + 29 * DAY_MS)
    site.run()
    assert Hold.objects.exists()
    monkeypatch.setattr("recorder.archive.web.forgotten.now_ms", lambda: later_ms + 31 * DAY_MS)
    site.run()
    assert not Hold.objects.exists()
    assert not Case.objects.exists()


def test_without_people_nothing_is_deleted(site: Site) -> None:
    recording = site.archive.record(days_ago=200)
    Person.objects.all().delete()
    with pytest.raises(WebError, match="has no account"):
        site.run()
    assert site.state(recording) == "kept"


def test_a_database_of_people_that_is_older_than_the_list_deletes_nothing_new_for_a_night(
    site: Site, unguarded: None
) -> None:
    first, second = site.archive.record(days_ago=200), site.archive.record(days_ago=13)
    site.link(first, "Z-1")
    site.say(first)
    backup = [(each.recording, each.case.number) for each in Link.objects.all()]
    site.run()
    assert site.state(first) == "deleted"
    # What a restore brings back, and takes away.
    Line.objects.filter(action="delete").delete()
    assert backup == [(first.id, "Z-1")]
    site.link(first, "Z-1")
    newly = site.archive.record(days_ago=15)
    tally = site.run()
    assert tally.waits
    assert site.state(newly) == "kept"
    assert not Link.objects.filter(recording=first.id).exists()
    assert Line.objects.filter(action="delete", recording=first.id).count() == 1
    tally = site.run()
    assert not tally.waits
    assert [site.state(each) for each in (newly, second)] == ["deleted", "kept"]


def test_each_night_a_checkpoint_is_put_where_it_is_published(site: Site) -> None:
    folder = site.archive.folder / "published"
    writing.write(person="a", role="listener", action="find")
    assert not site.run().unpublished
    (file,) = folder.glob("*.checkpoint")
    key = load_device_public(folder / "archive.pub")
    told = audit.open_checkpoint(key, audit_file.published(file.read_text()))
    assert file.name == f"{told.number}.checkpoint"
    (made,) = Checkpoint.objects.all()
    assert audit.open_checkpoint(key, bytes(made.body)) == told


def test_a_run_that_cannot_publish_says_so_and_comes_to_its_end(site: Site) -> None:
    (site.archive.folder / "published").write_text("in the way")
    writing.write(person="a", role="listener", action="find")
    due = site.archive.record(days_ago=15)
    assert site.run().unpublished
    assert site.state(due) == "deleted"
    assert Checkpoint.objects.exists()
    assert Run.objects.latest("pk").ended_ms is not None


def test_the_trail_begins_three_years_ago_and_shows_that_nothing_went_before(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_ms = now_ms() - 1_200 * DAY_MS
    for day in range(0, 1_200, 100):
        at_ms = start_ms + day * DAY_MS
        monkeypatch.setattr(writing, "now_ms", lambda at_ms=at_ms: at_ms)
        writing.write(person="a", role="listener", action="find")
        chain.sign(site.key, "archive", at_ms)
        chain.sign(site.key, "archive", at_ms)
        chain.forget(at_ms)
    assert (
        Line.objects.order_by("number").values_list("number", flat=True)[0] == 2
    )  # the line of day 0 alone is old enough
    first = Checkpoint.objects.order_by("number")[0]
    assert first.number == 1

    def check(kept_from_ms: int) -> None:
        known_ = [audit.open_checkpoint(site.key.public_key(), bytes(each.body)) for each in Checkpoint.objects.all()]
        before = next(Place(each.number, bytes.fromhex(each.hash)) for each in known_ if each.number == first.number)
        lines = [audit.Line(bytes(each.text), bytes(each.hash)) for each in Line.objects.order_by("number")]
        places = [before, *(place for place, _ in audit.check(lines, before))]
        audit.agree(places, known_, kept_from_ms=kept_from_ms)

    check(start_ms + 1_100 * DAY_MS - audit.KEPT_DAYS * DAY_MS)
    with pytest.raises(AuditError, match="no checkpoint tells that this is old enough"):
        check(start_ms - 1)


def test_what_is_expected_is_what_then_goes(site: Site) -> None:
    for days_ago in (1, 9, 13, 40, 100, 120):
        each = site.archive.record(days_ago=days_ago)
        if days_ago > 13:
            site.link(each, f"Z-{days_ago}")
    held = site.archive.record(days_ago=12)
    site.hold(held, "Z-HELD")
    site.run()
    now = now_ms()
    for days in (1, 7, 29):
        at_ms = now + days * DAY_MS
        expected = set(Expected.objects.filter(goes_ms__lte=at_ms).values_list("recording", flat=True))
        assert expected == {recording for recording, _ in due(site.archive.catalogue, known, Terms(), at_ms)}, days
    assert sum(Day.objects.values_list("expected", flat=True)) == Expected.objects.exclude(goes_ms=None).count()


def test_what_people_did_is_all_that_a_hold_changes(site: Site) -> None:
    recording = site.archive.record(days_ago=2)
    hold = site.hold(recording, "Z-1")
    assert known([recording.id])[recording.id] == replace(People(), holds_until_ms=(hold.until_ms or 0,))


def test_sessions_and_addresses_that_are_over_go(site: Site) -> None:
    cache.set("of-an-hour-ago", "10.0.0.1", timeout=-3_600)
    cache.set("of-now", "10.0.0.2", timeout=3_600)
    over, running = (SessionStore() for _ in range(2))
    over.set_expiry(timezone.now() - timedelta(hours=1))
    running.set_expiry(timezone.now() + timedelta(hours=1))
    for each in (over, running):
        each.save()
    site.run()
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM limits")
        assert [key.rpartition(":")[2] for (key,) in cursor.fetchall()] == ["of-now"]
    assert list(Session.objects.values_list("session_key", flat=True)) == [running.session_key]

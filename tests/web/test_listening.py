"""The reading room, in this process: who hears what by a permit, what is unsealed for it, and when it is closed."""

import http
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from django.http import HttpResponseBase
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive.access import Purpose, Role
from recorder.archive.hearing import Hearing
from recorder.archive.rewrap import Rotation, rewrap
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening import serving
from recorder.archive.web.listening.models import PERMIT_MS, Permit
from recorder.archive.web.listening.ranges import wanted
from recorder.archive.web.listening.room import Room
from recorder.archive.web.meetings.models import Case, Link
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.kinds import Kind
from recorder.archive.web.rights.opening import open_request
from recorder.archive.web.trail.models import Line
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.open import Opener
from tests.rooms import RECIPIENT
from tests.web.archive import Archive
from tests.web.conftest import Make


class Reading:
    """The reading room, and somebody whose meeting may be heard there."""

    def __init__(self, archive: Archive, make: Make) -> None:
        self.room = Room(RECIPIENT)
        self.archive = archive
        self.person = make(Role.CASEWORKER, rooms=["room-1"])
        self.recording = archive.record("room-1", blocks=40).id
        case = Case.objects.create(number="Z-1")
        at = now_ms()
        self.link = Link.objects.create(
            recording=self.recording, case=case, person=self.person, device="room-1", at_ms=at
        )

    def permit(self, person: Person | None = None, purpose: Purpose = Purpose.DECISION, until_ms: int = 0) -> Permit:
        return Permit.objects.create(
            person=person or self.person,
            recording=self.recording,
            purpose=purpose.value,
            case="Z-1",
            reason="because",
            until_ms=until_ms or now_ms() + PERMIT_MS,
        )

    def opened(self, permit: Permit) -> HttpResponseBase:
        return serving.opened(RequestFactory().post("/"), permit=permit.pk)

    def audio(self, permit: Permit, asked: str = "bytes=0-99") -> HttpResponseBase:
        return serving.audio(RequestFactory().get("/", headers={"Range": asked} if asked else {}), permit=permit.pk)

    def waveform(self, permit: Permit, language: str = "nl") -> HttpResponseBase:
        return serving.waveform(RequestFactory().get("/", headers={"Accept-Language": language}), permit=permit.pk)

    def hearing(self, permit: Permit) -> Hearing:
        """What is open by it."""
        return self.room._open[permit.pk].hearing


@pytest.fixture
def reading(archive: Archive, make: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reading]:
    made = Reading(archive, make)
    monkeypatch.setattr(serving, "_room", made.room)
    yield made
    for each in made.room.permits():
        made.room.close(each)


def body(answer: HttpResponseBase) -> bytes:
    return b"".join(answer)  # type: ignore[arg-type]


def why(answer: HttpResponseBase) -> str:
    """Why it is refused."""
    assert answer.status_code == http.HTTPStatus.FORBIDDEN
    return str(json.loads(body(answer))["why"])


def is_wiped(hearing: Hearing) -> bool:
    opener = hearing._opener
    return not any(byte for each in (*opener._marks, opener._ratchet) for byte in each._chain)


def test_it_is_written_down_before_the_first_sound_and_once(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    permit = reading.permit()
    assert why(reading.audio(permit)) == "unopened"
    assert why(reading.waveform(permit)) == "unopened"
    assert not reading.room.permits()

    def fails(**_told: object) -> None:
        raise sqlite3.OperationalError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(serving.writing, "write", fails)
        with pytest.raises(sqlite3.OperationalError):
            reading.opened(permit)
    assert why(reading.audio(permit)) == "unopened"
    for _ in range(3):
        answer = reading.opened(permit)
        assert answer.status_code == http.HTTPStatus.OK
    line = Line.objects.get(action="hear")
    assert (line.person, line.recording) == (str(reading.person.pk), reading.recording)
    assert b"because" in bytes(line.details or b"")
    assert b"because" not in bytes(line.text)
    assert reading.audio(permit).status_code == http.HTTPStatus.PARTIAL_CONTENT
    assert Line.objects.filter(action="hear").count() == 1


def test_what_the_database_says_of_a_permit_spares_nobody_the_trail(reading: Reading) -> None:
    """The pages write there too: who has taken them over says what they like of permits."""
    forged = reading.permit()
    Permit.objects.filter(pk=forged.pk).update(opened_ms=now_ms())
    assert reading.audio(forged).status_code == http.HTTPStatus.PARTIAL_CONTENT
    assert [each.recording for each in Line.objects.filter(action="hear")] == [reading.recording]
    other = reading.archive.record("room-1").id
    Link.objects.create(recording=other, case=reading.link.case, person=reading.person, device="room-1", at_ms=now_ms())
    reading.room.close(forged.pk)
    Permit.objects.filter(pk=forged.pk).update(recording=other)
    assert reading.waveform(forged).status_code == http.HTTPStatus.OK
    assert [each.recording for each in Line.objects.filter(action="hear")] == [reading.recording, other]


def _deactivate(reading: Reading, _monkeypatch: pytest.MonkeyPatch) -> None:
    Person.objects.filter(pk=reading.person.pk).update(is_active=False)


def _lose_role(reading: Reading, _monkeypatch: pytest.MonkeyPatch) -> None:
    reading.person.give([], [])


def _expire(reading: Reading, _monkeypatch: pytest.MonkeyPatch) -> None:
    Permit.objects.update(until_ms=now_ms())


def _unlink(reading: Reading, _monkeypatch: pytest.MonkeyPatch) -> None:
    reading.link.delete()


def _dispute(reading: Reading, _monkeypatch: pytest.MonkeyPatch) -> None:
    Link.objects.update(disputed=True)


def _delete(reading: Reading, _monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(reading.archive.folder / "catalogue.sqlite", isolation_level=None)) as catalogue:
        catalogue.execute("UPDATE recordings SET state = 'deleted' WHERE id = ?", [reading.recording])


def _lock(reading: Reading, _monkeypatch: pytest.MonkeyPatch) -> None:
    open_request(reading.recording, Kind.ERASURE, "", person=None)


def _withdraw(reading: Reading, _monkeypatch: pytest.MonkeyPatch) -> None:
    Permit.objects.all().delete()


HAPPENS: dict[str, Callable[[Reading, pytest.MonkeyPatch], None]] = {
    "unknown": _withdraw,
    "over": _expire,
    "over, for an account that was closed": _deactivate,
    "gone": _delete,
    "locked": _lock,
    "forbidden": _lose_role,
    "forbidden, for the link was taken away": _unlink,
    "disputed": _dispute,
}


@pytest.mark.parametrize("expected", HAPPENS)
def test_the_next_range_is_refused_and_the_keys_are_gone(
    expected: str, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    permit = reading.permit()
    reading.opened(permit)
    assert reading.audio(permit).status_code == http.HTTPStatus.PARTIAL_CONTENT
    hearing = reading.hearing(permit)
    assert not is_wiped(hearing)
    HAPPENS[expected](reading, monkeypatch)
    assert why(reading.audio(permit)) == expected.partition(",")[0]
    assert is_wiped(hearing)
    assert not reading.room.permits()
    assert why(reading.opened(permit)) == expected.partition(",")[0]
    assert why(reading.waveform(permit)) == expected.partition(",")[0]


@pytest.mark.parametrize("expected", HAPPENS)
def test_who_has_stopped_asking_is_closed_too(expected: str, reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    permit, other = reading.permit(), reading.permit()
    reading.opened(permit)
    reading.opened(other)
    hearings = [reading.hearing(each) for each in (permit, other)]
    serving.tidy(reading.room)
    assert set(reading.room.permits()) == {permit.pk, other.pk}
    HAPPENS[expected](reading, monkeypatch)
    serving.tidy(reading.room)
    assert not reading.room.permits()
    assert all(map(is_wiped, hearings))


def test_what_nobody_can_judge_is_closed(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    permit = reading.permit()
    reading.opened(permit)

    def fails(_permit: Permit) -> None:
        raise serving.CatalogueError("the database does not answer")

    monkeypatch.setattr(serving, "judge", fails)
    serving.tidy(reading.room)
    assert not reading.room.permits()


def test_recordings_are_not_played_for_training_of_which_the_client_did_not_agree_to_that(
    reading: Reading, make: Make
) -> None:
    permit = reading.permit(make(Role.TRAINER), Purpose.TRAINING)
    assert why(reading.opened(permit)) == "no_training_consent"
    assert why(reading.audio(permit)) == "no_training_consent"


def test_a_permit_is_worth_no_more_than_its_person(reading: Reading, make: Make) -> None:
    colleague = make(Role.CASEWORKER, rooms=["room-1"], name="colleague")
    assert why(reading.opened(reading.permit(colleague))) == "forbidden"
    assert why(reading.opened(reading.permit(purpose=Purpose.OBJECTION))) == "forbidden"
    assert reading.opened(reading.permit(make(Role.LISTENER), Purpose.OBJECTION)).status_code == http.HTTPStatus.OK


def test_no_more_is_unsealed_than_was_asked_for(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    unseal = Opener.open
    monkeypatch.setattr(Opener, "open", lambda self, index, body: opened.append(index) or unseal(self, index, body))
    permit = reading.permit()
    size = json.loads(body(reading.opened(permit)))["size"]
    assert opened == []
    middle = size // 2
    answer = reading.audio(permit, f"bytes={middle}-{middle + 999}")
    assert len(body(answer)) == 1_000
    assert answer.headers["Content-Range"] == f"bytes {middle}-{middle + 999}/{size}"
    assert 1 <= len(set(opened)) <= 2
    assert set(opened) <= set(range(15, 25))


def test_what_is_sealed_for_another_key_is_told_from_what_is_broken(reading: Reading) -> None:
    """After a rewrap the reading room has the old key until IT gives it the new one."""
    archive, new = reading.archive, RecipientPrivateKey.generate("x25519")
    assert rewrap(archive.store, archive.catalogue, reading.recording, Rotation(RECIPIENT, new))
    answer = reading.opened(reading.permit())
    assert answer.status_code == 409
    assert json.loads(answer.content)["why"] == "other_key"
    assert not Line.objects.exists()


def test_an_answer_has_an_end(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "ANSWER_BYTES_MAX", 5_000)
    permit = reading.permit()
    size = json.loads(body(reading.opened(permit)))["size"]
    assert size > 10_000
    for asked in ("", "bytes=0-", "bytes=-9999999999", f"bytes=0-{size}", "bytes=0-1,5-6", "lines=1-2"):
        answer = reading.audio(permit, asked)
        assert answer.headers["Content-Range"] == f"bytes 0-4999/{size}"
        assert len(body(answer)) == 5_000
    whole, at = b"", 0
    while at < size:
        whole += body(reading.audio(permit, f"bytes={at}-"))
        at = len(whole)
    assert whole[:4] == b"OggS"
    assert len(whole) == size
    over = reading.audio(permit, f"bytes={size}-")
    assert (over.status_code, over.headers["Content-Range"]) == (416, f"bytes */{size}")


def test_the_drawing_is_its_own_and_leaves_nothing_open(reading: Reading) -> None:
    permit = reading.permit()
    reading.opened(permit)
    answer = reading.waveform(permit)
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert body(answer).startswith(b"<svg ")
    assert b"Opname van" in body(answer)
    assert b"Recording of" in body(reading.waveform(permit, "en"))
    assert reading.room.permits() == [permit.pk]


@pytest.mark.parametrize("language", ["", "de", "nl,en", "NL", 'en"><script>', "../nl"])
def test_it_is_drawn_in_no_language_but_its_own(language: str, reading: Reading) -> None:
    permit = reading.permit()
    reading.opened(permit)
    answer = reading.waveform(permit, language)
    assert (answer.status_code, body(answer)) == (http.HTTPStatus.NOT_ACCEPTABLE, b"")


def test_of_many_that_are_open_the_oldest_is_closed(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recorder.archive.web.listening.room.OPEN_MAX", 2)
    permits = [reading.permit() for _ in range(3)]
    reading.opened(permits[0])
    first = reading.hearing(permits[0])
    for each in permits[1:]:
        reading.opened(each)
    assert set(reading.room.permits()) == {each.pk for each in permits[1:]}
    assert is_wiped(first)
    assert (
        reading.audio(permits[0]).status_code == http.HTTPStatus.PARTIAL_CONTENT
    )  # opened again, and still once in the trail
    assert Line.objects.filter(action="hear").count() == 3


def spec(first: int | None, last: int | None) -> str:
    return f"{'' if first is None else first}-{'' if last is None else last}"


NUMBERS = st.one_of(st.none(), st.integers(0, 300), st.integers(0, 10**40))


@given(NUMBERS, NUMBERS, st.integers(1, 200), st.integers(1, 250), st.sampled_from(["bytes", "Bytes", "BYTES"]))
def test_a_range_is_what_the_rfc_says(first: int | None, last: int | None, size: int, most: int, unit: str) -> None:
    found = wanted(f"{unit}={spec(first, last)}", size, most)
    if (first is None and last is None) or (first is not None and last is not None and last < first):
        assert found == (0, min(size, most))  # malformed: as if there were no header
        return
    if first is None:
        asked = [at for at in range(size) if at >= size - last]  # type: ignore[operator]
    else:
        asked = [at for at in range(size) if first <= at and (last is None or at <= last)]
    assert (None if found is None else list(range(*found))) == (asked[:most] or None)


@given(st.text(max_size=40), st.integers(1, 200))
def test_whatever_is_asked_something_of_the_file_is_answered_or_nothing(header: str, size: int) -> None:
    found = wanted(header, size, 50)
    assert found is None or (0 <= found[0] < found[1] <= size and found[1] - found[0] <= 50)


def test_numbers_of_thousands_of_digits_are_numbers() -> None:
    assert wanted(f"bytes=0-{'9' * 6_000}", 100, 50) == (0, 50)
    assert wanted(f"bytes={'9' * 6_000}-", 100, 50) is None
    assert wanted(f"bytes=-{'9' * 6_000}", 100, 500) == (0, 100)
    assert wanted("bytes=-0", 100, 50) is None
    assert wanted("bytes=00005-0007", 100, 50) == (5, 8)

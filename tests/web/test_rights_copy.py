"""The copy that is handed over: the reading room makes it, by a permit that stands, and writes it down first."""

import io
import os
import re
import subprocess
import sys
import wave
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.http import StreamingHttpResponse
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from recorder.archive.access import Role
from recorder.archive.naming import blocks as run_of
from recorder.archive.web.listening import serving
from recorder.archive.web.listening.room import Room
from recorder.archive.web.meetings.models import Statement
from recorder.archive.web.meetings.seen import see
from recorder.archive.web.meetings.verified import verified
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights import copying
from recorder.archive.web.rights.kinds import Kind, State
from recorder.archive.web.rights.models import DISCLOSURE_DAYS, CopyPermit, Disclosure, Mask, Request, Restriction
from recorder.archive.web.rights.opening import open_request
from recorder.archive.web.trail import writing
from recorder.archive.web.trail.models import Line
from recorder.errors import StoreError
from recorder.sealed.verify import State as Whole
from recorder.sealed.verify import verify
from recorder.wire.consent import check_receipt
from recorder.wire.records import parse_record
from tests.archive.heard import power
from tests.rooms import RECIPIENT, Recording
from tests.web.archive import DAY_MS, Archive, now_ms
from tests.web.conftest import Make
from tests.web.pdf import text

Permitted = Callable[..., CopyPermit]


@pytest.fixture
def room(archive: Archive, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The reading room, in this process."""
    settings.ROOT_URLCONF = "recorder.archive.web.reading_urls"
    monkeypatch.setattr(serving, "_room", Room(RECIPIENT))
    return Client()


@pytest.fixture
def clerk(make: Make) -> Person:
    return make(Role.RIGHTS_DESK, name="Rens Dekker")


@pytest.fixture
def permitted(archive: Archive, clerk: Person) -> Permitted:
    """A permit for a copy of a granted request; `changes` are of the permit."""

    def made(recording: str, **changes: object) -> CopyPermit:
        asked = open_request(recording, Kind.ACCESS, "", person=None)
        Request.objects.filter(pk=asked.pk).update(state=State.GRANTED.value, decided_by=clerk, decided_ms=now_ms())
        values: dict[str, object] = {
            "person": clerk,
            "recording": recording,
            "request": asked,
            "given_to": "the client",
            "language": "nl",
            "at_ms": now_ms(),
            "until_ms": now_ms() + 60_000,
        }
        return CopyPermit.objects.create(**values | changes)

    return made


def pieces(room: Client, permit: CopyPermit) -> Iterator[bytes]:
    answer = room.get(f"/copies/{permit.pk}")
    assert answer.status_code == 200, answer.content
    assert isinstance(answer, StreamingHttpResponse)
    return iter(answer)  # type: ignore[arg-type]


def fetch(room: Client, permit: CopyPermit) -> dict[str, bytes]:
    """The files of the copy."""
    found = list(pieces(room, permit))
    assert max(map(len, found)) < 200_000, "it is made a block at a time"
    with zipfile.ZipFile(io.BytesIO(b"".join(found))) as copy:
        assert copy.testzip() is None
        return {each: copy.read(each) for each in copy.namelist()}


def samples(wav: bytes) -> tuple[np.ndarray, int]:
    with wave.open(io.BytesIO(wav)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_768, file.getframerate()


def objects(archive: Archive, recording: Recording) -> dict[str, str]:
    """What the archive has of it."""
    names = archive.store.list(f"{recording.id}/")
    return {name: sha256(archive.store.get(name)).hexdigest() for name in names}


def heard(person: Person, recording: str, role: str = "listener") -> None:
    writing.write(person=str(person.pk), role=role, action="hear", purpose="objection", recording=recording)


def test_the_copy_is_all_that_the_client_has_a_right_to(
    archive: Archive, room: Client, permitted: Permitted, make: Make
) -> None:  # S2
    recording = archive.record(blocks=4)
    listener = make(Role.LISTENER, name="Willemijn Zoeker")
    heard(listener, recording.id)
    Statement.objects.create(recording=recording.id, text="Het was één keer", of_client=True, person=listener, at_ms=1)
    files = fetch(room, permitted(recording.id))
    assert set(files) == {
        *("brief.pdf", "opname.opus", "opname.wav", "opname.sealed", "room-1.device.pub", "room-1.receipt"),
        *("toestemming.txt", "wie-luisterde.txt", "verklaringen.txt", "controle.txt"),
    }
    assert files["opname.opus"].startswith(b"OggS")
    sound, rate = samples(files["opname.wav"])
    assert len(sound) == 4 * rate
    assert np.abs(sound).max() > 0.05
    key = archive.rooms["room-1"].public_key
    assert verify(io.BufferedReader(io.BytesIO(files["opname.sealed"])), [key]).state is Whole.WHOLE  # type: ignore[arg-type]
    assert check_receipt(key, parse_record(files["room-1.receipt"])[1]).recording == recording.id
    listened = files["wie-luisterde.txt"].decode("utf-8-sig")
    assert "bezwaar" in listened
    assert "Het was één keer" in files["verklaringen.txt"].decode("utf-8-sig")
    assert "Gecontroleerd." in files["controle.txt"].decode("utf-8-sig")
    assert "Wat u krijgt" in text(files["brief.pdf"])
    everything = b"".join(files.values()) + text(files["brief.pdf"]).encode()
    assert b"Willemijn" not in everything
    assert b"Rens Dekker" not in everything


def test_it_is_in_the_language_that_was_chosen(archive: Archive, room: Client, permitted: Permitted) -> None:
    files = fetch(room, permitted(archive.record().id, language="en"))
    assert {"letter.pdf", "recording.opus", "who-listened.txt"} <= set(files)
    assert "statements.txt" not in files
    assert "Nobody yet." in files["who-listened.txt"].decode("utf-8-sig")


@pytest.mark.parametrize(
    ("language", "names", "told"),
    [
        ("nl", ("controle.txt", "toestemming.txt"), ("de microfoon was los", "is het niet aan ieder apart gevraagd")),
        ("en", ("check.txt", "consent.txt"), ("the microphone was unplugged", "nobody was asked one by one")),
    ],
)
def test_what_is_missing_and_what_was_said_is_told_in_that_language(
    language: str,
    names: tuple[str, str],
    told: tuple[str, str],
    archive: Archive,
    room: Client,
    permitted: Permitted,
) -> None:
    files = fetch(room, permitted(archive.record(gap_after=2).id, language=language))
    for name, words in zip(names, told, strict=True):
        assert words in files[name].decode("utf-8-sig")
    assert ("unplugged" in files[names[0]].decode("utf-8-sig")) == (language == "en")


def test_of_what_cannot_be_believed_the_words_of_specialists_are_called_so(archive: Archive, db: None) -> None:
    recording = archive.record()
    (seen,) = see([recording.id])
    (name, *_) = list(archive.store.list(run_of(recording.id)))
    altered = bytearray(archive.store.get(name))
    altered[-1] ^= 1
    archive.store.delete([name])
    archive.store.put({name: bytes(altered)})
    judged = verified(archive.store, archive.catalogue, seen.row)
    with translation.override("nl"):
        lines = list(copying._check(judged, seen, [], masked=False))
    assert lines[:2] == [
        "Op deze opname kunt u zo niet vertrouwen.",
        "De opname is niet zoals de kamer die maakte, of er ontbreekt een deel. Vraag ons ernaar.",
    ]
    assert lines[2].startswith("Voor specialisten, in het Engels: ")


COMMAND = re.compile(r"recorder (verify \S+ --device-key \S+)")


def checked(files: dict[str, bytes], told: str, folder: Path) -> list[tuple[str, int]]:
    """What becomes of the commands that the copy tells, in a folder with its files: for each, of what, and its code."""
    for name, contents in files.items():
        (folder / name).write_bytes(contents)
    commands = [each.split() for each in COMMAND.findall(files[told].decode("utf-8-sig"))]
    run = [sys.executable, "-m", "recorder"]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    return [
        (each[1], subprocess.run([*run, *each], cwd=folder, env=environment, check=False).returncode)
        for each in commands
    ]


@pytest.mark.parametrize(("language", "told"), [("nl", "controle.txt"), ("en", "check.txt")])
@pytest.mark.parametrize("masked", [False, True])
def test_what_the_copy_says_of_checking_it_can_be_done_with_its_files(
    masked: bool, language: str, told: str, archive: Archive, room: Client, permitted: Permitted, tmp_path: Path
) -> None:
    permit = permitted(archive.record(blocks=4).id, language=language)
    if masked:
        assert permit.request is not None
        permit.request.masks.create(
            start_ms=1_000, stop_ms=2_000, whom="?", reason="?", person=permit.person, at_ms=now_ms()
        )
    files = fetch(room, permit)
    assert "room-1.device.pub" in files
    sealed = "opname.sealed" if language == "nl" else "recording.sealed"
    assert checked(files, told, tmp_path) == [(sealed, 0)] * (not masked) + [("room-1.receipt", 0)]
    words = files[told].decode("utf-8-sig")
    assert ("is afgedekt" in words or "is masked" in words) == masked
    assert sealed in words or masked


def test_a_masked_copy_for_somebody_else_has_nothing_to_check_and_tells_no_command(
    archive: Archive, room: Client, permitted: Permitted, clerk: Person
) -> None:
    permit = permitted(archive.record(blocks=4).id)
    given = _disclosure(permit.recording, clerk)
    given.masks.create(start_ms=1_000, stop_ms=2_000, whom="?", reason="?", person=clerk, at_ms=now_ms())
    CopyPermit.objects.update(request=None, disclosure=given)
    files = fetch(room, permit)
    assert not [each for each in files if each.endswith((".pub", ".sealed", ".receipt"))]
    words = files["controle.txt"].decode("utf-8-sig")
    assert "recorder verify" not in words and "Een deel van deze kopie is afgedekt." in words


def test_it_is_written_down_before_its_first_byte_and_once(
    archive: Archive, room: Client, permitted: Permitted
) -> None:
    recording = archive.record().id
    permit = permitted(recording)
    found = pieces(room, permit)
    line = Line.objects.get(action="copy")
    assert line.recording == recording
    assert b"the client" in bytes(line.details or b"")
    assert b"the client" not in bytes(line.text)
    first = b"".join(found)
    assert zipfile.ZipFile(io.BytesIO(first)).testzip() is None
    assert zipfile.ZipFile(io.BytesIO(b"".join(pieces(room, permit)))).testzip() is None
    assert Line.objects.filter(action="copy").count() == 1
    other = fetch(room, permitted(recording))
    assert other["wie-luisterde.txt"].decode("utf-8-sig").count("iemand die te horen is") == 1


def masks_told(recording: str) -> list[str]:
    """How many parts each line says that the copy masks."""
    found = Line.objects.filter(action="copy", recording=recording, result="done").order_by("number")
    return [msgspec.json.decode(bytes(each.details or b""))["masks"] for each in found]


def test_what_is_masked_otherwise_is_another_copy_with_a_line_of_its_own(
    archive: Archive, room: Client, permitted: Permitted, clerk: Person
) -> None:
    permit = permitted(archive.record(blocks=4).id)
    values = {"request_id": permit.request_id, "whom": "?", "reason": "?", "person": clerk, "at_ms": now_ms()}
    mask = Mask.objects.create(start_ms=1_000, stop_ms=2_000, **values)
    for _ in range(2):  # a download that broke off is fetched again, and is the same copy
        assert "opname.sealed" not in fetch(room, permit)
    assert masks_told(permit.recording) == ["1"]
    Mask.objects.filter(pk=mask.pk).update(stop_ms=1_100)
    fetch(room, permit)
    assert masks_told(permit.recording) == ["1", "1"]
    Mask.objects.all().delete()
    assert "opname.sealed" in fetch(room, permit)
    assert masks_told(permit.recording) == ["1", "1", "0"]
    # What was masked, heard and told so before is the same again; in the name of another request it is not.
    other = open_request(permit.recording, Kind.ACCESS, "", person=None)
    Request.objects.filter(pk=other.pk).update(state=State.GRANTED.value, decided_by=clerk, decided_ms=now_ms())
    fetch(room, permit)
    assert len(masks_told(permit.recording)) == 3
    CopyPermit.objects.update(request=other)
    fetch(room, permit)
    assert masks_told(permit.recording) == ["1", "1", "0", "0"]


def test_a_mask_that_goes_between_the_look_and_the_line_counts_as_it_is_at_the_line(
    archive: Archive, room: Client, permitted: Permitted, clerk: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    permit = permitted(archive.record(blocks=4).id)
    values = {"request_id": permit.request_id, "whom": "?", "reason": "?", "person": clerk, "at_ms": now_ms()}
    Mask.objects.create(start_ms=1_000, stop_ms=2_000, **values)
    look = copying.masks

    def meanwhile(permit: CopyPermit) -> list[Mask]:
        found = look(permit)
        Mask.objects.filter(pk__in=[each.pk for each in found]).delete()  # a mask is taken away behind the look
        monkeypatch.setattr(copying, "masks", look)
        return found

    monkeypatch.setattr(copying, "masks", meanwhile)
    files = fetch(room, permit)
    assert "opname.sealed" in files
    assert masks_told(permit.recording) == ["0"]


def test_a_permit_that_says_that_it_was_used_is_written_down_all_the_same(
    archive: Archive, room: Client, permitted: Permitted
) -> None:
    permit = permitted(archive.record().id, opened_ms=now_ms())
    fetch(room, permit)
    assert Line.objects.filter(action="copy", recording=permit.recording).count() == 1


def test_what_was_granted_is_not_deleted_before_it_is_fetched(
    archive: Archive, room: Client, permitted: Permitted
) -> None:
    recording = archive.record(days_ago=130).id
    permit = permitted(recording)
    assert see([recording])[0].fate.kept
    fetch(room, permit)
    assert not see([recording])[0].fate.is_due(now_ms())  # who fetched it is one person: another can look for a day
    Request.objects.update(decided_ms=now_ms() - 2 * DAY_MS)
    CopyPermit.objects.update(opened_ms=now_ms() - DAY_MS)
    assert see([recording])[0].fate.is_due(now_ms())
    never_fetched = archive.record(days_ago=130).id
    asked = permitted(never_fetched).request_id
    Request.objects.filter(pk=asked).update(decided_ms=now_ms() - 15 * DAY_MS)
    assert see([never_fetched])[0].fate.is_due(now_ms())


def test_what_is_masked_is_a_tone_on_the_copy_and_nowhere_else(
    archive: Archive, room: Client, permitted: Permitted, clerk: Person
) -> None:  # S3
    recording = archive.record(blocks=6)
    before = objects(archive, recording)
    permit = permitted(recording.id)
    Mask.objects.create(
        request=permit.request,
        start_ms=2_000,
        stop_ms=4_000,
        whom="een buurvrouw",
        reason="Zij is niet gevraagd.",
        person=clerk,
        at_ms=now_ms(),
    )
    files = fetch(room, permit)
    sound, rate = samples(files["opname.wav"])
    plain, _ = samples(
        fetch(room, permitted(recording.id, request=None, disclosure=_disclosure(recording.id, clerk)))["opname.wav"]
    )
    inside, outside = slice(2 * rate, 4 * rate), slice(4 * rate + rate // 4, 6 * rate)
    assert power(sound[inside], 1_000, rate) > 100 * power(plain[inside], 1_000, rate)
    assert np.allclose(sound[outside], plain[outside], atol=0.01)
    assert "opname.sealed" not in files  # it would have what the mask hides
    letter = text(files["brief.pdf"])
    assert "Van 0:00:02 tot 0:00:04: een buurvrouw (Zij is niet gevraagd.)" in letter
    assert b"MASKED" in files["opname.opus"]
    assert objects(archive, recording) == before


def test_what_is_masked_for_somebody_else_is_a_tone_on_their_copy(
    archive: Archive, room: Client, permitted: Permitted, clerk: Person
) -> None:
    recording = archive.record(blocks=4)
    disclosure = _disclosure(recording.id, clerk)
    given = permitted(recording.id, request=None, disclosure=disclosure)
    plain = fetch(room, given)
    assert "opname.sealed" in plain
    disclosure.masks.create(
        start_ms=1_000, stop_ms=3_000, whom="een kind", reason="Niet gevraagd.", person=clerk, at_ms=now_ms()
    )
    files = fetch(room, given)
    (sound, rate), (before, _) = samples(files["opname.wav"]), samples(plain["opname.wav"])
    inside = slice(rate, 3 * rate)
    assert power(sound[inside], 1_000, rate) > 100 * power(before[inside], 1_000, rate)
    assert "opname.sealed" not in files
    assert "een kind" in text(files["brief.pdf"])


def _disclosure(recording: str, person: Person, *, confirmed: bool | None = True) -> Disclosure:
    return Disclosure.objects.create(
        recording=recording,
        to="De rechtbank",
        ground="duty",
        words="Artikel 5",
        person=person,
        at_ms=now_ms(),
        confirmed=confirmed,
        judged_ms=now_ms(),
    )


def test_somebody_elses_copy_says_why_they_get_it_and_the_client_reads_of_it(
    archive: Archive, room: Client, permitted: Permitted, clerk: Person
) -> None:  # P3
    recording = archive.record().id
    disclosure = _disclosure(recording, clerk)
    files = fetch(room, permitted(recording, request=None, disclosure=disclosure))
    letter = text(files["brief.pdf"])
    assert "De rechtbank" in letter
    assert "Artikel 5" in letter
    # Who has the receipt has the client's code, and with it the client's page.
    assert not [each for each in files if each.endswith(".receipt")]
    assert "toestemming.txt" in files
    assert ".receipt" not in files["controle.txt"].decode("utf-8-sig")
    assert Line.objects.filter(action="disclose").count() == 1
    assert not Line.objects.filter(action="copy").exists()
    assert "De rechtbank" in fetch(room, permitted(recording))["wie-luisterde.txt"].decode("utf-8-sig")


def refused(room: Client, permit: CopyPermit) -> str:
    answer = room.get(f"/copies/{permit.pk}")
    assert answer.status_code == 403
    assert not Line.objects.filter(action__in=["copy", "disclose"]).exists()
    return str(answer.json()["why"])


def test_what_does_not_stand_makes_no_copy(
    archive: Archive, room: Client, permitted: Permitted, clerk: Person, make: Make
) -> None:
    recording, other = archive.record().id, archive.record().id
    permit = permitted(recording)
    assert refused(room, permitted(recording, until_ms=now_ms())) == "over"
    assert refused(room, permitted(recording, person=make(Role.LISTENER))) == "forbidden"
    assert refused(room, permitted(other, request=permit.request)) == "undecided"
    disclosure = _disclosure(recording, clerk, confirmed=None)
    given = permitted(recording, request=None, disclosure=disclosure)
    assert refused(room, given) == "undecided"
    Disclosure.objects.update(confirmed=False)
    assert refused(room, given) == "undecided"
    Disclosure.objects.update(confirmed=True)
    Disclosure.objects.update(judged_ms=now_ms() - DISCLOSURE_DAYS * DAY_MS)
    assert refused(room, given) == "disclosure_over"
    Disclosure.objects.update(judged_ms=now_ms())
    Restriction.objects.create(
        recording=recording, request=permit.request, at_ms=now_ms(), look_again_ms=now_ms() - DAY_MS
    )
    assert refused(room, given) == "restricted"
    for state in set(State) - {State.GRANTED}:
        Request.objects.filter(pk=permit.request_id).update(state=state.value)
        assert refused(room, permit) == "undecided"
    Request.objects.filter(pk=permit.request_id).update(state=State.GRANTED.value, kind=Kind.ERASURE.value)
    assert refused(room, permit) == "locked"
    clerk.is_active = False
    clerk.save()
    assert refused(room, permit) == "over"


def test_a_copy_is_of_one_cause_in_the_database_too(archive: Archive, permitted: Permitted, clerk: Person) -> None:
    recording = archive.record().id
    for changes in ({"request": None}, {"disclosure": _disclosure(recording, clerk)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            permitted(recording, **changes)


def test_a_copy_that_breaks_off_is_told_and_not_taken_for_whole(
    archive: Archive, room: Client, permitted: Permitted
) -> None:
    recording = archive.record(blocks=8)
    found = pieces(room, permitted(recording.id))
    next(found)
    _lose(archive, recording)
    got = []
    with pytest.raises(StoreError):
        got.extend(found)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(got)))
    assert Line.objects.filter(action="copy").count() == 2


def _lose(archive: Archive, recording: Recording) -> None:
    archive.store.delete(list(archive.store.list(f"{recording.id}/")))

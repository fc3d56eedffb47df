"""The trail as it is kept: whatever somebody does to it shows, two who write at once fork nothing, and old lines go."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import DatabaseError, transaction
from django.test import Client

from recorder.archive import audit, audit_file
from recorder.archive.access import Action, Purpose, Role
from recorder.archive.audit import KEPT_DAYS
from recorder.archive.web.clock import now_ms
from recorder.archive.web.people.models import Person
from recorder.archive.web.trail import chain, writing
from recorder.archive.web.trail.models import Checkpoint, Head, Line
from recorder.archive.web.words import ACTIONS
from recorder.cli import main
from recorder.errors import AuditError
from recorder.keyfiles import save_device, save_device_public
from recorder.trial.postgresql import PostgresqlServer
from recorder.wire.consent import DAY_MS
from tests.web.archive import Archive
from tests.web.conftest import Make

SignIn = Callable[[Person], Client]
KEY = Ed25519PrivateKey.from_private_bytes(bytes([3]) * 32)
LINES = 8


def write(archive: Archive, count: int = LINES, *, person: str = "somebody") -> None:
    for number in range(count):
        writing.write(
            person=person, role="listener", action="hear", purpose="objection", details={"reason": f"because {number}"}
        )


def checkpoint() -> audit.Checkpoint:
    """Signed, and out of the house: not in the database."""
    body = audit.sign(KEY, "archive", chain.end(), now_ms())
    return audit.open_checkpoint(KEY.public_key(), body)


def rewrite(person: str) -> None:
    """All lines anew, with another person, as somebody would who can do whatever they want with the database."""
    place = audit.BEGINNING
    for line in Line.objects.order_by("number"):
        entry = audit.Entry(**(json.loads(bytes(line.text)) | {"person": person}))
        made = audit.write(place, entry, bytes(line.details or b""), bytes(line.salt or b""))
        place = audit.Place(entry.number, made.hash)
        Line.objects.filter(pk=line.pk).update(text=made.text, hash=made.hash, person=person)
    Head.objects.update(hash=place.hash)


def _another(number: int) -> None:
    said = {"text": b"{}", "hash": bytes(32), "wall_ms": 0, "person": "", "action": "", "result": ""}
    Line.objects.create(number=number, **said)


SLIPS: dict[str, Callable[[], object]] = {
    "a line's text": lambda: Line.objects.filter(pk=3).update(text=b"{}"),
    "a column of a line": lambda: Line.objects.filter(pk=3).update(person="somebody-else"),
    "other words": lambda: Line.objects.filter(pk=3).update(details=b"{}"),
    "the words and not the salt": lambda: Line.objects.filter(pk=3).update(details=None),
    "a line": lambda: Line.objects.filter(pk=3).delete(),
    "a published checkpoint": lambda: Checkpoint.objects.all().delete(),
    "what a checkpoint tells": lambda: Checkpoint.objects.update(body=b""),
    "a line further on": lambda: _another(LINES + 2),
    "a line once more": lambda: _another(3),
    "the end": lambda: Head.objects.all().delete(),
    "the end, to an earlier one": lambda: Head.objects.update(number=3),
    "the end, far away": lambda: Head.objects.update(number=9_000_000_000_000_000_000),
    "the end, to a line that is not there": lambda: Head.objects.update(number=LINES + 1),
    "the end, to another line of the same number": lambda: Head.objects.update(hash=bytes(32)),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_the_database_itself_keeps_the_trail(slip: str, archive: Archive, db: None) -> None:
    write(archive)
    chain.sign(KEY, "archive", now_ms())
    with pytest.raises(DatabaseError, match="the audit trail is kept"), transaction.atomic():
        SLIPS[slip]()
    Line.objects.filter(pk=3).update(details=None, salt=None)  # what is forgotten goes all the same
    chain.check([checkpoint()], now_ms())


def test_a_forged_line_stops_nobody_and_shows(archive: Archive, db: None) -> None:
    """Of who may add lines and writes what is none: the trail goes on behind it."""
    write(archive)
    _another(LINES + 1)
    write(archive, 1)
    assert chain.end().number == LINES + 2
    with pytest.raises(AuditError, match=f"line {LINES + 1} of the audit trail"):
        chain.check([], now_ms())


def test_a_sound_trail_is_found_sound(archive: Archive, db: None) -> None:
    write(archive)
    before, last = chain.check([checkpoint()], now_ms())
    assert (before.number, last.number) == (0, LINES)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("person", "somebody-else"),
        ("action", "see"),
        ("recording", "5f" * 16),
        ("device", "room-2"),
        ("result", "failed"),
        ("wall_ms", 12),
        ("text", b"{}"),
        ("hash", bytes(32)),
        ("details", b'{"reason":"another"}'),
        ("salt", bytes(16)),
        ("salt", None),
    ],
)
def test_any_column_that_was_altered_shows(column: str, value: object, archive: Archive, unguarded: None) -> None:
    write(archive)
    assert Line.objects.filter(pk=3).update(**{column: value}) == 1
    with pytest.raises(AuditError, match="line 3 of the audit trail"):
        chain.check([], now_ms())


def test_a_line_that_was_taken_out_shows(archive: Archive, unguarded: None) -> None:
    write(archive)
    Line.objects.filter(pk=3).delete()
    with pytest.raises(AuditError, match="line 3 of the audit trail is missing"):
        chain.check([], now_ms())


def test_an_end_that_was_cut_off_shows(archive: Archive, unguarded: None) -> None:
    write(archive)
    published = checkpoint()
    Line.objects.filter(pk__gt=5).delete()
    with pytest.raises(AuditError, match="should go on to line 8, and ends with 5"):
        chain.check([], now_ms())
    Head.objects.update(number=5, hash=Line.objects.get(pk=5).hash)  # with care
    chain.check([], now_ms())
    with pytest.raises(AuditError, match="tells of 8 lines, and the audit trail ends with 5"):
        chain.check([published], now_ms())
    Head.objects.all().delete()
    Line.objects.all().delete()
    with pytest.raises(AuditError, match="tells of 8 lines, and the audit trail ends with 0"):
        chain.check([published], now_ms())


def test_a_beginning_that_was_cut_off_shows(archive: Archive, unguarded: None) -> None:
    write(archive)
    Line.objects.filter(pk__lte=3).delete()
    with pytest.raises(AuditError, match="begins behind line 3, and no checkpoint tells of that"):
        chain.check([], now_ms())
    place = audit.Place(3, bytes(32))
    forged = audit.sign(Ed25519PrivateKey.generate(), "archive", place, 0)
    Checkpoint.objects.create(number=3, body=forged, wall_ms=0)
    with pytest.raises(AuditError, match="not this key's"):
        chain.own_checkpoints(KEY.public_key())


def test_a_past_that_was_rewritten_with_care_shows_by_what_was_published(archive: Archive, unguarded: None) -> None:
    write(archive)
    published = checkpoint()
    rewrite("somebody-else")
    chain.check([], now_ms())  # in itself it is sound
    with pytest.raises(AuditError, match="rewritten: line 8 is not the one that was published"):
        chain.check([published], now_ms())


def test_old_lines_go_and_the_rest_still_agrees(archive: Archive, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    now = now_ms()
    then = now - (KEPT_DAYS + 1) * DAY_MS
    monkeypatch.setattr(writing, "now_ms", lambda: then)
    write(archive)
    chain.sign(KEY, "archive", then)
    monkeypatch.undo()
    write(archive, 2)
    chain.sign(KEY, "archive", now)
    chain.forget(now)
    assert list(Line.objects.order_by("number").values_list("number", flat=True)) == [9, 10]
    before, last = chain.check(chain.own_checkpoints(KEY.public_key()), now)
    assert (before.number, last.number) == (8, 10)
    write(archive, 1)
    assert chain.check(chain.own_checkpoints(KEY.public_key()), now)[1].number == 11
    with pytest.raises(AuditError, match="no checkpoint tells that this is old enough"):
        chain.check(chain.own_checkpoints(KEY.public_key()), now - 2 * DAY_MS)


def test_lines_that_are_not_old_enough_stay(archive: Archive, db: None) -> None:
    write(archive)
    chain.sign(KEY, "archive", now_ms() - (KEPT_DAYS - 1) * DAY_MS)
    chain.forget(now_ms())
    assert Line.objects.count() == LINES


def test_words_go_with_the_recording_and_the_chain_stays(
    archive: Archive, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = archive.record()
    monkeypatch.setattr(writing, "now_ms", lambda: now_ms() - 366 * DAY_MS)
    for recording in (there.id, "5f" * 16, None):
        writing.write(person="a", role="listener", action="hear", recording=recording, details={"reason": "why"})
    monkeypatch.undo()
    writing.write(person="a", role="listener", action="hear", details={"reason": "why"})
    chain.forget(now_ms())
    assert [line.details is None for line in Line.objects.order_by("number")] == [False, True, True, False]
    assert Line.objects.get(pk=1).device == "room-1"
    chain.check([], now_ms())


def test_every_action_has_its_words() -> None:
    assert set(ACTIONS) == set(Action)


WRITER = """
import sys
from pathlib import Path
from recorder.archive.web.serving import set_up
set_up(Path(sys.argv[1]))
from django.db import transaction
from recorder.archive.web.trail import writing
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    try:
        with transaction.atomic():
            writing.write(person=sys.argv[2], role="listener", action="hear", details={"reason": str(number)})
            if number % 8 == 7:
                raise ValueError
    except ValueError:
        pass
"""
"""Forty acts, of which five do not happen after all."""
READER = """
import sys, time
from pathlib import Path
from recorder.archive.web.serving import set_up
set_up(Path(sys.argv[1]))
from recorder.archive.web.trail import chain
from recorder.archive.web.trail.models import Line
from collections import Counter
print(chain.check([], time.time_ns() // 1_000_000)[1].number)
print(sorted(Counter(Line.objects.values_list("person", flat=True)).items()))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def pages_database(request: pytest.FixtureRequest, archive: Archive) -> str:
    """The settings' line for it."""
    if request.param == "sqlite":
        return ""
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    server.execute("CREATE DATABASE trail")
    return f'[web]\ndatabase = "{server.url("trail").replace("postgresql+psycopg", "postgresql")}"\n'


def test_many_who_write_at_once_lose_nothing_and_fork_nothing(pages_database: str, archive: Archive) -> None:
    with archive.config_file.open("a") as config:
        config.write(pages_database)
    command = [sys.executable, "-c"]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    writers = []
    for number in range(4):
        args = [*command, WRITER, str(archive.config_file), f"person-{number}"]
        writer = subprocess.Popen(
            args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=Path.cwd()
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        writers.append(writer)
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    args = [*command, READER, str(archive.config_file)]
    out = subprocess.run(args, check=True, capture_output=True, text=True, env=environment, timeout=60).stdout
    assert out.splitlines() == ["140", str([(f"person-{number}", 35) for number in range(4)])]


def test_the_command_checks_signs_and_takes_out(
    archive: Archive,
    unguarded: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_device(archive.folder / "keys" / "receipt.key", KEY)
    monkeypatch.setattr("recorder.archive.web.serving.set_up", lambda file: None)  # the tests' own database
    command = ["archive", "--config", str(archive.config_file), "audit"]
    write(archive)
    assert main([*command, "checkpoint"]) == 0
    published = archive.folder / "published" / "8.checkpoint"
    assert str(published) in capsys.readouterr().out
    assert main([*command, "check", "--checkpoint", str(published)]) == 0
    assert "lines 1 to 8 are as they were written, and agree with 2 checkpoints" in capsys.readouterr().out
    file = tmp_path / "trail.jsonl"
    assert main([*command, "export", "-o", str(file)]) == 0
    assert main([*command, "export", "-o", str(file)]) == 2
    outside = ["archive", "audit", "check", str(file), "--key", str(archive.folder / "published" / "archive.pub")]
    assert main([*outside, "--checkpoint", str(published)]) == 0
    rewrite("somebody-else")
    capsys.readouterr()
    assert main([*command, "check"]) == 2
    assert "rewritten" in capsys.readouterr().err
    Checkpoint.objects.all().delete()
    assert main([*command, "check"]) == 0
    assert "without a published checkpoint" in capsys.readouterr().err
    assert main([*command, "check", "--checkpoint", str(published)]) == 2
    file.write_bytes(file.read_bytes().replace(b"because 2", b"because 9"))
    assert main(outside) == 2
    assert f"{file}: line 3 of the audit trail: its details were altered" in capsys.readouterr().err
    assert main(["archive", "audit", "check", str(file), "--key", str(file)]) == 2
    assert f"{file}: is not a key file" in capsys.readouterr().err, (
        "a key that nothing is checked by is one all the same"
    )
    published.write_text("wederhoor-audit:%")
    assert main([*outside, "--checkpoint", str(published)]) == 2


def test_the_page_shows_filters_pages_and_tells_of_itself(archive: Archive, make: Make, sign_in: SignIn) -> None:
    recording = archive.record("room-2")
    caseworker = make(Role.CASEWORKER, name="Carla de Wit", rooms=["room-2"])
    sign_in(caseworker).post(f"/meetings/{recording.id}/case/", {"case": "Z-77", "there": "on"})
    write(archive, 60)
    client = sign_in(make(Role.PRIVACY_OFFICER))
    first = client.get("/audit/").content.decode()
    assert "Z-77" not in first  # it is on the second page
    assert "because 59" in first
    second = client.post("/audit/", {"before": "13"}).content.decode()
    assert "Z-77" in second
    assert "Carla de Wit" in second
    assert "because 59" not in second
    for asked, shown in (
        ({"person": "carla"}, True),
        ({"person": "carla", "action": "hear"}, False),
        ({"recording": recording.id}, True),
        ({"room": "room-2", "result": "done"}, True),
        ({"room": "room-1"}, False),
        ({"result": "refused"}, False),
        ({"day": "2020-01-01"}, False),
    ):
        page = client.post("/audit/", asked).content.decode()
        assert ("Z-77" in page) == shown, asked
    read = Line.objects.filter(action="read_audit")
    assert read.count() == 8  # each look, and no portion of one
    assert {bytes(line.person.encode()) for line in read} != {b""}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_at_the_ends_of_time_is_refused(day: str, make: Make, sign_in: SignIn, archive: Archive) -> None:
    client = sign_in(make(Role.PRIVACY_OFFICER))
    for path, names in (("/audit/", ["day"]), ("/breach/", ["since", "until"])):
        answer = client.post(path, dict.fromkeys(names, day), headers={"Accept-Language": "en"})
        assert b"Check the year." in answer.content, path


def test_a_last_day_is_said_as_people_say_it(make: Make, sign_in: SignIn, archive: Archive) -> None:
    page = sign_in(make(Role.PRIVACY_OFFICER)).get("/breach/", headers={"accept-language": "en"}).content.decode()
    assert "Up to and including" in page and "Until and with" not in page


def told(client: Client, language: str = "en") -> list[str]:
    """What the page tells of each line, in its last column, the newest first; without the lines that tell of looking at it."""
    page = client.get("/audit/", headers={"Accept-Language": language}).content.decode()
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in re.findall(r"<tr\b.*?</tr>", page, re.DOTALL)]
    return [cells[-1].strip() for cells in rows if cells]


@pytest.mark.parametrize(("kind", "words"), [("objection", "an objection"), ("appeal", "an appeal to the court")])
def test_a_program_s_hold_is_told_as_what_it_is(
    kind: str, words: str, archive: Archive, make: Make, sign_in: SignIn
) -> None:
    said = {"case": "Z-1", "kind": kind, "reason": "It came in."}
    writing.write(
        person="token-1", role="case_system", action="hold", purpose=kind, details=said
    )  # of an older version
    client = sign_in(make(Role.PRIVACY_OFFICER))
    assert f"What it is held for: {words}" in told(client)[0]
    assert "Wat er gevraagd is" not in client.get("/audit/", headers={"Accept-Language": "nl"}).content.decode()
    writing.write(person="a", role="rights_desk", action="open_request", details={"kind": "objection"})
    assert told(client)[0].startswith("What was asked: ")


def test_a_second_step_is_told_as_what_it_is(archive: Archive, make: Make, sign_in: SignIn) -> None:
    writing.write(person="a", role="listener", action="second_step", details={"act": "added", "kind": "webauthn"})
    assert told(sign_in(make(Role.PRIVACY_OFFICER)))[0].endswith("Second step: a passkey")


def test_what_somebody_looked_for_in_the_trail_is_told_in_words(archive: Archive, make: Make, sign_in: SignIn) -> None:
    client = sign_in(make(Role.PRIVACY_OFFICER))
    client.post("/audit/", {"action": "hear", "result": "refused", "day": "2027-10-01"})
    client.post("/audit/", {"action": "second_step"})
    client.post("/breach/", {"since": "2026-12-31", "until": "2099-12-31"})
    for language, wanted in (
        ("en", ("listened to a recording", "refused", "1 October 2027", "31 December 2026", "their own second step")),
        ("nl", ("luisterde naar een opname", "geweigerd", "1 oktober 2027", "31 december 2026", "eigen tweede stap")),
    ):
        shown = " ".join(told(client, language))
        assert not [each for each in wanted if each not in shown], shown
        assert "2027-10-01" not in shown and "hear" not in shown
    writing.write(person="a", role="x", action="decide", details={"day": "some day"})
    assert "Day: some day" in told(client)[0], "what is no day is shown as it is"


def test_the_pages_check_and_the_download_are_the_command_s(
    archive: Archive, make: Make, sign_in: SignIn, tmp_path: Path, unguarded: None
) -> None:
    write(archive)
    (archive.folder / "published").mkdir()
    save_device_public(archive.folder / "published" / "archive.pub", KEY.public_key())
    client = sign_in(make(Role.PRIVACY_OFFICER))
    assert "nog geen controlepunt" in client.post("/audit/check/").content.decode()
    chain.sign(KEY, "archive", now_ms())
    page = client.get("/audit/checkpoints/").content.decode()
    word = audit_file.publish(bytes(Checkpoint.objects.get().body))
    assert word in page
    assert "<svg" in page
    good = client.post("/audit/check/").content.decode()
    assert "notice success" in good
    answer = client.post("/audit/export/")
    before, lines = audit_file.read(b"".join(answer).splitlines(keepends=True))  # type: ignore[call-overload]
    told = audit.open_checkpoint(KEY.public_key(), audit_file.published(word))
    assert audit.check_all(lines, before, [told], kept_from_ms=0).number >= LINES
    Line.objects.filter(pk=3).update(person="somebody-else")
    bad = client.post("/audit/check/").content.decode()
    assert "line 3 of the audit trail: its column person was altered" in bad
    assert "notice success" not in bad
    assert client.get("/audit/").status_code == 200


def test_nobody_else_reads_it(archive: Archive, make: Make, sign_in: SignIn) -> None:
    for role in Role:
        client = sign_in(make(role))
        for address in ("/audit/", "/audit/checkpoints/", "/breach/"):
            assert client.get(address).status_code == (200 if role is Role.PRIVACY_OFFICER else 403), (role, address)
        for address in ("/audit/check/", "/audit/export/", "/breach/export/"):
            assert client.post(address).status_code == (200 if role is Role.PRIVACY_OFFICER else 403), (role, address)
            assert client.get(address).status_code == (405 if role is Role.PRIVACY_OFFICER else 403)
    refused = [line for line in Line.objects.filter(action="read_audit") if line.result == "refused"]
    assert len(refused) == (len(Role) - 1) * 9


def test_a_breach_lists_recordings_keys_and_who_heard(archive: Archive, make: Make, sign_in: SignIn) -> None:
    heard, other, away = archive.record("room-1"), archive.record("room-2"), archive.record("room-1", days_ago=40)
    refused = archive.refuse("room-1")
    listener = make(Role.LISTENER, name="=Lies")
    writing.write(
        person=str(listener.pk), role="listener", action="hear", purpose=Purpose.APPEAL, recording=heard.id, details={}
    )
    archive.store.delete([f"{other.id}/keybox"])
    client = sign_in(make(Role.PRIVACY_OFFICER))
    days = {"since": "2026-01-01", "until": "2030-01-01"}
    page = client.post("/breach/", days).content.decode()
    for each in (heard, other, away, refused):
        assert each.id in page
    assert "=Lies" in page
    assert page.count("tag warn") == 2  # of the heard one and the old one the keys are there
    in_room = client.post("/breach/", days | {"room": "room-2"}).content.decode()
    assert other.id in in_room
    assert heard.id not in in_room
    of_person = client.post("/breach/", days | {"person": "lies"}).content.decode()
    assert heard.id in of_person
    assert other.id not in of_person
    listed = client.post("/breach/", {"recordings": f"{away.id}\n{'5f' * 16}"}).content.decode()
    assert away.id in listed
    assert "5f" * 16 in listed
    assert heard.id not in listed.partition("<table")[2]
    answer = client.post("/breach/export/", days)
    table = b"".join(answer).decode("utf-8-sig").splitlines()  # type: ignore[call-overload]
    assert len(table) == 5
    mine = next(line for line in table if heard.id in line)
    assert ",there," in mine
    assert "=Lies (listener, appeal)" in mine
    assert next(line for line in table if other.id in line).split(",")[4] == "none"
    assert 'id="errors"' in client.post("/breach/", {}).content.decode()


def test_a_breach_of_many_comes_in_portions(
    archive: Archive, make: Make, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recorder.archive.web.trail.breach.PORTION_ROWS", 2)
    made = [archive.record(blocks=1, days_ago=9 - at).id for at in range(5)]
    client = sign_in(make(Role.PRIVACY_OFFICER))
    days = {"since": "2026-01-01", "until": "2030-01-01"}
    first = client.post("/breach/", days).content.decode()
    assert [each in first.partition("<table")[2].partition("</table")[0] for each in made] == [True] * 2 + [False] * 3
    second = client.post("/breach/", days | {"after": made[1]}).content.decode()
    assert [each in second.partition("<table")[2].partition("</table")[0] for each in made] == [
        *[False] * 2,
        *[True] * 2,
        False,
    ]
    table = b"".join(client.post("/breach/export/", days)).decode()  # type: ignore[call-overload]
    assert [each in table for each in made] == [True] * 5


def test_nothing_of_a_line_is_told_in_the_words_of_the_program(archive: Archive, make: Make, sign_in: SignIn) -> None:
    made = make(Role.RIGHTS_DESK, name="R. L.")
    told = {"account": str(made.pk), "act": "make", "roles": "privacy_officer rights_desk"}
    writing.write(person="operator", role="operator", action="keep_accounts", details=told)
    asked = {"kind": "access", "outcome": "granted", "channel": "page"}
    writing.write(person="client", role="client", action="open_request", details=asked)
    for details in ({"kind": "erasure", "proposed": "refused"}, {"outcome": "goes on"}):
        writing.write(person=str(made.pk), role="rights_desk", action="decide_request", details=details)
    for action, details in (
        ("keep_accounts", {"token": "a program", "actions": "link hold", "purposes": "objection appeal"}),
        ("note_training", {"answer": "given"}),
        ("approve_fragment", {"fragment": "0" * 32, "answer": "rejected"}),
        ("mask", {"mask": "set"}),
        ("flag", {"flag": "lifted"}),
        ("disclose", {"disclosure": "asked"}),
        ("settle_dispute", {"found": "wrong"}),
        ("confirm_erasure", {"outcome": "granted", "confirmed": "yes"}),  # of a version before `confirm_request`
    ):
        writing.write(person=str(made.pk), role="rights_desk", action=action, details=details)
    writing.write(person="nightly", role="system", action="delete")
    page = (
        sign_in(make(Role.PRIVACY_OFFICER, name="P. O."))
        .get("/audit/", headers={"accept-language": "nl"})
        .content.decode()
    )
    for words in ("Account: R. L.", "Rollen: functionaris gegevensbescherming, rechtenloket", "wiste een opname"):
        assert words in page
    for words in (
        "Uitkomst: toegewezen",
        "Voorgesteld, een tweede persoon moet het bevestigen: afgewezen",
        "Uitkomst: beperking blijft",
        "de cliënt, met de code",
        "wie de machine beheert",
        "de nachtelijke wisronde",
    ):
        assert words in page
    table = page[page.index("<tbody") :]
    for words in (str(made.pk), "privacy_officer", "granted", "channel", "proposed", "goes on"):
        assert words not in table
    written = (
        "link",
        "hold",
        "objection",
        "given",
        "fragment:",
        "rejected",
        "set",
        "lifted",
        "asked",
        "wrong",
        "confirm_erasure",
    )
    for words in written:
        assert not re.search(rf"\b{words}\b", re.sub(r"<[^>]+>", " ", table)), words

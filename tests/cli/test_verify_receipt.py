"""`recorder verify` of a consent receipt: in words that whoever was there understands."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from recorder import canonical, keyfiles
from recorder.archive.code import code
from recorder.audio import CALENDAR_END_MS
from recorder.cli import consent, main
from recorder.config import load
from recorder.sealed.layout import DOMAIN_MANIFEST, Manifest, Preamble, parse_record
from recorder.sealed.ledger import refusal
from recorder.wire import records
from recorder.wire.consent import Basis, EventState, Language, Outcome, Terms, issue
from recorder.wire.records import Beside
from tests.rooms import BOOT, TERMS, WALL_MS, Room, moment


class Table:
    """A folder with a room's public key, and its receipts."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "a.receipt"
        self.room = Room("room-1")
        self.recording = self.room.record(2)
        keyfiles.save_device_public(folder / "room-1.device.pub", self.room.public_key)

    def refused(self, terms: Terms, *before: str) -> None:
        """A no after these events."""
        preamble = self.recording.preamble.body
        told = (*before, "refused")
        record = refusal(self.room.key, preamble, told=told, no_ms=WALL_MS + 2_000, moment=moment(3), boot=BOOT)
        _, manifest = parse_record(record)
        said = canonical.decode(preamble[64:], Preamble)
        body = issue(self.room.key, said, manifest, terms, bytes(32))
        self.file.write_bytes(records.record(Beside.RECEIPT, body))


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def test_a_refusal_in_dutch(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    table.refused(replace(TERMS, everyone_asked=True), "notice_given", "yes")
    assert main(["verify", str(table.file)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("ECHT: dit bewijs komt uit die kamer, en er is niets aan veranderd\n")
    assert "iemand zei nee; er is geen geluid bewaard, en het is niet terug te halen" in said
    assert "niet geteld; 1 keer op ja gedrukt, 1 keer op nee" in said
    assert "nee, op 2023-11-14 22:13:22 UTC\n" in said
    assert "niet gevraagd" in said and "Gemeente Voorbeeld, Markt 1, Voorbeeld" in said
    assert table.recording.id not in said and "wissen op" not in said
    assert "\nuw code: " in said and code(table.file.read_bytes()[5:]) in said
    assert str(table.file.parent / "room-1.device.pub") in said


def test_what_a_room_says_by_itself_is_in_dutch_too(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    """As of `make run`, where nobody has set who answers for it."""
    consent_ = load(None).consent
    terms = replace(
        TERMS, **{each: getattr(consent_, each) for each in ("controller", "address", "contact", "storage")}
    )
    table.refused(terms)
    assert main(["verify", str(table.file)]) == 0
    said = capsys.readouterr().out
    for told in ("niet genoemd, niet opgegeven", "niet opgegeven", "Nederland"):
        assert f" {told}\n" in said
    assert not re.search(r"\b(not|the|given)\b", said)
    table.refused(replace(terms, language="en"))
    assert main(["verify", str(table.file)]) == 0
    assert "not named, not given" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("language", "told"),
    [("nl", "iemand zei nee; er was geen opname\n"), ("en", "somebody said no; there was no recording\n")],
)
def test_a_no_without_a_meeting_tells_of_no_sound(
    table: Table, language: Language, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table.refused(replace(TERMS, language=language))
    assert main(["verify", str(table.file)]) == 0
    said = capsys.readouterr().out
    assert told in said and "geluid" not in said and "sound" not in said


def test_a_kept_one_in_english(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    said = canonical.decode(table.recording.preamble.body[64:], Preamble)
    terms = replace(TERMS, language="en")
    body = issue(table.room.key, said, table.recording.manifest.body, terms, bytes(32))
    table.file.write_bytes(records.record(Beside.RECEIPT, body))
    assert main(["verify", str(table.file)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("AUTHENTIC: ")
    assert "the meeting was recorded, and the recording was kept" in told
    assert "not counted: in this room nobody is asked one by one" in told
    assert f"your code:    {code(body)}\n" in told
    assert table.recording.id in told and "erase on:     2024-03-19 22:13:20 UTC" in told


def test_a_fragment_and_a_recording_that_nobody_can_hear_say_so(
    table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    said = canonical.decode(table.recording.preamble.body[64:], Preamble)
    manifest = canonical.decode(table.recording.manifest.body[64:], Manifest)
    for changes, told, erased_later in (
        ({"ended": "fault"}, "een deel van het gesprek is opgenomen", True),
        ({"keybox": None}, "er is geen opname die iemand kan beluisteren", False),
    ):
        text = canonical.encode(msgspec.structs.replace(manifest, **changes))
        body = issue(table.room.key, said, canonical.signed(DOMAIN_MANIFEST, table.room.key, text), TERMS, bytes(32))
        table.file.write_bytes(records.record(Beside.RECEIPT, body))
        assert main(["verify", str(table.file)]) == 0
        printed = capsys.readouterr().out
        assert told in printed
        assert ("wissen op" in printed) is erased_later


def test_as_json_it_is_the_signed_text(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    table.refused(TERMS)
    assert main(["verify", str(table.file), "--json"]) == 0
    assert capsys.readouterr().out.encode() == table.file.read_bytes()[5 + 64 :] + b"\n"
    assert json.loads(table.file.read_bytes()[5 + 64 :])["outcome"] == "refused"


@pytest.mark.parametrize("at", [0, 3, 10, 100, -1])
def test_a_changed_one_is_told_in_one_line(table: Table, at: int, capsys: pytest.CaptureFixture[str]) -> None:
    table.refused(TERMS)
    data = bytearray(table.file.read_bytes())
    data[at] ^= 1
    table.file.write_bytes(data)
    assert main(["verify", str(table.file)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and str(table.file) in said.err


def test_anothers_is_told_in_one_line(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    table.refused(TERMS)
    keyfiles.save_device_public(table.file.parent / "other.pub", Room("room-2").public_key)
    assert main(["verify", str(table.file), "--device-key", str(table.file.parent / "other.pub")]) == 2
    assert "not a consent receipt of a device whose key was given" in capsys.readouterr().err


def test_a_receipt_within_a_sealed_recording_is_a_flaw(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    parts = (*table.recording.kept, table.recording.receipt)
    table.file.write_bytes(b"".join(part.record for part in parts))
    assert main(["verify", str(table.file)]) == 1
    assert "there is no record of type 5" in capsys.readouterr().out


@pytest.mark.parametrize("language", get_args(Language))
def test_there_is_a_word_for_everything_in_both_languages(language: Language) -> None:
    words = consent._WORDS[language]
    assert words.keys() == consent._WORDS["en"].keys()
    assert words.keys() >= {
        *get_args(EventState),
        *get_args(Basis),
        *get_args(Outcome),
        "refused outcome",
        "refused nothing",
        "refused present",
    }


def test_a_time_beyond_the_calendar_is_told() -> None:
    assert consent.utc(CALENDAR_END_MS) == "> 9999"

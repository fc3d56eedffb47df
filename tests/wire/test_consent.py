"""The consent receipt: it tells what the buttons said, and of a refusal nothing else."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import canonical
from recorder.audio import GapCause
from recorder.canonical import INTEGER_MAX
from recorder.errors import SealedError, SignedTextError, WireError
from recorder.sealed import layout
from recorder.sealed.layout import DOMAIN_MANIFEST, Event, Manifest, Missing, Preamble
from recorder.sealed.ledger import Ledger, refusal
from recorder.wire import consent, records
from recorder.wire.consent import ConsentReceipt, EventState, check_receipt, issue
from recorder.wire.records import Beside
from tests.rooms import BOOT, TERMS, WALL_MS, Room, moment

ROOM = Room("room-1")
RECORDING = ROOM.record(3)
PREAMBLE = canonical.decode(RECORDING.preamble.body[64:], Preamble)
PAGE = (Path(__file__).parents[2] / "docs" / "receipt.md").read_text(encoding="utf-8")
ASKED = replace(TERMS, everyone_asked=True)


def ended(events: Sequence[str], ended: str = "stop", keybox: bool = True) -> bytes:
    """The body of a manifest with these events, a second apart."""
    told = [Event(0, WALL_MS + 1_000 * at, name) for at, name in enumerate(events)]
    if ended == "refused":
        no_ms = next((event.wall_ms for event in told if event.name == "refused"), moment(9).wall_ms)
        body = RECORDING.preamble.body
        record = refusal(ROOM.key, body, told=events, no_ms=no_ms, moment=moment(9), boot=BOOT)
    else:
        record = Ledger(RECORDING.preamble.body).manifest(
            ROOM.key,
            ended="stop",
            events=told,
            moment=moment(9),
            boot=BOOT,
            keybox_body=RECORDING.keybox.body if keybox else None,
        )
    return layout.parse_record(record)[1]


def receipt(manifest: bytes, terms: consent.Terms = TERMS, heard: str = "") -> ConsentReceipt:
    return check_receipt(ROOM.public_key, issue(ROOM.key, PREAMBLE, manifest, terms, bytes(32), heard))


@pytest.mark.parametrize(
    ("events", "end", "state", "second", "present"),
    [
        (["notice_given", "recording", "stop"], "stop", "notice_given", 0, 0),
        (["notice_given", "yes", "yes", "recording", "stop"], "stop", "given", 2, 2),
        (["notice_given", "yes", "stop"], "stop", "given", 1, 1),
        (["notice_given", "no_answer"], "stop", "expired", 1, 0),
        (["notice_given", "stop"], "stop", "notice_given", 0, 0),
        (["stop"], "stop", "not_asked", None, 0),
        (["refused"], "refused", "refused", 0, None),
        (["notice_given", "refused"], "refused", "refused", 1, None),
        (["notice_given", "yes", "yes", "refused"], "refused", "refused", 3, None),
        ([], "refused", "refused", 9, None),
    ],
)
def test_the_state_is_what_the_buttons_said(
    events: list[str], end: str, state: str, second: int | None, present: int | None
) -> None:
    """R3. A no that was not written down before the power went is told as of when it was carried out.

    Who says no may have said yes before, or not: of a refusal nobody can tell how many were there.
    """
    told = receipt(ended(events, end), ASKED)
    assert told.state == state
    event = told.pii_processing.purposes[0].event
    assert event.event_time == (None if second is None else WALL_MS + 1_000 * second)
    assert (told.answers.yes, told.answers.no) == (events.count("yes"), int(end == "refused"))
    assert told.present == present
    assert receipt(ended(events, end)).present is None, "where nobody is asked nobody is counted"


@pytest.mark.parametrize(
    ("events", "end", "announced"),
    [
        (["notice_given", "recording", "stop"], "stop", True),
        (["notice_given", "refused"], "refused", True),
        (["refused"], "refused", False),
        (["stop"], "stop", False),
        ([], "refused", None),
    ],
)
def test_it_tells_whether_anything_was_announced(events: list[str], end: str, announced: bool | None) -> None:
    """Without it nothing was recorded. A room that lost what it had noted says neither."""
    assert receipt(ended(events, end)).announced is announced


@pytest.mark.parametrize(
    ("events", "heard", "notice"),
    [
        (["notice_given", "notice_spoken"], "ab" * 32, "ab" * 32),
        (["notice_given"], "ab" * 32, None),
        (["notice_given", "notice_spoken"], "", None),
        (["notice_given"], "", None),
    ],
)
@pytest.mark.parametrize("end", ["stop", "refused"])
def test_no_notice_is_signed_that_was_not_heard_to_its_end(
    events: list[str], heard: str, notice: str | None, end: str
) -> None:
    assert receipt(ended(events, end), heard=heard).pii_processing.privacy_notice == notice


def test_where_nobody_was_asked_a_question_that_nobody_answered_takes_nothing_back() -> None:
    """The room asked whether anybody was there, and ended."""
    assert receipt(ended(["notice_given", "recording", "prompt", "no_answer"])).state == "notice_given"


def test_training_is_off_whatever_was_said_and_has_its_own_basis() -> None:
    for events in (["notice_given", "yes"], ["notice_given"]):
        evidence, training = receipt(ended(events), ASKED).pii_processing.purposes
        assert (training.event.event_state, training.event.event_time) == ("not_asked", None)
        assert (evidence.lawful_basis, training.lawful_basis) == ("public_task", "consent")
        assert (evidence.retention_period, training.retention_period) == ("P126D", "P180D")


def test_a_kept_recording_is_named_with_its_days() -> None:
    told = receipt(ended(["notice_given"]))
    assert (told.outcome, told.complete, told.recording) == ("kept", True, RECORDING.id)
    assert told.grace_until is None, "the power went before it was noted"
    told = receipt(ended(["notice_given", "recording", "stop", "grace_over"]))
    assert (told.outcome, told.grace_until, told.wall_ms) == ("kept", WALL_MS + 3_000, moment(9).wall_ms)
    assert told.delete_after == PREAMBLE.wall_ms + 126 * consent.DAY_MS
    assert told.record_id == f"room-1/{PREAMBLE.sequence}"


def test_without_a_key_nobody_can_ever_listen() -> None:
    told = receipt(ended(["notice_given", "grace_over"], keybox=False))
    assert (told.outcome, told.recording, told.grace_until) == ("lost", RECORDING.id, None)
    assert told.complete is None


@pytest.mark.parametrize("gap", [False, True])
@pytest.mark.parametrize("end", ["stop", "limit", "fault", "power_loss"])
def test_a_fragment_is_called_one(end: str, gap: bool) -> None:
    """Promise 7: a client can see that not all of the meeting is there."""
    manifest = canonical.decode(ended([])[64:], Manifest)
    gaps = (Missing(960, 48_000, GapCause.UNPLUGGED),) if gap else ()
    changed_text = canonical.encode(msgspec.structs.replace(manifest, ended=end, gaps=gaps))
    told = receipt(canonical.signed(DOMAIN_MANIFEST, ROOM.key, changed_text))
    assert told.complete is (end in ("stop", "limit") and not gap)


def test_a_refusal_tells_nothing_of_what_it_erased() -> None:
    """R7. Every number in it is the no's, a count of presses, or the device's own."""
    told = receipt(ended(["notice_given", "yes", "refused"], "refused"), ASKED)
    assert (told.outcome, told.recording, told.delete_after, told.grace_until) == ("refused", None, None, None)
    text = canonical.encode(told).decode()
    assert RECORDING.id not in text
    numbers = {int(each) for each in re.findall(r"(?<![\w\"-])\d+(?![\w\"-])", text)}
    assert numbers == {1, PREAMBLE.sequence, WALL_MS + 2_000, moment(9).wall_ms}


def test_a_clock_far_in_the_future_does_not_keep_a_room_from_its_receipt() -> None:
    late = msgspec.structs.replace(PREAMBLE, wall_ms=INTEGER_MAX)
    told = check_receipt(ROOM.public_key, issue(ROOM.key, late, ended([]), TERMS, bytes(32)))
    assert told.delete_after == INTEGER_MAX


def test_it_is_written_the_same_again() -> None:
    manifest = ended(["notice_given"])
    assert len({issue(ROOM.key, PREAMBLE, manifest, TERMS, bytes(32)) for _ in range(3)}) == 1


def changed(path: Sequence[str | int], value: object) -> bytes:
    """A receipt of a kept recording, signed, with this value in it, whatever its type would say."""
    told: Any = json.loads(canonical.encode(receipt(ended(["notice_given", "grace_over"]))))
    at = told
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    text = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    return canonical.signed(consent.DOMAIN_RECEIPT, ROOM.key, text)


def test_a_receipt_that_was_not_changed_is_taken() -> None:
    assert check_receipt(ROOM.public_key, changed(["synced"], True)).outcome == "kept"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["schema_version"], "wederhoor-consent-2"),
        (["record_id"], "room-1/99"),
        (["receipt_id"], "room-2/1"),
        (["pii_principal_id"], "J. Jansen"),
        (["pii_processing", "purposes", 0, "purpose"], "training"),
        (["pii_processing", "purposes", 0, "event", "entity_id"], "J. Jansen"),
        (["pii_processing", "purposes", 0, "event", "event_state"], "refused"),
        (["pii_processing", "purposes", 0, "event", "event_state"], "not_asked"),
        (["pii_processing", "purposes", 0, "event", "event_time"], None),
        (["pii_processing", "purposes", 1, "event", "event_state"], "given"),
        (
            ["pii_processing", "purposes", 1, "event"],
            {
                "entity_id": None,
                "event_state": "given",
                "event_time": 1,
                "event_type": "expressed",
                "validity_duration": "P1D",
            },
        ),
        (["pii_processing", "purposes"], []),
        (["pii_processing", "purposes", 0, "lawful_basis"], "habit"),
        (["pii_processing", "privacy_notice"], ""),
        (["party_identification", 0, "party_name"], ""),
        (["channel"], "telephone"),
        (["recording"], None),
        (["delete_after"], None),
        (["outcome"], "refused"),
        (["outcome"], "lost"),
        (["complete"], None),
        (["complete"], "mostly"),
        (["answers", "no"], 1),
        (["announced"], 1),
        (["present"], -1),
        (["previous"], "00"),
        (["length_ms"], 1),
    ],
    ids=lambda each: ".".join(map(str, each)) if isinstance(each, list) else None,
)
def test_what_a_receipt_may_not_say_is_refused_though_it_is_signed(path: list[str | int], value: object) -> None:
    with pytest.raises(WireError, match="the consent receipt"):
        check_receipt(ROOM.public_key, changed(path, value))


@given(st.data())
def test_not_one_changed_byte_is_authentic(data: st.DataObject) -> None:
    body = bytearray(issue(ROOM.key, PREAMBLE, ended(["notice_given"]), TERMS, bytes(32)))
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WireError):
        check_receipt(ROOM.public_key, bytes(body))


def test_a_manifests_signature_is_worth_nothing_on_a_receipt() -> None:
    text = issue(ROOM.key, PREAMBLE, ended([]), TERMS, bytes(32))[64:]
    with pytest.raises(WireError):
        check_receipt(ROOM.public_key, canonical.signed(layout.DOMAIN_MANIFEST, ROOM.key, text))


@given(
    events=st.lists(st.sampled_from(["yes", "notice_given", "recording", "mark", "no_answer", "refused", "stop"])),
    end=st.sampled_from(["stop", "refused"]),
    keybox=st.booleans(),
    asked=st.booleans(),
)
def test_whatever_happens_there_is_a_receipt_that_its_reader_takes(
    events: list[str], end: str, keybox: bool, asked: bool
) -> None:
    told = receipt(ended(events, end, keybox), replace(TERMS, everyone_asked=asked))
    assert (told.outcome == "refused") == (end == "refused") == (told.recording is None)
    assert (told.state == "given") == (end != "refused" and "yes" in events)


def test_terms_that_no_receipt_may_carry_are_not_signed() -> None:
    with pytest.raises(SignedTextError):
        issue(ROOM.key, PREAMBLE, ended([]), replace(TERMS, controller="Súdwest-Fryslân"), bytes(32))


def test_its_record_is_parsed_as_it_was_printed() -> None:
    body = issue(ROOM.key, PREAMBLE, ended([]), TERMS, bytes(32))
    record = records.record(Beside.RECEIPT, body)
    assert record[0] == 5
    assert records.parse_record(record) == (Beside.RECEIPT, body)
    assert records.parse_record(RECORDING.preamble.record) == (layout.RecordType.PREAMBLE, RECORDING.preamble.body)
    with pytest.raises(SealedError, match="no record of type 5"):
        layout.parse_record(record)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x05",
        b"\x05\0\0\0",
        b"\x05\0\0\0\x02a",
        b"\x05\0\0\0\x01ab",
        b"\x05\0\1\0\0" + bytes(65_536),
        b"\x06\0\0\0\0",
    ],
)
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(SealedError):
        records.parse_record(data)


def test_a_receipt_over_its_bound_is_not_made() -> None:
    with pytest.raises(SealedError, match="over 16384"):
        records.record(Beside.RECEIPT, bytes(records.RECEIPT_BODY_BYTES_MAX + 1))


def test_whoever_has_the_page_can_read_it_without_this_program() -> None:
    """By the page alone: its bytes, its signature, and what ties it to the recording and to the receipt before it."""
    first = records.record(Beside.RECEIPT, issue(ROOM.key, PREAMBLE, ended([]), TERMS, bytes(32)))
    manifest = ended(["yes"])
    second = records.record(
        Beside.RECEIPT, issue(ROOM.key, PREAMBLE, manifest, ASKED, hashlib.sha256(first[5:]).digest())
    )
    told = []
    for record in (first, second):
        assert (record[0], int.from_bytes(record[1:5], "big")) == (0x05, len(record) - 5)
        signature, text = record[5:69], record[69:]
        ROOM.public_key.verify(signature, b"wederhoor/1 consent receipt\0" + text)
        told.append(json.loads(text))
        assert json.dumps(told[-1], sort_keys=True, separators=(",", ":")).encode() == text
    assert told[0]["previous"] == "00" * 32
    assert told[1]["previous"] == hashlib.sha256(first[5:]).hexdigest()
    assert told[1]["manifest"] == hashlib.sha256(manifest).hexdigest()
    assert told[1]["pii_processing"]["purposes"][0]["event"]["event_state"] == "given"


def test_the_page_tells_every_field_every_state_and_the_bound() -> None:
    told = set(re.findall(r"`([a-z_]+)`", PAGE))
    structs = [ConsentReceipt, consent.PiiProcessing, consent.Purpose, consent.ConsentEvent, consent.Party]
    for struct in structs:
        assert set(struct.__struct_fields__) <= told, struct
    states = re.findall(
        r"^\| `(\w+)` \|", PAGE.partition("| `event_state` | of `evidence`")[2].partition("\n\n")[0], re.MULTILINE
    )
    assert {*states, "withdrawn"} == set(get_args(EventState))
    assert f"body at most {records.RECEIPT_BODY_BYTES_MAX:,} bytes" in PAGE
    assert consent.DOMAIN_RECEIPT.decode().removesuffix("\0") in PAGE

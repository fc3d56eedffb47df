"""The audit trail (A1): whatever is changed in it shows, to who has it and to who has one old checkpoint."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive import audit
from recorder.archive.audit import BEGINNING, Entry, Line, Place
from recorder.errors import AuditError

KEY = Ed25519PrivateKey.from_private_bytes(bytes([3]) * 32)
SALT = bytes(range(16))
PUBLISHED_MS = 1_700_000_001_000
WORDS = "zaak 2026-17: bezwaar, «waarom»".encode()


def entry(number: int, details: bytes | None = None, **changes: object) -> Entry:
    hashed = None if details is None else audit.hash_details(details, SALT).hex()
    values = {
        "number": number,
        "wall_ms": 1_700_000_000_000 + number,
        "person": "account-7",
        "role": "listener",
        "action": "hear",
        "purpose": "objection",
        "recording": "5f" * 16,
        "device": "room-1",
        "result": "done",
        "details": hashed,
    }
    return Entry(**(values | changes))


def chain(count: int, **changes: object) -> list[Line]:
    lines, place = [], BEGINNING
    for number in range(1, count + 1):
        details = WORDS if number % 2 else None
        line = audit.write(place, entry(number, details, **changes), details, SALT if details else None)
        lines.append(line)
        place = Place(number, line.hash)
    return lines


def places(lines: Sequence[Line], before: Place = BEGINNING) -> list[Place]:
    return [place for place, _ in audit.check(lines, before)]


def checkpoint(lines: Sequence[Line], number: int) -> audit.Checkpoint:
    place = places(lines)[number - 1]
    return audit.open_checkpoint(KEY.public_key(), audit.sign(KEY, "archive", place, PUBLISHED_MS))


LINES = chain(6)


def test_what_was_written_is_read() -> None:
    read = [found for _, found in audit.check(LINES)]
    assert [each.number for each in read] == [1, 2, 3, 4, 5, 6]
    assert read[0] == entry(1, WORDS)
    assert WORDS not in b"".join(line.text for line in LINES)


@given(st.data())
def test_any_change_shows(data: st.DataObject) -> None:
    lines = list(LINES)
    at = data.draw(st.integers(0, 5))
    where = data.draw(st.sampled_from(["text", "hash", *(["details", "salt"] if lines[at].details else [])]))
    value = bytearray(getattr(lines[at], where))
    spot, flip = data.draw(st.integers(0, len(value) - 1)), data.draw(st.integers(1, 255))
    value[spot] ^= flip
    lines[at] = replace(lines[at], **{where: bytes(value)})
    with pytest.raises(AuditError, match=f"line {at + 1} of the audit trail"):
        places(lines)


@given(st.permutations(range(6)), st.integers(0, 6))
def test_any_other_order_and_any_line_that_is_missing_shows(order: list[int], left: int) -> None:
    lines = [LINES[at] for at in order[:left]]
    if order[:left] == list(range(left)):
        assert len(places(lines)) == left  # the end may be missing: that is what checkpoints are for
        return
    with pytest.raises(AuditError, match="is missing"):
        places(lines)


def test_a_past_that_was_rewritten_with_care_shows_to_who_has_a_checkpoint() -> None:
    other = chain(6, person="account-8")
    assert len(places(other)) == 6  # in itself it is sound
    for number in range(1, 7):
        with pytest.raises(AuditError, match=f"rewritten: line {number} is not the one that was published"):
            audit.agree([BEGINNING, *places(other)], [checkpoint(LINES, number)], kept_from_ms=0)
    audit.agree([BEGINNING, *places(LINES)], [checkpoint(LINES, number) for number in range(1, 7)], kept_from_ms=0)


def test_an_end_that_was_cut_off_shows_to_who_has_a_checkpoint() -> None:
    with pytest.raises(AuditError, match="tells of 6 lines, and the audit trail ends with 5"):
        audit.agree(places(LINES[:5]), [checkpoint(LINES, 6)], kept_from_ms=0)
    with pytest.raises(AuditError, match="tells of 6 lines, and the audit trail ends with 0"):
        audit.agree([BEGINNING], [checkpoint(LINES, 6)], kept_from_ms=0)


def test_details_may_be_deleted_and_the_chain_stays() -> None:
    bare = [replace(line, details=None, salt=None) for line in LINES]
    assert places(bare) == places(LINES)


def test_the_oldest_lines_may_go_and_the_rest_still_agrees() -> None:
    before = places(LINES)[2]
    rest = LINES[3:]
    assert places(rest, before) == places(LINES)[3:]
    audit.agree(
        [before, *places(rest, before)], [checkpoint(LINES, number) for number in (1, 3, 6)], kept_from_ms=PUBLISHED_MS
    )
    with pytest.raises(AuditError, match="line 4 of the audit trail was altered, or one before it"):
        places(rest, replace(before, hash=bytes(32)))


def test_a_beginning_that_was_cut_off_shows_to_who_has_a_checkpoint() -> None:
    rest = places(LINES)[2:]  # the third is what they follow
    for numbers, kept_from_ms in (((1, 2, 4, 6), PUBLISHED_MS), ((1, 3, 6), PUBLISHED_MS - 1)):
        with pytest.raises(AuditError, match="begins behind line 3, and no checkpoint tells that this is old enough"):
            audit.agree(rest, [checkpoint(LINES, number) for number in numbers], kept_from_ms=kept_from_ms)


def test_details_cannot_be_told_by_trying() -> None:
    other = bytes(16)
    assert audit.hash_details(WORDS, SALT) != audit.hash_details(WORDS, other)
    for details, salt in ((WORDS, None), (None, SALT), (WORDS, SALT[:-1]), (b"other words", SALT)):
        with pytest.raises(AuditError, match="line 1 of the audit trail: "):
            audit.write(BEGINNING, entry(1, WORDS), details, salt)
    with pytest.raises(AuditError, match="go together"):
        audit.write(BEGINNING, entry(1), WORDS, SALT)


def test_a_line_has_the_next_number() -> None:
    with pytest.raises(AuditError, match="line 3 cannot follow line 0"):
        audit.write(BEGINNING, entry(3))


@given(st.binary(max_size=200))
def test_a_checkpoint_is_this_archives_or_none(noise: bytes) -> None:
    with pytest.raises(AuditError):
        audit.open_checkpoint(KEY.public_key(), noise)
    body = audit.sign(Ed25519PrivateKey.generate(), "archive", BEGINNING, 0)
    with pytest.raises(AuditError, match="not this key's"):
        audit.open_checkpoint(KEY.public_key(), body)


def test_hashes_are_those_of_the_page() -> None:
    """Bound to the bytes that the module's first lines say, not to its code."""
    before = bytes(32)
    for line in LINES:
        before = sha256(b"wederhoor/1 audit\0" + before + line.text).digest()
        assert line.hash == before

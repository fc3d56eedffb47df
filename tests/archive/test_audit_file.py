"""The audit trail in a file, and a checkpoint as a word: what was written is read, and anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive import audit, audit_file
from recorder.archive.audit import BEGINNING
from recorder.errors import AuditError
from tests.archive.test_audit import KEY, LINES, PUBLISHED_MS, places

FILE = list(audit_file.write("archive", BEGINNING, list(enumerate(LINES, start=1))))


def test_what_was_written_is_read() -> None:
    before, lines = audit_file.read(FILE)
    assert (before, list(lines)) == (BEGINNING, LINES)


@given(st.binary(max_size=200), st.integers(0, len(FILE)))
def test_anything_else_is_refused(noise: bytes, at: int) -> None:
    with pytest.raises(AuditError, match=f"line {at + 1} of the file"):
        _before, lines = audit_file.read([*FILE[:at], noise, *FILE[at:]])
        list(lines)


def test_a_line_without_end_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(AuditError, match="line 1 of the file is too long"):
        audit_file.read([b'"' + b"x" * audit_file.LINE_BYTES_MAX + b'"'])


@given(st.binary(max_size=300))
def test_a_checkpoint_is_one_word(body: bytes) -> None:
    word = audit_file.publish(body)
    assert audit_file.published(f"  {word[:20]}\n{word[20:]} ") == body
    assert word.isascii()
    assert not set(word) & set(" \n")


@pytest.mark.parametrize("text", ["", "wederhoor", "wederhoor-audit:%%%", "wederhoor-audit:abc", "x" * 3_000])
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(AuditError, match="checkpoint"):
        audit_file.published(text)


def test_a_whole_trail_is_checked_against_what_was_published() -> None:
    known = places(LINES)
    told = [
        audit.open_checkpoint(KEY.public_key(), audit.sign(KEY, "archive", known[at], PUBLISHED_MS)) for at in (1, 4)
    ]
    assert audit.check_all(LINES, BEGINNING, told, kept_from_ms=0) == known[-1]
    assert audit.check_all(LINES[2:], known[1], told, kept_from_ms=PUBLISHED_MS) == known[-1]
    with pytest.raises(AuditError, match="begins behind line 2"):
        audit.check_all(LINES[2:], known[1], told, kept_from_ms=0)
    with pytest.raises(AuditError, match="tells of 5 lines, and the audit trail ends with 4"):
        audit.check_all(LINES[:4], BEGINNING, told, kept_from_ms=0)
    with pytest.raises(AuditError, match="ends with 0"):
        audit.check_all([], BEGINNING, told, kept_from_ms=0)

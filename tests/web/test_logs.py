"""The log of the pages: a line a thing, whatever a visitor sends."""

import logging

import pytest

from recorder.archive.web.logs import OneLine


def told(level: int, message: str) -> str:
    trouble = PermissionError("not for you")
    raised = (PermissionError, trouble, None)
    record = logging.LogRecord("django.request", level, "", 0, message, (), raised)
    return OneLine("%(levelname)s %(message)s").format(record)


@pytest.mark.parametrize("sent", ["/a\nERROR forged", "/a\r\nb", "/\x1b[31m", "/\u2028"])
def test_who_asks_for_a_strange_address_writes_no_lines_of_their_own(sent: str) -> None:
    assert len(told(logging.WARNING, sent).splitlines()) == 1
    assert told(logging.WARNING, sent).isprintable()


def test_where_it_was_in_the_program_stands_behind_an_error_alone() -> None:
    assert told(logging.WARNING, "Forbidden") == "WARNING Forbidden"
    assert "not for you" in told(logging.ERROR, "Broken")

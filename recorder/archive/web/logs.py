"""The log: whatever a visitor sends, a line stays a line."""

import logging
from copy import copy


class OneLine(logging.Formatter):
    """Control characters are written as escapes: who asks for a strange address writes no lines of their own.

    Where in the program it was stands behind an error alone: that somebody may not do something is none.
    """

    def format(self, record: logging.LogRecord) -> str:
        if record.levelno < logging.ERROR:
            record = copy(record)
            record.exc_info = record.exc_text = None
        text = super().format(record)
        head, *rest = text.split("\n") if record.exc_info else [text]
        return "\n".join([_plain(head), *(_plain(each) for each in rest)])


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)

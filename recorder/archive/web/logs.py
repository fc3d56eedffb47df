"""The log: whatever a visitor sends, a line stays a line."""

import logging


class OneLine(logging.Formatter):
    """Control characters are written as escapes: who asks for a strange address writes no lines of their own."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        head, *rest = text.split("\n") if record.exc_info else [text]
        return "\n".join([_plain(head), *(_plain(each) for each in rest)])


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)

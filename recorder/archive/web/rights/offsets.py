"""Places in a recording, as people type them: h:mm:ss. How they are shown: `times.offset`."""

import re

_OFFSET = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,2}):)?(\d{1,2})(?:[.,](\d{1,3}))?", re.ASCII)


def parse(text: str) -> int | None:
    """Milliseconds; None if it is no such place. Minutes and seconds are under 60 where something stands before them."""
    match = _OFFSET.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds, part = match.groups()
    if int(seconds) > 59 or int(minutes or 0) > 59:
        return None
    whole = int(hours or 0) * 3_600 + int(minutes or 0) * 60 + int(seconds)
    return whole * 1_000 + int((part or "").ljust(3, "0"))

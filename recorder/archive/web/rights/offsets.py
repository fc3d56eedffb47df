"""Places in a recording, as a player shows them and people type them: h:mm:ss."""

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


def show(offset_ms: int) -> str:
    """`h:mm:ss`, and the part of a second if there is one."""
    seconds, part = divmod(offset_ms, 1_000)
    text = f"{seconds // 3_600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{part:03}".rstrip("0") if part else text

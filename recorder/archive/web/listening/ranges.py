"""Which bytes a player asks for (RFC 9110, section 14). Pure: a header and a size go in.

One range is answered, with `bytes_max` of it at most: what is not answered is not unsealed, and whoever wants more asks again.
A header that this does not understand is as none, as the RFC wants it; without one the beginning is given.
"""

import re

_ONE = re.compile(r"(\d*)-(\d*)", re.ASCII)


def wanted(header: str, size: int, bytes_max: int) -> tuple[int, int] | None:
    """From where to before where, of a file of so many bytes; None if nothing that was asked for is there."""
    unit, _, ranges = header.partition("=")
    match = _ONE.fullmatch(ranges) if unit.lower() == "bytes" else None
    if match is None or not any(match.groups()):
        return 0, min(size, bytes_max)
    first, last = (_capped(each, size) for each in match.groups())
    if first is None:
        assert last is not None
        start, stop = max(0, size - last), size
    elif last is not None and _is_less(match[2], match[1]):
        return 0, min(size, bytes_max)
    else:
        start, stop = first, size if last is None else min(last + 1, size)
    return (start, min(stop, start + bytes_max)) if start < stop else None


def _capped(digits: str, size: int) -> int | None:
    """The number, or `size` if it is larger: Python refuses to read those of thousands of digits."""
    if not digits:
        return None
    digits = digits.lstrip("0") or "0"
    return size if len(digits) > len(str(size)) else min(int(digits), size)


def _is_less(digits: str, others: str) -> bool:
    """Whether one number is below another, of however many digits."""
    one, other = digits.lstrip("0"), others.lstrip("0")
    return (len(one), one) < (len(other), other)

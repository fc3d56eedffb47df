"""Times as people read them: the archive counts Unix milliseconds."""

from datetime import date, datetime, time

from django.utils import timezone
from django.utils.dates import MONTHS


def moment(unix_ms: int) -> datetime:
    """In the pages' time zone."""
    return datetime.fromtimestamp(unix_ms / 1_000, timezone.get_current_timezone())


def noon_ms(of: date) -> int:
    """What stands for a day that somebody named: the same day wherever the clock is near it."""
    return int(timezone.make_aware(datetime.combine(of, time(12))).timestamp() * 1_000)


def begin_ms(of: date) -> int:
    """When a day begins."""
    return int(timezone.make_aware(datetime.combine(of, time())).timestamp() * 1_000)


def day(unix_ms: int) -> str:
    return in_words(moment(unix_ms))


def minute(unix_ms: int) -> str:
    at = moment(unix_ms)
    return f"{in_words(at)} {at:%H:%M}"


def in_words(at: date) -> str:
    """As Django's "j F Y", which is many times slower: a list has hundreds."""
    return f"{at.day} {MONTHS[at.month]} {at.year}"


def offset(offset_ms: int) -> str:
    """A place in a recording: `h:mm:ss`, and the part of a second if there is one."""
    seconds, part = divmod(offset_ms, 1_000)
    text = f"{seconds // 3_600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{part:03}".rstrip("0") if part else text


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, as a player shows them."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"

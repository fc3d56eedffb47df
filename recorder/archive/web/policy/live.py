"""What counts now.

A request goes by one version from its beginning to its end, which is read once: a page asks for it at many places. Whoever
asks outside of one (a program, or an answer that is still being sent) reads it each time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings

from recorder.archive.web.policy.decided import Decided, lacking
from recorder.archive.web.policy.models import State, Version

_held: ContextVar[list[Version | None] | None] = ContextVar("held", default=None)
"""Empty until it was read; None where nothing is held."""


@contextmanager
def held() -> Iterator[None]:
    """Read it once at most, from here to the end of the block."""
    token = _held.set([])
    try:
        yield
    finally:
        _held.reset(token)


def live_version() -> Version | None:
    """None of a new archive."""
    found = _held.get()
    if found is None:
        return _read()
    if not found:
        found.append(_read())
    return found[0]


def _read() -> Version | None:
    return Version.objects.filter(state=State.LIVE).first()


def live() -> Decided:
    """What counts; of a new archive what stands there by default, which is not enough to begin with."""
    version = live_version()
    return Decided() if version is None else version.decided


def lacks() -> list[str]:
    """The names of what must still be decided before anybody may hear anything."""
    return lacking(live(), settings.CONFIG.archive.retention_days)


def in_use() -> bool:
    """Whether everything is decided that must be (AVG 35, 36; article 27 of the law on works councils; A3).

    Until then recordings are taken in, kept and erased in time, and nobody is given one.
    """
    return not lacks()

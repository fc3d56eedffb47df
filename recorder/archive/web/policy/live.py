"""What counts now."""

from django.conf import settings

from recorder.archive.web.policy.decided import Decided, lacking
from recorder.archive.web.policy.models import State, Version


def live_version() -> Version | None:
    """None of a new archive."""
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

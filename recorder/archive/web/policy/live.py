"""What counts now."""

from django.conf import settings

from recorder.archive.web.policy.decided import Decided, lacking
from recorder.archive.web.policy.models import State, Version


def live() -> Decided:
    """The version that counts; of a new archive what stands there by default, which is not enough to begin with."""
    text = Version.objects.filter(state=State.LIVE).values_list("text", flat=True).first()
    return Decided() if text is None else Version(text=text).decided


def lacks() -> list[str]:
    """What must still be decided before anybody may hear anything."""
    return lacking(live(), settings.CONFIG.archive.retention_days)


def in_use() -> bool:
    """Whether everything is decided that must be (AVG 35, 36; article 27 of the law on works councils; A3).

    Until then recordings are taken in, kept and erased in time, and nobody is given one.
    """
    return not lacks()

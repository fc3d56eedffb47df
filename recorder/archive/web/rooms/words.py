"""What people read of a room: what is wrong, and what to do about it."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from recorder.archive.rooms import OTHER_FAULT
from recorder.meeting.fault import Fault

_FAULTS = {fault.name.lower(): fault for fault in Fault}
OTHER = _("A fault that this version does not know. Look at the room's own light, and bring the archive up to date.")
TROUBLES: Mapping[str, Promise] = {
    "silent": _("It says nothing. Has it power and network?"),
    "never": _("It has never said anything. Is it switched on, and is its card that of this room?"),
    "rejected": _("The archive does not take all that it sends. The log of the intake says why."),
    "behind": _("Something has waited in the room for four hours. Is its network too slow, or the intake down?"),
    "spool": _("Its card is nearly full. Restore its connection to the archive."),
    "certificate": _("Its certificate ends soon, or has ended. Have the authority renew it."),
}
FAILED: Mapping[str, Promise] = {
    "missed": _("start was pressed, and nothing could be recorded"),
    "fault": _("broken off by a fault"),
    "power_loss": _("broken off when the power went"),
    "lost": _("recorded, and nobody can listen: the key was lost"),
}
KINDS: Mapping[str, Promise] = {
    "heard": _("heard all day"),
    "part": _("silent for some hours"),
    "silent": _("silent all day"),
    "unknown": _("nobody watched"),
}
MARKED = _("a fault on that day")


def fault_word(name: str) -> str:
    """What docs/room.md says of this fault."""
    if name == OTHER_FAULT:
        return str(OTHER)
    return _FAULTS[name].words("nl" if get_language() == "nl" else "en")

"""What people read of a line of the trail."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

RESULTS: Mapping[str, Promise] = {
    "done": _("done"),
    "refused": _("refused"),
    "failed": _("failed"),
}
DETAILS: Mapping[str, Promise] = {
    "case": _("Case"),
    "reason": _("Reason"),
    "day": _("Day"),
    "version": _("Version"),
    "why": _("Why"),
    "answer": _("Answer"),
    "found": _("Found"),
    "lines": _("Lines"),
    "person": _("Person"),
    "action": _("What was done"),
    "recording": _("Recording"),
    "recordings": _("Recordings"),
    "room": _("Room"),
    "result": _("With what result"),
    "since": _("From"),
    "until": _("Until"),
}
"""The names that stand in `details`; one that is not here is shown as it is."""
STATES: Mapping[str, Promise] = {
    "kept": _("kept"),
    "open": _("not yet whole"),
    "refused": _("refused: nothing is there"),
    "deleted": _("deleted"),
    "unknown": _("not known here"),
}
"""Of a recording, in the report of a breach."""

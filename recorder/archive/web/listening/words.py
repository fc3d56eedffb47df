"""What people read when something cannot be heard."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WHY_NOT: Mapping[str, Promise] = {
    "away": _("The reading room does not answer, so that nothing can be heard now. Tell your IT department."),
    "over": _("Your time to listen is over. Ask again, and say what for."),
    "gone": _("The recording is not there any more."),
    "forbidden": _("Your role does not allow this any more."),
    "not_in_use": _("The recorder is not yet in use: nobody can listen."),
    "disputed": _("A colleague disputes that this was your conversation. The privacy officer decides."),
    "locked": _("The recording is locked: nobody may hear it."),
    "training": _("Recordings are not played for training. Fragments are."),
    "unreadable": _("The recording cannot be opened."),
    "unopened": _("Open the recording's page first."),
    "unknown": _("There is no such permit."),
}

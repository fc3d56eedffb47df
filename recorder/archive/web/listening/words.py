"""What people read when something cannot be heard."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WHY_NOT: Mapping[str, Promise] = {
    "away": _("The reading room does not answer, so that nothing can be heard now. Tell your IT department."),
    "over": _("Your time to listen is over. Ask again, and say what for."),
    "gone": _("The recording is not there any more."),
    "forbidden": _("Your role does not allow this any more."),
    "unconfirmed": _("A second person must confirm your account first."),
    "disputed": _("A colleague disputes that this was your conversation. The privacy officer decides."),
    "not_in_use": _("The recorder is not yet in use: nobody can listen."),
    "locked": _("The recording is locked: nobody may hear it."),
    "restricted": _("The client asked that it is not used. Only the rights desk may hear it for now."),
    "disclosure_over": _("The time of this disclosure is over. Propose it anew, and have it confirmed."),
    "undecided": _("Nobody has decided yet that this copy may be made."),
    "had_code": _("You had the client's code before the client asked for the copy. A colleague makes this one."),
    "no_training_consent": _("The client did not agree that it is used for training, or took that back."),
    "too_early": _(
        "The client can still have it erased. It is used for training when those days are over, and not before."
    ),
    "nothing": _("There is no sound in this part of the recording."),
    "fragment_gone": _("The fragment is not there any more, or was rejected."),
    "unreadable": _("The recording cannot be opened. Tell your IT department."),
    "other_key": _(
        "The reading room does not have the key of this recording. Nothing is lost. Tell your IT department: the keys were "
        "changed, and they can finish that."
    ),
    "unopened": _("Open the recording's page first."),
    "unknown": _("There is no such permit."),
}

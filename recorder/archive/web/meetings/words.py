"""What people read of a recording: what is wrong with it, what happened in it, and how people said yes."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recorder.archive.web.meetings.verified import Trouble

TROUBLES: Mapping[Trouble, Promise] = {
    Trouble.STRANGER: _(
        "The archive does not know the room any more. So it cannot check who made this. Tell your IT department."
    ),
    Trouble.UNREADABLE: _(
        "The archive cannot read it now. Try again later. If that does not help, tell your IT department."
    ),
    Trouble.ALTERED: _("Something in it is not what the room signed. It was changed, or it is of another recording."),
    Trouble.INCOMPLETE: _(
        "A part of it is missing, or stands in the wrong place. What is left may be right, but is not all."
    ),
    Trouble.UNENDED: _("Its end is not here yet. The room may still be sending it."),
    Trouble.MALFORMED: _("The room signed it, but did not make it as it should. Tell your IT department."),
    Trouble.RECEIPT: _(
        "It is whole, but its consent receipt is missing or wrong. So nobody knows what people agreed to."
    ),
}
MOMENTS: Mapping[str, Promise] = {
    "mark": _("Mark of the caseworker"),
    "prompt": _("The room asked: are you still there?"),
    "answer": _("Somebody was still there"),
    "pause": _("Pause"),
    "stall": _("Sound is missing: the microphone gave none"),
    "overflow": _("Sound is missing: the room could not keep up"),
    "unplugged": _("Sound is missing: the microphone was unplugged"),
}
EVIDENCE_OF: Mapping[str | None, Promise] = {
    "expressed": _("by pressing a button"),
    "informed": _("by the notice in the room"),
    None: _("no sign of it"),
}

"""What people read for the words of holds."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recorder.archive.web.holds.models import Kind, State

KINDS: Mapping[Kind, Promise] = {
    Kind.OBJECTION: _("an objection"),
    Kind.APPEAL: _("an appeal to the court"),
    Kind.COMPLAINT: _("a complaint"),
    Kind.OTHER: _("another claim of the client"),
}
STATES: Mapping[State, Promise] = {
    State.WAITING: _("waits for a second person"),
    State.RUNNING: _("keeps"),
    State.EXPIRED: _("over"),
    State.ENDED: _("ended by a person"),
    State.REFUSED: _("refused"),
    State.LAPSED: _("lapsed: nobody confirmed it in time"),
}
TONES: Mapping[State, str] = {State.WAITING: "warn", State.RUNNING: "good", State.LAPSED: "bad", State.REFUSED: "bad"}
"""The class of its mark; none for what is over."""
WITHOUT_CERTIFICATE: Mapping[str, Promise] = {
    "kept": _(
        "This recording is not erased: the archive still keeps it. It has a certificate after the night in which it goes. "
        "“Deletions” tells when that is, from thirty days before."
    ),
    "open": _("This recording is not erased: the archive is still receiving it. It has no certificate before it is."),
    "refused": _("Somebody refused this recording in the room: nothing of it was kept. Its receipt tells so."),
    "deleted": _(
        "This recording is being erased just now. Look again in a minute. If that does not help, ask your IT department."
    ),
    "unknown": _("The archive has no recording of this number, and no certificate. Compare it with the receipt."),
}
"""By the state of the recording."""
BEING_DELETED = _("The recording is being deleted at this moment. Nothing keeps it any more.")

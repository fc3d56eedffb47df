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
BEING_DELETED = _("The recording is being deleted at this moment. Nothing keeps it any more.")

"""What people read of training."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recorder.archive.web.training.models import Channel, State

CHANNELS: Mapping[str, Promise] = {
    Channel.PAPER.value: _("on paper, signed"),
    Channel.COUNTER.value: _("at the counter"),
}
STATES: Mapping[str, Promise] = {
    State.MAKING.value: _("being made"),
    State.WAITING.value: _("waits for approval"),
    State.APPROVED.value: _("approved"),
    State.REJECTED.value: _("rejected"),
}
TONES: Mapping[str, str] = {State.WAITING.value: "warn", State.APPROVED.value: "good", State.REJECTED.value: "bad"}

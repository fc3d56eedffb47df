"""What people read for what a program may do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recorder.archive.access import Action

CALLS: Mapping[Action, Promise] = {
    Action.LIST_UNLINKED: _("find the recordings of a room without a case"),
    Action.LINK: _("say of which case a recording is"),
    Action.DECIDE: _("tell when a case was decided"),
    Action.HOLD: _("hold the recordings of a case"),
}

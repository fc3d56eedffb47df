"""What people read for the words of the tables of the rights desk."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from recorder.archive.web.rights.kinds import Channel, Ground, Kind, State, What

KINDS: Mapping[str, Promise] = {
    Kind.ACCESS.value: _("a copy of the recording, and who listened"),
    Kind.ERASURE.value: _("erasing the recording"),
    Kind.RECTIFICATION.value: _("a correction"),
    Kind.RESTRICTION.value: _("that the recording is not used for now"),
    Kind.OBJECTION.value: _("an end to the use of the recording"),
}
CHANNELS: Mapping[str, Promise] = {
    Channel.PAGE.value: _("on the client's page"),
    Channel.LETTER.value: _("by letter"),
    Channel.COUNTER.value: _("at the counter"),
    Channel.TELEPHONE.value: _("by telephone"),
}
STATES: Mapping[str, Promise] = {
    State.OPEN.value: _("open"),
    State.EXTENDED.value: _("open, extended"),
    State.GRANTED.value: pgettext_lazy("request", "granted"),
    State.REFUSED.value: pgettext_lazy("request", "refused"),
    State.WITHDRAWN.value: pgettext_lazy("request", "taken back"),
}
PROPOSED: Mapping[str, Promise] = {
    State.GRANTED.value: _("The recording is to be erased."),
    State.REFUSED.value: _("It is to be refused: the recording stays, and may be heard again."),
    State.WITHDRAWN.value: _("The client takes it back: the recording stays, and may be heard again."),
}
HAPPENED: Mapping[str, Promise] = {
    What.CAME.value: _("The request came"),
    What.EXTENDED.value: _("Two months more, and the client is told why"),
    What.MASKED.value: _("A part is masked on the copy"),
    What.UNMASKED.value: _("A mask is taken away"),
    What.COPIED.value: _("A copy may be made"),
    What.TO_GRANT.value: _("To be granted, once a second person has looked"),
    What.TO_REFUSE.value: _("To be refused, once a second person has looked"),
    What.TO_WITHDRAW.value: _("The client takes it back, they say: a second person must look"),
    What.DECLINED.value: _("The second person said no"),
    What.GRANTED.value: _("Granted"),
    What.REFUSED.value: _("Refused"),
    What.WITHDRAWN.value: _("The client took it back"),
}
GROUNDS: Mapping[str, Promise] = {
    Ground.DUTY.value: _("a law says that we must"),
    Ground.AGREEMENT.value: _("the client agreed"),
}

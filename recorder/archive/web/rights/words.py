"""What people read for the words of the tables of the rights desk."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from recorder.archive.web.rights.kinds import Channel, Ground, Kind, Proposal, State, What

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
    State.MISENTERED.value: pgettext_lazy("request", "entered wrongly"),
}
PROPOSED: Mapping[str, Promise] = {
    Proposal.GRANTED.value: _("The recording is to be erased."),
    Proposal.REFUSED.value: _("It is to be refused: the recording stays, and may be heard again."),
    Proposal.WITHDRAWN.value: _("The client takes it back: the recording stays, and may be heard again."),
    Proposal.MISENTERED.value: _("We entered it wrongly: it does not count, and the recording may be heard again."),
    Proposal.COPY.value: _("A copy is to be made, to hand over."),
    Proposal.LIFTED.value: _("The restriction is to end: others may listen again."),
}
_LOCKED = _("Meanwhile nobody can hear the recording, and it is not deleted.")
MEANWHILE: Mapping[str, Promise] = {
    Proposal.GRANTED.value: _LOCKED,
    Proposal.REFUSED.value: _LOCKED,
    Proposal.WITHDRAWN.value: _LOCKED,
    Proposal.MISENTERED.value: _LOCKED,
    Proposal.COPY.value: _("Meanwhile no copy is made."),
    Proposal.LIFTED.value: _("Meanwhile the recording stays restricted."),
}
"""Until the second person has looked."""
QUESTIONS: Mapping[str, Promise] = {
    Proposal.COPY.value: _("Did the client ask for it, and did your colleague see that it is they? Ask how they know."),
    Proposal.LIFTED.value: _("Is the reason for it over, and was the client told? Ask your colleague how they know."),
}
"""What the second person is asked, where it is no erasure."""
HAPPENED: Mapping[str, Promise] = {
    What.CAME.value: _("The request came"),
    What.EXTENDED.value: _("Two months more, and the client is told why"),
    What.MASKED.value: _("A part is masked on the copy"),
    What.UNMASKED.value: _("A mask is taken away"),
    What.COPIED.value: _("A copy may be made"),
    What.TO_GRANT.value: _("To be granted, once a second person has looked"),
    What.TO_REFUSE.value: _("To be refused, once a second person has looked"),
    What.TO_WITHDRAW.value: _("The client takes it back, they say: a second person must look"),
    What.TO_MISENTERED.value: _("We entered it wrongly, they say: a second person must look"),
    What.TO_LIFT.value: _("The restriction is to end, once a second person has looked"),
    What.DECLINED.value: _("The second person said no"),
    What.GRANTED.value: _("Granted"),
    What.REFUSED.value: _("Refused"),
    What.WITHDRAWN.value: _("The client took it back"),
    What.MISENTERED.value: _("We had entered it wrongly"),
    What.LIFTED.value: _("The restriction has ended"),
}
GROUNDS: Mapping[str, Promise] = {
    Ground.DUTY.value: _("a law says that we must"),
    Ground.AGREEMENT.value: _("the client agreed"),
}
KEPT_BY: Mapping[str, Promise] = {
    "request": _("The client asked something, and it is not dealt with yet"),
    "copy": _("The client may get a copy, which nobody has fetched yet"),
    "decided": _("A request of the client was decided a short time ago"),
    "handed_over": _("A copy for the client was fetched a short time ago"),
    "restriction": _("The client asked that it is not used for now"),
    "lifted": _("A restriction ended a short time ago"),
}
"""What keeps a recording beyond its date, where it is no hold."""

"""What clients read: plain words, in which nobody is named."""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recorder.archive.retention import Cause
from recorder.archive.web.rights.kinds import Kind, Proposal, State
from recorder.archive.web.words import CAUSES as STAFF_CAUSES


class Ask(NamedTuple):
    """What somebody may ask for."""

    button: Promise
    what: Promise
    """What will be done, in some sentences."""
    label: Promise
    """Of the field for their words."""
    must: bool
    """Whether there is nothing to be done without these words."""


ASKS: Mapping[Kind, Ask] = {
    Kind.ACCESS: Ask(
        _("Ask for a copy"),
        _("You get the sound as an ordinary file. With it comes your receipt, and the list of who listened."),
        _("What else we should know"),
        must=False,
    ),
    Kind.ERASURE: Ask(
        _("Ask to have it erased"),
        _(
            "The recording is locked at once: nobody can listen any more. "
            "Two of our staff look at it, and see that it is you who asks."
        ),
        _("What else we should know"),
        must=False,
    ),
    Kind.RECTIFICATION: Ask(
        _("Add your own words"),
        _("Is something wrong in what was said? We put your words beside the recording. The sound stays as it is."),
        _("Your words"),
        must=True,
    ),
    Kind.RESTRICTION: Ask(
        _("Ask that nobody listens for now"),
        _("The recording stays, and nobody may listen but the people who deal with your request."),
        _("Why you ask this"),
        must=True,
    ),
    Kind.OBJECTION: Ask(
        _("Object to its use"),
        _("You say why we should not use the recording. We weigh that, and tell you what we decide."),
        _("Why you object"),
        must=True,
    ),
}
KINDS: Mapping[Kind, Promise] = {
    Kind.ACCESS: _("A copy"),
    Kind.ERASURE: _("Erasing"),
    Kind.RECTIFICATION: _("Your own words beside it"),
    Kind.RESTRICTION: _("That nobody listens for now"),
    Kind.OBJECTION: _("Your objection to its use"),
}
STANDS: Mapping[str, Promise] = {
    State.OPEN: _("We have not answered yet."),
    State.EXTENDED: _("We need more time, and have told why."),
    State.GRANTED: _("We said yes."),
    State.REFUSED: _("We said no, and have told why."),
    State.WITHDRAWN: _("It was withdrawn."),
    State.MISENTERED: _("We had entered it wrongly. So we did nothing with it."),
}
CAUSES: Mapping[Cause, Promise] = {**STAFF_CAUSES, Cause.CLIENT: _("you asked us to erase it")}
"""As the staff reads them, but for what the client did."""
CONSENT: Mapping[str, Promise] = {
    "not_asked": _("you were not asked"),
    "notice_given": _("you knew that it is recorded, and did not refuse"),
    "given": _("you said yes"),
    "refused": _("you refused"),
    "withdrawn": _("you took it back"),
    "expired": _("you did not answer"),
}
"""As `recorder.archive.web.words` tells it to the staff."""
SECOND = _("Two of our staff must look at it. Until then nobody can listen.")
"""Where one has looked: what they said of it is told when it counts."""
TAKEN_BACK: Mapping[str, Promise] = {
    Proposal.WITHDRAWN: _(
        "We said yes. Then we heard that you take it back. Two of our staff must look at that. "
        "Until then it is not erased, and nobody can listen."
    ),
    Proposal.MISENTERED: _(
        "We said yes. Then we saw that we may have entered it wrongly. Two of our staff must look at that. "
        "Until then it is not erased, and nobody can listen."
    ),
}
"""Of an erasure that was granted. If it was not the client who took it back, they must know that somebody said so."""
ENDED: Mapping[str, Promise] = {
    "fault": _("The recorder had a fault. The recording ends before the conversation did, or never began."),
    "power_loss": _("The power failed. The recording ends before the conversation did."),
}
DEVICES: Mapping[str, Promise] = {
    "signed_for": _("The recorder in the room keeps nothing of it."),
    "may_hold": _("The recorder in the room may still hold a part. Nobody can listen to that: its key is gone."),
}
BASES: Mapping[str, Promise] = {
    "consent": _("your consent"),
    "contract": _("a contract"),
    "legal_obligation": _("a legal duty"),
    "vital_interests": _("to save a life"),
    "public_task": _("a public task"),
    "legitimate_interests": _("an interest that the law allows"),
}
UNSAID: Mapping[str, Promise] = {
    "not named": _("this receipt does not say"),
    "not given": _("this receipt does not say"),
}
"""For what a room's settings leave open: their defaults stand in its receipts in English."""

"""What people read for the words of the tables: roles, purposes, states. In English here; the translations are in `locale`."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recorder.archive.access import Action, Purpose, Role
from recorder.archive.retention import Cause

ROLES: Mapping[Role, Promise] = {
    Role.CASEWORKER: _("caseworker"),
    Role.LISTENER: _("listener for objections, appeals and complaints"),
    Role.TRAINER: _("trainer"),
    Role.TRAINEE: _("trainee"),
    Role.RIGHTS_DESK: _("rights desk"),
    Role.PRIVACY_OFFICER: _("privacy officer"),
    Role.ADMINISTRATOR: _("administrator"),
    Role.CASE_SYSTEM: _("case system"),
}
LISTENERS: Mapping[Role, Promise] = {
    Role.CASEWORKER: _("a caseworker"),
    Role.LISTENER: _("somebody who handles objections, appeals and complaints"),
    Role.TRAINER: _("a trainer"),
    Role.RIGHTS_DESK: _("somebody of the rights desk"),
}
"""Who hears recordings, as a client reads it in a sentence."""
PURPOSES: Mapping[Purpose, Promise] = {
    Purpose.DECISION: _("preparing a decision"),
    Purpose.OBJECTION: _("an objection"),
    Purpose.APPEAL: _("an appeal to the court"),
    Purpose.COMPLAINT: _("a complaint"),
    Purpose.ACCESS: _("a request of somebody who was heard"),
    Purpose.TRAINING: _("training"),
}
CAUSES: Mapping[Cause, Promise] = {
    Cause.TERM: _("its term is over then"),
    Cause.DECISION: _("counted from the decision on the case"),
    Cause.CEILING: _("nothing is kept longer than this without a hold"),
    Cause.UNLINKED: _("it has no case number"),
    Cause.NO_RECEIPT: _("it has no valid consent receipt"),
    Cause.CLIENT: _("the client asked to have it erased"),
}
ENDS: Mapping[str, Promise] = {
    "stop": _("stopped in the room"),
    "limit": _("ended by the room at its time limit"),
    "fault": _("ended by the room because of a fault"),
    "power_loss": _("cut off by a power failure"),
}
CONSENT: Mapping[str, Promise] = {
    "not_asked": _("nobody was asked"),
    "notice_given": _("told that it is recorded, and did not refuse"),
    "given": _("said yes"),
    "refused": _("refused"),
    "withdrawn": _("withdrawn"),
    "expired": _("nobody answered"),
}
ACTIONS: Mapping[Action, Promise] = {
    Action.LIST_UNLINKED: _("looked at recordings without a case"),
    Action.LINK: _("named the case of a recording"),
    Action.UNLINK: _("took back the case of a recording"),
    Action.DISPUTE: _("disputed whose conversation it was"),
    Action.SETTLE_DISPUTE: _("settled whose conversation it was"),
    Action.FIND: _("looked for recordings"),
    Action.SEE: _("looked at a recording"),
    Action.HEAR: _("listened to a recording"),
    Action.ATTACH: _("added a statement"),
    Action.DECIDE: _("noted a decision"),
    Action.HOLD: _("asked to hold a recording"),
    Action.CONFIRM_HOLD: _("confirmed a hold"),
    Action.END_HOLD: _("ended a hold"),
    Action.OPEN_REQUEST: _("opened a request of a client"),
    Action.DECIDE_REQUEST: _("decided a request of a client"),
    Action.COPY: _("made a copy for a client"),
    Action.MASK: _("masked somebody on a copy"),
    Action.RESTRICT: _("restricted a recording"),
    Action.ERASE: _("entered or granted an erasure"),
    Action.CONFIRM_REQUEST: _("answered as the second person for a request"),
    Action.FLAG: _("set or lifted a standing wish not to be recorded"),
    Action.CHECK_FLAG: _("looked whether somebody does not want to be recorded"),
    Action.DISCLOSE: _("asked to give a recording to others"),
    Action.CONFIRM_DISCLOSURE: _("confirmed giving a recording to others"),
    Action.NOTE_TRAINING: _("noted what a client said of training"),
    Action.CUT: _("cut a fragment for training"),
    Action.APPROVE_FRAGMENT: _("approved a fragment"),
    Action.HEAR_FRAGMENT: _("listened to a fragment"),
    Action.SEE_ROOMS: _("looked at the rooms"),
    Action.PREVIEW_DELETIONS: _("looked at what is to be deleted"),
    Action.READ_AUDIT: _("read the audit trail"),
    Action.SET_POLICY: _("proposed what the organisation decides"),
    Action.CONFIRM_POLICY: _("answered a proposal of what the organisation decides"),
    Action.KEEP_ACCOUNTS: _("kept the accounts"),
    Action.CONFIRM_ACCOUNT: _("confirmed an account or a program"),
}
"""What somebody did, or tried to do, as a line of the audit trail says it."""

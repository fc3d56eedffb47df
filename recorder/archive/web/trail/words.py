"""What people read of a line of the trail."""

from collections.abc import Mapping
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recorder.archive.access import Action
from recorder.archive.web.api.words import CALLS
from recorder.archive.web.holds.words import KINDS as KINDS_OF_HOLDS
from recorder.archive.web.rights.kinds import Proposal, State
from recorder.archive.web.rights.words import CHANNELS, GROUNDS, KINDS
from recorder.archive.web.rights.words import STATES as STATES_OF_REQUESTS
from recorder.archive.web.times import in_words
from recorder.archive.web.words import ACTIONS, PURPOSES, ROLES

RESULTS: Mapping[str, Promise] = {
    "done": _("done"),
    "refused": _("refused"),
    "failed": _("failed"),
}
DETAILS: Mapping[str, Promise] = {
    "case": _("Case"),
    "reason": _("Reason"),
    "day": _("Day"),
    "version": _("Version"),
    "why": _("Why"),
    "answer": _("Answer"),
    "found": _("Found"),
    "lines": _("Lines"),
    "person": _("Person"),
    "action": _("What was done"),
    "recording": _("Recording"),
    "recordings": _("Recordings"),
    "room": _("Room"),
    "result": _("With what result"),
    "since": _("From"),
    "until": _("Until"),
    "account": _("Account"),
    "act": _("What was done"),
    "actions": _("What it may do"),
    "asked": _("Looked for"),
    "before": _("Before"),
    "channel": _("How it came"),
    "confirmed": _("Confirmed"),
    "disclosure": _("Disclosure"),
    "factor": _("Second step"),
    "flag": _("Do not record"),
    "fragment": _("Fragment"),
    "given_to": _("Given to"),
    "ground": _("Ground"),
    "held_for": _("What it is held for"),
    "how": _("How"),
    "kind": _("What was asked"),
    "linked_by": _("Named by"),
    "mask": _("Mask"),
    "masks": _("Masked parts"),
    "outcome": _("Outcome"),
    "proposed": _("Proposed, for a second person to confirm"),
    "purposes": _("Purposes"),
    "revoked": _("Key taken back"),
    "roles": _("Roles"),
    "roles_before": _("Roles before"),
    "rooms": _("Rooms"),
    "rooms_before": _("Rooms before"),
    "to": _("Given to"),
    "token": _("Program"),
    "what": _("Of it"),
    "where": _("Where"),
    "whom": _("Who is protected"),
    "words": _("Words"),
}
"""The names that stand in `details`; one that is not here is shown as it is."""
_MEANS: Mapping[tuple[str, str], str] = {
    (Action.HOLD.value, "kind"): "held_for",
    ("second_step", "kind"): "factor",
}
"""What a name in `details` means in a line of this action, where that is another than in all others."""
STATES: Mapping[str, Promise] = {
    "kept": _("kept"),
    "open": _("not yet whole"),
    "refused": _("refused: nothing is there"),
    "deleted": _("deleted"),
    "unknown": _("not known here"),
}
"""Of a recording, in the report of a breach."""
WHO: Mapping[str, Promise] = {
    "client": _("the client, by the code"),
    "nightly": _("the nightly run"),
    "operator": _("who keeps the machine, by a command"),
}
"""Who acts and has no account."""
DONE: Mapping[str, Promise] = {
    "delete": _("deleted a recording"),
    "sign_in": _("signed in"),
    "sign_out": _("signed out"),
    "set_password": _("chose a password"),
    "second_step": _("changed or used their own second step"),
    "confirm_erasure": _("answered as the second person for an erasure"),
}
"""What no person does, or what needs no permission, or what is called otherwise since, so that the table of actions has no word
for it: a line stays as it was written."""
_FACTORS: Mapping[str, Promise] = {
    "totp": _("the app"),
    "webauthn": _("a passkey"),
    "recovery_codes": _("recovery codes"),
}
_PROPOSALS: Mapping[str, Promise] = {
    Proposal.COPY.value: _("copy granted"),
    Proposal.LIFTED.value: _("restriction lifted"),
}
VALUES: Mapping[str, Mapping[str, Promise]] = {
    "action": {**{each.value: word for each, word in ACTIONS.items()}, **DONE},
    "act": {
        "make": _("made"),
        "roles": _("roles changed"),
        "review": _("roles looked at"),
        "invite": _("new link"),
        "deactivate": _("ended"),
        "second_factor": _("second step taken away"),
        "password": _("by who knew the old one"),
        "link": _("by a link"),
        "added": _("set up"),
        "removed": _("taken away"),
        "used": _("used"),
    },
    "answer": {
        "live": _("confirmed"),
        "dropped": _("refused"),
        "given": _("agreed to training"),
        "withdrawn": _("took that back"),
        "approved": _("approved"),
        "rejected": _("refused"),
    },
    "channel": CHANNELS,
    "confirmed": {"yes": _("yes"), "no": _("no")},
    "disclosure": {"asked": _("asked for")},
    "factor": _FACTORS,
    "flag": {"set": _("set"), "lifted": _("lifted")},
    "found": {"right": _("the link is right"), "wrong": _("the link is wrong")},
    "ground": GROUNDS,
    "held_for": {each.value: word for each, word in KINDS_OF_HOLDS.items()},
    "kind": KINDS,
    "outcome": {
        **STATES_OF_REQUESTS,
        State.EXTENDED.value: _("two months more"),
        **_PROPOSALS,
        "goes on": _("restriction goes on"),
    },
    "mask": {"set": _("set"), "taken away": _("taken away")},
    "proposed": {**STATES_OF_REQUESTS, **_PROPOSALS},
    "result": RESULTS,
    "how": {
        "ended": _("ended"),
        "refused": _("refused"),
        "lapsed": _("nobody confirmed it in time"),
        "password": _("with a password"),
        "password_totp": _("with a password and the app"),
        "password_webauthn": _("with a password and a passkey"),
        "password_recovery_codes": _("with a password and a recovery code"),
        "passkey": _("with a passkey"),
        "provider": _("at the organisation's own sign-in"),
    },
    "what": {"card": _("the card for the client")},
}
"""What people read for a value in `details`, by its name; one that is not here is shown as it is."""

_LISTS: Mapping[str, Mapping[str, Promise]] = {
    name: {each.value: word for each, word in words.items()}
    for name, words in (("roles", ROLES), ("roles_before", ROLES), ("actions", CALLS), ("purposes", PURPOSES))
}
"""Of these `details` have more than one, with spaces between."""
_DAYS = frozenset({"day", "since", "until"})


def meant(action: str, name: str) -> str:
    """By which name `DETAILS` and `value` know what stands as `name` in the details of a line of this action."""
    return _MEANS.get((action, name), name)


def value(name: str, written: str) -> str:
    """What people read of this in `details`."""
    if name in _LISTS:
        return ", ".join(str(_LISTS[name].get(each, each)) for each in written.split())
    if name in _DAYS:
        return _day(written)
    return str(VALUES.get(name, {}).get(written, written))


def _day(written: str) -> str:
    try:
        return in_words(date.fromisoformat(written))
    except ValueError:
        return written

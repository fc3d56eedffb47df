"""Who may do what, and what for: the one table of permissions. It knows no accounts, no pages and no database.

Rules:

1. What is not in TABLE is not allowed, to nobody.
2. Whoever hears a recording says what for, and has that purpose in their role (P1). A purpose stands on what those present
   agreed to: evidence or training, each a choice of its own (R4).
3. Nothing is found by the person who had the meeting: no action here lists anybody's recordings but one's own (P2).
4. What four eyes must see is two actions, and who did the first may not do the second, whatever their roles.
5. A program that acts by a token has a role like a person, no other role beside it, and no action of hearing. Its token is good
   for nothing before a second person has confirmed it.
6. Who keeps the accounts or reads the audit trail hears nothing, and who hears does neither. No one person has roles of both
   kinds, nor those of both who set the policy and who confirm it.
7. Until the organisation has decided what it must, nobody is given anything: NEEDS_POLICY.
8. Who keeps the accounts gives nobody a recording: an account that they made, widened or let in anew does until another
   person has confirmed it what stands in UNCONFIRMED, and nothing else.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Purpose(StrEnum):
    """What a recording is heard for."""

    DECISION = "decision"
    OBJECTION = "objection"
    APPEAL = "appeal"
    COMPLAINT = "complaint"
    ACCESS = "access"
    """The rights of the client, and of others who were heard: a copy, masking, a correction."""
    TRAINING = "training"


class Choice(StrEnum):
    """What those present were asked for, each by itself."""

    EVIDENCE = "evidence"
    TRAINING = "training"


class Role(StrEnum):
    CASEWORKER = "caseworker"
    LISTENER = "listener"
    """Handles objections, appeals and complaints."""
    TRAINER = "trainer"
    """Makes fragments for training."""
    TRAINEE = "trainee"
    """Hears them, and nothing else."""
    RIGHTS_DESK = "rights_desk"
    PRIVACY_OFFICER = "privacy_officer"
    ADMINISTRATOR = "administrator"
    CASE_SYSTEM = "case_system"
    """A program of the municipality, by a token."""


class Action(StrEnum):
    LIST_UNLINKED = "list_unlinked"
    """The recent recordings of one's rooms that have no case yet."""
    LINK = "link"
    """Name the case of one of these."""
    UNLINK = "unlink"
    """Give back what one has linked by mistake."""
    DISPUTE = "dispute"
    """Tell that a colleague has linked what was not theirs, in a room of one's own."""
    SETTLE_DISPUTE = "settle_dispute"
    FIND = "find"
    """By the number of a case, or of a recording."""
    SEE = "see"
    """What is known of a recording, its audio left out."""
    HEAR = "hear"
    ATTACH = "attach"
    """A statement, to be shown wherever the recording is (S4)."""
    DECIDE = "decide"
    """Tell when a case was decided, on which the deletion date depends (D1)."""
    HOLD = "hold"
    CONFIRM_HOLD = "confirm_hold"
    END_HOLD = "end_hold"
    OPEN_REQUEST = "open_request"
    DECIDE_REQUEST = "decide_request"
    COPY = "copy"
    """For the client (S2)."""
    MASK = "mask"
    """On a copy (S3)."""
    RESTRICT = "restrict"
    ERASE = "erase"
    """Enter or grant an erasure, which counts when a second person has confirmed it."""
    CONFIRM_REQUEST = "confirm_request"
    """What of a request needs two: each end of an erasure, one's grant of a copy that one has entered, a restriction's end."""
    FLAG = "flag"
    """A client's standing "do not record" (R6): set it, and lift it."""
    CHECK_FLAG = "check_flag"
    """Whether there is one, and nothing else of it."""
    DISCLOSE = "disclose"
    """To a third party (P3)."""
    CONFIRM_DISCLOSURE = "confirm_disclosure"
    NOTE_TRAINING = "note_training"
    """That a client agreed to training, or took that back (R4)."""
    CUT = "cut"
    """A fragment for training (P4)."""
    APPROVE_FRAGMENT = "approve_fragment"
    HEAR_FRAGMENT = "hear_fragment"
    SEE_ROOMS = "see_rooms"
    PREVIEW_DELETIONS = "preview_deletions"
    READ_AUDIT = "read_audit"
    SET_POLICY = "set_policy"
    CONFIRM_POLICY = "confirm_policy"
    KEEP_ACCOUNTS = "keep_accounts"
    CONFIRM_ACCOUNT = "confirm_account"
    """That what was done to an account is right, and its person is who uses it; or that a program's token is right."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Under which conditions a role may do something."""

    purposes: frozenset[Purpose] = frozenset()
    """Of which one must be named; none where there are none."""
    own: bool = False
    """Only with what this person has linked to a case, and nobody disputes."""


DISPUTES = frozenset({Purpose.OBJECTION, Purpose.APPEAL, Purpose.COMPLAINT})
_ANY = Permission()
_OWN = Permission(own=True)
_RIGHTS = Permission(frozenset({Purpose.ACCESS}))
_TRAINING = Permission(frozenset({Purpose.TRAINING}))

TABLE: Mapping[Role, Mapping[Action, Permission]] = MappingProxyType(
    {
        Role.CASEWORKER: {
            Action.LIST_UNLINKED: _ANY,
            Action.LINK: _ANY,
            Action.UNLINK: _OWN,
            Action.DISPUTE: _ANY,
            Action.CHECK_FLAG: _ANY,
            Action.SEE: _OWN,
            Action.HEAR: Permission(frozenset({Purpose.DECISION}), own=True),
            Action.ATTACH: _OWN,
            Action.DECIDE: _OWN,
            Action.HOLD: Permission(DISPUTES, own=True),
        },
        Role.LISTENER: {
            Action.FIND: _ANY,
            Action.SEE: _ANY,
            Action.HEAR: Permission(DISPUTES),
            Action.DECIDE: _ANY,
            Action.HOLD: Permission(DISPUTES),
            Action.CONFIRM_HOLD: _ANY,
            Action.END_HOLD: _ANY,
        },
        Role.TRAINER: {
            Action.FIND: _ANY,
            Action.HEAR: _TRAINING,
            Action.CUT: _TRAINING,
            Action.APPROVE_FRAGMENT: _TRAINING,
            Action.HEAR_FRAGMENT: _TRAINING,
        },
        Role.TRAINEE: {Action.HEAR_FRAGMENT: _TRAINING},
        Role.RIGHTS_DESK: {
            Action.FIND: _ANY,
            Action.SEE: _ANY,
            Action.HEAR: _RIGHTS,
            Action.ATTACH: _ANY,
            # Also for whoever needs it for a claim of their own (AVG, article 18, paragraph 1, c).
            Action.HOLD: Permission(DISPUTES | {Purpose.ACCESS}),
            Action.OPEN_REQUEST: _ANY,
            Action.DECIDE_REQUEST: _ANY,
            Action.COPY: _RIGHTS,
            Action.MASK: _RIGHTS,
            Action.RESTRICT: _ANY,
            Action.ERASE: _ANY,
            Action.CONFIRM_REQUEST: _ANY,
            Action.FLAG: _ANY,
            Action.CHECK_FLAG: _ANY,
            Action.DISCLOSE: _ANY,
            Action.NOTE_TRAINING: _ANY,
        },
        Role.PRIVACY_OFFICER: {
            Action.SEE_ROOMS: _ANY,
            Action.PREVIEW_DELETIONS: _ANY,
            Action.READ_AUDIT: _ANY,
            Action.SETTLE_DISPUTE: _ANY,
            Action.CONFIRM_HOLD: _ANY,
            Action.CONFIRM_REQUEST: _ANY,
            Action.CONFIRM_DISCLOSURE: _ANY,
            Action.CONFIRM_POLICY: _ANY,
            Action.CONFIRM_ACCOUNT: _ANY,
        },
        Role.ADMINISTRATOR: {
            Action.SEE_ROOMS: _ANY,
            Action.SET_POLICY: _ANY,
            Action.KEEP_ACCOUNTS: _ANY,
            Action.CONFIRM_ACCOUNT: _ANY,
        },
        Role.CASE_SYSTEM: {
            Action.LIST_UNLINKED: _ANY,
            Action.LINK: _ANY,
            Action.DECIDE: _ANY,
            Action.HOLD: Permission(DISPUTES),
        },
    }
)

FOUR_EYES: Mapping[Action, Action] = MappingProxyType(
    {
        Action.CONFIRM_HOLD: Action.HOLD,
        Action.CONFIRM_REQUEST: Action.DECIDE_REQUEST,
        Action.CONFIRM_DISCLOSURE: Action.DISCLOSE,
        Action.APPROVE_FRAGMENT: Action.CUT,
        Action.CONFIRM_POLICY: Action.SET_POLICY,
        Action.CONFIRM_ACCOUNT: Action.KEEP_ACCOUNTS,
    }
)
"""What a second person does, and what the first one did."""

NEEDS_POLICY = frozenset(
    {
        Action.LINK,
        Action.HEAR,
        Action.COPY,
        Action.CUT,
        Action.HEAR_FRAGMENT,
        Action.DISCLOSE,
        Action.CONFIRM_DISCLOSURE,
    }
)
"""What nobody does before the organisation has decided what it must: all that gives a recording to somebody."""

BY_ROOM = frozenset({Action.LIST_UNLINKED, Action.LINK, Action.DISPUTE})
"""What one does with the recordings of one's rooms: to who does none of it a room more gives nothing."""

UNCONFIRMED: Mapping[Action, Permission] = MappingProxyType(
    {
        Action.LIST_UNLINKED: _ANY,
        # A recording without a case is erased: it must not wait for who confirms. It is heard only then.
        Action.LINK: _ANY,
        # It keeps from recording somebody who said no, which cannot wait either.
        Action.CHECK_FLAG: _ANY,
        Action.SEE: _OWN,
        Action.SEE_ROOMS: _ANY,
    }
)
"""What an account may do that a second person has not confirmed, as far as its roles allow it: no sound, nobody else's, no
second person's act, no other account, nothing against a colleague's link, and no case taken away again, by which a recording is
erased sooner. That a case is named is the one thing that others see of it."""


def role_for(
    roles: Collection[Role], action: Action, purpose: Purpose | None = None, *, own: bool = False
) -> Role | None:
    """By which of these roles one may do this for this purpose, if by any.

    `own` tells whether they linked the recording to its case, undisputed.
    """
    for role in sorted(roles):
        permission = TABLE[role].get(action)
        if permission is not None and _fits(permission, purpose, own=own):
            return role
    return None


def may(roles: Collection[Role], action: Action, purpose: Purpose | None = None, *, own: bool = False) -> bool:
    """Whether who has these roles may do this, as `role_for` tells."""
    return role_for(roles, action, purpose, own=own) is not None


def purposes(roles: Collection[Role], action: Action, *, own: bool) -> frozenset[Purpose]:
    """For which of them one may do it; empty also for what needs none."""
    return frozenset(each for each in Purpose if may(roles, action, each, own=own))


def could(roles: Collection[Role], action: Action, *, own: bool) -> bool:
    """Whether one may do it for any purpose, or for none."""
    return may(roles, action, own=own) or bool(purposes(roles, action, own=own))


def waits(action: Action, *, own: bool = False) -> bool:
    """Whether an account must be confirmed before this is done with it."""
    permission = UNCONFIRMED.get(action)
    return permission is None or (permission.own and not own)


def may_have(roles: Collection[Role]) -> bool:
    """Whether one person, or one program, may have all these roles."""
    if Role.CASE_SYSTEM in roles and set(roles) != {Role.CASE_SYSTEM}:
        return False
    held = {action for role in roles for action in TABLE[role]}
    hears = held & {Action.HEAR, Action.HEAR_FRAGMENT}
    watches = held & {Action.KEEP_ACCOUNTS, Action.READ_AUDIT}
    return not (hears and watches) and not {Action.SET_POLICY, Action.CONFIRM_POLICY} <= held


def choice(purpose: Purpose) -> Choice:
    """What those present must have agreed to, or been told of, for a recording to be heard for this."""
    return Choice.TRAINING if purpose is Purpose.TRAINING else Choice.EVIDENCE


def _fits(permission: Permission, purpose: Purpose | None, *, own: bool) -> bool:
    named = purpose in permission.purposes if permission.purposes else purpose is None
    return named and (own or not permission.own)

"""The table of permissions: every role with every action and purpose, against a table that was written by hand."""

from itertools import chain, combinations

import pytest

from recorder.archive import access
from recorder.archive.access import FOUR_EYES, NEEDS_POLICY, TABLE, Action, Choice, Purpose, Role, may, may_have, waits

# c caseworker, l listener, t trainer, e trainee, r rights desk, p privacy officer, a administrator, s case system; a capital:
# with what is their own alone. Behind the action, for each purpose that must be named; none is named where there is none.
EXPECTED = """
list_unlinked                   c s
link                            c s
unlink                          C
dispute                         c
settle_dispute                  p
find                            l t r
see                             C l r
hear             decision       C
hear             objection      l
hear             appeal         l
hear             complaint      l
hear             access         r
hear             training       t
attach                          C r
decide                          C l s
hold             objection      C l r s
hold             appeal         C l r s
hold             complaint      C l r s
hold             access         r
confirm_hold                    l p
end_hold                        l
open_request                    r
decide_request                  r
copy             access         r
mask             access         r
restrict                        r
erase                           r
confirm_request                 r p
flag                            r
check_flag                      c r
disclose                        r
confirm_disclosure              p
note_training                   r
cut              training       t
approve_fragment training       t
hear_fragment    training       t e
see_rooms                       p a
preview_deletions               p
read_audit                      p
set_policy                      a
confirm_policy                  p
keep_accounts                   a
confirm_account                 p a
"""
# What is done with an account that nobody has confirmed; a capital: with what is its own alone.
UNCONFIRMED = """
list_unlinked x
link          x
check_flag    x
see           X
see_rooms     x
"""
LETTERS = dict(zip("clterpas", Role, strict=True))
PURPOSES = (None, *Purpose)


def expected() -> set[tuple[Role, Action, Purpose | None, bool]]:
    """Everything that is allowed: role, action, purpose, and whether it is with one's own."""
    allowed = set()
    for line in EXPECTED.strip().splitlines():
        name, *rest = line.split()
        purpose = Purpose(rest.pop(0)) if rest[0] in set(Purpose) else None
        for letter in rest:
            role = LETTERS[letter.lower()]
            allowed |= {(role, Action(name), purpose, own) for own in ((True,) if letter.isupper() else (True, False))}
    return allowed


@pytest.mark.parametrize("role", Role)
def test_every_role_with_every_action_and_purpose(role: Role) -> None:
    every = [(role, action, purpose, own) for action in Action for purpose in PURPOSES for own in (True, False)]
    found = {each for each in every if may([role], each[1], each[2], own=each[3])}
    assert found == {each for each in expected() if each[0] is role}


def test_nobody_may_do_anything_without_a_role() -> None:
    assert not any(may([], action, purpose, own=True) for action in Action for purpose in PURPOSES)


def test_every_action_is_somebodys() -> None:
    assert {action for permissions in TABLE.values() for action in permissions} == set(Action)


def test_several_roles_are_worth_what_each_is() -> None:
    assert may([Role.ADMINISTRATOR, Role.PRIVACY_OFFICER], Action.READ_AUDIT)
    assert not may([Role.CASEWORKER, Role.LISTENER], Action.HEAR, Purpose.TRAINING, own=True)


def test_no_program_and_nobody_who_keeps_accounts_hears() -> None:  # rules 5 and 6
    for role in (Role.CASE_SYSTEM, Role.ADMINISTRATOR, Role.PRIVACY_OFFICER):
        assert not TABLE[role].keys() & {Action.HEAR, Action.HEAR_FRAGMENT, Action.COPY, Action.MASK, Action.CUT}


def test_who_hears_does_not_watch_over_it() -> None:
    subsets = chain.from_iterable(combinations(Role, size) for size in range(len(Role) + 1))
    for roles in map(set, subsets):
        hears = roles & {Role.CASEWORKER, Role.LISTENER, Role.TRAINER, Role.TRAINEE, Role.RIGHTS_DESK}
        watches = roles & {Role.ADMINISTRATOR, Role.PRIVACY_OFFICER}
        alone = Role.CASE_SYSTEM not in roles or len(roles) == 1
        assert may_have(roles) == (alone and not (hears and watches) and len(watches) < 2)


@pytest.mark.parametrize("action", Action)
def test_an_account_that_nobody_confirmed_does_this_and_nothing_else(action: Action) -> None:  # rule 8
    allowed = dict(line.split() for line in UNCONFIRMED.strip().splitlines()).get(action.value)
    assert (not waits(action, own=True), not waits(action)) == {
        None: (False, False),
        "x": (True, True),
        "X": (True, False),
    }[allowed]


def test_nobody_is_given_a_recording_or_is_a_second_person_before_they_are_confirmed() -> None:
    for action in (NEEDS_POLICY - {Action.LINK}) | FOUR_EYES.keys() | {Action.HEAR, Action.FIND, Action.KEEP_ACCOUNTS}:
        assert waits(action, own=True), action
    assert FOUR_EYES[Action.CONFIRM_ACCOUNT] is Action.KEEP_ACCOUNTS


def test_a_room_gives_something_to_who_names_cases_alone() -> None:
    roles = {role for role in Role if any(access.could([role], each, own=True) for each in access.BY_ROOM)}
    assert roles == {Role.CASEWORKER, Role.CASE_SYSTEM}


def test_what_four_eyes_must_see_is_two_actions_of_two_people() -> None:
    for second, first in FOUR_EYES.items():
        assert second is not first
        assert any(second in permissions for permissions in TABLE.values())


def test_training_is_a_choice_of_its_own() -> None:  # R4
    assert {purpose for purpose in Purpose if access.choice(purpose) is Choice.TRAINING} == {Purpose.TRAINING}

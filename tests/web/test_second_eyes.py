"""What four eyes must see: whoever did the first act never does the second, and that they tried is written down."""

from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied

from recorder.archive.access import FOUR_EYES, TABLE, Action, Role
from recorder.archive.web.access import second_eyes
from recorder.archive.web.trail.models import Line
from tests.web.archive import Archive
from tests.web.conftest import Make

RECORDING = "5f" * 16


@pytest.mark.parametrize("action", FOUR_EYES)
def test_who_did_the_first_act_never_does_the_second(action: Action, archive: Archive, make: Make) -> None:
    person = make(next(role for role in Role if action in TABLE[role]))
    with pytest.raises(PermissionDenied):
        second_eyes(person, action, person.pk, recording=RECORDING)
    line = Line.objects.get()
    assert (line.action, line.person, line.recording) == (action, str(person.pk), RECORDING)
    assert b'"result":"refused"' in bytes(line.text)


@pytest.mark.parametrize("action", FOUR_EYES)
def test_another_person_may_and_anybody_of_what_a_program_did(action: Action, make: Make) -> None:
    person = make(next(role for role in Role if action in TABLE[role]))
    second_eyes(person, action, uuid4())
    second_eyes(person, action, None)
    assert not Line.objects.exists()


def test_what_needs_no_second_person_is_not_asked_about(make: Make) -> None:
    with pytest.raises(ValueError, match="nothing that a second person does"):
        second_eyes(make(Role.LISTENER), Action.HEAR, None)

"""A client's standing "do not record" (R6), by the organisation's own number of them, which is not kept."""

from django.db import IntegrityError
from django.utils.crypto import salted_hmac

from recorder.archive.access import Action, Role
from recorder.archive.web.access import note
from recorder.archive.web.clock import now_ms
from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.models import Flag
from recorder.archive.web.trail.writing import acting

_SALT = "wederhoor/1 do not record"


def key(number: str) -> str:
    """What stands for a number: an HMAC with the server's secret, without which nobody can try numbers."""
    return salted_hmac(_SALT, number, algorithm="sha256").hexdigest()


def standing(number: str) -> Flag | None:
    """The flag of the client with this number, if there is one now."""
    return Flag.objects.filter(key=key(number), lifted_ms=None).select_related("person").first()


def put(person: Person, role: Role, number: str, reason: str) -> None:
    """Set it; nothing happens if it is set."""
    try:
        with acting():
            Flag.objects.create(key=key(number), reason=reason, person=person, at_ms=now_ms())
            note(person, role, Action.FLAG, details={"flag": "set", "reason": reason})
    except IntegrityError:  # somebody was faster
        return


def lift(person: Person, role: Role, number: str, reason: str) -> None:
    """Lift it; nothing happens if there is none."""
    with acting():
        lifted = Flag.objects.filter(key=key(number), lifted_ms=None).update(lifted_by=person, lifted_ms=now_ms())
        if lifted:
            note(person, role, Action.FLAG, details={"flag": "lifted", "reason": reason})

"""Reading the trail: who listened to a recording, when and why."""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
from django.utils.functional import Promise

from recorder.archive.access import Action, Purpose, Role
from recorder.archive.audit import Entry
from recorder.archive.web.people.models import Person
from recorder.archive.web.trail.models import Line
from recorder.archive.web.words import LISTENERS, PURPOSES, ROLES

CARD = {"what": "card"}
"""The details of a line that tells that somebody had the client's card on a page, or found the recording by its code."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who was given a recording to hear. `name` and `reason` are for those inside: the client reads the role."""

    wall_ms: int
    role: Role
    purpose: Purpose
    name: str
    reason: str

    @property
    def role_word(self) -> Promise:
        return ROLES[self.role]

    @property
    def somebody(self) -> Promise:
        """The role in a sentence."""
        return LISTENERS[self.role]

    @property
    def purpose_word(self) -> Promise:
        return PURPOSES[self.purpose]


def listeners(recording: str) -> list[Listener]:
    """Everybody who heard it, the first first."""
    return listeners_of([recording]).get(recording, [])


def listeners_of(recordings: Collection[str]) -> dict[str, list[Listener]]:
    """The same of each of these that somebody heard."""
    lines = Line.objects.filter(recording__in=recordings, action=Action.HEAR.value).order_by("number")
    entries = [(msgspec.json.decode(bytes(line.text), type=Entry), line) for line in lines]
    heard = [(entry, line) for entry, line in entries if entry.result == "done"]
    names = {str(each.pk): each.name for each in Person.objects.filter(pk__in={entry.person for entry, _ in heard})}
    found: dict[str, list[Listener]] = {}
    for entry, line in heard:
        listener = Listener(
            entry.wall_ms,
            Role(entry.role),
            Purpose(entry.purpose or ""),
            names.get(entry.person, ""),
            details(line).get("reason", ""),
        )
        found.setdefault(line.recording or "", []).append(listener)
    return found


def saw(person: Person, recording: str, *, since_ms: int) -> bool:
    """Whether it is written down that this person looked at this recording since then."""
    lines = Line.objects.filter(recording=recording, person=str(person.pk), action=Action.SEE.value, result="done")
    return lines.filter(wall_ms__gte=since_ms).exists()


def saw_card(person: str, recording: str, before_ms: int) -> bool:
    """Whether this person had the client's code of it by then, on a page or typed: they could use it as the client does."""
    looked = (Action.SEE.value, Action.FIND.value)
    lines = Line.objects.filter(recording=recording, person=person, action__in=looked, result="done")
    return any(details(each) == CARD for each in lines.filter(wall_ms__lte=before_ms))


def details(line: Line) -> dict[str, str]:
    """What else stands in a line; empty if it was forgotten."""
    return {} if line.details is None else msgspec.json.decode(bytes(line.details), type=dict[str, str])

"""Finding lines of the trail, the newest first, and telling them in words."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from recorder import canonical
from recorder.archive.access import Action, Purpose, Role
from recorder.archive.audit import Entry
from recorder.archive.web.api.models import Token
from recorder.archive.web.people.models import Person
from recorder.archive.web.trail.models import Line
from recorder.archive.web.trail.reading import details
from recorder.archive.web.trail.words import DETAILS, DONE, RESULTS, WHO, meant, value
from recorder.archive.web.words import ACTIONS, PURPOSES, ROLES
from recorder.errors import SignedTextError

PORTION_ROWS = 30
_TOKEN = re.compile("token-([0-9]{1,15})", re.ASCII)
"""How the API calls a program."""
PEOPLE_MAX = 50
"""Of whom a part of a name is."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A line in words."""

    line: Line
    name: str
    role: Promise | str
    action: Promise | str
    purpose: Promise | str
    result: Promise | str
    told: list[tuple[Promise | str, str]]
    forgotten: bool
    """Whether it had words that are gone."""


def find(wanted: dict[str, Any]) -> list[Line]:
    """A portion of the lines that a checked AuditForm asks for, and one more if there are more."""
    found: QuerySet[Line] = Line.objects.order_by("-number")
    if wanted.get("person"):
        found = found.filter(person__in=people(wanted["person"]))
    for form, column in (("action", "action"), ("recording", "recording"), ("room", "device"), ("result", "result")):
        if wanted.get(form):
            found = found.filter(**{column: wanted[form]})
    if wanted.get("day"):
        found = found.filter(wall_ms__gte=start_ms(wanted["day"]), wall_ms__lt=start_ms(wanted["day"], days=1))
    if wanted.get("before"):
        found = found.filter(number__lt=wanted["before"])
    return list(found[: PORTION_ROWS + 1])


def people(text: str) -> list[str]:
    """The ids of those whose name or address this is a part of; an id itself is one too, also of an account that is gone."""
    found = Person.objects.filter(Q(name__icontains=text) | Q(email__icontains=text)).order_by("name")
    return [str(each) for each in found.values_list("pk", flat=True)[:PEOPLE_MAX]] + [text]


def start_ms(day: date, days: int = 0) -> int:
    """When the day begins that is so many days behind this one, where the pages are."""
    midnight = timezone.make_aware(datetime.combine(day + timedelta(days=days), time()))
    return int(midnight.timestamp() * 1_000)


def names(ids: Collection[str]) -> dict[str, str]:
    """The names of those accounts and programs that are there."""
    accounts = {each for each in ids if _is_account(each)}
    tokens = {number[1] for each in ids if (number := _TOKEN.fullmatch(each))}
    programs = Token.objects.filter(pk__in=tokens) if tokens else []
    found = {f"token-{each.pk}": each.name for each in programs}
    return found | {str(each.pk): each.name for each in Person.objects.filter(pk__in=accounts)}


def show(lines: Collection[Line]) -> list[Shown]:
    """In words. A line that was altered is shown too: what is left of it in the columns."""
    told = [details(each) for each in lines]
    accounts = {each[name] for each in told for name in ("account", "linked_by") if name in each}
    known = names({each.person for each in lines} | accounts) | {who: str(word) for who, word in WHO.items()}
    return [_show(line, each, known) for line, each in zip(lines, told, strict=True)]


def _show(line: Line, said: dict[str, str], known: dict[str, str]) -> Shown:
    try:
        entry = canonical.decode(bytes(line.text), Entry)
    except SignedTextError:
        return Shown(line, known.get(line.person, line.person), "", line.action, "", _("altered"), [], forgotten=False)
    named = [(meant(entry.action, name), text) for name, text in said.items() if text]
    told = [(DETAILS.get(name, name), known.get(text) or value(name, text)) for name, text in named]
    return Shown(
        line,
        known.get(entry.person, entry.person),
        ROLES.get(Role(entry.role), entry.role) if entry.role in set(Role) else "",
        ACTIONS[Action(entry.action)] if entry.action in set(Action) else DONE.get(entry.action, entry.action),
        PURPOSES[Purpose(entry.purpose)] if entry.purpose in set(Purpose) else entry.purpose or "",
        RESULTS[entry.result],
        told,
        forgotten=entry.details is not None and line.details is None,
    )


def _is_account(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False

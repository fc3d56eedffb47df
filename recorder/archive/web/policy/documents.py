"""Documents that the law asks for, made from what counts now (A2): the entry of the register (AVG 30), the DPIA's inputs.

Nothing in them is typed twice: terms, bases and names are those of the version that counts, and who may do what is the table
that the pages themselves ask.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.functional import Promise

from recorder.archive.access import Action, Purpose, Role, purposes
from recorder.archive.web.archive import archive
from recorder.archive.web.clock import now_ms
from recorder.archive.web.policy.decided import TERMS, Decided
from recorder.archive.web.policy.live import live, live_version
from recorder.archive.web.policy.risks import RISKS
from recorder.archive.web.policy.shown import Shown, label, value
from recorder.archive.web.words import PURPOSES, ROLES


class Served(NamedTuple):
    """A purpose, what allows it, and who may listen for it."""

    purpose: Promise
    basis: str
    roles: list[Promise]


def served(decided: Decided) -> list[Served]:
    """Every purpose."""
    return [Served(PURPOSES[each], value(f"basis_{each}", decided), _hearers(each)) for each in Purpose]


def document() -> Mapping[str, Any]:
    """What both documents are made of."""
    decided = live()
    return {
        "version": live_version(),
        "made_ms": now_ms(),
        "organisation": settings.CONFIG.web.organisation,
        "decided": decided,
        "served": served(decided),
        "terms": _shown(decided, TERMS),
        "asked": _shown(decided, ("dpia_on", "advice_on", "works_council_on", "decision_on")),
        "notices": _shown(decided, ("website_on", "form_on", "letter_on")),
        "roles": [(ROLES[each], decided.roles.get(each, "")) for each in Role],
        "rooms": len(archive().catalogue.enrolled()),
        "risks": RISKS,
    }


def _shown(decided: Decided, names: Collection[str]) -> list[Shown]:
    return [Shown(label(name), value(name, decided)) for name in names]


def _hearers(purpose: Purpose) -> list[Promise]:
    action = Action.HEAR_FRAGMENT if purpose is Purpose.TRAINING else Action.HEAR
    return [ROLES[each] for each in Role if purpose in purposes([each], action, own=True)]

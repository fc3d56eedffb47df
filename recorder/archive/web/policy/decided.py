"""What the organisation has decided, as one value: terms, legal bases, who answers for what, and when it was agreed.

It knows no database and no pages. Bounds keep the terms to what the notices and the law leave room for:

- `client_days` is never less than the fortnight that the notices promise (D7), and `after_decision_days` never less than the
  six weeks in which somebody may object.
- The ceiling is never below a term that any version has promised from birth: see `check_promises`.

A change of terms counts from its confirmation, also for recordings that are there; but the date that a recording has from birth
stands, and `evidence_days` counts for those that are made from then on.
"""

from collections.abc import Collection, Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta

from recorder.archive.access import Purpose, Role
from recorder.archive.retention import Terms
from recorder.errors import PolicyError

TEXT_CHARACTERS_MAX = 2_000

Text = Annotated[str, Meta(max_length=TEXT_CHARACTERS_MAX)]


class Basis(StrEnum):
    """Article 6, paragraph 1 of the AVG, (a) to (f): the words are those of a room's settings and receipts."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"

    @property
    def letter(self) -> str:
        return "abcdef"[list(Basis).index(self)]


class Decided(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it. What is empty has not been decided yet."""

    evidence_days: Annotated[int, Meta(ge=28, le=365)] = 126
    after_decision_days: Annotated[int, Meta(ge=42, le=365)] = 56
    ceiling_days: Annotated[int, Meta(ge=28, le=730)] = 365
    unlinked_days: Annotated[int, Meta(ge=2, le=60)] = 14
    reminder_days: Annotated[int, Meta(ge=1, le=59)] = 7
    no_receipt_hours: Annotated[int, Meta(ge=24, le=168)] = 72
    client_days: Annotated[int, Meta(ge=14, le=90)] = 14
    fragment_days: Annotated[int, Meta(ge=30, le=365)] = 180

    bases: dict[Purpose, Basis] = {}
    necessity: Text = ""
    """Why nothing lighter would do, and why what it costs those who are recorded is in proportion."""
    address: Text = ""
    contact: Text = ""
    privacy_officer: Text = ""
    hosting: Text = ""
    transfers: Text = ""
    processors: Text = ""
    key_custody: Text = ""
    """Who keeps the keys that open recordings, and how."""
    roles: dict[Role, Text] = {}
    """Who may have which role, in words: what a role may do stands in `recorder.archive.access`."""

    dpia_on: date | None = None
    advice_on: date | None = None
    """The privacy officer's."""
    works_council_on: date | None = None
    decision_on: date | None = None
    processors_on: date | None = None
    """When the last agreement with a processor was signed, or it was found that there is none."""
    website_on: date | None = None
    form_on: date | None = None
    letter_on: date | None = None

    def __post_init__(self) -> None:
        if self.reminder_days >= self.unlinked_days:
            raise PolicyError("reminder_days", "the reminder must come before the recording goes")
        if self.ceiling_days < self.evidence_days:
            raise PolicyError("ceiling_days", "the ceiling is below the term of evidence")

    @property
    def terms(self) -> Terms:
        return Terms(
            after_decision_days=self.after_decision_days,
            ceiling_days=self.ceiling_days,
            reminder_days=self.reminder_days,
            unlinked_days=self.unlinked_days,
            no_receipt_hours=self.no_receipt_hours,
            client_days=self.client_days,
        )


TERMS = (
    "evidence_days",
    "after_decision_days",
    "ceiling_days",
    "unlinked_days",
    "reminder_days",
    "no_receipt_hours",
    "client_days",
    "fragment_days",
)
TEXTS = (
    "necessity",
    "address",
    "contact",
    "privacy_officer",
    "hosting",
    "transfers",
    "processors",
    "key_custody",
)
DAYS = (
    "dpia_on",
    "advice_on",
    "works_council_on",
    "decision_on",
    "processors_on",
    "website_on",
    "form_on",
    "letter_on",
)
REQUIRED = (*TEXTS, *DAYS)
"""Without these, and a basis for each purpose, nobody hears anything."""


def write(decided: Decided) -> str:
    """As it is kept."""
    return msgspec.json.encode(decided, order="deterministic").decode()


def read(text: str) -> Decided:
    """What `write` wrote, also an older version of this program."""
    return msgspec.json.decode(text, type=Decided)


def bounds(term: str) -> tuple[int, int]:
    """The least and the most that a term may be."""
    found = next(each for each in msgspec.structs.fields(Decided) if each.name == term)
    schema = msgspec.json.schema(found.type)
    return schema["minimum"], schema["maximum"]


def lacking(decided: Decided, intake_days: int) -> list[str]:
    """What must still be entered before anybody may hear anything. `intake_days`: the term that the intake gives from birth."""
    found = [each for each in REQUIRED if not getattr(decided, each)]
    found += [f"basis_{each}" for each in Purpose if each not in decided.bases]
    return found + ["intake_days"] * (decided.evidence_days != intake_days)


def check_promises(decided: Decided, promised_days: int) -> None:
    """PolicyError if the ceiling is below the longest term of evidence that an earlier version has promised."""
    if decided.ceiling_days < promised_days:
        raise PolicyError("ceiling_days", f"clients were told of {promised_days} days")


def flat(decided: Decided) -> Mapping[str, object]:
    """Each thing decided by its name: those of a purpose or a role each by itself."""
    values: dict[str, object] = {each: getattr(decided, each) for each in TERMS}
    values |= {f"basis_{each}": decided.bases.get(each) for each in Purpose}
    values |= {each: getattr(decided, each) for each in TEXTS}
    values |= {f"role_{each}": decided.roles.get(each, "") for each in Role}
    values |= {each: getattr(decided, each) for each in DAYS}
    return MappingProxyType(values)


def changed(before: Decided, after: Decided) -> Collection[str]:
    """The names of what is not the same in both."""
    old, new = flat(before), flat(after)
    return [name for name in new if old[name] != new[name]]

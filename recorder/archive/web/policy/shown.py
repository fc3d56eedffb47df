"""What is decided, as pages and documents show it."""

from datetime import date
from typing import NamedTuple

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from recorder.archive.web.policy.decided import TERMS, Basis, Decided, changed, flat
from recorder.archive.web.policy.words import BASES, GROUPS, LABELS


class Shown(NamedTuple):
    """`value` is empty while it is not decided; `before` is what another version says of it."""

    label: str
    value: str
    before: str = ""
    needed: bool = True
    """Whether it must be decided before anybody hears anything."""


def value(name: str, of: Decided) -> str:
    """In words."""
    found = flat(of)[name]
    if name in TERMS:
        assert isinstance(found, int)
        if name.endswith("_hours"):
            return ngettext("%(n)s hour", "%(n)s hours", found) % {"n": found}
        return ngettext("%(n)s day", "%(n)s days", found) % {"n": found}
    if isinstance(found, Basis):
        return _("AVG 6(1)(%(letter)s): %(word)s") % {"letter": found.letter, "word": BASES[found]}
    if isinstance(found, date):
        return str(formats.date_format(found, "j F Y"))
    return "" if found is None else str(found)


def label(name: str) -> str:
    """What it is, for who does not see the heading above it."""
    if name.startswith("basis_"):
        return _("Legal basis: %(purpose)s") % {"purpose": LABELS[name]}
    if name.startswith("role_"):
        return _("Who may be: %(role)s") % {"role": LABELS[name]}
    return str(LABELS[name])


def groups(of: Decided) -> list[tuple[Promise, list[Shown]]]:
    """All of it, under its headings."""
    return [(title, [_shown(name, of) for name in names]) for title, names in GROUPS]


def changes(before: Decided, after: Decided) -> list[Shown]:
    """What is not the same in both."""
    return [Shown(label(name), value(name, after), value(name, before)) for name in changed(before, after)]


def _shown(name: str, of: Decided) -> Shown:
    return Shown(str(LABELS[name]), value(name, of), needed=not name.startswith("role_"))

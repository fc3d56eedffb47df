"""Proposing what the organisation decides."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recorder.archive.access import Purpose, Role
from recorder.archive.web.policy.decided import (
    DAYS,
    TERMS,
    TEXT_CHARACTERS_MAX,
    TEXTS,
    Basis,
    Decided,
    bounds,
    check_promises,
)
from recorder.archive.web.policy.words import BASES, GROUPS, HELPS, LABELS, WRONG
from recorder.errors import PolicyError


class PolicyForm(forms.Form):
    """Everything that is decided, each by its name in `decided.flat`."""

    def __init__(self, today: date, promised_days: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today, self._promised_days = today, promised_days
        for _title, names in GROUPS:
            for name in names:
                self.fields[name] = _field(name)
        self.fields["why"] = forms.CharField(label=_("Why do you propose this?"), max_length=300)

    def groups(self) -> Iterator[tuple[Promise, list[forms.BoundField]]]:
        """The fields as they stand on the page."""
        for title, names in GROUPS:
            yield title, [self[name] for name in names]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name in DAYS:
            if data.get(name) and data[name] > self._today:
                self.add_error(name, _("This day has not come yet."))
        if not self.errors:
            try:
                data["decided"] = decided = _decided(data)
                check_promises(decided, self._promised_days)
            except PolicyError as error:
                self.add_error(error.field, str(WRONG[error.field]))
        return data


def _field(name: str) -> forms.Field:
    common: dict[str, Any] = {"label": LABELS[name], "help_text": HELPS.get(name, "")}
    if name in TERMS:
        least, most = bounds(name)
        return forms.IntegerField(min_value=least, max_value=most, **common)
    if name in DAYS:
        return forms.DateField(required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"), **common)
    if name.startswith("basis_"):
        choices = [("", _("not decided yet")), *((each.value, f"({each.letter}) {BASES[each]}") for each in Basis)]
        return forms.ChoiceField(choices=choices, required=False, **common)
    widget = forms.Textarea({"rows": 3})
    return forms.CharField(required=False, max_length=TEXT_CHARACTERS_MAX, widget=widget, **common)


def _decided(data: dict[str, Any]) -> Decided:
    """Of a form without errors, but for what does not go together: PolicyError."""
    return Decided(
        bases={each: Basis(data[f"basis_{each}"]) for each in Purpose if data[f"basis_{each}"]},
        roles={each: data[f"role_{each}"] for each in Role if data[f"role_{each}"]},
        **{name: data[name] for name in (*TERMS, *TEXTS, *DAYS)},
    )

"""What somebody looks for in the trail, and what a breach is about."""

import re
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from recorder.archive.access import Action
from recorder.archive.web.trail.words import DONE, RESULTS
from recorder.archive.web.words import ACTIONS
from recorder.wire.topics import DEVICE_PATTERN, RECORDING_PATTERN

RECORDINGS_MAX = 1_000
YEARS = range(2_000, 3_000)


def _plausible(day: date) -> None:
    if day.year not in YEARS:
        raise ValidationError(_("Nothing can have been done on this day. Check the year."))


class Day(forms.DateField):
    """Far from both ends of what a date can be: those that ask look at the day before and behind it."""

    def __init__(self, label: Any, help_text: Any = "") -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(label=label, help_text=help_text, required=False, widget=widget, validators=[_plausible])


class Room(forms.CharField):
    def __init__(self) -> None:
        super().__init__(label=_("Room"), required=False, max_length=64, help_text=_("As it is called in the lists."))

    def clean(self, value: str) -> str:
        cleaned: str = super().clean(value)
        if cleaned and not DEVICE_PATTERN.fullmatch(cleaned):
            raise ValidationError(_("No room can be called this."))
        return cleaned


class AuditForm(forms.Form):
    person = forms.CharField(
        label=_("Person"), required=False, max_length=100, help_text=_("A part of the name or the e-mail address.")
    )
    action = forms.ChoiceField(label=_("What was done"), required=False)
    recording = forms.CharField(
        label=_("Recording"), required=False, max_length=32, help_text=_("Its number: 32 characters.")
    )
    room = Room()
    result = forms.ChoiceField(label=_("With what result"), required=False)
    day = Day(_("Day"))
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    """Only lines with a smaller number: those of the next portion."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self.fields["action"], [*((each.value, ACTIONS[each]) for each in Action), *DONE.items()])
        _choose(self.fields["result"], list(RESULTS.items()))

    def clean_recording(self) -> str:
        recording: str = self.cleaned_data["recording"].strip().lower()
        if recording and not RECORDING_PATTERN.fullmatch(recording):
            raise ValidationError(_("The number of a recording has 32 of the characters 0-9 and a-f."))
        return recording


class BreachForm(forms.Form):
    since = Day(_("From"), _("The days on which recordings came in, or on which the person did something."))
    until = Day(_("Up to and including"))
    person = forms.CharField(
        label=_("Person"),
        required=False,
        max_length=100,
        help_text=_("A part of the name or the e-mail address: whatever this person did something with."),
    )
    room = Room()
    recordings = forms.CharField(
        label=_("Recordings"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_("Their numbers, one on each line. Then nothing else counts."),
    )
    after = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)
    """Only recordings behind this one: those of the next portion."""

    def clean_recordings(self) -> list[str]:
        found = list(dict.fromkeys(re.split(r"[\s,;]+", self.cleaned_data["recordings"].strip().lower())))
        if found == [""]:
            return []
        wrong = [each for each in found if not RECORDING_PATTERN.fullmatch(each)]
        if wrong:
            raise ValidationError(_("%(text)s is not the number of a recording.") % {"text": wrong[0][:40]})
        if len(found) > RECORDINGS_MAX:
            raise ValidationError(_("At most %(count)s at once.") % {"count": RECORDINGS_MAX})
        return found

    def clean_after(self) -> str:
        after: str = self.cleaned_data["after"]
        if after and not RECORDING_PATTERN.fullmatch(after):
            raise ValidationError(_("%(text)s is not the number of a recording.") % {"text": after})
        return after

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not (data.get("recordings") or (data["since"] and data["until"])):
            raise ValidationError(_("Give the first and the last day, or a list of recordings."))
        if data.get("since") and data.get("until") and data["until"] < data["since"]:
            raise ValidationError(_("The last day is before the first one."))
        return data


def _choose(field: forms.Field, choices: list[tuple[str, Any]]) -> None:
    assert isinstance(field, forms.ChoiceField)
    field.choices = [("", _("all")), *choices]

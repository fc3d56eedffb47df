"""What people type of a hold."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from recorder.archive.web.clock import now_ms
from recorder.archive.web.holds.models import HOLD_DAYS_MAX, Kind
from recorder.archive.web.holds.words import KINDS
from recorder.archive.web.meetings.forms import CaseNumber
from recorder.archive.web.times import moment
from recorder.wire.topics import RECORDING_PATTERN


class HoldForm(forms.Form):
    kind = forms.ChoiceField(label=_("What for"), widget=forms.RadioSelect)
    case = CaseNumber()
    reason = forms.CharField(
        label=_("Why it must be kept"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For the colleague who confirms this. No names, please."),
    )
    until = forms.DateField(
        label=_("Keep it until"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("The day on which you expect this to be over; at most a year from now."),
    )

    def __init__(self, kinds: Collection[Kind], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(each.value, KINDS[each]) for each in Kind if each in kinds]  # type: ignore[attr-defined]

    def clean_until(self) -> date:
        day: date = self.cleaned_data["until"]
        today = moment(now_ms()).date()
        if day <= today:
            raise ValidationError(_("This day is not in the future."))
        if day > today + timedelta(HOLD_DAYS_MAX):
            raise ValidationError(
                _("This is more than a year from now. Take an earlier day: you can keep it again then.")
            )
        return day

    @property
    def expires_ms(self) -> int:
        """The end of that day."""
        after = datetime.combine(self.cleaned_data["until"] + timedelta(1), time())
        return int(timezone.make_aware(after).timestamp() * 1_000)


class CertificateForm(forms.Form):
    recording = forms.RegexField(
        RECORDING_PATTERN,
        label=_("Number of the recording"),
        strip=True,
        help_text=_("32 digits and letters a to f, as on the consent receipt."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"invalid": _("This is no number of a recording: it has 32 digits and letters a to f.")},
    )


class WhyForm(forms.Form):
    why = forms.CharField(label=_("Why"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}))

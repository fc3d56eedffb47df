"""What somebody says before they listen (P1)."""

from collections.abc import Collection

from django import forms
from django.utils.translation import gettext_lazy as _

from recorder.archive.access import Purpose
from recorder.archive.web.meetings.forms import CaseNumber
from recorder.archive.web.words import PURPOSES


class HearForm(forms.Form):
    purpose = forms.ChoiceField(label=_("What do you listen for?"), widget=forms.RadioSelect)
    case = CaseNumber()
    reason = forms.CharField(
        label=_("Why do you need to hear it?"),
        max_length=300,
        help_text=_("The client may read for what purpose you listened. Your reason is kept with it."),
    )

    def __init__(self, purposes: Collection[Purpose], *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["purpose"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(each.value, PURPOSES[each]) for each in Purpose if each in purposes]
        if len(purposes) == 1:  # there is nothing to choose: it is read, and not asked
            field.initial = next(iter(purposes)).value

"""What an administrator says of a new token."""

from django import forms
from django.utils.translation import gettext_lazy as _

from recorder.archive.access import TABLE, Purpose, Role
from recorder.archive.web.api.tokens import ACTIONS, DAYS_MAX
from recorder.archive.web.api.words import CALLS
from recorder.archive.web.words import PURPOSES

_PURPOSES = sorted({purpose for each in TABLE[Role.CASE_SYSTEM].values() for purpose in each.purposes})


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Which program is it for?"), max_length=100, help_text=_("And where does it run? One token for each.")
    )
    actions = forms.MultipleChoiceField(
        label=_("What may it do?"),
        choices=[(each.value, CALLS[each]) for each in ACTIONS],
        widget=forms.CheckboxSelectMultiple,
    )
    purposes = forms.MultipleChoiceField(
        label=_("For which purposes may it hold recordings?"),
        choices=[(each.value, PURPOSES[Purpose(each)]) for each in _PURPOSES],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    days = forms.IntegerField(
        label=_("For how many days is it good?"), min_value=1, max_value=DAYS_MAX, initial=DAYS_MAX
    )

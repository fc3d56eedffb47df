"""What a client types: a code, and a few words."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recorder.archive.web.client.words import ASKS
from recorder.archive.web.meetings.forms import no_citizen_number
from recorder.archive.web.rights.kinds import Kind

CODE_CHARACTERS_MAX = 64
"""More than a code has, with whatever stands between its groups."""


class CodeForm(forms.Form):
    """The code. What is none is no error of this form: it is looked for like any other (`found.find`)."""

    code = forms.CharField(
        label=_("Your code"),
        required=False,
        help_text=_("It stands on your card: 20 letters and digits. Capitals and dashes do not matter."),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "maxlength": CODE_CHARACTERS_MAX,
            }
        ),
    )

    def typed(self) -> str:
        return str(self.data.get("code", ""))[:CODE_CHARACTERS_MAX]

    def unknown(self) -> None:
        """Say that nothing was found by it."""
        self.full_clean()
        self.add_error(
            "code",
            _(
                "We know no conversation with this code. A code has 20 letters and digits, such as ABCD-EFGH-JKMN-PQRS-TVWX. "
                "Please look whether you typed it right."
            ),
        )


class AskForm(forms.Form):
    """A request, which needs no name."""

    words = forms.CharField(
        validators=[no_citizen_number],
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Please write no name, address or citizen service number (BSN) here."),
    )

    def __init__(self, kind: Kind, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ask = ASKS[kind]
        self.fields["words"].label = (
            str(ask.label) if ask.must else gettext("%(what)s (not needed)") % {"what": ask.label}
        )
        self.fields["words"].required = ask.must

"""What people type of a meeting."""

import re
import string
import unicodedata
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from recorder.archive.web import times

CASE_PATTERN = "^[A-Za-z0-9][A-Za-z0-9 ./_-]{0,63}$"
_CAPITALS = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
_BSN_DIGITS = 9
_APART = ("[0-9]+(?:[ ./_\u2010-\u2015-]{1,3}[0-9]+)+", "[0-9]+(?:[./_\u2010-\u2015-][0-9]+)+")
"""Digits with something between them: also without the spaces, for another number may stand before it."""
_IN_A_ROW = "(?<![0-9])(?:[0-9]{9}|(?<![0-9][ -])[0-9]{8})(?![0-9])"
"""Not the eight of a telephone's number."""
_DATE = "(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9]|[0-3][0-9](?:0[1-9]|1[0-2])(?:19|20)[0-9]{2}"
_BSN_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)


def is_citizen_number(text: str) -> bool:
    """Whether it could be a BSN: eight or nine digits that pass its test (the eleven-test, with −1 for the last one).

    However they are written, with whatever between them; but not a year, one such mark and a number, as cases are numbered:
    of those one in eleven passes the test by chance, and its recording could not be given a case.
    """
    typed = unicodedata.normalize("NFKC", text).strip()
    digits = "".join(each for each in typed if each.isalnum())
    if not re.fullmatch("[0-9]{8,9}", digits, re.ASCII) or not int(digits):
        return False
    if re.fullmatch(r"(19|20)[0-9]{2}[^0-9][0-9]{4,5}", typed, re.ASCII):
        return False
    return sum(w * int(d) for w, d in zip(_BSN_WEIGHTS, digits.zfill(9), strict=True)) % 11 == 0


def no_citizen_number(text: str) -> None:
    """ValidationError where one stands in what somebody wrote: none is to leave the case system.

    Nine digits with marks or spaces between them, or eight or nine in a row that are no date, which pass the test.
    """
    typed = unicodedata.normalize("NFKC", text)
    apart = (
        each for pattern in _APART for each in re.findall(pattern, typed) if sum(map(str.isdigit, each)) == _BSN_DIGITS
    )
    in_a_row = (each for each in re.findall(_IN_A_ROW, typed) if not re.fullmatch(_DATE, each))
    if any(is_citizen_number(each) for each in (*apart, *in_a_row)):
        raise ValidationError(
            _("There seems to be a citizen service number (BSN) in this. Please leave it out: it is not needed here.")
        )


def one_spelling(number: str) -> str:
    """The one form in which a case's number is kept and looked for: two people who write it otherwise mean one case.

    Its letters are capitals, and between its words is one space. No letter becomes another one or two, as ß would.
    """
    return " ".join(number.split()).translate(_CAPITALS)


class CaseNumber(forms.CharField):
    """The number of a case, and never a citizen's (M3)."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Case number"),
            max_length=64,
            help_text=_(
                "As in your own system; capitals make no difference. Not a name and not a citizen service number (BSN)."
            ),
            widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        )

    def clean(self, value: str) -> str:
        cleaned = one_spelling(super().clean(value))
        if is_citizen_number(cleaned):
            raise ValidationError(_("This is a citizen service number (BSN). Type the number of the case instead."))
        if not re.fullmatch(CASE_PATTERN, cleaned, re.ASCII):
            raise ValidationError(
                _("A case number has letters, digits, spaces and . / _ - and begins with a letter or digit.")
            )
        return cleaned


class CaseForm(forms.Form):
    case = CaseNumber()


class LinkForm(CaseForm):
    there = forms.BooleanField(label=_("I had this conversation myself."))


class StatementForm(forms.Form):
    text = forms.CharField(
        validators=[no_citizen_number],
        label=_("Statement"),
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_(
            "It stands with the recording from now on, and cannot be changed. The recording itself stays as it is."
        ),
    )
    of_client = forms.BooleanField(label=_("In the words of the client"), required=False)


class SettleForm(forms.Form):
    found = forms.ChoiceField(
        label=_("What did you find?"),
        widget=forms.RadioSelect,
        choices=[
            ("right", _("The link is right: who named the case had the conversation.")),
            ("wrong", _("The link is wrong: take it away. Who had the conversation can name its case.")),
        ],
    )
    reason = forms.CharField(
        label=_("How do you know?"),
        max_length=300,
        help_text=_("Write no names and nothing of the conversation itself. It is kept in the audit trail."),
    )


class DecisionForm(forms.Form):
    """`made_ms` is when the recording was made, as far as its clock is believed."""

    day = forms.DateField(
        label=_("Day of the decision"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("The recordings of this case stay at least 56 days after it."),
    )

    def __init__(self, made_ms: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._made_ms = made_ms

    def clean_day(self) -> date:
        """A day to come would keep the recordings for as long as somebody likes; one before it is of another decision."""
        day: date = self.cleaned_data["day"]
        if day > timezone.localdate():
            raise ValidationError(_("This day is still to come."))
        if day < times.moment(self._made_ms).date():
            raise ValidationError(
                _("This day is before the recording, which is of %(day)s. Is the year right?"),
                params={"day": times.day(self._made_ms)},
            )
        return day

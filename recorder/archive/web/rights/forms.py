"""What people type at the rights desk."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recorder.archive.web.meetings.forms import is_citizen_number, no_citizen_number
from recorder.archive.web.rights import offsets
from recorder.archive.web.rights.deciding import RESTRICTS
from recorder.archive.web.rights.kinds import Channel, Ground, Kind, State
from recorder.archive.web.rights.models import RESTRICTION_DAYS_MAX
from recorder.archive.web.rights.words import CHANNELS, GROUNDS, KINDS
from recorder.archive.web.times import duration, in_words

_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class FindForm(forms.Form):
    what = forms.CharField(
        label=_("Case number, number of a recording, or the client's code"),
        max_length=80,
        help_text=_(
            "The code stands on what the client got in the room. It looks like ABCD-EFGH-JKMN-PQRS-TVWX. "
            "Capitals make no difference."
        ),
        widget=forms.TextInput(attrs=_PLAIN),
    )


class OpenForm(forms.Form):
    """`made` is the day before which the recording was not made."""

    kind = forms.ChoiceField(label=_("What does the client ask for?"), widget=forms.RadioSelect)
    channel = forms.ChoiceField(label=_("How did it come?"), widget=forms.RadioSelect)
    day = forms.DateField(
        label=_("When did it come?"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("The day on which you had it. The month to answer counts from that."),
    )
    words = forms.CharField(
        validators=[no_citizen_number],
        label=_("In the words of the client"),
        max_length=5_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, made: date, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._made = made
        _choices(self.fields["kind"], KINDS, Kind)
        _choices(self.fields["channel"], CHANNELS, [each for each in Channel if each is not Channel.PAGE])

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if day > timezone.localdate():
            raise ValidationError(_("This day is still to come."))
        if day < self._made:
            told = _(
                "The recording was not made before %(day)s. So nothing was asked of it before that day. Check the year."
            )
            raise ValidationError(told, params={"day": in_words(self._made)})
        return day


class LookAgain(forms.DateField):
    """The day on which somebody must look again at what is restricted."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("When do you look at it again?"),
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            help_text=_(
                "At most a year from now. From that day on the recording is not kept for this any more. "
                "Nobody else may use it before you lift it."
            ),
            initial=lambda: timezone.localdate() + timedelta(RESTRICTION_DAYS_MAX),
            **kwargs,
        )

    def clean(self, value: Any) -> date | None:
        day: date | None = super().clean(value)
        if day is None:
            return None
        if day <= timezone.localdate():
            raise ValidationError(_("This day is not in the future."))
        if day > timezone.localdate() + timedelta(RESTRICTION_DAYS_MAX):
            raise ValidationError(_("This is more than a year from now. Take an earlier day."))
        return day


class DecideForm(forms.Form):
    """`must_grant`: of an erasure that was asked for in time nothing else is possible (D7)."""

    outcome = forms.ChoiceField(label=_("What do you decide?"), widget=forms.RadioSelect)
    words = forms.CharField(
        validators=[no_citizen_number],
        label=_("Why?"),
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("The client reads this in the letter. Write short sentences, and to the client."),
    )
    look_again = LookAgain(required=False)
    statement = forms.CharField(
        validators=[no_citizen_number],
        label=_("The client's correction"),
        max_length=5_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("It is shown wherever the recording is, and cannot be changed. The sound stays as it is."),
    )

    def __init__(self, kind: Kind, *args: Any, must_grant: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        outcomes = {
            State.GRANTED.value: _("Grant: we do what the client asks"),
            State.REFUSED.value: _("Refuse: we do not do it"),
        }
        _choices(self.fields["outcome"], outcomes, [State.GRANTED] if must_grant else [State.GRANTED, State.REFUSED])
        if kind is not Kind.RECTIFICATION:
            del self.fields["statement"]
        if kind not in RESTRICTS:
            del self.fields["look_again"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        granted = cleaned.get("outcome") == State.GRANTED
        if granted and "statement" in self.fields and not cleaned.get("statement"):
            self.add_error("statement", _("Say what is to stand with the recording."))
        unsaid = "look_again" in self.fields and not cleaned.get("look_again") and "look_again" not in self.errors
        if granted and unsaid:
            self.add_error("look_again", _("Say when you look at it again."))
        return cleaned


class WordsForm(forms.Form):
    """Why somebody does something that needs no other choice."""

    words = forms.CharField(
        validators=[no_citizen_number], label=_("Why?"), max_length=2_000, widget=forms.Textarea(attrs={"rows": 4})
    )


class LiftForm(WordsForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["words"].help_text = _(
            "The client reads this in the letter. Write short sentences, and to the client."
        )


class LookAgainForm(WordsForm):
    look_again = LookAgain()


class Offset(forms.CharField):
    """A place in the recording, in milliseconds."""

    def __init__(self, label: Any) -> None:
        attrs = _PLAIN | {"inputmode": "text"}
        help_text = _("Hours, minutes and seconds, such as 0:12:05.")
        super().__init__(label=label, max_length=12, help_text=help_text, widget=forms.TextInput(attrs=attrs))

    def clean(self, value: str) -> Any:
        found = offsets.parse(super().clean(value))
        if found is None:
            raise ValidationError(_("Type it as hours, minutes and seconds, such as 0:12:05."))
        return found


def beyond(stop_ms: int, end_ms: int | None) -> Any:
    """What is wrong with a part that ends then of a recording with so much sound, in words; None if nothing is.

    A place is typed in seconds, and the sound ends between two: up to the next second is its end.
    """
    if end_ms is None or stop_ms <= -(-end_ms // 1_000) * 1_000:
        return None
    return _("The recording has %(length)s of sound. Take an earlier end.") % {"length": duration(end_ms / 1_000)}


class MaskForm(forms.Form):
    """`end_ms` is how long its sound is, if that is known."""

    start = Offset(_("From"))
    stop = Offset(_("To"))
    whom = forms.CharField(
        validators=[no_citizen_number],
        label=_("Whom does it protect?"),
        max_length=200,
        help_text=_("Not by name: a neighbour, a child of the client. It stands in the letter."),
    )
    reason = forms.CharField(
        validators=[no_citizen_number], label=_("Why?"), max_length=300, help_text=_("It stands in the letter.")
    )

    def __init__(self, end_ms: int | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._end_ms = end_ms

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        start, stop = cleaned.get("start"), cleaned.get("stop")
        if start is None or stop is None:
            return cleaned
        if stop <= start:
            self.add_error("stop", _("It must end after it begins."))
        elif self._end_ms is not None and start >= self._end_ms:
            self.add_error("start", _("The recording has ended by then."))
        elif wrong := beyond(stop, self._end_ms):
            self.add_error("stop", wrong)
        return cleaned


class CopyForm(forms.Form):
    given_to = forms.CharField(
        validators=[no_citizen_number],
        label=_("Who gets the copy, and how did you see that it is they?"),
        max_length=200,
        help_text=_("For example: the client, passport seen at the counter. Do not write down a number of it."),
    )
    language = forms.ChoiceField(
        label=_("Language of the letter"), widget=forms.RadioSelect, choices=[("nl", _("Dutch")), ("en", _("English"))]
    )
    sure = forms.BooleanField(label=_("I have seen who they are, and give the copy to them alone."))


class DisclosureForm(forms.Form):
    to = forms.CharField(
        validators=[no_citizen_number],
        label=_("Who is to get it?"),
        max_length=200,
        help_text=_("An organisation, or a court."),
    )
    ground = forms.ChoiceField(label=_("On what ground?"), widget=forms.RadioSelect)
    words = forms.CharField(
        validators=[no_citizen_number],
        label=_("Which law or agreement is it, and what do they need it for?"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Name the article of the law, or say where the client's agreement is kept."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self.fields["ground"], GROUNDS, Ground)


class ClientNumber(forms.CharField):
    """The organisation's own number of a client, in one form; never a citizen's."""

    def __init__(self) -> None:
        help_text = _("As in your own system. Not a name and not a citizen service number (BSN).")
        super().__init__(
            label=_("Client number"), max_length=64, help_text=help_text, widget=forms.TextInput(attrs=_PLAIN)
        )

    def clean(self, value: str) -> str:
        cleaned = "".join(super().clean(value).upper().split())
        if is_citizen_number(cleaned):
            raise ValidationError(_("This is a citizen service number (BSN). Type your own number of the client."))
        return cleaned


class FlagForm(forms.Form):
    number = ClientNumber()


class FlagChangeForm(forms.Form):
    number = ClientNumber()
    reason = forms.CharField(validators=[no_citizen_number], label=_("Why?"), max_length=300)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"auto_id": "change_%s"})  # it stands beside the other
        self.fields["number"].widget = forms.HiddenInput()


def _choices(field: forms.Field, words: Mapping[str, Promise], wanted: Any) -> None:
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(each.value, words[each.value]) for each in wanted]

"""What people type of training."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from recorder.archive.copying import FRAGMENT_SECONDS_MAX
from recorder.archive.web.rights import offsets
from recorder.archive.web.rights.forms import Offset, beyond
from recorder.archive.web.training.models import Channel, State
from recorder.archive.web.training.words import CHANNELS

MASKS_MAX = 100


class Masks(forms.CharField):
    """Ranges, one a line, as pairs of milliseconds."""

    def __init__(self) -> None:
        super().__init__(
            label=_("What to mask"),
            required=False,
            max_length=4_000,
            widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off", "spellcheck": "false"}),
            help_text=_(
                "One part on each line, such as 0:12:05 - 0:12:07, in the time of the recording. A tone sounds there instead. "
                "Mask names, addresses, numbers, and whatever else tells who it is."
            ),
        )

    def clean(self, value: str) -> Any:
        found = []
        for line in filter(str.strip, super().clean(value).splitlines()):
            start, dash, stop = line.replace("\N{EN DASH}", "-").partition("-")
            range_ = offsets.parse(start), offsets.parse(stop)
            if not dash or None in range_ or range_[0] >= range_[1]:  # type: ignore[operator]
                raise ValidationError(
                    _("“%(line)s” is not a part. Type it such as 0:12:05 - 0:12:07."), params={"line": line[:40]}
                )
            found.append(range_)
        if len(found) > MASKS_MAX:
            raise ValidationError(_("These are too many parts. Cut a shorter fragment."))
        return found


class CutForm(forms.Form):
    """`end_ms` is how long its sound is, if that is known. What is cut ends with it."""

    start = Offset(_("From"))
    stop = Offset(_("To"))
    masks = Masks()
    title = forms.CharField(label=_("Title"), max_length=100, help_text=_("Without names or a case number."))
    goal = forms.CharField(
        label=_("What do people learn from it?"), max_length=300, widget=forms.Textarea(attrs={"rows": 2})
    )
    sure = forms.BooleanField(label=_("I have heard all of this part, and whatever tells who it is, is masked."))

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
        elif stop - start > FRAGMENT_SECONDS_MAX * 1_000:
            self.add_error("stop", _("A fragment is at most five minutes long."))
        elif self._end_ms is not None and start >= self._end_ms:
            self.add_error("start", _("The recording has ended by then."))
        elif wrong := beyond(stop, self._end_ms):
            self.add_error("stop", wrong)
        elif any(end <= start or begin >= stop for begin, end in cleaned.get("masks", ())):
            self.add_error("masks", _("One of these is outside the fragment. Look at the times again."))
        cleaned["stop"] = stop if self._end_ms is None else min(stop, self._end_ms)
        return cleaned


class JudgeForm(forms.Form):
    outcome = forms.ChoiceField(
        label=_("What do you decide?"),
        widget=forms.RadioSelect,
        choices=[
            (State.APPROVED.value, _("Approve: trainees may hear it")),
            (State.REJECTED.value, _("Reject: it is destroyed tonight")),
        ],
    )
    words = forms.CharField(
        label=_("Why not?"), max_length=300, required=False, help_text=_("For who cut it. Without names.")
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("outcome") == State.REJECTED and not cleaned.get("words"):
            self.add_error("words", _("Say what is wrong with it."))
        return cleaned


class ConsentForm(forms.Form):
    channel = forms.ChoiceField(
        label=_("How did the client say yes?"),
        widget=forms.RadioSelect,
        choices=[(each.value, CHANNELS[each.value]) for each in Channel],
    )
    proof = forms.CharField(
        label=_("How can that be shown later?"),
        max_length=200,
        help_text=_("Where the signed paper is kept, or who was there. Without names of clients."),
    )
    free = forms.BooleanField(
        label=_(
            "The client was asked for this apart, and knows that no changes nothing and that yes can be taken back."
        )
    )

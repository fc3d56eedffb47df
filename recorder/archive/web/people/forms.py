"""What people type to sign in, and what is typed of an account."""

from collections.abc import Collection
from itertools import combinations
from typing import TYPE_CHECKING, Any

from allauth.account.forms import ChangePasswordForm, LoginForm, ReauthenticateForm, ResetPasswordKeyForm, UserTokenForm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateCodeForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from recorder.archive.access import Role, may_have
from recorder.archive.web.people.models import Person
from recorder.archive.web.words import ROLES

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

_NEW = _("At least 12 characters. Four words that do not belong together are strong, and easy to remember.")


def _say(form: forms.Form, **words: "tuple[_StrPromise | str, _StrPromise | str]") -> None:
    """Our label and help for these fields. A label stands above, so that it stays while one types."""
    for name, (label, help_text) in words.items():
        field = form.fields[name]
        field.label, field.help_text = label, help_text
        field.widget.attrs.pop("placeholder", None)


class SignIn(LoginForm):  # type: ignore[misc] # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, login=(_("E-mail address"), ""), password=(_("Password"), ""))
        self.fields["login"].widget.attrs["autocomplete"] = "username"


class Again(ReauthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, password=(_("Password"), ""))


class _Twice:
    """A new password, typed twice."""

    def clean(self) -> dict[str, Any]:
        """Says in our words that the two differ."""
        form: Any = self
        said: dict[str, Any] = form.cleaned_data
        if said.get("password1") and said.get("password2") and said["password1"] != said["password2"]:
            form.add_error("password2", _("The two passwords are not the same."))
        return said


class FirstPassword(_Twice, ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, password1=(_("New password"), _NEW), password2=(_("The new password again"), ""))


class ChangePassword(_Twice, ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(
            self,
            oldpassword=(_("Your password of now"), ""),
            password1=(_("New password"), _NEW),
            password2=(_("The new password again"), ""),
        )


class Invitation(UserTokenForm):  # type: ignore[misc]
    def _get_user(self, uidb36: str) -> Person | None:
        """Nobody who may not sign in sets a password."""
        person: Person | None = super()._get_user(uidb36)
        return person if person is not None and person.is_active else None


def _code(form: forms.Form) -> None:
    _say(form, code=(_("Code"), _("The six digits that the app shows, or one of your recovery codes.")))
    form.fields["code"].widget.attrs["inputmode"] = "numeric"


class SecondFactor(AuthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _code(self)


class SecondFactorAgain(ReauthenticateCodeForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _code(self)


class ActivateApp(ActivateTOTPForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, code=(_("Code"), _("The six digits that the app shows now.")))
        self.fields["code"].widget.attrs["inputmode"] = "numeric"


class AddPasskey(AddWebAuthnForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, name=(_("Name"), _("By which you know it again: your phone, your laptop.")))


class NamePasskey(EditWebAuthnForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say(self, name=(_("Name"), ""))


class SearchForm(forms.Form):
    text = forms.CharField(
        label=_("Name or e-mail address"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RolesForm(forms.Form):
    """Roles and rooms. A program's role is none of a person's."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(each.value, ROLES[each]) for each in Role if each is not Role.CASE_SYSTEM],
        help_text=_("As few as the work needs. Some do not go together, for example hearing and keeping accounts."),
    )
    rooms = forms.MultipleChoiceField(
        label=_("Rooms"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Where this person has conversations: a caseworker sees the recordings of these rooms that have no case."
        ),
    )

    def __init__(self, *args: Any, rooms: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["rooms"].choices = [(each, each) for each in rooms]  # type: ignore[attr-defined]
        if not rooms:
            self.fields["rooms"].help_text = _("No room is enrolled yet.")

    def clean_roles(self) -> list[Role]:
        roles = [Role(each) for each in self.cleaned_data["roles"]]
        for pair in combinations(roles, 2):
            if not may_have(pair):
                first, second = (ROLES[each] for each in pair)
                raise ValidationError(
                    _("One person cannot be %(first)s and %(second)s. Choose one of the two.")
                    % {"first": first, "second": second}
                )
        return roles


class NewForm(RolesForm):
    email = forms.EmailField(label=_("E-mail address"), help_text=_("Of one person, never of a group."))
    name = forms.CharField(label=_("Name"), max_length=100)
    field_order = ("email", "name")

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if Person.objects.filter(email=email).exists():
            raise ValidationError(_("There is an account with this address already."))
        return email


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=200, help_text=_("How you know that it is this person who asks for it.")
    )

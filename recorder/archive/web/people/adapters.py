"""How allauth behaves here: nobody signs up by themselves, an account is made by who keeps the accounts."""

import base64
import time
from collections.abc import Mapping
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recorder.archive.web.people import telling
from recorder.archive.web.people.models import Person
from recorder.archive.web.people.provider import PROVIDER, secret
from recorder.errors import WebError

JUST_NOW_SECONDS = 300
_WRONG_CODE = _("This code is not right. Wait for the next one, and type that.")
_SAID: Mapping[str, Promise] = {
    "account/messages/password_changed.txt": _("Your password is changed."),
    "mfa/messages/totp_activated.txt": _("The app is set up."),
    "mfa/messages/totp_deactivated.txt": _("The app no longer counts."),
    "mfa/messages/webauthn_added.txt": _("The passkey is set up."),
    "mfa/messages/webauthn_removed.txt": _("The passkey no longer counts."),
}
"""What people are told after an act, by allauth's name for it. Of the others they see the outcome."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("The e-mail address or the password is not right."),
        "too_many_login_attempts": _("This was tried too often. Wait five minutes, and try again."),
        "rate_limited": _("This was tried too often. Wait five minutes, and try again."),
        "enter_current_password": _("This is not your password of now."),
        "incorrect_password": _("The password is not right."),
        "incorrect_code": _WRONG_CODE,
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, app: str = "") -> bool:
        """Not of who showed it a moment ago, when they signed in: a first second factor is set up without being asked twice.

        Who came from the provider cannot show it here, and so sets up no way in that the provider would not know of.
        """
        records = get_authentication_records(context.request, context.request.user)
        latest = max((each["at"] for each in records if each["method"] in ("password", "mfa")), default=0.0)
        return time.time() - latest >= JUST_NOW_SECONDS

    def reauthenticate(self, user: Person, password: str) -> bool:
        """As at the sign-in, and counted with it."""
        return bool(self.authenticate(context.request, email=user.email, password=password) == user)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        telling.wrong_password(credentials["email"])

    def logout(self, request: HttpRequest) -> None:
        """Of who signs out themself: a session that is over ends without this."""
        if isinstance(request.user, Person):
            telling.signed_out(request.user)
        super().logout(request)

    def respond_user_inactive(self, request: HttpRequest, user: Person) -> HttpResponse:
        telling.ended(request, user)
        answer: HttpResponse = super().respond_user_inactive(request, user)
        return answer

    def get_reauthentication_methods(self, user: Person) -> list[dict[str, Any]]:
        words = {
            "reauthenticate": gettext("Your password"),
            "mfa_reauthenticate": gettext("A code of your app, or a recovery code"),
            "mfa_reauthenticate:webauthn": gettext("Your passkey"),
        }
        found: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [each | {"description": words[each["id"]]} for each in found]

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        said = kwargs.get("message") or _SAID.get(message_template or "")
        if said:
            messages.add_message(request, level, str(said))


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = DefaultMFAAdapter.error_messages | {"incorrect_code": _WRONG_CODE}

    def encrypt(self, text: str) -> str:
        """Who reads the database, or a backup of it, has nobody's second factor."""
        return _box().encrypt(text.encode()).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        """Raises WebError: without its secret a second factor would be one that anybody can reckon."""
        try:
            return _box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken as error:
            raise WebError(
                "keys/web.secret in archive.folder is not the one that the second factors were kept with: put it back, or "
                "reset them in Accounts"
            ) from error

    def generate_authenticator_name(self, user: Person, type: Authenticator.Type) -> str:  # noqa: A002 # allauth's word
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey %(number)d") % {"number": number}


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The one of the settings, if there is one."""
        web = settings.CONFIG.web
        if not web.oidc_issuer or provider not in (None, PROVIDER, "openid_connect"):
            return []
        how = {"server_url": web.oidc_issuer.rstrip("/"), "oauth_pkce_enabled": True}
        return [
            SocialApp(
                provider="openid_connect",
                provider_id=PROVIDER,
                name=web.oidc_name,
                client_id=web.oidc_client,
                secret=secret(web),
                settings=how,
            )
        ]

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Who comes from the provider is the account with the address that it has verified, or nobody.

        Nothing of the provider's is kept: an address that it gives to somebody else is somebody else's at once.
        """
        verified = {each.email.lower() for each in sociallogin.email_addresses if each.verified}
        person = Person.objects.filter(email__in=verified).order_by("-is_active").first()
        if person is not None and not person.is_active:
            telling.ended(request, person)
            person = None
        if person is None or sociallogin.state.get("process") != AuthProcess.LOGIN:
            raise ImmediateHttpResponse(render(request, "people/no_account.html", status=403))
        sociallogin.user = person


def _box() -> Fernet:
    info = b"wederhoor second factor"
    key = HKDF(SHA256(), 32, salt=None, info=info).derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))

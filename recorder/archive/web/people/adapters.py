"""How allauth behaves here: nobody signs up by themselves, an account is made by who keeps the accounts."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from recorder.archive.web.people.models import Person


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Who comes from the organisation's own provider is the account with their address, or nobody."""
        if sociallogin.is_existing:
            return
        person = Person.objects.filter(email=(sociallogin.user.email or "").lower(), is_active=True).first()
        if person is None:
            raise PermissionDenied
        sociallogin.connect(request, person)

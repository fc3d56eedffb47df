"""Keeping the accounts: making one, and the link by which its person sets a password."""

from collections.abc import Collection

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.urls import reverse

from recorder.archive.access import Role, may_have
from recorder.archive.web.people.models import Person
from recorder.errors import WebError


def make(email: str, name: str, roles: Collection[Role], rooms: Collection[str]) -> Person:
    """A new account. WebError if there is one with this address, or the roles do not go together."""
    try:
        validate_email(email)
    except ValidationError as error:
        raise WebError(f"{email!r} is no e-mail address") from error
    if Person.objects.filter(email=email.lower()).exists():
        raise WebError(f"{email} has an account already")
    if not may_have(roles):
        raise WebError("nobody may have these roles together: see docs/operating.md")
    return Person.objects.make(email, name, roles, rooms)


def invite(person: Person) -> str:
    """The path of a page where whoever has the link sets this account's password, once and for three days."""
    parts = {"uidb36": user_pk_to_url_str(person), "key": default_token_generator.make_token(person)}
    return reverse("account_reset_password_from_key", kwargs=parts)

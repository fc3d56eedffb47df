"""What people do to sign in stands in the audit trail: allauth tells of it, and here it is written down.

Nobody fills the trail with tries: allauth tells of none beyond its limits (`login_failed` in `ACCOUNT_RATE_LIMITS`: five in
five minutes for an account's password, five for its second factor, a hundred a minute from one address), and where there is
no account nothing is written. Nothing that was typed stands in a line.
"""

from typing import Any

from allauth.account import signals as account
from allauth.account.authentication import get_authentication_records
from allauth.core.ratelimit import consume
from allauth.mfa import signals as factors
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from recorder.archive.web.people.models import Person
from recorder.archive.web.trail import writing


def connect() -> None:
    """Hear of it from now on."""
    account.user_logged_in.connect(_signed_in)
    factors.authentication_failed.connect(_wrong_code)
    account.password_changed.connect(_password_changed)
    account.password_reset.connect(_password_by_link)
    factors.authenticator_added.connect(_factor_added)
    factors.authenticator_removed.connect(_factor_removed)
    factors.authenticator_reset.connect(_codes_made)
    factors.authenticator_used.connect(_factor_used)


def signed_out(person: Person) -> None:
    """By themselves, and not because their time was over."""
    _tell(person, "sign_out")


def wrong_password(email: str) -> None:
    """Of an address that nobody has, as much work, and no line: by how long it takes nobody learns which there are."""
    person = Person.objects.filter(email=email.lower()).first()
    if person is None:
        writing.write_nothing()
    else:
        _tell(person, "sign_in", "refused", how="password")


def ended(request: HttpRequest, person: Person) -> None:
    """An account that may not sign in tried to, and proved whose it is; a few times, for it may go on trying."""
    if consume(request, action="login_failed", key=f"ended-{person.pk}"):
        _tell(person, "sign_in", "refused")


def _signed_in(request: HttpRequest, user: Person, **_: Any) -> None:
    _tell(user, "sign_in", how=_how(get_authentication_records(request, user)))


def _how(records: list[dict[str, Any]]) -> str:
    """By what somebody signed in, as `trail.words` names it."""
    last = {each["method"]: each for each in records}
    if "socialaccount" in last:
        return "provider"
    factor = last.get("mfa", {})
    if factor.get("passwordless"):
        return "passkey"
    return f"password_{factor['type']}" if factor else "password"


def _wrong_code(user: Person, authenticator: Authenticator, **_: Any) -> None:
    _tell(user, "sign_in", "refused", how=f"password_{authenticator.type}")


def _password_changed(user: Person, **_: Any) -> None:
    _tell(user, "set_password", act="password")


def _password_by_link(user: Person, **_: Any) -> None:
    _tell(user, "set_password", act="link")


def _factor_added(user: Person, authenticator: Authenticator, **_: Any) -> None:
    _tell(user, "second_step", act="added", kind=authenticator.type)


def _factor_removed(user: Person, authenticator: Authenticator, **_: Any) -> None:
    _tell(user, "second_step", act="removed", kind=authenticator.type)


def _codes_made(user: Person, authenticator: Authenticator, **_: Any) -> None:
    _tell(user, "second_step", act="added", kind=authenticator.type)


def _factor_used(user: Person, authenticator: Authenticator, **_: Any) -> None:
    """Of recovery codes each: who uses one has lost their second factor, or it is not they."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        _tell(user, "second_step", act="used", kind=authenticator.type)


def _tell(person: Person, action: str, result: writing.Result = "done", **details: str) -> None:
    role = min(person.roles, default="none")
    writing.write(person=str(person.pk), role=role, action=action, result=result, details=details or None)

"""Keeping the accounts: making one, the link by which its person sets a password, and ending one."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from recorder.archive.access import BY_ROOM, Action, Role, could, may, may_have
from recorder.archive.web.clock import now_ms
from recorder.archive.web.people.models import Change, Person
from recorder.errors import WebError

KEEPERS = [role.value for role in Role if may([role], Action.KEEP_ACCOUNTS)]
CONFIRMERS = [role.value for role in Role if may([role], Action.CONFIRM_ACCOUNT)]


class NobodyConfirms(Exception):
    """Nobody would be left who confirms accounts, besides who acts and whose account it is."""


def make(email: str, name: str, roles: Collection[Role], rooms: Collection[str]) -> Person:
    """A new account, not confirmed. WebError if there is one with this address, or the roles do not go together."""
    try:
        validate_email(email)
    except ValidationError as error:
        raise WebError(f"{email!r} is no e-mail address") from error
    if not 1 <= len(name) <= 100:
        raise WebError("a name has 1 to 100 characters")
    if Person.objects.filter(email=email.lower()).exists():
        raise WebError(f"{email} has an account already")
    if not may_have(roles):
        raise WebError("nobody may have these roles together: see docs/operating.md")
    with transaction.atomic():
        return Person.objects.make(email, name, roles, rooms)


def invite(person: Person) -> str:
    """The path of a page where whoever has the link sets this account's password, once and for three days."""
    parts = {"uidb36": user_pk_to_url_str(person), "key": default_token_generator.make_token(person)}
    return reverse("account_reset_password_from_key", kwargs=parts)


class NobodyWatches(Exception):
    """No privacy officer would be left."""


@contextmanager
def keeping(by: Person, whom: Person, action: Action = Action.KEEP_ACCOUNTS) -> Iterator[Person]:
    """An act of `by` on the account of `whom`, which is given as it is now: a transaction.

    Such acts come one after the other, and nobody does one on themself: so somebody who keeps accounts is always left, also
    when two of them end each other's. PermissionDenied for oneself, for who may not do it any more, and for who must be
    confirmed first.

    Accounts are locked without their keys: who has the end of the trail may write down that one of them acted, and does not
    wait for us, who wait for that.
    """
    if by.pk == whom.pk:
        raise PermissionDenied
    with transaction.atomic():
        every = Person.objects.filter(role_rows__role__in=KEEPERS)
        list(every.select_for_update(of=("self",), no_key=True).order_by("pk"))
        # Only what is read after the lock is so now.
        now = Person.objects.filter(pk=by.pk, is_active=True, confirmed_ms__isnull=False).first()
        if now is None or not may(now.roles, action):
            raise PermissionDenied
        yield Person.objects.select_for_update(no_key=True).get(pk=whom.pk)


def change(person: Person, roles: Collection[Role], rooms: Collection[str]) -> bool:
    """These roles and rooms from now on, looked at now; whether they may do more by them than they could."""
    rooms_count = any(could(roles, each, own=True) for each in BY_ROOM)
    more = bool(set(roles) - person.roles or (rooms_count and set(rooms) - set(person.rooms)))
    person.give(roles, rooms)
    review(person)
    return more


def changed(person: Person, by: Person, line: int) -> None:
    """From now on a second person must confirm it: `by` did what `line` of the trail tells, and might use it themself."""
    person.confirmed_ms = None
    person.save(update_fields=["confirmed_ms"])
    Change.objects.create(person=person, by=by, line=line, at_ms=now_ms())


def confirmers() -> QuerySet[Person]:
    """Who may confirm what others did to accounts, and tokens that others made; an account of two such roles more than once."""
    return Person.objects.filter(role_rows__role__in=CONFIRMERS, is_active=True, confirmed_ms__isnull=False)


def somebody_confirms(whom: Person) -> bool:
    """Whether this account need only wait: somebody may confirm it who did nothing to it, and whose it is not."""
    return confirmers().exclude(pk=whom.pk).exclude(pk__in=whom.changes.values("by")).exists()


def check_left(by: Person, whom: Person) -> None:
    """NobodyConfirms if no third person can confirm what `by` does to `whom`: it would wait for ever.

    Call it in `keeping`, which lets no second act come between.
    """
    if not confirmers().exclude(pk__in=[by.pk, whom.pk]).exists():
        raise NobodyConfirms


def check_watched(whom: Person) -> None:
    """NobodyWatches if no other privacy officer would be left, confirmed, once `whom` is none any more.

    Also of one who waits to be confirmed: else one act would make them that, and the next one end them. Call it in `keeping`.
    """
    officers = Person.objects.filter(role_rows__role=Role.PRIVACY_OFFICER.value, is_active=True)
    watched = officers.filter(confirmed_ms__isnull=False).exclude(pk=whom.pk).exists()
    if not watched and whom.is_active and Role.PRIVACY_OFFICER in whom.roles:
        raise NobodyWatches


def confirm(person: Person) -> None:
    """What was done to it is right, and who uses it is its person."""
    person.confirmed_ms = now_ms()
    person.save(update_fields=["confirmed_ms"])
    person.changes.all().delete()


def came_since(person: Person, changes: Collection[Change]) -> bool:
    """Whether its person has signed in since these.

    Before that there may be a link that somebody else has too; nobody can tell who uses the account. By a sign-in all
    links are worthless, and one can ask its person whether it was they.
    """
    last_ms = 0 if person.last_login is None else int(person.last_login.timestamp() * 1_000)
    return all(last_ms >= each.at_ms for each in changes)


def review(person: Person) -> None:
    """Their roles were looked at, and are right."""
    person.reviewed_ms = now_ms()
    person.save(update_fields=["reviewed_ms"])


def admit(person: Person) -> None:
    """Let them set a new password: the old one counts no more, nor does a session that was begun with it."""
    person.is_active = True
    person.set_unusable_password()
    person.save(update_fields=["is_active", "password"])
    person.sign_out()


def deactivate(person: Person) -> None:
    """They are out at once. Whoever lets them in again gives them a new link."""
    person.is_active = False
    person.set_unusable_password()
    person.save(update_fields=["is_active", "password"])
    person.sign_out()


def reset_second_factor(person: Person) -> None:
    """They set up a new one when they sign in next."""
    Authenticator.objects.filter(user=person).delete()
    person.sign_out()

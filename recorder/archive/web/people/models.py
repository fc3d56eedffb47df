"""Accounts. Who may do what with a role stands in `recorder.archive.access`, and nowhere here."""

import uuid
from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from recorder.archive.access import Role, may_have
from recorder.archive.web.clock import now_ms
from recorder.archive.web.words import ROLES


class People(BaseUserManager["Person"]):
    """Makes accounts. ValueError for roles that one person may not have together."""

    def make(self, email: str, name: str, roles: Collection[Role], rooms: Collection[str] = ()) -> "Person":
        """Without a password: the first one is set by a link. It is not confirmed."""
        person = self.model(email=self.normalize_email(email).lower(), name=name, reviewed_ms=now_ms())
        person.set_unusable_password()
        person.save(using=self._db)
        person.give(roles, rooms)
        return person

    def to_confirm(self) -> models.QuerySet["Person"]:
        """Those that a second person must confirm; of who may not sign in nobody need."""
        return self.filter(confirmed_ms=None, is_active=True).order_by("name")


class Person(AbstractBaseUser):
    """One person's account, and never a group's (B2). Its id stands in the audit trail; a name does not."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=100)
    is_active = models.BooleanField(_("may sign in"), default=True)
    reviewed_ms = models.BigIntegerField(null=True)
    """When somebody last looked whether these roles are still right (B2)."""

    confirmed_ms = models.BigIntegerField(null=True)
    """When a second person confirmed what was last done to this account; None while nobody has (`access.UNCONFIRMED`)."""

    era = models.IntegerField(default=0)
    """Whoever signed in during an earlier one is signed out."""

    objects: ClassVar[People] = People()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["name"], condition=models.Q(confirmed_ms=None), name="people_to_confirm")
        ]

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def roles(self) -> frozenset[Role]:
        """Read once for each request: the account is."""
        if not hasattr(self, "_roles"):
            self._roles = frozenset(Role(each.role) for each in self.role_rows.all())
        return self._roles

    @property
    def rooms(self) -> list[str]:
        """The devices of the rooms where this person has conversations. Read once, as `roles`."""
        if not hasattr(self, "_rooms"):
            self._rooms = sorted(each.device for each in self.room_rows.all())
        return self._rooms

    @property
    def confirmed(self) -> bool:
        return self.confirmed_ms is not None

    def give(self, roles: Collection[Role], rooms: Collection[str]) -> None:
        """These roles and rooms, and no others. Who was signed in with the old ones signs in anew."""
        if not may_have(roles):
            raise ValueError("nobody may have these roles together")
        self.sign_out()
        self.role_rows.all().delete()
        self.room_rows.all().delete()
        RoleRow.objects.bulk_create(RoleRow(person=self, role=each.value) for each in sorted(set(roles)))
        RoomRow.objects.bulk_create(RoomRow(person=self, device=each) for each in sorted(set(rooms)))
        self.__dict__.pop("_roles", None)
        self.__dict__.pop("_rooms", None)

    def sign_out(self) -> None:
        """Everywhere, at the next request."""
        self.era += 1
        self.save(update_fields=["era"])

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """What a session must have for Django to believe it: it ends with the password, as Django has it, and with the era."""
        said = f"{self.password}\n{self.era}"
        return salted_hmac("recorder.archive.web.people.session", said, secret=secret, algorithm="sha256").hexdigest()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Addresses are compared without regard to capitals."""
        self.email = self.email.lower()
        super().save(*args, **kwargs)


class Change(models.Model):
    """What somebody who keeps accounts did to one, and a second person is to confirm; gone when they have.

    All of them, and not the last alone: who did one of them confirms none.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="changes")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    line = models.BigIntegerField()
    """The number of the audit trail's line that tells of it."""
    at_ms = models.BigIntegerField()


class Mark(models.Model):
    """One row: of which `keys/web.secret` this database is. See `secret_mark`."""

    id = models.SmallIntegerField(primary_key=True)
    hash = models.CharField(max_length=64)


class RoleRow(models.Model):
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="role_rows")
    role = models.CharField(max_length=32, choices=[(each.value, ROLES[each]) for each in Role])

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["person", "role"], name="one_role_once")]


class RoomRow(models.Model):
    """A room where this person has conversations: those of others are not theirs to see (P2)."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="room_rows")
    device = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["person", "device"], name="one_room_once")]

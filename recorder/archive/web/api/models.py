"""Tokens: by which a program of the organisation acts, within what it was given."""

from typing import ClassVar

from django.db import models

from recorder.archive.web.people.models import Person


class Token(models.Model):
    """What its bearer may do: these actions, for these purposes, until this day. The token itself is nowhere here."""

    name = models.CharField(max_length=100)
    """Of the program, and where it runs."""
    hash = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the token, which is random and long: there is nothing to be tried."""
    actions = models.JSONField()
    purposes = models.JSONField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT)
    made_ms = models.BigIntegerField()
    until_ms = models.BigIntegerField()
    confirmed_ms = models.BigIntegerField(null=True)
    """When a second person confirmed it; None while nobody has, and it is good for nothing."""
    revoked_ms = models.BigIntegerField(null=True)
    used_ms = models.BigIntegerField(null=True)
    """When it was last used, by the hour: a token that nobody uses can go."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["until_ms"], name="tokens_until")]

    def __str__(self) -> str:
        return self.name

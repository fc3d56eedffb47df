"""What people say of a recording: of which case it is, and what they have to add."""

from typing import ClassVar

from django.db import models

from recorder.archive.web.people.models import Person


class Case(models.Model):
    """A case of the organisation's own administration, by its number there."""

    number = models.CharField(max_length=64, unique=True)
    decided_ms = models.BigIntegerField(null=True)
    """When it was decided, the last time: the deletion date counts from that (D1)."""


class Link(models.Model):
    """A recording is of a case: said by the person who was there, and so theirs."""

    recording = models.CharField(max_length=32, primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="links")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True)
    """None where the organisation's own program said it."""
    device = models.CharField(max_length=64)
    at_ms = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["person", "-at_ms"], name="links_of_person")]


class Statement(models.Model):
    """What somebody wants to be shown wherever the recording is (S4). It is never changed."""

    recording = models.CharField(max_length=32, db_index=True)
    text = models.TextField(max_length=5_000)
    of_client = models.BooleanField()
    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    at_ms = models.BigIntegerField()

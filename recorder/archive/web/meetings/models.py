"""What people say of a recording: of which case it is, and what they have to add."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Upper

from recorder.archive.web.people.models import Person


class Case(models.Model):
    """A case of the organisation's own administration, by its number there."""

    number = models.CharField(max_length=64, unique=True)
    """As `forms.one_spelling` writes it."""
    decided_ms = models.BigIntegerField(null=True)
    """When it was decided, the last time: the deletion date counts from that (D1)."""

    class Meta:
        constraints: ClassVar = [
            # Whoever writes it otherwise, as an older version that still runs does, names a case that nobody finds or holds.
            models.CheckConstraint(condition=models.Q(number=Upper("number")), name="case_in_capitals")
        ]

    @classmethod
    def decide(cls, number: str, decided_ms: int) -> bool:
        """Note when it was decided; whether there is such a case.

        The latest day counts, in whatever order they are told: nobody makes recordings go earlier by telling an earlier one.
        """
        later = models.Q(decided_ms=None) | models.Q(decided_ms__lt=decided_ms)
        changed = cls._default_manager.filter(later, number=number).update(decided_ms=decided_ms)
        return bool(changed) or cls._default_manager.filter(number=number).exists()


class Link(models.Model):
    """A recording is of a case: said by the person who was there, and so theirs, unless a colleague disputes it."""

    recording = models.CharField(max_length=32, primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="links")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True)
    """None where the organisation's own program said it."""
    device = models.CharField(max_length=64)
    at_ms = models.BigIntegerField()

    disputed = models.BooleanField(default=False)
    """Whether a `Dispute` about it is open. Here too, since it counts wherever the link does."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["person", "-at_ms"], name="links_of_person"),
            models.Index(fields=["device", "-at_ms"], name="links_of_room"),
        ]


class Dispute(models.Model):
    """A colleague with the same room says that a meeting was not had by who linked it. Until it is settled, nobody's is it."""

    recording = models.CharField(max_length=32)
    device = models.CharField(max_length=64)
    linked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    linked_ms = models.BigIntegerField()
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    """Who says so."""
    at_ms = models.BigIntegerField()
    settled_ms = models.BigIntegerField(null=True)
    stands = models.BooleanField(null=True)
    """Whether it was found that the link is right."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["recording"], condition=models.Q(settled_ms=None), name="one_open_dispute_of_a_recording"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["at_ms"], condition=models.Q(settled_ms=None), name="disputes_open"),
            models.Index(fields=["recording", "linked_by"], name="disputes_of_recording"),
        ]


class Unlinked(models.Model):
    """A recording whose case was taken away from it, the last time: its days without one count anew."""

    recording = models.CharField(max_length=32, primary_key=True)
    device = models.CharField(max_length=64)
    at_ms = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["device", "at_ms"], name="unlinked_of_room")]


class Statement(models.Model):
    """What somebody wants to be shown wherever the recording is (S4). It is never changed."""

    recording = models.CharField(max_length=32, db_index=True)
    text = models.TextField(max_length=5_000)
    of_client = models.BooleanField()
    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    at_ms = models.BigIntegerField()

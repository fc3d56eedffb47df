"""What a client said of training, and the fragments that were made then."""

import uuid
from enum import StrEnum
from typing import ClassVar

from django.db import models

from recorder.archive.web.people.models import Person


class Channel(StrEnum):
    """By which way a client said it."""

    PAPER = "paper"
    COUNTER = "counter"


class State(StrEnum):
    MAKING = "making"
    """Its sound is not there yet; for longer than a day only if something failed."""
    WAITING = "waiting"
    """For a second person."""
    APPROVED = "approved"
    REJECTED = "rejected"


class TrainingConsent(models.Model):
    """A client agreed that fragments of a recording are used for training (R4). A room never asks for it."""

    recording = models.CharField(max_length=32, db_index=True)
    channel = models.CharField(max_length=16, choices=[(each.value, each.value) for each in Channel])
    proof = models.CharField(max_length=200)
    """Where what they signed is kept, or who heard it: it must be possible to show (AVG, article 7, paragraph 1)."""
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at_ms = models.BigIntegerField()
    withdrawn_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_ms = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["recording"],
                condition=models.Q(withdrawn_ms__isnull=True),
                name="one_training_consent_at_a_time",
            )
        ]


class Fragment(models.Model):
    """A stretch of a recording with another voice, pseudonymised and not anonymous (P4). Its sound is in a store of its own."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.CharField(max_length=32, db_index=True)
    consent = models.ForeignKey(TrainingConsent, on_delete=models.CASCADE, related_name="fragments")
    """That by which it was cut: with it withdrawn nobody hears it any more, also if the client agrees once more."""
    start_ms = models.BigIntegerField()
    """Of the recording."""
    stop_ms = models.BigIntegerField()
    masks = models.JSONField(default=list)
    """Pairs of milliseconds of the recording."""
    title = models.CharField(max_length=100)
    goal = models.CharField(max_length=300)
    """What people learn from it."""
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    """Who cut it."""
    at_ms = models.BigIntegerField()
    expires_ms = models.BigIntegerField()
    state = models.CharField(
        max_length=16, choices=[(each.value, each.value) for each in State], default=State.MAKING.value
    )
    sealed = models.CharField(max_length=32, null=True, unique=True)
    """What it is called in its store. Known here before anything of it lies there, so that what nobody knows of can go."""
    bound = models.BinaryField(null=True)
    """That this sound is this fragment's, signed by the reading room (`binding`); None as long as `sealed` is."""
    judged_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    judged_ms = models.BigIntegerField(null=True)
    words = models.CharField(max_length=300, default="")
    """Why it was rejected."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["state", "expires_ms"], name="fragments_heard")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(stop_ms__gt=models.F("start_ms")), name="fragment_of_something")
        ]

    @property
    def seconds(self) -> float:
        return (self.stop_ms - self.start_ms) / 1_000


class FragmentPermit(models.Model):
    """By it the reading room plays a fragment to one person, within its time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    fragment = models.ForeignKey(Fragment, on_delete=models.CASCADE, related_name="permits")
    until_ms = models.BigIntegerField()
    opened_ms = models.BigIntegerField(null=True)
    """When the reading room first played by it: that it did stands in the trail since then."""

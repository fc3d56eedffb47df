"""Requests of those who were heard, and what happened with each.

What somebody said stands here, and not in the audit trail, which tells that they asked.
"""

import uuid
from typing import ClassVar

from django.db import models

from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.kinds import WAITING, Channel, Kind, State, What


class Request(models.Model):
    """One request about one recording, with its clock (AVG, article 12, paragraph 3)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.CharField(max_length=32)
    kind = models.CharField(max_length=16, choices=[(each.value, each.value) for each in Kind])
    channel = models.CharField(max_length=16, choices=[(each.value, each.value) for each in Channel])
    words = models.TextField(max_length=5_000)
    """Of the client."""
    came_ms = models.BigIntegerField()
    """When the organisation had it: a letter, when it was in the letter box."""
    due_ms = models.BigIntegerField()
    """The end of the last day on which an answer is in time."""
    state = models.CharField(
        max_length=16, choices=[(each.value, each.value) for each in State], default=State.OPEN.value
    )
    decision = models.TextField(max_length=5_000, default="")
    """In words for the client. Empty until it was decided."""
    decided_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    decided_ms = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["recording", "kind"],
                condition=models.Q(state__in=[each.value for each in WAITING]),
                name="one_request_of_a_kind_at_a_time",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["recording"], name="requests_recording"),
            models.Index(fields=["state", "due_ms"], name="requests_due"),
            models.Index(fields=["-decided_ms"], name="requests_decided"),
        ]

    @property
    def waiting(self) -> bool:
        """Whether nobody has decided yet."""
        return self.state in WAITING


class Event(models.Model):
    """What happened with a request, for whoever deals with it."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="events")
    what = models.CharField(max_length=16, choices=[(each.value, each.value) for each in What])
    words = models.TextField(max_length=5_000, default="")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    """None: the client, by their code."""
    at_ms = models.BigIntegerField()

"""Permits: who may hear which recording, what for, and until when. The reading room plays by nothing else."""

import uuid
from typing import ClassVar

from django.db import models

from recorder.archive.web.people.models import Person

PERMIT_MS = 4 * 3_600_000
"""Longer than a recording is, and shorter than a day's work."""


class Permit(models.Model):
    """Made by the pages when somebody has said purpose, case and reason (P1)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE)
    recording = models.CharField(max_length=32)
    purpose = models.CharField(max_length=32)
    case = models.CharField(max_length=64)
    reason = models.CharField(max_length=300)
    until_ms = models.BigIntegerField()
    opened_ms = models.BigIntegerField(null=True)
    """When the reading room first played by it: that it did stands in the trail since then."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["until_ms"], name="permits_until")]

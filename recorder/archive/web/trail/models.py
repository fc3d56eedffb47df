"""The lines of the audit trail, as `recorder.archive.audit` makes and checks them, and the checkpoints that were published.

What is filtered by stands in columns beside the text that counts: a column that says something else than the text is seen
when the trail is checked.
"""

from typing import ClassVar

from django.db import models


class Line(models.Model):
    number = models.BigIntegerField(primary_key=True)
    text = models.BinaryField()
    hash = models.BinaryField()
    details = models.BinaryField(null=True)
    salt = models.BinaryField(null=True)
    wall_ms = models.BigIntegerField(db_index=True)
    person = models.CharField(max_length=64)
    action = models.CharField(max_length=32)
    recording = models.CharField(max_length=32, null=True)
    device = models.CharField(max_length=64, null=True)
    result = models.CharField(max_length=8)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["recording", "number"], name="trail_recording"),
            models.Index(fields=["person", "number"], name="trail_person"),
            models.Index(fields=["action", "number"], name="trail_action"),
            models.Index(fields=["device", "number"], name="trail_device"),
            models.Index(fields=["result", "number"], name="trail_result"),
            models.Index(fields=["number"], condition=models.Q(details__isnull=False), name="trail_details"),
        ]


class Head(models.Model):
    """One row: where the chain ends. Who writes a line has its lock."""

    id = models.SmallIntegerField(primary_key=True)
    number = models.BigIntegerField()
    hash = models.BinaryField()


class Checkpoint(models.Model):
    """What was published of the trail, or is to be: `audit.sign` made it."""

    number = models.BigIntegerField(primary_key=True)
    body = models.BinaryField()
    wall_ms = models.BigIntegerField()

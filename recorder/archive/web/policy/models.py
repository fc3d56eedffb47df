"""The versions of what was decided. None is ever changed or deleted: what counted on a day can always be shown."""

from typing import ClassVar

from django.db import models

from recorder.archive.web.policy import decided


class State(models.TextChoices):
    PROPOSED = "proposed"
    LIVE = "live"
    PAST = "past"
    """It counted, until another one did."""
    DROPPED = "dropped"
    """It never counted: the second person said no, or another proposal took its place."""


class Version(models.Model):
    text = models.TextField()
    """As `decided.write` makes it."""
    why = models.CharField(max_length=300)
    state = models.CharField(max_length=16, choices=State.choices)
    person = models.UUIDField()
    """The id of an account, as in the trail: an account may go, and what its person decided stays."""
    at_ms = models.BigIntegerField()
    second = models.UUIDField(null=True)
    """Who confirmed or dropped it."""
    second_ms = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state__in=["proposed", "live"]), name="one_live_one_proposed"
            )
        ]

    @property
    def decided(self) -> decided.Decided:
        return decided.read(self.text)

"""Holds, and what the nightly run of deletions leaves to be read."""

from typing import ClassVar

from django.db import models

from recorder.archive.access import DISPUTES, Purpose
from recorder.archive.retention import HOUR_MS, Terms
from recorder.archive.web.meetings.models import Case
from recorder.archive.web.people.models import Person
from recorder.wire.consent import DAY_MS

CONFIRM_DAYS = 14
HOLD_DAYS_MAX = 365
UNDO_MS = Terms().undo_hours * HOUR_MS
END_SOON_DAYS = 14
FORECAST_DAYS = 30


class Kind(models.TextChoices):
    OBJECTION = "objection"
    APPEAL = "appeal"
    COMPLAINT = "complaint"
    OTHER = "other"
    """The client needs it for a claim (AVG, article 18, paragraph 1, c)."""

    @property
    def purpose(self) -> Purpose:
        """What somebody must be in charge of to set one."""
        return Purpose.ACCESS if self is Kind.OTHER else Purpose(self.value)

    @property
    def by_itself(self) -> bool:
        """Whether setting one keeps at once, so that nothing is lost before a second person has looked (D2)."""
        return self.purpose in DISPUTES


class How(models.TextChoices):
    """How one ended before its date."""

    ENDED = "ended"
    REFUSED = "refused"
    """The second person said no."""
    LAPSED = "lapsed"
    """No second person said anything in time."""


class State(models.TextChoices):
    WAITING = "waiting"
    """For a second person."""
    RUNNING = "running"
    EXPIRED = "expired"
    ENDED = "ended"
    REFUSED = "refused"
    LAPSED = "lapsed"


class Hold(models.Model):
    """What keeps recordings beyond their date (D2): of a case, and so those that are linked to it later, too.

    Why not of one recording alone: an objection is against what was decided on a case, and whoever handles it says which
    conversations count only after hearing them. The one it was set at is kept even if its case was never named.
    """

    recording = models.CharField(max_length=32, null=True)
    """At which it was set; None where the organisation's own program named the case alone."""
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="holds")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    reason = models.CharField(max_length=300)
    expires_ms = models.BigIntegerField()
    """Always there, and at most HOLD_DAYS_MAX ahead: to hold longer is to set another one, with two people again."""
    placed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    """None: the organisation's own program."""
    placed_ms = models.BigIntegerField()
    at_once = models.BooleanField()
    """Whether it keeps anything before a second person has said yes. Not where the same person, or a program, had set one of
    this kind and of this case or recording that nobody confirmed: else one alone could hold for as long as they like. Where
    somebody else sets it, two have acted."""
    confirmed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    confirmed_ms = models.BigIntegerField(null=True)
    ended_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    ended_ms = models.BigIntegerField(null=True)
    how = models.CharField(max_length=16, choices=How.choices, null=True)
    why = models.CharField(max_length=300, default="")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["recording"], name="holds_recording"),
            models.Index(fields=["ended_ms", "confirmed_ms", "expires_ms"], name="holds_standing"),
            models.Index(fields=["placed_by", "-placed_ms"], name="holds_of_person"),
            models.Index(
                fields=["expires_ms"],
                condition=models.Q(ended_ms__isnull=True, confirmed_ms__isnull=False),
                name="holds_running",
            ),
        ]

    @property
    def confirm_by_ms(self) -> int:
        """Until when a second person must have said yes."""
        return min(self.placed_ms + CONFIRM_DAYS * DAY_MS, self.expires_ms)

    @property
    def until_ms(self) -> int | None:
        """Until when it keeps anything, as things are; None if it does not, or not any more.

        A person who ends it is one alone, and what it kept is gone for good: for UNDO_MS it keeps on, so that another can look.
        """
        until_ms = self._until_ms
        if self.ended_ms is None or until_ms is None:
            return until_ms
        return None if self.how == How.LAPSED else min(until_ms, self.ended_ms + UNDO_MS)

    @property
    def _until_ms(self) -> int | None:
        """If nobody ends it."""
        if self.confirmed_ms is not None:
            return self.expires_ms
        return self.confirm_by_ms if self.at_once else None

    def state(self, now_ms: int) -> State:
        if self.how is not None:
            return State(self.how)
        if self.confirmed_ms is not None:
            return State.RUNNING if now_ms < self.expires_ms else State.EXPIRED
        return State.WAITING if now_ms < self.confirm_by_ms else State.LAPSED

    def ends_soon(self, now_ms: int) -> bool:
        """Whether somebody is to be reminded that it ends."""
        return self.state(now_ms) is State.RUNNING and self.expires_ms < now_ms + END_SOON_DAYS * DAY_MS


class Going(models.Model):
    """A recording of which the nightly run has decided that it goes: no hold comes in between any more.

    The row is there until everything that goes with it is gone, too; a run that was cut off leaves it to the next one.
    """

    recording = models.CharField(max_length=32, primary_key=True)
    cause = models.CharField(max_length=16)


class Expected(models.Model):
    """A recording that goes within the next FORECAST_DAYS, or is past its date and kept, as of the last nightly run."""

    recording = models.CharField(max_length=32, primary_key=True)
    device = models.CharField(max_length=64)
    made_ms = models.BigIntegerField()
    cause = models.CharField(max_length=16)
    due_ms = models.BigIntegerField()
    """Its date."""
    goes_ms = models.BigIntegerField(null=True)
    """When it goes: after its date where a hold keeps it for so long; None where it is not known when what keeps it ends."""
    kept = models.BooleanField()
    """Whether something keeps it at its date."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["goes_ms", "recording"], name="expected_goes"),
            models.Index(fields=["kept", "due_ms", "recording"], name="expected_kept"),
        ]


class Day(models.Model):
    """How many were deleted on a day for one cause, and how many are expected to be: counts alone, kept for a picture."""

    day = models.DateField()
    cause = models.CharField(max_length=16)
    deleted = models.IntegerField(default=0)
    expected = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["day", "cause"], name="one_count_a_day_and_cause")]


class Run(models.Model):
    """One nightly run: where none is recent, nothing is deleted, and somebody must know."""

    began_ms = models.BigIntegerField(db_index=True)
    ended_ms = models.BigIntegerField(null=True)
    """None: it is at it, or was cut off."""
    deleted = models.IntegerField(default=0)
    again = models.IntegerField(default=0)
    """What came back out of a backup, and was deleted once more."""
    failed = models.IntegerField(default=0)

"""Requests of those who were heard, and what happened with each.

What somebody said stands here, and not in the audit trail, which tells that they asked.
"""

import uuid
from typing import ClassVar

from django.db import models

from recorder.archive.web.people.models import Person
from recorder.archive.web.rights.kinds import WAITING, Channel, Ground, Kind, Proposal, State, What
from recorder.wire.consent import DAY_MS

DISCLOSURE_DAYS = 30
"""So long copies are made by a disclosure, from when it was confirmed: what it stands on may not be so any more."""
RESTRICTION_DAYS_MAX = 365
"""Until a restriction must be looked at again."""
_ONE_CAUSE = models.Q(request__isnull=True, disclosure__isnull=False) | models.Q(
    request__isnull=False, disclosure__isnull=True
)


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
    """In words for the client. Empty until somebody decides."""
    decided_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    decided_ms = models.BigIntegerField(null=True)
    """When it counted: of what needs two, when a second person had confirmed it."""
    proposed = models.CharField(
        max_length=16, choices=[(each.value, each.value) for each in Proposal], null=True, default=None
    )
    """What is to become of it when a second person confirms that. Until then it stands as it did: what is locked stays so."""
    proposed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    proposed_ms = models.BigIntegerField(null=True)
    confirmed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    """None also of those erasures that were granted before two people were needed: they count."""

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
            models.Index(fields=["proposed", "due_ms"], name="requests_proposed"),
        ]

    @property
    def waiting(self) -> bool:
        """Whether it is not decided yet."""
        return self.state in WAITING

    def unpropose(self) -> None:
        """Nothing of it waits for a second person any more; who calls it saves it."""
        self.proposed = self.proposed_by = self.proposed_ms = None

    @property
    def entered_by(self) -> Person | None:
        """Who of the staff entered it; None if the client did, by their code."""
        return self.events.select_related("person").get(what=What.CAME.value).person


class Event(models.Model):
    """What happened with a request, for whoever deals with it."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="events")
    what = models.CharField(max_length=16, choices=[(each.value, each.value) for each in What])
    words = models.TextField(max_length=5_000, default="")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    """None: the client, by their code."""
    at_ms = models.BigIntegerField()


class Disclosure(models.Model):
    """A copy is to go to somebody who is not the client: on a legal duty or the client's agreement, seen by two (P3)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.CharField(max_length=32)
    to = models.CharField(max_length=200)
    ground = models.CharField(max_length=16, choices=[(each.value, each.value) for each in Ground])
    words = models.TextField(max_length=2_000)
    """The article of the law, or where the agreement is kept; and what for."""
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at_ms = models.BigIntegerField()
    confirmed = models.BooleanField(null=True)
    """None until somebody else has judged it."""
    judged_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    judged_ms = models.BigIntegerField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["confirmed", "at_ms"], name="disclosures_waiting"),
            models.Index(fields=["recording"], name="disclosures_recording"),
        ]

    @property
    def until_ms(self) -> int | None:
        """Until when copies are made by it; None if nobody confirmed it."""
        return None if not self.confirmed or self.judged_ms is None else self.judged_ms + DISCLOSURE_DAYS * DAY_MS

    def counts(self, now_ms: int) -> bool:
        """Whether a copy may be made by it now."""
        return self.until_ms is not None and now_ms < self.until_ms


class Mask(models.Model):
    """What a copy does not let hear (S3). The recording itself stays as it is.

    On the copy of a disclosure it is set before that is confirmed: the second person sees what is masked, and what is not.
    """

    request = models.ForeignKey(Request, on_delete=models.CASCADE, null=True, related_name="masks")
    disclosure = models.ForeignKey(Disclosure, on_delete=models.CASCADE, null=True, related_name="masks")
    start_ms = models.BigIntegerField()
    """Of the recording, as the player shows it."""
    stop_ms = models.BigIntegerField()
    whom = models.CharField(max_length=200)
    """Whom it protects, as a role and not by name: a neighbour, a child."""
    reason = models.CharField(max_length=300)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at_ms = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(stop_ms__gt=models.F("start_ms")), name="mask_of_something"),
            models.CheckConstraint(condition=_ONE_CAUSE, name="mask_for_one_cause"),
        ]


class CopyPermits(models.Manager["CopyPermit"]):
    def waiting(self, now_ms: int) -> models.QuerySet["CopyPermit"]:
        """Those by which nobody has fetched a copy yet, and still can; the newest first, with their persons."""
        found = self.filter(opened_ms=None, until_ms__gt=now_ms)
        return found.order_by("-at_ms").select_related("person")


class CopyPermit(models.Model):
    """By it the reading room makes a copy: to be handed over, by one person of the rights desk, within its time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    recording = models.CharField(max_length=32, db_index=True)
    request = models.ForeignKey(Request, on_delete=models.CASCADE, null=True, related_name="copies")
    disclosure = models.ForeignKey(Disclosure, on_delete=models.CASCADE, null=True, related_name="copies")
    given_to = models.CharField(max_length=200)
    """Who gets it, and how it was seen that it is they."""
    language = models.CharField(max_length=2)
    at_ms = models.BigIntegerField()
    until_ms = models.BigIntegerField()
    opened_ms = models.BigIntegerField(null=True)
    """When the reading room first made it: that it did stands in the trail since then."""

    objects = CopyPermits()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=_ONE_CAUSE, name="copy_for_one_cause"),
        ]


class Restriction(models.Model):
    """Nobody but the rights desk may use the recording, until it is lifted (S5), which one person proposes on its request.

    It is not deleted either, for that is a use, until the day on which somebody must look at it again. Past that day it keeps
    nothing any more: else one person could keep a recording for ever. Nobody else may use it all the same.
    """

    recording = models.CharField(max_length=32, db_index=True)
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="+")
    at_ms = models.BigIntegerField()
    look_again_ms = models.BigIntegerField()
    """At most RESTRICTION_DAYS_MAX after it was set, or looked at the last time."""
    looked_ms = models.BigIntegerField(null=True)
    """When somebody last said so; None since it was set."""
    lifted_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    lifted_ms = models.BigIntegerField(null=True)
    lifted_words = models.TextField(max_length=2_000, default="")
    """Why; the client was told before (AVG, article 18, paragraph 3)."""
    confirmed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    """Who lifted it as the second person; None also of those that were lifted before two were needed."""

    class Meta:
        indexes: ClassVar = [models.Index(fields=["lifted_ms", "look_again_ms"], name="restrictions_to_look_at")]

    @property
    def may_be_lifted(self) -> bool:
        """Whether somebody may say that it is to end: it stands, and nobody's word on its request waits."""
        return self.lifted_ms is None and self.request.proposed is None

    def until_ms(self, undo_ms: int) -> int:
        """Until when it pauses deletion.

        Who looks again sooner is one alone, and what it kept is gone for good: for `undo_ms` it keeps on, so that another can
        look. So it does once it is lifted.
        """
        until_ms = self.look_again_ms
        if self.looked_ms is not None:
            until_ms = max(until_ms, self.looked_ms + undo_ms)
        return until_ms if self.lifted_ms is None else min(until_ms, self.lifted_ms + undo_ms)


class Flag(models.Model):
    """A client's standing "do not record" (R6). Who types their number sees that it is there, and nothing else."""

    key = models.CharField(max_length=64)
    """Of the client's number, and tells it to nobody who has not the server's secret."""
    reason = models.CharField(max_length=300, default="")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at_ms = models.BigIntegerField()
    lifted_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    lifted_ms = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(lifted_ms__isnull=True), name="one_flag_at_a_time"
            )
        ]

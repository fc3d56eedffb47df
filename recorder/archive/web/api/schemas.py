"""What the API takes and gives."""

from datetime import date, datetime
from typing import Annotated, Literal

from django.core.exceptions import ValidationError
from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from recorder.archive.web.holds.models import HOLD_DAYS_MAX
from recorder.archive.web.meetings.forms import CASE_PATTERN, CaseNumber

RecordingId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
RoomName = Annotated[str, StringConstraints(pattern="^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$")]


def _case(text: str) -> str:
    try:
        return CaseNumber().clean(text)
    except ValidationError as error:
        raise ValueError(" ".join(error.messages)) from error


CaseId = Annotated[
    str,
    Field(
        pattern=CASE_PATTERN,
        description="A number of the organisation's own, and never a citizen's (BSN). Capitals make no difference.",
    ),
    AfterValidator(_case),
]


class Unlinked(Schema):
    """A recording that has no case yet."""

    recording: RecordingId
    room: RoomName
    began: datetime | None
    """By the room's clock."""
    ended: datetime | None
    delete_on: datetime | None


class CaseOf(Schema):
    """Of which case a recording is."""

    case: CaseId
    person: Annotated[str, Field(max_length=254)] | None = None
    """The e-mail address of who had the conversation: the recording is theirs then. Nobody's, if it is left out."""


class Decision(Schema):
    """When a case was decided."""

    case: CaseId
    day: date
    """Not to come. Of several days that are told the latest counts."""


class HoldOf(Schema):
    """That the recordings of a case are to be kept: an objection, an appeal or a complaint was received."""

    case: CaseId
    kind: Literal["objection", "appeal", "complaint"]
    reason: Annotated[
        str,
        Field(
            pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,298}[^\s\x00-\x1f\x7f])?$", description="Without names."
        ),
    ]
    days: Annotated[int, Field(ge=1, le=HOLD_DAYS_MAX)]
    """From now."""


class Done(Schema):
    """It is done."""

    recordings: int
    """How many recordings it is about."""


class Problem(Schema):
    """Why it was not done."""

    detail: str


Moment = AwareDatetime
Hours = Annotated[int, Field(ge=1, le=24)]

"""What the API takes and gives."""

from datetime import date, datetime
from typing import Annotated, Literal

from django.core.exceptions import ValidationError
from django.utils.translation import override
from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic_core import PydanticCustomError

from recorder.archive.web.holds.models import HOLD_DAYS_MAX
from recorder.archive.web.meetings.forms import CASE_PATTERN, CaseNumber

RecordingId = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
RoomName = Annotated[
    str,
    Field(pattern="^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", description="As the room is enrolled at the archive."),
]


def _case(text: str) -> str:
    with override("en"):  # as all that programs are told
        try:
            return CaseNumber().clean(text)
        except ValidationError as error:
            raise PydanticCustomError("case", "{why}", {"why": " ".join(error.messages)}) from error


CaseId = Annotated[
    str,
    Field(
        pattern=CASE_PATTERN,
        description="A number of the organisation's own, and never a citizen's (BSN). Capitals make no difference.",
    ),
    AfterValidator(_case),
]

_TEXT, _VISIBLE = r"[^\x00-\x1f\x7f-\x9f\ufeff]", r"[^\s\x00-\x1f\x7f-\x9f\ufeff]"
"""Regular expressions do not agree on whether U+0085 and U+FEFF are spaces: neither has a place in a line."""


class Explained(Schema):
    """Whose fields have their explanation in the description of the API."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Taken(Explained):
    """The body of a request. A field that it does not know is refused: a slip of the pen would else be a field left out."""

    model_config = ConfigDict(extra="forbid")


class Window(Explained):
    """Which recordings are looked for."""

    room: RoomName
    begin: AwareDatetime
    """With its time zone, as 2026-11-02T09:00:00Z."""
    hours: Annotated[int, Field(ge=1, le=24)]
    """How many hours from `begin` are looked at."""


class Unlinked(Explained):
    """A recording that has no case yet."""

    recording: RecordingId
    """Its id, by which its case is named."""
    room: RoomName
    began: datetime | None
    """By the room's clock, in UTC."""
    ended: datetime | None
    """As `began`; null where the room was cut off and never said so."""
    delete_on: datetime | None
    """When it is deleted if nobody names its case."""


class CaseOf(Taken):
    """Of which case a recording is."""

    case: CaseId
    person: Annotated[str, Field(max_length=254)] | None = None
    """The e-mail address of who had the conversation: a caseworker of that room, whose the recording is then. Nobody's, if it
    is left out; the same token may add it later."""


class Decision(Taken):
    """When a case was decided."""

    case: CaseId
    day: date
    """Today or before. Of several days that are told the latest counts."""


class HoldOf(Taken):
    """That the recordings of a case are to be kept: an objection, an appeal or a complaint was received."""

    case: CaseId
    kind: Literal["objection", "appeal", "complaint"]
    """What came in. The token must have it among its purposes."""
    reason: Annotated[str, Field(pattern=f"^{_VISIBLE}({_TEXT}{{0,298}}{_VISIBLE})?$")]
    """Why, in a line for whoever confirms it, without names: 300 characters at most, and no space at either end."""
    days: Annotated[int, Field(ge=1, le=HOLD_DAYS_MAX)]
    """For how many days it holds, from now."""


class Done(Explained):
    """It is done."""

    recordings: int
    """How many recordings it is about now. Of a hold 0 is no error: what is named later is kept, too."""


class Problem(Explained):
    """Why it was not done."""

    detail: str
    """In English. Nothing of what was sent is repeated in it, but the names of fields."""

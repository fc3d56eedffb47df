"""What a room says of itself: its retained status for the archive, and its report for the screen beside it.

The status tells how the room is, never how a conversation goes: no level, no elapsed time, and not how much there is of a
meeting that runs, whose client may say no. The report stays beside the room, and tells that too.
"""

from typing import Annotated

import msgspec

from recorder.errors import WireError
from recorder.wire import topics

STATUS_BYTES_MAX = 16_384
"""Far more than a status has: whoever listens to many rooms takes no larger one."""
SAID_SECONDS_MAX = 60.0
"""A connected room says how it is at least so often."""

Count = Annotated[int, msgspec.Meta(ge=0, le=9_007_199_254_740_991)]
"""What every program can reckon with."""


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload of `rec/v1/DEVICE/status`, as the last table of docs/wire.md has it.

    Keys that are not known are ignored: a room may be newer than its archive.
    """

    room: str
    online: bool
    version: str = ""
    state: str = ""
    """A state of docs/meeting.md."""
    fault: str = ""
    """What is wrong, in plain words; empty if nothing is."""
    faults: tuple[str, ...] = ()
    """The names of all that is wrong (docs/room.md), the nearest to the recording first."""
    selftest_ms: Count = 0
    """When the last self-test was, Unix milliseconds; 0 if there was none since the start."""
    selftest_found: tuple[str, ...] = ()
    """The faults that it found."""
    complaint: str = ""
    """What the archive does not take of this room, and why; empty while it takes everything."""
    clock_synced: bool = False
    spool_bytes: Count = 0
    """What waits on the card, in whole steps of 64 MiB."""
    spool_capacity_bytes: Count = 0
    """What the card may hold of such in all, in whole MiB."""
    backlog: Count = 0
    """Items of meetings that are over, which the archive has not signed for: what is still to go. In whole steps of 64,
    rounded up: a meeting that was refused has three."""
    caught_up: Count = 0
    """Items of such meetings that it has signed for since there last was no backlog, or the program started. In the same
    steps: with what is to go it comes to what there was in all."""
    certificate_ends_ms: Count = 0
    """When the room's certificate ends, Unix milliseconds."""
    started_ms: Count = 0
    """When the program started, Unix milliseconds."""
    said_ms: Count = 0
    """When this was said, Unix milliseconds, by the room's clock."""


def parse(topic: str, payload: bytes) -> Status:
    """What the room whose topic it is says of itself; WireError if it is none, or another's."""
    device = topics.parse_status(topic)
    if len(payload) > STATUS_BYTES_MAX:
        raise WireError(f"what {device} says of itself is too long")
    try:
        status = msgspec.json.decode(payload, type=Status)
    except msgspec.DecodeError as error:  # a wrong value, or no JSON
        raise WireError(f"what {device} says of itself cannot be read: {error}") from error
    if status.room != device:
        raise WireError(f"{device} speaks of another room")
    return status


class Report(msgspec.Struct, frozen=True, tag=True, tag_field="line"):
    """Once a second, and at every change of state, on the standard output of a room that is told to report."""

    status: Status
    light: str
    """The pattern's name."""
    lit: bool
    """Whether a current flows through the light now."""
    attention: str
    """The other light's pattern."""
    connected: bool
    recording: str = ""
    erased: bool = False
    """In the state refused: the no erased a recording. There may have been none."""
    elapsed_ticks: int = 0
    rms_dbfs: float = -96.0
    peak_dbfs: float = -96.0
    alarm: str = ""
    """What the people in the room should mend, though the recording goes on; for instance silence."""
    seconds_left: float = 0.0
    """Of the notice or of the grace period."""
    waiting: int = 0
    """Items that the archive has not signed for, with those of a meeting that runs."""
    backlog: int = 0
    """Of those the ones of meetings that are over: what the status tells in steps."""
    caught_up: int = 0
    """As the status has it, to the item."""
    sealed: int = 0
    """Blocks of this recording on the card."""
    receipted: int = 0
    """Blocks of this recording that the archive signed for."""


class Happening(msgspec.Struct, frozen=True, tag=True, tag_field="line"):
    """Something that happened once; beside the reports."""

    name: str
    monotonic_ms: float
    wall_ms: int
    recording: str = ""
    detail: str = ""


Line = Report | Happening

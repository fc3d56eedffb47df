"""What a room says of itself: its retained status for the archive, and its report for the screen beside it.

The status tells how the room is, never how a conversation goes: no level, no elapsed time.
"""

import msgspec


class Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The payload of `rec/v1/DEVICE/status`, as the last table of docs/wire.md has it."""

    room: str
    online: bool
    version: str = ""
    state: str = ""
    """A state of docs/meeting.md."""
    fault: str = ""
    """What is wrong, in plain words; empty if nothing is."""
    faults: tuple[str, ...] = ()
    """The names of all that is wrong (docs/room.md), the nearest to the recording first."""
    selftest_ms: int = 0
    """When the last self-test was, Unix milliseconds; 0 if there was none since the start."""
    selftest_found: tuple[str, ...] = ()
    """The faults that it found."""
    complaint: str = ""
    """What the archive does not take of this room, and why; empty while it takes everything."""
    clock_synced: bool = False
    spool_bytes: int = 0
    waiting: int = 0
    """Items that the archive has not signed for."""


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

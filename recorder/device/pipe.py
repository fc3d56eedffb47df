"""How the capture process and its parent talk: frames on its standard output, one word a line on its standard input.

    frame = kind u8 ‖ length u32 (big-endian) ‖ body[length]

| kind | body |
|---|---|
| `R` | one sealed record; the preamble comes first, before any audio exists |
| `K` | the keybox under the hold key, once, right after the preamble |
| `S` | a state, see `State` |
| `T` | telemetry: JSON, see `Telemetry` |
| `E` | what is wrong, in plain words; the process then ends with 1 |
| `M` | the same, and it is the microphone that is wrong |

The parent writes one line of JSON (`Setup`) and the 32 bytes of the hold key, so that the keybox is in the clear in no process
but this; then `open`, then `stop`. Closing the pipe ends the process at once.
"""

import struct
import sys
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Annotated

import msgspec

from recorder.config import Microphone, Name, Opus, Seal
from recorder.errors import CaptureError

BODY_BYTES_MAX = 5 + 524_288
"""The largest record that travels here: a block with its head (docs/sealed-recording.md, section 1)."""

COMMAND = (sys.executable, "-m", "recorder.device.capture")
"""How the parent starts the capture process."""
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
"""To be added to its environment: threads and arenas for more processors cost memory and give nothing here."""

_HEAD = struct.Struct(">BI")


class Kind(Enum):
    """What a frame is."""

    RECORD = ord("R")
    KEYBOX = ord("K")
    STATE = ord("S")
    TELEMETRY = ord("T")
    ERROR = ord("E")
    MISSING = ord("M")


class State(StrEnum):
    """How far the capture process is."""

    READY = "ready"
    OPEN = "open"
    """Samples come, and telemetry has told what is wrong with them."""
    GONE = "gone"
    """The microphone is looked for."""
    SHUT = "shut"
    """The stream is closed."""

    @classmethod
    def parse(cls, body: bytes) -> "State":
        """The state that a frame tells; a CaptureError if it is none."""
        try:
            return cls(body.decode("ascii", "replace"))
        except ValueError as error:
            raise CaptureError(f"the capture process is in an unknown state: {body[:40]!r}") from error


class Flaw(StrEnum):
    """What can be wrong with a microphone from the start (`check.py`)."""

    MUTED = "muted"
    """Nothing moves on any channel that is used."""
    DEAD_CHANNEL = "dead-channel"
    """Nothing moves on one of them."""
    OVERDRIVEN = "overdriven"
    """At full scale, again and again."""
    FAINT = "faint"
    """Quieter than any room is."""


class Command(StrEnum):
    """What the parent may say after the setup."""

    OPEN = "open"
    STOP = "stop"


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line to the capture process: one meeting, and nothing of it can be changed later."""

    microphone: Microphone
    opus: Opus
    seal: Seal
    device: Name
    sequence: Annotated[int, msgspec.Meta(ge=1)]
    previous: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    signing_key: str
    """Path of the device's Ed25519 key."""
    recipients: str
    """Path of the folder with the recipients' public keys."""


class Telemetry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the capture goes, about once a second."""

    position: int
    """Ticks taken in so far."""
    rms_dbfs: float
    peak_dbfs: float
    clipped: int
    """Samples at full scale since the start, as they came from the microphone."""
    silent_seconds: float
    overflows: int
    """Times this machine could not keep up and a gap was declared."""
    flaws: tuple[Flaw, ...] = ()
    """What the check finds (`check.py`), from the first telemetry on until it finds nothing; empty when all is well."""

    @classmethod
    def parse(cls, body: bytes) -> "Telemetry":
        """What a frame tells; a CaptureError if it is none."""
        try:
            return msgspec.json.decode(body, type=cls)
        except msgspec.MsgspecError as error:
            raise CaptureError(f"the capture process sent no telemetry: {error}") from error


@dataclass(frozen=True, slots=True)
class Frame:
    """One message of the capture process."""

    kind: Kind
    body: bytes

    def __post_init__(self) -> None:
        if len(self.body) > BODY_BYTES_MAX:
            raise ValueError(f"a frame of {len(self.body)} bytes; the limit is {BODY_BYTES_MAX}")

    def __bytes__(self) -> bytes:
        return _HEAD.pack(self.kind.value, len(self.body)) + self.body


class Parser:
    """Bytes of the pipe in, frames out. Holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Every frame that is complete with `data`; a CaptureError if this is no pipe of ours."""
        self._rest += data
        frames: list[Frame] = []
        start = 0
        while len(self._rest) - start >= _HEAD.size:
            number, length = _HEAD.unpack_from(self._rest, start)
            try:
                kind = Kind(number)
            except ValueError as error:
                raise CaptureError(f"the capture process sent a frame of unknown kind {number}") from error
            if length > BODY_BYTES_MAX:
                raise CaptureError(f"the capture process announced {length} bytes; the limit is {BODY_BYTES_MAX}")
            end = start + _HEAD.size + length
            if len(self._rest) < end:
                break
            frames.append(Frame(kind, bytes(self._rest[start + _HEAD.size : end])))
            start = end
        del self._rest[:start]
        return frames

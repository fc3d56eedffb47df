"""What a device says of itself while it runs: lines of JSON, each written at once, so that a SIGKILL leaves what was said.

It is the judge's only witness of what the device had sealed, was promised, and let go: it says so at the moment at which the
spool, the road and the spool again have done it, and no code of the device reads it.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

NEEDLE_BYTES = 32
"""Of a block's end, which is ciphertext and the tag over it: nothing else in the world has them."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """`what` happened."""

    what: Literal["born", "made", "kept", "purged", "heard", "let go", "meeting", "state", "told"]
    """It was started; the tap has made a block; a record is durable, or what a refusal erases is gone; a receipt came; a
    recording was forgotten; a meeting of the plan is over; the meeting's state; what the room tells by this name."""
    recording: str = ""
    type: int = 0
    index: int = 0
    content: str = ""
    """H of the record's body, hexadecimal."""
    needle: str = ""
    """The end of a block's body, hexadecimal."""
    text: str = ""
    """A receipt's payload, hexadecimal; the state's name, or that of what is told."""


class Pen:
    """Writes; of any thread."""

    def __init__(self, file: Path) -> None:
        self._handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, line: Line) -> None:
        os.write(self._handle, msgspec.json.encode(line) + b"\n")


class Diary:
    """Reads on where it was."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._at = 0
        self.lines: list[Line] = []

    def read(self) -> list[Line]:
        """All there is by now."""
        if self.file.exists():
            with self.file.open("rb") as source:
                source.seek(self._at)
                whole, end, _ = source.read().rpartition(b"\n")  # the last line may be half there
            self._at += len(whole) + len(end)
            self.lines += map(_decode, whole.splitlines())
        return self.lines

    def count(self, what: str, text: str = "") -> int:
        return sum(line.what == what and (not text or line.text == text) for line in self.lines)

    def of(self, what: str) -> Iterator[Line]:
        return (line for line in self.lines if line.what == what)


_decode = msgspec.json.Decoder(Line).decode

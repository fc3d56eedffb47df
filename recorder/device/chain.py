"""The device's chains: each recording carries the next number and the hash of the one before it, and so does its receipt.

A number is used up only when its recording's manifest and receipt are durable. So a crash leaves no hole, and a hole means
that a recording was taken away.

The state is on the card twice, in `chain-1` and `chain-2`, written one after the other, each with a check:

    file = the state as JSON, a line ‖ SHA-256 of that JSON, hexadecimal, a line

So what a card damages, or a power cut leaves behind, is told from what is sound. Of two sound files the higher number counts,
and the other is written anew. Only a room that was never started has none: any other must not begin at 1 again.
"""

import logging
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec

from recorder.canonical import Hex32
from recorder.device import durable
from recorder.errors import SpoolError
from recorder.sealed.layout import NO_PREVIOUS

HASH_BYTES = 32
NAMES = ("chain-1", "chain-2")
logger = logging.getLogger(__name__)


class _State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sequence: Annotated[int, msgspec.Meta(ge=1)]
    previous: Hex32
    receipt: Hex32


class Chain:
    """Kept in two small files of `folder`. Raises SpoolError if neither is sound, or neither can be written."""

    def __init__(self, folder: Path, *, new: bool) -> None:
        """`new` says that the room was never started, so that it has no files yet."""
        self._files = [folder / name for name in NAMES]
        self._kept = [_read(file) for file in self._files]
        """What each of them holds; None if it is not there, or not sound."""
        sound = [state for state in self._kept if state is not None]
        if sound:
            self._state = max(sound, key=lambda state: state.sequence)
        elif new and not any(file.exists() for file in self._files):
            self._state = _State(1, NO_PREVIOUS, NO_PREVIOUS)
        else:
            raise SpoolError(
                f"{folder}: this room no longer knows the number of its next recording: {' and '.join(NAMES)} are damaged or "
                "lost. Keep this card, for recordings may wait on it; set the room up anew, under another name, on another card"
            )
        for file, state in zip(self._files, self._kept, strict=True):
            if sound and state != self._state:
                logger.warning("%s: damaged, lost or behind its copy; it is written anew", file)
        self._write(self._state)

    @property
    def sequence(self) -> int:
        """The number of the next recording, from 1."""
        return self._state.sequence

    @property
    def previous(self) -> bytes:
        """H of the last manifest's body; 32 zero bytes before the first."""
        return bytes.fromhex(self._state.previous)

    @property
    def receipt(self) -> bytes:
        """H of the last receipt's body; 32 zero bytes before the first."""
        return bytes.fromhex(self._state.receipt)

    def advance(self, sequence: int, manifest_hash: bytes, receipt_hash: bytes) -> None:
        """The recording of that number is complete, with these H of its manifest and receipt. Durable; again is harmless."""
        if len(manifest_hash) != HASH_BYTES or len(receipt_hash) != HASH_BYTES:
            raise ValueError("a hash is 32 bytes")
        if sequence < self._state.sequence:
            return
        state = _State(sequence + 1, manifest_hash.hex(), receipt_hash.hex())
        self._write(state)
        self._state = state

    def _write(self, state: _State) -> None:
        """Into each file that does not hold it. One is enough to go on; the other's turn comes again."""
        failure: OSError | None = None
        for index, file in enumerate(self._files):
            if self._kept[index] == state:
                continue
            try:
                durable.write(file, _printed(state))
            except OSError as error:
                failure = error
                logger.warning("%s: cannot be written: %s", file, error.strerror)
            else:
                self._kept[index] = state
        if state not in self._kept:
            raise SpoolError(f"{self._files[0]}: cannot be written: {failure and failure.strerror}") from failure


def _read(file: Path) -> _State | None:
    """None if it is not there, or not sound."""
    try:
        body, check, rest = file.read_bytes().split(b"\n")
        return msgspec.json.decode(body, type=_State) if (check, rest) == (_check(body), b"") else None
    except (OSError, ValueError, msgspec.MsgspecError):
        return None


def _printed(state: _State) -> bytes:
    body = msgspec.json.encode(state)
    return body + b"\n" + _check(body) + b"\n"


def _check(body: bytes) -> bytes:
    return sha256(body).hexdigest().encode()

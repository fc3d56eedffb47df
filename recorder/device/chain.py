"""The device's chains: each recording carries the next number and the hash of the one before it, and so does its receipt.

A number is used up only when its recording's manifest and receipt are durable. So a crash leaves no hole, and a hole means
that a recording was taken away.
"""

from pathlib import Path
from typing import Annotated

import msgspec

from recorder.canonical import Hex32
from recorder.device import durable
from recorder.errors import SpoolError
from recorder.sealed.layout import NO_PREVIOUS

HASH_BYTES = 32


class _State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sequence: Annotated[int, msgspec.Meta(ge=1)]
    previous: Hex32
    receipt: Hex32


class Chain:
    """Kept in one small file. Raises SpoolError if that is damaged or cannot be written."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._state = msgspec.json.decode(file.read_bytes(), type=_State)
        except FileNotFoundError:
            self._state = _State(1, NO_PREVIOUS, NO_PREVIOUS)
        except (OSError, msgspec.MsgspecError) as error:
            raise SpoolError(f"{file}: this room no longer knows the number of its next recording: {error}") from error

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
        try:
            durable.write(self._file, msgspec.json.encode(state))
        except OSError as error:
            raise SpoolError(f"{self._file}: cannot be written: {error.strerror}") from error
        self._state = state

"""The slot of a hold: 64 bytes that keep one key of one recording, and give it up for good.

    slot, 64 bytes = "WHK1" ‖ state u8 ‖ 7 zeros ‖ check u32 ‖ recording[16] ‖ key[32]

    state   00 empty     f8 holds     1f refused: the recording is told, and that its key was erased
            e7 committed: as holds, but the grace period ended without a no; its keybox is being written
    check   CRC-32 of recording ‖ key while it holds, else 0

The slot is written in place and never moved, with reads and writes at an offset and no mapping: that is what the kernel
offers for 64 bytes of battery-backed RAM in a clock chip as well as for a file on a RAM file system. What was written is
there when the write returns, in both: neither has anything to sync.

**A power cut** ends a write after any number of its bytes, for the chip takes them one by one. So one byte decides, the state,
and the order makes every such end harmless:

    put      state empty → recording → key → check → state holds → all of it read back
    commit   state committed
    refuse   state refused → key → check → both read back as zeros
    erase    state empty → recording → key → check → both read back as zeros

Before the last byte of a put there is no key to take, and after the first byte of a refusal or an erasure there is none any
more. What is left of one then is overwritten when the hold is opened, and no note of a refusal goes before its key did.

**A weak battery** alters bits. Two states differ in at least five of them, and no mixture of the bits of two is a third: so
a state that was altered, or cut off within its byte, is none of them. A slot whose state is none, or whose check is wrong,
holds nothing, and is erased when it is opened.
"""

import os
import threading
import zlib
from pathlib import Path

from recorder.errors import HoldError

MAGIC = b"WHK1"
SLOT_BYTES = 64
RECORDING_BYTES = 16
KEY_BYTES = 32
STATE_AT, CHECK_AT, RECORDING_AT, KEY_AT = 4, 12, 16, 32
EMPTY, HOLDS, REFUSED, COMMITTED = 0x00, 0xF8, 0x1F, 0xE7
_WITH_KEY = (HOLDS, COMMITTED)


class Slot:
    """A hold in an opened file of 64 bytes; `recorder.device.hold.Hold` says what its methods do."""

    def __init__(self, file: Path, handle: int) -> None:
        self._file = file
        self._handle = handle
        self._lock = threading.Lock()

    def put(self, recording: bytes, key: bytearray) -> None:
        if len(recording) != RECORDING_BYTES or len(key) != KEY_BYTES:
            raise ValueError("a hold keeps 32 bytes for 16 bytes of recording")
        with self._lock:
            self._become(EMPTY)
            self._write(RECORDING_AT, recording)
            self._write(KEY_AT, key)
            self._write(CHECK_AT, check(recording, key))
            self._become(HOLDS)
            kept = self._take()
            if kept is None or kept != (recording, key):  # found out now, and not when the meeting is over
                raise self._failure("a key was put there but reads back otherwise")
            kept[1][:] = bytes(KEY_BYTES)

    def take(self) -> tuple[bytes, bytearray] | None:
        with self._lock:
            return self._take()

    def refused(self) -> bytes | None:
        with self._lock:
            return bytes(self._read(RECORDING_AT, RECORDING_BYTES)) if self._state() == REFUSED else None

    def commit(self) -> bool:
        with self._lock:
            if self._state() not in _WITH_KEY:
                return False
            self._become(COMMITTED)
            return True

    def committed(self) -> bool:
        with self._lock:
            return self._state() == COMMITTED

    def refuse(self) -> bool:
        with self._lock:
            if self._state() == COMMITTED:
                return False
            self._erase(refused=True)
            return True

    def erase(self) -> None:
        with self._lock:
            self._erase(refused=False)

    def _is_ours(self) -> bool:
        return self._read(0, len(MAGIC)) == MAGIC

    def _is_blank(self) -> bool:
        """As a new file is."""
        return not any(self._read(0, SLOT_BYTES))

    def _initialise(self) -> None:
        """Overwrite whatever is there. The magic comes last: what was cut off is begun anew."""
        self._write(0, bytes(SLOT_BYTES))
        self._write(0, MAGIC)
        if not self._is_ours():
            raise self._failure("it was initialised but reads back otherwise")

    def _settle(self) -> None:
        """Overwrite what a crash or a weak battery has left of a key that nobody may take."""
        if self._state() == REFUSED:
            self._erase_key()
        elif (taken := self._take()) is None:
            self._erase(refused=False)
        else:
            taken[1][:] = bytes(KEY_BYTES)

    def _take(self) -> tuple[bytes, bytearray] | None:
        if self._state() not in _WITH_KEY:
            return None
        recording, key = bytes(self._read(RECORDING_AT, RECORDING_BYTES)), self._read(KEY_AT, KEY_BYTES)
        return (recording, key) if self._read(CHECK_AT, 4) == check(recording, key) else None

    def _erase(self, *, refused: bool) -> None:
        try:
            if not refused:
                self._become(EMPTY)
                self._write(RECORDING_AT, bytes(RECORDING_BYTES))
            elif self._state() == HOLDS:
                self._become(REFUSED)
        finally:
            self._erase_key()  # whatever became of the note

    def _erase_key(self) -> None:
        self._write(KEY_AT, bytes(KEY_BYTES))
        self._write(CHECK_AT, bytes(4))
        if any(self._read(KEY_AT, KEY_BYTES)) or any(self._read(CHECK_AT, 4)):
            raise self._failure("the hold key was overwritten but reads back otherwise")

    def _state(self) -> int:
        return self._read(STATE_AT, 1)[0]

    def _become(self, state: int) -> None:
        self._write(STATE_AT, bytes([state]))
        if self._state() != state:
            raise self._failure("its state was written but reads back otherwise")

    def _write(self, at: int, data: bytes | bytearray) -> None:
        try:
            written = os.pwrite(self._handle, data, at)
        except OSError as error:
            raise self._failure(error.strerror) from error
        if written != len(data):
            raise self._failure("it takes only part of what is written")

    def _read(self, at: int, size: int) -> bytearray:
        """Into memory that its taker can overwrite."""
        data = bytearray(size)
        try:
            read = os.preadv(self._handle, [data], at)
        except OSError as error:
            raise self._failure(error.strerror) from error
        if read != size:
            raise self._failure("it was cut short")
        return data

    def _failure(self, what: str | None) -> HoldError:
        return HoldError(f"{self._file}: the hold fails: {what}. Take this room out of service.")


def check(recording: bytes, key: bytearray) -> bytes:
    """The check of a slot that holds them."""
    return zlib.crc32(key, zlib.crc32(recording)).to_bytes(4, "big")

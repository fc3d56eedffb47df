"""The hold: where the hold key of the running meeting is, and where overwriting it erases it.

Whoever has the key of a hold can release a recording; once it is overwritten nobody can, the archive's operator
included. So it must never be on flash, which keeps old copies in places that software cannot reach.

    slot, 64 bytes = "WHK1" ‖ state u8 ‖ 7 zeros ‖ check u32 ‖ recording[16] ‖ key[32]

    state   0 empty      1 holds      2 refused: the recording is told, and that its key was erased
            3 committed: as holds, but the grace period ended without a no; its keybox is being written
    check   CRC-32 of recording ‖ key while it holds, else 0: what a weak battery altered is not taken for a key

The order of writing makes a crash between any two writes harmless. A key is put before the state that says so. It goes in
the other order: the state first, so that nobody takes the key any more, then the key. A slot that does not hold but has a
key left, which only such a crash can leave, is erased when the hold is opened.

The slot is written in place and never moved, with reads and writes at an offset and no mapping: that is what the kernel
offers for 64 bytes of battery-backed RAM in a clock chip (nvmem in sysfs) as well as for a file on a RAM file system.
"""

import os
import stat
import threading
import zlib
from pathlib import Path
from typing import Protocol

from recorder.errors import HoldError

MAGIC = b"WHK1"
SLOT_BYTES = 64
RECORDING_BYTES = 16
KEY_BYTES = 32
_STATE, _CHECK, _RECORDING, _KEY = 4, 12, 16, 32
_EMPTY, _HOLDS, _REFUSED, _COMMITTED = 0, 1, 2, 3
_WITH_KEY = (_HOLDS, _COMMITTED)
_RAM_FILE_SYSTEMS = ("tmpfs", "ramfs")
SWAPS = Path("/proc/swaps")


class Hold(Protocol):
    """One key of one recording. Every method may be called from any thread, and raises HoldError if the slot fails."""

    def put(self, recording: bytes, key: bytearray) -> None:
        """Keep a copy of `key` (32 bytes) for `recording` (16 bytes)."""

    def take(self) -> tuple[bytes, bytearray] | None:
        """The recording and a copy of its key; None if there is none, or it was erased. Erases nothing."""

    def refused(self) -> bytes | None:
        """The recording whose key was erased by a refusal, until the next erase or put."""

    def commit(self) -> bool:
        """Decide that the key is for the release. False if it was erased before.

        A release and a no in another thread are put in order here, before anything that the release writes: the first of
        them is the one that counts.
        """

    def committed(self) -> bool:
        """Whether that was decided, and the release not completed."""

    def refuse(self) -> bool:
        """Erase the key because the client says no, and note whose it was. False, and nothing is changed, once committed."""

    def erase(self, *, refused: bool = False) -> None:
        """Overwrite the key, and read back that it is gone; `refused` leaves a note of whose it was."""


class MemoryHold:
    """A hold in a file on a RAM file system: gone with the power, still there after a restart of the service."""

    def __init__(
        self,
        file: Path,
        mounts: Path = Path("/proc/self/mountinfo"),
        swaps: Path = SWAPS,
        *,
        may_be_swapped: bool = False,
    ) -> None:
        """`may_be_swapped` is for a trial on a computer with swap, where the key might come to its disk."""
        self._file = file
        self._lock = threading.Lock()
        try:
            file.parent.mkdir(mode=0o700, exist_ok=True)
            self._slot = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise HoldError(f"{file}: the hold cannot be made: {error.strerror}") from error
        try:
            self._open(mounts, None if may_be_swapped else swaps)
        except BaseException:
            os.close(self._slot)
            raise

    def put(self, recording: bytes, key: bytearray) -> None:
        if len(recording) != RECORDING_BYTES or len(key) != KEY_BYTES:
            raise ValueError("a hold keeps 32 bytes for 16 bytes of recording")
        with self._lock:
            self._write(_STATE, bytes([_EMPTY]))
            self._write(_RECORDING, recording)
            self._write(_KEY, key)
            self._write(_CHECK, _check(recording, key))
            self._write(_STATE, bytes([_HOLDS]))

    def take(self) -> tuple[bytes, bytearray] | None:
        with self._lock:
            if self._read(_STATE, 1)[0] not in _WITH_KEY:
                return None
            recording, key = bytes(self._read(_RECORDING, RECORDING_BYTES)), self._read(_KEY, KEY_BYTES)
            return (recording, key) if self._read(_CHECK, 4) == _check(recording, key) else None

    def refused(self) -> bytes | None:
        with self._lock:
            state = self._read(_STATE, 1)[0]
            return bytes(self._read(_RECORDING, RECORDING_BYTES)) if state == _REFUSED else None

    def commit(self) -> bool:
        with self._lock:
            if self._read(_STATE, 1)[0] not in _WITH_KEY:
                return False
            self._write(_STATE, bytes([_COMMITTED]))
            return True

    def committed(self) -> bool:
        with self._lock:
            return self._read(_STATE, 1)[0] == _COMMITTED

    def refuse(self) -> bool:
        with self._lock:
            if self._read(_STATE, 1)[0] == _COMMITTED:
                return False
            self._erase(refused=True)
            return True

    def erase(self, *, refused: bool = False) -> None:
        with self._lock:
            self._erase(refused=refused)

    def _open(self, mounts: Path, swaps: Path | None) -> None:
        """Take the file as our slot, or raise HoldError and leave it as it is."""
        opened = os.fstat(self._slot)
        if not stat.S_ISREG(opened.st_mode) or opened.st_size not in (0, SLOT_BYTES):
            raise HoldError(f"{self._file}: is something else than a hold; choose another path for room.hold")
        _must_be_in_ram(self._file, opened.st_dev, mounts, swaps)
        if opened.st_size == 0:
            self._write(0, bytes(SLOT_BYTES))
        magic = self._read(0, len(MAGIC))
        if magic == bytes(len(MAGIC)):
            self._write(0, MAGIC)
        elif magic != MAGIC:
            raise HoldError(f"{self._file}: is something else than a hold; choose another path for room.hold")
        if self._read(_STATE, 1)[0] not in _WITH_KEY:
            self._erase_key()

    def _erase(self, *, refused: bool) -> None:
        if not refused:
            self._write(_STATE, bytes([_EMPTY]))
            self._write(_RECORDING, bytes(RECORDING_BYTES))
        elif self._read(_STATE, 1)[0] in _WITH_KEY:
            self._write(_STATE, bytes([_REFUSED]))
        self._erase_key()

    def _erase_key(self) -> None:
        self._write(_KEY, bytes(KEY_BYTES))
        self._write(_CHECK, bytes(4))
        try:
            os.fsync(self._slot)
        except OSError as error:
            raise self._failure(error.strerror) from error
        if any(self._read(_KEY, KEY_BYTES)) or any(self._read(_CHECK, 4)):
            raise self._failure("the hold key was overwritten but reads back otherwise")

    def _write(self, at: int, data: bytes | bytearray) -> None:
        try:
            written = os.pwrite(self._slot, data, at)
        except OSError as error:
            raise self._failure(error.strerror) from error
        if written != len(data):
            raise self._failure("it takes only part of what is written")

    def _read(self, at: int, size: int) -> bytearray:
        """Into memory that its taker can overwrite."""
        data = bytearray(size)
        try:
            read = os.preadv(self._slot, [data], at)
        except OSError as error:
            raise self._failure(error.strerror) from error
        if read != size:
            raise self._failure("it was cut short")
        return data

    def _failure(self, what: str | None) -> HoldError:
        return HoldError(f"{self._file}: the hold fails: {what}. Take this room out of service.")


def _check(recording: bytes, key: bytearray) -> bytes:
    return zlib.crc32(key, zlib.crc32(recording)).to_bytes(4, "big")


def swap_in_use(swaps: Path = SWAPS) -> list[str]:
    """The devices and files that memory may be written to (proc(5))."""
    return [line.split()[0] for line in swaps.read_text().splitlines()[1:]]


def _must_be_in_ram(file: Path, device: int, mounts: Path, swaps: Path | None) -> None:
    """By the device that the opened file is on, not by its path: no symbolic link can lie about that."""
    kind, options = _file_system(device, mounts)
    if kind not in _RAM_FILE_SYSTEMS:
        raise HoldError(
            f"{file}: is on {kind}, where overwriting does not erase; room.hold must be on a RAM file system"
        )
    in_use = swap_in_use(swaps) if swaps is not None else []
    if in_use and kind == "tmpfs" and "noswap" not in options:  # a ramfs is never swapped out
        raise HoldError(f"swap on {', '.join(in_use)} could write the hold key to flash; turn it off: swapoff --all")


def _file_system(device: int, mounts: Path) -> tuple[str, list[str]]:
    """The type and the options of the file system with that device number (proc(5), mountinfo)."""
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.read_text().splitlines():
        fields = line.split(" ")
        if fields[2] == number:
            kind, _, options = fields[fields.index("-") + 1 :][:3]
            return kind, options.split(",")
    return "an unknown file system", []

"""The hold: where the hold key of the running meeting is, and where overwriting it erases it.

Whoever has the key of a hold can release a recording; once it is overwritten nobody can, the archive's operator
included. So it must never be on flash, which keeps old copies in places that software cannot reach. There are two:

    MemoryHold    a file on a RAM file system. It survives a restart of the service, and is gone with the power:
                  what was being recorded then is kept, and nobody can open it
    NvramHold     the RAM of the room's clock chip, which a battery keeps. A meeting that the power was cut in is
                  recovered, and the client can still refuse it

Both write the one slot of `slot.py`; they differ in what they take for their file, and in what they find in a new one.
"""

import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from recorder import config
from recorder.device.slot import SLOT_BYTES, Slot
from recorder.errors import HoldError

MOUNTS = Path("/proc/self/mountinfo")
SWAPS = Path("/proc/swaps")
CHIP = re.compile(r"ds1307_nvram\d+")
"""What the driver of the MCP7940N calls its RAM (drivers/rtc/rtc-ds1307.c)."""
_RAM_FILE_SYSTEMS = ("tmpfs", "ramfs")
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
logger = logging.getLogger(__name__)


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

    def erase(self) -> None:
        """Overwrite the key and what is noted of it, and read back that it is gone."""


class MemoryHold(Slot):
    """A hold in a file on a RAM file system: gone with the power, still there after a restart of the service."""

    def __init__(self, file: Path, mounts: Path = MOUNTS, swaps: Path = SWAPS, *, may_be_on_disk: bool = False) -> None:
        """`may_be_on_disk` is for a trial on a computer with swap, where the key might come to its disk."""
        try:
            file.parent.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(file, _FLAGS | os.O_CREAT, 0o600)
        except OSError as error:
            raise HoldError(f"{file}: the hold cannot be made: {error.strerror}") from error
        with _closed_on_error(handle):
            super().__init__(file, handle)
            opened = os.fstat(handle)
            if not stat.S_ISREG(opened.st_mode) or opened.st_size not in (0, SLOT_BYTES):
                raise HoldError(f"{file}: is something else than a hold; choose another path for room.hold")
            _must_be_in_ram(file, opened.st_dev, mounts, None if may_be_on_disk else swaps)
            if opened.st_size == 0:
                os.ftruncate(handle, SLOT_BYTES)
            if self._is_blank():
                self._initialise()
            elif not self._is_ours():
                raise HoldError(f"{file}: is something else than a hold; choose another path for room.hold")
            self._settle()


class NvramHold(Slot):
    """A hold in the 64 bytes of battery-backed RAM of the clock chip, as the kernel's nvmem shows them in sysfs.

    No memory of another name is ever written: a Raspberry Pi shows some beside it that can be written only once.
    Whether the battery is low the kernel does not tell; that it was empty shows in what the memory holds then, which is
    anything. That is not ours, and no error: it is erased, and said.
    """

    def __init__(self, file: Path, mounts: Path = MOUNTS, *, may_be_on_disk: bool = False) -> None:
        """`may_be_on_disk` is for tests without the chip: a plain file of its size, in a folder of its name."""
        if not CHIP.fullmatch(file.parent.name):
            raise HoldError(
                f"{file}: is not the memory of an MCP7940N; room.hold must be like"
                " /sys/bus/nvmem/devices/ds1307_nvram0/nvmem, or room.hold_kind another one"
            )
        try:
            handle = os.open(file, _FLAGS)
        except FileNotFoundError as error:
            raise HoldError(
                f"{file}: there is no clock chip; check that an MCP7940N is fitted and named in the Pi's config.txt:"
                " dtoverlay=i2c-rtc,mcp7940x"
            ) from error
        except OSError as error:
            raise HoldError(f"{file}: the clock chip cannot be reached: {error.strerror}") from error
        with _closed_on_error(handle):
            super().__init__(file, handle)
            opened = os.fstat(handle)
            if not stat.S_ISREG(opened.st_mode) or opened.st_size != SLOT_BYTES:
                raise HoldError(
                    f"{file}: has {opened.st_size} bytes where a hold needs 64; the clock chip is not an MCP7940N"
                )
            kind, _ = _file_system(opened.st_dev, mounts)
            if kind != "sysfs" and not may_be_on_disk:
                raise HoldError(
                    f"{file}: is on {kind}, where overwriting does not erase; room.hold must be the chip's file below /sys"
                )
            if not self._is_ours():
                logger.warning(
                    "%s: what the clock chip held is not ours, and is erased: the chip is new, or its battery was empty. "
                    "If it is not new, replace the battery: without it a meeting is lost when the power is cut",
                    file,
                )
                self._initialise()
            self._settle()


def open_hold(room: config.Room) -> Hold:
    """The hold that the room is configured for, opened; or a HoldError, and the room must not start."""
    file, may_be_on_disk = Path(room.hold), room.hold_may_be_on_disk
    if room.hold_kind == "nvram":
        return NvramHold(file, may_be_on_disk=may_be_on_disk)
    return MemoryHold(file, may_be_on_disk=may_be_on_disk)


@contextmanager
def _closed_on_error(handle: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.close(handle)
        raise


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

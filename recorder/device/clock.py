"""The device's clocks, and whether the wall clock can be believed.

`synced` is the kernel's own word: adjtimex(2) without STA_UNSYNC. Any time daemon clears that flag (timesyncd and
chrony alike), and the kernel sets it again when none has spoken for hours. systemd's file
/run/systemd/timesync/synchronized is timesyncd's alone and stays after the network has gone. Where the call is
forbidden, the clock counts as unsynced: an unknown is never reported as trust.
"""

import contextlib
import ctypes
import time
from pathlib import Path

from recorder.audio import Moment

MADE_SECONDS = 1_764_000_000
"""Unix time before which no room has run this software: 24 November 2025."""
KEPT_SECONDS_MAX = 3600.0
"""Between a clock chip and the wall clock: years without a network come to minutes."""
_CLOCK_CHIPS = Path("/sys/class/rtc")
_STA_UNSYNC = 0x0040
_TIME_ERROR = 5
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_libc = ctypes.CDLL(None, use_errno=True)


class _Timex(ctypes.Structure):
    """The first fields of `struct timex`; the rest is room for the kernel to write in (208 bytes on 64 bits)."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def synced() -> bool:
    """Whether the wall clock has a trusted source."""
    timex = _Timex()  # modes 0: read only
    state = _libc.adjtimex(ctypes.byref(timex))
    return 0 <= state < _TIME_ERROR and not timex.status & _STA_UNSYNC


def plausible() -> bool:
    """Whether the wall clock can be right at all. A machine without a clock chip begins at some moment in its past."""
    return time.time() >= MADE_SECONDS


def kept() -> bool:
    """Whether a clock chip tells about the same time as the wall clock: it kept that while the machine was off.

    That there is one says little. A Raspberry Pi 5 has one without a battery, which begins at 1970, and one whose battery was
    empty cannot be read.
    """
    for chip in _CLOCK_CHIPS.glob("rtc*/since_epoch"):
        with contextlib.suppress(OSError, ValueError):
            if abs(int(chip.read_text()) - time.time()) <= KEPT_SECONDS_MAX:
                return True
    return False


def monotonic_ns() -> int:
    """Nanoseconds since boot, those asleep included; never steps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def moment() -> Moment:
    """Now, by both clocks."""
    return Moment(time.time_ns() // 1_000_000, monotonic_ns() // 1_000_000, synced())


def boot_id() -> bytes:
    """16 bytes: which boot of this kernel the monotonic clock counts from."""
    return bytes.fromhex(_BOOT_ID.read_text().strip().replace("-", ""))

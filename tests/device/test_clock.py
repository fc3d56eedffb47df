"""The clock is believed only when the kernel says so."""

import time
from types import SimpleNamespace

import pytest

from recorder.device import clock


@pytest.mark.parametrize(
    ("state", "status", "trusted"),
    [
        (0, 0x2001, True),
        (0, 0x2041, False),  # STA_UNSYNC
        (5, 0x2001, False),  # TIME_ERROR
        (-1, 0, False),  # the service may not ask
    ],
)
def test_synced_is_the_kernels_word(monkeypatch, state, status, trusted):
    def adjtimex(pointer) -> int:
        pointer._obj.status = status
        return state

    monkeypatch.setattr(clock, "_libc", SimpleNamespace(adjtimex=adjtimex))
    assert clock.synced() is trusted
    assert clock.moment().synced is trusted


def test_a_moment_lies_between_two_readings():
    before = (time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    moment = clock.moment()
    after = (time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    assert before[0] // 10**6 <= moment.wall_ms <= after[0] // 10**6
    assert before[1] // 10**6 <= moment.monotonic_ms <= after[1] // 10**6


def test_the_boot_has_a_lasting_id():
    assert len(clock.boot_id()) == 16
    assert clock.boot_id() == clock.boot_id()

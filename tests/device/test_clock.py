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


@pytest.mark.parametrize(
    ("chips", "kept"),
    [
        ({}, False),
        ({"rtc0": "1764100000\n"}, True),
        ({"rtc0": "37\n"}, False),  # a Raspberry Pi 5 without a battery
        ({"rtc0": None}, False),  # the battery was empty: the chip says that it knows no time
        ({"rtc0": None, "rtc1": "1764099000\n"}, True),
    ],
)
def test_a_time_is_kept_by_a_chip_that_tells_the_same(tmp_path, monkeypatch, chips, kept):
    for name, seconds in chips.items():
        (tmp_path / name).mkdir()
        file = tmp_path / name / "since_epoch"
        if seconds is None:
            file.mkdir()  # cannot be read, whoever asks
        else:
            file.write_text(seconds)
    monkeypatch.setattr(clock, "_CLOCK_CHIPS", tmp_path)
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: 1_764_100_007.5))
    assert clock.kept() is kept


def test_a_moment_lies_between_two_readings():
    before = (time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    moment = clock.moment()
    after = (time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    assert before[0] // 10**6 <= moment.wall_ms <= after[0] // 10**6
    assert before[1] // 10**6 <= moment.monotonic_ms <= after[1] // 10**6


def test_the_boot_has_a_lasting_id():
    assert len(clock.boot_id()) == 16
    assert clock.boot_id() == clock.boot_id()

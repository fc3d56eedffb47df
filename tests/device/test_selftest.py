"""What a room knows of itself without a meeting."""

import ctypes
import errno
import mmap
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from gpiozero import Device

from recorder import config
from recorder.device import clock, durable, selftest
from recorder.device.mock import Flaw, Hands
from recorder.device.panel import Panel
from recorder.errors import MicrophoneError
from recorder.meeting.fault import Fault


@pytest.fixture
def settings(tmp_path: Path) -> config.Config:
    values = msgspec.to_builtins(config.load())
    values["room"]["folder"] = str(tmp_path)
    values["panel"]["pins"] = "mock"
    values["microphone"]["identity"] = "pcm:roommic"
    return msgspec.convert(values, config.Config)


@pytest.fixture
def panel(settings: config.Config) -> Iterator[Panel]:
    made = Panel(settings.panel, on_refuse=lambda: None, on_dark=lambda: None, wake=lambda: None)
    yield made
    made.close()
    Device.pin_factory.reset()


class Spool:
    """A card with so much room."""

    size_bytes = 7 << 20

    def __init__(self, room: int = 1 << 30) -> None:
        self.room = room

    def room_bytes(self) -> int:
        return self.room


def with_microphone(settings: config.Config, **changes: Any) -> config.Config:
    return msgspec.structs.replace(settings, microphone=msgspec.structs.replace(settings.microphone, **changes))


def missing(*_: object) -> None:
    raise MicrophoneError("the microphone usb:2886:0018 is not there")


def test_a_room_in_order_has_nothing_to_tell(settings: config.Config, panel: Panel) -> None:
    assert selftest.examine(settings, Spool(), panel, clock_set=True) == {}  # type: ignore[arg-type]
    assert not panel.lit


@pytest.mark.parametrize("flaw", list(Flaw))
def test_a_light_that_lies_is_found_and_left_dark(settings: config.Config, panel: Panel, flaw: Flaw) -> None:
    Hands(settings.panel).break_lamp(flaw)
    assert selftest.examine(settings, Spool(), panel, clock_set=True).keys() == {Fault.LIGHT}  # type: ignore[arg-type]
    assert not Device.pin_factory.pin(settings.panel.recording_light).state


def test_a_light_that_a_dead_recorder_would_leave_lit_is_found(
    settings: config.Config, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Panel, "stays_lit", True)
    found = selftest.examine(settings, Spool(), panel, clock_set=True)  # type: ignore[arg-type]
    assert found.keys() == {Fault.LIGHT} and "strict_gpiod" in found[Fault.LIGHT]


def test_a_glance_sees_a_current_that_nobody_switched_on_and_switches_nothing(
    settings: config.Config, panel: Panel
) -> None:
    Hands(settings.panel).break_lamp(Flaw.SHORTED)
    assert selftest.glance(settings, Spool(), panel, clock_set=True).keys() == {Fault.LIGHT}  # type: ignore[arg-type]
    Hands(settings.panel).break_lamp(Flaw.OPEN)
    assert selftest.glance(settings, Spool(), panel, clock_set=True) == {}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("interlock", "there", "found"),
    [
        (False, True, set()),
        (False, False, {Fault.MICROPHONE_GONE}),
        (True, False, set()),
        (True, True, {Fault.LIGHT}),
    ],
)
def test_a_microphone_is_there_and_with_the_interlock_it_must_not_be(
    settings: config.Config,
    panel: Panel,
    monkeypatch: pytest.MonkeyPatch,
    interlock: bool,
    there: bool,
    found: set[Fault],
) -> None:
    """L1: one that is there while the light is dark has power that nobody sees."""
    monkeypatch.setattr(selftest.cards, "find", (lambda *_: None) if there else missing)
    monkeypatch.setattr(Panel, "dark_seconds", selftest.DARK_SECONDS_MIN)
    named = with_microphone(settings, identity="usb:2886:0018", interlock=interlock, rates=[48_000])
    assert selftest.glance(named, Spool(), panel, clock_set=True).keys() == found  # type: ignore[arg-type]


def test_a_microphone_that_just_lost_its_power_with_the_light_may_still_be_seen(
    settings: config.Config, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever cancels a start, or ends a meeting without a grace period, has broken nothing."""
    monkeypatch.setattr(selftest.cards, "find", lambda *_: None)
    named = with_microphone(settings, identity="usb:2886:0018", interlock=True, rates=[48_000])
    monkeypatch.setattr(selftest, "DARK_SECONDS_MIN", 0.2)
    time.sleep(0.2)
    for dark in (False, False, True):  # switched off now, seen off just then, off for long enough
        if not dark:
            panel.show(recording=True)
            panel.show(recording=False)
        else:
            time.sleep(0.2)
        panel.show(recording=False)
        assert selftest.examine(named, Spool(), panel, clock_set=True).keys() == ({Fault.LIGHT} if dark else set())  # type: ignore[arg-type]


def test_a_card_without_room_and_a_clock_that_was_never_set_are_found(
    settings: config.Config, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: 86_400.0))
    found = selftest.glance(settings, Spool(1_000), panel, clock_set=True)  # type: ignore[arg-type]
    assert found.keys() == {Fault.CARD_FULL, Fault.CLOCK}


@pytest.mark.parametrize(
    ("pins", "clock_set", "kept", "found"),
    [
        ("lgpio", False, False, {Fault.CLOCK}),  # a Raspberry Pi without a network begins where it was switched off
        ("lgpio", True, False, set()),
        ("lgpio", False, True, set()),
        ("mock", False, False, set()),
    ],
)
def test_a_clock_that_nothing_has_set_is_found(
    settings: config.Config,
    panel: Panel,
    monkeypatch: pytest.MonkeyPatch,
    pins: str,
    clock_set: bool,
    kept: bool,
    found: set[Fault],
) -> None:
    monkeypatch.setattr(clock, "kept", lambda: kept)
    room = msgspec.structs.replace(settings, panel=msgspec.structs.replace(settings.panel, pins=pins))
    assert selftest.glance(room, Spool(), panel, clock_set=clock_set).keys() == found  # type: ignore[arg-type]


def test_a_card_that_reads_back_otherwise_is_broken(
    settings: config.Config, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest.durable, "write", lambda file, data: file.write_bytes(b"rust"))
    assert selftest.examine(settings, Spool(), panel, clock_set=True).keys() == {Fault.RECORDER}  # type: ignore[arg-type]


def test_a_card_that_takes_nothing_more_is_broken_though_it_has_what_another_day_wrote(
    settings: config.Config, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert selftest.examine(settings, Spool(), panel, clock_set=True) == {}  # type: ignore[arg-type]
    monkeypatch.setattr(selftest.durable, "write", lambda file, data: None)
    assert selftest.examine(settings, Spool(), panel, clock_set=True).keys() == {Fault.RECORDER}  # type: ignore[arg-type]


def remembered(file: Path) -> bool:
    """Whether the kernel has any of it in RAM, mincore(2)."""
    size = file.stat().st_size
    told = ctypes.create_string_buffer(-(-size // mmap.PAGESIZE))
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), size, access=mmap.ACCESS_COPY) as pages:
        first = ctypes.c_char.from_buffer(pages)
        code = ctypes.CDLL(None).mincore(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size), told)
        del first
    assert code == 0
    return any(byte & 1 for byte in told.raw)


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder that is not in RAM, as /tmp may be."""
    with tempfile.TemporaryDirectory(prefix="wederhoor-test-", dir="/var/tmp") as folder:
        yield Path(folder)


def test_the_card_is_asked_and_not_the_kernels_memory_of_it(settings: config.Config, panel: Panel, disk: Path) -> None:
    """What is written is remembered, so that a read of a dead card would find it. Read past that, it is not remembered."""
    durable.write(disk / "plain", bytes(selftest.WRITTEN_BYTES))
    assert remembered(disk / "plain")
    room = msgspec.structs.replace(settings, room=msgspec.structs.replace(settings.room, folder=str(disk)))
    assert selftest.examine(room, Spool(), panel, clock_set=True) == {}  # type: ignore[arg-type]
    assert not remembered(disk / "selftest")


@pytest.mark.parametrize("size_bytes", [0, 1, 4_095, 4_096, 4_097, 70_000])
def test_what_is_read_back_is_the_whole_file(disk: Path, ram: Path, size_bytes: int) -> None:
    data = os.urandom(size_bytes)
    for folder in (disk, ram):
        durable.write(folder / "file", data)
        assert durable.read_back(folder / "file") == data


def test_a_file_system_that_cannot_be_read_directly_is_read_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable.write(tmp_path / "file", b"data")
    opened = os.open

    def picky(file: Path, flags: int, *mode: int) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "Invalid argument")
        return opened(file, flags, *mode)

    monkeypatch.setattr(durable.os, "open", picky)
    assert durable.read_back(tmp_path / "file") == b"data"

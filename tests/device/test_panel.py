"""The panel on gpiozero's mock pins: what fingers do goes through the same layer as on a Pi."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from gpiozero import Device

from recorder import config
from recorder.device import panel as module
from recorder.device.mock import Flaw, Hands
from recorder.device.panel import Panel, Pressed, header_chip, header_pins
from recorder.errors import PanelError

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 20.0


class Loop:
    """What a daemon is to its panel: it notes in which order, and in which thread, it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.woken = threading.Semaphore(0)
        self.fails = False

    def refuse(self) -> None:
        self.told.append(("refuse", threading.get_ident()))
        if self.fails:
            raise OSError("the hold is broken")

    def dark(self) -> None:
        self.told.append(("dark", threading.get_ident()))
        if self.fails:
            raise OSError("the tap is broken")

    def wake(self) -> None:
        self.told.append(("wake", threading.get_ident()))
        self.woken.release()


@pytest.fixture
def settings() -> config.Panel:
    return msgspec.structs.replace(config.load().panel, pins="mock", bounce_seconds=0.0)


@pytest.fixture
def loop() -> Loop:
    return Loop()


def panel_of(settings: config.Panel, loop: Loop) -> Panel:
    return Panel(settings, on_refuse=loop.refuse, on_dark=loop.dark, wake=loop.wake)


@pytest.fixture
def panel(settings: config.Panel, loop: Loop) -> Iterator[Panel]:
    made = panel_of(settings, loop)
    yield made
    made.close()
    assert Device.pin_factory is not None
    Device.pin_factory.reset()


@pytest.fixture
def hands(settings: config.Panel, panel: Panel) -> Hands:
    return Hands(settings)


def kinds(panel: Panel) -> list[Pressed]:
    return [pressed for pressed, _ in panel.presses()]


def test_a_new_room_is_dark_and_nobody_has_pressed(panel: Panel, loop: Loop) -> None:
    assert not panel.lit
    assert panel.presses() == []
    assert loop.told == []


def test_a_press_of_start_waits_for_the_loop(panel: Panel, hands: Hands, loop: Loop) -> None:
    hands.press(Pressed.START)
    assert [what for what, _ in loop.told] == ["wake"]
    assert kinds(panel) == [Pressed.START]
    assert panel.presses() == []


def test_a_no_is_carried_out_in_the_thread_of_the_press_before_anybody_is_told(
    panel: Panel, hands: Hands, loop: Loop
) -> None:
    """The loop never turns here: a no does not wait for it."""
    hands.press(Pressed.START)
    hands.press(Pressed.REFUSE)
    me = threading.get_ident()
    assert loop.told == [("wake", me), ("refuse", me), ("wake", me), ("wake", me)]
    assert kinds(panel) == [Pressed.START, Pressed.REFUSE, Pressed.LET_GO]


def test_the_time_of_a_no_is_that_of_the_press(panel: Panel, hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([5.0, 5.1])
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(times), sleep=lambda _: None))
    hands.press(Pressed.REFUSE)
    assert panel.presses() == [(Pressed.REFUSE, 5.0), (Pressed.LET_GO, 5.1)]


def test_a_no_that_fails_at_once_still_reaches_the_loop_and_the_buttons_live_on(
    panel: Panel, hands: Hands, loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    loop.fails = True
    with caplog.at_level(logging.ERROR):
        hands.press(Pressed.REFUSE)
    assert "the hold is broken" in caplog.text
    loop.fails = False
    hands.press(Pressed.START)
    hands.press(Pressed.REFUSE)
    assert kinds(panel) == [Pressed.REFUSE, Pressed.LET_GO, Pressed.START, Pressed.REFUSE, Pressed.LET_GO]
    assert [what for what, _ in loop.told].count("refuse") == 2


def test_that_refuse_is_let_go_is_told_and_when(settings: config.Panel, panel: Panel, hands: Hands) -> None:
    hands.press(Pressed.REFUSE, 0.2)
    (first, down), (second, up) = panel.presses()
    assert (first, second) == (Pressed.REFUSE, Pressed.LET_GO)
    assert up - down >= 0.2


def test_a_mark_is_two_presses_close_enough(settings: config.Panel, panel: Panel, hands: Hands) -> None:
    hands.mark()
    (first, at), (second, then) = panel.presses()
    assert (first, second) == (Pressed.START, Pressed.START)
    assert at < then


def test_whether_refuse_is_down_can_be_asked_at_any_time(settings: config.Panel, panel: Panel) -> None:
    pin = Device.pin_factory.pin(settings.refuse_button)
    seen = [panel.refusing]
    pin.drive_low()
    seen.append(panel.refusing)
    pin.drive_high()
    seen.append(panel.refusing)
    assert seen == [False, True, False]


def test_the_light_shows_what_it_is_told_and_its_current_is_read_back(settings: config.Panel, panel: Panel) -> None:
    for recording in (True, False, True):
        panel.show(recording=recording)
        assert bool(Device.pin_factory.pin(settings.recording_light).state) is recording
        assert panel.lit is recording


@pytest.mark.parametrize(("flaw", "lit"), [(Flaw.OPEN, False), (Flaw.SHORTED, True)])
def test_lit_is_read_from_the_current_and_not_from_what_was_told(
    panel: Panel, hands: Hands, flaw: Flaw, lit: bool
) -> None:
    """L2: a light that does not follow is found out."""
    hands.break_lamp(flaw)
    for told in (True, False):
        panel.show(recording=told)
        assert panel.lit is lit
    hands.break_lamp(None)
    assert not panel.lit


def test_a_lamp_of_software_tells_each_change_of_its_light(panel: Panel, hands: Hands) -> None:
    told: list[tuple[bool, Flaw | None]] = []
    hands.watch_lamp(lambda lit, flaw, at: told.append((lit, flaw)))
    panel.show(recording=True)
    panel.show(recording=True)
    panel.show(recording=False)
    panel.show(recording=True)
    hands.break_lamp(Flaw.OPEN)
    hands.break_lamp(Flaw.SHORTED)
    panel.show(recording=False)
    hands.break_lamp(None)
    assert told == [
        (True, None), (False, None), (True, None), (False, Flaw.OPEN), (True, Flaw.SHORTED), (False, None),
    ]  # fmt: skip


def test_a_sound_light_is_proven_and_its_edge_seen(panel: Panel) -> None:
    panel.show(recording=True)  # in the middle of a pulse
    panel.prove()
    assert panel.lit and panel.seen_lit


@pytest.mark.parametrize(("flaw", "says"), [(Flaw.OPEN, "no current"), (Flaw.SHORTED, "switched off")])
def test_a_light_that_lies_is_not_proven(panel: Panel, hands: Hands, flaw: Flaw, says: str) -> None:
    hands.break_lamp(flaw)
    with pytest.raises(PanelError, match=says):
        panel.prove()


def test_a_light_that_loses_its_current_is_told_in_the_thread_that_sees_it(
    panel: Panel, hands: Hands, loop: Loop
) -> None:
    panel.show(recording=True)
    del loop.told[:]
    hands.break_lamp(Flaw.OPEN)
    me = threading.get_ident()
    assert loop.told == [("dark", me), ("wake", me)]


def test_a_light_that_is_darkened_alarms_nobody(panel: Panel, loop: Loop) -> None:
    for _ in range(3):
        panel.show(recording=True)
        panel.show(recording=False)
    assert {what for what, _ in loop.told} == {"wake"}


def test_a_late_word_of_a_darkness_that_was_meant_alarms_nobody(panel: Panel, loop: Loop) -> None:
    """On a Pi the edges come from a thread of their own, and may come late."""
    panel.show(recording=True)
    panel._dark()
    assert "dark" not in {what for what, _ in loop.told}


def test_a_tap_that_cannot_be_shut_at_once_does_not_end_the_watch(
    panel: Panel, hands: Hands, loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    loop.fails = True
    panel.show(recording=True)
    with caplog.at_level(logging.ERROR):
        hands.break_lamp(Flaw.OPEN)
    assert "the tap is broken" in caplog.text
    assert loop.told[-1][0] == "wake"


def test_which_buttons_are_down_can_be_asked(settings: config.Panel, panel: Panel) -> None:
    assert panel.down() == frozenset()
    Device.pin_factory.pin(settings.start_button).drive_low()
    Device.pin_factory.pin(settings.refuse_button).drive_low()
    assert panel.down() == {Pressed.START, Pressed.REFUSE}


def test_closing_darkens_the_light(settings: config.Panel, loop: Loop) -> None:
    made = panel_of(settings, loop)
    made.show(recording=True)
    pin = Device.pin_factory.pin(settings.recording_light)
    made.close()
    assert pin.function == "input"  # nothing drives the light any more
    assert "dark" not in {what for what, _ in loop.told}
    Device.pin_factory.reset()


@pytest.mark.parametrize(
    ("told", "stays"),
    [
        ({"pinctrl_rp1": "Y\n"}, True),
        (
            {"pinctrl_rp1": "N\n", "pinctrl_bcm2835": "Y\n"},
            False,
        ),  # a kernel that drives both chips, on a Raspberry Pi 5
        ({"pinctrl_bcm2835": "Y\n"}, False),
        ({}, False),
    ],
)
def test_whether_the_light_outlives_its_process_is_the_kernels_word(
    panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, str], stays: bool
) -> None:
    monkeypatch.setattr(module, "MODULES", tmp_path)
    for name, value in told.items():
        parameter = tmp_path / name / "parameters" / "persist_gpio_outputs"
        parameter.parent.mkdir(parents=True)
        parameter.write_text(value)
    assert not panel.stays_lit, "a lamp made of software is dark without its process"
    panel._chip = "pinctrl-rp1"
    assert panel.stays_lit is stays


class Chips:
    """The part of lgpio that finds a chip."""

    error = RuntimeError

    def __init__(self, labels: dict[int, str | None]) -> None:
        self.labels = labels
        self.open: set[int] = set()

    def gpiochip_open(self, number: int) -> int:
        if self.labels[number] is None:
            raise self.error("can not open gpiochip")
        self.open.add(number)
        return number

    def gpiochip_close(self, handle: int) -> None:
        self.open.remove(handle)

    def gpio_get_chip_info(self, handle: int) -> list[object]:
        return [0, 54, f"gpiochip{handle}", self.labels[handle]]


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[int, str | None]], Chips]:
    def make(labels: dict[int, str | None]) -> Chips:
        for number in labels:
            (tmp_path / f"gpiochip{number}").touch()
        monkeypatch.setattr(module, "DEVICES", tmp_path)
        return Chips(labels)

    return make


@pytest.mark.parametrize(
    ("labels", "number"),
    [
        ({0: "pinctrl-bcm2711", 1: "raspberrypi-exp-gpio"}, 0),
        ({0: "gpio-brcmstb@107d508500", 4: "pinctrl-rp1"}, 4),
        ({0: "pinctrl-rp1", 4: "gpio-brcmstb@107d517c20", 10: "gpio-brcmstb@107d508500"}, 0),
        ({0: None, 11: "pinctrl-bcm2835"}, 11),
    ],
)
def test_the_pins_are_found_by_label_whatever_the_kernel_numbers_them(
    devices: Callable[[dict[int, str | None]], Chips], labels: dict[int, str | None], number: int
) -> None:
    chips = devices(labels)
    assert header_chip(chips) == (number, labels[number])
    assert chips.open == set()


@pytest.mark.parametrize("labels", [{}, {0: "pcf8575"}, {0: None}])
def test_without_the_pins_the_error_says_whom_to_ask(
    devices: Callable[[dict[int, str | None]], Chips], labels: dict[int, str | None]
) -> None:
    chips = devices(labels)
    with pytest.raises(PanelError, match="Raspberry Pi"):
        header_chip(chips)
    assert chips.open == set()


def test_the_library_of_the_pins_needs_no_folder_that_a_service_has_not() -> None:
    """The real one, where nothing can be written: it gets as far as to see that this is no Raspberry Pi."""
    script = "import pathlib, recorder.device.panel as it; it.DEVICES = pathlib.Path('/nowhere'); it.header_pins()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd="/proc",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr.splitlines()[-1].startswith("recorder.errors.PanelError: none of the GPIO chips [] is that")


def test_a_library_that_finds_no_folder_is_told_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(prefix: str) -> None:
        raise OSError(28, "No space left on device", "/tmp")

    monkeypatch.setattr(module.tempfile, "TemporaryDirectory", full)
    with pytest.raises(PanelError, match=r"no folder for its pipe: .*No space left"):
        header_pins()


def test_pins_that_cannot_be_opened_are_told_in_plain_words(
    devices: Callable[[dict[int, str | None]], Chips], monkeypatch: pytest.MonkeyPatch
) -> None:
    chips = devices({0: "pinctrl-rp1"})

    def refuse(number: int) -> None:
        raise Chips.error("can not open gpiochip")

    monkeypatch.setitem(sys.modules, "lgpio", chips)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", SimpleNamespace(LGPIOFactory=refuse))  # type: ignore[arg-type]
    with pytest.raises(PanelError, match="/dev/gpiochip0 cannot be opened: can not open gpiochip"):
        header_pins()

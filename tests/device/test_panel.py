"""The panel on gpiozero's mock pins: what fingers do goes through the same layer as on a Pi."""

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from gpiozero import Device

from recorder import config
from recorder.device import panel as module
from recorder.device.panel import Hands, Panel, Pressed, header_chip
from recorder.errors import PanelError

LIFT_SECONDS = 0.05
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

    def wake(self) -> None:
        self.told.append(("wake", threading.get_ident()))
        self.woken.release()


@pytest.fixture
def settings() -> config.Panel:
    return msgspec.structs.replace(config.load().panel, pins="mock", bounce_seconds=0.0)


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def panel(settings: config.Panel, loop: Loop) -> Iterator[Panel]:
    made = Panel(settings, LIFT_SECONDS, loop.refuse, loop.wake)
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
    assert loop.told == [("wake", me), ("refuse", me), ("wake", me)]
    assert kinds(panel) == [Pressed.START, Pressed.REFUSE]


def test_the_time_of_a_no_is_that_of_the_press(panel: Panel, hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([5.0, 9.0])
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(times), sleep=lambda _: None))
    hands.press(Pressed.REFUSE)
    assert panel.presses() == [(Pressed.REFUSE, 5.0)]


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
    assert kinds(panel) == [Pressed.REFUSE, Pressed.START, Pressed.REFUSE]
    assert [what for what, _ in loop.told].count("refuse") == 2


def test_holding_refuse_says_so_after_the_press(settings: config.Panel, panel: Panel, loop: Loop) -> None:
    pin = Device.pin_factory.pin(settings.refuse_button)
    pin.drive_low()
    assert loop.woken.acquire(timeout=DEADLINE_SECONDS)
    assert loop.woken.acquire(timeout=DEADLINE_SECONDS)
    assert kinds(panel) == [Pressed.REFUSE, Pressed.LIFT]
    pin.drive_high()


def test_a_short_press_of_refuse_lifts_nothing(settings: config.Panel, loop: Loop) -> None:
    made = Panel(settings, DEADLINE_SECONDS, loop.refuse, loop.wake)
    try:
        Hands(settings).press(Pressed.REFUSE)
        assert kinds(made) == [Pressed.REFUSE]
    finally:
        made.close()
        Device.pin_factory.reset()


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


@pytest.mark.parametrize("recording", [True, False])
@pytest.mark.parametrize("fault", [True, False])
def test_the_lights_show_what_they_are_told(settings: config.Panel, panel: Panel, recording: bool, fault: bool) -> None:
    panel.show(recording=recording, fault=fault)
    pins = [Device.pin_factory.pin(number) for number in (settings.recording_light, settings.fault_light)]
    assert [bool(pin.state) for pin in pins] == [recording, fault]
    assert panel.lit is recording


def test_lit_is_read_from_the_pin_and_not_remembered(settings: config.Panel, panel: Panel) -> None:
    """L2: a light that does not follow is found out."""
    panel.show(recording=True, fault=False)
    Device.pin_factory.pin(settings.recording_light).state = 0
    assert not panel.lit


def test_closing_darkens_both_lights(settings: config.Panel, loop: Loop) -> None:
    made = Panel(settings, LIFT_SECONDS, loop.refuse, loop.wake)
    made.show(recording=True, fault=True)
    pins = [Device.pin_factory.pin(number) for number in (settings.recording_light, settings.fault_light)]
    made.close()
    assert [pin.function for pin in pins] == ["input", "input"]  # no pin drives a light any more
    Device.pin_factory.reset()


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
    assert header_chip(chips) == number
    assert chips.open == set()


@pytest.mark.parametrize("labels", [{}, {0: "pcf8575"}, {0: None}])
def test_without_the_pins_the_error_says_whom_to_ask(
    devices: Callable[[dict[int, str | None]], Chips], labels: dict[int, str | None]
) -> None:
    chips = devices(labels)
    with pytest.raises(PanelError, match="Raspberry Pi"):
        header_chip(chips)
    assert chips.open == set()

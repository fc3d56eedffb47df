"""The panel on the table: two buttons in, two lights out, through gpiozero.

The refuse button does not queue: `on_refuse` is called in the thread in which the press arrives. Everything else waits for the
daemon's loop. The pins are a Raspberry Pi's (lgpio), or gpiozero's mock ones, pressed by `Hands`: the rest is the same.

The buttons are plain inputs, not gpiozero's `Button`: each of those keeps a thread that wakes ten times a second to see
whether it is held, and the two of them cost several times what sealing does. A timer that runs only while the button is
down tells as much.
"""

import collections
import logging
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from gpiozero import LED, Device, DigitalInputDevice
from gpiozero.pins.mock import MockFactory, MockPin

from recorder import config
from recorder.errors import PanelError

DEVICES = Path("/dev")
HEADER_LABELS = ("pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1")
"""The chips behind the 40 pins of a Raspberry Pi 3, 4 and 5. Their number differs between kernels (raspberrypi/linux #6144)."""
PRESS_SECONDS = 0.03
"""How long `Hands` keep a button down, beyond the bounce time."""
logger = logging.getLogger(__name__)


class Pressed(StrEnum):
    """What the buttons can say, before it is known what it means."""

    START = "start"
    REFUSE = "refuse"
    END = "end"
    """The client's other button."""
    LIFT = "lift"
    """Refuse, held for the lift time."""


class Panel:
    """The buttons and lights of one room. `wake` is called, from another thread, when `presses` has something."""

    def __init__(
        self, settings: config.Panel, lift_seconds: float, on_refuse: Callable[[], None], wake: Callable[[], None]
    ) -> None:
        if settings.pins == "mock":
            Device.pin_factory = MockFactory()
        else:
            import lgpio  # only a Pi has the chip that this opens
            from gpiozero.pins.lgpio import LGPIOFactory

            Device.pin_factory = LGPIOFactory(header_chip(lgpio))
        bounce = settings.bounce_seconds or None
        self.recording_light = LED(settings.recording_light)
        self.fault_light = LED(settings.fault_light)
        self._start = DigitalInputDevice(settings.start_button, pull_up=True, bounce_time=bounce)
        self._refuse = DigitalInputDevice(settings.refuse_button, pull_up=True, bounce_time=bounce)
        self._end = (
            DigitalInputDevice(settings.end_button, pull_up=True, bounce_time=bounce) if settings.end_button else None
        )
        self._lift_seconds = lift_seconds
        self._holding: threading.Timer | None = None
        self._presses: collections.deque[tuple[Pressed, float]] = collections.deque()
        self._wake = wake

        def refuse() -> None:
            now = time.monotonic()
            try:
                on_refuse()
            except Exception:
                # What is raised here would end lgpio's one thread, and with it every button. The loop does it again.
                logger.exception("refusing at once failed; the loop refuses")
            self._tell(Pressed.REFUSE, now)
            self._hold()

        self._start.when_activated = lambda: self._tell(Pressed.START, time.monotonic())
        if self._end is not None:
            self._end.when_activated = lambda: self._tell(Pressed.END, time.monotonic())
        self._refuse.when_activated = refuse
        self._refuse.when_deactivated = self._let_go

    def presses(self) -> list[tuple[Pressed, float]]:
        """What was pressed since last time, and when (monotonic seconds)."""
        taken = []
        while self._presses:
            taken.append(self._presses.popleft())
        return taken

    @property
    def unheard(self) -> bool:
        """Whether `presses` has something."""
        return bool(self._presses)

    def show(self, *, recording: bool, fault: bool) -> None:
        """Light or darken both lights. Asked in every turn of the loop, so a pin is written only where that changes it."""
        for light, lit in ((self.recording_light, recording), (self.fault_light, fault)):
            if light.is_lit is not lit:
                light.value = lit

    @property
    def refusing(self) -> bool:
        """Whether the refuse button is down now."""
        return bool(self._refuse.is_active)

    @property
    def lit(self) -> bool:
        """What the recording light's output reads back."""
        return bool(self.recording_light.is_lit)

    def close(self) -> None:
        """Give the pins back; the lights go dark."""
        self._let_go()
        for part in (self._start, self._refuse, self._end, self.recording_light, self.fault_light):
            if part is not None:
                part.close()

    def _hold(self) -> None:
        """The refuse button went down: it lifts if it stays there."""
        self._let_go()
        self._holding = threading.Timer(self._lift_seconds, lambda: self._tell(Pressed.LIFT, time.monotonic()))
        self._holding.daemon = True
        self._holding.start()

    def _let_go(self) -> None:
        holding, self._holding = self._holding, None
        if holding is not None:
            holding.cancel()

    def _tell(self, pressed: Pressed, now: float) -> None:
        self._presses.append((pressed, now))
        self._wake()


def header_chip(lgpio: Any) -> int:
    """The number of the chip behind the 40 pins, by its label. `lgpio` is the module of that name."""
    numbers = sorted(int(file.name.removeprefix("gpiochip")) for file in DEVICES.glob("gpiochip[0-9]*"))
    for number in numbers:
        try:
            handle = lgpio.gpiochip_open(number)
        except lgpio.error:
            continue  # not for this user; if it was the right one, it is missed below
        _, _, _, label = lgpio.gpio_get_chip_info(handle)
        lgpio.gpiochip_close(handle)
        if label in HEADER_LABELS:
            return number
    raise PanelError(
        f"none of the GPIO chips {numbers} is that of a Raspberry Pi's pins; is it one, may this user open /dev/gpiochip*?"
    )


class Hands:
    """Presses the buttons of a panel with mock pins, through the same GPIO layer as fingers would."""

    def __init__(self, settings: config.Panel) -> None:
        factory = Device.pin_factory
        self._pins: dict[Pressed, MockPin] = {
            Pressed.START: factory.pin(settings.start_button),
            Pressed.REFUSE: factory.pin(settings.refuse_button),
            **({Pressed.END: factory.pin(settings.end_button)} if settings.end_button else {}),
        }
        self._press_seconds = settings.bounce_seconds + PRESS_SECONDS
        self._pause_seconds = settings.double_press_seconds / 4
        self._lock = threading.Lock()

    def press(self, pressed: Pressed, hold_seconds: float = 0.0) -> None:
        """Press a button, and let it go again after `hold_seconds` or what it takes to be a press."""
        pin = self._pins.get(pressed)
        if pin is None:
            raise PanelError(f"this panel has no button to {pressed}; set panel.{pressed}_button")
        with self._lock:
            pin.drive_low()
            time.sleep(max(hold_seconds, self._press_seconds))
            pin.drive_high()

    def mark(self) -> None:
        """Press start twice in quick succession."""
        self.press(Pressed.START)
        time.sleep(self._pause_seconds)
        self.press(Pressed.START)

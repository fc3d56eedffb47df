"""A room without hardware: fingers for its buttons, and a lamp for its light that can be watched, on gpiozero's mock pins.

They stand where the wires end. What the room does with its pins is the same as on a Raspberry Pi.
"""

import threading
import time
from collections.abc import Callable
from enum import Enum

from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPin

from recorder import config
from recorder.device.panel import Pressed
from recorder.errors import PanelError

PRESS_SECONDS = 0.03
"""How long `Hands` keep a button down, beyond the bounce time."""


class Flaw(Enum):
    """What a lamp may suffer from."""

    OPEN = "open"
    """It is burnt out or its wire is off: no current, whatever it is told."""
    SHORTED = "shorted"
    """Its transistor conducts for ever: current, whatever it is told."""


Watcher = Callable[[bool, Flaw | None, float], None]
"""Hears of a lamp that it is lit or dark from now on, with which flaw, and when (monotonic seconds)."""


class Lamp(MockPin):  # type: ignore[misc]
    """The pin of the recording light, with the circuit of hardware/: a current through the lamp pulls the sense pin low."""

    def __init__(self, factory: MockFactory, info: object, sense: MockPin) -> None:
        self._sense = sense
        self._lit = False
        self.flaw: Flaw | None = None
        self.watcher: Watcher | None = None
        super().__init__(factory, info)

    def fail(self, flaw: Flaw | None) -> None:
        """From now on, or no longer."""
        self.flaw = flaw
        self._flow()

    def _change_state(self, value: bool) -> bool:
        changed: bool = super()._change_state(value)
        self._flow()
        return changed

    def _set_function(self, value: str) -> None:
        super()._set_function(value)
        self._flow()

    def _flow(self) -> None:
        driven = self.function == "output" and bool(self.state)
        lit = self.flaw is Flaw.SHORTED or (driven and self.flaw is None)
        at = time.monotonic()
        (self._sense.drive_low if lit else self._sense.drive_high)()
        if lit is not self._lit:
            self._lit = lit
            if self.watcher is not None:
                self.watcher(lit, self.flaw, at)


def factory(settings: config.Panel) -> MockFactory:
    """The pins, with a lamp at the light's."""
    made = MockFactory()
    made.pin(settings.recording_light, pin_class=Lamp, sense=made.pin(settings.light_sense))
    return made


class Hands:
    """Presses the buttons of a panel with mock pins, through the same GPIO layer as fingers would."""

    def __init__(self, settings: config.Panel) -> None:
        pins = Device.pin_factory
        self._pins: dict[Pressed, MockPin] = {
            Pressed.START: pins.pin(settings.start_button),
            Pressed.REFUSE: pins.pin(settings.refuse_button),
            **({Pressed.END: pins.pin(settings.end_button)} if settings.end_button else {}),
        }
        self._lamp: Lamp = pins.pin(settings.recording_light)
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

    def break_lamp(self, flaw: Flaw | None) -> None:
        """Let the light fail, or mend it."""
        self._lamp.fail(flaw)

    def watch_lamp(self, watcher: Watcher) -> None:
        """Let somebody hear of every change of the light, in the thread that makes it."""
        self._lamp.watcher = watcher

"""The panel on the table: buttons in, the recording light out, and back in by its current; through gpiozero.

The refuse button does not queue: `on_refuse` is called in the thread in which the press arrives, and so is `on_dark` when the
light loses its current. Everything else waits for the daemon's loop. The pins are a Raspberry Pi's (lgpio), or mock ones with
fingers and a lamp made of software (`mock.py`): the rest is the same. The attention light is the guard's (`guard.py`).

The inputs are plain ones, not gpiozero's `Button`: each of those keeps a thread that wakes ten times a second to see
whether it is held, and the two of them cost several times what sealing does. A timer that runs only while the button is
down tells as much.
"""

import collections
import contextlib
import logging
import tempfile
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from gpiozero import LED, Device, DigitalInputDevice

from recorder import config
from recorder.errors import PanelError

DEVICES = Path("/dev")
MODULES = Path("/sys/module")
HEADER_CHIPS = {
    "pinctrl-bcm2835": "pinctrl_bcm2835",
    "pinctrl-bcm2711": "pinctrl_bcm2835",
    "pinctrl-rp1": "pinctrl_rp1",
}
"""The chips behind the 40 pins of a Raspberry Pi 3, 4 and 5, and the module of the kernel that drives each. Their number
differs between kernels (raspberrypi/linux #6144)."""
CURRENT_SECONDS_MAX = 0.02
"""For the current to follow the light's pin; the circuit takes microseconds (hardware/)."""
logger = logging.getLogger(__name__)


class Pressed(StrEnum):
    """What the buttons can say, before it is known what it means."""

    START = "start"
    REFUSE = "refuse"
    END = "end"
    """The client's other button."""
    LET_GO = "let go"
    """Refuse, up again."""


class Panel:
    """The buttons and the light of one room. `wake` is called, from another thread, when there is something to hear."""

    def __init__(
        self,
        settings: config.Panel,
        *,
        on_refuse: Callable[[], None],
        on_dark: Callable[[], None],
        wake: Callable[[], None],
    ) -> None:
        if settings.pins == "mock":
            from recorder.device import mock  # it knows the panel

            Device.pin_factory, self._chip = mock.factory(settings), ""
        else:
            Device.pin_factory, self._chip = header_pins()
        bounce = settings.bounce_seconds or None

        def button(pin: int) -> DigitalInputDevice:
            return DigitalInputDevice(pin, pull_up=True, bounce_time=bounce)

        self._light = LED(settings.recording_light)
        self._sense = DigitalInputDevice(settings.light_sense, pull_up=True)  # low while a current flows
        self._start, self._refuse = button(settings.start_button), button(settings.refuse_button)
        self._end = button(settings.end_button) if settings.end_button else None
        self._presses: collections.deque[tuple[Pressed, float]] = collections.deque()
        self._on_refuse = on_refuse
        self._on_dark = on_dark
        self._wake = wake
        self._told_lit = False
        self._lit_until = time.monotonic()  # a room that crashed a second ago may have had it lit
        self.seen_lit = False
        """The thread that watches the pins has seen the current come, since `prove`."""
        self._sense.when_activated = self._lit
        self._sense.when_deactivated = self._dark
        self._start.when_activated = lambda: self._tell(Pressed.START, time.monotonic())
        if self._end is not None:
            self._end.when_activated = lambda: self._tell(Pressed.END, time.monotonic())
        self._refuse.when_activated = self._no
        self._refuse.when_deactivated = lambda: self._tell(Pressed.LET_GO, time.monotonic())

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

    @property
    def refusing(self) -> bool:
        """Whether the refuse button is down now."""
        return bool(self._refuse.is_active)

    def down(self) -> frozenset[Pressed]:
        """The buttons that are down now."""
        buttons = {Pressed.START: self._start, Pressed.REFUSE: self._refuse, Pressed.END: self._end}
        return frozenset(name for name, button in buttons.items() if button is not None and button.is_active)

    def show(self, *, recording: bool) -> None:
        """Light or darken the light. Asked in every turn of the loop, so the pin is written only where that changes it."""
        if recording or self._light.is_lit:
            self._lit_until = time.monotonic()
        if not recording:
            self._told_lit = False  # before its edge
        if bool(self._light.is_lit) is not recording:
            self._light.value = recording
        self._told_lit = recording

    @property
    def lit(self) -> bool:
        """Whether a current flows through the light now."""
        return bool(self._sense.is_active)

    @property
    def dark_seconds(self) -> float:
        """How long it has been switched off without interruption, as far as is known."""
        return time.monotonic() - self._lit_until

    @property
    def stays_lit(self) -> bool:
        """Whether the light would stay lit if this process died now: whether the kernel keeps an output that nobody holds.

        A Raspberry Pi's does unless it was started with `dtparam=strict_gpiod` (raspberrypi/linux #6117, #6150). One that
        knows no such setting does not tell, and is believed.
        """
        if not self._chip:
            return False
        try:
            return (MODULES / HEADER_CHIPS[self._chip] / "parameters/persist_gpio_outputs").read_text().strip() == "Y"
        except OSError:
            return False

    def prove(self) -> None:
        """Leave the light lit, and proven: without a current before, with one after. A PanelError says what was not seen.

        It takes up to twice CURRENT_SECONDS_MAX. That the edge has reached the watching thread, too, is told by `seen_lit`.
        """
        for lit, flaw in (
            (False, "the recording light has a current though it is switched off"),
            (True, "the recording light has no current though it is switched on"),
        ):
            self.seen_lit = False
            self.show(recording=lit)
            deadline = time.monotonic() + CURRENT_SECONDS_MAX
            while self.lit is not lit:
                if time.monotonic() > deadline:
                    raise PanelError(f"{flaw}; the room may not record")
                time.sleep(0.001)

    def close(self) -> None:
        """Give the pins back; the light goes dark."""
        self._told_lit = False
        for part in (self._start, self._refuse, self._end, self._light, self._sense):
            if part is not None:
                part.close()

    # In the thread that watches the pins

    def _no(self) -> None:
        now = time.monotonic()
        self._at_once(self._on_refuse, "refusing at once failed; the loop refuses")
        self._tell(Pressed.REFUSE, now)

    def _lit(self) -> None:
        self.seen_lit = True
        self._wake()

    def _dark(self) -> None:
        if self._told_lit and not self.lit:  # not a late word of an earlier darkness that was meant
            self._at_once(self._on_dark, "shutting the tap at once failed; the loop shuts it")
            self._wake()

    def _at_once(self, act: Callable[[], None], otherwise: str) -> None:
        try:
            act()
        except Exception:
            # What is raised here would end lgpio's one thread, and with it every button and the watch on the light.
            logger.exception(otherwise)

    def _tell(self, pressed: Pressed, now: float) -> None:
        self._presses.append((pressed, now))
        self._wake()


def header_pins() -> tuple[Any, str]:
    """A Raspberry Pi's 40 pins, and the label of the chip behind them; a PanelError if this is none.

    lgpio makes a pipe in the current folder while it is imported, under a name that is the same in every process, and a moment
    later opens it by that name. A service may write in no folder but its own; and where the daemon and its guard shared one,
    either could take the other's pipe and be deaf to every button. So each gives it a folder that is gone afterwards.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="wederhoor-") as folder, contextlib.chdir(folder):
            import lgpio  # only a Pi has the chip that this opens
    except OSError as error:
        raise PanelError(
            f"lgpio, the library for the pins, finds no folder for its pipe: {error}; make /tmp writable"
        ) from error
    from gpiozero.pins.lgpio import LGPIOFactory

    number, label = header_chip(lgpio)
    try:
        return LGPIOFactory(number), label
    except lgpio.error as error:
        raise PanelError(
            f"the pins behind /dev/gpiochip{number} cannot be opened: {error}; may this user open it?"
        ) from error


def header_chip(lgpio: Any) -> tuple[int, str]:
    """The number of the chip behind the 40 pins, and its label, by which it is found. `lgpio` is the module of that name."""
    numbers = sorted(int(file.name.removeprefix("gpiochip")) for file in DEVICES.glob("gpiochip[0-9]*"))
    for number in numbers:
        try:
            handle = lgpio.gpiochip_open(number)
        except lgpio.error:
            continue  # not for this user; if it was the right one, it is missed below
        _, _, _, label = lgpio.gpio_get_chip_info(handle)
        lgpio.gpiochip_close(handle)
        if label in HEADER_CHIPS:
            return number, label
    raise PanelError(
        f"none of the GPIO chips {numbers} is that of a Raspberry Pi's pins; is it one, may this user open /dev/gpiochip*?"
    )

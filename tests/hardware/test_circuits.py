"""The panel's circuits in ngspice: what the Pi's pins read, and when the microphone has power. Whole, and with a fault.

What a pin takes for low and high, and what it leaks and pulls, is the worst of the BCM2711 (Raspberry Pi 4) and of the
BCM2837 (Raspberry Pi 3), from Raspberry Pi's documentation, "GPIO and the 40-pin header", voltage specifications.
"""

import itertools
import re
from collections.abc import Callable

import pytest
from gpiozero import Device

from hardware.generate import README, load
from recorder import config
from recorder.device import mock
from recorder.device.microphone import START_SECONDS_MAX
from recorder.device.panel import CURRENT_SECONDS_MAX
from recorder.meeting.light import RECORDING_LIGHT, STEADY, Pattern
from tests.hardware.spice import Circuit, bare, circuit, drawn_name

LOW_VOLTS_MAX, HIGH_VOLTS_MIN = 0.8, 2.0
MARGIN_VOLTS = 0.25
PULL_OHMS_MIN, PULL_OHMS_MAX = "33k", "73k"
LEAK = "10u"
CELSIUS = (0, 27, 60)
DRIVEN = {True: ("3.135", 175), False: ("0", 100)}
"""A pin that is an output: its voltage, and the resistance behind which it stands (2.6 V at 4 mA)."""
LISTED = re.compile(r"`(\w+ (?:open|shorted))`")
"""The faults that README.md admits."""
NO_POWER_VOLTS = 0.5
USB_OHMS = 0.05
"""Between the Pi's supply and the interlock."""
SURGE_AMPERES_MAX = 0.5
"""What a USB device may draw."""
BOOT_SECONDS = 2.0
"""For a microphone to start once it has power."""


def reading(panel: Circuit, pin: str, *, pull: str = "up", celsius: int = 27, seconds: float = 0.05) -> str:
    """What every Pi reads at rest, with a margin: "low" or "high"; or the voltages between them."""
    rail = {"up": "v33", "down": "0"}[pull]
    ohms = (PULL_OHMS_MIN, PULL_OHMS_MAX) if pull == "up" else (PULL_OHMS_MAX, PULL_OHMS_MIN)
    worst = (
        panel.plus(f"Rpull {rail} {pin} {ohms[0]}", f"Ileak 0 {pin} {LEAK}"),
        panel.plus(f"Rpull {rail} {pin} {ohms[1]}", f"Ileak {pin} 0 {LEAK}"),
    )
    most, least = (each.run(seconds, [pin], celsius=celsius).last(pin) for each in worst)
    if most <= LOW_VOLTS_MAX - MARGIN_VOLTS:
        return "low"
    if least >= HIGH_VOLTS_MIN + MARGIN_VOLTS:
        return "high"
    return f"{least:.2f} to {most:.2f} V"


def drive(panel: Circuit, pin: str, *, high: bool) -> Circuit:
    """With a pin of the Pi as an output."""
    volts, ohms = DRIVEN[high]
    return panel.plus(f"Vpin_{pin} pin_{pin} 0 {volts}", f"Rpin_{pin} pin_{pin} {pin} {ohms}")


def play(panel: Circuit, pin: str, edges: list[tuple[float, bool]]) -> Circuit:
    """With a pin that is driven low at first, and then changes at these times."""
    points, level = ["0 0"], "0"
    for seconds, high in edges:
        points += [f"{seconds:.6f} {level}", f"{seconds + 1e-6:.6f} {DRIVEN[high][0]}"]
        level = DRIVEN[high][0]
    return panel.plus(f"Vpin_{pin} pin_{pin} 0 PWL({' '.join(points)})", f"Rpin_{pin} pin_{pin} {pin} 175")


# The buttons


def start_button() -> Circuit:
    return circuit("button").plus("V33 v33 0 3.3")


def refuse_button() -> Circuit:
    return circuit("refuse").plus("V33 v33 0 3.3")


def pressed(button: Circuit) -> Circuit:
    return button.plus("Vpress press 0 1")


def released(button: Circuit) -> Circuit:
    return button.plus("Vpress press 0 0")


BUTTONS = {"start_button": start_button, "refuse_button": refuse_button}


@pytest.mark.parametrize("celsius", CELSIUS)
@pytest.mark.parametrize("pin", BUTTONS)
def test_a_button_reads_low_when_it_is_pressed_and_high_when_it_is_not(pin: str, celsius: int) -> None:
    assert reading(pressed(BUTTONS[pin]()), pin, celsius=celsius) == "low"
    assert reading(released(BUTTONS[pin]()), pin, celsius=celsius) == "high"


@pytest.mark.parametrize("wire", ["RW4", "RW5"])
def test_a_start_button_whose_wire_is_broken_starts_nothing(wire: str) -> None:
    assert reading(pressed(start_button().opened(wire)), "start_button") == "high"


def test_a_start_button_that_is_shorted_is_a_button_that_is_held() -> None:
    assert reading(released(start_button().shorted("line", "0")), "start_button") == "low"


REFUSE_FAULTS: dict[str, tuple[Callable[[Circuit], Circuit], str]] = {
    "the wire of 3.3 V is broken": (lambda panel: panel.opened("RW1"), "low"),
    "the wire of the common contact is broken": (lambda panel: panel.opened("RW2"), "low"),
    "the wire of ground is broken": (lambda panel: panel.opened("RW3"), "high"),
    "3.3 V and common touch": (lambda panel: panel.shorted("feed", "line"), "high"),
    "common and ground touch": (lambda panel: panel.shorted("line", "0"), "low"),
    "3.3 V and ground touch": (lambda panel: panel.shorted("feed", "0"), "low"),
    "the contact that breaks is welded": (lambda panel: panel.shorted("common", "breaks"), "high"),
    "the contact that makes is welded": (lambda panel: panel.shorted("common", "makes"), "low"),
    "the contact that breaks is dirty": (lambda panel: panel.valued("RW1", "100"), "high"),
    "the contact that makes is dirty": (lambda panel: panel.valued("RW3", "100"), "high"),
    "the button's cable is unplugged": (lambda panel: panel.opened("RW1").opened("RW2").opened("RW3"), "low"),
}
"""What may befall the button of no and its cable, and what the room then reads at rest. Low is a no."""


@pytest.mark.parametrize("fault", REFUSE_FAULTS)
def test_no_fault_of_its_cable_or_contact_makes_the_room_deaf_to_a_no(fault: str) -> None:
    change, at_rest = REFUSE_FAULTS[fault]
    assert reading(pressed(change(refuse_button())), "refuse_button") == "low"
    assert reading(released(change(refuse_button())), "refuse_button") == at_rest


@pytest.mark.parametrize("pin", BUTTONS)
def test_a_press_that_chatters_is_one_press(pin: str) -> None:
    """For five milliseconds at either end the contact opens and closes; what holds for the bounce time is told."""
    bounce_seconds = config.load().panel.bounce_seconds
    points, level = ["0 0"], 0
    for begin in (0.05, 0.15):
        for number in range(13):
            at = begin + number * 0.4e-3
            points += [f"{at:.6f} {level}", f"{at + 1e-6:.6f} {1 - level}"]
            level = 1 - level
    waves = BUTTONS[pin]().plus(f"Vpress press 0 PWL({' '.join(points)})").run(0.25, [pin], step=2e-5)
    edges = sorted([0.0, *waves.crossings(pin, LOW_VOLTS_MAX), *waves.crossings(pin, HIGH_VOLTS_MIN), 0.25])
    held = [
        "low" if waves.at(pin, (begin + end) / 2) < LOW_VOLTS_MAX else "high"
        for begin, end in itertools.pairwise(edges)
        if end - begin > bounce_seconds
    ]
    assert held == ["high", "low", "high"]


SPARK = "Sspark line 0 spark 0 MAKES", "Vspark spark 0 PULSE(0 1 1m 1u 1u 10u)"


@pytest.mark.parametrize("pin", BUTTONS)
def test_a_spark_on_the_cable_is_no_press(pin: str) -> None:
    waves = released(BUTTONS[pin]()).plus(*SPARK).run(0.01, [pin], step=1e-6)
    assert min(waves.volts[pin]) > HIGH_VOLTS_MIN


# The recording light


def recording_light(volts: float = 5.0) -> Circuit:
    return circuit("light").plus("V33 v33 0 3.3", f"V5 v5 0 {volts}", "Rlight light 0 1Meg")


def without_bezel(panel: Circuit) -> Circuit:
    """The first tier: wires in the places of the phototransistors."""
    panel = panel.opened("XQ3").shorted("sensed", "emitter")
    return panel.opened("XQ8").shorted("dark", "emitter8") if any("XQ8" in line for line in panel.lines) else panel


def milliamperes(panel: Circuit, celsius: int = 27) -> float:
    """Through the LED, by the light that it gives."""
    return panel.run(0.05, ["light"], celsius=celsius).last("light")


CORNERS = list(itertools.product((4.63, 5.25), (1.8, 2.4), (0.65, 1.45), CELSIUS))
"""Supply (a Pi warns below 4.63 V), the LED's voltage, the transistor's threshold, temperature."""


@pytest.mark.parametrize(("volts", "led_vf", "nfet_vth", "celsius"), CORNERS)
@pytest.mark.parametrize("tier", ["current", "current and light"])
def test_the_light_and_its_readback_hold_for_every_part_and_every_supply(
    tier: str, volts: float, led_vf: float, nfet_vth: float, celsius: int
) -> None:
    panel = recording_light(volts).param(led_vf=led_vf, nfet_vth=nfet_vth, photo_ma=0.5)
    panel = without_bezel(panel) if tier == "current" else panel
    lit, dark = drive(panel, "recording_light", high=True), drive(panel, "recording_light", high=False)
    assert 7 < milliamperes(lit, celsius) < 15
    assert reading(lit, "light_sense", celsius=celsius) == "low"
    assert milliamperes(dark, celsius) < 0.01
    assert reading(dark, "light_sense", celsius=celsius) == "high"


def test_the_readback_follows_the_light_at_once() -> None:
    """The room waits for it for twenty milliseconds at most."""
    panel = play(recording_light(), "recording_light", [(0.01, True), (0.03, False)]).param(photo_ma=0.5)
    waves = panel.plus(f"Rpull v33 light_sense {PULL_OHMS_MAX}").run(0.05, ["light_sense"], step=1e-5)
    at = CURRENT_SECONDS_MAX / 10
    assert waves.at("light_sense", 0.01) > HIGH_VOLTS_MIN
    assert waves.at("light_sense", 0.01 + at) < LOW_VOLTS_MAX
    assert waves.at("light_sense", 0.03 + at) > HIGH_VOLTS_MIN


LIGHT_FAULTS: dict[str, tuple[Callable[[Circuit], Circuit], bool, str, str]] = {
    "the LED is burnt out": (lambda panel: panel.opened("XD1"), True, "high", "high"),
    "the LED is shorted": (lambda panel: panel.shorted("anode", "drain"), True, "low", "high"),
    "Q1 conducts for ever": (lambda panel: panel.shorted("drain", "source"), False, "low", "low"),
    "Q1 never conducts": (lambda panel: panel.opened("MQ1"), True, "high", "high"),
    "the gate's resistor is off": (lambda panel: panel.opened("R8"), True, "high", "high"),
    "the LED's wire touches ground": (lambda panel: panel.shorted("drain", "0"), False, "high", "high"),
    "R11 is off": (lambda panel: panel.opened("R11"), True, "low", "low"),
    "R11 is shorted": (lambda panel: panel.shorted("source", "0"), True, "high", "high"),
    "Q2 never conducts": (lambda panel: panel.opened("QQ2"), True, "high", "high"),
    "Q2 conducts for ever": (lambda panel: panel.shorted("emitter", "0"), False, "low", "high"),
}
"""What fails, whether the light is told to be lit, and what is read: of the current alone, of current and light."""


@pytest.mark.parametrize("fault", LIGHT_FAULTS)
@pytest.mark.parametrize("celsius", CELSIUS)
def test_what_is_read_back_of_a_light_that_fails(fault: str, celsius: int) -> None:
    """High where it should be lit and low where it should be dark: the room does not record. The rest is in README.md."""
    change, told, current, both = LIGHT_FAULTS[fault]
    panel = drive(change(recording_light()), "recording_light", high=told)
    assert reading(without_bezel(panel), "light_sense", celsius=celsius) == current
    assert reading(panel, "light_sense", celsius=celsius) == both


def test_no_single_fault_lets_a_dark_light_read_as_lit() -> None:
    """With the bezel's phototransistor; without it, a shorted LED does."""

    def lie(panel: Circuit) -> set[str]:
        wrong = set()
        for name, change in single_faults(panel):
            told = drive(change(panel), "recording_light", high=True)
            if milliamperes(told) < 1 and reading(told, "light_sense") != "high":
                wrong.add(name)
        return wrong

    assert lie(recording_light()) == set()
    assert lie(without_bezel(recording_light())) == {"D1 shorted"}


SHORTED = {"R": (1, 2), "C": (1, 2), "MQ": (1, 3), "QQ": (1, 3), "XD": (1, 2), "XQ": (1, 2), "XU": (3, None)}
"""Between which of its nodes a part is shorted; a comparator's output to ground."""


def single_faults(panel: Circuit) -> list[tuple[str, Callable[[Circuit], Circuit]]]:
    """Each part of a netlist off the board, and each one shorted. Not what a test added, nor what stands in a subcircuit."""
    found: list[tuple[str, Callable[[Circuit], Circuit]]] = []
    inside = False
    for line in panel.lines:
        inside = line.startswith(".subckt") or (inside and not line.startswith(".ends"))
        words = line.split()
        kind = next((kind for kind in SHORTED if words and re.fullmatch(rf"{kind}\d+", words[0])), None)
        if inside or kind is None:
            continue
        first, second = SHORTED[kind]
        one, other = words[first], words[second] if second else "0"
        name = drawn_name(words[0])
        found.append((f"{name} open", lambda panel, part=words[0]: panel.opened(part)))
        found.append((f"{name} shorted", lambda panel, one=one, other=other: panel.shorted(one, other)))
    return found


@pytest.mark.parametrize("flaw", [None, *mock.Flaw])
@pytest.mark.parametrize("told", [True, False])
def test_the_lamp_of_software_is_this_lamp(flaw: mock.Flaw | None, told: bool) -> None:
    change: dict[mock.Flaw | None, Callable[[Circuit], Circuit]] = {
        None: lambda panel: panel,
        mock.Flaw.OPEN: lambda panel: panel.opened("XD1"),
        mock.Flaw.SHORTED: lambda panel: panel.shorted("drain", "source"),
    }
    settings = config.load().panel
    pins = mock.factory(settings)
    try:
        lamp, sense = pins.pin(settings.recording_light), pins.pin(settings.light_sense)
        lamp.fail(flaw)
        lamp.function = "output"
        lamp.state = told
        circuit_reads = reading(
            drive(change[flaw](recording_light()), "recording_light", high=told), "light_sense", seconds=0.05
        )
        assert circuit_reads == ("high" if sense.state else "low")
    finally:
        pins.reset()
        Device.pin_factory = None


# The interlock


def interlock(volts: float = 5.0, microphone_farad: str = "10u", microphone_ohm: str = "50") -> Circuit:
    """With a microphone that takes 100 mA, and what capacitors USB allows it (USB 2.0, 7.2.4.1)."""
    return recording_light(volts).plus(
        *bare("interlock"),
        f"Vusb usb 0 {volts}",
        f"Rusb usb vbus {USB_OHMS}",
        f"Rmic mic 0 {microphone_ohm}",
        f"Cmic mic 0 {microphone_farad}",
    )


def powered(panel: Circuit, seconds: float = 4.0, celsius: int = 27) -> bool:
    """Whether the microphone has power in the end. What is neither power nor none fails."""
    volts = panel.run(seconds, ["mic"], celsius=celsius).last("mic")
    assert volts < NO_POWER_VOLTS or volts > 4.4, f"{volts:.2f} V"
    return volts > 4.4


LONGEST_BLINK_SECONDS = max(
    max(pattern.segments_ms[::2], default=0) / 1000 for pattern in RECORDING_LIGHT.values() if pattern is not STEADY
)


@pytest.mark.parametrize(
    ("volts", "farad", "bias", "pfet_vth", "celsius"),
    list(itertools.product((4.63, 5.25), ("8u", "12u"), (25e-9, 400e-9), (-0.5, -1.3), CELSIUS)),
)
def test_a_steady_light_powers_the_microphone_after_every_blink_and_in_time(
    volts: float, farad: str, bias: float, pfet_vth: float, celsius: int
) -> None:
    panel = interlock(volts).valued("C4", farad).param(comparator_bias=bias, pfet_vth=pfet_vth, photo_ma=0.5)
    waves = play(panel, "recording_light", [(0.1, True)]).run(4.0, ["mic"], celsius=celsius, step=1e-3)
    (on,) = waves.crossings("mic", NO_POWER_VOLTS)
    assert 1.2 * LONGEST_BLINK_SECONDS < on - 0.1 < START_SECONDS_MAX - BOOT_SECONDS
    assert waves.last("mic") > volts - 0.1


@pytest.mark.parametrize(
    "pattern", sorted({*RECORDING_LIGHT.values()} - {STEADY}, key=lambda each: each.name), ids=lambda each: each.name
)
def test_a_light_that_blinks_leaves_the_microphone_without_power(pattern: Pattern) -> None:
    period = sum(pattern.segments_ms) / 1000
    edges = [
        (0.1 + turn * period + sum(pattern.segments_ms[:number]) / 1000, number % 2 == 0)
        for turn in range(4 if pattern.segments_ms else 0)
        for number in range(len(pattern.segments_ms))
    ]
    waves = play(interlock().valued("C4", "8u"), "recording_light", edges).run(12.0, ["mic", "light"], step=5e-3)
    assert max(waves.volts["mic"]) < NO_POWER_VOLTS
    assert (max(waves.volts["light"]) > 7) == bool(pattern.segments_ms)


DIM = "Vpin pin 0 PULSE(0 3.135 0 10u 10u 400u 4m)", "Rpin pin recording_light 175"
"""Switched on and off, 250 times a second: a tenth of the light."""


def test_a_light_too_dim_to_be_seen_leaves_the_microphone_without_power() -> None:
    assert max(interlock().plus(*DIM).run(3.5, ["mic"], step=1e-3).volts["mic"]) < NO_POWER_VOLTS


def test_the_microphone_is_without_power_soon_after_the_light() -> None:
    panel = interlock(microphone_ohm="1Meg")
    waves = play(panel, "recording_light", [(0.1, True), (3.5, False)]).run(3.6, ["mic"], step=1e-3)
    assert waves.at("mic", 3.5) > 4.9
    assert waves.at("mic", 3.55) < NO_POWER_VOLTS


def test_the_microphone_draws_no_surge_when_it_is_switched_on() -> None:
    """Less than a USB device may draw, with the most capacitance that USB allows it."""
    waves = play(interlock(), "recording_light", [(0.1, True)]).run(3.5, ["usb", "vbus", "mic"], step=1e-4)
    assert waves.last("mic") > 4.9
    assert max(waves.volts["usb"] - waves.volts["vbus"]) / USB_OHMS < SURGE_AMPERES_MAX


@pytest.mark.parametrize("pull", ["up", "down", "none"])
def test_a_daemon_that_is_dead_leaves_the_room_dark_and_the_microphone_without_power(pull: str) -> None:
    """Its pin is an input then, with whatever pull was set."""
    rail = {"up": [f"Rpull v33 recording_light {PULL_OHMS_MIN}"], "down": [f"Rpull 0 recording_light {PULL_OHMS_MIN}"]}
    panel = interlock().plus(*rail.get(pull, [])).param(nfet_vth=0.65)
    for celsius in CELSIUS:
        assert milliamperes(panel, celsius) < 0.1
        assert not powered(panel, celsius=celsius)


INTERLOCK_FAULTS: dict[str, Callable[[Circuit], Circuit]] = {
    "the LED is burnt out": lambda panel: panel.opened("XD1"),
    "the LED is shorted": lambda panel: panel.shorted("anode", "drain"),
    "the LED's wire touches ground": lambda panel: panel.shorted("drain", "0"),
    "Q1 never conducts": lambda panel: panel.opened("MQ1"),
}


@pytest.mark.parametrize("fault", INTERLOCK_FAULTS)
def test_a_light_that_fails_leaves_the_microphone_without_power(fault: str) -> None:
    assert powered(drive(interlock(), "recording_light", high=True))
    assert not powered(drive(INTERLOCK_FAULTS[fault](interlock()), "recording_light", high=True))


@pytest.mark.parametrize("high", [True, False])
def test_no_pin_of_the_pi_powers_the_microphone_in_the_dark(high: bool) -> None:
    """Not even the one that reads the light, if software drives it."""
    panel = drive(interlock(), "recording_light", high=False)
    assert not powered(drive(panel, "light_sense", high=high))


@pytest.mark.parametrize("bezel", [True, False])
def test_the_single_faults_that_power_the_microphone_in_the_dark_are_these(bezel: bool) -> None:
    """All others are safe, with the comparator's error at either end. README.md tells these."""
    panel = drive(interlock() if bezel else without_bezel(interlock()), "recording_light", high=False)
    wrong = {
        name
        for name, change in single_faults(panel)
        for offset in (-0.009, 0.009)
        if powered_in_the_dark(change(panel).param(comparator_offset=offset))
    }
    admitted = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("- ")]
    assert wrong == set(LISTED.findall("".join(admitted))) | (set() if bezel else {"Q5 shorted"})


def powered_in_the_dark(panel: Circuit) -> bool:
    waves = panel.run(4.0, ["mic", "light"])
    return waves.last("light") < 1 and waves.last("mic") > NO_POWER_VOLTS


def test_the_comparator_stays_within_what_it_compares() -> None:
    """An LM393 judges rightly up to two volts below its supply, at the lowest supply too."""
    assert interlock(4.63).run(0.1, ["half"]).last("half") < 4.63 - 2.0


# A Pi that starts: every pin is an input with the pull that its chip sets


def test_a_pi_that_starts_is_dark_and_silent() -> None:
    pins = load()
    panel = interlock().plus(*bare("attention"))
    for name in ("recording_light", "attention_light"):
        rail = {"up": "v33", "down": "0"}[pins.panel[name].reset]
        panel = panel.plus(f"Rreset_{name} {rail} {name} {PULL_OHMS_MIN}")
    waves = panel.run(4.0, ["light", "light2", "mic"])
    assert waves.last("light") < 0.1
    assert waves.last("light2") < 0.1
    assert waves.last("mic") < NO_POWER_VOLTS


@pytest.mark.parametrize("name", ["start_button", "refuse_button", "end_button"])
def test_no_button_is_pressed_while_a_pi_starts(name: str) -> None:
    pin = "refuse_button" if name == "refuse_button" else "start_button"
    assert reading(released(BUTTONS[pin]()), pin, pull=load().panel[name].reset) == "high"


# What the parts are for: without one, or with another value, a promise above falls


def weakest_light_reads_back(panel: Circuit) -> bool:
    panel = panel.param(led_vf=2.4, nfet_vth=1.45, photo_ma=0.5)
    return reading(drive(panel, "recording_light", high=True), "light_sense", celsius=0) == "low"


def dead_daemon_is_dark(panel: Circuit) -> bool:
    return milliamperes(panel.plus(f"Rpull v33 recording_light {PULL_OHMS_MIN}").param(nfet_vth=0.65)) < 0.1


def broken_wire_is_a_no(panel: Circuit) -> bool:
    return reading(released(panel.opened("RW2")), "refuse_button") == "low"


def spark_is_no_press(panel: Circuit) -> bool:
    waves = released(panel).plus(*SPARK).run(0.01, ["refuse_button"], step=1e-6)
    return bool(min(waves.volts["refuse_button"]) > HIGH_VOLTS_MIN)


def long_blink_gives_no_power(panel: Circuit) -> bool:
    waves = play(panel, "recording_light", [(0.1, True), (0.1 + LONGEST_BLINK_SECONDS, False)]).run(2.0, ["mic"])
    return bool(max(waves.volts["mic"]) < NO_POWER_VOLTS)


def dim_light_gives_no_power(panel: Circuit) -> bool:
    waves = panel.plus(*DIM).run(3.5, ["mic"], step=1e-3)
    return bool(max(waves.volts["mic"]) < NO_POWER_VOLTS)


def surge_is_small(panel: Circuit) -> bool:
    waves = play(panel, "recording_light", [(0.1, True)]).run(3.5, ["usb", "vbus"], step=1e-4)
    return bool(max(waves.volts["usb"] - waves.volts["vbus"]) / USB_OHMS < SURGE_AMPERES_MAX)


def power_ends_with_the_light(panel: Circuit) -> bool:
    waves = play(panel.opened("Rmic"), "recording_light", [(0.1, True), (3.5, False)]).run(3.6, ["mic"], step=1e-3)
    return waves.at("mic", 3.55) < NO_POWER_VOLTS


def shorted_led_gives_no_power(panel: Circuit) -> bool:
    return not powered(drive(panel.shorted("anode", "drain"), "recording_light", high=True))


MUTANTS: list[tuple[Callable[[Circuit], bool], Callable[[], Circuit], Callable[[Circuit], Circuit]]] = [
    (
        weakest_light_reads_back,
        lambda: recording_light(4.63),
        lambda panel: panel.valued("R10", "220").opened("R18").valued("R11", "82"),
    ),
    (dead_daemon_is_dark, recording_light, lambda panel: panel.valued("R9", "100k")),
    (broken_wire_is_a_no, refuse_button, lambda panel: panel.opened("R2")),
    (spark_is_no_press, refuse_button, lambda panel: panel.opened("C1")),
    (long_blink_gives_no_power, interlock, lambda panel: panel.valued("C4", "4.7u")),
    (dim_light_gives_no_power, interlock, lambda panel: panel.valued("R22", "1meg")),
    (surge_is_small, interlock, lambda panel: panel.opened("C5")),
    (power_ends_with_the_light, interlock, lambda panel: panel.opened("R29")),
    (shorted_led_gives_no_power, interlock, without_bezel),
]


@pytest.mark.parametrize(("kept", "whole", "change"), MUTANTS, ids=[kept.__name__ for kept, _, _ in MUTANTS])
def test_a_promise_falls_without_the_part_that_keeps_it(
    kept: Callable[[Circuit], bool], whole: Callable[[], Circuit], change: Callable[[Circuit], Circuit]
) -> None:
    assert kept(whole())
    assert not kept(change(whole()))

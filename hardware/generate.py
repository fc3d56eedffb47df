"""Writes what names a pin, from pins.toml: `python -m hardware.generate`.

That is the numbers in recorder/default.toml, wiring.yml, and the table in README.md. A test holds all of it to pins.toml.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

HARDWARE = Path(__file__).parent
DEFAULT_FILE = HARDWARE.parent / "recorder" / "default.toml"
WIRING, README = HARDWARE / "wiring.yml", HARDWARE / "README.md"
BEGIN, END = "<!-- written from pins.toml -->", "<!-- end of the table -->"
PI, BOARD, CLOCK = "Raspberry Pi", "Panel board", "Clock chip"
COLOURS = ("YE", "GN", "WH", "VT", "BU", "GY")
"""Of the wires to the pins, as they stand in pins.toml. Supplies are orange (3.3 V), red (5 V) and black (ground)."""
Wires = tuple[tuple[str, str, str], ...]
"""The terminal on the board, the one at the other end, the colour."""
PARTS: tuple[tuple[str, str, Wires], ...] = (
    (
        "Client's no",
        "large button, changeover contact",
        (("3.3 V", "breaks", "OG"), ("line", "common", "GN"), ("ground", "makes", "BK")),
    ),
    ("Start", "button, contact that makes", (("line", "a", "YE"), ("ground", "b", "BK"))),
    ("Client's end", "button, contact that makes", (("line", "a", "WH"), ("ground", "b", "BK"))),
    (
        "Recording light",
        "LED, two phototransistors in the bezel",
        (
            ("LED +", "D1 anode", "RD"),
            ("LED -", "D1 cathode", "VT"),
            ("sensed", "Q3 collector", "BU"),
            ("to Q2", "Q3 emitter", "BN"),
            ("dark", "Q8 collector", "PK"),
            ("to Q5", "Q8 emitter", "TQ"),
        ),
    ),
    ("Attention light", "LED", (("LED +", "D2 anode", "RD"), ("LED -", "D2 cathode", "GY"))),
    (
        "Microphone",
        "USB socket",
        (("5 V, switched", "VBUS", "RD"), ("D-", "D-", "WH"), ("D+", "D+", "GN"), ("ground", "ground", "BK")),
    ),
)
USB: Wires = (("5 V", "VBUS", "RD"), ("D-", "D-", "WH"), ("D+", "D+", "GN"), ("ground", "ground", "BK"))
"""From a socket of the Pi to the board."""


@dataclass(frozen=True)
class Pin:
    """One pin of the header that the panel's software drives or reads."""

    bcm: int
    header: int
    direction: Literal["in", "out"]
    active: Literal["low", "high"]
    pull: Literal["up", "down", "none"]
    reset: Literal["up", "down"]
    """The pull that the chip sets before any software runs."""
    what: str
    fitted: bool = True
    """By default. Where it is not, recorder/default.toml has 0."""


@dataclass(frozen=True)
class Other:
    """One pin of the header that software does not drive: supplies, and the clock chip's bus."""

    header: int
    what: str


@dataclass(frozen=True)
class Pins:
    """All of pins.toml."""

    panel: dict[str, Pin]
    board: dict[str, Other]
    clock: dict[str, Other]


def load() -> Pins:
    """The pin map."""
    read = tomllib.loads((HARDWARE / "pins.toml").read_text(encoding="utf-8"))
    return Pins(
        {name: Pin(**values) for name, values in read["panel"].items()},
        *({name: Other(**values) for name, values in read[part].items()} for part in ("board", "clock")),
    )


def default_file(text: str, pins: Pins) -> str:
    """recorder/default.toml with the pins' numbers."""
    for name, pin in pins.panel.items():
        text, found = re.subn(rf"^{name} = \d+$", f"{name} = {pin.bcm if pin.fitted else 0}", text, flags=re.MULTILINE)
        if found != 1:
            raise ValueError(f"{DEFAULT_FILE.name} has no setting {name}, which pins.toml has")
        if not pin.fitted:
            text = re.sub(
                rf"(; 0 where there is none)[^\n]*(?=\n{name} = )", rf"\1, {pin.bcm} where it is fitted.", text
            )
    return text


def table(pins: Pins) -> str:
    """The wiring, as a Markdown table."""
    rows = [
        f"| `{name}` | {pin.bcm} | {pin.header} | {pin.direction} | {pin.active} | {pin.pull} | {pin.reset} | {pin.what} |"
        for name, pin in pins.panel.items()
    ]
    rest = [
        f"| | | {other.header} | | | | | {whose}: {other.what} |"
        for whose, others in (("board", pins.board), ("clock chip", pins.clock))
        for other in others.values()
    ]
    head = (
        "| setting | GPIO | header | direction | active | pull | at reset | what |\n|---|---|---|---|---|---|---|---|"
    )
    return "\n".join([head, *rows, *rest])


def readme(text: str, pins: Pins) -> str:
    """README.md with its table made anew."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table(pins)}\n{END}{tail}"


def wiring(pins: Pins) -> str:
    """The cables, for WireViz. The contacts of a button never go by their short names: YAML reads NO as false."""
    harness = Harness()
    supplies = zip(pins.board.values(), ("OG", "RD", "BK"), strict=True)
    signals = [
        (pin.header, f"GPIO {pin.bcm}", name.replace("_", " "), colour)
        for (name, pin), colour in zip(pins.panel.items(), COLOURS, strict=True)
    ]
    harness.cable(
        0.2, PI, BOARD, [*((other.header, other.what, other.what, colour) for other, colour in supplies), *signals]
    )
    bus = zip(pins.clock.values(), ("OG", "BU", "YE", "BK"), strict=True)
    harness.cable(0.2, PI, CLOCK, [(other.header, other.what, other.what, colour) for other, colour in bus])
    harness.cable(0.3, f"{PI}, USB", BOARD, [(n, there, here, c) for n, (here, there, c) in enumerate(USB, 1)])
    for part, _, wires in PARTS:
        harness.cable(0.3, BOARD, part, [(None, here, there, colour) for here, there, colour in wires])
    kinds = {
        PI: "40-pin header",
        f"{PI}, USB": "USB-A plug",
        BOARD: "the circuits of README.md",
        CLOCK: "MCP7940N with its cell",
        **{part: kind for part, kind, _ in PARTS},
    }
    text = yaml.safe_dump(harness.described(kinds), sort_keys=False, allow_unicode=True, width=120)
    return f"# Written from pins.toml by `python -m hardware.generate`.\n{text}"


class Harness:
    """Connectors, cables and connections, as WireViz wants them: terminals are numbered as they come."""

    def __init__(self) -> None:
        self._terminals: dict[str, list[tuple[int, str]]] = {}
        self._cables: dict[str, dict[str, Any]] = {}
        self._connections: list[list[dict[str, list[int]]]] = []

    def cable(self, metres: float, one: str, other: str, wires: list[tuple[int | None, str, str, str]]) -> None:
        """A cable between two connectors. Each wire: pin (None: the next) and label here, label there, colour."""
        name = f"W{len(self._cables) + 1}"
        self._cables[name] = {"length": metres, "gauge": "0.14 mm2", "colors": [wire[3] for wire in wires]}
        here = [self._terminal(one, number, label) for number, label, _, _ in wires]
        there = [self._terminal(other, None, label) for _, _, label, _ in wires]
        self._connections.append([{one: here}, {name: list(range(1, len(wires) + 1))}, {other: there}])

    def described(self, kinds: dict[str, str]) -> dict[str, Any]:
        """All of it."""
        connectors = {
            name: {
                "type": kinds[name],
                "pins": [number for number, _ in terminals],
                "pinlabels": [label for _, label in terminals],
            }
            for name, terminals in self._terminals.items()
        }
        return {"connectors": connectors, "cables": self._cables, "connections": self._connections}

    def _terminal(self, connector: str, number: int | None, label: str) -> int:
        terminals = self._terminals.setdefault(connector, [])
        number = len(terminals) + 1 if number is None else number
        terminals.append((number, label))
        return number


def files() -> dict[Path, str]:
    """Everything that is written, by file."""
    pins = load()
    return {
        DEFAULT_FILE: default_file(DEFAULT_FILE.read_text(encoding="utf-8"), pins),
        README: readme(README.read_text(encoding="utf-8"), pins),
        WIRING: wiring(pins),
    }


if __name__ == "__main__":
    for file, text in files().items():
        file.write_text(text, encoding="utf-8")

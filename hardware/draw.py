"""Draws docs/hardware: the circuits, the cables, and the enclosure: `python -m hardware.draw`.

The values in the drawings are those of parts.csv. Tests hold the drawings to the netlists, wiring.yml and enclosure.scad.
"""

import csv
import hashlib
import itertools
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import schemdraw
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from schemdraw import elements as elm

from hardware.generate import HARDWARE, WIRING, load

PICTURES = HARDWARE.parent / "docs" / "hardware"
ENCLOSURE, PARTS = HARDWARE / "enclosure.scad", HARDWARE / "parts.csv"
VIEWS = {
    "client": ("assembly", "113,90,25,50,0,340,640"),
    "caseworker": ("assembly", "113,90,25,50,0,160,640"),
    "inside": ("open", "113,90,25,42,0,160,640"),
}
"""Picture, part, and OpenSCAD's camera: where it looks, how it is turned, how far it is."""
PIXELS = (840, 560)
INK = "#1f1f1f"
SVG = "http://www.w3.org/2000/svg"


Spot = tuple[float, float]


class Sheet:
    """A drawing by coordinates: parts stand between spots, and carry their names and values."""

    def __init__(self) -> None:
        with PARTS.open(encoding="utf-8", newline="") as file:
            self._values = {row["part"]: row["value"] for row in csv.DictReader(file)}
        schemdraw.use("svg")
        schemdraw.svgconfig.text = "text"
        self._drawing = schemdraw.Drawing(show=False)
        self._drawing.config(fontsize=11, lw=1.4, color=INK, bgcolor="white", margin=0.3)

    def resistor(self, part: str, start: Spot, end: Spot) -> None:
        self._between(elm.Resistor(), part, start, end)

    def capacitor(self, part: str, start: Spot, end: Spot) -> None:
        self._between(elm.Capacitor(), part, start, end)

    def led(self, part: str, start: Spot, end: Spot) -> None:
        self._between(elm.LED(), part, start, end)

    def wire(self, *spots: Spot) -> None:
        for start, end in itertools.pairwise(spots):
            self._drawing += elm.Line().at(start).to(end)

    def joint(self, *spots: Spot) -> None:
        for spot in spots:
            self._drawing += elm.Dot().at(spot)

    def ground(self, *spots: Spot) -> None:
        for spot in spots:
            self._drawing += elm.Ground().at(spot).theta(0)

    def supply(self, name: str, *spots: Spot) -> None:
        for spot in spots:
            self._drawing += elm.Vdd().at(spot).theta(0).label(name)

    def pin(self, setting: str, spot: Spot, *, left: bool) -> None:
        """An end at the Pi's header."""
        self.end(f"GPIO {load().panel[setting].bcm}\n{setting}", spot, left=left)

    def end(self, name: str, spot: Spot, *, left: bool) -> None:
        """An end anywhere else."""
        self._drawing += elm.Dot(open=True).at(spot).label(name, loc="left" if left else "right")

    def note(self, text: str, spot: Spot) -> None:
        self._drawing += elm.Label().at(spot).label(text, halign="left", fontsize=11)

    def fet(self, part: str, gate: Spot, *, n: bool) -> tuple[Spot, Spot]:
        """A transistor whose gate is at the left; where its upper and its lower end are."""
        kind = elm.NFet() if n else elm.PFet()
        self._drawing += (placed := kind.theta(0).reverse().anchor("gate").at(gate))
        ends = sorted((placed.drain, placed.source), key=lambda spot: -float(spot[1]))
        upper, lower = ((float(spot[0]), float(spot[1])) for spot in ends)
        self.note(part, (upper[0] + 0.25, (upper[1] + lower[1]) / 2))
        return upper, lower

    def npn(self, part: str, base: Spot) -> tuple[Spot, Spot]:
        """A transistor whose base is at the left; where its collector and its emitter are."""
        self._drawing += (placed := elm.BjtNpn().theta(0).anchor("base").at(base))
        collector, emitter = ((float(spot[0]), float(spot[1])) for spot in (placed.collector, placed.emitter))
        self.note(part, (collector[0] + 0.25, base[1]))
        return collector, emitter

    def phototransistor(self, part: str, emitter: Spot) -> Spot:
        """One that stands on its emitter; where its collector is."""
        self._drawing += (placed := elm.BjtNpn().theta(0).anchor("emitter").at(emitter))
        collector, base = ((float(spot[0]), float(spot[1])) for spot in (placed.collector, placed.base))
        for up in (0.15, -0.15):
            arrow = elm.Arrow(headwidth=0.15, headlength=0.18).at((base[0] - 0.75, base[1] + 0.45 + up))
            self._drawing += arrow.to((base[0] - 0.2, base[1] + 0.1 + up))
        self.note(part, (collector[0] + 0.25, base[1]))
        return collector

    def comparator(self, part: str, plus: Spot) -> tuple[Spot, Spot]:
        """One whose plus is above its minus; where its minus and its output are."""
        self._drawing += (placed := elm.Opamp().theta(0).flip().anchor("in2").at(plus))
        minus, out = ((float(spot[0]), float(spot[1])) for spot in (placed.in1, placed.out))
        self.note(part, (plus[0] + 0.55, (plus[1] + minus[1]) / 2))
        return minus, out

    def contact(self, part: str, start: Spot, end: Spot) -> None:
        """A contact that is open, from right to left."""
        self._drawing += elm.Dot(open=True).at(start)
        self._drawing += elm.Dot(open=True).at(end)
        self.wire(start, (end[0] + 0.1, end[1] + 0.7))
        self.note(part, ((start[0] + end[0]) / 2 - 0.2, end[1] + 1.0))

    def changeover(self, part: str, common: Spot, breaks: Spot, makes: Spot) -> None:
        """A contact that rests on `breaks`."""
        for spot in (common, breaks, makes):
            self._drawing += elm.Dot(open=True).at(spot)
        self.wire(common, breaks)
        self.note(part, (common[0] - 0.4, common[1] + 0.55))

    def svg(self) -> str:
        # The library writes some elements with a namespace and some without, which is one drawing only while that
        # namespace has no prefix. The table of prefixes is the process's, and a library that draws QR codes sets one.
        ET.register_namespace("", SVG)
        return bytes(self._drawing.get_imagedata("svg")).decode()

    def _between(self, kind: elm.Element2Term, part: str, start: Spot, end: Spot) -> None:
        lies = start[1] == end[1]
        shown = f"{part}\n{self._shown(part)}".strip()
        loc, offset = ("top", 0.35) if lies else ("bottom", 0.1)
        self._drawing += kind.at(start).to(end).label(shown, loc=loc, ofst=offset)

    def _shown(self, part: str) -> str:
        value, unit = self._values[part], {"R": "Ω", "C": "F"}.get(part[0], "")
        number = value.rstrip("kmegun")
        prefix = {"meg": "M", "u": "µ"}.get(value.removeprefix(number), value.removeprefix(number))
        return f"{number} {prefix}{unit}" if value else ""


def buttons() -> str:
    """refuse.cir and button.cir."""
    sheet = Sheet()
    sheet.supply("3.3 V", (0, 4))
    sheet.resistor("R1", (0, 4), (2.8, 4))
    sheet.wire((2.8, 4), (4.2, 4))
    sheet.changeover("S1", (6, 3), (4.2, 4), (4.2, 2))
    sheet.wire((4.2, 2), (3, 2))
    sheet.ground((3, 2))
    sheet.wire((6, 3), (8, 3))
    sheet.joint((8, 3))
    sheet.resistor("R2", (8, 3), (8, 0.8))
    sheet.ground((8, 0.8))
    sheet.resistor("R3", (8, 3), (11, 3))
    sheet.joint((11, 3))
    sheet.capacitor("C1", (11, 3), (11, 0.8))
    sheet.ground((11, 0.8))
    sheet.wire((11, 3), (12.5, 3))
    sheet.pin("refuse_button", (12.5, 3), left=False)
    for y, resistors, capacitor, contact, setting in (
        (-3.5, ("R4", "R5"), "C2", "S2", "start_button"),
        (-8.5, ("R6", "R7"), "C3", "S3", "end_button"),
    ):
        sheet.contact(contact, (6, y), (4.2, y))
        sheet.wire((4.2, y), (3, y))
        sheet.ground((3, y))
        sheet.wire((6, y), (8, y))
        sheet.joint((8, y), (11, y))
        sheet.resistor(resistors[0], (8, y + 2.2), (8, y))
        sheet.supply("3.3 V", (8, y + 2.2))
        sheet.resistor(resistors[1], (8, y), (11, y))
        sheet.capacitor(capacitor, (11, y), (11, y - 2.2))
        sheet.ground((11, y - 2.2))
        sheet.wire((11, y), (12.5, y))
        sheet.pin(setting, (12.5, y), left=False)
    return sheet.svg()


def lights() -> str:
    """light.cir and attention.cir."""
    sheet = Sheet()
    sheet.pin("recording_light", (0, 3), left=True)
    sheet.resistor("R8", (0, 3), (2.6, 3))
    sheet.joint((3, 3))
    sheet.wire((2.6, 3), (4, 3))
    sheet.resistor("R9", (3, 3), (3, 0.8))
    sheet.ground((3, 0.8))
    drain, source = sheet.fet("Q1", (4, 3), n=True)
    x = drain[0]
    sheet.led("D1", (x, 6), drain)
    sheet.resistor("R10", (x, 8.2), (x, 6))
    sheet.supply("5 V", (x, 8.2))
    sheet.wire(source, (x, 1.4), (x + 1.6, 1.4))
    sheet.joint((x, 1.4), (x + 1.6, 1.4))
    sheet.resistor("R11", (x, 1.4), (x, -0.8))
    sheet.resistor("R18", (x + 1.6, 1.4), (x + 1.6, -0.8))
    sheet.ground((x, -0.8), (x + 1.6, -0.8))
    sheet.note("source", (x + 0.2, 1.75))
    sheet.resistor("R12", (x + 1.6, 1.4), (x + 4.4, 1.4))
    collector, emitter = sheet.npn("Q2", (x + 4.4, 1.4))
    sheet.wire(emitter, (emitter[0], 0.2))
    sheet.ground((emitter[0], 0.2))
    sheet.wire(collector, (collector[0], 2.8))
    sensed = sheet.phototransistor("Q3", (collector[0], 2.8))
    top = (sensed[0], 5)
    sheet.wire(sensed, top)
    sheet.joint(top)
    sheet.resistor("R13", (top[0], 7.2), top)
    sheet.supply("3.3 V", (top[0], 7.2))
    sheet.resistor("R14", top, (top[0] + 4, 5))
    sheet.pin("light_sense", (top[0] + 4, 5), left=False)
    sheet.pin("attention_light", (0, -6), left=True)
    sheet.resistor("R15", (0, -6), (2.6, -6))
    sheet.joint((3, -6))
    sheet.wire((2.6, -6), (4, -6))
    sheet.resistor("R16", (3, -6), (3, -8.2))
    sheet.ground((3, -8.2))
    drain, source = sheet.fet("Q4", (4, -6), n=True)
    sheet.wire(drain, (x, -4.6), (x + 1, -4.6))
    sheet.led("D2", (x + 3, -4.6), (x + 1, -4.6))
    sheet.resistor("R17", (x + 5.4, -4.6), (x + 3, -4.6))
    sheet.supply("5 V", (x + 5.4, -4.6))
    sheet.wire(source, (x, -7.2))
    sheet.ground((x, -7.2))
    return sheet.svg()


def interlock() -> str:
    """interlock.cir."""
    sheet = Sheet()
    sheet.end("source\n(of Q1)", (0, 0.6), left=True)
    sheet.resistor("R20", (0, 0.6), (2.6, 0.6))
    collector, emitter = sheet.npn("Q5", (2.6, 0.6))
    x = collector[0]
    sheet.wire(emitter, (x, -0.6))
    sheet.ground((x, -0.6))
    sheet.wire(collector, (x, 2))
    dark = sheet.phototransistor("Q8", (x, 2))
    sheet.wire(dark, (x, 4.2), (6.2, 4.2))
    sheet.joint((x, 4.2))
    sheet.resistor("R21", (x, 6.4), (x, 4.2))
    sheet.supply("5 V USB", (x, 6.4))
    drain, source = sheet.fet("Q6", (6.2, 4.2), n=True)
    sheet.ground(source)
    timer = drain[0]
    sheet.resistor("R22", (timer, 7), drain)
    sheet.resistor("R23", (timer, 9.2), (timer, 7))
    sheet.supply("5 V USB", (timer, 9.2))
    half, plus = (12, 8.25), (14.4, 8.25)
    minus, out = sheet.comparator("U1", plus)
    sheet.wire((timer, 7), minus)
    sheet.joint((timer, 7), (timer + 2, 7))
    sheet.capacitor("C4", (timer + 2, 7), (timer + 2, 4.8))
    sheet.ground((timer + 2, 4.8))
    sheet.wire(half, plus)
    sheet.joint(half)
    sheet.resistor("R24", (half[0], 10.6), half)
    sheet.supply("5 V USB", (half[0], 10.6))
    sheet.resistor("R25", half, (9.6, half[1]))
    sheet.ground((9.6, half[1]))
    back, after = (13.8, half[1]), (17.2, out[1])
    sheet.joint(back, after)
    sheet.wire(back, (back[0], 9.8))
    sheet.resistor("R26", (after[0], 9.8), (back[0], 9.8))
    sheet.wire((after[0], 9.8), after, out)
    gate, beside = (20, out[1]), (22, out[1])
    sheet.resistor("R28", after, gate)
    sheet.joint(gate, beside)
    sheet.wire(gate, (22.4, out[1]))
    source, mic = sheet.fet("Q7", (22.4, out[1]), n=False)
    sheet.resistor("R27", (gate[0], 10.6), gate)
    sheet.capacitor("C5", (beside[0], 10.6), beside)
    sheet.wire((gate[0], 10.6), (source[0], 10.6), source)
    sheet.joint((beside[0], 10.6))
    sheet.supply("5 V USB", (source[0], 10.6))
    sheet.wire(mic, (mic[0], 5.6), (mic[0] + 1.4, 5.6))
    sheet.joint((mic[0], 5.6))
    sheet.end("5 V of the\nmicrophone", (mic[0] + 1.4, 5.6), left=False)
    sheet.resistor("R29", (mic[0], 5.6), (mic[0], 3.4))
    sheet.ground((mic[0], 3.4))
    return sheet.svg()


DRAWINGS = {"buttons": buttons, "lights": lights, "interlock": interlock}


def wiring() -> str:
    """wiring.yml, by WireViz."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                *(sys.executable, "-m", "wireviz.wv_cli", "--format", "s"),
                *("--output-dir", folder, "--output-name", "wiring", str(WIRING)),
            ],
            check=True,
            capture_output=True,
        )
        return (Path(folder) / "wiring.svg").read_text(encoding="utf-8")


def render(name: str, to: Path) -> None:
    """One view of the enclosure. Of which source it was made is written into the picture, for the test."""
    part, camera = VIEWS[name]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "view.png"
        subprocess.run(
            [
                *("xvfb-run", "--auto-servernum", "openscad", "-o", str(file), "-D", f'part="{part}"'),
                *(f"--camera={camera}", f"--imgsize={PIXELS[0] * 2},{PIXELS[1] * 2}", "--colorscheme=Tomorrow"),
                str(ENCLOSURE),
            ],
            check=True,
            capture_output=True,
        )
        told = PngInfo()
        told.add_text("Source", hashlib.sha256(ENCLOSURE.read_bytes()).hexdigest())
        with Image.open(file) as picture:
            small = picture.convert("RGB").resize(PIXELS, Image.Resampling.LANCZOS)
            small.save(to, pnginfo=told, optimize=True)


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for name, draw in {**DRAWINGS, "wiring": wiring}.items():
        (PICTURES / f"{name}.svg").write_text(draw(), encoding="utf-8")
    for name in VIEWS:
        render(name, PICTURES / f"{name}.png")

"""The drawings of docs/hardware show what the netlists and wiring.yml say."""

import re
import shutil
import xml.etree.ElementTree as ET

import pytest
import yaml

from hardware.draw import DRAWINGS, PICTURES, SVG, wiring
from hardware.generate import WIRING, load
from tests.hardware.test_generated import TWINS, netlist_parts

TEXT = f"{{{SVG}}}text"


def words(svg: str) -> list[str]:
    """Every text of a drawing, sorted. Where it stands differs between versions of the tools."""
    found = [" ".join(each.itertext()) for each in ET.fromstring(svg).iter(TEXT)]
    assert found
    return sorted(re.sub(r"\s+", " ", text).strip() for text in found)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_circuit_is_as_it_would_be_drawn_now(name: str) -> None:
    assert words((PICTURES / f"{name}.svg").read_text(encoding="utf-8")) == words(DRAWINGS[name]()), "run `make docs`"


def test_a_drawing_is_the_same_after_another_library_named_its_namespace() -> None:
    name = next(iter(DRAWINGS))
    before = DRAWINGS[name]()
    ET.register_namespace("svg", SVG)
    assert DRAWINGS[name]() == before


def test_the_wiring_is_as_it_would_be_drawn_now() -> None:
    if shutil.which("dot") is None:
        pytest.fail("dot is missing: apt-get install graphviz, or `make setup`")
    assert words((PICTURES / "wiring.svg").read_text(encoding="utf-8")) == words(wiring()), "run `make docs`"


def test_every_part_of_the_netlists_is_drawn_once() -> None:
    drawn = [word for name in DRAWINGS for text in words(DRAWINGS[name]()) for word in re.findall(r"[RCDQUS]\d+", text)]
    parts = {*netlist_parts(), *TWINS}
    # The interlock's drawing names the transistor that it begins at.
    assert sorted(drawn) == sorted([*parts, "Q1"])


def test_every_pin_is_drawn_with_its_number_and_wired() -> None:
    circuits = " ".join(text for name in DRAWINGS for text in words(DRAWINGS[name]()))
    harness = yaml.safe_load(WIRING.read_text(encoding="utf-8"))
    header = dict(
        zip(
            harness["connectors"]["Raspberry Pi"]["pins"],
            harness["connectors"]["Raspberry Pi"]["pinlabels"],
            strict=True,
        )
    )
    for name, pin in load().panel.items():
        assert f"GPIO {pin.bcm}" in circuits and name in circuits
        assert header[pin.header] == f"GPIO {pin.bcm}"

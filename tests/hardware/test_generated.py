"""What is written and drawn from pins.toml, the netlists and the enclosure is as it would be now."""

import csv
import itertools
import re
import tomllib

import pytest
import yaml
from gpiozero.pins.pi import PiBoardInfo

from hardware.generate import DEFAULT_FILE, HARDWARE, README, WIRING, default_file, files, load, readme
from recorder import config
from recorder.device.mock import factory
from tests.hardware.spice import bare, circuit, drawn_name

AVOIDED = {0, 1, 2, 3, 14, 15, 18, 19, 20, 21}
PI_4_MODEL_B = 0xC03114
TWINS = {"R6": "R4", "R7": "R5", "C3": "C2", "S3": "S2"}
"""The end button's parts, which stand where start's do."""
WITHOUT_NETLIST = {"C6", "C7", "U2", "BT1"}
"""Supplies' capacitors and the clock chip."""


def test_everything_that_is_written_is_as_it_would_be_written_now() -> None:
    for file, text in files().items():
        assert file.read_text(encoding="utf-8") == text, f"{file.name}: run `make docs`"


def test_the_settings_have_every_pin_and_agree() -> None:
    panel = tomllib.loads(DEFAULT_FILE.read_text(encoding="utf-8"))["panel"]
    numbers = {name: number for name, number in panel.items() if type(number) is int}
    assert numbers == {name: pin.bcm if pin.fitted else 0 for name, pin in load().panel.items()}
    assert config.load().panel.end_button == 0


def test_the_header_is_a_raspberry_pis() -> None:
    header = PiBoardInfo.from_revision(PI_4_MODEL_B).headers["J8"]
    pins = load()
    for pin in pins.panel.values():
        assert f"GPIO{pin.bcm}" in header.pins[pin.header].names
    named = {"3.3 V": "3V3", "5 V": "5V", "ground": "GND", "SDA (GPIO 2)": "GPIO2", "SCL (GPIO 3)": "GPIO3"}
    for other in (*pins.board.values(), *pins.clock.values()):
        assert named[other.what] in {header.pins[other.header].name, *header.pins[other.header].names}


def test_no_two_functions_share_a_pin_and_none_takes_one_that_is_spoken_for() -> None:
    pins = load()
    taken = [pin.bcm for pin in pins.panel.values()]
    assert len(set(taken)) == len(taken)
    assert not set(taken) & AVOIDED
    headers = [each.header for part in (pins.panel, pins.board, pins.clock) for each in part.values()]
    assert len(set(headers)) == len(headers)


def test_what_a_chip_pulls_at_reset_is_what_its_manual_says() -> None:
    for pin in load().panel.values():
        assert pin.reset == ("up" if pin.bcm <= 8 else "down")


def test_a_map_with_a_pin_that_the_settings_do_not_know_is_refused() -> None:
    pins = load()
    pins.panel["tape_recorder"] = pins.panel["start_button"]
    with pytest.raises(ValueError, match="no setting tape_recorder"):
        default_file(DEFAULT_FILE.read_text(encoding="utf-8"), pins)


def test_writing_replaces_the_table_alone() -> None:
    page = README.read_text(encoding="utf-8")
    assert readme(page.replace("| 17 |", "| 99 |"), load()) == page


def test_a_changed_pin_changes_what_is_written() -> None:
    pins = load()
    moved = dict(pins.panel) | {
        "start_button": type(pins.panel["start_button"])(**{**vars(pins.panel["start_button"]), "bcm": 26})
    }
    text = default_file(DEFAULT_FILE.read_text(encoding="utf-8"), type(pins)(moved, pins.board, pins.clock))
    assert re.search(r"^start_button = 26$", text, re.MULTILINE)


def test_the_pins_are_driven_and_read_as_the_panel_does() -> None:
    """An input is active low with a pull-up, an output active high: gpiozero's LED and panel.py's inputs."""
    for pin in load().panel.values():
        assert (pin.active, pin.pull) == (("low", "up") if pin.direction == "in" else ("high", "none"))
    assert factory(config.load().panel)


def test_every_wire_of_the_wiring_joins_two_terminals_that_are_there() -> None:
    harness = yaml.safe_load(WIRING.read_text(encoding="utf-8"))
    ends: list[tuple[str, int]] = []
    for one, cable, other in harness["connections"]:
        ((here, pins),), ((name, wires),), ((there, others),) = one.items(), cable.items(), other.items()
        assert len(pins) == len(wires) == len(others) == len(harness["cables"][name]["colors"])
        ends += [(here, pin) for pin in pins] + [(there, pin) for pin in others]
    assert len(set(ends)) == len(ends), "a terminal with two wires"
    there = {(name, pin) for name, connector in harness["connectors"].items() for pin in connector["pins"]}
    assert set(ends) == there


def test_no_label_of_the_wiring_is_taken_for_something_else() -> None:
    """YAML reads a bare NO as false."""
    harness = yaml.safe_load(WIRING.read_text(encoding="utf-8"))
    for connector in harness["connectors"].values():
        assert all(type(label) is str for label in connector["pinlabels"])
        assert not {"NO", "ON", "OFF", "YES"} & {label.upper() for label in connector["pinlabels"]}


def netlist_parts() -> dict[str, str]:
    """Every part of the netlists by the name that it has in the drawings, with its value; not the wires."""
    found = {}
    for name in ("refuse", "button", "light", "attention", "interlock"):
        for line in bare(name):
            words = line.split()
            if words[0] == "*" or words[0].startswith("RW"):
                continue
            part = drawn_name(words[0])
            assert part not in found, f"{part} is two parts"
            found[part] = words[3] if words[0][0] in "RC" else ""
    return found


def test_the_list_of_parts_is_the_netlists() -> None:
    with (HARDWARE / "parts.csv").open(encoding="utf-8", newline="") as file:
        listed = {row["part"]: row["value"] for row in csv.DictReader(file)}
    parts = netlist_parts()
    assert {name: value for name, value in listed.items() if name not in {*TWINS, *WITHOUT_NETLIST}} == parts
    assert {name: listed[name] for name in TWINS} == {name: parts[twin] for name, twin in TWINS.items()}
    assert set(listed) >= WITHOUT_NETLIST


def test_every_link_of_the_readme_leads_somewhere() -> None:
    page = README.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?![a-z]+:)([^)#\s]+)[^)]*\)", page):
        assert (README.parent / link).exists(), link
    headings = {re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-") for line in page.splitlines()}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= headings


def test_the_netlists_name_the_pins_as_the_map_does() -> None:
    nodes = set(
        itertools.chain.from_iterable(
            line.split()[1:] for line in circuit("refuse", "button", "light", "attention").lines
        )
    )
    assert set(load().panel) - {"end_button"} <= nodes

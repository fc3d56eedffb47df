"""The enclosure: it can be printed, its parts fit each other and what is bought, and what is raised can be felt."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hardware.draw import ENCLOSURE, PICTURES, VIEWS

PARTS = ["lid", "base", "light_bar", "lamp_holder"]
SECONDS_MAX = 250
PICTURE_BYTES_MAX = 100_000


def openscad(to: Path, part: str) -> str:
    """Make a file of one part, a little coarser than for printing; what OpenSCAD said."""
    if shutil.which("openscad") is None:
        pytest.fail("openscad is missing: apt-get install openscad, or `make setup`")
    done = subprocess.run(
        ["openscad", "-D", f'part="{part}"', "-D", "$fn=20", "-o", str(to), str(ENCLOSURE)],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )
    assert "WARNING" not in done.stderr and "ERROR" not in done.stderr, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    """Every printed part: its file, and what OpenSCAD said."""
    folder = tmp_path_factory.mktemp("parts")
    files = {part: folder / f"{part}.stl" for part in PARTS}
    return {part: (file, openscad(file, part)) for part, file in files.items()}


def corners(file: Path) -> np.ndarray:
    """Every corner of every triangle."""
    numbers = re.findall(r"vertex (\S+) (\S+) (\S+)", file.read_text())
    return np.array(numbers, dtype=float)


def values() -> dict[str, float]:
    """The numbers at the top of the file."""
    found = re.findall(r"^(\w+) = ([\d.]+);", ENCLOSURE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: float(value) for name, value in found}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_one_closed_body(part: str, made: dict[str, tuple[Path, str]]) -> None:
    said = made[part][1]
    assert re.search(r"Simple:\s+yes", said), said
    assert re.search(r"Volumes:\s+2\b", said), f"more than one body; the outside counts as one: {said}"


def test_nothing_stands_where_something_else_does(tmp_path: Path) -> None:
    """The printed parts among each other, and with the buttons, the Pi, the board and the microphone."""
    assert "Current top level object is empty" in openscad(tmp_path / "clash.stl", "clash")


def test_the_box_is_as_large_as_it_says_and_its_symbols_can_be_felt(made: dict[str, tuple[Path, str]]) -> None:
    """ISO 21542 asks for raised symbols of 1 mm, and letters of 15 mm."""
    size = values()
    lid = corners(made["lid"][0])
    assert lid[:, :2].max(axis=0) - lid[:, :2].min(axis=0) == pytest.approx([size["width"], size["depth"]], abs=0.01)
    assert lid[:, 2].max() == pytest.approx(size["height"] + size["raised"], abs=0.01)
    assert size["raised"] >= 1.0
    assert size["letter_height"] >= 15
    assert size["wall"] >= 2.0


def test_the_light_stands_above_the_lid_so_that_both_see_it(made: dict[str, tuple[Path, str]]) -> None:
    light, lid = corners(made["light_bar"][0]), corners(made["lid"][0])
    assert light[:, 2].max() > lid[:, 2].max() + 20
    assert light[:, 0].max() - light[:, 0].min() > 60


@pytest.mark.parametrize("name", VIEWS)
def test_the_pictures_are_of_this_enclosure(name: str) -> None:
    """How a picture is rendered differs between versions; of which source it was made is written into it."""
    file = PICTURES / f"{name}.png"
    source = hashlib.sha256(ENCLOSURE.read_bytes()).hexdigest()
    with Image.open(file) as picture:
        assert picture.text["Source"] == source, f"{file.name}: run `make docs`"  # type: ignore[attr-defined]
        assert len(picture.getcolors(maxcolors=1 << 24) or []) > 16, "an empty picture"
    assert file.stat().st_size <= PICTURE_BYTES_MAX

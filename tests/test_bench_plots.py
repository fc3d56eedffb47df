"""The pictures of the bench show what was measured."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import plots, results

RESULTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "refusal": (
        {"shut_ms": [0.2, 0.4, 3.0], "erased_ms": [0.3, 0.5, 4.0]},
        {"tap shut", "key destroyed", "tap shut: 20 ms", "key destroyed: 50 ms"},
    ),
    "intake": (
        {"rates": {"one intake, 4096": [900.0, 1_000.0, 5_000.0], "one intake, 32768": [700.0]}},
        {"one intake", "4 KiB", "32 KiB", "1,000", "700"},
    ),
    "fleet": (
        {
            "runs": [
                {"rooms": rooms, "block_seconds": length, "seconds": {"0.99": rooms / 400}}
                for length in (1.0, 5.0)
                for rooms in (900, 100)
            ]
        },
        {"blocks of 1 s", "blocks of 5 s", "2 s"},
    ),
    "catalogue": ({"query_ms": {"counts": [1.0, 2.0, 30.0]}}, {"counts", "50 ms"}),
}
"""Of each kind of picture, a result and what must be written in it."""


def test_every_picture_is_tried_here_and_is_of_a_result_that_there_is() -> None:
    assert RESULTS.keys() == plots.PICTURES.keys()
    assert RESULTS.keys() <= results.BEGIN.keys()


@pytest.mark.parametrize("kind", RESULTS)
def test_a_picture_tells_the_figures_and_is_the_same_again(kind: str, tmp_path: Path) -> None:
    result, words = RESULTS[kind]
    for name in ("once.svg", "again.svg"):
        assert plots.draw(kind, result, tmp_path / name)
    assert words <= {text.strip() for text in ElementTree.parse(tmp_path / "once.svg").getroot().itertext()}
    assert (tmp_path / "once.svg").read_bytes() == (tmp_path / "again.svg").read_bytes()


def test_what_is_better_read_has_none(tmp_path: Path) -> None:
    assert not plots.draw("array", {}, tmp_path / "no.svg")
    assert not (tmp_path / "no.svg").exists()


def test_every_picture_that_the_readme_shows_is_there() -> None:
    shown = re.findall(r"!\[[^\]]+\]\((pictures/\w+\.svg)\)", results.README.read_text(encoding="utf-8"))
    assert [name for name in shown if not (results.README.parent / name).is_file()] == []

"""docs/privacy.md says what is true: each point is there, and every file and test that it names exists."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.privacy import PAGE, ROOT, Point, page, points

COUNTS = {"R": 8, "L": 4, "M": 5, "K": 3, "P": 4, "D": 7, "S": 5, "A": 3, "N": 5, "B": 3, "T": 2}
"""How many there are of each letter in the checklist."""
POINTS = points()


@cache
def named_in(file: Path) -> frozenset[str]:
    """The names of the tests in this file, also of those in a class."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_point_of_the_checklist_is_there() -> None:
    assert sorted(POINTS) == sorted(f"{letter}{at}" for letter, count in COUNTS.items() for at in range(1, count + 1))


@pytest.mark.parametrize(("name", "point"), POINTS.items(), ids=POINTS)
def test_what_it_names_exists(name: str, point: Point) -> None:
    assert point.state in ("met", "partly", "not yet")
    assert [each for each in point.where if not (ROOT / each).exists()] == []
    for each in point.tests:
        file, _, test = each.partition("::")
        assert test.startswith("test_"), each
        assert test in named_in(ROOT / file), each


@pytest.mark.parametrize(("name", "point"), POINTS.items(), ids=POINTS)
def test_what_is_not_met_or_not_tested_is_said(name: str, point: Point) -> None:
    if point.state == "met":
        assert point.where
        assert point.tests or point.remains
    else:
        assert point.remains


def test_the_page_is_made_of_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make docs"

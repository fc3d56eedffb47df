"""What the other tests here see with: the check that holds the lamp to the tap finds what it is for."""

import pytest

from recorder.wire.status import Happening
from tests.end_to_end.house import dark_while_open

MEETING = (("lit", 0), ("dark", 3), ("lit", 5), ("opened", 9), ("shut", 20), ("closed", 25), ("dark", 26))


def happenings(*told: tuple[str, float]) -> list[Happening]:
    """Each by name, its detail after a space, and milliseconds."""
    return [Happening(name.split()[0], at, 0, detail=name.partition(" ")[2]) for name, at in told]


@pytest.mark.parametrize(
    "told",
    [
        (),
        MEETING,
        (
            *MEETING,
            ("lit", 40),
            ("opened", 41),
            ("dark", 43),
            ("killed", 42),
            ("closed", 43),
        ),  # told last: it may be slow
        (("lit", 0), ("opened", 1), ("gone", 2), ("opened", 3), ("dark open", 4), ("closed", 300)),
        (("lit", 0), ("opened", 1)),  # and then the room was killed
    ],
)
def test_a_lamp_that_is_lit_while_the_tap_is_open_is_believed(told: tuple[tuple[str, float], ...]) -> None:
    assert dark_while_open(happenings(*told)) == []


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ((("opened", 1), ("lit", 2), ("shut", 3)), ["opened"]),
        ((("lit", 0), ("dark", 1), ("opened", 2)), ["opened"]),
        ((("lit", 0), ("opened", 1), ("dark", 2), ("closed", 3)), ["dark"]),
        ((("lit", 0), ("opened", 1), ("dark", 2), ("lit", 3), ("shut", 4)), ["dark"]),
        ((*MEETING, ("opened", 30)), ["opened"]),
        ((("lit", 0), ("opened", 1), ("dark open", 2), ("closed", 600)), ["dark"]),
        ((("lit", 0), ("opened", 1), ("dark open", 2)), ["dark"]),
    ],
)
def test_a_tap_that_is_open_in_the_dark_is_found(told: tuple[tuple[str, float], ...], found: list[str]) -> None:
    assert [each.name for each in dark_while_open(happenings(*told))] == found

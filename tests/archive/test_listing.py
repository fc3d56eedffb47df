"""Lists go on where the portion before ended, whatever its size, and whatever comes meanwhile."""

import pytest

from recorder.archive import listing
from recorder.archive.catalogue import Addition, Catalogue
from recorder.archive.listing import newest
from recorder.archive.naming import Origin

NOW_MS = 1_700_000_000_000


@pytest.fixture
def catalogue(database):
    catalogue = Catalogue(database.url)
    yield catalogue
    catalogue.close()


def begin(catalogue: Catalogue, *recordings: tuple[str, str, int]) -> None:
    """Recordings by id, device and minute."""
    origins = {ident: Origin(device, "ab" * 32, NOW_MS + minute * 60_000, 126) for ident, device, minute in recordings}
    with catalogue.write() as writing:
        writing.add({ident: Addition(origin, [], NOW_MS) for ident, origin in origins.items()})


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_each_is_told_once_and_the_newest_first(catalogue, monkeypatch, rows):
    monkeypatch.setattr(listing.portion, "__defaults__", (rows,))
    # Three a minute: what came at the same moment is cut apart too.
    made = [(f"{number * 7 % 20:032x}", f"room-{number % 2}", number // 3) for number in range(20)]
    begin(catalogue, *made)
    expected = [ident for ident, _, _ in sorted(made, key=lambda each: (each[2], each[0]), reverse=True)]
    assert [each.recording for each in newest(catalogue)] == expected
    devices = {ident: device for ident, device, _ in made}
    assert [each.recording for each in newest(catalogue, "room-1")] == [
        ident for ident in expected if devices[ident] == "room-1"
    ]
    assert list(newest(catalogue, "room-2")) == []


def test_what_comes_meanwhile_is_not_told_and_moves_nothing(catalogue, monkeypatch):
    monkeypatch.setattr(listing.portion, "__defaults__", (2,))
    made = [(f"{number:032x}", "room-1", number) for number in range(6)]
    begin(catalogue, *made)
    found = newest(catalogue)
    told = [next(found).recording for _ in range(3)]
    begin(catalogue, ("f" * 32, "room-1", 100))
    assert told + [each.recording for each in found] == [ident for ident, _, _ in reversed(made)]

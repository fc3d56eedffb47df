"""A list is read to its end a page at a time: none twice, none left out, whatever comes and goes meanwhile."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.archive.web import paging
from recorder.archive.web.holds.models import Expected
from recorder.archive.web.meetings.models import Case
from recorder.archive.web.paging import cut, page

KEYS = st.lists(st.integers(0, 99), unique=True, max_size=30)


def made(number: int, due_ms: int) -> Expected:
    return Expected(recording=f"{number:032x}", device="room-1", made_ms=0, cause="term", due_ms=due_ms, kept=False)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.integers(0, 99), st.integers(0, 3), max_size=30), st.integers(1, 7), st.sampled_from(["", "-"])
)
def test_every_row_comes_once_and_in_order(
    db: None, monkeypatch: pytest.MonkeyPatch, rows: dict[int, int], size: int, sign: str
) -> None:
    monkeypatch.setattr(paging, "PAGE_ROWS", size)
    Expected.objects.all().delete()
    Expected.objects.bulk_create(made(number, due_ms) for number, due_ms in rows.items())
    read, after, first = [], "", True
    while True:
        found = page(Expected.objects.all(), f"{sign}due_ms", after)
        assert len(found.rows) <= size
        assert found.further is not first
        read += [(each.due_ms, each.pk) for each in found.rows]
        if not found.after:
            break
        after, first = found.after, False
    assert read == sorted(((due, f"{number:032x}") for number, due in rows.items()), reverse=bool(sign))


def test_a_place_stays_where_it_was_when_its_row_goes_or_moves(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE_ROWS", 2)
    Expected.objects.bulk_create(made(number, number) for number in range(6))
    every = Expected.objects.all()
    first = page(every, "due_ms", "")
    every.filter(due_ms=1).update(due_ms=99)
    second = page(every, "due_ms", first.after)
    assert [each.due_ms for each in second.rows] == [2, 3]
    every.filter(due_ms=3).delete()
    assert [each.due_ms for each in page(every, "due_ms", second.after).rows] == [4, 5]


def test_behind_what_is_no_place_is_the_beginning(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE_ROWS", 2)
    Expected.objects.bulk_create(made(number, number) for number in range(4))
    for after in ("", "-", "x-1", f"{0:032x}", "'; --", "\0", "1-\0", "9" * 30 + "-1"):
        found = page(Expected.objects.all(), "due_ms", after)
        assert ([each.due_ms for each in found.rows], found.further) == ([0, 1], False)
    Case.objects.create(number="Z-1", decided_ms=1)
    assert not page(Case.objects.all(), "decided_ms", "1-x").further  # whose key is a number


@pytest.mark.parametrize(("number", "after"), [(0, ""), (1, ""), (2, ""), (3, "1")])
def test_there_is_a_next_page_if_there_is_more(number: int, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PAGE_ROWS", 2)
    found = cut([str(each) for each in range(number)], str, further=False)
    assert (len(found.rows), found.after) == (min(2, number), after)

"""Pages against a dictionary."""

from hypothesis import given
from hypothesis import strategies as st

from recorder.archive import pages
from recorder.archive.pages import PAGE_ITEMS

CONTENTS = st.binary(min_size=32, max_size=32).filter(any)
PLACES = st.integers(0, PAGE_ITEMS - 1)


@given(st.lists(st.dictionaries(PLACES, CONTENTS)), PLACES)
def test_what_was_written_is_there_and_nothing_else(writes, place):
    page, expected = b"", {}
    for contents in writes:
        page = pages.write(page, contents)
        expected |= contents
    assert dict(pages.read(page)) == expected
    assert [pages.at(page, each) for each in range(PAGE_ITEMS)] == [expected.get(each) for each in range(PAGE_ITEMS)]
    assert dict(pages.read(pages.cut(page, place))) == {at: each for at, each in expected.items() if at < place}
    assert len(page) == 32 * (max(expected, default=-1) + 1)

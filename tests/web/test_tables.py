"""A table of the pages, by its one pattern."""

import re
from pathlib import Path

from django.template import engines

from recorder.archive import web
from recorder.archive.web.tables import table

HEAD = (
    '<thead><tr><th scope="col">Room</th><th scope="col">Its "word" &amp; more</th>'
    '<th scope="col"><span class="visually-hidden">What to do</span></th></tr></thead>'
)


def test_a_cell_has_the_word_above_its_column() -> None:
    made = table(
        f'{HEAD}<tbody><tr><th scope="row" class="id">room-1</th><td>fine</td><td><button>End</button></td></tr></tbody>',
        "rooms",
    )
    assert re.findall(r"<(?:th|td)\b[^>]*>", made)[3:] == [
        '<th role="rowheader" data-label="Room" scope="row" class="id">',
        '<td role="cell" data-label="Its &quot;word&quot; &amp; more">',
        '<td role="cell">',
    ]


def test_each_row_begins_anew_and_a_cell_of_all_columns_is_of_none() -> None:
    made = table(
        f'{HEAD}<tbody><tr><td>a</td><td>b</td></tr>\n<tr><td colspan="3">all</td></tr><tr><td>c</td></tr></tbody>',
        "rooms",
    )
    assert re.findall(r'<td role="cell"( data-label="[^"]*")?', made) == [
        ' data-label="Room"',
        ' data-label="Its &quot;word&quot; &amp; more"',
        "",
        ' data-label="Room"',
    ]


def test_a_screen_reader_has_a_table_however_it_is_laid_out() -> None:
    made = table(f"{HEAD}<tbody><tr><td>a</td></tr></tbody>", "rooms")
    assert re.findall(r'<(\w+)[^>]*? role="(\w+)"', made) == [
        ("div", "region"),
        ("table", "table"),
        ("thead", "rowgroup"),
        ("tr", "row"),
        ("th", "columnheader"),
        ("th", "columnheader"),
        ("th", "columnheader"),
        ("tbody", "rowgroup"),
        ("tr", "row"),
        ("td", "cell"),
    ]


def test_what_people_typed_stays_escaped() -> None:
    rows = '<thead><tr><th scope="col">Name</th></tr></thead><tbody><tr><td>{{ typed }}</td></tr></tbody>'
    source = "{% table label %}" + rows + "{% endtable %}"
    made = engines["django"].from_string(source).render({"label": 'x" onload="', "typed": "<td><script>"})
    assert "<script>" not in made
    assert 'onload="' not in made
    assert made.count("<td") == 1


def test_every_table_is_made_by_it() -> None:
    files = list(Path(web.__file__).parent.rglob("*.html"))
    assert sum("{% table" in each.read_text() for each in files) > 20
    assert [each.name for each in files if "<table" in each.read_text()] == []

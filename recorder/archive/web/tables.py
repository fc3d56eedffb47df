"""A table of the pages: one pattern for all of them.

On a wide window it is an ordinary table. On a narrow one a row is a card (web.css), for a table that is wider than the window
is read by scrolling sideways for each row, and nobody sees that it goes on. Each cell then says what it is, by the word that
stands above its column; the words come from the headings here, so that a template says them once. The roles are written out
because some browsers take them from a table that is not laid out as one.
"""

import re

from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe

_PART, _ROW = re.compile(r"<(thead|tbody)\b"), re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_HEADING, _CELL = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL), re.compile(r"<(th|td)\b([^>]*)")


def table(rows: str, named_by: str) -> SafeString:
    """`rows` are <thead> and <tbody>, no row with more cells than headings; `named_by` is a heading's id."""
    head, body = rows.split("</thead>")
    names = [_name(each) for each in _HEADING.findall(head)]
    head = _CELL.sub(r'<\1 role="columnheader"\2', head)
    body = _ROW.sub(lambda row: _labelled(row[0], names), body)
    parts = _PART.sub(r'<\1 role="rowgroup"', f"{head}</thead>{body}").replace("<tr", '<tr role="row"')
    return format_html(
        '<div class="scroll" role="region" aria-labelledby="{}" tabindex="0"><table role="table" '
        'aria-labelledby="{}">{}</table></div>',
        named_by,
        named_by,
        mark_safe(parts),  # noqa: S308 # it was a template's already
    )


def _name(heading: str) -> str:
    """What stands before a cell of this column: nothing where the heading is for screen readers alone, above buttons."""
    return "" if "visually-hidden" in heading else strip_tags(heading).strip().replace('"', "&quot;")


def _labelled(row: str, names: list[str]) -> str:
    cells = iter(names)

    def labelled(cell: re.Match[str]) -> str:
        name = next(cells)
        label = f' data-label="{name}"' if name and "colspan" not in cell[2] else ""
        return f'<{cell[1]} role="{"rowheader" if cell[1] == "th" else "cell"}"{label}{cell[2]}'

    return _CELL.sub(labelled, row)

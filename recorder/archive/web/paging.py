"""Lists a page at a time, each from behind the last one of the page before: how far down it is costs nothing.

None is shown twice when others come meanwhile, and no page counts what is there.
"""

import re
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

PAGE_ROWS = 20

T = TypeVar("T")
S = TypeVar("S")
M = TypeVar("M", bound=Model)


class Page(NamedTuple, Generic[T]):
    """Some of a list."""

    rows: Sequence[T]
    further: bool
    """Whether it is another page than the first."""
    after: str
    """The place of the last one, behind which the next page begins; empty if there is none."""

    def of(self, rows: Sequence[S]) -> "Page[S]":
        """The same page, with what was made of its rows."""
        return Page(rows, self.further, self.after)


def page(found: QuerySet[M], order: str, after: str) -> Page[M]:
    """Of these, from behind the place `after` on, which another page told; the first page for what is no such place.

    `order` names a column of whole numbers that is never empty, with "-" before it for the greatest first; equal ones go by
    their keys. A place is both: so it stays where it was when its row goes, or moves.
    """
    sign, column = ("-", order[1:]) if order.startswith("-") else ("", order)
    found = found.order_by(order, f"{sign}pk")
    place = _place(found, after)
    if place is not None:
        behind, (value, key) = "lt" if sign else "gt", place
        found = found.filter(Q(**{f"{column}__{behind}": value}) | Q(**{column: value, f"pk__{behind}": key}))
    rows = list(found[: PAGE_ROWS + 1])
    return cut(rows, lambda each: f"{getattr(each, column)}-{each.pk}", further=place is not None)


def cut(found: Sequence[T], key: Callable[[T], str], *, further: bool) -> Page[T]:
    """A page of what was found: one more than a page has, if there are more."""
    rows = found[:PAGE_ROWS]
    return Page(rows, further, key(rows[-1]) if len(found) > PAGE_ROWS else "")


def _place(found: QuerySet[M], after: str) -> tuple[int, object] | None:
    value, _, key = after.partition("-")
    if not re.fullmatch("[0-9]{1,18}", value, re.ASCII) or "\0" in key:  # which PostgreSQL has in no text
        return None
    try:
        return int(value), found.model._meta.pk.to_python(key)
    except ValidationError:  # typed by hand
        return None

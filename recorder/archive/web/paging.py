"""Lists a page at a time, each from behind the last one of the page before: how far down it is costs nothing.

None is shown twice when others come meanwhile, and no page counts what is there.
"""

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
    """The key of the last one, behind which the next page begins; empty if there is none."""

    def of(self, rows: Sequence[S]) -> "Page[S]":
        """The same page, with what was made of its rows."""
        return Page(rows, self.further, self.after)


def page(found: QuerySet[M], order: str, after: str) -> Page[M]:
    """Of these, from behind the one with this key on; the first page if that is none of them (any more).

    `order` names a column that is never empty, with "-" before it for the greatest first; equal ones go by their keys.
    """
    sign, column = ("-", order[1:]) if order.startswith("-") else ("", order)
    found = found.order_by(order, f"{sign}pk")
    last = _one(found, after)
    if last is not None:
        behind = "lt" if sign else "gt"
        value = getattr(last, column)
        found = found.filter(Q(**{f"{column}__{behind}": value}) | Q(**{column: value, f"pk__{behind}": last.pk}))
    return cut(list(found[: PAGE_ROWS + 1]), lambda each: str(each.pk), further=last is not None)


def cut(found: Sequence[T], key: Callable[[T], str], *, further: bool) -> Page[T]:
    """A page of what was found: one more than a page has, if there are more."""
    rows = found[:PAGE_ROWS]
    return Page(rows, further, key(rows[-1]) if len(found) > PAGE_ROWS else "")


def _one(found: QuerySet[M], key: str) -> M | None:
    if not key or "\0" in key:  # which PostgreSQL has in no text
        return None
    try:
        return found.filter(pk=key).first()
    except (ValueError, ValidationError, OverflowError):  # typed by hand
        return None

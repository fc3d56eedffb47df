"""Filters and tags that every template has."""

from typing import Any

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

from recorder.archive.web import tables, times
from recorder.audio import TICKS_PER_SECOND

register = template.Library()


@register.filter
def day(unix_ms: int | None) -> str:
    return "" if unix_ms is None else times.day(unix_ms)


@register.filter
def minute(unix_ms: int | None) -> str:
    return "" if unix_ms is None else times.minute(unix_ms)


@register.filter
def duration(seconds: float | None) -> str:
    return "" if seconds is None else times.duration(seconds)


@register.filter
def seconds(ticks: int | None) -> str:
    """As a script reads them: whatever the language, with a point."""
    return "" if ticks is None else f"{ticks / TICKS_PER_SECOND:.3f}"


@register.filter
def offset(offset_ms: int) -> str:
    return times.offset(offset_ms)


@register.filter
def field(bound: BoundField) -> SafeString:
    """A field of a form, with its label, help and errors."""
    return bound.as_field_group()


@register.filter
def word(value: Any, words: Any) -> Any:
    """What people read for `value`, by a table of words."""
    return words.get(value, value)


@register.simple_block_tag
def table(content: SafeString, named_by: str) -> SafeString:
    """{% table "id of its heading" %}, then thead and tbody."""
    return tables.table(content, named_by)

"""The archive behind the pages: its catalogue and its store. Opened once in a process, and only ever read from here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from django.conf import settings

from recorder.archive.catalogue import Catalogue, url
from recorder.archive.retention import Terms
from recorder.archive.store import Store
from recorder.archive.stores import FRAGMENTS, open_store
from recorder.archive.web.policy.live import live
from recorder.config import Config

T = TypeVar("T")


class Archive(NamedTuple):
    catalogue: Catalogue
    store: Store


_opened: dict[tuple[str, int], tuple[Config, Any]] = {}
"""By what it is and of which settings, which are kept with it: an `id` is another's once they are gone."""


def archive() -> Archive:
    """Of the settings. Raises CatalogueError or StoreError."""
    return _once(
        "archive", lambda config: Archive(Catalogue(url(config.archive), make=False), open_store(config.archive))
    )


def fragments() -> Store:
    """Where the fragments for training lie, for who makes, plays or destroys them. Raises StoreError."""
    return _once("fragments", lambda config: open_store(config.archive, "make", FRAGMENTS))


def _once(what: str, make: Callable[[Config], T]) -> T:
    config: Config = settings.CONFIG
    key = what, id(config)
    if key not in _opened:
        _opened[key] = config, make(config)
    found: T = _opened[key][1]
    return found


def terms() -> Terms:
    """By which recordings go: those that count now."""
    return live().terms


def reading_room() -> Path:
    """Where the reading room listens."""
    config: Config = settings.CONFIG
    return Path(config.web.socket or Path(config.archive.folder) / "reading-room.socket")

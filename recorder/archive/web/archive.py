"""The archive behind the pages: its catalogue and its store. Opened once in a process, and only ever read from here."""

from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from recorder.archive.catalogue import Catalogue, url
from recorder.archive.retention import Terms
from recorder.archive.store import Store
from recorder.archive.stores import FRAGMENTS, open_store
from recorder.archive.web.policy.live import live
from recorder.config import Config


class Archive(NamedTuple):
    catalogue: Catalogue
    store: Store


_opened: dict[int, tuple[Config, Archive]] = {}


def archive() -> Archive:
    """Of the settings. Raises CatalogueError or StoreError."""
    config: Config = settings.CONFIG
    if id(config) not in _opened:
        opened = Archive(Catalogue(url(config.archive), make=False), open_store(config.archive))
        _opened[id(config)] = config, opened
    return _opened[id(config)][1]


_fragments: dict[int, tuple[Config, Store]] = {}


def fragments() -> Store:
    """Where the fragments for training lie, for who makes, plays or destroys them. Raises StoreError."""
    config: Config = settings.CONFIG
    if id(config) not in _fragments:
        _fragments[id(config)] = config, open_store(config.archive, "make", FRAGMENTS)
    return _fragments[id(config)][1]


def terms() -> Terms:
    """By which recordings go: those that count now."""
    return live().terms


def reading_room() -> Path:
    """Where the reading room listens."""
    config: Config = settings.CONFIG
    return Path(config.web.socket or Path(config.archive.folder) / "reading-room.socket")

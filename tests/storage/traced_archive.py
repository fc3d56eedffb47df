"""`recorder archive`, with two things added, by the names that its first arguments give:

    MARKS FLAW …    the arguments of `recorder` follow

Every receipt is written to the file MARKS right before it goes to the MQTT client: on the wire nobody else can read it, and a
trace of this process shall tell what had been sent when. Blocks are brought together two by two, so that a short meeting takes
several turns. And FLAW is what this archive does wrong; `none` is nothing.
"""

import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client

from recorder.archive import folder, naming
from recorder.archive.catalogue import Catalogue
from recorder.archive.clerk import Clerk, Message
from recorder.archive.folder import FolderStore
from recorder.archive.rebuild import rebuild
from recorder.cli import main

STRETCH_BLOCKS = 2
SENT = threading.Event()


def note_receipts(marks: str) -> None:
    file = os.open(marks, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
    publish = Client.publish

    def note_and_publish(client: Client, topic: str, payload: bytes, qos: int) -> Any:
        os.write(file, payload)
        SENT.set()
        return publish(client, topic, payload, qos)

    Client.publish = note_and_publish  # type: ignore[assignment, method-assign]


def syncs_not_in(step: str) -> None:
    """The store forgets to sync in this one of its functions."""
    sync = folder.sync_file_system

    def skip_or_sync(file: int) -> None:
        if sys._getframe(1).f_code.co_name != step:
            sync(file)

    folder.sync_file_system = skip_or_sync


def has_a_loose_catalogue(level: str) -> None:
    class Loose(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            return super().execute(f"PRAGMA synchronous = {level}" if "synchronous" in sql else sql, *args)

    sqlite3.dbapi2.connect = partial(sqlite3.connect, factory=Loose)  # type: ignore[attr-defined]


def signs_first() -> None:
    """The answers come from an archive in memory; what they sign for is kept once they were sent."""
    begin, process = Clerk.__init__, Clerk.process
    shadows: list[Clerk] = []

    def begin_both(clerk: Clerk, name: str, key: Any, store: Any, catalogue: Any, retention_days: int) -> None:
        begin(clerk, name, key, store, catalogue, retention_days)
        clerk.shadow = lambda: (name, key, store, retention_days)  # type: ignore[attr-defined]

    def shadow(name: str, key: Any, store: Any, retention_days: int) -> Clerk:
        catalogue = Catalogue("sqlite://")
        rebuild(store, catalogue, 0)
        clerk = Clerk.__new__(Clerk)
        begin(clerk, name, key, FolderStore.make(Path(sys.argv[1]).with_name("shadow")), catalogue, retention_days)
        return clerk

    def keep(*args: Any) -> None:
        SENT.wait()
        process(*args)

    def answer_and_keep(clerk: Clerk, batch: list[Message], now_ms: int) -> list[Message]:
        if not shadows:  # in the thread that will use it, to which a database in memory belongs
            shadows.append(shadow(*clerk.shadow()))  # type: ignore[attr-defined]
        SENT.clear()
        receipts = process(shadows[0], batch, now_ms)
        threading.Thread(target=keep, args=(clerk, batch, now_ms)).start()
        return receipts

    Clerk.__init__ = begin_both  # type: ignore[method-assign]
    Clerk.process = answer_and_keep  # type: ignore[assignment, method-assign]


def never_forgets() -> None:
    Catalogue.forget = lambda catalogue: None  # type: ignore[method-assign]


def never_settles() -> None:
    FolderStore.settle = lambda store, prefix: None  # type: ignore[method-assign]


FLAWS: dict[str, Callable[[], None]] = {
    "none": lambda: None,
    "no file is synced before it has a name": lambda: syncs_not_in("_put_portion"),
    "no name is synced": lambda: syncs_not_in("put"),
    "synchronous=OFF": lambda: has_a_loose_catalogue("OFF"),
    "synchronous=NORMAL": lambda: has_a_loose_catalogue("NORMAL"),
    "receipts before the commit": signs_first,
    "the catalogue forgets nothing": never_forgets,
    "nothing is settled": never_settles,
}

if __name__ == "__main__":
    marks, flaw, *arguments = sys.argv[1:]
    note_receipts(marks)
    naming.STRETCH_BLOCKS = STRETCH_BLOCKS
    FLAWS[flaw]()
    sys.exit(main(arguments))

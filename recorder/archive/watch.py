"""The watch: listens to what the rooms say of themselves, and serves it to Prometheus as `rooms.py` tells it.

It keeps that by the day, too (`health.py`), for people to look at. A process of its own: whatever it hears, the intake does not
wait for it. Of a recording it writes nothing.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator

from prometheus_client.core import Metric

from recorder import tls
from recorder.archive import health
from recorder.archive.catalogue import Catalogue
from recorder.archive.listen import listen
from recorder.archive.metrics import gauge
from recorder.archive.rooms import SILENT_SECONDS, Rooms
from recorder.config import Archive

LOG = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
ENROLLED_SECONDS = 60.0
"""How often the catalogue is asked who is enrolled."""
NOTED_SECONDS = 60.0
"""How often it is kept how the rooms are."""
IGNORED_MAX = 100
"""Reasons that the log is told, each once: who is ignored speaks every minute, and there may be any number of them."""


class Watch:
    """Listens until `stop` is called; `ready` is called once, when it does so for the first time. Raises CatalogueError."""

    def __init__(
        self, config: Archive, identity: tls.Identity, catalogue: Catalogue, ready: Callable[[], None]
    ) -> None:
        self._config = config
        self._identity = identity
        self._catalogue = catalogue
        self._ready: Callable[[], None] | None = ready
        self._lock = threading.Lock()
        """Of the rooms: scrapes come in threads of their own."""
        self._rooms = Rooms()
        self._ignored: set[str] = set()
        """Why something was, of what the log has by now."""
        self._subscribed = False
        self._next_look = 0.0
        self._next_note = math.inf
        """Not before every room that lives has spoken since we listen."""
        self._stopped = threading.Event()

    def stop(self) -> None:
        """May be called from a signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Listen until told to stop."""
        told = ""
        while self._going():
            flaw = listen(
                self._config, self._identity, subscribed=self._on_subscribed, hear=self._hear, going=self._going
            )
            if self._subscribed:
                told = ""
            self._subscribed, self._next_note = False, math.inf
            if flaw and flaw != told:  # once, not with every attempt
                LOG.warning("not connected to %s:%d: %s", self._config.host, self._config.port, flaw)
            told = flaw
            if flaw:
                self._stopped.wait(RETRY_SECONDS)

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        with self._lock:
            now = time.monotonic()
            rooms = list(self._rooms.told(now))
            ignored = {
                ("stranger",): self._rooms.strangers.told(now),
                ("unreadable",): self._rooms.unreadable.told(now),
            }
        yield gauge("wederhoor_watch_subscribed", "1 if the broker hands it what rooms say.", self._subscribed)
        yield gauge(
            "wederhoor_watch_ignoring",
            "1 if something was said by no enrolled room, or was no status, in this hour or the last.",
            ignored,
            ("why",),
        )
        yield gauge(
            "wederhoor_room_heard",
            "1 if the room is connected, and said so within three minutes.",
            {(room.name,): room.heard for room in rooms},
            ("room",),
        )
        yield gauge(
            "wederhoor_room_fault",
            "1 if this was wrong in this hour or the last; left out if not.",
            {(room.name, fault): 1 for room in rooms for fault in room.faults},
            ("room", "fault"),
        )
        yield gauge(
            "wederhoor_room_rejected",
            "1 if the archive did not take something of the room in this hour or the last.",
            {(room.name,): room.rejected for room in rooms},
            ("room",),
        )
        yield gauge(
            "wederhoor_room_behind",
            "1 if something of meetings that are over has waited in the room for the archive's signature for four whole hours.",
            {(room.name,): room.behind for room in rooms},
            ("room",),
        )
        yield gauge(
            "wederhoor_room_spool_used_ratio",
            "How full the room's spool is, in tenths.",
            {(room.name,): room.spool for room in rooms if room.spool is not None},
            ("room",),
        )
        yield gauge(
            "wederhoor_room_certificate_end_timestamp_seconds",
            "When the room's certificate ends.",
            {(room.name,): room.certificate_ends_ms / 1_000 for room in rooms if room.certificate_ends_ms},
            ("room",),
        )
        yield gauge(
            "wederhoor_room_start_timestamp_seconds",
            "When the room's program started.",
            {(room.name,): room.started_ms // 1_000 for room in rooms if room.started_ms},
            ("room",),
        )

    def _going(self) -> bool:
        now = time.monotonic()
        if now >= self._next_look:
            enrolled = self._catalogue.enrolled()
            with self._lock:
                self._rooms.enrol(enrolled)
            self._next_look = now + ENROLLED_SECONDS
        if now >= self._next_note:
            with self._lock:
                told = list(self._rooms.told(now))
            health.note(self._catalogue, told, time.time_ns() // 1_000_000)
            self._next_note = now + NOTED_SECONDS
        return not self._stopped.is_set()

    def _on_subscribed(self, _broker_certificate_ends: float) -> None:
        self._subscribed = True
        self._next_note = time.monotonic() + SILENT_SECONDS
        LOG.info("connected to %s:%d", self._config.host, self._config.port)
        if self._ready is not None:
            ready, self._ready = self._ready, None
            ready()

    def _hear(self, topic: str, payload: bytes) -> None:
        with self._lock:
            why = self._rooms.hear(topic, payload, time.monotonic())
        if why and why not in self._ignored and len(self._ignored) < IGNORED_MAX:
            self._ignored.add(why)
            LOG.warning("ignored: %s", why)

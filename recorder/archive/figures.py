"""The intake's own figures. It says what it does; whoever scrapes gets it rounded as `coarse.py` says.

The intake calls `subscribed`, `believes_broker`, `waits`, `began` and `done`, each of which takes no time; scrapes come in
threads of their own.
"""

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from prometheus_client.core import Metric

from recorder.archive.coarse import MEETING_ITEMS_MAX, Latch, PastHour, Steps, share
from recorder.archive.metrics import counter, gauge
from recorder.wire.judge import Verdict

BUSY_STEP_SECONDS = 3_600
"""More than the blocks of the longest meeting keep the worker busy, on a disk that takes a third of a second for each."""
STALL_STEP_SECONDS = 10
COUNTED = (Verdict.NEW, Verdict.DUPLICATE, Verdict.PURGED)
REJECTED = (Verdict.CONFLICT, Verdict.REFUSED)
"""What somebody must hear of at the first one; of a room that is not enrolled there are as many as its meeting has blocks."""


class Figures:
    """Of one intake. `verdicts` are the clerk's, `folder` is the archive's, `certificate_ends` is in Unix seconds.

    Of the inbox, `items_max` or `bytes_max` is full. `below` gives a random number below its argument.
    """

    def __init__(
        self,
        verdicts: Mapping[Verdict, int],
        folder: Path,
        certificate_ends: float,
        items_max: int,
        bytes_max: int,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        below: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._verdicts = verdicts
        self._folder = folder
        self._certificate_ends = certificate_ends
        self._items_max, self._bytes_max = items_max, bytes_max
        self._wall, self._monotonic = wall, monotonic
        self._started = int(wall())
        self._lock = threading.Lock()
        self._subscribed = False
        self._broker_certificate_ends: float | None = None
        """Unix seconds; None before it was seen."""
        self._inbox = 0.0
        self._began: float | None = None
        """When the batch that the worker has now was begun, monotonic."""
        self._waiting_since: float | None = None
        """Since when something is in the inbox and no batch was done, monotonic; whoever of its threads is to blame."""
        self._busy_seconds = 0.0
        self._batches = 0
        self._receipts = 0
        self._came = PastHour()
        self._rejected = dict.fromkeys(REJECTED, 0)
        self._rejecting = {verdict: Latch() for verdict in REJECTED}
        self._items = {verdict: Steps(MEETING_ITEMS_MAX, below(MEETING_ITEMS_MAX)) for verdict in COUNTED}
        self._batch_steps = Steps(MEETING_ITEMS_MAX, below(MEETING_ITEMS_MAX))
        self._receipt_steps = Steps(MEETING_ITEMS_MAX, below(MEETING_ITEMS_MAX))
        self._busy_steps = Steps(BUSY_STEP_SECONDS, below(BUSY_STEP_SECONDS))

    def subscribed(self, yes: bool) -> None:
        """Whether the broker hands it what the rooms send."""
        self._subscribed = yes

    def believes_broker(self, *, until: float) -> None:
        """The broker showed a certificate that ends then, Unix seconds."""
        self._broker_certificate_ends = until

    def waits(self, items: int, bytes_: int) -> None:
        """So much is in the inbox."""
        self._inbox = max(share(items, self._items_max), share(bytes_, self._bytes_max))
        with self._lock:
            if not items:
                self._waiting_since = None
            elif self._waiting_since is None:
                self._waiting_since = self._monotonic()

    def began(self) -> None:
        """The worker has a batch."""
        with self._lock:
            self._began = self._monotonic()
            self._came.set(self._wall())

    def done(self, receipts: int) -> None:
        """The batch is durable, with so many receipts to send."""
        with self._lock:
            now = self._monotonic()
            if self._began is not None:
                self._busy_seconds += now - self._began
            self._began = None
            if self._waiting_since is not None:
                self._waiting_since = now
            self._batches += 1
            self._receipts += receipts
            for verdict in REJECTED:
                if self._verdicts[verdict] > self._rejected[verdict]:
                    self._rejected[verdict] = self._verdicts[verdict]
                    self._rejecting[verdict].set(self._wall())

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        with self._lock:
            wall, now = self._wall(), self._monotonic()
            stalled = 0.0 if self._waiting_since is None else now - self._waiting_since
            came = self._came.told(wall)
            items = {(str(verdict),): steps.of(self._verdicts[verdict]) for verdict, steps in self._items.items()}
            rejecting = {(str(verdict),): latch.told(wall) for verdict, latch in self._rejecting.items()}
            batches, receipts = self._batch_steps.of(self._batches), self._receipt_steps.of(self._receipts)
            busy = self._busy_steps.of(self._busy_seconds)
        yield gauge("wederhoor_intake_start_timestamp_seconds", "When the intake started.", self._started)
        yield gauge("wederhoor_intake_subscribed", "1 if the broker hands it what rooms send.", self._subscribed)
        yield gauge(
            "wederhoor_intake_stalled_seconds",
            "For how long messages have waited and none was stored, in tens of seconds.",
            stalled // STALL_STEP_SECONDS * STALL_STEP_SECONDS,
        )
        yield gauge("wederhoor_intake_inbox_ratio", "How full the inbox is, in tenths.", self._inbox)
        yield counter(
            "wederhoor_intake_items_total", f"Items by verdict, in steps of {MEETING_ITEMS_MAX}.", items, ("verdict",)
        )
        yield gauge(
            "wederhoor_intake_rejecting",
            "1 if an item was rejected with this verdict in this hour or the last.",
            rejecting,
            ("verdict",),
        )
        yield counter("wederhoor_intake_batches_total", f"Batches, in steps of {MEETING_ITEMS_MAX}.", batches)
        yield counter("wederhoor_intake_receipts_total", f"Receipts, in steps of {MEETING_ITEMS_MAX}.", receipts)
        yield counter(
            "wederhoor_intake_busy_seconds_total", f"The worker's time, in steps of {BUSY_STEP_SECONDS} s.", busy
        )
        yield gauge(
            "wederhoor_intake_last_message_hour_timestamp_seconds",
            "When the last whole hour ended in which something came.",
            {} if came is None else came,
        )
        disk = os.statvfs(self._folder)
        used = disk.f_blocks - disk.f_bfree  # as df has it: what is kept for root is neither used nor room
        yield gauge(
            "wederhoor_archive_disk_used_ratio",
            "How full the disk of the archive's folder is, in hundredths.",
            share(used, used + disk.f_bavail, 100),
        )
        yield gauge(
            "wederhoor_archive_certificate_end_timestamp_seconds",
            "When the archive's certificate ends.",
            self._certificate_ends,
        )
        yield gauge(
            "wederhoor_broker_certificate_end_timestamp_seconds",
            "When the certificate ends that the broker showed the intake last.",
            {} if self._broker_certificate_ends is None else self._broker_certificate_ends,
        )

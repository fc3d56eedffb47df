"""The rooms as they say they are, for the metrics: pure, and told so coarsely that no conversation shows (`coarse.py`).

A room's own words follow its meetings: at every change of state it speaks, its spool grows while it records, and what its
self-test found it leaves out of a meeting. None of these is told as it comes. That a room is heard, and since when its program
runs, does not depend on meetings, and is told at once.

Only rooms that are enrolled have a place here; of others it is told that there are some. All times are monotonic seconds.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from recorder.archive.coarse import HOUR_SECONDS, Latch, share
from recorder.errors import WireError
from recorder.meeting.fault import Fault
from recorder.wire import status, topics
from recorder.wire.consent import DAY_MS
from recorder.wire.status import SAID_SECONDS_MAX, Status

SILENT_SECONDS = 3 * SAID_SECONDS_MAX
"""A room that has not said anything for so long is not heard."""
BEHIND_SECONDS = 14_400.0
"""Longer than one meeting lasts: something has waited since before the one that runs."""
FAULTS = frozenset(fault.name.lower() for fault in Fault)
OTHER_FAULT = "other"
"""One that this version does not know."""


class Told(NamedTuple):
    """What the metrics say of one room."""

    name: str
    heard: bool
    faults: tuple[str, ...]
    """Names of what was wrong in this hour or the last; of docs/room.md, or OTHER_FAULT."""
    rejected: bool
    """The archive did not take something of it in this hour or the last."""
    behind: bool
    """Something of its meetings that are over has waited for the archive's signature for BEHIND_SECONDS, counted from the
    end of an hour."""
    spool: float | None
    """How full its spool is, in tenths; None if it never said."""
    certificate_ends_ms: int
    """Unix milliseconds; 0 if it never said."""
    started_ms: int
    """The same."""
    selftest_ms: int = 0
    """The same: the beginning of the day of its last self-test, by UTC. A self-test waits for a meeting to end."""
    selftest_found: tuple[str, ...] = ()
    """What self-tests of that day found, by the names of `faults`."""


class _Room:
    def __init__(self) -> None:
        self.online = False
        self.heard = 0.0
        self.status: Status | None = None
        """The last one that is more than a last will."""
        self.waits_since: float | None = None
        self.faults: dict[str, Latch] = {}
        self.rejected = Latch()
        self.selftest_ms = 0
        self.selftest_found: set[str] = set()

    def hear(self, said: Status, now: float) -> None:
        self.online, self.heard = said.online, now
        if not said.version:
            return  # a last will, which tells nothing else
        self.status = said
        for fault in said.faults:
            self.faults.setdefault(_known(fault), Latch()).set(now)
        if (day_ms := said.selftest_ms // DAY_MS * DAY_MS) != self.selftest_ms:
            self.selftest_ms, self.selftest_found = day_ms, set()
        self.selftest_found |= {_known(fault) for fault in said.selftest_found}
        if said.complaint:
            self.rejected.set(now)
        if not said.backlog:
            self.waits_since = None
        elif self.waits_since is None:
            # By the hour: a backlog begins when a meeting ends.
            self.waits_since = (now // HOUR_SECONDS + 1) * HOUR_SECONDS

    def told(self, name: str, now: float) -> Told:
        said = self.status
        return Told(
            name,
            self.online and now - self.heard < SILENT_SECONDS,
            tuple(sorted(fault for fault, latch in self.faults.items() if latch.told(now))),
            self.rejected.told(now),
            self.waits_since is not None and now - self.waits_since >= BEHIND_SECONDS,
            share(said.spool_bytes, said.spool_capacity_bytes) if said and said.spool_capacity_bytes else None,
            said.certificate_ends_ms if said else 0,
            said.started_ms if said else 0,
            self.selftest_ms,
            tuple(sorted(self.selftest_found)),
        )


def _known(fault: str) -> str:
    return fault if fault in FAULTS else OTHER_FAULT


class Rooms:
    """All that are enrolled."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Room] = {}
        self.strangers = Latch()
        """Of rooms that are not enrolled. Not a count: such a room speaks at every change of its state, too."""
        self.unreadable = Latch()
        """Of what was no status."""

    def enrol(self, names: Collection[str]) -> None:
        """Those and no others have a place from now on."""
        self._rooms = {name: self._rooms.get(name) or _Room() for name in names}

    def hear(self, topic: str, payload: bytes, now: float) -> str:
        """A message of the broker's. Returns why it counts for nothing, with nothing of what it says; empty if it counts."""
        try:
            device = topics.parse_status(topic)
        except WireError:
            self.unreadable.set(now)
            return "something is said on a topic that is no room's"
        try:
            said = status.parse(topic, payload)
        except WireError:
            self.unreadable.set(now)
            return f"what {device} says of itself is no status"
        room = self._rooms.get(device)
        if room is None:
            self.strangers.set(now)
            return f"{device} is not enrolled"
        room.hear(said, now)
        return ""

    def told(self, now: float) -> Iterator[Told]:
        """What the metrics say, by name."""
        for name in sorted(self._rooms):
            yield self._rooms[name].told(name, now)

"""The sender's machine: what goes on the road next, and what the archive has signed for. Pure (docs/wire.md, "The sender").

Rules:

1. Nothing counts as stored but what a receipt signs for with the digest of our own bytes. It may then be forgotten.
2. At most `window` items are on the road without a receipt, and no more than receipts come for soon: it begins with
   WINDOW_FIRST, widens while what fills it has its receipts within QUICK_SECONDS, and narrows by half when they take
   SLOW_SECONDS. So a fast road is used, and what must wait, on a slow one or behind a thousand other rooms, waits on this
   device: a live meeting's block, here or in another room, has no more than that before it (docs/adr/0020).
3. On every connection a recording's turn begins with its preamble. The receipt of that tells what the archive has of it, which
   is not sent again; only then the rest follows. So a restart costs one message a recording, not a resend.
4. Orders to purge go before everything but their own preamble, without which nobody could check them later. An order is
   on the road until the purge itself is signed for: that it is stored is not enough.
5. Keybox and consent receipt go when their manifest has a receipt: nothing else says what they must be.
6. Every second place on the road is the newest recording's, as far as it has anything to send: a backlog does not hold up the
   meeting that is running, nor that the backlog. Where the archive is so slow that the window is less than at first, every
   place is: a backlog is safe where it is. The others go one after the other, the oldest first: so each is whole at
   the archive, and gone from this device, as early as can be.
7. An item without a receipt for too long means that the connection, whatever it says of itself, does not work.
8. What the archive does not take is set aside, and offered again on the next connection and after as long as a receipt may
   take: somebody may have mended the cause, for instance enrolled this room there.

A recording is done when its manifest and everything else that was added of it has a receipt. So all of it must have been added
by the time the manifest is on the road. A refused one is done when its purge and its consent receipt are signed for.

No event costs more than the items that it names, but for a lost connection (what was on the road, and each recording once)
and a recording dropped (its items, once): days without the archive are 10^5 items, and the loop that waits for this also
serves the buttons. So a queue is cleaned of what needs no sending only when its turn comes.
"""

import bisect
import collections
import heapq
from dataclasses import dataclass, field

from recorder.sealed.layout import RecordType
from recorder.wire.items import Items
from recorder.wire.receipt import Receipt, Rejected, Stored, item_type
from recorder.wire.records import Beside
from recorder.wire.upload import Name

WINDOW_FIRST, WINDOW_LEAST = 8, 4
QUICK_SECONDS, SLOW_SECONDS = 0.3, 1.0
"""A receipt takes a twentieth to a fifth of a second where nothing waits: a commit of the archive's, and the way. With
WINDOW_LEAST a meeting of a block a second keeps up behind one that takes nearly four."""
RECEIVE_MAXIMUM = 65_535
"""Of a broker that says nothing (MQTT 5, section 3.2.2.3.3)."""
AFTER_THE_MANIFEST = (RecordType.KEYBOX, Beside.RECEIPT)
"""What the archive can judge only by the manifest."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A new connection stands, and our receipts will reach us."""

    most: int = RECEIVE_MAXIMUM
    """The broker takes so many without its acknowledgement."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """It ended. What was on the road may or may not have arrived."""


@dataclass(frozen=True, slots=True)
class Added:
    """An item is durable on this device. `content` is H of its body; `refusal` says that it is an order to purge."""

    name: Name
    content: bytes
    sequence: int
    """Its recording's number on this device: the newest has the largest."""
    refusal: bool = False


@dataclass(frozen=True, slots=True)
class Dropped:
    """The items of a recording in hand, which was refused, are gone from this device, its preamble apart."""

    recording: str


@dataclass(frozen=True, slots=True)
class Received:
    """A receipt whose signature and addressee were found right."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What was to be published cannot be read here. It is tried again on the next connection."""

    name: Name


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by."""


Event = Connected | Disconnected | Added | Dropped | Received | Unreadable | Tick


@dataclass(frozen=True, slots=True)
class Publish:
    """Put this item on the road."""

    name: Name


@dataclass(frozen=True, slots=True)
class Receipted:
    """The archive has signed for these."""

    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """The archive has signed for this recording, whole: it may be forgotten."""

    recording: str


@dataclass(frozen=True, slots=True)
class PurgeConfirmed:
    """The archive has signed that it purged this recording, and for what tells of it."""

    recording: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The archive does not take this item. It is kept here and offered again."""

    name: Name
    reason: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Make the connection anew."""

    reason: str


Action = Publish | Receipted | Done | PurgeConfirmed | NotTaken | Reconnect


@dataclass
class _Recording:
    sequence: int
    items: Items
    """Everything added, until all of it is signed for: a receipt may name any range of it."""
    queue: list[Name] = field(default_factory=list)
    """A heap, in the order of the file: at least all that has no receipt and is neither on the road nor set aside.

    Without preamble and order to purge, which do not wait for a turn.
    """
    set_aside: list[Name] = field(default_factory=list)
    """Not taken by the archive on this connection, or not readable here."""
    greeted: bool = False
    """The preamble's receipt came on this connection."""
    refusal: Name | None = None
    purged: bool = False
    """The archive has signed that it carried out the refusal."""
    over: bool = False
    """Its meeting is: the manifest was added."""

    @property
    def waiting(self) -> int:
        """Items without a receipt."""
        return len(self.items) - self.items.signed

    @property
    def preamble(self) -> Name:
        return Name(self.items.recording, RecordType.PREAMBLE, 0)

    @property
    def manifest(self) -> Name:
        return Name(self.items.recording, RecordType.MANIFEST, 0)

    def enqueue(self, name: Name) -> None:
        if name.type is not RecordType.PREAMBLE and name != self.refusal:
            heapq.heappush(self.queue, name)


class Sender:
    """Of one device. `now` is monotonic, in seconds."""

    def __init__(self, window: int, receipt_timeout_seconds: float) -> None:
        self._window_wanted = self._window_most = window
        self._window = min(WINDOW_FIRST, window)
        self._narrowed = 0.0
        self._timeout = receipt_timeout_seconds
        self._recordings: dict[str, _Recording] = {}
        self._connected = False
        self._on_road: dict[Name, float] = {}
        """When each was sent; the longest waiting first."""
        self._orders: collections.deque[str] = collections.deque()
        """Recordings whose order to purge, or the preamble before it, may go now."""
        self._turns: list[tuple[int, str]] = []
        """Recordings that may have something to send, by their number: the oldest first, each once."""
        self._newest = 0
        """The number of the newest recording that there ever was."""
        self._newest_is_next = True
        """The last place was another's."""
        self._aside_since = 0.0
        self.complaint = ""
        """Why the archive does not take something that is set aside, as it said last; empty while it takes everything."""
        self.waiting = 0
        """Items that the archive has not signed for."""
        self.backlog = 0
        """Of these the items of meetings that are over."""
        self.caught_up = 0
        """Items that it has signed for after their meeting was over, since the start."""

    @property
    def moving(self) -> int:
        """Items without a receipt, of the recordings of which nothing was set aside on this connection."""
        return sum(each.waiting for each in self._recordings.values() if not each.set_aside)

    def receipted(self, recording: str) -> int:
        """How many blocks of this recording the archive has signed for."""
        known = self._recordings.get(recording)
        return known.items.signed_blocks if known is not None else 0

    def is_on_road(self, name: Name) -> bool:
        """Whether it still is: a receipt, a no or the end of the connection takes it off, also before it was read."""
        return name in self._on_road

    def step(self, event: Event, now: float) -> list[Action]:
        """What follows from `event`, in order."""
        actions: list[Action] = []
        match event:
            case Connected(most):
                self._window_most = min(self._window_wanted, most)
                self._connect()
            case Disconnected():
                self._disconnect()
            case Added():
                self._add(event)
            case Dropped(recording):
                self._drop(recording)
            case Received(receipt):
                actions += self._receive(receipt, now)
            case Unreadable(name):
                if self._on_road.pop(name, None) is not None:
                    self._lay_aside(name, now)
            case Tick():
                if self._connected and now - self._aside_since > self._timeout:
                    self._offer_again()
                oldest = next(iter(self._on_road.values()), now)
                if now - oldest > self._timeout:
                    return [Reconnect(f"the archive has signed for nothing in {self._timeout:.0f} s")]
        return actions + self._fill(now)

    def _connect(self) -> None:
        self._disconnect()
        self._connected = True
        for recording in self._recordings:
            self._take_turns(recording)

    def _disconnect(self) -> None:
        self._connected = False
        for name in self._on_road:
            self._recordings[name.recording].enqueue(name)
        self._on_road.clear()
        self._orders.clear()
        self._turns.clear()
        self._newest_is_next = True
        self._window = min(WINDOW_FIRST, self._window_most)
        for recording in self._recordings.values():
            recording.greeted = False
        self._take_back()

    def _take_back(self) -> list[str]:
        """Whatever was set aside is to be sent again; the recordings that it is of."""
        self.complaint = ""
        taken = [name for name, recording in self._recordings.items() if recording.set_aside]
        for each in taken:
            recording = self._recordings[each]
            for name in recording.set_aside:
                recording.enqueue(name)
            recording.set_aside.clear()
        return taken

    def _offer_again(self) -> None:
        for recording in self._take_back():
            self._recordings[recording].greeted = False  # the archive may have forgotten the preamble
            self._take_turns(recording)

    def _lay_aside(self, name: Name, now: float) -> None:
        self._recordings[name.recording].set_aside.append(name)
        self._aside_since = now

    def _add(self, added: Added) -> None:
        name = added.name
        if name.recording not in self._recordings:
            self._recordings[name.recording] = _Recording(added.sequence, Items(name.recording))
            self._newest = max(self._newest, added.sequence)
        recording = self._recordings[name.recording]
        if name in recording.items:
            return
        recording.items.add(name, added.content)
        self.waiting += 1
        if recording.over:
            self.backlog += 1
        elif name == recording.manifest:
            recording.over = True
            self.backlog += recording.waiting
        if added.refusal:
            recording.refusal = name
        recording.enqueue(name)
        if self._connected:
            self._take_turns(name.recording)

    def _drop(self, recording: str) -> None:
        known = self._recordings.get(recording)
        if known is None:
            return
        for name in [name for name in self._on_road if name.recording == recording]:
            if name.type is not RecordType.PREAMBLE:
                del self._on_road[name]
        self.waiting -= known.waiting
        known.items.drop_all_but_the_preamble()
        self.waiting += known.waiting
        known.set_aside.clear()
        known.refusal = None
        known.queue.clear()

    def _receive(self, receipt: Receipt, now: float) -> list[Action]:
        actions: list[Action] = []
        sent: list[float] = []
        full = len(self._on_road) >= self._window
        for stored in receipt.stored:
            actions += self._sign_off(stored, sent)
        if sent:
            self._pace(len(sent), min(sent), now, full=full)
        for purged in receipt.purged:
            known = self._recordings.get(purged.recording)
            if known and known.refusal and known.items[known.refusal].hex() == purged.manifest:
                known.purged = True
                self._on_road.pop(known.refusal, None)
                if known.waiting == 0:  # else this is said again with the receipt for what waits
                    self._forget(purged.recording)
                    actions.append(PurgeConfirmed(purged.recording))
        for rejected in receipt.rejected:
            actions += self._set_aside(rejected, now)
        return actions

    def _pace(self, signed: int, sent: float, now: float, *, full: bool) -> None:
        """Widen or narrow the window: so many were signed for at once, the first of which was sent at `sent`."""
        if now - sent >= SLOW_SECONDS:
            if sent >= self._narrowed:  # else it went with those that told so before
                self._window = max(min(WINDOW_LEAST, self._window_most), self._window // 2)
                self._narrowed = now
        elif full and now - sent < QUICK_SECONDS:
            self._window = min(self._window_most, self._window + signed)

    def _sign_off(self, stored: Stored, sent: list[float]) -> list[Action]:
        """`sent` gets the times when what it signs for went on the road, as far as it was there."""
        recording = self._recordings.get(stored.recording)
        if recording is None:
            return []
        covered = stored.covered(recording.items)
        new = tuple(name for name in covered if not recording.items.is_signed(name))
        for name in new:
            recording.items.sign(name)
        self.waiting -= len(new)
        if recording.over:
            self.backlog -= len(new)
            self.caught_up += len(new)
        for name in covered:
            if name != recording.refusal and name in self._on_road:
                sent.append(self._on_road.pop(name))
            if name.type is RecordType.PREAMBLE and self._connected:
                recording.greeted = True
            if name.type in (RecordType.PREAMBLE, RecordType.MANIFEST) and recording.greeted:
                self._take_turns(stored.recording)
        actions: list[Action] = [Receipted(new)] if new else []
        if recording.over and recording.refusal is None and recording.waiting == 0:
            self._forget(stored.recording)
            actions.append(Done(stored.recording))
        return actions

    def _set_aside(self, rejected: Rejected, now: float) -> list[Action]:
        name = Name(rejected.recording, item_type(rejected.type), rejected.index)
        recording = self._recordings.get(rejected.recording)
        if recording is None or recording.items.get(name, b"").hex() != rejected.content:
            return []
        if self._on_road.pop(name, None) is None:
            return []
        self._lay_aside(name, now)
        # Without its number: of a meeting that runs it tells for how long.
        self.complaint = f"the archive does not take a {rejected.type} of {rejected.recording}: {rejected.reason}"
        return [NotTaken(name, rejected.reason)]

    def _forget(self, recording: str) -> None:
        waiting = self._recordings.pop(recording).waiting
        self.waiting -= waiting
        self.backlog -= waiting
        for name in [name for name in self._on_road if name.recording == recording]:
            del self._on_road[name]

    def _take_turns(self, recording: str) -> None:
        """Let a recording have its turns, and its order to purge at once."""
        known = self._recordings[recording]
        if known.refusal is not None:
            self._orders.append(recording)  # being there twice does no harm
        turn = (known.sequence, recording)
        at = bisect.bisect_left(self._turns, turn)
        if self._turns[at : at + 1] != [turn]:
            self._turns.insert(at, turn)

    def _fill(self, now: float) -> list[Action]:
        """Fill the window."""
        actions: list[Action] = []
        while self._connected and len(self._on_road) < self._window:
            name = self._next()
            if name is None:
                break
            self._on_road[name] = now
            actions.append(Publish(name))
        return actions

    def _next(self) -> Name | None:
        while self._orders:
            recording = self._recordings.get(self._orders.popleft())
            if recording is None or recording.refusal is None or recording.purged:
                continue
            name = recording.refusal if recording.greeted else recording.preamble
            if self._may_go(recording, name):
                return name
        while self._turns:
            first = self._newest_is_next or self._window < min(WINDOW_FIRST, self._window_most)
            at = -1 if first and self._turns[-1][0] == self._newest else 0
            sequence, turn = self._turns[at]
            recording = self._recordings.get(turn)
            following = self._next_of(recording) if recording is not None else None
            if following is not None:
                self._newest_is_next = sequence != self._newest
                return following
            del self._turns[at]
        return None

    def _next_of(self, recording: _Recording) -> Name | None:
        """What may go of this recording now; None until something happens that gives it its turn again."""
        if not recording.greeted:
            return recording.preamble if self._may_go(recording, recording.preamble) else None
        while recording.queue:
            name = heapq.heappop(recording.queue)
            if recording.items.is_signed(name):
                continue
            if name.type in AFTER_THE_MANIFEST and not recording.items.is_signed(recording.manifest):
                recording.enqueue(name)
                return None
            return name
        return None

    def _may_go(self, recording: _Recording, name: Name) -> bool:
        return name in recording.items and name not in self._on_road and name not in recording.set_aside

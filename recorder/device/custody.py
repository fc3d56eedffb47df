"""Custody: what becomes of sealed records between the tap and the road, and of the one key that a refusal destroys.

The order of writing is the promise. A power cut between any two steps must leave either what was, or what will be:

    begin    preamble durable → hold key in the hold → held keybox durable → only then may the tap open
    keep     block durable → only then known to the road
    end      why it ended, durable: from here the client has the grace period
    release  decided in the hold → when, durable → keybox durable → the end, as below → all known to the road
    refuse   hold erased → "refused" durable → blocks and keyboxes gone → the end, as below → known to the road
    the end  manifest durable → receipt durable → chains advanced → hold erased

The keybox is written before the manifest because the manifest names it: a manifest whose keybox died with the hold would
be a lie. From the moment the hold is erased no keybox can come into being, whatever happens later; `release` then says so.
A no may come from another thread at any moment of a release, while the client still sees that there is time. Which of the two
was first is decided in the hold, in one step, before the keybox is on the card: flash keeps old copies, so what was written
there once cannot be taken back. A no after that step is one to the next meeting.

The receipt follows from the manifest, which it names (docs/receipt.md): it is written after it, and before the chains advance
and anybody else knows. So what a crash can leave is a manifest that the chains do not know of, without its receipt: `recover`
writes that one, before another recording can begin. A receipt that names the manifest beside it stays as it is.

What `recover` finds after a crash without a manifest: a no that stands, because it was written down, or is in the journal or
the hold, means that it was refused, so that is completed; a keybox, or a hold that has decided, that the grace period ended
without one, so the release is completed. A hold key means a meeting that was cut off: the client is asked again, also if a no
has come meanwhile, for the buttons live already: its press is about to be heard. None of these means that it is lost, and
that is said too: signed, and, if anything was recorded, to the room.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import canonical
from recorder.audio import Moment
from recorder.device.chain import Chain
from recorder.device.hold import Hold
from recorder.device.receipts import Receipts
from recorder.device.spool import Spool
from recorder.errors import SealedError, SignedTextError, SpoolDamage, WireError
from recorder.sealed import keybox, layout
from recorder.sealed.layout import BlockHeader, Event, Manifest, Preamble, RecordType
from recorder.sealed.ledger import Ledger, refusal
from recorder.sealed.verify import check_block, check_manifest
from recorder.wire import consent, records
from recorder.wire.consent import Terms
from recorder.wire.records import Beside
from recorder.wire.sender import Added
from recorder.wire.upload import Name

UNREADABLE = (SealedError, SignedTextError, SpoolDamage, WireError)
"""How a damaged file on the card shows."""
EVENTS_KEPT_MAX = layout.EVENTS_MAX - 16
"""Events of one meeting; the rest is left to what ends it."""
Ended = Literal["stop", "limit", "fault", "power_loss"]
REFUSED: Final = "refused"
GRACE_OVER: Final = "grace_over"
"""The release was decided. Noted then, because it may be completed days later."""
TOLD_OF_A_REFUSAL = ("notice_given", "notice_spoken", "yes", REFUSED)
"""The events that its manifest tells, all as of the no. Not when recording began: how long it was is part of what is erased."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the journal: an event of the meeting, and whether it ended it."""

    ticks: int
    wall_ms: int
    name: Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,32}$")]
    ended: Literal["", "stop", "limit", "fault", "power_loss", "refused"] = ""
    """One of Ended, or REFUSED; empty if the meeting goes on."""
    sha256: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    """Of what was heard to its end, if that is the event."""


@dataclass
class Recording:
    """The recording in hand."""

    id: str
    """32 hexadecimal digits."""
    preamble_body: bytes
    sequence: int
    ledger: Ledger
    events: list[Event] = field(default_factory=list)
    ended: Ended = "power_loss"
    announcement: str = ""
    """The SHA-256 of the announcement that was heard to its end; empty if none was."""
    unchained: bytes | None = None
    """The body of a manifest, found after a restart, that the chains do not know of yet."""
    suspect: bool = False
    """Its journal is damaged, which may have told of a no: nobody shall open it."""

    @property
    def preamble_hash(self) -> bytes:
        """P: what its uploads carry. 32 bytes."""
        return layout.hash_body(self.preamble_body)

    @property
    def heard(self) -> bool:
        """Whether anything of it was recorded, as far as the card tells."""
        return self.ledger.blocks > 0 or any(event.name == "recording" for event in self.events)


class Custody:
    """Keeps the records of one room. `added(item, preamble_hash)` is called for each that may go on the road."""

    def __init__(
        self,
        spool: Spool,
        hold: Hold,
        chain: Chain,
        receipts: Receipts,
        signing_key: Ed25519PrivateKey,
        terms: Terms,
        added: Callable[[Added, bytes], None],
    ) -> None:
        self._spool = spool
        self._hold = hold
        self._chain = chain
        self._receipts = receipts
        self._signing_key = signing_key
        self._terms = terms
        self._added = added
        self.recording: Recording | None = None
        """Begun, and neither released nor refused."""
        self.damaged: list[str] = []
        """What could not be read on the card and was set aside."""
        self.unread = 0
        """Records of the backlog that the road was not told of yet."""
        self._reading: Iterator[None] = iter(())

    def begin(self, preamble_record: bytes, held_keybox: bytes, hold_key: bytearray) -> Recording:
        """Take a new recording into custody. When this returns, the tap may open, and `hold_key` is overwritten."""
        recording = _parse(preamble_record)
        if recording.sequence != self._chain.sequence:
            raise SealedError(f"recording number {recording.sequence} was begun where {self._chain.sequence} is next")
        self._keep(recording, RecordType.PREAMBLE, 0, preamble_record)
        self.recording = recording
        try:
            self._hold.put(bytes.fromhex(recording.id), hold_key)
        finally:
            hold_key[:] = bytes(len(hold_key))
        self._spool.put_held(recording.id, held_keybox)
        return recording

    def keep(self, block_record: bytes) -> BlockHeader:
        """Keep a sealed block: durable when this returns."""
        recording = self._in_hand()
        _, body = layout.parse_record(block_record)
        header = recording.ledger.check(body)
        self._keep(recording, RecordType.BLOCK, header.index, block_record)
        return recording.ledger.add(body)  # a block that found no room is not part of what the manifest tells

    def note(self, name: str, position: int, moment: Moment, ended: Ended | None = None, *, sha256: str = "") -> None:
        """Note an event at `position` (ticks); `ended` if it ends the meeting, `sha256` of what was heard in it.

        Without a recording: nothing. Beyond EVENTS_KEPT_MAX only what ends the meeting is noted, so that there can always be
        a manifest.
        """
        recording = self.recording
        if recording is None or (ended is None and len(recording.events) >= EVENTS_KEPT_MAX):
            return
        entry = Entry(position, moment.wall_ms, name, ended or "", sha256)
        recording.events.append(Event(entry.ticks, entry.wall_ms, name))
        recording.announcement = sha256 or recording.announcement
        if ended is not None:
            recording.ended = ended
        self._spool.note(recording.id, msgspec.json.encode(entry), ending=ended is not None)

    def release(self, moment: Moment, boot: bytes) -> bool:
        """Let those open it whom it is for: keybox and manifest. False, and nothing released, if a no came first."""
        recording = self._in_hand()
        try:
            body = self._unhold(recording)
        except UNREADABLE as error:
            self.damaged.append(f"the held keybox of {recording.id}: {error}")
            return False
        if body is None or not self._hold.commit():
            return False
        self._note_ending(recording, Entry(recording.ledger.ticks, moment.wall_ms, GRACE_OVER))
        self._spool.put(Name(recording.id, RecordType.KEYBOX, 0), layout.record(RecordType.KEYBOX, body))
        self._complete(recording, body, moment, boot)
        return True

    def write_empty(self, moment: Moment, boot: bytes) -> None:
        """End a meeting without a key, that came to no sample or lost its key. Without a recording: nothing."""
        if self.recording is not None:
            self._complete(self.recording, None, moment, boot)

    def refuse(self, moment: Moment, boot: bytes) -> Recording:
        """Erase the recording in hand, and write the order to purge and the receipt. The key must be destroyed by now."""
        recording = self._in_hand()
        self._note_ending(recording, Entry(0, moment.wall_ms, REFUSED, REFUSED))
        self._complete_refusal(recording, moment, boot)
        self._spool.purge_aside()  # it may be what this no is about
        return recording

    def refuse_nothing(self, preamble_record: bytes, moment: Moment, boot: bytes) -> Recording:
        """The receipt of a no that was said before there was any recording. `preamble_record` is of one without a key."""
        self._spool.make_room()
        self._begin_nothing(preamble_record, ending=True)
        return self.refuse(moment, boot)

    def write_missed(self, preamble_record: bytes, moment: Moment, boot: bytes) -> Recording:
        """Report a meeting that could not be recorded: a manifest of no blocks. `preamble_record` is of one without a key.

        SpoolFull rather than take from the reserve: that is for a no.
        """
        recording = self._begin_nothing(preamble_record, ending=False)
        self.note("missed", 0, moment, "fault")
        self._complete(recording, None, moment, boot)
        return recording

    def refusal_cut_off(self) -> bool:
        """After a restart: whether a no was said of what is unfinished. It must stand durably before `recover` completes it."""
        refused_id = (self._hold.refused() or b"").hex()
        return refused_id in self._spool.aside() or any(
            each == refused_id or self._journal_says_no(each)
            for each in self._spool.recordings()
            if Name(each, RecordType.MANIFEST, 0) not in self._spool.names(each)
        )

    def recover(self, moment: Moment, boot: bytes, *, refused: bool, lost: Callable[[], None]) -> None:
        """After a restart: complete what was decided, tell the road, and take in hand what the client may still refuse.

        `refused` says that a no stands: nothing was begun after it, so what is unfinished is what it refused. `lost` is
        called if something was recorded that nobody can open any more, before that is made so. What the card has damaged
        is set aside: one record that cannot be read shall not stop a room, nor keep the others from leaving it. What was
        finished before the restart is the backlog, for `read_on`.
        """
        self._spool.make_room()
        self.damaged += [f"the preamble of {each}" for each in self._spool.headless]
        aside_before = {*self._spool.aside()} - {*self._spool.headless}
        found = sorted(self._reload_all(), key=lambda each: each.sequence)
        if refused:
            self._spool.purge_aside()  # a no needs no receipt to be carried out
        elif {*self._spool.aside()} - aside_before:
            lost()
        held_id = self._in_hold()
        backlog: list[tuple[Recording, list[Name]]] = []
        for recording in found:
            if recording.unchained is not None:
                self._advance(recording, recording.unchained)
            names = self._spool.names(recording.id)
            box = Name(recording.id, RecordType.KEYBOX, 0)
            if Name(recording.id, RecordType.MANIFEST, 0) in names:
                backlog.append((recording, names))
            elif box in names or (recording.id == held_id and self._hold.committed()):  # decided before any later no
                self._read_records(recording)
                body = self._decided_keybox(recording)
                if body is None:
                    lost()
                self._complete(recording, body, moment, boot)
            elif refused:
                preamble = Name(recording.id, RecordType.PREAMBLE, 0)
                self._added(Added(preamble, recording.preamble_hash, recording.sequence), recording.preamble_hash)
                self._complete_refusal(recording, moment, boot)
            else:
                self._read_records(recording)
                if not recording.suspect and recording.id == held_id and self._has_held(recording):
                    self.recording = recording
                else:
                    if recording.heard:
                        lost()
                    self._complete(recording, None, moment, boot)
        if self.recording is None:
            self._hold.erase()
        backlog.sort(key=lambda each: any(name.type is RecordType.BLOCK for name in each[1]))  # orders to purge first
        self.unread = sum(len(names) for _, names in backlog)
        self._reading = self._read_backlog(backlog)

    def read_on(self, records_max: int) -> None:
        """Read so much more of the backlog. Read at the start, days of it would keep a room dark for minutes.

        The road is told of a recording once it is read whole: a receipt may name any range of it.
        """
        for _ in islice(self._reading, records_max):
            pass

    def read(self, name: Name) -> bytes:
        """The record of that name, as it is on the card."""
        return self._spool.read(name)

    def file_refusal(self, recording: str, purged: bytes) -> None:
        """Keep what tells of a refusal, ours and the archive's (`purged`, as signed), and forget its place in the spool."""
        self._spool.make_room()
        preamble, manifest = (Name(recording, kind, 0) for kind in (RecordType.PREAMBLE, RecordType.MANIFEST))
        self._receipts.keep(f"{recording}.sealed", self._spool.read(preamble) + self._spool.read(manifest))
        receipt = Name(recording, Beside.RECEIPT, 0)
        if receipt in self._spool.names(recording):  # or the card has damaged it
            self._receipts.keep(f"{recording}.receipt", self._spool.read(receipt))
        self._receipts.keep(f"{recording}.purged", purged)
        self.forget(recording)

    def forget(self, recording: str) -> None:
        """Remove a recording for which the archive has signed. What it could not sign for, being damaged, stays aside."""
        if not self._spool.forget(recording):
            self.damaged.append(f"a part of {recording}, which the archive has not")

    def _note_ending(self, recording: Recording, entry: Entry) -> None:
        """Note what must find room, however full the card and however much was noted."""
        recording.events.append(Event(entry.ticks, entry.wall_ms, entry.name))
        self._spool.note(recording.id, msgspec.json.encode(entry), ending=True)

    def _begin_nothing(self, preamble_record: bytes, *, ending: bool) -> Recording:
        """Take in hand what has no key and will have no blocks; `ending` may take from the reserve."""
        recording = _parse(preamble_record)
        self._keep(recording, RecordType.PREAMBLE, 0, preamble_record, ending=ending)
        self.recording = recording
        return recording

    def _complete(self, recording: Recording, keybox_body: bytes | None, moment: Moment, boot: bytes) -> None:
        """The manifest, and what may follow it."""
        ended = recording.ended
        if ended in ("stop", "limit") and recording.ledger.blocks and not recording.ledger.final:
            ended = "power_loss"  # stop was pressed, and then the tail was lost
        record = recording.ledger.manifest(
            self._signing_key,
            ended=ended,
            events=recording.events,
            moment=moment,
            boot=boot,
            keybox_body=keybox_body,
        )
        box = Name(recording.id, RecordType.KEYBOX, 0)
        self._finish(recording, record, () if keybox_body is None else (box,))

    def _complete_refusal(self, recording: Recording, moment: Moment, boot: bytes) -> None:
        self._spool.purge(recording.id)
        told = [event.name for event in recording.events if event.name in TOLD_OF_A_REFUSAL]
        said = (event.wall_ms for event in reversed(recording.events) if event.name == REFUSED)
        no_ms = next(said, moment.wall_ms)  # or it was not written down before the power went
        record = refusal(self._signing_key, recording.preamble_body, told=told, no_ms=no_ms, moment=moment, boot=boot)
        self._finish(recording, record, ())

    def _finish(self, recording: Recording, manifest_record: bytes, before: tuple[Name, ...]) -> None:
        """Write the manifest and the receipt; then the hold and the road may know. `before` is told ahead of them."""
        self._spool.make_room()
        _, body = layout.parse_record(manifest_record)
        name = Name(recording.id, RecordType.MANIFEST, 0)
        self._spool.put(name, manifest_record)
        self._advance(recording, body)
        self._hold.erase()
        self.recording = None
        receipt = Name(recording.id, Beside.RECEIPT, 0)
        if receipt in self._spool.names(recording.id):  # or the card had damaged it, and an earlier manifest
            before = (*before, receipt)
        for each in (*before, name):
            self._added(_item(recording, each, self._spool.read(each)), recording.preamble_hash)

    def _advance(self, recording: Recording, manifest_body: bytes) -> None:
        """Let the chains know of a recording whose manifest is durable, with a receipt that follows from it."""
        if recording.sequence < self._chain.sequence:
            return
        body = self._receipt_of(recording, manifest_body)
        if body is None:
            preamble = canonical.decode(recording.preamble_body[canonical.SIGNATURE_BYTES :], Preamble)
            body = consent.issue(
                self._signing_key, preamble, manifest_body, self._terms, self._chain.receipt, recording.announcement
            )
            self._spool.put(Name(recording.id, Beside.RECEIPT, 0), records.record(Beside.RECEIPT, body))
        self._chain.advance(recording.sequence, layout.hash_body(manifest_body), layout.hash_body(body))

    def _receipt_of(self, recording: Recording, manifest_body: bytes) -> bytes | None:
        """The body of the receipt that is here, if it is of this manifest."""
        name = Name(recording.id, Beside.RECEIPT, 0)
        if name not in self._spool.names(recording.id):
            return None
        try:
            _, body = records.parse_record(self._spool.read(name))
            receipt = consent.check_receipt(self._signing_key.public_key(), body)
        except UNREADABLE:
            return None
        return body if receipt.manifest == layout.hash_body(manifest_body).hex() else None

    def _keep(self, recording: Recording, kind: RecordType, index: int, record: bytes, *, ending: bool = False) -> None:
        name = Name(recording.id, kind, index)
        self._spool.put(name, record, ending=ending)
        self._added(_item(recording, name, record), recording.preamble_hash)

    def _read_backlog(self, backlog: list[tuple[Recording, list[Name]]]) -> Iterator[None]:
        """A step for each record."""
        for recording, names in backlog:
            items = []
            for name in names:
                try:
                    items.append(self._checked_item(recording, name, self._spool.read(name)))
                except UNREADABLE:
                    self._set_aside(recording.id, name)
                if name == names[-1]:
                    self.unread -= len(names)
                    for item in items:
                        self._added(item, recording.preamble_hash)
                yield

    def _reload_all(self) -> list[Recording]:
        found = []
        for each in self._spool.recordings():
            try:
                found.append(self._reload(each))
            except UNREADABLE:
                self._set_aside(each)
        return found

    def _reload(self, recording_id: str) -> Recording:
        """A recording as its preamble, journal and manifest tell it."""
        recording = _parse(self._spool.read(Name(recording_id, RecordType.PREAMBLE, 0)))
        manifest = Name(recording_id, RecordType.MANIFEST, 0)
        if manifest in self._spool.names(recording_id):
            _, body = layout.parse_record(self._spool.read(manifest))
            if recording.sequence >= self._chain.sequence:  # what follows from it is not written for certain
                check_manifest(self._signing_key.public_key(), recording.preamble_hash, body)
                recording.unchained = body
                with suppress(*UNREADABLE):
                    recording.announcement = _announcement(self._journal(recording_id))
            return recording
        try:
            entries = self._journal(recording_id)
        except UNREADABLE:
            recording.suspect = True
            self.damaged.append(f"the journal of {recording_id}")
            return recording
        recording.announcement = _announcement(entries)
        for entry in entries:
            recording.events.append(Event(entry.ticks, entry.wall_ms, entry.name))
            if entry.ended and entry.ended != "refused":
                recording.ended = entry.ended
        return recording

    def _read_records(self, recording: Recording) -> None:
        """Fill the ledger, and tell the road. Not of a refused recording: of that some blocks may be gone already.

        What stands behind a damaged block cannot follow any more, and is set aside too.
        """
        for name in self._spool.names(recording.id):
            if name.type not in (RecordType.PREAMBLE, RecordType.BLOCK):
                continue
            try:
                record = self._spool.read(name)
                item = self._checked_item(recording, name, record)
                if name.type is RecordType.BLOCK:
                    recording.ledger.add(layout.parse_record(record)[1])
            except UNREADABLE:
                self._set_aside(recording.id, name)
            else:
                self._added(item, recording.preamble_hash)

    def _checked_item(self, recording: Recording, name: Name, record: bytes) -> Added:
        """A record as the road knows it; one of UNREADABLE if a bit of it has flipped: the archive would not take it."""
        item = _item(recording, name, record)
        _, body = records.parse_record(record)
        if name.type is RecordType.BLOCK:
            check_block(self._signing_key.public_key(), recording.preamble_hash, body)
        elif name.type is RecordType.MANIFEST:
            check_manifest(self._signing_key.public_key(), recording.preamble_hash, body)
        elif name.type is Beside.RECEIPT:
            consent.check_receipt(self._signing_key.public_key(), body)
        return item

    def _set_aside(self, recording: str, name: Name | None = None) -> None:
        self._spool.set_aside(recording, name)
        self.damaged.append(recording if name is None else f"{name.type.name.lower()} {name.index} of {recording}")

    def _in_hold(self) -> str:
        """The recording whose key is in the hold, or was there until a no that its press is about to tell of."""
        taken = self._hold.take()
        if taken is None:
            return (self._hold.refused() or b"").hex()
        recording, key = taken
        key[:] = bytes(len(key))
        return recording.hex()

    def _journal(self, recording_id: str) -> list[Entry]:
        """The journal's entries. One of UNREADABLE if the card has damaged it: it may have told of a no."""
        try:
            return [msgspec.json.decode(line, type=Entry) for line in self._spool.journal(recording_id)]
        except msgspec.MsgspecError as error:
            raise SealedError(f"{recording_id}: its journal is damaged: {error}") from error

    def _journal_says_no(self, recording_id: str) -> bool:
        try:
            return any(entry.ended == REFUSED for entry in self._journal(recording_id))
        except UNREADABLE:
            return False  # `recover` lets nobody open it

    def _decided_keybox(self, recording: Recording) -> bytes | None:
        """The body of a keybox whose release was decided before a crash, on the card by now; None if it is damaged."""
        name = Name(recording.id, RecordType.KEYBOX, 0)
        try:
            if name in self._spool.names(recording.id):
                _, body = layout.parse_record(self._spool.read(name))
                return body
            body_held = self._unhold(recording)
        except UNREADABLE:
            self.damaged.append(f"the keybox of {recording.id}")
            return None
        if body_held is not None:
            self._spool.put(name, layout.record(RecordType.KEYBOX, body_held))
        return body_held

    def _has_held(self, recording: Recording) -> bool:
        try:
            return self._spool.held(recording.id) is not None
        except SpoolDamage:
            self.damaged.append(f"the held keybox of {recording.id}")
            return False

    def _unhold(self, recording: Recording) -> bytes | None:
        """The keybox's body, with the key in the hold; None if that is not there any more."""
        hold_key = self._held_key(recording)
        if hold_key is None:
            return None
        try:
            held = self._spool.held(recording.id)
            if held is None:
                raise SealedError(f"{recording.id}: the held keybox is gone from the spool")
            return keybox.release_keybox(held, hold_key, recording.preamble_hash)
        finally:
            hold_key[:] = bytes(len(hold_key))

    def _held_key(self, recording: Recording) -> bytearray | None:
        """A copy of the recording's hold key, to be overwritten; None once it is erased."""
        taken = self._hold.take()
        return taken[1] if taken is not None and taken[0].hex() == recording.id else None

    def _in_hand(self) -> Recording:
        if self.recording is None:
            raise SealedError("there is no recording in hand")
        return self.recording


def _item(recording: Recording, name: Name, record: bytes) -> Added:
    """A record as the road knows it; SealedError or SignedTextError if it is damaged."""
    kind, body = records.parse_record(record)
    refused = (
        kind is RecordType.MANIFEST and canonical.decode(body[canonical.SIGNATURE_BYTES :], Manifest).ended == REFUSED
    )
    return Added(name, layout.hash_body(body), recording.sequence, refused)


def _announcement(entries: list[Entry]) -> str:
    return next((entry.sha256 for entry in reversed(entries) if entry.sha256), "")


def _parse(preamble_record: bytes) -> Recording:
    _, body = layout.parse_record(preamble_record)
    preamble = canonical.decode(body[canonical.SIGNATURE_BYTES :], Preamble)
    return Recording(preamble.recording, body, preamble.sequence, Ledger(body))

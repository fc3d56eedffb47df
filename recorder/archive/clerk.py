"""The clerk: a batch of messages in, signed receipts out, and everything between them durable. Knows no network.

The order within a batch is what "signed for" means:

1. judge each upload against the catalogue and what the batch brought before it;
2. write the objects, with fsync, while the catalogue locks their recordings for this writer;
3. commit the catalogue: of a refusal this is the tombstone, after which nothing of the recording is taken any more;
4. have the database forget what was refused, as far as it can, delete it from the store, sign for it, and note that it is gone;
5. sign the receipts.

What an upload tells by itself, which takes most of the time, is checked before (`check`): by another thread, if one likes.
When there is time, the blocks of what was kept are brought together (`gather`).

A crash at any point loses nothing that was signed for: what had not come to 5 comes again, and finds itself there.
"""

import hashlib
import logging
import random
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import canonical
from recorder.archive import naming
from recorder.archive.catalogue import Addition, Catalogue, Item, Writing
from recorder.archive.database import Keys
from recorder.archive.gather import gather
from recorder.archive.naming import Came, Origin
from recorder.archive.rebuild import adopt, adopt_conflicts, beyond_a_refusal
from recorder.archive.store import Store
from recorder.canonical import SIGNATURE_BYTES
from recorder.errors import StoreError, WireError
from recorder.sealed.layout import RecordType
from recorder.wire import topics
from recorder.wire.judge import (
    CONFLICTS_LEFT_BY_A_REFUSAL,
    LEFT_BY_A_REFUSAL,
    Checked,
    Judgement,
    Known,
    Verdict,
    check,
    judge,
)
from recorder.wire.receipt import Purged, Receipt, Rejected, fold, kind, receipts
from recorder.wire.topics import UploadTopic
from recorder.wire.upload import Name, Upload, consecutive

LOG = logging.getLogger(__name__)

TOLD_MAX = 10_000
"""Rejections remembered, so that each is told once. Beyond that some are told again."""
DOMAIN_GROUP = b"wederhoor/1 group\0"


class Message(NamedTuple):
    """As it came from the broker, or goes to it."""

    topic: str
    payload: bytes


@dataclass
class _Plan:
    """What a batch will do, worked out against one state of the catalogue."""

    judged: list[tuple[UploadTopic, Upload, Judgement]] = field(default_factory=list)
    before: dict[str, Known] = field(default_factory=dict)
    after: dict[str, Known] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    """Of new recordings."""
    items: dict[str, list[Item]] = field(default_factory=dict)
    """By recording."""
    came: dict[str, Came] = field(default_factory=dict)
    """Of recordings whose manifest is among them."""
    records: dict[Name, bytes] = field(default_factory=dict)
    """Of these items."""
    conflicts: dict[tuple[Name, bytes], bytes] = field(default_factory=dict)
    """Records to be kept beside, by name and content."""

    @property
    def objects(self) -> dict[str, bytes]:
        """What is to be put into the store, by the objects' names, in order."""
        origins = {naming.origin(recording): canonical.encode(origin) for recording, origin in self.origins.items()}
        runs = consecutive(self.records)
        objects = {naming.items(run): b"".join(self.records[name] for name in run) for run in runs}
        # Behind the manifest: one that a crash left would say of a manifest that comes much later that it had come then.
        came = {naming.came(recording): canonical.encode(each) for recording, each in self.came.items()}
        beside = {naming.conflict(*each): record for each, record in self.conflicts.items()}
        return origins | objects | came | beside


class Clerk:
    """Keeps what comes into `store` and `catalogue`, and signs for it with `key` in the archive's `name`.

    A recording's deletion date is `retention_days` from its making.
    Raises StoreError or CatalogueError if it cannot keep something; then nothing of that batch was signed for.
    """

    def __init__(
        self, name: str, key: Ed25519PrivateKey, store: Store, catalogue: Catalogue, retention_days: int
    ) -> None:
        self._name = name
        self._key = key
        self._store = store
        self._catalogue = catalogue
        self._retention_days = retention_days
        self._to_gather: deque[str] = deque()
        self._told: set[tuple[str, str]] = set()
        """Recordings, and why something of them was rejected."""
        self.verdicts: Counter[Verdict] = Counter()
        """How often each was given since the start."""

    @property
    def group(self) -> str:
        """A secret that all clerks of this archive share: for `topics.shared_uploads`."""
        return f"intake-{hashlib.sha256(DOMAIN_GROUP + self._key.private_bytes_raw()).hexdigest()[:32]}"

    def resume(self, now_ms: int) -> None:
        """Finish the purges that a crash interrupted. To be called once, before the first batch."""
        with self._catalogue.write(Keys()) as writing:
            recordings = writing.unpurged()
            ungathered = writing.ungathered()
        # Each clerk in an order of its own: those that start at once would wait for each other all the way.
        self._to_gather.extend(random.sample(ungathered, len(ungathered)))
        self._purge(recordings, now_ms)

    def gather(self) -> bool:
        """Go on bringing together the blocks of one kept recording, if there is one to do; whether there is more.

        A recording of which a block is missing is told, and left as it is until the next start.
        """
        if self._to_gather:
            recording = self._to_gather[0]
            try:
                done = self._gather_one(recording)
            except StoreError as error:
                LOG.error("the blocks of a recording cannot be brought together: %s", error)  # noqa: TRY400 - no defect
                done = True
            if done:
                self._to_gather.popleft()
        return bool(self._to_gather)

    def _gather_one(self, recording: str) -> bool:
        """Go on with it; whether it is done."""
        with self._catalogue.write(Keys([recording])) as writing:
            if not writing.ungathered([recording]):
                return True  # another clerk has done it
            if not gather(self._store, recording, writing.contents([recording])[recording]):
                return False
            known = writing.known([Name(recording, RecordType.PREAMBLE, 0)])[recording]
            adopt_conflicts(self._store, writing, recording, known)
            writing.gather_done(recording)
            return True

    def check(self, messages: Sequence[Message]) -> list[Checked | None]:
        """What each message is by itself; None if it is no upload. May be called while `process` is at work."""
        uploads = [_parse(message) for message in messages]
        keys = self._catalogue.public_keys({topic.device for topic, _ in filter(None, uploads)})
        return [each and check(*each, keys.get(each[0].device)) for each in uploads]

    def process(self, batch: Sequence[Checked | None], now_ms: int) -> list[Message]:
        """Carry out a batch of what was checked; returns the receipts to send. `now_ms` is Unix time."""
        # Of what is none there is nobody to tell: it has no name.
        self.verdicts[Verdict.REFUSED] += sum(each is None for each in batch)
        # The preamble is judged first, and a keybox after its manifest, whatever the order on the road.
        checked = sorted(filter(None, batch), key=lambda each: each.upload.type)
        if not checked:
            return []
        about = Keys({each.upload.recording for each in checked}, {each.topic.device for each in checked})
        with self._catalogue.write(about) as writing:
            plan = self._store_durably(writing, checked, now_ms)
            writing.add(
                {
                    recording: Addition(plan.origins.get(recording), items, now_ms)
                    for recording, items in plan.items.items()
                }
            )
            writing.add_conflicts(plan.conflicts)
            ended = [recording for recording in plan.items if plan.after[recording].ended is not None]
            lacking = writing.lacking(ended)
            there = writing.contents(
                {
                    upload.recording
                    for _, upload, judgement in plan.judged
                    if judgement.verdict is Verdict.DUPLICATE and upload.type is RecordType.PREAMBLE
                }
            )
            refused = {recording for recording, known in plan.after.items() if known.refused}
            unpurged = writing.unpurged(refused)
            self._to_gather.extend(writing.ungathered(ended))
        self._purge(unpurged, now_ms)
        purges: Sequence[tuple[str, Purged]] = ()
        if refused:
            with self._catalogue.write(Keys()) as writing:
                purges = writing.purges(refused)
        for each in lacking:
            LOG.warning("not kept yet: recording=%s: %d of %d blocks are here", *each)
        for _, _, judgement in plan.judged:
            self.verdicts[judgement.verdict] += 1
        return list(self._sign(plan, there, purges, now_ms))

    def _store_durably(self, writing: Writing, uploads: Sequence[Checked], now_ms: int) -> _Plan:
        """Judge and write the objects. What a crashed batch left under a wanted name is adopted first."""
        plan = self._plan(writing, uploads, now_ms)
        clashes = self._store.put(plan.objects)
        if clashes:
            for recording in sorted({name.partition("/")[0] for name in clashes}):
                LOG.warning("adopting what an interrupted batch left: recording=%s", recording)
                adopt(self._store, writing, recording, now_ms)
            plan = self._plan(writing, uploads, now_ms)
            if self._store.put(plan.objects):
                raise StoreError("objects that the catalogue does not know are in the way; rebuild the catalogue")
        return plan

    def _plan(self, writing: Writing, uploads: Sequence[Checked], now_ms: int) -> _Plan:
        known = writing.known({checked.upload.name for checked in uploads})
        plan = _Plan(before=known, after=dict(known))
        for checked in uploads:
            topic, upload = checked.topic, checked.upload
            state = plan.after[upload.recording]
            judgement = judge(checked, state)
            plan.after[upload.recording] = state.after(topic, upload, judgement)
            plan.judged.append((topic, upload, judgement))
        for topic, upload, judgement in plan.judged:
            if judgement.keep:
                self._keep(plan, topic, upload, judgement, now_ms)
        return plan

    def _keep(self, plan: _Plan, topic: UploadTopic, upload: Upload, judgement: Judgement, now_ms: int) -> None:
        name, known = upload.name, plan.after[upload.recording]
        # What the same batch refuses later is never written at all.
        if judgement.verdict is Verdict.CONFLICT:
            if known.refused and name.type not in CONFLICTS_LEFT_BY_A_REFUSAL:
                return
            plan.conflicts[name, upload.content] = upload.record
        elif not known.refused or name.type in LEFT_BY_A_REFUSAL:
            if plan.before[upload.recording].device is None and upload.recording not in plan.origins:
                origin = Origin(topic.device, upload.preamble_hash.hex(), now_ms, self._retention_days)
                plan.origins[upload.recording] = origin
            plan.records[name] = upload.record
            item = Item.of(name, upload.body, upload.content, judgement.said)
            plan.items.setdefault(upload.recording, []).append(item)
            if name.type is RecordType.MANIFEST and not known.refused:
                plan.came[upload.recording] = Came(now_ms)

    def _purge(self, recordings: Sequence[str], now_ms: int) -> None:
        """Delete what refused recordings left, and keep the archive's receipt of it."""
        if recordings:
            self._catalogue.forget()
        for recording in recordings:
            with self._catalogue.write(Keys([recording])) as writing:  # whoever puts an object has its lock too
                self._store.delete(beyond_a_refusal(self._store, recording))
                for prefix in (f"{recording}/", f"{naming.CONFLICTS}{recording}/"):
                    self._store.settle(prefix)  # a clerk that was killed may have deleted some of it
                ((device, purged),) = writing.purges([recording])
                receipt = Receipt(1, self._name, device, now_ms, (), (purged,), ())
                if self._store.put({naming.purged(recording): receipt.sign(self._key)}):
                    # A crash came between this receipt and its row: what was signed first counts.
                    signed = self._store.get(naming.purged(recording))
                    receipt = canonical.decode(signed[SIGNATURE_BYTES:], Receipt)
                writing.purge_done(recording, receipt.wall_ms)
            LOG.info("purged: recording=%s", recording)

    def _sign(
        self,
        plan: _Plan,
        there: dict[str, dict[Name, bytes]],
        purges: Sequence[tuple[str, Purged]],
        now_ms: int,
    ) -> Iterable[Message]:
        stored: dict[str, dict[Name, bytes]] = {}
        rejected: dict[str, list[Rejected]] = {}
        purged: dict[str, list[Purged]] = {}
        for device, order in purges:
            purged.setdefault(device, []).append(order)
        for topic, upload, judgement in plan.judged:
            match judgement.verdict:
                case Verdict.NEW | Verdict.DUPLICATE:
                    mine = stored.setdefault(topic.device, {})
                    known = plan.after[upload.recording]
                    # Not if the same batch refused it later, or ended without it.
                    if known.deleted or known.contents.get(upload.name) == upload.content:
                        mine[upload.name] = upload.content
                        if upload.type is RecordType.PREAMBLE:
                            mine |= there.get(upload.recording, {})
                case Verdict.CONFLICT | Verdict.REFUSED:
                    rejected.setdefault(topic.device, []).append(self._reject(topic, upload, judgement))
        for device in sorted(stored.keys() | purged.keys() | rejected.keys()):
            for receipt in receipts(
                self._name,
                device,
                now_ms,
                stored=fold(stored.get(device, {})),
                purged=purged.get(device, ()),
                rejected=rejected.get(device, ()),
            ):
                yield Message(topics.down(device), receipt.sign(self._key))

    def _reject(self, topic: UploadTopic, upload: Upload, judgement: Judgement) -> Rejected:
        name = upload.name
        if judgement.keep:  # an alarm, for something new
            LOG.error(
                "%s: device=%s recording=%s %s=%d: %s",
                judgement.verdict,
                topic.device,
                name.recording,
                kind(name.type),
                name.index,
                judgement.reason,
            )
        elif (name.recording, judgement.reason) not in self._told:
            # Once: whoever repeats it shall not fill the log, and each block told would tell how long a meeting was.
            if len(self._told) >= TOLD_MAX:
                self._told.clear()
            self._told.add((name.recording, judgement.reason))
            LOG.warning(
                "%s: device=%s recording=%s: %s", judgement.verdict, topic.device, name.recording, judgement.reason
            )
        return Rejected(name.recording, kind(name.type), name.index, upload.content.hex(), judgement.reason)


def _parse(message: Message) -> tuple[UploadTopic, Upload] | None:
    try:
        topic = UploadTopic.parse(message.topic)
    except WireError:
        LOG.warning("refused: a message on a topic that is none of a device's uploads")
        return None
    try:
        return topic, Upload.parse(message.payload)
    except WireError as error:
        LOG.warning("refused: device=%s: %s", topic.device, error)
        return None

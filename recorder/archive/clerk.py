"""The clerk: a batch of messages in, signed receipts out, and everything between them durable. Knows no network.

The order within a batch is what "signed for" means:

1. parse; judge each upload against the catalogue and what the batch brought before it;
2. write the objects, with fsync, while the catalogue is locked for this writer;
3. commit the catalogue: of a refusal this is the tombstone, after which nothing of the recording is taken any more;
4. have the database forget what was refused, delete it from the store, sign for it, and note that it is gone;
5. sign the receipts.

A crash at any point loses nothing that was signed for: what had not come to 5 comes again, and finds itself there.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import canonical
from recorder.archive import naming
from recorder.archive.catalogue import Catalogue, Item, Writing, adopt, beyond_a_refusal
from recorder.archive.naming import Origin
from recorder.archive.store import Store
from recorder.canonical import SIGNATURE_BYTES
from recorder.errors import StoreError, WireError
from recorder.sealed.layout import RecordType
from recorder.wire import topics
from recorder.wire.judge import CONFLICTS_LEFT_BY_A_REFUSAL, LEFT_BY_A_REFUSAL, Judgement, Known, Verdict, judge
from recorder.wire.receipt import Purged, Receipt, Rejected, fold, kind, receipts
from recorder.wire.topics import UploadTopic
from recorder.wire.upload import Name, Upload

LOG = logging.getLogger(__name__)

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
    objects: dict[str, bytes] = field(default_factory=dict)
    items: dict[str, list[Item]] = field(default_factory=dict)
    """By recording."""
    conflicts: list[Item] = field(default_factory=list)


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
        self.verdicts: Counter[Verdict] = Counter()
        """How often each was given since the start."""

    @property
    def group(self) -> str:
        """A secret that all clerks of this archive share: for `topics.shared_uploads`."""
        return f"intake-{hashlib.sha256(DOMAIN_GROUP + self._key.private_bytes_raw()).hexdigest()[:32]}"

    def resume(self, now_ms: int) -> None:
        """Finish the purges that a crash interrupted. To be called once, before the first batch."""
        with self._catalogue.write() as writing:
            recordings = writing.unpurged()
        self._purge(recordings, now_ms)

    def process(self, batch: Sequence[Message], now_ms: int) -> list[Message]:
        """Carry out a batch; returns the receipts to send. `now_ms` is Unix time."""
        uploads = self._parse(batch)
        if not uploads:
            return []
        with self._catalogue.write() as writing:
            plan = self._store_durably(writing, uploads, now_ms)
            for recording, items in plan.items.items():
                writing.add(recording, plan.origins.get(recording), items)
            writing.add_conflicts(plan.conflicts)
            lacking = writing.lacking(plan.items.keys())
            there = {
                upload.recording: writing.contents(upload.recording)
                for _, upload, judgement in plan.judged
                if judgement.verdict is Verdict.DUPLICATE and upload.type is RecordType.PREAMBLE
            }
            refused = {recording for recording, known in plan.after.items() if known.refused}
            unpurged = writing.unpurged(refused)
        self._purge(unpurged, now_ms)
        with self._catalogue.write() as writing:
            purges = writing.purges(refused)
        for each in lacking:
            LOG.warning("not kept yet: recording=%s: %d of %d blocks are here", *each)
        for _, _, judgement in plan.judged:
            self.verdicts[judgement.verdict] += 1
        return list(self._sign(plan, there, purges, now_ms))

    def _parse(self, batch: Iterable[Message]) -> list[tuple[UploadTopic, Upload]]:
        uploads = []
        for message in batch:
            try:
                topic = UploadTopic.parse(message.topic)
            except WireError:
                self.verdicts[Verdict.REFUSED] += 1
                LOG.warning("refused: a message on a topic that is none of a device's uploads")
                continue
            try:
                uploads.append((topic, Upload.parse(message.payload)))
            except WireError as error:
                # Without a name there is nothing to say to the device about it.
                self.verdicts[Verdict.REFUSED] += 1
                LOG.warning("refused: device=%s: %s", topic.device, error)
        # The preamble is judged first, and a keybox after its manifest, whatever the order on the road.
        return sorted(uploads, key=lambda each: each[1].type)

    def _store_durably(self, writing: Writing, uploads: Sequence[tuple[UploadTopic, Upload]], now_ms: int) -> _Plan:
        """Judge and write the objects. What a crashed batch left under a wanted name is adopted first."""
        plan = self._plan(writing, uploads, now_ms)
        clashes = self._store.put(plan.objects)
        if clashes:
            for recording in sorted({name.partition("/")[0] for name in clashes}):
                LOG.warning("adopting what an interrupted batch left: recording=%s", recording)
                adopt(self._store, writing, recording)
            plan = self._plan(writing, uploads, now_ms)
            if self._store.put(plan.objects):
                raise StoreError("objects that the catalogue does not know are in the way; rebuild the catalogue")
        return plan

    def _plan(self, writing: Writing, uploads: Sequence[tuple[UploadTopic, Upload]], now_ms: int) -> _Plan:
        keys = writing.public_keys({topic.device for topic, _ in uploads})
        known = writing.known({upload.name for _, upload in uploads})
        plan = _Plan(before=known, after=dict(known))
        for topic, upload in uploads:
            state = plan.after[upload.recording]
            judgement = judge(topic, upload, keys.get(topic.device), state)
            plan.after[upload.recording] = state.after(topic, upload, judgement)
            plan.judged.append((topic, upload, judgement))
        for topic, upload, judgement in plan.judged:
            if judgement.keep:
                self._keep(plan, topic, upload, judgement, now_ms)
        return plan

    def _keep(self, plan: _Plan, topic: UploadTopic, upload: Upload, judgement: Judgement, now_ms: int) -> None:
        name, known = upload.name, plan.after[upload.recording]
        item = Item(name, upload.content, len(upload.record), judgement.said)
        # What the same batch refuses later is never written at all.
        if judgement.verdict is Verdict.CONFLICT:
            if known.refused and name.type not in CONFLICTS_LEFT_BY_A_REFUSAL:
                return
            plan.objects[naming.conflict(name, upload.content)] = upload.record
            plan.conflicts.append(item)
        elif not known.refused or name.type in LEFT_BY_A_REFUSAL:
            if plan.before[upload.recording].device is None and upload.recording not in plan.origins:
                origin = Origin(topic.device, upload.preamble_hash.hex(), now_ms, self._retention_days)
                plan.origins[upload.recording] = origin
                plan.objects[naming.origin(upload.recording)] = canonical.encode(origin)
            plan.objects[naming.item(name)] = upload.record
            plan.items.setdefault(upload.recording, []).append(item)

    def _purge(self, recordings: Sequence[str], now_ms: int) -> None:
        """Delete what refused recordings left, and keep the archive's receipt of it."""
        if recordings:
            self._catalogue.forget()
        for recording in recordings:
            with self._catalogue.write() as writing:  # whoever puts an object has the catalogue's lock too
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
                    # Not if the same batch refused it later, or ended without it.
                    if plan.after[upload.recording].contents.get(upload.name) == upload.content:
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
        # The alarm is for what is new; whoever repeats it shall not fill the log with alarms.
        level = logging.ERROR if judgement.keep else logging.WARNING
        LOG.log(
            level,
            "%s: device=%s recording=%s %s=%d: %s",
            judgement.verdict,
            topic.device,
            name.recording,
            kind(name.type),
            name.index,
            judgement.reason,
        )
        return Rejected(name.recording, kind(name.type), name.index, upload.content.hex(), judgement.reason)

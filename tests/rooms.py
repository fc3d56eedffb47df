"""Real recordings of a made-up room, sealed and signed as a device would, for the tests of what stands behind it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from recorder import canonical
from recorder.audio import FRAME_TICKS, Gap, Moment, OpusBlock
from recorder.sealed import layout
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.layout import Event, RecordType
from recorder.sealed.ledger import Ledger, refusal
from recorder.sealed.seal import begin
from recorder.wire.consent import Terms, issue
from recorder.wire.records import Beside, ItemType
from recorder.wire.topics import UploadTopic
from recorder.wire.upload import Upload

WALL_MS = 1_700_000_000_000
BOOT = bytes(16)
RECIPIENT = RecipientPrivateKey.generate("x25519")
"""The classical kind, which is quick to make."""

TERMS = Terms(
    controller="Gemeente Voorbeeld",
    address="Markt 1, Voorbeeld",
    contact="fg@voorbeeld.example",
    storage="the Netherlands",
    evidence_basis="public_task",
    training_basis="consent",
    evidence_days=126,
    training_days=180,
    language="nl",
    everyone_asked=False,
)


def moment(second: int = 0) -> Moment:
    return Moment(WALL_MS + 1_000 * second, 1_000 * second, synced=True)


@dataclass(frozen=True)
class Recording:
    """Everything one meeting could send, as uploads."""

    preamble: Upload
    blocks: tuple[Upload, ...]
    manifest: Upload
    """Ended by `stop`."""
    keybox: Upload
    refusal: Upload
    """The manifest that would be sent instead."""
    receipt: Upload
    """The consent receipt of `manifest`."""
    refusal_receipt: Upload
    """Of `refusal`."""
    topic: UploadTopic

    @property
    def id(self) -> str:
        return self.topic.recording

    @property
    def kept(self) -> tuple[Upload, ...]:
        """In the order of the file."""
        return (self.preamble, *self.blocks, self.manifest, self.keybox)


@dataclass
class Room:
    name: str = "room-1"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    sequence: int = 0
    previous_receipt: bytes = bytes(32)
    """H of the body of the last `receipt`."""
    wall_ms: int = WALL_MS
    """When its meetings begin."""

    @property
    def public_key(self) -> Ed25519PublicKey:
        return self.key.public_key()

    def packets(self, _index: int) -> tuple[bytes, ...]:
        """Of a block: one here, of noise, that is no sound."""
        return (os.urandom(40),)

    def items(self, blocks: int) -> Iterator[OpusBlock | Gap]:
        """What so many blocks hold."""
        for index in range(blocks):
            packets = self.packets(index)
            ticks = len(packets) * FRAME_TICKS
            yield OpusBlock(index * ticks, ticks, packets, False, self.moment(index))

    def moment(self, second: int = 0) -> Moment:
        return Moment(self.wall_ms + 1_000 * second, 1_000 * second, synced=True)

    def record(self, blocks: int = 3, ident: str | None = None, events: Sequence[Event] = ()) -> Recording:
        """A meeting of so many blocks; `ident` forces the recording's id, and the manifest tells of `events`."""
        self.sequence += 1
        forced = None if ident is None else bytes.fromhex(ident)
        record, keybox, sealer = begin(
            self.key,
            device=self.name,
            sequence=self.sequence,
            previous=bytes(32),
            moment=self.moment(),
            boot=BOOT,
            rate=48_000,
            preskip=312,
            pad_bytes=64,
            suite="chacha20poly1305",
            recipients=[RECIPIENT.public],
            random=lambda size: forced if forced is not None and size == 16 else os.urandom(size),
        )
        _, preamble = layout.parse_record(record)
        ledger = Ledger(preamble)
        bodies = []
        for index, item in enumerate(self.items(blocks)):
            _, body = layout.parse_record(sealer.seal(item, final=index == blocks - 1))
            ledger.add(body)
            bodies.append(body)
        _, stop = layout.parse_record(
            ledger.manifest(
                self.key, ended="stop", events=events, moment=self.moment(blocks), boot=BOOT, keybox_body=bytes(keybox)
            )
        )
        _, no = layout.parse_record(
            refusal(
                self.key, preamble, told=(), no_ms=self.moment(blocks).wall_ms, moment=self.moment(blocks), boot=BOOT
            )
        )
        said = canonical.decode(preamble[64:], layout.Preamble)
        ident = said.recording
        receipt, no_receipt = (issue(self.key, said, end, TERMS, self.previous_receipt) for end in (stop, no))
        self.previous_receipt = layout.hash_body(receipt)

        def upload(kind: ItemType, body: bytes) -> Upload:
            return Upload(ident, layout.hash_body(preamble), kind, body)

        return Recording(
            preamble=upload(RecordType.PREAMBLE, preamble),
            blocks=tuple(upload(RecordType.BLOCK, body) for body in bodies),
            manifest=upload(RecordType.MANIFEST, stop),
            keybox=upload(RecordType.KEYBOX, keybox),
            refusal=upload(RecordType.MANIFEST, no),
            receipt=upload(Beside.RECEIPT, receipt),
            refusal_receipt=upload(Beside.RECEIPT, no_receipt),
            topic=UploadTopic(self.name, ident),
        )

    def cut_short(self, recording: Recording, blocks: int) -> Upload:
        """The manifest that ends `recording` after so many blocks, as after a power cut that damaged the next one."""
        ledger = Ledger(recording.preamble.body)
        for block in recording.blocks[:blocks]:
            ledger.add(block.body)
        record = ledger.manifest(
            self.key,
            ended="power_loss",
            events=(),
            moment=self.moment(blocks),
            boot=BOOT,
            keybox_body=recording.keybox.body,
        )
        return Upload(recording.id, recording.preamble.content, *layout.parse_record(record))

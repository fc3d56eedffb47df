"""One recording, opened for somebody who may hear it: any range of its playable file, or any block, and no more is unsealed.

Everything is verified once, when it is opened, without its key. What is unsealed then must be what was verified, byte for byte.
Plaintext is in memory for as long as its range is being read; nothing of it is kept.
"""

import io
from collections.abc import Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recorder.archive import naming
from recorder.archive.export import file_items, list_objects
from recorder.archive.playable import Playable, Sealed
from recorder.archive.reading_room import comments
from recorder.archive.rebuild import keybox_objects, read_items, read_keybox
from recorder.archive.records import Records
from recorder.archive.store import Store
from recorder.audio import Gap, OpusBlock
from recorder.errors import SealedError, StoreError
from recorder.sealed import keybox
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.layout import TAG_BYTES, BlockHeader, RecordType, ciphertext, parse_record
from recorder.sealed.open import NO_KEYBOX, Opener, must_be_opened
from recorder.sealed.verify import verify


class Hearing:
    """`report` tells of the recording, `size` is that of the file in bytes. One thread may use it at a time.

    StoreError if the archive does not have it, SealedError if it is not whole (with `salvage`: if not even its beginning is),
    is another one, was refused, has no keybox, or is not for this key.
    """

    def __init__(
        self,
        store: Store,
        recording: str,
        device_key: Ed25519PublicKey,
        recipient: RecipientPrivateKey,
        *,
        salvage: bool = False,
    ) -> None:
        self._store = store
        self._recording = recording
        self._objects: dict[int, str] = {}
        """In which one each block lies."""
        self._bodies: dict[int, bytes] = {}
        """Of the blocks of the object that was read last."""
        blocks: list[Sealed] = []
        self.report = verify(io.BufferedReader(Records(lambda: self._read(blocks))), [device_key])
        preamble = self.report.preamble
        self.headers: Sequence[BlockHeader] = [each.header for each in blocks[: self.report.blocks]]
        """Of the blocks, in order: what is known of them without opening any."""
        if preamble.recording != recording:
            raise SealedError(f"what lies at the archive as recording {recording} is recording {preamble.recording}")
        must_be_opened(self.report, salvage=salvage)
        self._playable = Playable(
            blocks[: self.report.blocks],
            serial=int(preamble.recording[:8], 16),
            rate=preamble.rate,
            preskip=preamble.preskip,
            comments=comments(self.report),
        )
        self._opener = Opener(self.report, keybox.unwrap(self._keybox(), recipient, self.report.preamble_hash))

    @property
    def size(self) -> int:
        return self._playable.size

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of the file from `start` to before `stop`, in pieces. SealedError or StoreError, as above."""
        return self._playable.read(start, stop, self._unseal)

    def items(self) -> Iterator[OpusBlock | Gap]:
        """All of it in order, one block unsealed at a time. SealedError or StoreError, as above."""
        return map(self.block, range(len(self.headers)))

    def block(self, index: int) -> OpusBlock | Gap:
        """What the block of `headers[index]` holds. SealedError or StoreError, as above."""
        return self._opener.open(index, self._body(index))

    def close(self) -> None:
        """Overwrite the keys: nothing more can be read."""
        self._opener.wipe()
        self._bodies.clear()

    def _read(self, blocks: list[Sealed]) -> Iterator[bytes]:
        """The records of the file, of which what is needed later is noted."""
        blocks.clear()
        for item, record in file_items(self._store, self._recording):
            if item.name.type is RecordType.BLOCK:
                _, body = parse_record(record)
                header = BlockHeader.parse(body)
                plain_bytes = 0 if header.gap else len(ciphertext(body)) - TAG_BYTES
                blocks.append(Sealed(header, plain_bytes))
            yield record

    def _keybox(self) -> bytes:
        """The body of the keybox that counts: the commitment tells whether it has the right key."""
        names = keybox_objects(self._store, self._recording)
        if not names:
            raise SealedError(f"there is no keybox in it: {NO_KEYBOX[self.report.keybox]}")
        return read_keybox(self._store, names[-1])[1]

    def _unseal(self, index: int) -> OpusBlock:
        item = self.block(index)
        assert isinstance(item, OpusBlock)
        return item

    def _body(self, index: int) -> bytes:
        if index not in self._bodies:
            try:
                self._bodies = self._object_with(index)
            except StoreError:
                self._objects = {}  # they may have been brought together meanwhile
                self._bodies = self._object_with(index)
        return self._bodies[index]

    def _object_with(self, index: int) -> dict[int, bytes]:
        """The bodies of the blocks that lie in one object with this one."""
        if not self._objects:
            for found in list_objects(self._store, self._recording):
                for name in naming.parse_items(found):
                    if name.type is RecordType.BLOCK:
                        self._objects.setdefault(name.index, found)
        if index not in self._objects:
            raise StoreError(f"the archive has block {index} of recording {self._recording} no more")
        items = read_items(self._store, self._objects[index])
        return {item.name.index: parse_record(record)[1] for item, record in items}

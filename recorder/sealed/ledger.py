"""The ledger: what the manifest will say, collected from sealed blocks alone.

Whoever keeps it needs no data key. So the process that outlives the meeting and signs its end never held one.
"""

from collections.abc import Sequence
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import canonical
from recorder.audio import Moment
from recorder.errors import SealedError
from recorder.sealed.layout import (
    DOMAIN_MANIFEST,
    GAPS_MAX,
    BlockHeader,
    Event,
    Manifest,
    Missing,
    Preamble,
    RecordType,
    hash_body,
    record,
)
from recorder.sealed.merkle import MerkleTree


class Ledger:
    """Of one recording: give it every block's body, in order."""

    def __init__(self, preamble_body: bytes) -> None:
        self._preamble_hash = hash_body(preamble_body)
        self._recording = canonical.decode(preamble_body[canonical.SIGNATURE_BYTES :], Preamble).recording
        self._tree = MerkleTree()
        self._gaps: list[Missing] = []
        self._last: BlockHeader | None = None

    @property
    def ticks(self) -> int:
        """Position behind the last block."""
        return 0 if self._last is None else self._last.end

    @property
    def blocks(self) -> int:
        return self._tree.entries

    @property
    def final(self) -> bool:
        """Whether the last block says that the room ended the recording there; False without blocks."""
        return self._last is not None and self._last.final

    def check(self, block_body: bytes) -> BlockHeader:
        """The block's header; SealedError if the block does not follow the one before it, or no manifest could tell of it."""
        header = BlockHeader.parse(block_body)
        header.check_follows(self._last)
        if header.gap and len(self._gaps) >= GAPS_MAX:
            raise SealedError(f"the recording has {GAPS_MAX} gaps, the most that a manifest can tell")
        return header

    def add(self, block_body: bytes) -> BlockHeader:
        """Note a block; SealedError as `check`."""
        header = self.check(block_body)
        if header.cause is not None:
            self._gaps.append(Missing(header.position, header.length, header.cause))
        self._tree.add(hash_body(block_body))
        self._last = header
        return header

    def manifest(
        self,
        signing_key: Ed25519PrivateKey,
        *,
        ended: Literal["stop", "limit", "fault", "power_loss"],
        events: Sequence[Event],
        moment: Moment,
        boot: bytes,
        keybox_body: bytes | None,
    ) -> bytes:
        """The manifest's record: the blocks so far are all there are. No `keybox_body`: nobody will ever open it.

        SealedError if `ended` tells of an end that the blocks do not have.
        """
        keybox = None if keybox_body is None else hash_body(keybox_body).hex()
        return self._sign(signing_key, ended, events, moment, boot, keybox)

    def _sign(
        self,
        signing_key: Ed25519PrivateKey,
        ended: Literal["stop", "limit", "fault", "power_loss", "refused"],
        events: Sequence[Event],
        moment: Moment,
        boot: bytes,
        keybox: str | None,
    ) -> bytes:
        manifest = Manifest(
            version=1,
            recording=self._recording,
            preamble=self._preamble_hash.hex(),
            ended=ended,
            blocks=self.blocks,
            root=self._tree.root().hex(),
            ticks=self.ticks,
            gaps=tuple(self._gaps),
            events=tuple(events),
            wall_ms=moment.wall_ms,
            monotonic_ms=moment.monotonic_ms,
            synced=moment.synced,
            boot=boot.hex(),
            keybox=keybox,
        )
        manifest.check_end(self._last)
        return record(RecordType.MANIFEST, canonical.signed(DOMAIN_MANIFEST, signing_key, canonical.encode(manifest)))


def refusal(
    signing_key: Ed25519PrivateKey,
    preamble_body: bytes,
    *,
    told: Sequence[str],
    no_ms: int,
    moment: Moment,
    boot: bytes,
) -> bytes:
    """The record of the manifest that refuses a recording. It orders its erasure and tells nothing else.

    `told` are the names of its events. Each has the time of the no, `no_ms` (Unix milliseconds): one of its own, together
    with the no's, would tell how long was recorded.
    """
    events = [Event(0, no_ms, name) for name in told]
    return Ledger(preamble_body)._sign(signing_key, "refused", events, moment, boot, None)

"""Verifying: is a recording whole, in order, from that room, at that time? Needs no key that opens anything.

`check_preamble`, `check_block` and `check_manifest` judge one body by itself, signature first; the archive's intake
uses them on records that come in any order. `verify` judges a file: each part by itself, then all against each other.

A block is authentic if its own signature is right, or if the root in an authentic manifest covers its bytes. So a whole
recording takes two signatures and a hash a block: `verify` first reads without the blocks' signatures. Only if no
manifest covers what it read, it reads again with them, to say exactly where the first flaw is.

The order of a file, as the states of one small machine (anything else is a flaw):

    (start) -preamble-> BLOCKS -block-> BLOCKS -manifest-> KEYBOX -keybox-> END
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recorder import canonical
from recorder.audio import Moment
from recorder.errors import SealedError, SignedTextError
from recorder.sealed.keys import device_key_hash
from recorder.sealed.layout import (
    DOMAIN_BLOCK,
    DOMAIN_MANIFEST,
    DOMAIN_PREAMBLE,
    TAG_BYTES,
    BlockHeader,
    Event,
    Keybox,
    Manifest,
    Missing,
    Preamble,
    RecordType,
    ciphertext,
    hash_body,
    split,
)
from recorder.sealed.merkle import MerkleTree

CLOCK_STEP_MS = 2_000
"""More than this between the two clocks' advances is reported as a step."""


class State(StrEnum):
    WHOLE = "whole"
    """Everything is authentic, agrees, and nothing is missing."""
    REFUSED = "refused"
    """The meeting was refused; no audio is there."""
    OPEN = "open"
    """Authentic and continuous, but without an end: a running meeting, or one that was cut short."""
    CUT = "cut"
    """Something is missing, altered, out of order or of another recording."""


class KeyboxState(StrEnum):
    PRESENT = "present"
    ABSENT = "absent"
    """Not in this file: not yet released, withheld, or destroyed with the recording's deletion."""
    NONE = "none"
    """The device says that there is none: nobody can ever open this recording."""


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The wall clock was set during the recording."""

    index: int
    """The first block after it."""
    milliseconds: int
    """How far from the clock that held until then: the first block's, or the last step's. Negative: set back."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a recording's public side tells. Counts, gaps and times are of the authentic blocks before any flaw."""

    state: State
    flaw: str | None
    """The first flaw, in words; None unless `state` is CUT."""
    preamble: Preamble
    preamble_hash: bytes
    manifest: Manifest | None
    """None if there is none, or it is not authentic."""
    contents: tuple[bytes, ...]
    """H of each block's body: exactly what was judged."""
    ticks: int
    gaps: tuple[Missing, ...]
    final: bool
    """Whether the last block says that the room ended the recording there."""
    first: Moment | None
    """Of the first block."""
    last: Moment | None
    """Of the last block."""
    clock_steps: tuple[ClockStep, ...]
    keybox: KeyboxState

    @property
    def blocks(self) -> int:
        return len(self.contents)

    @property
    def events(self) -> tuple[Event, ...]:
        return () if self.manifest is None else self.manifest.events

    @property
    def ended(self) -> str | None:
        return None if self.manifest is None else self.manifest.ended


def check_preamble(public_key: Ed25519PublicKey, body: bytes) -> Preamble:
    """The preamble in `body`; SealedError if it is not this device's, or malformed."""
    try:
        preamble = canonical.decode(canonical.open_signed(DOMAIN_PREAMBLE, public_key, body), Preamble)
    except SignedTextError as error:
        raise SealedError(f"the preamble: {error}") from error
    if preamble.device_key != device_key_hash(public_key).hex():
        raise SealedError("the preamble names another device key than the one that signed it")
    return preamble


def check_block(public_key: Ed25519PublicKey, preamble_hash: bytes, body: bytes) -> BlockHeader:
    """The header of the block in `body`; SealedError if it is not of this device and recording, or malformed."""
    signature, signed = body[: canonical.SIGNATURE_BYTES], body[canonical.SIGNATURE_BYTES :]
    try:
        public_key.verify(signature, DOMAIN_BLOCK + preamble_hash + signed)
    except InvalidSignature as error:
        raise SealedError("a block was altered, or is of another recording: its signature is wrong") from error
    return BlockHeader.parse(body)


def check_manifest(public_key: Ed25519PublicKey, preamble_hash: bytes, body: bytes) -> Manifest:
    """The manifest in `body`; SealedError if it is not of this device and recording, or malformed."""
    try:
        manifest = canonical.decode(canonical.open_signed(DOMAIN_MANIFEST, public_key, body), Manifest)
    except SignedTextError as error:
        raise SealedError(f"the manifest: {error}") from error
    if manifest.preamble != preamble_hash.hex():
        raise SealedError("the manifest is of another recording")
    return manifest


def verify(stream: BinaryIO, public_keys: Sequence[Ed25519PublicKey]) -> Report:
    """Judge the sealed recording in `stream` (seekable) by the devices' public keys.

    SealedError if it does not begin with the preamble of one of these devices: then nothing can be said of it.
    """
    start = stream.tell()
    reading = _Reading(public_keys, signatures=False)
    flaw = reading.read(stream)
    if not reading.covered:
        stream.seek(start)
        reading = _Reading(public_keys, signatures=True)
        flaw = reading.read(stream)
    return reading.report(flaw)


class _Reading:
    """One pass over a file: what was found right so far."""

    def __init__(self, public_keys: Sequence[Ed25519PublicKey], *, signatures: bool) -> None:
        self._public_keys = public_keys
        self._signatures = signatures
        self._signer: Ed25519PublicKey
        self._preamble: Preamble | None = None
        self._preamble_hash = b""
        self._tree = MerkleTree()
        self._contents: list[bytes] = []
        self._last: BlockHeader | None = None
        self._first: BlockHeader | None = None
        self._clock_ms = 0
        self._steps: list[ClockStep] = []
        self._gaps: list[Missing] = []
        self._manifest: Manifest | None = None
        self._keybox = False
        self.covered = False
        """Whether an authentic manifest covers the blocks in front of it: then their signatures tell nothing more."""

    def read(self, stream: BinaryIO) -> str | None:
        """The first flaw, in words; None if there is none."""
        try:
            for kind, body in split(stream):
                self.add(kind, body)
        except SealedError as error:
            return str(error)
        return None

    def add(self, kind: RecordType, body: bytes) -> None:
        """Judge the next record; SealedError at a flaw, and then nothing of it counts."""
        if self._keybox:
            raise SealedError("something follows the keybox")
        if self._preamble is None:
            self._add_preamble(kind, body)
        elif kind is RecordType.BLOCK and self._manifest is None:
            self._add_block(self._preamble, body)
        elif kind is RecordType.MANIFEST and self._manifest is None:
            self._add_manifest(self._preamble, body)
        elif kind is RecordType.KEYBOX and self._manifest is not None:
            self._add_keybox(self._preamble, self._manifest, body)
        else:
            raise SealedError(f"a {kind.name.lower()} stands where none may be")

    def _add_preamble(self, kind: RecordType, body: bytes) -> None:
        if kind is not RecordType.PREAMBLE:
            raise SealedError("it does not begin with a preamble")
        flaws = ["no device key was given"]
        for public_key in self._public_keys:
            try:
                self._preamble = check_preamble(public_key, body)
            except SealedError as error:
                flaws.append(str(error))
            else:
                self._preamble_hash, self._signer = hash_body(body), public_key
                return
        raise SealedError(flaws[-1])

    def _add_block(self, preamble: Preamble, body: bytes) -> None:
        try:
            header = (
                check_block(self._signer, self._preamble_hash, body) if self._signatures else BlockHeader.parse(body)
            )
        except SealedError as error:
            raise SealedError(f"at block {self._tree.entries}: {error}") from error
        header.check_follows(self._last)
        if (len(ciphertext(body)) - TAG_BYTES) % preamble.pad_bytes:
            raise SealedError(f"block {header.index} is not padded as the preamble says")
        content = hash_body(body)
        self._tree.add(content)
        self._contents.append(content)
        self._note_clock(header)
        if header.cause is not None:
            self._gaps.append(Missing(header.position, header.length, header.cause))
        self._last = header

    def _note_clock(self, header: BlockHeader) -> None:
        clock_ms = header.moment.wall_ms - header.moment.monotonic_ms
        if self._first is None:
            self._first, self._clock_ms = header, clock_ms
        if abs(clock_ms - self._clock_ms) > CLOCK_STEP_MS:
            self._steps.append(ClockStep(header.index, clock_ms - self._clock_ms))
            self._clock_ms = clock_ms

    def _add_manifest(self, preamble: Preamble, body: bytes) -> None:
        manifest = check_manifest(self._signer, self._preamble_hash, body)
        self._manifest = manifest
        self.covered = manifest.root == self._tree.root().hex()
        if manifest.recording != preamble.recording:
            raise SealedError("the manifest names another recording than its preamble")
        if manifest.blocks != self._tree.entries:
            raise SealedError(f"the manifest tells of {manifest.blocks} blocks, and {self._tree.entries} are here")
        if not self.covered:
            raise SealedError("the blocks are not those that the manifest was made of")
        if manifest.ticks != (0 if self._last is None else self._last.end):
            raise SealedError("the manifest tells of another length than the blocks have")
        if manifest.gaps != tuple(self._gaps):
            raise SealedError("the manifest tells of other gaps than the blocks")
        manifest.check_end(self._last)

    def _add_keybox(self, preamble: Preamble, manifest: Manifest, body: bytes) -> None:
        if hash_body(body).hex() != manifest.keybox:
            raise SealedError("the keybox is not the one that the manifest names")
        key_ids = tuple(key_id.hex() for key_id, _ in Keybox.parse(body).entries)
        if key_ids != preamble.recipients:
            raise SealedError("the keybox is for other recipients than the preamble names")
        self._keybox = True

    def report(self, flaw: str | None) -> Report:
        """The result; SealedError if not even the preamble was right."""
        if self._preamble is None:
            raise SealedError(flaw or "it is empty")
        if flaw is not None:
            state = State.CUT
        elif self._manifest is None:
            state = State.OPEN
        else:
            state = State.REFUSED if self._manifest.ended == "refused" else State.WHOLE
        if self._keybox:
            keybox = KeyboxState.PRESENT
        elif self._manifest is not None and self._manifest.keybox is None:
            keybox = KeyboxState.NONE
        else:
            keybox = KeyboxState.ABSENT
        return Report(
            state=state,
            flaw=flaw,
            preamble=self._preamble,
            preamble_hash=self._preamble_hash,
            manifest=self._manifest,
            contents=tuple(self._contents),
            ticks=0 if self._last is None else self._last.end,
            gaps=tuple(self._gaps),
            final=self._last is not None and self._last.final,
            first=None if self._first is None else self._first.moment,
            last=None if self._last is None else self._last.moment,
            clock_steps=tuple(self._steps),
            keybox=keybox,
        )

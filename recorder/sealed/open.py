"""Opening: from a sealed recording and a recipient's private key to packets and gaps.

The whole file is verified first. Then each block is read again, and opened only if its bytes are those that were
judged. Its AEAD would not do: every recipient knows the data key, and none may put words into a recording.

The keys of blocks are a chain that runs one way. Who wants a moment in the middle steps there from the nearest of the places
that were noted on the way, one in STRIDE_BLOCKS.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recorder.audio import Gap, OpusBlock
from recorder.errors import SealedError
from recorder.sealed import keybox
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.layout import (
    BlockHeader,
    Preamble,
    RecordType,
    ciphertext,
    hash_body,
    header_bytes,
    parse_packets,
    split,
)
from recorder.sealed.ratchet import Ratchet, commits, overwrite
from recorder.sealed.verify import KeyboxState, Report, State, verify

STRIDE_BLOCKS = 256
NO_KEYBOX = {
    KeyboxState.ABSENT: "the file is cut short, for the keybox is its end; or it is not yet released, withheld, or destroyed; "
    "or the archive has given the recording other keys: these are a file of their own, of this one's name and .keybox, to be "
    "put beside it",
    KeyboxState.NONE: "none was ever released, as for a meeting that ended before anything was recorded",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A recording that may be listened to."""

    report: Report
    """If its state is not WHOLE this was salvaged, and whoever hears it must be told `report.flaw`."""
    items: Iterator[OpusBlock | Gap]
    """The audio in order, once. Raises SealedError where the key shows a flaw that no verifier could see."""


class Opener:
    """Opens the blocks of a recording that `report` tells of, in any order.

    `data_key` is overwritten. SealedError if it is not the one that the preamble commits to.
    """

    def __init__(self, report: Report, data_key: bytearray) -> None:
        self._report = report
        preamble = report.preamble
        try:
            if not commits(bytes.fromhex(preamble.commitment), data_key, bytes.fromhex(preamble.recording)):
                raise SealedError("the keybox holds another key than the preamble commits to")
            self._marks = [Ratchet(data_key, report.preamble_hash, preamble.suite)]
        finally:
            overwrite(data_key)
        self._at, self._ratchet = 0, self._marks[0].fork()

    def open(self, index: int, body: bytes) -> OpusBlock | Gap:
        """What block `index` holds, of this body; SealedError if it is not the one that was judged, or does not open."""
        if not 0 <= index < self._report.blocks or hash_body(body) != self._report.contents[index]:
            raise SealedError("the file was changed while it was read")
        self._go_to(index)
        self._at += 1
        return _open_block(
            BlockHeader.parse(body), body, self._report.preamble, self._report.preamble_hash, self._ratchet
        )

    def wipe(self) -> None:
        """Overwrite what it has of keys: nothing is opened any more."""
        for each in (*self._marks, self._ratchet):
            each.wipe()

    def _go_to(self, index: int) -> None:
        near = min(index // STRIDE_BLOCKS, len(self._marks) - 1)
        if not near * STRIDE_BLOCKS <= self._at <= index:
            self._ratchet.wipe()
            self._at, self._ratchet = near * STRIDE_BLOCKS, self._marks[near].fork()
        while True:
            if self._at == len(self._marks) * STRIDE_BLOCKS:
                self._marks.append(self._ratchet.fork())
            if self._at == index:
                return
            self._ratchet.skip()
            self._at += 1


def open_recording(
    stream: BinaryIO,
    device_keys: Sequence[Ed25519PublicKey],
    recipient: RecipientPrivateKey,
    *,
    other_keybox: bytes | None = None,
    salvage: bool = False,
) -> Opened:
    """Verify and open what `stream` (seekable, and open until the last item was taken) holds.

    `other_keybox` is the body of one that counts instead of the file's own. No device signed it, and it needs none: the
    preamble, which is signed, commits to the key that must be in it.
    SealedError if it is not whole (with `salvage`: if not even its beginning is), was refused, has no keybox, or is
    not for this key.
    """
    start = stream.tell()
    report = verify(stream, device_keys)
    must_be_opened(report, salvage=salvage)
    stream.seek(start)
    body = _find_keybox(stream, report) if other_keybox is None else other_keybox
    opener = Opener(report, keybox.unwrap(body, recipient, report.preamble_hash))
    stream.seek(start)
    return Opened(report, _items(stream, report, opener))


def must_be_opened(report: Report, *, salvage: bool) -> None:
    """SealedError if a recording of which this was found is not to be opened; with `salvage` one that is not whole is."""
    if report.state is State.REFUSED:
        raise SealedError("the recording was refused: its audio was erased, and no key to it exists")
    if report.state is not State.WHOLE and not salvage:
        raise SealedError(f"the recording is not whole: {report.flaw or 'it has no end'}")


def _find_keybox(stream: BinaryIO, report: Report) -> bytes:
    """The keybox's body, wherever it stands: the commitment tells whether it is the right one."""
    try:
        for kind, body in split(stream):
            if kind is RecordType.KEYBOX:
                return body
    except SealedError:
        pass  # the flaw is in the report; what matters here is that no keybox came before it
    raise SealedError(f"there is no keybox in it: {NO_KEYBOX[report.keybox]}")


def _items(stream: BinaryIO, report: Report, opener: Opener) -> Iterator[OpusBlock | Gap]:
    try:
        records = split(stream)
        next(records)  # the preamble
        for index, (_, body) in zip(range(report.blocks), records, strict=False):
            yield opener.open(index, body)
    finally:
        opener.wipe()


def _open_block(
    header: BlockHeader, body: bytes, preamble: Preamble, preamble_hash: bytes, ratchet: Ratchet
) -> OpusBlock | Gap:
    try:
        plain = ratchet.decrypt(ciphertext(body), preamble_hash + header_bytes(body))
    except InvalidTag as error:
        raise SealedError(f"block {header.index} does not open with the recording's key") from error
    if header.cause is not None:
        return Gap(header.position, header.length, header.cause, header.moment)
    packets = parse_packets(plain, preamble.pad_bytes)
    if len(packets) != header.packets:
        raise SealedError(f"block {header.index} has {len(packets)} packets where its length needs {header.packets}")
    return OpusBlock(header.position, header.length, packets, header.flushed, header.moment)

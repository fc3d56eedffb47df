"""What the reading room makes of a recording and keeps, a masked copy or a training fragment, is sealed as a recording is.

It is a sealed recording like any other (docs/sealed-recording.md): with a data key of its own, for the same recipients,
signed by the reading room's own key under the device name DEVICE. So it lies in a store as ciphertext, `recorder verify`
judges it, `Hearing` plays it, and destroying one keybox makes it unreadable. Its preamble says that no room recorded it;
what it was made of, by whom and why is for the audit trail to tell, not for the fragment.

Each stands alone, the first of no sequence: a chain would need one writer for all, and tell nothing that the audit trail
does not. Its times are those of its making: a fragment that told when it was recorded would tell of whom.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder.archive import naming
from recorder.archive.copying import Track
from recorder.archive.naming import Origin
from recorder.archive.store import Store
from recorder.audio import Moment
from recorder.canonical import SIGNATURE_BYTES, decode, encode
from recorder.config import Seal
from recorder.errors import StoreError
from recorder.sealed import layout, seal
from recorder.sealed.keys import RecipientPublicKey
from recorder.sealed.layout import NO_PREVIOUS, BlockHeader, Preamble, RecordType
from recorder.sealed.ledger import Ledger
from recorder.wire.upload import Name

DEVICE = "reading-room"


def sealed(
    track: Track,
    *,
    signing_key: Ed25519PrivateKey,
    recipients: Sequence[RecipientPublicKey],
    moment: Moment,
    boot: bytes,
    settings: Seal,
    random: Callable[[int], bytes | bytearray],
) -> Iterator[bytes]:
    """The records of a whole recording of it, one block of the track at a time.

    `moment` is now, `boot` the kernel's boot id (16 bytes); the rest as for `seal.begin`. Errors as `Track.items`;
    ValueError if there is no audio in it.
    """
    preamble, keybox, sealer = seal.begin(
        signing_key,
        device=DEVICE,
        sequence=1,
        previous=bytes.fromhex(NO_PREVIOUS),
        moment=moment,
        boot=boot,
        rate=track.rate,
        preskip=track.preskip,
        pad_bytes=settings.pad_bytes,
        suite=settings.suite,
        recipients=recipients,
        random=random,
    )
    try:
        ledger = Ledger(layout.parse_record(preamble)[1])
        item = next(track.items, None)
        if item is None:
            raise ValueError("there is nothing to seal")
        yield preamble
        while item is not None:
            following = next(track.items, None)
            item = replace(item, moment=moment.later(item.position))
            record = sealer.seal(item, final=following is None)
            ledger.add(layout.parse_record(record)[1])
            yield record
            item = following
    finally:
        sealer.wipe()
    end = moment.later(ledger.ticks)
    yield ledger.manifest(signing_key, ended="stop", events=[], moment=end, boot=boot, keybox_body=keybox)
    yield layout.record(RecordType.KEYBOX, keybox)


def keep(store: Store, records: Iterable[bytes], now_ms: int, retention_days: int) -> str:
    """Put what `sealed` makes into the store, as the archive lays a recording out; returns its id.

    Its keybox comes last: of one that was not finished nothing is ever heard. `now_ms` is Unix time. StoreError if the store
    fails. For the catalogue it is then a recording that it does not know yet (`rebuild.adopt`).
    """
    left = iter(records)
    record = next(left)
    _, body = layout.parse_record(record)
    recording = decode(body[SIGNATURE_BYTES:], Preamble).recording
    origin = Origin(DEVICE, layout.hash_body(body).hex(), now_ms, retention_days)
    _put(store, naming.origin(recording), encode(origin))
    _put(store, naming.items([Name(recording, RecordType.PREAMBLE, 0)]), record)
    stretch: list[tuple[Name, bytes]] = []
    for record in left:
        kind, body = layout.parse_record(record)
        name = Name(recording, kind, BlockHeader.parse(body).index if kind is RecordType.BLOCK else 0)
        if stretch and (kind is not RecordType.BLOCK or naming.stretch(name) != naming.stretch(stretch[0][0])):
            _put(store, naming.items([each for each, _ in stretch]), b"".join(part for _, part in stretch))
            stretch = []
        if kind is RecordType.BLOCK:
            stretch.append((name, record))
        else:
            _put(store, naming.items([name]), record)
    return recording


def _put(store: Store, name: str, data: bytes) -> None:
    if store.put({name: data}):
        raise StoreError(f"{name}: is in the store already with other bytes; make the copy again")

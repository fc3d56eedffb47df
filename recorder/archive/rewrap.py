r"""Other keys for recordings that are here already: a reading room gets a new key, or a second one is put by.

    RECORDING/rewrapped/NUMBER = H of the keybox that the room sent [32] ‖ body of the keybox that counts now

The data key stays, and so do the blocks: what it is sealed to changes. The room's own keybox and every one before the newest
are deleted, so that the old private key opens nothing here any more; once it is destroyed it opens no older backup either. The
manifest names the room's keybox by its hash, so that a recording verifies as whole with its keybox absent. Whether another
one has the right key is told by what the preamble commits to.

Nothing is deleted before the new private key has opened what was written.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recorder.archive import naming
from recorder.archive.catalogue import Catalogue
from recorder.archive.database import Keys
from recorder.archive.rebuild import keybox_objects, list_conflicts, read_items, read_keybox
from recorder.archive.store import Store
from recorder.errors import SealedError, StoreError
from recorder.sealed import keybox
from recorder.sealed.keys import RecipientPrivateKey, RecipientPublicKey
from recorder.sealed.layout import Keybox, Preamble, RecordType, hash_body, parse_record
from recorder.sealed.ratchet import commits, overwrite
from recorder.wire.upload import Name


@dataclass(frozen=True, slots=True)
class Rotation:
    """From which key to which ones. `to` must be among those who open it afterwards; `escrow` may be, too."""

    old: RecipientPrivateKey
    to: RecipientPrivateKey
    escrow: Sequence[RecipientPublicKey] = ()

    @property
    def recipients(self) -> list[RecipientPublicKey]:
        return [self.to.public, *self.escrow]


def rewrap(store: Store, catalogue: Catalogue, recording: str, rotation: Rotation) -> bool:
    """Have `rotation.recipients`, and no others, open this recording; whether there was anything to do.

    Done again after a crash it finishes. SealedError if the old key does not open it, or the new one would not; then it is as
    it was. StoreError if the store fails.
    """
    with catalogue.write(Keys([recording])) as writing:
        standing = writing.standing(recording)
        if standing is None or standing.state != "kept":
            return False
        names = keybox_objects(store, recording)
        if not names:
            return False  # the room says that there is none
        *older, newest = names
        content, body = read_keybox(store, newest)
        wanted = [each.key_id for each in rotation.recipients]
        done = [key_id for key_id, _ in Keybox.parse(body).entries] == wanted
        if not done:
            made = _made(store, recording, body, rotation)
            _put(store, naming.rewrapped(recording, naming.rewrapped_number(newest) + 1), content + made)
            older.append(newest)
        beside = [
            naming.conflict(*each) for each in list_conflicts(store, recording) if each[0].type is RecordType.KEYBOX
        ]
        store.delete([*older, *beside])
        return not done or bool(older or beside)


def _made(store: Store, recording: str, body: bytes, rotation: Rotation) -> bytes:
    """The keybox for those who shall open the recording, which the new key was seen to open."""
    ((item, record),) = read_items(store, naming.items([Name(recording, RecordType.PREAMBLE, 0)]))
    preamble, preamble_hash = item.said, hash_body(parse_record(record)[1])
    assert isinstance(preamble, Preamble)
    commitment = bytes.fromhex(preamble.commitment)
    data_key = keybox.unwrap(body, rotation.old, preamble_hash)
    try:
        if not commits(commitment, data_key, bytes.fromhex(recording)):
            raise SealedError("the keybox holds another key than the preamble commits to")
        made = keybox.wrap(data_key, rotation.recipients, preamble_hash)
    finally:
        overwrite(data_key)
    again = keybox.unwrap(made, rotation.to, preamble_hash)
    right = commits(commitment, again, bytes.fromhex(recording))
    overwrite(again)
    if not right:
        raise SealedError("the new key does not open what was sealed to it")
    return made


def _put(store: Store, name: str, data: bytes) -> None:
    if store.put({name: data}):
        raise StoreError(
            f"{name}: is there already, with other bytes: somebody rewraps this recording without its lock"
        )

"""Delete a recording, so that it is gone for good, can be shown to be, and does not come back out of a backup.

Each step is durable before the next one begins:

1. the tombstone, and the row that says so: from here on nothing of the recording is taken in, brought together or given out;
2. a line in the list of deletions, which no backup takes back (`deletions.py`);
3. its keyboxes are destroyed, those that were kept beside too: from here on nobody can open it;
4. everything else but its origin and its consent receipt;
5. the certificate (`certificate.py`), in the place of the tombstone, and the row that says that it is done.

So nothing of it is ever gone while its key is still there, and what a crash left is known by its tombstone, or by its row:
`finish` does the rest. Whoever deletes has the recording's lock, as whoever stores does; of two, one has nothing left to do.

What is left in the catalogue tells no length: no block's hash, no time in the room, not when the manifest came. Of a recording
that was whole no block's hash is needed: whatever its device signed under its preamble had come, and is signed for again, for a
device whose receipts were lost (`wire/judge.py`). Of one that never was whole they would be of no use: a room forgets it as
a whole, and what never came is not signed for. The consent receipt says when the meeting ended, and for how long at most it
is kept after it began: who has it can tell how long the meeting was. It stays, for it is what shows what was agreed.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import canonical
from recorder.archive import naming
from recorder.archive.catalogue import Catalogue, Standing, Writing
from recorder.archive.certificate import Certificate, Tombstone
from recorder.archive.database import Keys
from recorder.archive.deletions import Deletions, Listed
from recorder.archive.rebuild import adopt, beyond_a_deletion, is_keybox, tombstone
from recorder.archive.retention import Cause
from recorder.archive.store import Store
from recorder.errors import CatalogueError
from recorder.sealed.layout import RecordType
from recorder.wire.upload import Name

LOG = logging.getLogger(__name__)

PORTION_RECORDINGS = 500
LOOKS_AT_ONCE_MAX = 16
"""Into a store that is far away each takes some 20 ms."""
DONE = Standing("deleted", settled=True)


class Deleter:
    """Deletes from `store` and `catalogue`, and certifies it with `key` in the archive's `name`. `clock` tells Unix ms.

    Raises StoreError or CatalogueError if it cannot go on; what it had begun is to be finished then.
    """

    def __init__(
        self,
        name: str,
        key: Ed25519PrivateKey,
        store: Store,
        catalogue: Catalogue,
        deletions: Deletions,
        clock: Callable[[], int],
    ) -> None:
        self._name = name
        self._key = key
        self._store = store
        self._catalogue = catalogue
        self._deletions = deletions
        self._clock = clock

    def delete(self, recording: str, cause: Cause) -> None:
        """Delete a kept or open recording; one that is deleted already stays so. CatalogueError if there is none to delete."""
        with self._catalogue.write(Keys([recording])) as writing:
            standing = writing.standing(recording)
            if standing is None or standing.state == "refused":
                what = "there is none" if standing is None else "it was refused, and nothing of it is left"
                raise CatalogueError(f"recording {recording} cannot be deleted: {what}")
            if standing.state != "deleted":
                self._bury(writing, recording, Listed(self._clock(), cause))
        self._carry_out(recording)

    def finish(self) -> None:
        """Finish the deletions that a crash interrupted. To be called before anything is served."""
        with self._catalogue.write(Keys()) as writing:
            noted = {
                recording: Listed(decided_ms, Cause(cause)) for recording, decided_ms, cause in writing.undeleted()
            }
        begun = {name.removeprefix(naming.DELETING) for name in self._store.list(naming.DELETING)}
        for recording in sorted(begun | noted.keys()):
            self._do_again(recording, noted.get(recording))

    def reapply(self) -> int:
        """Delete again whatever stands in the list and is there; how many that were. To be called before anything is served.

        Each of them is looked for in the store too, whatever the catalogue says: either may be out of a backup, or both.
        """
        listed, number = self._deletions.read(), 0
        with ThreadPoolExecutor(LOOKS_AT_ONCE_MAX) as pool:
            for portion in _portions(listed):
                standing = self._catalogue.standing(portion)
                there = pool.map(self._came_back, portion, map(standing.get, portion))
                for recording in (each for each, back in zip(portion, there, strict=True) if back):
                    LOG.warning("deleted again, for it was restored: recording=%s", recording)
                    self._do_again(recording, listed[recording])
                    number += 1
        return number

    def _came_back(self, recording: str, standing: Standing | None) -> bool:
        """Whether there is anything of a deleted recording that may not be, or the catalogue does not know that it is one."""
        if standing is None:
            return any(True for _ in self._store.list(f"{recording}/"))
        return standing != DONE or bool(beyond_a_deletion(self._store, recording))

    def _do_again(self, recording: str, listed: Listed | None) -> None:
        """Do it from the beginning, whatever the catalogue says. None: as its tombstone says, if that is still there."""
        with self._catalogue.write(Keys([recording])) as writing:
            if listed is None and not list(self._store.list(naming.deleting(recording))):
                return  # another process has just done it
            if writing.standing(recording) is None:
                if not list(self._store.list(naming.origin(recording))):
                    # Not even whose it was is known: there is nothing to note it of.
                    self._store.delete(beyond_a_deletion(self._store, recording))
                    return
                adopt(self._store, writing, recording, self._clock())
            self._bury(writing, recording, listed)
        self._carry_out(recording)

    def _bury(self, writing: Writing, recording: str, listed: Listed | None) -> None:
        """Put the tombstone, and note it. One that a crash left counts, and so does a certificate: what was decided first."""
        buried = tombstone(self._store, recording)
        if buried is None:
            assert listed is not None
            ((_, contents),) = writing.contents([recording]).items()
            manifest, keybox = (
                contents.get(Name(recording, kind, 0)) for kind in (RecordType.MANIFEST, RecordType.KEYBOX)
            )
            buried = Tombstone(
                recording,
                listed.cause,
                listed.decided_ms,
                kept=writing.was_kept(recording),
                manifest=None if manifest is None else manifest.hex(),
                keybox=None if keybox is None else keybox.hex(),
            )
            self._store.put({naming.deleting(recording): canonical.encode(buried)})
        writing.bury(buried)

    def _carry_out(self, recording: str) -> None:
        """Do what is left to be done of a deletion whose tombstone is there, and noted."""
        self._catalogue.forget()
        with self._catalogue.write(Keys([recording])) as writing:
            if writing.standing(recording) == DONE:
                return  # another process has done it
            buried = tombstone(self._store, recording)
            assert buried is not None
            self._deletions.note(recording, Listed(buried.decided_ms, buried.cause))
            gone = beyond_a_deletion(self._store, recording)
            self._store.delete([name for name in gone if is_keybox(name)])
            key_destroyed_ms = self._clock()
            self._store.delete(name for name in gone if not is_keybox(name))
            for prefix in (f"{recording}/", f"{naming.CONFLICTS}{recording}/"):
                self._store.settle(prefix)  # one that was killed may have deleted some of it
            self._certify(buried, key_destroyed_ms, self._clock())
            self._store.delete([naming.deleting(recording)])
            writing.deletion_done(recording)
        LOG.info("deleted: recording=%s cause=%s", recording, buried.cause)

    def _certify(self, buried: Tombstone, key_destroyed_ms: int, blocks_gone_ms: int) -> None:
        has_receipt = bool(list(self._store.list(naming.receipt(buried.recording))))
        certificate = Certificate(
            version=1,
            archive=self._name,
            deletion=buried,
            key_destroyed_ms=key_destroyed_ms,
            blocks_gone_ms=blocks_gone_ms,
            device="signed_for" if buried.kept and has_receipt else "may_hold",
            broker="keeps_nothing",
            backups="deleted_again",
        )
        # If one is there, a crash came between it and its row, or a backup brought something back: it tells of the first time.
        self._store.put({naming.deleted(buried.recording): certificate.sign(self._key)})


def _portions(recordings: Iterable[str]) -> Iterator[Collection[str]]:
    left = iter(recordings)
    while portion := list(islice(left, PORTION_RECORDINGS)):
        yield portion

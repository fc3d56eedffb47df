"""The reading room: it plays by permits, to the pages alone, and writes down who hears before it gives a sound.

It has the key, and is a process and a user of its own. What it is asked for comes over a socket in the file system, and it
believes nothing of that but the number of a permit: the permit, the person, their roles and the recording it reads itself.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recorder.archive.hearing import Hearing
from recorder.archive.store import Store
from recorder.archive.web.archive import archive
from recorder.archive.web.clock import now_ms
from recorder.archive.web.meetings.seen import Seen
from recorder.errors import SealedError
from recorder.sealed.keys import RecipientPrivateKey, RecipientPublicKey

OPEN_MAX = 32
"""Recordings that are open at once; of more, the one that was not asked for for longest is closed."""
OPEN_SECONDS = 900.0
"""A recording that nobody asks for any more is closed."""


Act = tuple[str, ...]
"""What somebody is given by a permit: the permit, the person, the recording and what for, as they are now."""


@dataclass
class _Open:
    hearing: Hearing
    asked: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    closed: bool = False


class Room:
    """The recordings that are being heard, each opened once for each permit."""

    def __init__(self, recipient: RecipientPrivateKey) -> None:
        self._recipient = recipient
        self._lock = threading.Lock()
        self._slow = threading.Lock()
        self._open: dict[UUID, _Open] = {}
        self._told: dict[Act, int] = {}
        self._telling = threading.Lock()

    @contextmanager
    def telling(self, act: Act, until_ms: int) -> Iterator[bool]:
        """Whether it must still be written down that somebody is given this; it counts as written if nothing fails.

        Each act once for this process. What the database says of it does not do: the pages write there, too.
        """
        with self._telling:
            if act in self._told:
                yield False
                return
            yield True
            now = now_ms()
            self._told = {each: until for each, until in self._told.items() if until > now} | {act: until_ms}

    @contextmanager
    def hearing(self, permit: UUID, seen: Seen) -> Iterator[Hearing]:
        """The recording, for one who uses it at a time. SealedError or StoreError if it cannot be opened."""
        while True:
            found = self._found(permit, seen)
            with found.lock:
                if not found.closed:
                    yield found.hearing
                    return

    @contextmanager
    def alone(self, seen: Seen) -> Iterator[Hearing]:
        """The recording, opened once more for something that takes long, and closed behind it; one such thing at a time."""
        with self._slow:
            hearing = self.open(seen)
            try:
                yield hearing
            finally:
                hearing.close()

    @property
    def recipient(self) -> RecipientPublicKey:
        """For whom is sealed what is made here."""
        return self._recipient.public

    def fragment(self, store: Store, number: str, key: Ed25519PublicKey) -> Hearing:
        """A fragment that was sealed here, for one who closes it. SealedError or StoreError."""
        return Hearing(store, number, key, self._recipient)

    def permits(self) -> list[UUID]:
        """By which something is open now."""
        with self._lock:
            return list(self._open)

    def close(self, permit: UUID) -> None:
        """Overwrite the keys of what was heard by this."""
        with self._lock:
            found = self._open.pop(permit, None)
        if found is not None:
            with found.lock:
                found.closed = True
                found.hearing.close()

    def sweep(self) -> None:
        """Close what nobody has asked for in a while, and what is too much."""
        now = time.monotonic()
        with self._lock:
            by_age = sorted(self._open, key=lambda each: self._open[each].asked)
            old = {each for each in by_age if now - self._open[each].asked > OPEN_SECONDS}
        for each in old.union(by_age[: max(0, len(by_age) - OPEN_MAX)]):
            self.close(each)

    def _found(self, permit: UUID, seen: Seen) -> _Open:
        with self._lock:
            found = self._open.get(permit)
            if found is not None:
                found.asked = time.monotonic()
                return found
        made = _Open(self.open(seen), time.monotonic())
        with self._lock:
            found = self._open.setdefault(permit, made)
        if found is not made:  # another thread was faster
            made.hearing.close()
        self.sweep()
        return found

    def open(self, seen: Seen) -> Hearing:
        """The recording, for one who goes through all of it and closes it. SealedError or StoreError."""
        key = archive().catalogue.public_keys([seen.row.device]).get(seen.row.device)
        if key is None:
            raise SealedError(f"{seen.row.device} is not enrolled any more: there is no key to check it with")
        return Hearing(archive().store, seen.recording, key, self._recipient)

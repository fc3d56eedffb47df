r"""The audit trail: what people did with recordings, each line bound to all lines before it (A1).

    entry      = number, time, who, what, of which recording, and with what result; plain ASCII, canonical JSON
    hash       = SHA-256("wederhoor/1 audit\0" ‖ hash of the line before[32] ‖ text)        zeros before the first
    details    = what else stands in a line: case, reason, words of people; in any language
    checkpoint = signature[64] ‖ text        signature = Sign(archive, "wederhoor/1 audit checkpoint\0" ‖ text)

Who rewrites a line must rewrite all after it, and no longer agrees with any checkpoint that has left the house: those are made
to be published. They tell how many lines there are and a hash, and nothing of any of them.

**What may be forgotten.** Details tell of people, and are deleted when their time is over, as a recording is. An entry has
their hash with a salt, which goes with them: then nobody can tell by trying what they said. The entry stays, and the chain with
it, until the whole line is old enough: the oldest lines go, and the chain then begins at the last one gone, whose number and
hash a checkpoint tells. How old that is shows that none went before its time: who cuts the beginning off is seen, too.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from recorder import canonical
from recorder.canonical import INTEGER_MAX, DeviceName, Hex16, Hex32, Natural
from recorder.errors import AuditError, SignedTextError

DOMAIN_LINE = b"wederhoor/1 audit\0"
DOMAIN_DETAILS = b"wederhoor/1 audit details\0"
DOMAIN_CHECKPOINT = b"wederhoor/1 audit checkpoint\0"
START = bytes(32)
"""What stands for the line before the first."""
SALT_BYTES = 16
_RESTORED = "; or a backup was restored that is older than this checkpoint (docs/operating.md, If a backup is restored)"
KEPT_DAYS = 1_096
"""For how long a line stays: three years."""

Word = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
Person = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
"""The id of an account, a token or a program; never a name."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in a line for as long as the line does. `wall_ms` is Unix time."""

    number: Annotated[int, Meta(ge=1, le=INTEGER_MAX)]
    wall_ms: Natural
    person: Person
    role: Word
    action: Word
    purpose: Word | None
    recording: Hex16 | None
    device: DeviceName | None
    """The room where the recording was made: so its lines can be found when the recording has gone. The workstation is not in
    a line: behind a web server its address is what that says it is, it tells more of the person than of the act, and what
    stands in a line cannot be forgotten before the line is. The web server's log has it, for as long as that needs it."""
    result: Literal["done", "refused", "failed"]
    details: Hex32 | None
    """`hash_details` of what else stands in it; None if nothing does."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, as it is kept."""

    text: bytes
    """Of the entry."""
    hash: bytes
    details: bytes | None = None
    """None also when they were deleted."""
    salt: bytes | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """How far a chain goes: the number of its last line, and that line's hash."""

    number: int
    hash: bytes


BEGINNING = Place(0, START)


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a checkpoint. `wall_ms` is Unix time."""

    archive: Annotated[str, Meta(pattern=r"^[ !#-\[\]-~]{1,64}$")]
    number: Natural
    hash: Hex32
    wall_ms: Natural


def hash_details(details: bytes, salt: bytes) -> bytes:
    """What an entry has of them; 32 bytes. `salt` is random, of SALT_BYTES, and used once."""
    return sha256(DOMAIN_DETAILS + salt + details).digest()


def write(before: Place, entry: Entry, details: bytes | None = None, salt: bytes | None = None) -> Line:
    """The line of `entry` behind `before`. Details need a salt, and the entry their hash."""
    if entry.number != before.number + 1:
        raise AuditError(f"line {entry.number} cannot follow line {before.number}")
    _check_details(entry, details, salt)
    text = canonical.encode(entry)
    return Line(text, _hash(before.hash, text), details, salt)


def check(lines: Iterable[Line], before: Place = BEGINNING) -> Iterator[tuple[Place, Entry]]:
    """The entries of `lines`, which follow `before`, each with its place. AuditError at the first that is not as written."""
    for line in lines:
        number = before.number + 1
        try:
            entry = canonical.decode(line.text, Entry)
        except SignedTextError as error:
            raise AuditError(f"line {number} of the audit trail was altered: {error}") from error
        if entry.number != number:
            raise AuditError(f"line {number} of the audit trail is missing: {entry.number} stands in its place")
        if line.hash != _hash(before.hash, line.text):
            raise AuditError(f"line {number} of the audit trail was altered, or one before it")
        if line.details is not None or line.salt is not None:
            _check_details(entry, line.details, line.salt)
        before = Place(number, line.hash)
        yield before, entry


def sign(key: Ed25519PrivateKey, archive: str, place: Place, wall_ms: int) -> bytes:
    """A checkpoint to publish: so far the chain goes now."""
    text = canonical.encode(Checkpoint(archive, place.number, place.hash.hex(), wall_ms))
    return canonical.signed(DOMAIN_CHECKPOINT, key, text)


def open_checkpoint(public_key: Ed25519PublicKey, body: bytes) -> Checkpoint:
    """The checkpoint in `body`; AuditError if it is not this archive's, or malformed."""
    try:
        return canonical.decode(canonical.open_signed(DOMAIN_CHECKPOINT, public_key, body), Checkpoint)
    except SignedTextError as error:
        raise AuditError(f"the checkpoint of the audit trail: {error}") from error


def agree(places: Iterable[Place], checkpoints: Iterable[Checkpoint], *, kept_from_ms: int) -> None:
    """AuditError if a checkpoint tells of another line than the one of its number, or of one behind the last.

    And if lines are gone from the beginning that no checkpoint tells to be from before `kept_from_ms`. `places` are those of
    all lines that are there, in order, and what they follow. A checkpoint of an older line tells nothing of them.
    """
    known = {place.number: place.hash for place in places}
    first, last = min(known, default=0), max(known, default=0)
    gone_ms: int | None = None
    for each in checkpoints:
        if each.number > last:
            raise AuditError(
                f"a checkpoint tells of {each.number} lines, and the audit trail ends with {last}{_RESTORED}"
            )
        if each.number >= first and known[each.number].hex() != each.hash:
            raise AuditError(
                f"the audit trail was rewritten: line {each.number} is not the one that was published{_RESTORED}"
            )
        if each.number == first:
            gone_ms = each.wall_ms if gone_ms is None else min(gone_ms, each.wall_ms)
    if first and (gone_ms is None or gone_ms > kept_from_ms):
        raise AuditError(f"the audit trail begins behind line {first}, and no checkpoint tells that this is old enough")


def check_all(lines: Iterable[Line], before: Place, checkpoints: Collection[Checkpoint], *, kept_from_ms: int) -> Place:
    """The last place of a whole trail: `check` and `agree` at once, of however many lines. AuditError as they do."""
    told = {each.number for each in checkpoints}
    needed, last = [before], before
    for last, _ in check(lines, before):
        if last.number in told:
            needed.append(last)
    agree([*needed, last], checkpoints, kept_from_ms=kept_from_ms)
    return last


def _hash(before: bytes, text: bytes) -> bytes:
    return sha256(DOMAIN_LINE + before + text).digest()


def _check_details(entry: Entry, details: bytes | None, salt: bytes | None) -> None:
    if details is None and salt is None and entry.details is None:
        return
    if details is None or salt is None or entry.details is None or len(salt) != SALT_BYTES:
        raise AuditError(f"line {entry.number} of the audit trail: details, their salt and their hash go together")
    if hash_details(details, salt).hex() != entry.details:
        raise AuditError(f"line {entry.number} of the audit trail: its details were altered")

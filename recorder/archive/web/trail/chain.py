"""The whole trail as it is kept: walking it, checking it, signing how far it goes, and letting the oldest of it go.

Lines stay for KEPT_DAYS (A1). Then those go that an old enough checkpoint tells of, and the chain begins behind that one.
"""

from collections.abc import Collection, Iterable, Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db import transaction
from django.db.models import QuerySet

from recorder import canonical
from recorder.archive import audit
from recorder.archive.audit import BEGINNING, KEPT_DAYS, Place
from recorder.archive.listing import rows
from recorder.archive.web.archive import archive, terms
from recorder.archive.web.trail.models import Checkpoint, Head, Line
from recorder.errors import AuditError, SignedTextError
from recorder.wire.consent import DAY_MS

PORTION_ROWS = 500


def walk(after: int = 0) -> Iterator[Line]:
    """The lines behind this number, in their order; those too that are written meanwhile."""
    while found := list(Line.objects.filter(number__gt=after).order_by("number")[:PORTION_ROWS]):
        yield from found
        after = found[-1].number


def kept(line: Line) -> audit.Line:
    """As `audit` checks it."""
    details = None if line.details is None else bytes(line.details)
    salt = None if line.salt is None else bytes(line.salt)
    return audit.Line(bytes(line.text), bytes(line.hash), details, salt)


def beginning() -> Place:
    """What the first line that is there follows. AuditError if lines are gone and no checkpoint tells of the last of them."""
    first = Line.objects.order_by("number").values_list("number", flat=True).first()
    gone = (first if first is not None else end().number + 1) - 1
    if gone == 0:
        return BEGINNING
    checkpoint = Checkpoint.objects.filter(number=gone).first()
    if checkpoint is None:
        raise AuditError(f"the audit trail begins behind line {gone}, and no checkpoint tells of that")
    return Place(gone, bytes.fromhex(told(checkpoint).hash))


def told(checkpoint: Checkpoint) -> audit.Checkpoint:
    """What it tells; whether its signature is right is another question: `own_checkpoints`."""
    try:
        return canonical.decode(bytes(checkpoint.body)[canonical.SIGNATURE_BYTES :], audit.Checkpoint)
    except SignedTextError as error:
        raise AuditError(f"the checkpoint of line {checkpoint.number} was altered: {error}") from error


def end() -> Place:
    """Where the next line is written behind."""
    head = Head.objects.first()
    return BEGINNING if head is None else Place(head.number, bytes(head.hash))


def own_checkpoints(key: Ed25519PublicKey) -> list[audit.Checkpoint]:
    """Those in the database; AuditError if one was not made by the archive that has this key."""
    return [audit.open_checkpoint(key, bytes(each.body)) for each in Checkpoint.objects.order_by("number")]


def check(checkpoints: Collection[audit.Checkpoint], now_ms: int) -> tuple[Place, Place]:
    """Walk all of it; returns what the first line follows, and the last. AuditError at the first that is not as it was written.

    In its text, or in the columns beside it. Lines that are written meanwhile are walked too.
    """
    ended, before = end(), beginning()
    lines = _as_its_columns_say(walk(before.number), ended)
    last = audit.check_all(lines, before, checkpoints, kept_from_ms=now_ms - KEPT_DAYS * DAY_MS)
    if last.number < ended.number:
        raise AuditError(f"the audit trail should go on to line {ended.number}, and ends with {last.number}")
    return before, last


def sign(key: Ed25519PrivateKey, name: str, now_ms: int) -> Checkpoint:
    """A checkpoint of how far the trail goes now; the one that is there if nothing was written since."""
    place = end()
    body = audit.sign(key, name, place, now_ms)
    made, _new = Checkpoint.objects.get_or_create(number=place.number, defaults={"body": body, "wall_ms": now_ms})
    return made


def forget(now_ms: int) -> int:
    """What is old enough goes: whole lines after KEPT_DAYS, and the words of people when the ceiling of recordings is over.

    Returns how many lines went. They go to the newest checkpoint that is as old: by it whoever checks the trail sees that none
    went before its time (`recorder.archive.audit`). Words that tell of a recording stay for as long as that does: its client
    may ask who listened, and why.
    """
    old, lines = Checkpoint.objects.filter(wall_ms__lte=now_ms - KEPT_DAYS * DAY_MS).order_by("-number").first(), 0
    if old is not None:
        with transaction.atomic():
            lines, _ = Line.objects.filter(number__lte=old.number).delete()
            Checkpoint.objects.filter(number__lt=old.number).delete()
    before_ms, after = now_ms - terms().ceiling_days * DAY_MS, 0
    while found := list(_with_words(after).filter(wall_ms__lt=before_ms)[:PORTION_ROWS]):
        there = rows(archive().catalogue, {each.recording for each in found if each.recording})
        alive = {each.recording for each in there if each.state in ("open", "kept")}
        gone = [each.number for each in found if each.recording not in alive]
        Line.objects.filter(number__in=gone).update(details=None, salt=None)
        after = found[-1].number
    return lines


def _with_words(after: int) -> QuerySet[Line]:
    return Line.objects.filter(number__gt=after, details__isnull=False).order_by("number")


def _as_its_columns_say(lines: Iterable[Line], ended: Place) -> Iterator[audit.Line]:
    """Each line; AuditError if a column beside its text, by which it is found, says something else than the text.

    And if line `ended.number`, which was the last, has another hash than stands in the head.
    """
    for line in lines:
        found = kept(line)
        try:
            entry = canonical.decode(found.text, audit.Entry)
        except SignedTextError:
            yield found  # `audit.check` says what is wrong with it
            continue
        for name in ("number", "wall_ms", "person", "action", "recording", "device", "result"):
            if getattr(line, name) != getattr(entry, name):
                raise AuditError(f"line {line.number} of the audit trail: its column {name} was altered")
        if entry.number == ended.number and found.hash != ended.hash:
            raise AuditError(f"line {ended.number} of the audit trail is not the one that was written last")
        yield found

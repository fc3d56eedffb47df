"""How long lines are kept (A1): three years, and then the oldest go, at a checkpoint that shows that they were as old.

A checkpoint is made every night. The beginning is cut off at the newest one that was made three years ago: whoever checks the
trail sees by it that nothing went before its time (`recorder.archive.audit`).
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction

from recorder.archive import audit
from recorder.archive.audit import Place
from recorder.archive.web.clock import now_ms
from recorder.archive.web.trail import writing
from recorder.archive.web.trail.models import Checkpoint, Line
from recorder.wire.consent import DAY_MS

KEPT_DAYS = 3 * 365 + 1


def checkpoint(key: Ed25519PrivateKey, archive: str) -> None:
    """Sign how far the trail goes now, if that is further than the last time."""
    with transaction.atomic():
        head, now = writing.lock(), now_ms()
        if head.number and not Checkpoint.objects.filter(number=head.number).exists():
            body = audit.sign(key, archive, Place(head.number, bytes(head.hash)), now)
            Checkpoint.objects.create(number=head.number, body=body, wall_ms=now)


def cut() -> int:
    """Delete the lines that are old enough, and the checkpoints before them; how many lines went."""
    old_ms = now_ms() - KEPT_DAYS * DAY_MS
    with transaction.atomic():
        last = Checkpoint.objects.filter(wall_ms__lte=old_ms).order_by("-number").first()
        if last is None:
            return 0
        gone, _ = Line.objects.filter(number__lte=last.number).delete()
        Checkpoint.objects.filter(number__lt=last.number).delete()
    return gone

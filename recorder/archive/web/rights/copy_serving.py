"""What the reading room answers to who asks for a copy, over its socket: it is written down before its first byte."""

import logging
from collections.abc import Iterator
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from recorder.archive.hearing import Hearing
from recorder.archive.web.archive import archive
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening.judging import NotNow
from recorder.archive.web.listening.serving import no, the_room
from recorder.archive.web.rights import copying
from recorder.archive.web.rights.copy_judging import act, judge
from recorder.archive.web.rights.models import CopyPermit
from recorder.archive.web.trail import writing
from recorder.errors import SealedError, StoreError

LOG = logging.getLogger(__name__)


@require_GET
def copy(request: HttpRequest, permit: UUID) -> HttpResponseBase:
    """The ZIP file of a permit."""
    try:
        pieces = _made(permit)
    except (NotNow, SealedError, StoreError) as error:
        return no(error)
    return StreamingHttpResponse(pieces, content_type="application/zip")


def _made(number: UUID) -> Iterator[bytes]:
    permit = _permit(number)
    seen, _role = judge(permit)
    hearing = the_room().open(seen)
    try:
        key = archive().catalogue.public_keys([seen.row.device])[seen.row.device]
        pieces = copying.copy(permit, seen, hearing, key, settings.CONFIG)
        role = _written(permit)
    except BaseException:
        hearing.close()
        raise
    return _closing(permit, role, hearing, pieces)


def _written(permit: CopyPermit) -> str:
    """By which role; it is written down from now on that this copy is made, once for each permit in this process."""
    act = ("copy", str(permit.pk), str(permit.person_id), permit.recording, permit.given_to)
    with the_room().telling(act, permit.until_ms) as untold, transaction.atomic():
        writing.lock()  # of who judges and then writes, nobody comes in between
        _again, role = judge(_permit(permit.pk))
        if untold:
            _note(permit, role, "done")
            permit.opened_ms = permit.opened_ms or now_ms()
            permit.save(update_fields=["opened_ms"])
    return role


def _closing(permit: CopyPermit, role: str, hearing: Hearing, pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except (SealedError, StoreError):
        LOG.exception("the copy of %s broke off: it is not whole", permit.recording)
        _note(permit, role, "failed")
        raise
    finally:
        hearing.close()


def _note(permit: CopyPermit, role: str, result: writing.Result) -> None:
    action, purpose = act(permit)
    writing.write(
        person=str(permit.person_id),
        role=role,
        action=action,
        result=result,
        purpose=purpose,
        recording=permit.recording,
        details={"given_to": permit.given_to, "masks": str(len(copying.masks(permit)))},
    )


def _permit(number: UUID) -> CopyPermit:
    found = CopyPermit.objects.select_related("person", "request", "disclosure").filter(pk=number).first()
    if found is None:
        raise NotNow("unknown")
    return found

"""What the reading room answers to who asks for a copy, over its socket: it is written down before its first byte."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from recorder.archive.hearing import Hearing
from recorder.archive.web.archive import archive
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening.judging import NotNow
from recorder.archive.web.listening.room import Act
from recorder.archive.web.listening.serving import no, the_room
from recorder.archive.web.rights import copying
from recorder.archive.web.rights.copy_judging import act, judge
from recorder.archive.web.rights.models import CopyPermit, Mask
from recorder.archive.web.trail import writing
from recorder.archive.web.trail.writing import acting
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
    seen, _role = judge(_permit(number))
    hearing = the_room().open(seen)
    try:
        given = _written(number)
        key = archive().catalogue.public_keys([seen.row.device])[seen.row.device]
        with _told(given):
            pieces = copying.copy(given.permit, given.masked, seen, hearing, key, settings.CONFIG)
    except BaseException:
        hearing.close()
        raise
    return _closing(given, hearing, pieces)


class _Given(NamedTuple):
    """What somebody is given: written down, and then made of this and nothing else."""

    permit: CopyPermit
    role: str
    masked: list[Mask]

    @property
    def act(self) -> Act:
        """With fewer masks, or others, it is another copy."""
        permit = self.permit
        causes = (str(permit.request_id), str(permit.disclosure_id))
        masked = (f"{each.pk}:{each.start_ms}-{each.stop_ms}" for each in self.masked)
        return ("copy", str(permit.pk), str(permit.person_id), permit.recording, permit.given_to, *causes, *masked)


class _Changed(Exception):
    """Somebody set or took away a mask, or wrote to the permit, between the look and the lock."""


def _written(number: UUID) -> _Given:
    """It is written down from now on that this copy is made, once for each permit and what is masked in this process."""
    while True:
        looked = _given(number)
        # Of who judges and then writes, nobody comes in between; who changes a mask acts, too.
        with suppress(_Changed), the_room().telling(looked.act, looked.permit.until_ms) as untold, acting():
            given = _given(number)
            if given.act != looked.act:
                raise _Changed
            if untold:
                _note(given, "done")
                given.permit.opened_ms = given.permit.opened_ms or now_ms()
                given.permit.save(update_fields=["opened_ms"])
            return given


def _given(number: UUID) -> _Given:
    permit = _permit(number)
    _seen, role = judge(permit)
    return _Given(permit, role, copying.masks(permit))


def _closing(given: _Given, hearing: Hearing, pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        with _told(given):
            yield from pieces
    finally:
        hearing.close()


@contextmanager
def _told(given: _Given) -> Iterator[None]:
    """Where it breaks off in here, a line says that it did."""
    try:
        yield
    except (SealedError, StoreError):
        LOG.exception("the copy of %s broke off: it is not whole", given.permit.recording)
        _note(given, "failed")
        raise


def _note(given: _Given, result: writing.Result) -> None:
    permit = given.permit
    action, purpose = act(permit)
    writing.write(
        person=str(permit.person_id),
        role=given.role,
        action=action,
        result=result,
        purpose=purpose,
        recording=permit.recording,
        details={"given_to": permit.given_to, "masks": str(len(given.masked))},
    )


def _permit(number: UUID) -> CopyPermit:
    found = CopyPermit.objects.select_related("person", "request", "disclosure").filter(pk=number).first()
    if found is None:
        raise NotNow("unknown")
    return found

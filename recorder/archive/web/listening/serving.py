"""What the reading room answers to the pages, over its socket. `reading_urls.py` has the addresses."""

import re
import threading
from uuid import UUID

from django.db import close_old_connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from recorder.archive.access import Action
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening.judging import NotNow, judge
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.listening.room import Room
from recorder.archive.web.meetings.seen import Seen
from recorder.archive.web.trail import writing
from recorder.errors import SealedError, StoreError

ANSWER_BYTES_MAX = 524_288
"""Of one answer: a player asks for the rest, and no more is unsealed than it gets to."""
SWEEP_SECONDS = 30.0
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})", re.ASCII)
_room: Room | None = None


def furnish(room: Room) -> None:
    """Have this process play in `room`, and close there what may not be heard any more."""
    global _room
    _room = room
    threading.Thread(target=_tidy, args=(room,), daemon=True).start()


@csrf_exempt  # no browser comes here, and no cookie
@require_POST
def opened(request: HttpRequest, permit: UUID) -> HttpResponseBase:
    """Open the recording of a permit, and write down who hears it; how large its file is, in bytes."""
    try:
        held, seen, size = _open(permit)
    except (NotNow, SealedError, StoreError) as error:
        return no(error)
    return JsonResponse({"recording": seen.recording, "size": size, "until_ms": held.until_ms})


@require_GET
def audio(request: HttpRequest, permit: UUID) -> HttpResponseBase:
    """A range of the file. One that asks for all of it gets the beginning, and asks again."""
    try:
        seen = _opened(permit)
        with the_room().hearing(permit, seen) as hearing:
            wanted = _range(request.headers.get("Range", ""), hearing.size)
            if wanted is None:
                return HttpResponse(status=416, headers={"Content-Range": f"bytes */{hearing.size}"})
            start, stop = wanted
            data = b"".join(hearing.read(start, stop))
            size = hearing.size
    except (NotNow, SealedError, StoreError) as error:
        return no(error)
    headers = {"Content-Range": f"bytes {start}-{stop - 1}/{size}", "Accept-Ranges": "bytes"}
    return HttpResponse(data, status=206, content_type="audio/ogg; codecs=opus", headers=headers)


def the_room() -> Room:
    """Where this process plays."""
    assert _room is not None, "nothing was furnished"
    return _room


def _judged(permit: UUID) -> tuple[Permit, Seen]:
    held = Permit.objects.select_related("person").filter(pk=permit).first()
    if held is None:
        raise NotNow("unknown")
    try:
        seen, _role = judge(held)
    except NotNow:
        the_room().close(permit)
        raise
    return held, seen


def _opened(permit: UUID) -> Seen:
    """The recording, by a permit of which it is written down already that somebody hears by it."""
    held, seen = _judged(permit)
    if held.opened_ms is None:
        raise NotNow("unopened")
    return seen


def _open(permit: UUID) -> tuple[Permit, Seen, int]:
    held, seen = _judged(permit)
    with the_room().hearing(permit, seen) as hearing, transaction.atomic():
        again = Permit.objects.select_for_update().get(pk=permit)
        if again.opened_ms is None:  # once for each permit
            seen, role = judge(held)
            writing.write(
                person=str(held.person_id),
                role=role,
                action=Action.HEAR,
                purpose=held.purpose,
                recording=held.recording,
                details={"case": held.case, "reason": held.reason},
            )
            again.opened_ms = now_ms()
            again.save()
        return again, seen, hearing.size


def _range(header: str, size: int) -> tuple[int, int] | None:
    """From where to before where; None if there is nothing of it (RFC 9110, section 14.1.2)."""
    if not header:
        return 0, min(size, ANSWER_BYTES_MAX)
    match = _RANGE.fullmatch(header)
    if match is None:
        suffix = re.fullmatch(r"bytes=-(\d{1,15})", header, re.ASCII)
        if suffix is None or not int(suffix[1]):
            return None
        return max(0, size - int(suffix[1])), size
    start = int(match[1])
    stop = min(size, int(match[2]) + 1) if match[2] else size
    return (start, min(stop, start + ANSWER_BYTES_MAX)) if start < stop else None


def no(error: Exception) -> HttpResponse:
    """What the pages are told of why it cannot be heard."""
    if isinstance(error, NotNow):
        return JsonResponse({"why": str(error)}, status=403)
    return JsonResponse({"why": "unreadable", "flaw": str(error)}, status=409)


def _tidy(room: Room) -> None:
    """Close what may not be heard any more: what was deleted, locked, or whose time is over."""
    while True:
        threading.Event().wait(SWEEP_SECONDS)
        room.sweep()
        close_old_connections()
        for permit in room.permits():
            try:
                _judged(permit)
            except NotNow:
                continue

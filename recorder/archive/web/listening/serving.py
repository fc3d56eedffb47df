"""What the reading room answers to the pages, over its socket. `reading_urls.py` has the addresses."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from django.db import Error, close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from recorder.archive.access import Action
from recorder.archive.hearing import Hearing
from recorder.archive.waveform import WORDS, draw, overview
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening.judging import NotNow, judge
from recorder.archive.web.listening.models import Permit
from recorder.archive.web.listening.ranges import wanted
from recorder.archive.web.listening.room import Act, Room
from recorder.archive.web.meetings.seen import Seen
from recorder.archive.web.trail import writing
from recorder.archive.web.trail.writing import acting
from recorder.errors import CatalogueError, OtherKey, SealedError, StoreError

if TYPE_CHECKING:
    from recorder.archive.web.training.models import FragmentPermit

ANSWER_BYTES_MAX = 65_536
"""Of one answer: a player asks for the rest, and no more is unsealed than it gets to."""
SWEEP_SECONDS = 30.0
P = TypeVar("P", Permit, "FragmentPermit")
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
            return ranged(request, hearing)
    except (NotNow, SealedError, StoreError) as error:
        return no(error)


@require_GET
def waveform(request: HttpRequest, permit: UUID) -> HttpResponseBase:
    """The recording at one look, as an SVG, in the one language that is asked for."""
    language = request.headers.get("Accept-Language", "")
    if language not in WORDS:
        return HttpResponse(status=406)
    try:
        seen = _opened(permit)
        with the_room().alone(seen) as hearing:  # it takes seconds, in which the player must not wait
            report = hearing.report
            marks = [each.ticks for each in report.events if each.name == "mark"]
            drawing = draw(overview(hearing), report.gaps, marks, language)
    except (NotNow, SealedError, StoreError) as error:
        return no(error)
    return HttpResponse(drawing, content_type="image/svg+xml")


def the_room() -> Room:
    """Where this process plays."""
    assert _room is not None, "nothing was furnished"
    return _room


def _judged(permit: UUID) -> tuple[Permit, Seen]:
    """The permit and its recording, if it may still be heard; if not, what is open of it is closed."""
    try:
        held = _permit(permit)
        seen, _role = judge(held)
    except NotNow:
        the_room().close(permit)
        raise
    return held, seen


def _permit(number: UUID) -> Permit:
    found = Permit.objects.select_related("person").filter(pk=number).first()
    if found is None:
        raise NotNow("unknown")
    return found


def _opened(permit: UUID) -> Seen:
    """The recording, by a permit of which it is written down already that somebody hears by it."""
    held, seen = _judged(permit)
    if held.opened_ms is None:
        raise NotNow("unopened")
    _tell(held)  # anew after a restart, and of a permit that says it was opened and never was
    return seen


def _open(permit: UUID) -> tuple[Permit, Seen, int]:
    held, seen = _judged(permit)
    try:
        with the_room().hearing(permit, seen) as hearing:
            _tell(held)
            return held, seen, hearing.size
    except NotNow:
        the_room().close(permit)
        raise


def tell(held: P, again: Callable[[UUID], P], act: Callable[[P], Act], write: Callable[[P], None]) -> None:
    """Write down that somebody hears by this permit; once for each, in this process.

    `again` reads it anew, `act` says what it permits, and `write` judges it and writes the line: nobody does anything in
    between. NotNow if it permits something else by now.
    """
    told = act(held)
    with the_room().telling(told, held.until_ms) as untold:
        if untold:
            with acting():
                now = again(held.pk)
                if act(now) != told:
                    raise NotNow("unknown")
                write(now)
                now.opened_ms = now.opened_ms or now_ms()
                now.save(update_fields=["opened_ms"])


def _tell(held: Permit) -> None:
    tell(held, _permit, _act, _write)


def _act(held: Permit) -> Act:
    return (str(held.pk), str(held.person_id), held.recording, held.purpose, held.case, held.reason)


def _write(held: Permit) -> None:
    _seen, role = judge(held)
    writing.write(
        person=str(held.person_id),
        role=role,
        action=Action.HEAR,
        purpose=held.purpose,
        recording=held.recording,
        details={"case": held.case, "reason": held.reason},
    )


def ranged(request: HttpRequest, hearing: Hearing) -> HttpResponse:
    """The range of the file that was asked for, as far as one answer goes. SealedError or StoreError if it cannot be read."""
    size = hearing.size
    found = wanted(request.headers.get("Range", ""), size, ANSWER_BYTES_MAX)
    if found is None:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, stop = found
    data = b"".join(hearing.read(start, stop))
    headers = {"Content-Range": f"bytes {start}-{stop - 1}/{size}", "Accept-Ranges": "bytes"}
    return HttpResponse(data, status=206, content_type="audio/ogg; codecs=opus", headers=headers)


def no(error: Exception) -> HttpResponse:
    """What the pages are told of why it cannot be heard."""
    if isinstance(error, NotNow):
        return JsonResponse({"why": str(error)}, status=403)
    why = "other_key" if isinstance(error, OtherKey) else "unreadable"
    return JsonResponse({"why": why, "flaw": str(error)}, status=409)


def _tidy(room: Room) -> None:
    while True:
        threading.Event().wait(SWEEP_SECONDS)
        tidy(room)


def tidy(room: Room) -> None:
    """Close what may not be heard any more: what was deleted, locked, or whose time is over; also if that cannot be known."""
    room.sweep()
    close_old_connections()
    for permit in room.permits():
        try:
            _judged(permit)
        except NotNow:
            continue
        except (Error, CatalogueError) as error:
            logging.getLogger(__name__).warning("what is open is closed, for nobody can judge it: %s", error)
            room.close(permit)

"""Whether the rooms work, now and over time: for who runs them, and for who must be able to say that they did."""

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action
from recorder.archive.health import failed
from recorder.archive.web.access import Asked, needs, permit
from recorder.archive.web.archive import archive
from recorder.archive.web.clock import now_ms
from recorder.archive.web.paging import PAGE_ROWS
from recorder.archive.web.rooms.seen import SHOWN_DAYS, Failing, all_now, see, stale, troubles, watched_ms
from recorder.archive.web.rooms.strip import legend
from recorder.archive.web.rooms.words import KINDS, MARKED
from recorder.wire.consent import DAY_MS


@needs(Action.SEE_ROOMS)
@require_http_methods(["GET", "HEAD"])
def rooms(request: Asked) -> HttpResponse:
    """All rooms, those first that need somebody."""
    permit(request.user, Action.SEE_ROOMS)
    found = all_now()
    told_ms = watched_ms(found.values())
    needing = {name for name, now in found.items() if troubles(now)}
    names = sorted(found, key=lambda name: (name not in needing, name))
    page = Paginator(names, PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "rooms": see({name: found[name] for name in page}),
        "page": page,
        "number": len(found),
        "needing": len(needing),
        "told_ms": told_ms,
        "stale": stale(told_ms),
        "failed": Paginator(_failed(), PAGE_ROWS).get_page(request.GET.get("failed")),
        "legend": legend(KINDS, MARKED),
    }
    return render(request, "rooms/rooms.html", context)


@needs(Action.SEE_ROOMS)
@require_http_methods(["GET", "HEAD"])
def room(request: Asked, name: str) -> HttpResponse:
    """One room, and its last thirty days in words."""
    permit(request.user, Action.SEE_ROOMS)
    found = all_now()
    if name not in found:
        raise Http404
    told_ms = watched_ms(found.values())
    lost = [each for each in _failed() if each.failed.room == name]
    (seen,) = see({name: found[name]})
    context = {
        "seen": seen,
        "told_ms": told_ms,
        "stale": stale(told_ms),
        "failed": lost,
        "legend": legend(KINDS, MARKED),
    }
    return render(request, "rooms/room.html", context)


def _failed() -> list[Failing]:
    """The newest first."""
    return [Failing(each) for each in failed(archive().catalogue, now_ms() - SHOWN_DAYS * DAY_MS)]

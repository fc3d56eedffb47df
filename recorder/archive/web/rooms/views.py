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
from recorder.archive.web.rooms.seen import SHOWN_DAYS, Failing, all_now, see, stale, troubles, watched_ms
from recorder.archive.web.rooms.words import KINDS
from recorder.wire.consent import DAY_MS

ROOMS_A_PAGE = 50


@needs(Action.SEE_ROOMS)
@require_http_methods(["GET", "HEAD"])
def rooms(request: Asked) -> HttpResponse:
    """All rooms, those first that need somebody."""
    permit(request.user, Action.SEE_ROOMS)
    found = all_now()
    told_ms = watched_ms(found.values())
    names = sorted(found, key=lambda name: (not troubles(found[name]), name))
    page = Paginator(names, ROOMS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "rooms": see({name: found[name] for name in page}),
        "page": page,
        "number": len(found),
        "needing": sum(bool(troubles(each)) for each in found.values()),
        "told_ms": told_ms,
        "stale": stale(told_ms),
        "failed": [Failing(each) for each in failed(archive().catalogue, now_ms() - SHOWN_DAYS * DAY_MS)],
        "kinds": KINDS,
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
    lost = [Failing(each) for each in failed(archive().catalogue, now_ms() - SHOWN_DAYS * DAY_MS) if each.room == name]
    (seen,) = see({name: found[name]})
    context = {"seen": seen, "told_ms": told_ms, "stale": stale(told_ms), "failed": lost, "kinds": KINDS}
    return render(request, "rooms/room.html", context)

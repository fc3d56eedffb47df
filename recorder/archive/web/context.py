"""What every page shows: who is asked, and where they may go."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from recorder.archive.web.middleware import IDLE_MS
from recorder.archive.web.navigation import places
from recorder.archive.web.people.keeping import somebody_confirms
from recorder.archive.web.policy.live import in_use

_WARNED_SECONDS = 300
"""So long before an unused session ends its page says so."""


def page(request: HttpRequest) -> dict[str, Any]:
    """For every template."""
    web = settings.CONFIG.web
    return {
        "organisation": web.organisation,
        "oidc_name": web.oidc_name if web.oidc_issuer else "",
        "idle_seconds": IDLE_MS // 1_000 - _WARNED_SECONDS,
        "places": places(request),
        "in_use": in_use,
        "somebody_confirms": lambda: request.user.is_authenticated and somebody_confirms(request.user),
    }

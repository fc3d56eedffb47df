"""What every page shows: who is asked, and where they may go."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from recorder.archive.web.navigation import places
from recorder.archive.web.policy.live import in_use


def page(request: HttpRequest) -> dict[str, Any]:
    """For every template."""
    return {"organisation": settings.CONFIG.web.organisation, "places": places(request), "in_use": in_use}

"""What every page shows: who is asked, and where they may go."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from recorder.archive.web.navigation import places


def page(request: HttpRequest) -> dict[str, Any]:
    """For every template."""
    web = settings.CONFIG.web
    return {
        "organisation": web.organisation,
        "oidc_name": web.oidc_name if web.oidc_issuer else "",
        "places": places(request),
    }

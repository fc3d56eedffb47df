"""The first page, the language, and what is shown where there is nothing else to show."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import check_for_language
from django.views.decorators.http import require_http_methods

from recorder.archive.web.access import NotInUse, Unconfirmed, everybody
from recorder.archive.web.navigation import places

YEAR_SECONDS = 365 * 24 * 3_600


@everybody
@require_http_methods(["GET", "HEAD"])
def start(request: HttpRequest) -> HttpResponse:
    """To the first place that one's roles lead to."""
    if not request.user.is_authenticated:
        return redirect("account_login")
    found = places(request)
    return redirect(found[0].url) if found else render(request, "web/nowhere.html")


@everybody
@require_http_methods(["POST"])
def language(request: HttpRequest) -> HttpResponse:
    """Speak this language from now on, and go back to the first page."""
    response = redirect("start")
    wanted = request.POST.get("language", "")
    if wanted in dict(settings.LANGUAGES) and check_for_language(wanted):
        speak(response, wanted)
    return response


def speak(response: HttpResponse, language: str) -> None:
    """Have the browser keep that this language is wanted."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=YEAR_SECONDS,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def not_understood(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "web/not_understood.html", status=400)


def stale(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What was sent lacks what its page was given: it is an old one, of another site, or the browser keeps no cookies."""
    return render(request, "web/stale.html", status=403)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    page = "web/forbidden.html"
    if isinstance(exception, NotInUse):
        page = "web/not_in_use.html"
    elif isinstance(exception, Unconfirmed):
        page = "web/unconfirmed.html"
    return render(request, page, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "web/not_found.html", status=404)


def too_often(request: HttpRequest) -> HttpResponse:
    return render(request, "web/too_often.html", status=429)


def broken(request: HttpRequest) -> HttpResponse:
    return render(request, "web/broken.html", status=500)

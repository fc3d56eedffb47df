"""What is true of every answer, and of everybody who has signed in."""

from collections.abc import Callable

from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import resolve

Next = Callable[[HttpRequest], HttpResponse]
WITHOUT_A_SECOND_FACTOR = ("account_", "mfa_", "language")
"""Beginnings of the names of those addresses that somebody may open who has none yet."""
PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


def headers(next_: Next) -> Next:
    """Nothing of a page is kept on the way or in the browser, and no page may use a microphone."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = next_(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        response["Permissions-Policy"] = PERMISSIONS
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response

    return answer


def second_factor(next_: Next) -> Next:
    """Nobody gets further than to setting one up without a second factor (B2), or a sign-in at the organisation's provider."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and not _has_two(request):
            name = resolve(request.path_info).url_name or ""
            if not name.startswith(WITHOUT_A_SECOND_FACTOR):
                return redirect("mfa_index")
        return next_(request)

    return answer


def _has_two(request: HttpRequest) -> bool:
    methods = {each["method"] for each in get_authentication_records(request)}
    return "socialaccount" in methods or is_mfa_enabled(request.user)

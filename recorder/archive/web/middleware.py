"""What is true of every answer, and of everybody who has signed in.

Who is asked is read from the database at each request: an account that was deactivated, and a session of an era that is over
(`people.models.Person.era`), is nobody's at the next one.
"""

from collections.abc import Callable

from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import resolve

from recorder.archive.web.clock import now_ms
from recorder.archive.web.people.models import Person
from recorder.archive.web.policy.live import held

Next = Callable[[HttpRequest], HttpResponse]
WITHOUT_A_SECOND_FACTOR = frozenset(
    {
        "language",
        "account_login",
        "account_logout",
        "account_reauthenticate",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_view_recovery_codes",
    }
)
"""The names of those addresses that somebody may open who has none yet: what setting one up takes."""
PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
MINUTE_MS = 60_000
IDLE_MS = 30 * MINUTE_MS
"""So long after the last page a session is over."""
WHOLE_MS = 8 * 60 * MINUTE_MS
"""So long after it began one is over, whatever is done in it."""
_TIMES = "times"


def headers(next_: Next) -> Next:
    """Nothing of a page is kept on the way or in the browser, and no page may use a microphone."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = next_(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        response["Permissions-Policy"] = PERMISSIONS
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        if request.method == "HEAD" and not response.streaming:
            response.content = b""  # how long it would be is told already; gunicorn would log of each that it drops it
        return response

    return answer


def decided(next_: Next) -> Next:
    """What the organisation has decided is read once for a request."""

    def answer(request: HttpRequest) -> HttpResponse:
        with held():
            return next_(request)

    return answer


def bounded(next_: Next) -> Next:
    """A session ends when nobody uses it, and at the end of a working day. That it is used is written once a minute."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = now_ms()
            began, used = request.session.get(_TIMES, (now, 0))
            if used and (now - used >= IDLE_MS or now - began >= WHOLE_MS):
                logout(request)
            elif now - used >= MINUTE_MS:
                request.session[_TIMES] = (began, now)
        return next_(request)

    return answer


def second_factor(next_: Next) -> Next:
    """Nobody gets further than to setting one up without a second factor (B2), or a sign-in at the organisation's provider."""

    def answer(request: HttpRequest) -> HttpResponse:
        user = request.user
        if not user.is_authenticated or _has_two(request, user):
            return next_(request)
        if resolve(request.path_info).url_name in WITHOUT_A_SECOND_FACTOR:
            return next_(request)
        return redirect("mfa_index")

    return answer


def _has_two(request: HttpRequest, person: Person) -> bool:
    methods = {each["method"] for each in get_authentication_records(request, person)}
    return "socialaccount" in methods or is_mfa_enabled(person)

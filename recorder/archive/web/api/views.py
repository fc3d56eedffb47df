"""The tokens of the organisation's programs, for who keeps the accounts."""

from collections.abc import Iterable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action, Purpose
from recorder.archive.web.access import Asked, needs, note, permit, second_eyes
from recorder.archive.web.api import bearer
from recorder.archive.web.api.forms import TokenForm
from recorder.archive.web.api.models import Token
from recorder.archive.web.api.tokens import make, to_confirm
from recorder.archive.web.api.words import CALLS
from recorder.archive.web.clock import now_ms
from recorder.archive.web.trail.writing import acting
from recorder.archive.web.words import PURPOSES


@needs(Action.KEEP_ACCOUNTS)
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: Asked) -> HttpResponse:
    """All tokens; POST: a new one, which is shown this once."""
    role = permit(request.user, Action.KEEP_ACCOUNTS)
    form, made = TokenForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        with acting():
            made = make(
                request.user,
                told["name"],
                [Action(each) for each in told["actions"]],
                [Purpose(each) for each in told["purposes"]],
                told["days"],
            )
            details = _details(told["name"], told["actions"], told["purposes"])
            note(request.user, role, Action.KEEP_ACCOUNTS, details=details)
        form = TokenForm()
    context = {"form": form, "made": made, "tokens": [shown(each) for each in Token.objects.order_by("-made_ms")]}
    return render(request, "api/tokens.html", context)


@needs(Action.CONFIRM_ACCOUNT)
@require_http_methods(["POST"])
def confirm(request: Asked, token: int) -> HttpResponse:
    """As a second person: what it may do is right, and the program is who has it."""
    role = permit(request.user, Action.CONFIRM_ACCOUNT)
    found = get_object_or_404(to_confirm(), pk=token)
    second_eyes(request.user, Action.CONFIRM_ACCOUNT, found.made_by_id)
    with acting():
        if not to_confirm().filter(pk=found.pk).update(confirmed_ms=now_ms()):
            raise Http404  # somebody revoked or confirmed it just now
        details = _details(found.name, found.actions, found.purposes)
        note(request.user, role, Action.CONFIRM_ACCOUNT, details=details)
    messages.success(request, _("The token is confirmed."))
    return redirect("confirmations")


@needs(Action.KEEP_ACCOUNTS)
@require_http_methods(["POST"])
def revoke(request: Asked, token: int) -> HttpResponse:
    """From now on it is good for nothing."""
    role = permit(request.user, Action.KEEP_ACCOUNTS)
    found = get_object_or_404(Token, pk=token)
    with acting():
        if Token.objects.filter(pk=found.pk, revoked_ms=None).update(revoked_ms=now_ms()):
            note(request.user, role, Action.KEEP_ACCOUNTS, details={"revoked": bearer.name(found)})
    messages.success(request, _("The token is good for nothing from now on."))
    return redirect("tokens")


def _details(name: str, actions: Iterable[str], purposes: Iterable[str]) -> dict[str, str]:
    """What the trail tells of a token that is made or confirmed."""
    return {"token": name, "actions": " ".join(actions), "purposes": " ".join(purposes)}


def shown(token: Token) -> dict[str, object]:
    """A token with what a list says of it."""
    return {
        "token": token,
        "called": bearer.name(token),
        "actions": [CALLS[Action(each)] for each in token.actions],
        "purposes": [PURPOSES[Purpose(each)] for each in token.purposes],
        "good": token.revoked_ms is None and token.until_ms > now_ms(),
    }

"""A client's standing "do not record": whether there is one, for all who record; why, for the rights desk (R6)."""

from typing import Any

from allauth.core.ratelimit import consume
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from recorder.archive.access import Action, could
from recorder.archive.web.access import Asked, needs, note, permit, refused
from recorder.archive.web.rights import flags
from recorder.archive.web.rights.forms import FlagChangeForm, FlagForm


@needs(Action.CHECK_FLAG)
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: Asked) -> HttpResponse:
    """By the client's number. POST: it stands in no address. What the rights desk gets besides is its reason."""
    role = permit(request.user, Action.CHECK_FLAG)
    form, context = FlagForm(request.POST or None), {}
    if request.method == "POST" and form.is_valid():
        if not _may_try(request):
            return _wait(request)
        number = form.cleaned_data["number"]
        note(request.user, role, Action.CHECK_FLAG)
        flag = flags.standing(number)
        context = {"number": number, "flagged": flag is not None}
        if could(request.user.roles, Action.FLAG, own=False) and request.user.confirmed:
            context |= {"flag": flag, "change": FlagChangeForm(initial={"number": number})}
    return render(request, "rights/flags.html", {"form": form, **context})


@needs(Action.FLAG)
@require_http_methods(["POST"])
def put(request: Asked) -> HttpResponse:
    """Set it."""
    return _change(request, to=True)


@needs(Action.FLAG)
@require_http_methods(["POST"])
def lift(request: Asked) -> HttpResponse:
    """Lift it."""
    return _change(request, to=False)


def _may_try(request: Asked) -> bool:
    """So that nobody tries all numbers. That somebody would go on is written down once for as long as they have to wait."""
    if consume(request, action="check_flag"):
        return True
    if consume(request, action="check_flag_refused"):
        refused(request.user, Action.CHECK_FLAG)
    return False


def _wait(request: Asked) -> HttpResponse:
    return render(request, "rights/flags.html", {"form": FlagForm(), "wait": True}, status=429)


def _change(request: Asked, *, to: bool) -> HttpResponse:
    role = permit(request.user, Action.FLAG)
    form = FlagChangeForm(request.POST)
    if not form.is_valid():
        if not _may_try(request):
            return _wait(request)
        context: dict[str, Any] = {"form": FlagForm(request.POST), "change": form}
        if "number" in form.cleaned_data:  # what the page shows of it is a look, like any other
            note(request.user, role, Action.CHECK_FLAG)
            flag = flags.standing(form.cleaned_data["number"])
            context |= {"flag": flag, "flagged": flag is not None}
        return render(request, "rights/flags.html", context)
    number, reason = form.cleaned_data["number"], form.cleaned_data["reason"]
    if to:
        flags.put(request.user, role, number, reason)
        messages.success(request, _("From now on staff see “do not record” for this client."))
    else:
        flags.lift(request.user, role, number, reason)
        messages.success(request, _("There is no “do not record” for this client any more."))
    return redirect("flags")

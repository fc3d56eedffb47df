"""The accounts, for those who keep them; and the way to the organisation's own sign-in."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from allauth.account.views import password_change
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST
from requests import RequestException

from recorder.archive.access import Action, Role, may
from recorder.archive.web.access import Asked, everybody, needs, note, permit, refused, second_eyes
from recorder.archive.web.api.tokens import to_confirm
from recorder.archive.web.api.views import shown
from recorder.archive.web.archive import archive
from recorder.archive.web.clock import now_ms
from recorder.archive.web.people import keeping
from recorder.archive.web.people.forms import NewForm, ReasonForm, RolesForm, SearchForm
from recorder.archive.web.people.models import Change, Person
from recorder.archive.web.people.provider import PROVIDER
from recorder.archive.web.trail.finding import show
from recorder.archive.web.trail.models import Line
from recorder.archive.web.words import ROLES

SHOWN = 100
SHOWN_WAITING = 10
"""On top of the others; the rest are on a page of their own."""
REVIEW_MS = timedelta(days=365) // timedelta(milliseconds=1)
"""Roles are looked at once a year (B2)."""
NOBODY_CONFIRMS = gettext_lazy(
    "Then nobody but you could confirm accounts. First have an account made for another administrator or privacy officer. "
    "Who keeps the machine does that there, with “recorder archive account”."
)
NOBODY_WATCHES = gettext_lazy(
    "This is the only privacy officer. First have an account made for another one, and confirmed. If this cannot wait: "
    "who keeps the machine makes that account there at once, with “recorder archive account”."
)


@needs(Action.KEEP_ACCOUNTS)
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: Asked) -> HttpResponse:
    """All accounts, those first whose roles nobody has looked at for a year. POST: a name stands in no address."""
    permit(request.user, Action.KEEP_ACCOUNTS)
    form = SearchForm(request.POST or None)
    text = form.cleaned_data["text"].strip() if form.is_valid() else ""
    found = _shown().filter(Q(name__icontains=text) | Q(email__icontains=text)) if text else _shown()
    # Who may not sign in needs no looking at.
    ordered = found.order_by("-is_active", F("reviewed_ms").asc(nulls_first=True), "name")[: SHOWN + 1]
    listed = list(ordered)
    context = {"form": form, "text": text, "people": listed[:SHOWN], "more": len(listed) > SHOWN, "shown": SHOWN}
    context["waiting"] = Person.objects.to_confirm()[:SHOWN_WAITING]
    return render(request, "people/people.html", context | _words())


@needs(Action.KEEP_ACCOUNTS)
@require_http_methods(["GET", "HEAD", "POST"])
def make(request: Asked) -> HttpResponse:
    """A new account. The link to its first password is shown once: it is for one person, and goes by no mail of ours."""
    role = permit(request.user, Action.KEEP_ACCOUNTS)
    form = NewForm(request.POST or None, rooms=archive().catalogue.enrolled())
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        with transaction.atomic():
            person = keeping.make(said["email"], said["name"], said["roles"], said["rooms"])
            line = _note(request.user, role, person, "make", roles=said["roles"], rooms=said["rooms"])
            keeping.changed(person, request.user, line)
        return _invited(request, person)
    return render(request, "people/make.html", {"form": form})


@needs(Action.KEEP_ACCOUNTS)
@require_http_methods(["GET", "HEAD"])
def person(request: Asked, person: str) -> HttpResponse:
    """One account, and what may be done with it."""
    permit(request.user, Action.KEEP_ACCOUNTS)
    found = get_object_or_404(_shown(), pk=person)
    return render(request, "people/person.html", {"person": found, "own": found == request.user} | _words())


@needs(Action.KEEP_ACCOUNTS)
@require_http_methods(["GET", "HEAD", "POST"])
def roles(request: Asked, person: str) -> HttpResponse:
    """Change roles and rooms. Nobody changes their own."""
    role, whom = _other(request, person)
    before = {"roles": sorted(whom.roles), "rooms": whom.rooms}
    rooms = sorted({*archive().catalogue.enrolled(), *whom.rooms})
    form = RolesForm(request.POST or None, initial=before, rooms=rooms)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            with keeping.keeping(request.user, whom) as now:
                had = {"roles_before": now.roles, "rooms_before": now.rooms}
                if Role.PRIVACY_OFFICER not in said["roles"]:
                    keeping.check_watched(now)
                confirms_no_more = may(now.roles, Action.CONFIRM_ACCOUNT) > may(said["roles"], Action.CONFIRM_ACCOUNT)
                more = keeping.change(now, said["roles"], said["rooms"])
                line = _note(request.user, role, now, "roles", roles=said["roles"], rooms=said["rooms"], **had)
                if more or confirms_no_more:
                    keeping.check_left(request.user, now)
                if more:
                    keeping.changed(now, request.user, line)
        except keeping.NobodyConfirms:
            form.add_error(None, NOBODY_CONFIRMS)
        except keeping.NobodyWatches:
            form.add_error(None, NOBODY_WATCHES)
        else:
            messages.success(request, _("The roles and rooms are changed. This person signs in anew."))
            return redirect("person", whom.pk)
    return render(request, "people/roles.html", {"form": form, "person": whom})


@needs(Action.KEEP_ACCOUNTS)
@require_POST
def reviewed(request: Asked, person: str) -> HttpResponse:
    """These roles are still right (B2)."""
    role, whom = _other(request, person)
    with keeping.keeping(request.user, whom) as now:
        keeping.review(now)
        _note(request.user, role, now, "review", roles=now.roles, rooms=now.rooms)
    messages.success(request, _("It is noted that these roles are still right."))
    return redirect("person", whom.pk)


@needs(Action.KEEP_ACCOUNTS)
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: Asked, person: str) -> HttpResponse:
    """A new link to set a password: for who forgot theirs, and for who may sign in again."""
    role, whom = _other(request, person)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        now = _let_in_anew(request, role, whom, form, "invite", keeping.admit)
        if now is not None:
            return _invited(request, now)
    return render(request, "people/invite.html", {"form": form, "person": whom})


@needs(Action.KEEP_ACCOUNTS)
@require_http_methods(["GET", "HEAD", "POST"])
def deactivate(request: Asked, person: str) -> HttpResponse:
    """From now on this person is out. What they did stays theirs."""
    role, whom = _other(request, person)
    if request.method == "POST":
        try:
            with keeping.keeping(request.user, whom) as now:
                keeping.check_watched(now)
                keeping.deactivate(now)
                _note(request.user, role, now, "deactivate")
        except keeping.NobodyWatches:
            messages.error(request, NOBODY_WATCHES)
        else:
            messages.success(request, _("This person is signed out, and cannot sign in any more."))
        return redirect("person", whom.pk)
    return render(request, "people/deactivate.html", {"person": whom})


@needs(Action.KEEP_ACCOUNTS)
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: Asked, person: str) -> HttpResponse:
    """Take away a second factor, of somebody who has lost it."""
    role, whom = _other(request, person)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        now = _let_in_anew(request, role, whom, form, "second_factor", keeping.reset_second_factor)
        if now is not None:
            messages.success(
                request, _("The second step is taken away. This person sets up a new one at the next sign-in.")
            )
            return redirect("person", whom.pk)
    return render(request, "people/reset.html", {"form": form, "person": whom})


@needs(Action.CONFIRM_ACCOUNT)
@require_http_methods(["GET", "HEAD"])
def confirmations(request: Asked) -> HttpResponse:
    """The accounts and tokens that a second person must confirm, and no others: it is also for who keeps none."""
    permit(request.user, Action.CONFIRM_ACCOUNT)
    waiting = Person.objects.to_confirm().prefetch_related("role_rows", "changes__by")[:SHOWN]
    tokens = to_confirm().select_related("made_by")[:SHOWN]
    who = set(keeping.confirmers().values_list("pk", flat=True))
    # Of each account whose act it was, and whose it is: they do not confirm it.
    theirs = [{each.pk, *(change.by_id for change in each.changes.all())} for each in waiting]
    context = {
        "waiting": waiting,
        "tokens": [shown(each) for each in tokens],
        "stuck": any(who <= each for each in (*theirs, *({token.made_by_id} for token in tokens))),
    }
    return render(request, "people/confirmations.html", context | _words())


@needs(Action.CONFIRM_ACCOUNT)
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: Asked, person: str) -> HttpResponse:
    """See what was done to one, and confirm it as a second person: who did none of it, and whose it is not."""
    role = permit(request.user, Action.CONFIRM_ACCOUNT)
    found = get_object_or_404(Person.objects.to_confirm(), pk=person)
    if request.method == "POST":
        for first in (found.pk, *found.changes.values_list("by", flat=True)):
            second_eyes(request.user, Action.CONFIRM_ACCOUNT, first)
        with keeping.keeping(request.user, found, Action.CONFIRM_ACCOUNT) as now:
            changes = list(now.changes.order_by("pk"))
            # What was done since the page was shown, nobody has seen; and it may be their own act.
            seen = request.POST.get("seen") == _last(changes) and not now.confirmed and now.is_active
            others = request.user.pk not in {each.by_id for each in changes}
            if done := seen and others and keeping.came_since(now, changes):
                keeping.confirm(now)
                details = {"account": str(now.pk), "roles": " ".join(sorted(now.roles))}
                note(request.user, role, Action.CONFIRM_ACCOUNT, details=details)
        if done:
            messages.success(request, _("The account is confirmed."))
            return redirect("confirmations")
        messages.error(
            request, _("Nothing is confirmed: the account was changed, or its person has not signed in yet.")
        )
        return redirect("person_confirm", found.pk)
    found = get_object_or_404(_shown(), pk=person)
    changes = list(found.changes.order_by("pk"))
    lines = Line.objects.filter(number__in=[each.line for each in changes]).order_by("number")
    context = {
        "person": found,
        "own": found == request.user or any(each.by_id == request.user.pk for each in changes),
        "came": keeping.came_since(found, changes),
        "stuck": not keeping.somebody_confirms(found),
        "seen": _last(changes),
        "changes": show(lines),
    }
    return render(request, "people/confirm.html", context | _words())


@everybody
def change_password(request: HttpRequest) -> HttpResponse:
    """Of those who have one: who signs in at the organisation's provider alone may have none."""
    if request.user.is_authenticated and not request.user.has_usable_password():
        raise Http404
    with transaction.atomic():  # with its line of the trail
        return password_change(request)  # type: ignore[no-any-return] # allauth has no types


@everybody
@require_http_methods(["GET", "HEAD"])
def cancelled(request: HttpRequest) -> HttpResponse:
    """Back from the organisation's own sign-in without having signed in."""
    messages.info(request, _("You did not sign in."))
    return redirect("account_login")


@everybody
@require_POST
def provider(request: HttpRequest) -> HttpResponse:
    """To the organisation's own sign-in.

    By a page that leads on, and not a redirect: a form of ours may go to ourselves alone (Content-Security-Policy), and where
    the provider sends people further we cannot know.
    """
    if not settings.CONFIG.web.oidc_issuer or request.user.is_authenticated:
        raise Http404
    chosen = get_adapter().get_provider(request, PROVIDER)
    wanted = request.POST.get("next", "")
    after = wanted if url_has_allowed_host_and_scheme(wanted, None) else None
    try:
        answer = chosen.redirect(request, AuthProcess.LOGIN, next_url=after)
    except RequestException as error:
        return render_authentication_error(request, chosen, exception=error)  # type: ignore[no-any-return]
    where = answer.headers["Location"]
    page = render(request, "people/to_provider.html", {"where": where, "name": settings.CONFIG.web.oidc_name})
    page["Refresh"] = f"0; url={where}"
    return page


def _shown() -> QuerySet[Person]:
    """Accounts with what a list shows of them."""
    factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return Person.objects.annotate(has_factor=Exists(factors)).prefetch_related("role_rows", "room_rows")


def _words() -> dict[str, object]:
    return {"role_words": ROLES, "overdue_ms": now_ms() - REVIEW_MS}


def _other(request: Asked, person: str) -> tuple[Role, Person]:
    """By which role somebody acts on whose account. Nobody acts on their own."""
    role = permit(request.user, Action.KEEP_ACCOUNTS)
    whom = get_object_or_404(Person, pk=person)
    if whom == request.user:
        refused(request.user, Action.KEEP_ACCOUNTS)
        raise PermissionDenied
    return role, whom


def _note(by: Person, role: Role, whom: Person, act: str, **said: object) -> int:
    """Whose account it was stands in the details: the trail's text names only who acts."""
    words = {
        key: " ".join(sorted(value)) if isinstance(value, list | frozenset) else str(value)
        for key, value in said.items()
    }
    return note(by, role, Action.KEEP_ACCOUNTS, details={"account": str(whom.pk), "act": act} | words)


def _last(changes: Sequence[Change]) -> str:
    return str(changes[-1].pk) if changes else ""


def _let_in_anew(
    request: Asked, role: Role, whom: Person, form: ReasonForm, act: str, do: Callable[[Person], None]
) -> Person | None:
    """Do what lets somebody in, and a second person must confirm. None, told in the form, if nobody is left who could."""
    try:
        with keeping.keeping(request.user, whom) as now:
            keeping.check_left(request.user, now)
            do(now)
            line = _note(request.user, role, now, act, reason=form.cleaned_data["reason"])
            keeping.changed(now, request.user, line)
    except keeping.NobodyConfirms:
        form.add_error(None, NOBODY_CONFIRMS)
        return None
    return now


def _invited(request: Asked, person: Person) -> HttpResponse:
    context = {"person": person, "link": settings.CONFIG.web.url + keeping.invite(person)}
    return render(request, "people/invited.html", context)

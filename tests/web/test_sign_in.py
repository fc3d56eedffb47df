"""Signing in: what a password and a second factor are worth, when a session begins and ends, and what is not offered."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from recorder.archive.access import Role
from recorder.archive.web import clock, middleware
from recorder.archive.web.people import keeping
from recorder.archive.web.people.models import Person
from recorder.archive.web.trail import writing
from recorder.archive.web.trail.finding import show
from recorder.archive.web.trail.models import Line
from recorder.archive.web.trail.reading import details
from tests.web.archive import Archive
from tests.web.conftest import Make

PASSWORD = "vier losse woorden samen"
SignIn = Callable[[Person], Client]


@pytest.fixture(autouse=True)
def _limits(db: None) -> Iterator[None]:
    """The table of the rate limits, as the program makes it at its start."""
    call_command("createcachetable", verbosity=0)
    cache.clear()
    return


def totp(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, list(yield_hotp_counters_from_time())[1]))


class Someone:
    """A person with a password and an app."""

    def __init__(self, *roles: Role) -> None:
        self.person = Person.objects.make("a.jansen@gemeente.example", "A. Jansen", roles, ["room-1"])
        self.person.set_password(PASSWORD)
        self.person.save()
        self.secret = generate_totp_secret()
        TOTP.activate(self.person, self.secret)

    def password(self, client: Client, password: str = PASSWORD) -> object:
        return client.post("/account/login/", {"login": "A.Jansen@Gemeente.example", "password": password})

    def sign_in(self, client: Client) -> None:
        self.password(client)
        answer = client.post("/account/2fa/authenticate/", {"code": totp(self.secret)})
        assert answer.status_code == 302 and signed_in(client)


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def told() -> list[tuple[str, str, dict[str, str]]]:
    """What stands in the trail of the signing in of who there is."""
    found = Line.objects.filter(person=str(Person.objects.get().pk)).order_by("number")
    return [(each.action, each.result, details(each)) for each in found]


def test_a_password_alone_opens_nothing(archive: Archive) -> None:
    someone, client = Someone(Role.CASEWORKER), Client()
    answer = someone.password(client)
    assert answer.headers["Location"] == "/account/2fa/authenticate/"  # type: ignore[attr-defined]
    assert not signed_in(client)
    assert client.get("/meetings/").headers["Location"].startswith("/account/login/")
    assert b'role="alert"' in client.post("/account/2fa/authenticate/", {"code": "000000"}).content
    assert not signed_in(client)


def test_a_code_counts_once(archive: Archive) -> None:
    someone, client, other = Someone(Role.CASEWORKER), Client(), Client()
    code = totp(someone.secret)
    for visitor in (client, other):
        someone.password(visitor)
        visitor.post("/account/2fa/authenticate/", {"code": code})
    assert (signed_in(client), signed_in(other)) == (True, False)


def test_a_session_is_new_at_sign_in_and_gone_at_sign_out(archive: Archive) -> None:
    """Whoever put a session into somebody's browser beforehand has nothing of what they do in it (session fixation)."""
    someone, client, thief = Someone(Role.CASEWORKER), Client(), Client()
    someone.password(client)
    planted = client.cookies["session"].value
    client.post("/account/2fa/authenticate/", {"code": totp(someone.secret)})
    theirs = client.cookies["session"].value
    assert theirs != planted
    thief.cookies["session"] = planted
    assert thief.get("/meetings/").status_code == 302 and client.get("/meetings/").status_code == 200
    client.post("/account/logout/")
    thief.cookies["session"] = theirs
    assert thief.get("/meetings/").status_code == 302


def test_a_session_that_nobody_uses_ends_and_one_that_is_used_ends_with_the_day(
    archive: Archive, make: Make, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now_ms()

    def at(after_ms: int) -> None:
        monkeypatch.setattr(middleware, "now_ms", lambda: now + after_ms)

    at(0)
    client, used = sign_in(make(Role.CASEWORKER)), sign_in(make(Role.CASEWORKER))
    for each in (client, used):
        assert each.get("/meetings/").status_code == 200
    at(middleware.IDLE_MS - 1)
    assert used.get("/meetings/").status_code == 200
    at(middleware.IDLE_MS)
    assert client.get("/meetings/").headers["Location"].startswith("/account/login/")
    assert used.get("/meetings/").status_code == 200
    for after_ms in range(2 * middleware.IDLE_MS - 2, middleware.WHOLE_MS, middleware.IDLE_MS - 1):
        at(after_ms)
        assert used.get("/meetings/").status_code == 200
    at(middleware.WHOLE_MS)
    assert used.get("/meetings/").headers["Location"].startswith("/account/login/")


def test_a_changed_password_ends_the_other_sessions(archive: Archive) -> None:
    someone, client = Someone(Role.CASEWORKER), Client()
    someone.sign_in(client)
    elsewhere = Client()
    elsewhere.force_login(someone.person)
    new = "vijf heel andere woorden hier"
    said = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post("/account/password/", said).status_code == 302
    assert client.get("/meetings/").status_code == 200
    assert elsewhere.get("/meetings/").status_code == 302


@pytest.mark.parametrize("known", [True, False])
def test_a_password_is_tried_five_times_and_nobody_learns_which_addresses_there_are(
    known: bool, archive: Archive
) -> None:
    someone, told = Someone(Role.CASEWORKER), []
    address = someone.person.email if known else "nobody@gemeente.example"
    for number in range(7):
        client = Client(REMOTE_ADDR=f"192.0.2.{number}")
        page = client.post("/account/login/", {"login": address, "password": "wrong"}).content.decode()
        told.append("vaak geprobeerd" in page)
        assert ("of het wachtwoord klopt niet" in page) != told[-1]
    assert told == [False] * 5 + [True] * 2
    if known:
        someone.password(client := Client())
        assert client.get("/account/2fa/authenticate/").status_code == 302, "the right one comes too late"


def test_a_second_factor_is_tried_five_times(archive: Archive) -> None:
    someone, client = Someone(Role.CASEWORKER), Client()
    someone.password(client)
    pages = [client.post("/account/2fa/authenticate/", {"code": f"{n:06}"}).content.decode() for n in range(7)]
    assert ["vaak geprobeerd" in page for page in pages] == [False] * 5 + [True] * 2
    client.post("/account/2fa/authenticate/", {"code": totp(someone.secret)})
    assert not signed_in(client)


def test_too_many_from_one_address_are_told_to_wait(archive: Archive, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip"}
    said = {"login": "x@gemeente.example", "password": "wrong"}
    answers = [Client().post("/account/login/", said) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert "vijf minuten" in answers[-1].content.decode()


def test_without_a_second_factor_one_gets_to_setting_one_up_and_no_further(archive: Archive, sign_in: SignIn) -> None:
    person = Person.objects.make("a@gemeente.example", "A", [Role.ADMINISTRATOR])
    client = sign_in(person)
    for address in ("/", "/accounts/", "/accounts/new/", "/account/password/", "/account/2fa/codes/new/"):
        assert client.get(address).headers["Location"] == "/account/2fa/", address
    assert client.get("/account/2fa/").status_code == 200


def test_setting_it_up_asks_for_the_password_again_when_it_was_long_ago(archive: Archive, sign_in: SignIn) -> None:
    someone = Someone(Role.CASEWORKER)
    client = sign_in(someone.person)
    answer = client.get("/account/2fa/app/remove/")
    assert answer.headers["Location"].startswith("/account/reauthenticate/")
    assert b'role="alert"' in client.post(answer.headers["Location"], {"password": "wrong"}).content
    assert (
        client.post(answer.headers["Location"], {"password": PASSWORD}).headers["Location"]
        == "/account/2fa/app/remove/"
    )
    assert client.post("/account/2fa/app/remove/").status_code == 302
    assert not Authenticator.objects.filter(user=someone.person).exists()
    assert client.get("/meetings/").headers["Location"] == "/account/2fa/"


def test_recovery_codes_are_shown_once_and_each_works_once(archive: Archive) -> None:
    someone, client = Someone(Role.CASEWORKER), Client()
    someone.sign_in(client)
    page = client.post("/account/2fa/codes/new/", follow=True).content.decode()
    code = page.partition('<li class="id">')[2].partition("<")[0]
    assert code
    again = client.get("/account/2fa/codes/").content.decode()
    assert code not in again and '<li class="id">' not in again
    for works in (True, False):
        visitor = Client()
        someone.password(visitor)
        visitor.post("/account/2fa/authenticate/", {"code": code})
        assert signed_in(visitor) is works


@pytest.mark.parametrize(
    "address",
    [
        "signup/",
        "signup/passkey/",
        "email/",
        "confirm-email/",
        "confirm-email/abc/",
        "password/reset/",
        "password/reset/done/",
        "login/code/",
        "login/code/confirm/",
        "reauthenticate/code/",
        "2fa/trust/",
        "2fa/recovery-codes/download/",
        "3rdparty/",
        "3rdparty/signup/",
        "social/connections/",
        "oidc/organisation/login/",
        "",
    ],
)
def test_what_is_not_offered_is_not_there(address: str, archive: Archive, make: Make, sign_in: SignIn) -> None:
    for client in (Client(), sign_in(make(Role.ADMINISTRATOR))):
        for answer in (client.get(f"/account/{address}"), client.post(f"/account/{address}", {"email": "x@y.example"})):
            assert answer.status_code == 404


def test_signing_in_and_out_stands_in_the_trail_and_nothing_that_was_typed(archive: Archive) -> None:  # A1
    someone, client = Someone(Role.CASEWORKER), Client()
    someone.password(client, "a wrong one altogether")
    someone.password(client)
    client.post("/account/2fa/authenticate/", {"code": "000000"})
    client.post("/account/2fa/authenticate/", {"code": totp(someone.secret)})
    client.post("/account/logout/")
    assert told() == [
        ("sign_in", "refused", {"how": "password"}),
        ("sign_in", "refused", {"how": "password_totp"}),
        ("sign_in", "done", {"how": "password_totp"}),
        ("sign_out", "done", {}),
    ]
    kept = b"".join(bytes(each.text) + bytes(each.details or b"") for each in Line.objects.all())
    for word in (b"jansen", b"Jansen", b"wrong one", PASSWORD.encode(), b"000000"):
        assert word not in kept
    assert {str(each.action) for each in show(Line.objects.all())} & {"sign_in", "sign_out"} == set()


def test_of_an_address_without_an_account_nothing_is_written_by_the_same_work(
    archive: Archive,
) -> None:
    someone, asked = Someone(Role.CASEWORKER), []
    for address in (someone.person.email, "nobody@gemeente.example"):
        someone.password(Client(), "wrong")  # the trail has its beginning, and the limits theirs
        with CaptureQueriesContext(connection) as queries:
            Client(REMOTE_ADDR="192.0.2.1").post("/account/login/", {"login": address, "password": "wrong"})
        asked.append([each["sql"].split()[:2] for each in queries if "trail_" in each["sql"]])
    known, unknown = asked
    assert [each[0] for each in known] == ["SELECT", "INSERT"]
    assert [each[0] for each in unknown] == ["SELECT", "UPDATE"], "a write for a write"
    assert [each[:2] for each in told()] == [("sign_in", "refused")] * 3


def test_nobody_fills_the_trail_with_tries(archive: Archive) -> None:
    someone = Someone(Role.CASEWORKER)
    for number in range(12):
        someone.password(Client(REMOTE_ADDR=f"192.0.2.{number}"), "wrong")
    someone.password(client := Client())
    cache.clear()
    someone.password(client)
    for number in range(12):
        client.post("/account/2fa/authenticate/", {"code": f"{number:06}"})
    assert [each[2]["how"] for each in told()] == ["password"] * 5 + ["password_totp"] * 5


def test_an_ended_account_that_tries_is_told_in_the_trail_a_few_times(archive: Archive) -> None:
    someone = Someone(Role.CASEWORKER)
    Person.objects.update(is_active=False)
    for number in range(12):
        someone.password(Client(REMOTE_ADDR=f"192.0.2.{number}"))
    assert told() == [("sign_in", "refused", {})] * 5


def test_a_session_that_is_over_is_not_signed_out_by_its_person(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone, client, now = Someone(Role.CASEWORKER), Client(), clock.now_ms()
    someone.sign_in(client)
    monkeypatch.setattr(middleware, "now_ms", lambda: now + middleware.WHOLE_MS)
    client.get("/meetings/")
    client.get("/meetings/")
    assert [each[0] for each in told()] == ["sign_in"]


def test_what_one_changes_of_ones_own_signing_in_stands_in_the_trail(
    archive: Archive, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    someone, client = Someone(Role.CASEWORKER), Client()
    new = "vijf heel andere woorden hier"
    visitor = Client()
    page = visitor.get(keeping.invite(someone.person)).headers["Location"]
    visitor.post(page, {"password1": PASSWORD, "password2": PASSWORD})
    someone.sign_in(client)
    client.post("/account/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/account/2fa/codes/new/", follow=True)
    code = answer.content.decode().partition('<li class="id">')[2].partition("<")[0]
    visitor = Client()
    someone.password(visitor, new)
    visitor.post("/account/2fa/authenticate/", {"code": code})
    visitor.post("/account/2fa/app/remove/")
    secret = visitor.get("/account/2fa/app/").context["form"].secret
    with django_capture_on_commit_callbacks(execute=True):
        visitor.post("/account/2fa/app/", {"code": totp(secret)})
    assert told() == [
        ("set_password", "done", {"act": "link"}),
        ("sign_in", "done", {"how": "password_totp"}),
        ("set_password", "done", {"act": "password"}),
        ("second_step", "done", {"act": "added", "kind": "recovery_codes"}),
        ("second_step", "done", {"act": "used", "kind": "recovery_codes"}),
        ("sign_in", "done", {"how": "password_recovery_codes"}),
        ("second_step", "done", {"act": "removed", "kind": "totp"}),
        ("second_step", "done", {"act": "removed", "kind": "recovery_codes"}),
        ("second_step", "done", {"act": "added", "kind": "totp"}),
        ("second_step", "done", {"act": "added", "kind": "recovery_codes"}),
    ]


def test_a_password_is_not_changed_where_that_cannot_be_written_down(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone, client = Someone(Role.CASEWORKER), Client(raise_request_exception=False)
    someone.sign_in(client)

    def fail(**_: object) -> int:
        raise OSError("the disk is full")

    monkeypatch.setattr(writing, "write", fail)
    new = "vijf heel andere woorden hier"
    said = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post("/account/password/", said).status_code == 500
    assert Person.objects.get().check_password(PASSWORD)


def test_an_ended_account_with_a_passkey_is_told_so_and_no_more(archive: Archive) -> None:
    someone = Someone(Role.CASEWORKER)
    Person.objects.update(is_active=False, era=F("era") + 1)
    answer = someone.password(client := Client())
    assert answer.headers["Location"] == "/account/inactive/"  # type: ignore[attr-defined]
    assert client.get("/account/inactive/").status_code == 200 and not signed_in(client)


def test_without_a_provider_nothing_leads_there(archive: Archive) -> None:
    assert "/account/oidc/" not in Client().get("/account/login/").content.decode()
    assert Client().post("/account/oidc/").status_code == 404
    assert Client().get("/account/oidc/organisation/callback/").status_code == 404


def test_the_trail_can_be_looked_through_for_sign_ins(archive: Archive, make: Make, sign_in: SignIn) -> None:
    someone = Someone(Role.CASEWORKER)
    someone.password(Client(), "wrong")
    officer = sign_in(make(Role.PRIVACY_OFFICER))
    officer.get("/audit/")  # a line of something else
    page = officer.post("/audit/", {"action": "sign_in"}, headers={"accept-language": "en"}).content.decode()
    table = page.partition("<tbody")[2]
    assert table.count(' scope="row">') == 1
    assert "signed in" in table and "with a password" in table and "refused" in table and "A. Jansen" in table

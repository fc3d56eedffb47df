"""Keeping accounts: who makes, changes and ends them, and that whoever was ended is out."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.exceptions import PermissionDenied
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from recorder.archive.access import Role
from recorder.archive.web.clock import now_ms
from recorder.archive.web.people import keeping
from recorder.archive.web.people.adapters import SecondFactorAdapter
from recorder.archive.web.people.models import Person
from recorder.archive.web.people.views import REVIEW_MS, SHOWN
from recorder.archive.web.trail.models import Line
from recorder.archive.web.trail.reading import details
from recorder.errors import WebError
from tests.web.archive import Archive
from tests.web.conftest import Make

SignIn = Callable[[Person], Client]
ACTS = ("roles", "reviewed", "invite", "deactivate", "second-step")


def link(answer: object) -> str:
    """The path of the link that this answer shows."""
    found = re.search(r'id="link">(\S+?)</p>', answer.content.decode())  # type: ignore[attr-defined]
    assert found
    return urlsplit(found[1]).path


def test_an_administrator_makes_an_account_and_its_person_sets_a_password(
    archive: Archive, make: Make, sign_in: SignIn
) -> None:
    by = make(Role.ADMINISTRATOR)
    said = {"email": "A.Jansen@gemeente.example", "name": "A. Jansen", "roles": ["caseworker"], "rooms": ["room-2"]}
    answer = sign_in(by).post("/accounts/new/", said)
    path = link(answer)
    person = Person.objects.get(email="a.jansen@gemeente.example")
    assert (person.name, person.roles, person.rooms) == ("A. Jansen", {Role.CASEWORKER}, ["room-2"])
    line = Line.objects.get(action="keep_accounts")
    assert details(line) == {"account": str(person.pk), "act": "make", "roles": "caseworker", "rooms": "room-2"}
    for word in (b"Jansen", b"jansen", str(person.pk).encode()):
        assert word not in bytes(line.text)

    visitor = Client()
    opened = visitor.get(path)
    assert opened.status_code == 302, "the key is not to stand in the address of the page where one types"
    page = opened.headers["Location"]
    words = "vier losse woorden samen"
    assert b'role="alert"' in visitor.post(page, {"password1": "short", "password2": "short"}).content
    set_ = visitor.post(page, {"password1": words, "password2": words}, follow=True)
    assert set_.redirect_chain[-1][0] == "/account/password/set/"
    person.refresh_from_db()
    assert person.check_password(words)
    assert b"password1" not in Client().get(path, follow=True).content, "the link works once"
    assert "/accounts/" not in visitor.get("/", follow=True).redirect_chain[-1][0]


def test_the_list_has_those_on_top_whose_roles_nobody_looked_at(archive: Archive, make: Make, sign_in: SignIn) -> None:
    by = make(Role.ADMINISTRATOR, name="Zed")
    for name, age_ms in (("Recent", 0), ("Old", REVIEW_MS + 1), ("Older", REVIEW_MS + 600_000)):
        Person.objects.filter(pk=make(Role.CASEWORKER, name=name).pk).update(reviewed_ms=now_ms() - age_ms)
    Person.objects.filter(pk=make(Role.CASEWORKER, name="Never").pk).update(reviewed_ms=None)
    Person.objects.filter(pk=make(Role.CASEWORKER, name="Ended").pk).update(reviewed_ms=None, is_active=False)
    page = sign_in(by).get("/accounts/").content.decode()
    names = re.findall(r"<th [^>]*><a [^>]*>(\w+)</a>", page)
    assert names[:3] == ["Never", "Older", "Old"] and names[-1] == "Ended"
    assert page.count('<span class="tag warn">nu bekijken</span>') == 3


def test_a_list_of_many_takes_few_queries(
    archive: Archive, make: Make, sign_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = sign_in(make(Role.ADMINISTRATOR))
    for number in range(SHOWN + 5):
        Person.objects.make(f"p{number}@gemeente.example", f"Person {number}", [Role.CASEWORKER], ["room-1"])
    client.get("/accounts/")
    with django_assert_max_num_queries(11):
        page = client.get("/accounts/").content.decode()
    assert page.count(' scope="row">') == SHOWN
    found = client.post("/accounts/", {"text": "PERSON 104"}).content.decode()
    assert found.count(' scope="row">') == 1 and "Person 104" in found
    assert 'class="empty"' in client.post("/accounts/", {"text": "nobody at all"}).content.decode()


def test_roles_that_do_not_go_together_are_told_in_words(archive: Archive, make: Make, sign_in: SignIn) -> None:
    client, whom = sign_in(make(Role.ADMINISTRATOR)), make(Role.CASEWORKER)
    page = client.post(f"/accounts/{whom.pk}/roles/", {"roles": ["caseworker", "administrator"]}).content.decode()
    assert "klantmanager" in page and "beheerder" in page and 'role="alert"' in page
    assert Person.objects.get(pk=whom.pk).roles == {Role.CASEWORKER}
    for wrong in ("case_system", "nonsense"):
        assert b'role="alert"' in client.post(f"/accounts/{whom.pk}/roles/", {"roles": [wrong]}).content
    assert b'role="alert"' in client.post(f"/accounts/{whom.pk}/roles/", {"rooms": ["room-99"]}).content


def test_who_gets_other_roles_is_signed_out_and_has_them_then(archive: Archive, make: Make, sign_in: SignIn) -> None:
    whom = make(Role.CASEWORKER, rooms=["room-1", "room-that-went"])
    theirs = sign_in(whom)
    assert theirs.get("/meetings/").status_code == 200
    client = sign_in(make(Role.ADMINISTRATOR))
    make(Role.PRIVACY_OFFICER)
    page = client.get(f"/accounts/{whom.pk}/roles/").content.decode()
    assert len(re.findall(r"<input[^>]* checked", page)) == 3, (
        "a room that is not enrolled any more is not lost unasked"
    )
    client.post(f"/accounts/{whom.pk}/roles/", {"roles": ["listener"], "rooms": []})
    assert theirs.get("/meetings/").headers["Location"].startswith("/account/login/")
    keeping.confirm(Person.objects.get(pk=whom.pk))
    assert sign_in(Person.objects.get(pk=whom.pk)).get("/find/").status_code == 200


def test_who_is_deactivated_is_out_at_the_next_request_and_comes_back_by_a_new_link(
    archive: Archive, make: Make, sign_in: SignIn
) -> None:
    whom = make(Role.CASEWORKER)
    make(Role.PRIVACY_OFFICER)
    whom.set_password("vier losse woorden samen")
    whom.save()
    old_link, theirs, client = keeping.invite(whom), sign_in(whom), sign_in(make(Role.ADMINISTRATOR))
    assert theirs.get("/meetings/").status_code == 200
    client.post(f"/accounts/{whom.pk}/deactivate/")
    assert theirs.get("/meetings/").headers["Location"].startswith("/account/login/")
    assert b"password1" not in Client().get(old_link, follow=True).content
    said = {"login": whom.email, "password": "vier losse woorden samen"}
    assert Client().post("/account/login/", said).status_code == 200, "no redirect: nobody has signed in"

    path = link(client.post(f"/accounts/{whom.pk}/invite/", {"reason": "back from leave"}))
    assert Person.objects.get(pk=whom.pk).is_active
    assert theirs.get("/meetings/").status_code == 302, "what was signed in before stays out"
    assert b"password1" in Client().get(path, follow=True).content
    assert b"password1" not in Client().get(old_link, follow=True).content
    assert [details(each)["act"] for each in Line.objects.filter(action="keep_accounts").order_by("number")] == [
        "deactivate",
        "invite",
    ]


def test_a_session_alone_is_not_enough_for_who_may_not_sign_in(archive: Archive, make: Make, sign_in: SignIn) -> None:
    """Not by the session's hash but by the account: each holds by itself."""
    whom = make(Role.CASEWORKER)
    theirs = sign_in(whom)
    Person.objects.filter(pk=whom.pk).update(is_active=False)
    assert theirs.get("/meetings/").headers["Location"].startswith("/account/login/")


def test_a_second_factor_is_taken_away_for_a_reason(archive: Archive, make: Make, sign_in: SignIn) -> None:
    whom, client = make(Role.CASEWORKER), sign_in(make(Role.ADMINISTRATOR))
    make(Role.PRIVACY_OFFICER)
    theirs = sign_in(whom)
    assert b'role="alert"' in client.post(f"/accounts/{whom.pk}/second-step/", {"reason": " "}).content
    assert Authenticator.objects.filter(user=whom).exists()
    client.post(f"/accounts/{whom.pk}/second-step/", {"reason": "came to my desk"})
    assert not Authenticator.objects.filter(user=whom).exists()
    assert theirs.get("/meetings/").headers["Location"].startswith("/account/login/")
    assert details(Line.objects.get(action="keep_accounts"))["reason"] == "came to my desk"


def test_roles_are_looked_at(archive: Archive, make: Make, sign_in: SignIn) -> None:
    whom, client = make(Role.CASEWORKER), sign_in(make(Role.ADMINISTRATOR))
    Person.objects.filter(pk=whom.pk).update(reviewed_ms=1)
    theirs = sign_in(whom)
    assert client.get(f"/accounts/{whom.pk}/reviewed/").status_code == 405
    client.post(f"/accounts/{whom.pk}/reviewed/")
    assert now_ms() - (Person.objects.get(pk=whom.pk).reviewed_ms or 0) < 600_000
    assert theirs.get("/meetings/").status_code == 200
    assert details(Line.objects.get(action="keep_accounts"))["act"] == "review"


@pytest.mark.parametrize("act", ACTS)
def test_nobody_acts_on_their_own_account(act: str, archive: Archive, make: Make, sign_in: SignIn) -> None:
    by = make(Role.ADMINISTRATOR)
    client = sign_in(by)
    said = {"roles": ["administrator", "privacy_officer"], "reason": "because"}
    assert client.post(f"/accounts/{by.pk}/{act}/", said).status_code == 403
    person = Person.objects.get(pk=by.pk)
    assert (person.roles, person.is_active, person.era) == ({Role.ADMINISTRATOR}, True, by.era)
    assert Line.objects.get(action="keep_accounts").person == str(by.pk)
    assert f"/{act}/" not in client.get(f"/accounts/{by.pk}/").content.decode()


@pytest.mark.parametrize("role", sorted({*Role} - {Role.ADMINISTRATOR}))
def test_nobody_else_gets_near_an_account(role: Role, archive: Archive, make: Make, sign_in: SignIn) -> None:
    whom, client = make(Role.CASEWORKER), sign_in(make(role))
    for address in ("", "new/", f"{whom.pk}/", *(f"{whom.pk}/{act}/" for act in ACTS)):
        assert client.post(f"/accounts/{address}", {"reason": "because"}).status_code == 403
        assert client.get(f"/accounts/{address}").status_code in (403, 405)
        assert Client().post(f"/accounts/{address}").headers["Location"].startswith("/account/login/")
    assert Person.objects.get(pk=whom.pk).era == whom.era
    assert not Line.objects.exclude(person=str(client.session["_auth_user_id"])).exists()


def test_an_account_that_is_not_there(archive: Archive, make: Make, sign_in: SignIn) -> None:
    client = sign_in(make(Role.ADMINISTRATOR))
    for address in (f"{uuid4()}/", *(f"{uuid4()}/{act}/" for act in ACTS)):
        assert client.post(f"/accounts/{address}", {"reason": "x"}).status_code in (404, 405)


def test_who_no_longer_keeps_accounts_does_not_finish_what_they_began(make: Make) -> None:
    by, whom = make(Role.ADMINISTRATOR), make(Role.ADMINISTRATOR)
    with keeping.keeping(whom, by) as now:
        keeping.deactivate(now)
    with pytest.raises(PermissionDenied), keeping.keeping(by, whom):
        pass
    with keeping.keeping(whom, by) as now:
        keeping.admit(now)
        keeping.change(now, [Role.CASEWORKER], [])
    with pytest.raises(PermissionDenied), keeping.keeping(by, whom):
        pass
    with pytest.raises(PermissionDenied), keeping.keeping(whom, whom):
        pass


def test_a_second_factor_in_the_database_is_nobodys_to_use(make: Make, settings: Settings) -> None:
    whom, secret = make(Role.CASEWORKER), generate_totp_secret()
    Authenticator.objects.all().delete()
    TOTP.activate(whom, secret)
    kept = Authenticator.objects.get(user=whom)
    assert secret not in str(kept.data)
    assert SecondFactorAdapter().decrypt(kept.data["secret"]) == secret
    settings.SECRET_KEY = "of another archive"
    with pytest.raises(WebError, match=r"web\.secret"):
        kept.wrap().validate_code("123456")

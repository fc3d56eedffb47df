"""An archive with recordings in it, and the people who work with it: what the tests of the pages begin with."""

from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import connection
from django.test import Client
from pytest_django import Settings

from recorder.archive.access import Role
from recorder.archive.web import archive as opened_by_the_pages
from recorder.archive.web.people import keeping
from recorder.archive.web.people.models import Person
from tests.archive.conftest import postgresql_server  # noqa: F401 (a fixture)
from tests.web.archive import Archive
from tests.web.browser import browser, desk, language, open_as, shot  # noqa: F401 (fixtures)
from tests.web.deciding import in_use
from tests.web.ordered import Order


@pytest.fixture
def archive(tmp_path: Path, settings: Settings) -> Iterator[Archive]:
    made = Archive(tmp_path / "archive")
    settings.CONFIG = made.config
    yield made
    made.catalogue.close()
    # What the pages opened of it stays open for as long as their process; here that is all tests.
    for _, opened in opened_by_the_pages._opened.values():
        if isinstance(opened, opened_by_the_pages.Archive):
            opened.catalogue.close()
    opened_by_the_pages._opened.clear()


@pytest.fixture(autouse=True)
def in_order() -> Iterator[None]:
    """Each act of each test locks as all do."""
    with connection.execute_wrapper(Order()):
        yield


@pytest.fixture
def unguarded(db: None) -> None:
    """The trail without what keeps it in the database: as who owns that has it, or whose clock is another."""
    guards = import_module("recorder.archive.web.trail.migrations.0002_kept").GUARDS
    with connection.cursor() as cursor:
        for table, name, *_ in guards:
            cursor.execute(
                f"DROP TRIGGER {table}_{name}" + (f" ON {table}" if connection.vendor == "postgresql" else "")
            )


Make = Callable[..., Person]


@pytest.fixture
def make(db: None) -> Make:
    """Makes a person with these roles, who has a second factor and was confirmed, where all is decided that must be."""
    in_use()

    def made(*roles: Role, rooms: Collection[str] = (), name: str = "", email: str = "") -> Person:
        name = name or " ".join(roles) or "nobody"
        address = email or f"{name.replace(' ', '.').replace('_', '-')}-{Person.objects.count()}@gemeente.example"
        person = Person.objects.make(address, name, roles, rooms)
        keeping.confirm(person)
        TOTP.activate(person, generate_totp_secret())
        return person

    return made


@pytest.fixture
def sign_in() -> Callable[[Person], Client]:
    """A browser in which this person has signed in."""

    def signed_in(person: Person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return signed_in

"""Makes accounts that have signed in already, in a Desk's database: `python -m tests.web.registrar CONFIG`, a line for each.

It is a process of its own: Django knows one database, and the tests' is another one than the Desk's.
"""

import sys
from pathlib import Path

import msgspec

from recorder.archive.web.serving import set_up


class Wanted(msgspec.Struct):
    """One line in."""

    name: str
    email: str
    roles: list[str]
    rooms: list[str]
    invited: bool
    """Only: they have set nothing up, and have the link by which they begin."""
    confirmed: bool = True
    """By a second person."""


class Visitor(msgspec.Struct, frozen=True):
    """One line out: somebody with an account, and unless invited a second factor and a session in which they have signed in.

    Nobody of these has a password: to make one and to look at it take most of a second (Argon2). Who is to sign in by one sets
    it by the link.
    """

    id: str
    name: str
    email: str
    link: str
    totp_secret: str
    session: str


def main(config_file: str) -> None:
    set_up(Path(config_file))

    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from recorder.archive.access import Role
    from recorder.archive.web.people.keeping import confirm, invite, make

    for line in sys.stdin:
        wanted = msgspec.json.decode(line, type=Wanted)
        person = make(wanted.email, wanted.name, [Role(each) for each in wanted.roles], wanted.rooms)
        if wanted.confirmed:
            confirm(person)
        secret, session = generate_totp_secret(), SessionStore()
        if not wanted.invited:
            TOTP.activate(person, secret)
            session[SESSION_KEY] = str(person.pk)
            session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
            session[HASH_SESSION_KEY] = person.get_session_auth_hash()
            session.create()
        link = settings.CONFIG.web.url + invite(person)
        made = Visitor(str(person.pk), person.name, person.email, link, secret, session.session_key or "")
        print(msgspec.json.encode(made).decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

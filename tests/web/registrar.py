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
    password: str


class Visitor(msgspec.Struct, frozen=True):
    """One line out: somebody with an account, a second factor, and a session in which they have signed in by both."""

    id: str
    name: str
    email: str
    password: str
    totp_secret: str
    session: str


def main(config_file: str) -> None:
    set_up(Path(config_file))

    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from recorder.archive.access import Role
    from recorder.archive.web.people.keeping import make

    for line in sys.stdin:
        wanted = msgspec.json.decode(line, type=Wanted)
        person = make(wanted.email, wanted.name, [Role(each) for each in wanted.roles], wanted.rooms)
        person.set_password(wanted.password)
        person.save()
        secret = generate_totp_secret()
        TOTP.activate(person, secret)
        session = SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.create()
        assert session.session_key
        made = Visitor(str(person.pk), person.name, person.email, wanted.password, secret, session.session_key)
        print(msgspec.json.encode(made).decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

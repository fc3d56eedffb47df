"""Whether `keys/web.secret` is the one of this database.

With another one nothing looks broken: a client's "do not record" is simply not found, and second factors fail one by one. So
the database keeps a keyed hash of a constant, by which a secret is known and not told.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import Error
from django.utils.crypto import constant_time_compare, salted_hmac

from recorder.archive.web.people.models import Mark
from recorder.errors import WebError

_MARK = 1
_SALT = "wederhoor/1 web.secret"


class OtherSecret(WebError):
    """The database has the mark of another one."""


def make(file: Path) -> None:
    """Of who has to have the secret: keep its mark, if the database has none yet. OtherSecret; WebError if it fails."""
    secret = _read(file)
    if secret is None:
        raise WebError(f"{file}: cannot be read, or is empty; check archive.folder, or restore it from the backup")
    with _told():
        made, _new = Mark.objects.get_or_create(id=_MARK, defaults={"hash": _hash(secret)})
    _compare(made, secret, file)


def check(file: Path) -> None:
    """Of who does without it, and may have a folder of its own: a secret that is there must be the database's.

    OtherSecret; WebError if it fails.
    """
    with _told():
        secret, made = _read(file), Mark.objects.filter(id=_MARK).first()
    if secret is not None and made is not None:
        _compare(made, secret, file)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Error as error:
        first, *_more = str(error).splitlines()
        raise WebError(
            f"the table people_mark of web.database cannot be used: {first}; after a new version let its nightly run go once, "
            "then run provisioning/postgresql/roles.sql again as the owner (docs/operating.md, The pages)"
        ) from error


def _compare(made: Mark, secret: str, file: Path) -> None:
    if not constant_time_compare(made.hash, _hash(secret)):
        raise OtherSecret(
            f'{file} is not the one that this database was used with, or was lost: no "do not record" would be found and no '
            "second factor would work; restore it from the backup that belongs to the database (docs/operating.md)"
        )


def _hash(secret: str) -> str:
    return salted_hmac(_SALT, "", secret=secret, algorithm="sha256").hexdigest()


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii") or None
    except (OSError, UnicodeDecodeError):
        return None

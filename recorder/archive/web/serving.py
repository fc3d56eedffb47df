"""The two servers, the pages and the reading room behind them: gunicorn, with threads.

Whoever starts one is told when it serves.
"""

import fcntl
import gc
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.urls import get_resolver
from gunicorn.app.base import BaseApplication

from recorder import structs
from recorder.archive.web.database import people_file
from recorder.config import Config
from recorder.confine import lock_memory
from recorder.errors import WebError

SECRET_BYTES = 48
MIGRATION_LOCK = 8_463
"""A number that nothing else of this database locks."""
THREADS = 16
KEEP_SECONDS = 15
"""A connection that says nothing, also one that has said nothing yet: a player soon asks for the next range."""
WORKERS = 2
"""Of the pages. The reading room is one process: what it has opened is there, and not in another."""


def set_up(config_file: Path | None, module: str = "settings") -> None:
    """Django, by this configuration, with its database as this version wants it. Raises WebError."""
    _name(config_file, module)
    try:
        django.setup()
        with _alone():
            call_command("migrate", verbosity=0, interactive=False)
            call_command("createcachetable", verbosity=0)
    except django.db.Error as error:
        raise WebError(f"the database of the pages cannot be opened; check web.database: {error}") from error


def is_there(config: Config) -> bool:
    """Whether an archive with these settings has a database of the pages, so far as that is known without asking it."""
    return bool(config.web.database) or people_file(config).exists()


def set_up_to_look(config_file: Path | None) -> None:
    """As `set_up`, for who only reads: nothing is made, and nothing changed for this version, nor asked whether it must be."""
    _name(config_file, "settings")
    django.setup()


def _name(config_file: Path | None, module: str) -> None:
    os.environ.pop("WEDERHOOR_CONFIG", None)
    if config_file is not None:
        os.environ["WEDERHOOR_CONFIG"] = str(config_file.absolute())
    os.environ["DJANGO_SETTINGS_MODULE"] = f"recorder.archive.web.{module}"


@contextmanager
def _alone() -> Iterator[None]:
    """Of the programs that start at once one brings the database up to date, and the others wait."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
        return
    with _opened(Path(f"{connection.settings_dict['NAME']}.lock")) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _opened(lock: Path) -> IO[str]:
    try:
        return lock.open("a")
    except OSError as error:
        raise WebError(f"{lock}: cannot be written: {error.strerror}; check archive.folder, and --config") from error


def set_up_with_secret(config: Config, config_file: Path | None) -> None:
    """As `set_up`, with what signs cookies: made once for an archive, and the same for as long as there is its database.

    Django reads it before there is a database to ask, so that one that was made in the place of a lost one goes again. It stays
    after any other failure: a program that started at the same time may have marked the database with it.
    """
    file = secret_file(config)
    made = _make_secret(file)
    set_up(config_file)
    from recorder.archive.web.people import secret_mark

    try:
        secret_mark.make(file)
    except secret_mark.OtherSecret:
        if made:
            file.unlink(missing_ok=True)
        raise


def set_up_without_secret(config: Config, config_file: Path | None, module: str = "settings") -> None:
    """As `set_up`, of a program whose folder may have no secret; WebError if it has another one than the database's."""
    set_up(config_file, module)
    from recorder.archive.web.people import secret_mark

    secret_mark.check(secret_file(config))


def secret_file(config: Config) -> Path:
    return Path(config.archive.folder) / "keys" / "web.secret"


def _make_secret(file: Path) -> bool:
    """Whether there was none. Who reads it meanwhile reads all of it, or finds none."""
    if file.exists():
        return False
    try:
        with NamedTemporaryFile("w", dir=file.parent, prefix=f"{file.name}.") as out:
            out.write(secrets.token_urlsafe(SECRET_BYTES))
            out.flush()
            os.fsync(out.fileno())
            os.link(out.name, file)
    except FileExistsError:
        return False
    except OSError as error:
        raise WebError(f"{file}: cannot be written: {error.strerror}; check archive.folder") from error
    return True


def serve_pages(config: Config, ready: Callable[[], None]) -> None:
    """Until SIGTERM."""
    options = {"bind": config.web.bind, "workers": WORKERS, "threads": THREADS, "post_worker_init": _settle}
    if not config.web.behind_proxy:
        options["forwarded_allow_ips"] = ""
    _Server(options, ready).run()


def _settle(_worker: object) -> None:
    """What is loaded now stays: it is looked through for garbage no more, for which somebody waited a tenth of a second."""
    get_resolver().url_patterns  # noqa: B018 # reads every view; Django would at the first request
    structs.read_all()
    gc.collect()
    gc.freeze()


def serve_readings(place: Path, furnish: Callable[[], None], ready: Callable[[], None]) -> None:
    """Until SIGTERM, on a socket that this user and its group may use. `furnish` is called where requests are answered."""

    def begin(worker: object) -> None:
        lock_memory()  # of the worker, which inherits no lock
        furnish()
        _settle(worker)

    options = {"bind": f"unix:{place}", "workers": 1, "threads": THREADS, "umask": 0o007, "post_worker_init": begin}
    _Server(options, ready).run()


class _Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    def __init__(self, options: Mapping[str, Any], ready: Callable[[], None]) -> None:
        self._options, self._ready = options, ready
        super().__init__()

    def load_config(self) -> None:
        common = {
            "worker_class": "gthread",
            "preload_app": False,
            "proc_name": "wederhoor",
            "when_ready": lambda _server: self._ready(),
            "limit_request_line": 2_048,
            "limit_request_fields": 60,
            "loglevel": "warning",
            "graceful_timeout": 10,
            "keepalive": KEEP_SECONDS,
            "control_socket_disable": True,
        }
        for name, value in (common | dict(self._options)).items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        return get_wsgi_application()

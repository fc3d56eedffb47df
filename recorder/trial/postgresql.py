"""A real PostgreSQL on this machine: the server that the archive's catalogue is tried and tested with.

It listens on a unix socket in its folder and nowhere else. It refuses to run as root; root has it run as the user `postgres`,
whom Debian's package makes.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from recorder.errors import TrialError
from recorder.trial import children

START_SECONDS_MAX = 60.0
"""After a crash it reads its log first."""
STOP_SECONDS_MAX = 60.0
ACCOUNT = "postgres"


class PostgresqlServer:
    """A PostgreSQL with its files in `folder`, made by `initdb` with these options. May be started again after it ended.

    Raises TrialError if PostgreSQL is missing or fails.
    """

    def __init__(
        self, folder: Path, options: Sequence[str] = ("--auth=trust", "--encoding=UTF8", "--locale=C")
    ) -> None:
        self._folder = folder.absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._as: list[str] = []
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            try:
                account = pwd.getpwnam(ACCOUNT)
            except KeyError as error:
                raise TrialError(f"there is no user {ACCOUNT}: apt install postgresql") from error
            os.chown(folder, account.pw_uid, account.pw_gid)
            # A change of user takes back that the kernel ends it with us: it is asked for again.
            self._as = [
                "setpriv",
                f"--reuid={ACCOUNT}",
                f"--regid={ACCOUNT}",
                "--init-groups",
                "--pdeathsig=KILL",
                "--",
            ]
        initdb = ["initdb", *options, f"--username={ACCOUNT}", "--no-sync"]
        made = subprocess.run(
            [*self._as, _program(initdb[0]), *initdb[1:], "-D", str(self._data)],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise TrialError(f"initdb failed: {made.stderr.strip()}")

    def url(self, database: str = ACCOUNT) -> str:
        """Of one of its databases, as `archive.catalogue` has it."""
        return f"postgresql+psycopg://{ACCOUNT}@/{database}?host={self._folder}"

    def conninfo(self, database: str = ACCOUNT) -> str:
        """The same for libpq."""
        return f"host={self._folder} user={ACCOUNT} dbname={database}"

    @property
    def log(self) -> str:
        """What it wrote so far."""
        file = self._folder / "log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def execute(self, statement: str, database: str = ACCOUNT) -> list[tuple[object, ...]]:
        """Carry out one statement, outside of a transaction; its rows."""
        with psycopg.connect(self.conninfo(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self, settings: Mapping[str, str] | None = None) -> None:
        """Start, with these settings of postgresql.conf, and return when it takes connections."""
        given = {"listen_addresses": "", "unix_socket_directories": str(self._folder)} | dict(settings or {})
        options = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = children.start(
                [*self._as, _program("postgres"), "-D", str(self._data), *options], output=log, errors=log
            )
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise TrialError(f"PostgreSQL did not start; its log says: {self.log.strip() or 'nothing'}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in order, whoever is connected; does nothing if it does not run."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # its "fast shutdown"
            try:
                self._process.wait(STOP_SECONDS_MAX)
                self._process = None
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would: its processes notice that the first of them is gone."""
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            process.wait()

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _data(self) -> Path:
        return self._folder / "data"


@contextmanager
def temporary(settings: Mapping[str, str] | None = None) -> Iterator[PostgresqlServer]:
    """A server that runs meanwhile, with these settings of postgresql.conf, and leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="wederhoor-postgresql-") as name:
        Path(name).chmod(0o711)  # who runs it may be another user
        server = PostgresqlServer(Path(name) / "server")
        try:
            server.start(settings)
            yield server
        finally:
            server.stop()


def _program(name: str) -> str:
    # Debian keeps one folder a version, and none of them on the PATH.
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    program = shutil.which(name, path=str(versions[-1])) if versions else shutil.which(name)
    if program is None:
        raise TrialError(f"{name} is not installed: apt install postgresql")
    return program

"""`recorder archive account`, and what `web` says before it serves, as an operator at a terminal meets them."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.web.archive import Archive
from tests.web.desk import SECONDS_MAX


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    made = Archive(tmp_path_factory.mktemp("account") / "archive")
    yield made
    made.catalogue.close()


def recorder(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "recorder", "archive", "--config", str(config), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS_MAX)


def test_the_first_account_is_made_and_a_second_one_for_it_is_not(there: Archive) -> None:
    words = ("account", "A.Jansen@gemeente.example", "A. Jansen", "--role", "administrator")
    done = recorder(there.config_file, *words)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^http://localhost:8463/account/password/\S+/$", done.stdout, re.MULTILINE)
    with closing(sqlite3.connect(Path(there.config.archive.folder) / "people.sqlite")) as database:
        lines = database.execute("SELECT person, action, result FROM trail_line").fetchall()
    assert lines == [("operator", "keep_accounts", "done")]
    again = recorder(there.config_file, *words)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.splitlines()[-1].endswith("has an account already")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("x@gemeente.example", "X", "--role", "boss"), "'boss' is no role; those are caseworker, listener,"),
        (("x@gemeente.example", "X", "--role", "case_system"), "a program gets a token, at Programs in the pages"),
        (("nowhere", "X", "--role", "caseworker"), "'nowhere' is no e-mail address"),
        (("x@gemeente.example", "", "--role", "caseworker"), "a name has 1 to 100 characters"),
        (("x@gemeente.example", "X", "--role", "listener", "--role", "administrator"), "nobody may have these roles"),
        (("x@gemeente.example", "X", "--role", "caseworker", "--room", "room-9"), "'room-9' is not enrolled"),
        (("x@gemeente.example", "X"), "the following arguments are required: --role"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(words: tuple[str, ...], told: str, there: Archive) -> None:
    done = recorder(there.config_file, "account", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ('[archive]\nfolder = "{folder}/none"\n', "check archive.folder"),
        ('[web]\ndatabase = "postgresql://nobody@/none?host={folder}"\n', "check web.database"),
    ],
)
def test_an_archive_that_is_not_there_is_told(settings: str, told: str, there: Archive, tmp_path: Path) -> None:
    config = tmp_path / "wrong.toml"
    common = "" if "[archive]" in settings else f'[archive]\nfolder = "{there.folder}"\n'
    config.write_text(common + settings.format(folder=tmp_path))
    done = recorder(config, "account", "x@gemeente.example", "X", "--role", "caseworker")
    assert done.returncode == 2 and told in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("forget",),
        ("forget", "--preview"),
        ("read", "--key", "reader.key"),
        ("account", "x@gemeente.example", "X", "--role", "caseworker"),
        ("audit", "check"),
        ("audit", "checkpoint"),
        ("audit", "export", "-o", "trail.jsonl"),
        ("web",),
        ("list",),
    ],
    ids=" ".join,
)
def test_a_folder_that_is_not_there_is_told_by_every_command(words: tuple[str, ...], tmp_path: Path) -> None:
    """As where `--config` was forgotten, and the default has no archive."""
    config = tmp_path / "wrong.toml"
    config.write_text(f'[archive]\nfolder = "{tmp_path}/none"\n')
    done = recorder(config, *words)
    assert (done.returncode, done.stdout) == (2, "")
    (told,) = done.stderr.splitlines()
    assert "check archive.folder" in told and f"{tmp_path}/none" in told
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("made", [None, "\n"])
def test_pages_without_the_providers_secret_do_not_start(made: str | None, there: Archive, tmp_path: Path) -> None:
    config, secret = tmp_path / "oidc.toml", tmp_path / "secret"
    if made is not None:
        secret.write_text(made)
    provider = f'oidc_name = "Us"\noidc_issuer = "https://login.example.nl"\noidc_client = "w"\noidc_secret_file = "{secret}"\n'
    config.write_text(f'[archive]\nfolder = "{there.folder}"\n[web]\n{provider}')
    done = recorder(config, "web")
    assert done.returncode == 2 and str(secret) in done.stderr and "Traceback" not in done.stderr

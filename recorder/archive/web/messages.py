"""Finds what is to be translated, and makes the files that the pages read: `make messages`. Needs Debian's gettext.

Each app has its words beside it, in `locale`; what is in none of them belongs to all.
"""

import os
import subprocess
import sys
from pathlib import Path

import polib

HERE = Path(__file__).parent
WIDTH = 120
METADATA = {
    "Language": "nl",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n != 1);",
}


def apps(package: Path = HERE) -> list[str]:
    """The folders in it that have words of their own."""
    return sorted(each.parent.name for each in package.glob("*/urls.py"))


def find(folder: Path, *apart: str) -> None:
    """Note in `folder`'s file for Dutch what is to be translated there, but for these folders in it."""
    (folder / "locale").mkdir(exist_ok=True)
    ignored = [part for each in apart for part in ("--ignore", f"{each}/*")]
    command = ["-m", "django", "makemessages", "--locale", "nl", "--no-obsolete", "--no-location", "-v", "0", *ignored]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run([sys.executable, *command], cwd=folder, env=environment, check=True)
    for file in (folder / "locale").rglob("*.po"):
        found = polib.pofile(str(file), wrapwidth=WIDTH)
        found.header, found.metadata_is_fuzzy, found.metadata = "", None, METADATA  # no times: they make conflicts
        found.save()


def make_all(package: Path = HERE) -> None:
    """The files that are read."""
    for file in package.rglob("*.po"):
        polib.pofile(str(file)).save_as_mofile(str(file.with_suffix(".mo")))


def find_all(package: Path = HERE) -> None:
    """What is to be translated in all of them."""
    find(package, *apps(package))
    for each in apps(package):
        find(package / each)


if __name__ == "__main__":
    find_all()
    make_all()

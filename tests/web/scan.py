"""`python -m tests.web.scan`: what a public scanner finds in the pages, signed in as each role in turn, and as nobody.

Wapiti (https://wapiti-scanner.github.io, GPL, a program of its own that `make scan` installs in `.scan/`) follows links and
forms, and tries on each what attackers try: injection, scripts that come back or stay, paths, redirects, forms without a token.
It takes some three minutes for each; what it needs the internet for is left out.

Exits with 1 if it finds anything but EXPECTED, or a page that answers with an error of the program; and if it got nowhere.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import track

from recorder.archive.access import Role
from recorder.errors import TrialError
from tests.web.archive import Archive
from tests.web.desk import Desk, Visit

WAPITI = Path(__file__).parents[2] / ".scan" / "bin" / "wapiti"
MODULES = (
    *("backup", "cookieflags", "crlf", "csp", "csrf", "exec", "file", "htaccess", "http_headers", "permanentxss"),
    *("redirect", "sql", "timesql", "upload", "xss", "xxe"),
)
EXPECTED = frozenset({"Secure Flag cookie"})
"""On this machine there is no TLS; with an address that begins with https the cookies have it (`tests/web/test_sign_in.py`)."""
SCAN_SECONDS, MODULE_SECONDS, DEPTH = 300, 60, 6
PAGES_MIN = 5
PEOPLE = [None, *(role for role in Role if role is not Role.CASE_SYSTEM)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.web.scan", description="What a public scanner finds in the pages.")
    parser.add_argument(
        "--role", choices=[str(each) for each in PEOPLE], help="as this one alone (None: not signed in)"
    )
    arguments = parser.parse_args()
    console = Console(highlight=False)
    if not WAPITI.exists():
        raise TrialError(f"there is no {WAPITI}: `make scan` installs it")
    people = [each for each in PEOPLE if arguments.role in (None, str(each))]
    found: list[str] = []
    with tempfile.TemporaryDirectory(prefix="scan-", dir=Path.home()) as name:
        archive = Archive(Path(name) / "archive")
        desk = Desk(archive)
        try:
            furnish(desk)
            for role in track(people, "scanning", console=console):
                found += [f"as {role or 'nobody'}: {each}" for each in scan(desk, role, Path(name))]
            found += [
                line for line in desk.log_file.read_text().splitlines() if line.startswith(("ERROR", "Traceback"))
            ]
        finally:
            desk.close()
            archive.catalogue.close()
    for each in found:
        console.print(each, markup=False)
    console.print(f"{len(found)} findings")
    return 1 if found else 0


def furnish(desk: Desk) -> None:
    """Something to be found: meetings with and without a case, a hold, a request."""
    recordings = [desk.archive.record("room-1").id for _ in range(3)]
    desk.start()
    worker = Visit(desk, desk.visitor(Role.CASEWORKER, rooms=["room-1"]))
    for each in recordings[:2]:
        worker.post(f"/meetings/{each}/case/", case="Z-1", there="on")
    worker.post(f"/recordings/{recordings[0]}/hold/", kind="objection", case="Z-1", reason="r", until="2030-01-01")
    clerk = Visit(desk, desk.visitor(Role.RIGHTS_DESK))
    clerk.post(f"/rights/recordings/{recordings[1]}/", kind="access", channel="letter", words="Please")


def scan(desk: Desk, role: Role | None, folder: Path) -> Iterator[str]:
    """What it finds as somebody with this role."""
    report, cookies = folder / f"{role}.json", folder / f"{role}.cookies"
    command = [str(WAPITI), "--url", f"{desk.url}/", "--scope", "domain", "--module", ",".join(MODULES)]
    command += ["--depth", str(DEPTH), "--max-scan-time", str(SCAN_SECONDS), "--max-attack-time", str(MODULE_SECONDS)]
    command += ["--exclude", f"{desk.url}/account/logout/", "--skip", "csrfmiddlewaretoken"]
    command += ["--format", "json", "--output", str(report), "--store-session", str(folder / f"{role}.session")]
    command += ["--flush-session", "--no-bugreport", "--verbose", "0"]
    if role is not None:
        person = desk.visitor(role, rooms=["room-1"] if role is Role.CASEWORKER else [])
        cookie = {"value": person.session, "version": 0, "expires": None, "secure": False, "port": None}
        cookies.write_bytes(msgspec.json.encode({"localhost": {"/": {"session": cookie}}}))
        command += ["--cookie", str(cookies)]
    subprocess.run(command, check=True, capture_output=True, timeout=3 * SCAN_SECONDS)
    told = msgspec.json.decode(report.read_bytes())
    pages = told["infos"]["crawled_pages_nbr"]
    if pages < PAGES_MIN or not all(told["vulnerabilities"][each] for each in EXPECTED):
        yield f"it got nowhere: {pages} pages"
    for kind in ("vulnerabilities", "anomalies"):
        for name, every in told[kind].items():
            if name not in EXPECTED:
                yield from (
                    f"{name}: {each['method']} {each['path']} {each['parameter']}: {each['info']}" for each in every
                )


if __name__ == "__main__":
    sys.exit(main())

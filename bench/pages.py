"""`python -m bench.pages`: how long a page takes where a million recordings are, on a PostgreSQL of its own on this machine.

The database makes all rows itself, from a number each: recordings of 130 days in 2,000 rooms, each with a receipt and a code,
and nearly each with a case and a person; requests, holds, what is soon deleted, thirty days of every room, and an audit trail
as long. The caseworker has three rooms, in each of which sixty conversations were had in a fortnight, most of them named by
colleagues.

The pages are processes as an operator runs them, behind a proxy. What is measured is what a browser waits for; beside it, what
the pages take of a processor, which another load of the machine changes less. The recordings' objects are not there, so a
recording's page tells that it cannot be read: what verifying takes on top, once in ten minutes, goes with the recording's
length and not with their number, and `bench.hearing` measures it.

Exits with 1 if a target is missed. The database is deleted in the end.
"""

import argparse
import hashlib
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psycopg
from rich.console import Console
from rich.progress import track
from sqlalchemy import make_url

from bench import command, processes, results
from bench.catalogue import SETTINGS
from bench.figures import Line
from recorder.archive.access import Role
from recorder.archive.catalogue import Catalogue
from recorder.archive.folder import FolderStore
from recorder.trial.postgresql import PostgresqlServer, temporary
from tests.web.archive import DAY_MS, now_ms
from tests.web.desk import Answer, Desk, Visit

PAGE_MS_MAX = 50.0
"""At the 95th percentile."""
SHARE = 0.95
PEOPLE, ROOMS = 2_000, 2_000
DAYS, RETENTION_DAYS = 130, 126
UNLINKED_DAYS = 1
"""What came since then has no case yet."""
REQUESTS, HOLDS, EXPECTED = 3_000, 1_000, 100_000
SILENT_OF, FAILED_OF = 7, 5_000
"""One room of so many says nothing, and one meeting of so many was broken off by a fault."""
ALL_HOURS = (1 << 24) - 1
WARM_UP = 20
CODE_GROUP = 4


Times = dict[str, list[float]]
"""Milliseconds of each ask, by page."""


class Large:
    """What a Desk needs to know of an archive: this one's catalogue is on a server, and its store is empty."""

    def __init__(self, folder: Path, url: str) -> None:
        (folder / "keys").mkdir(parents=True)
        FolderStore.make(folder / "objects")
        self.folder, self.config_file = folder, folder / "archive.toml"
        self.config_file.write_text(f'[archive]\nfolder = "{folder}"\ncatalogue = "{url}"\n')


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.pages", description="How long a page takes.")
    parser.add_argument("--recordings", type=int, default=1_000_000, help="how many (default: %(default)s)")
    parser.add_argument("--asks", type=int, default=300, help="how often each page is asked for (default: %(default)s)")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    lines, raw = run(arguments.recordings, arguments.asks, console)
    results.tell(lines, console)
    return results.finish(lines, raw, "pages", console)


def run(recordings: int, asks: int, console: Console) -> tuple[list[Line], dict[str, Times]]:
    with temporary(SETTINGS) as server, tempfile.TemporaryDirectory(prefix="bench-", dir=Path.home()) as folder:
        server.execute("CREATE DATABASE large")
        Catalogue(server.url("large")).close()
        people = make_url(server.url("large")).set(drivername="postgresql").render_as_string()
        settings = f'database = "{people}"\nbehind_proxy = true\n'
        desk = Desk(Large(Path(folder) / "archive", server.url("large")), settings)  # type: ignore[arg-type]
        try:
            desk.decide()
            desk.start_one("web")
            rooms = [_room(number) for number in range(3)]
            visitors = {
                role: desk.visitor(role, rooms=rooms if role is Role.CASEWORKER else [])
                for role in (Role.CASEWORKER, Role.LISTENER, Role.RIGHTS_DESK, Role.PRIVACY_OFFICER, Role.ADMINISTRATOR)
            }
            visits = {role: Visit(desk, each) for role, each in visitors.items()}
            began = time.monotonic()
            console.print(f"making {recordings:,} recordings and what people said of them")
            fill(server, recordings, visitors[Role.CASEWORKER].id)
            visits[Role.PRIVACY_OFFICER].get("/audit/")
            lengthen(server, recordings)
            server.execute("VACUUM ANALYZE", "large")
            made = time.monotonic() - began
            waited, taken = ask(visits, recordings, desk.workers("web"), asks, console)
        finally:
            desk.close()
    there = Line("recordings", f"{recordings:,}, as many lines in the audit trail; made in {made:.0f} s")
    lines = [line for name in waited for line in _lines(name, waited[name], taken[name])]
    return [there, *lines], {"page_ms": waited, "processor_ms": taken}


# What is there.


def _room(number: int) -> str:
    return f"room-{number:05}"


def fill(server: PostgresqlServer, recordings: int, person: str) -> None:
    """Recording `n` of so many is of room `n % ROOMS` and of person `n % PEOPLE`, the first of whom is this one."""
    now, step = now_ms(), DAYS * DAY_MS // recordings
    first_ms = f"({now - DAYS * DAY_MS} + n::bigint * {step})"
    room, recording = f"'room-' || lpad((n % {ROOMS})::text, 5, '0')", "md5('recording ' || n)"
    # Those of one person are of many rooms, and those of one room of many people.
    number = f"((n / {ROOMS} + n) % {PEOPLE})"
    of = f"CASE WHEN {number} = 0 THEN '{person}'::uuid ELSE md5({number}::text)::uuid END"
    hash_ = "decode(md5(n::text) || md5('x' || n), 'hex')"
    linked = recordings - UNLINKED_DAYS * recordings // DAYS
    every = f"generate_series(0, {recordings - 1}) n"
    code = "upper(regexp_replace(substr(md5('code ' || n), 1, 20), '(.{4})(?=.)', '\\1-', 'g'))"
    _carry_out(
        server,
        "SET session_replication_role = replica",  # foreign keys, which are right anyway
        f"INSERT INTO devices (name, public_key, enrolled_ms) SELECT {room}, {hash_}, {now} FROM "
        f"generate_series(0, {ROOMS - 1}) n",
        "INSERT INTO recordings (id, device, preamble_hash, first_ms, delete_after_ms, state, sequence, made_ms, "
        "made_synced, ended, ended_ms, blocks, keybox, receipt_previous, settled, came_ms, code, consent, yes) "
        f"SELECT {recording}, {room}, {hash_}, {first_ms}, {first_ms} + {RETENTION_DAYS * DAY_MS}, 'kept', n / {ROOMS} + 1, "
        f"{first_ms} - 3000000, true, CASE n % {FAILED_OF} WHEN 0 THEN 'fault' ELSE 'stop' END, {first_ms} - 1000, 2999, "
        f"encode({hash_}, 'hex'), {hash_}, true, {first_ms}, {code}, 'given', 2 FROM {every}",
        "INSERT INTO rooms (name, told_ms, heard, silent_ms, faults, rejected, behind, spool, certificate_ends_ms, started_ms, "
        f"selftest_ms, selftest_found) SELECT {room}, {now}, n % {SILENT_OF} > 0, {now} - 7200000, '', false, false, 1, "
        f"{now} + {300 * DAY_MS}, {now} - {DAY_MS}, {now} - {DAY_MS}, '' FROM generate_series(0, {ROOMS - 1}) n",
        "INSERT INTO room_days (room, day, watched, silent, faults, rejected) "
        f"SELECT {room}, {now // DAY_MS} - day, {ALL_HOURS}, CASE (n + day) % {SILENT_OF} WHEN 0 THEN {ALL_HOURS} ELSE 0 END, "
        f"'', false FROM generate_series(0, {ROOMS - 1}) n, generate_series(0, 29) day",
        "INSERT INTO people_person (id, email, name, password, is_active, era, confirmed_ms) SELECT md5(n::text)::uuid, "
        f"n || '@bench.example', 'Person ' || n, '!', true, 0, {now} FROM generate_series(1, {PEOPLE - 1}) n",
        f"INSERT INTO meetings_case (id, number) SELECT n + 1, 'Z-' || n FROM generate_series(0, {recordings // 3}) n",
        "INSERT INTO meetings_link (recording, case_id, person_id, device, at_ms, disputed) "
        f"SELECT {recording}, n / 3 + 1, {of}, {room}, {first_ms}, false FROM generate_series(0, {linked - 1}) n",
        "INSERT INTO rights_request (id, recording, kind, channel, words, came_ms, due_ms, state, decision) "
        f"SELECT gen_random_uuid(), {recording}, 'access', 'page', 'Please', {now} - 86400000, {now} + n, 'open', '' "
        f"FROM generate_series(0, {linked - 1}, {max(1, linked // REQUESTS)}) n",
        "INSERT INTO holds_hold (case_id, kind, reason, expires_ms, placed_ms, at_once, confirmed_ms, why) "
        f"SELECT n / 3 + 1, 'objection', 'an objection', {now} + {60 * DAY_MS}, {now} - 86400000, true, {now} - 3600000, '' "
        f"FROM generate_series(0, {linked - 1}, {max(1, linked // HOLDS)}) n",
        "INSERT INTO holds_expected (recording, device, made_ms, cause, due_ms, goes_ms, kept) "
        f"SELECT {recording}, {room}, {first_ms}, 'term', {now} + n * 1000, {now} + n * 1000, false "
        f"FROM generate_series(0, {min(EXPECTED, recordings) - 1}) n",
        f"INSERT INTO holds_run (began_ms, ended_ms, deleted, again, failed) VALUES ({now} - 60000, {now}, 1, 0, 0)",
    )


def lengthen(server: PostgresqlServer, lines: int) -> None:
    """So many more lines in the audit trail, as its last one: what they say does not matter to who looks for them."""
    _carry_out(
        server,
        "SET session_replication_role = replica",  # what keeps the trail would have them come one by one
        "INSERT INTO trail_line (number, text, hash, details, salt, wall_ms, person, action, recording, device, result) "
        "SELECT number + n, text, hash, details, salt, wall_ms, person, action, recording, device, result "
        f"FROM (SELECT * FROM trail_line ORDER BY number DESC LIMIT 1) last, generate_series(1, {lines}) n",
        "UPDATE trail_head SET number = (SELECT max(number) FROM trail_line)",
    )


def _carry_out(server: PostgresqlServer, *statements: str) -> None:
    """One behind the other, in one session."""
    with psycopg.connect(server.conninfo("large"), autocommit=True) as connection:
        for each in statements:
            connection.execute(each.encode())


def _code(number: int) -> str:
    """The code of the recording with this number, as `fill` has the database make it."""
    characters = hashlib.md5(f"code {number}".encode(), usedforsecurity=False).hexdigest()[:20].upper()
    return "-".join(characters[at : at + CODE_GROUP] for at in range(0, len(characters), CODE_GROUP))


# What is asked.


def ask(
    visits: Mapping[Role, Visit], recordings: int, workers: Sequence[int], asks: int, console: Console
) -> tuple[Times, Times]:
    """How long each took, and what the pages took of a processor meanwhile. In turns, with other values."""
    chance = random.Random(3)
    worker, listener, desk, officer, keeper = (
        visits[role]
        for role in (Role.CASEWORKER, Role.LISTENER, Role.RIGHTS_DESK, Role.PRIVACY_OFFICER, Role.ADMINISTRATOR)
    )
    tokens = {visit: visit.token(path) for visit, path in ((listener, "/find/"), (officer, "/audit/"), (keeper, "/c/"))}
    first = worker.get("/meetings/").text
    mine = re.findall(r"/recordings/(\w{32})/", first)
    further = re.search(r"\?mine=[\w-]+|$", first)  # with few recordings there is no second page
    assert further is not None

    def look_up() -> Answer:
        # From one place codes are not tried so often.
        keeper.headers["X-Forwarded-For"] = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
        return keeper.send("/c/", code=_code(chance.randrange(recordings)), csrfmiddlewaretoken=tokens[keeper])

    def find() -> Answer:
        case = f"Z-{chance.randrange(recordings // 3)}"
        return listener.send("/find/", case=case, csrfmiddlewaretoken=tokens[listener])

    def search_audit() -> Answer:
        wanted = f"{chance.randrange(1 << 128):032x}"
        return officer.send("/audit/", recording=wanted, csrfmiddlewaretoken=tokens[officer])

    pages: dict[str, Callable[[], Answer]] = {
        "my meetings": lambda: worker.get("/meetings/"),
        "my meetings, older": lambda: worker.get(f"/meetings/{further[0]}"),
        "find by the number of a case": find,
        "one recording, unverified": lambda: worker.get(f"/recordings/{chance.choice(mine)}/"),
        "the client's page, unverified": look_up,
        "rights desk": lambda: desk.get("/rights/"),
        "holds": lambda: officer.get("/holds/"),
        "deletions": lambda: officer.get("/deletions/"),
        "rooms": lambda: keeper.get("/rooms/"),
        "audit trail": lambda: officer.get("/audit/"),
        "audit trail, of one recording": search_audit,
    }
    waited: Times = {name: [] for name in pages}
    taken: Times = {name: [] for name in pages}
    for at in track(range(asks + WARM_UP), "asking", console=console):
        for name, page in pages.items():
            before, began = _processor_ms(workers), time.perf_counter()
            answer = page()
            passed = (time.perf_counter() - began) * 1e3
            assert answer.status == 200, (name, answer.status)
            if at >= WARM_UP:
                waited[name].append(passed)
                taken[name].append(_processor_ms(workers) - before)
    return waited, taken


def _processor_ms(workers: Sequence[int]) -> float:
    return sum(processes.cpu(each).own for each in workers) * 1e3


def _lines(name: str, waited_ms: Sequence[float], taken_ms: Sequence[float]) -> list[Line]:
    ordered = sorted(waited_ms)
    slow = ordered[int(SHARE * (len(ordered) - 1))]
    value = f"{slow:.0f} ms; half of them {statistics.median(ordered):.0f} ms, the worst {ordered[-1]:.0f} ms"
    return [
        Line(name, value, f"95 of 100 at most {PAGE_MS_MAX:.0f} ms", slow <= PAGE_MS_MAX),
        Line("  of a processor, the pages alone", f"{statistics.fmean(taken_ms):.1f} ms on average"),
    ]


if __name__ == "__main__":
    command.run(main)

"""`python -m bench.pages`: how long a page takes where a million recordings are, on a PostgreSQL of its own on this machine.

The catalogue is that of `bench.catalogue`, and each recording that was kept has a case and a person. The pages are a process
as an operator runs it, asked over a connection that stays open: what is measured is what a browser waits for. The recordings'
objects are not there, so that a recording's page tells that it cannot be read: what verifying takes on top, which goes with
the recording's length and not with their number, `bench.first_sound` measures.

Exits with 1 if a target is missed. The database is deleted in the end.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from sqlalchemy import make_url

from bench import command, results
from bench.catalogue import DEVICES, NOW_MS, SETTINGS, fill
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
PEOPLE = 2_000
WARM_UP = 20


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
    return results.finish(lines, {"page_ms": raw}, "pages", console)


def run(recordings: int, asks: int, console: Console) -> tuple[list[Line], dict[str, list[float]]]:
    with temporary(SETTINGS) as server, tempfile.TemporaryDirectory(prefix="bench-", dir=Path.home()) as folder:
        server.execute("CREATE DATABASE large")
        Catalogue(server.url("large")).close()
        console.print(f"copying {recordings:,} recordings")
        fill(server, recordings, lambda _many: None)
        # The bench's recordings end at a day of its own: here they end now.
        server.execute(f"UPDATE recordings SET first_ms = first_ms + {now_ms() - NOW_MS}, made_ms = first_ms", "large")
        people = make_url(server.url("large")).set(drivername="postgresql").render_as_string()
        desk = Desk(Large(Path(folder) / "archive", server.url("large")), f'database = "{people}"\n')  # type: ignore[arg-type]
        try:
            desk.start_one("web")
            rooms = [f"room-{number:05}" for number in range(0, DEVICES, DEVICES // 20)]
            visitor = desk.visitor(Role.CASEWORKER, rooms=rooms[:3])
            listener = desk.visitor(Role.LISTENER)
            console.print("linking them")
            link(server, visitor.id)
            times = ask(server, Visit(desk, visitor), Visit(desk, listener), visitor.id, asks, console)
        finally:
            desk.close()
    there = Line("recordings", f"{recordings:,}; each that was kept has a case, and is of one of {PEOPLE:,} people")
    return [there, *(_line(name, each) for name, each in times.items())], times


def link(server: PostgresqlServer, person: str) -> None:
    """Give each kept recording older than a day a case, three of them each, and a person: one in `PEOPLE` is this one's."""
    server.execute(
        "INSERT INTO people_person (id, email, name, password, is_active) "
        "SELECT md5(n::text)::uuid, n || '@bench.example', 'Person ' || n, '!', true "
        f"FROM generate_series(1, {PEOPLE - 1}) n",
        "large",
    )
    server.execute(
        "CREATE TEMPORARY TABLE unused (n int); "
        "INSERT INTO meetings_case (number) SELECT 'Z-' || n FROM generate_series(0, (SELECT count(*) FROM recordings) / 3) n",
        "large",
    )
    server.execute(
        "INSERT INTO meetings_link (recording, case_id, person_id, device, at_ms, disputed) "
        f"SELECT r.id, c.id, CASE WHEN r.n % {PEOPLE} = 0 THEN '{person}'::uuid ELSE md5((r.n % {PEOPLE})::text)::uuid END, "
        "r.device, r.first_ms, false FROM (SELECT id, device, first_ms, row_number() OVER () AS n FROM recordings "
        f"WHERE state = 'kept' AND first_ms < {now_ms() - DAY_MS}) r JOIN meetings_case c ON c.number = 'Z-' || r.n / 3",
        "large",
    )
    server.execute("VACUUM ANALYZE", "large")


def ask(
    server: PostgresqlServer, worker: Visit, listener: Visit, person: str, asks: int, console: Console
) -> dict[str, list[float]]:
    """Milliseconds of each ask, by page. Each is asked with other values, and in turns."""
    mine = [
        str(row[0])
        for row in server.execute(f"SELECT recording FROM meetings_link WHERE person_id = '{person}'", "large")
    ]
    cases = int(str(server.execute("SELECT count(*) FROM meetings_case", "large")[0][0]))
    chance = random.Random(3)
    token = listener.token("/find/")
    pages: dict[str, Callable[[], Answer]] = {
        "my meetings": lambda: worker.get("/meetings/"),
        "find by the number of a case": lambda: listener.send(
            "/find/", case=f"Z-{chance.randrange(cases)}", csrfmiddlewaretoken=token
        ),
        "one recording, unverified": lambda: worker.get(f"/recordings/{chance.choice(mine)}/"),
    }
    times: dict[str, list[float]] = {name: [] for name in pages}
    for at in track(range(asks + WARM_UP), "asking", console=console):
        for name, page in pages.items():
            began = time.perf_counter()
            answer = page()
            passed = (time.perf_counter() - began) * 1e3
            assert answer.status == 200, (name, answer.status)
            if at >= WARM_UP:
                times[name].append(passed)
    return times


def _line(name: str, times_ms: Sequence[float]) -> Line:
    ordered = sorted(times_ms)
    slow = ordered[int(SHARE * (len(ordered) - 1))]
    value = f"{slow:.0f} ms; half of them {statistics.median(ordered):.0f} ms, the worst {ordered[-1]:.0f} ms"
    return Line(name, value, f"95 of 100 at most {PAGE_MS_MAX:.0f} ms", slow <= PAGE_MS_MAX)


if __name__ == "__main__":
    command.run(main)

"""`python -m bench.catalogue`: what a catalogue of ten million recordings costs, on a PostgreSQL of its own on this machine.

The recordings are rows as the archive would have made them, in the order of time and with random ids, by COPY: kept ones,
refused ones, some that go on. Only their meetings are short: eight blocks, which is one page of hashes; an hour has more than
a hundred, which would take a hundred times the disk. Foreign keys are not checked while rows are copied: they are right anyway.

- Queries: those that a list, a recording's page, the retention and an overview need; the 95th percentile of each.
- Intake: the clerk takes in blocks of many rooms at once, in turns into this catalogue and into an empty one on the same
  server: from the check of their signatures to the signed receipts. Its store is in memory, and nothing is on a network. What
  statements and commits take of it is told beside.

Exits with 1 if a target is missed. The database is deleted in the end.
"""

import argparse
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sqlalchemy import select

from bench import command, results, uploads
from bench.figures import Line
from recorder.archive.catalogue import DAY_MS, Catalogue
from recorder.archive.clerk import Clerk, Message
from recorder.archive.database import Keys
from recorder.archive.listing import Listed, portion
from recorder.archive.naming import Enrolment
from recorder.archive.tables import RECORDINGS
from recorder.errors import TrialError
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.layout import RecordType
from recorder.trial.postgresql import PostgresqlServer, temporary
from recorder.wire.records import Beside
from recorder.wire.topics import UploadTopic

QUERY_MS_MAX = 50.0
"""At the 95th percentile."""
COST_RATIO_MAX = 1.1
SHARE = 0.95
BYTES_A_RECORDING = 2_500
"""On the disk, with indexes and what the log holds; measured, and rounded up."""
DEVICES = 2_000
DAYS, RETENTION_DAYS = 130, 126
REFUSED_ONE_IN, LIVE = 50, 1_000
BLOCKS = 8
COPY_RECORDINGS = 20_000
"""Of one COPY."""
PORTION_ROWS = 100
ROOMS, BATCHES, WARM_UP_BATCHES = 256, 60, 5
BLOCK_BYTES = 4_096
NOW_MS = uploads.WALL_MS
SETTINGS = {
    "shared_buffers": "2GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "4GB",
    "log_min_messages": "error",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.catalogue", description="What a large catalogue costs.")
    parser.add_argument("--recordings", type=int, default=10_000_000, help="how many (default: %(default)s)")
    parser.add_argument("--asks", type=int, default=400, help="how often each query is asked (default: %(default)s)")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    lines, raw = run(max(arguments.recordings, 10 * LIVE), arguments.asks, console)
    results.tell(lines, console)
    return results.finish(lines, raw, "catalogue", console)


def run(recordings: int, asks: int, console: Console) -> tuple[list[Line], dict[str, Any]]:
    need, free = recordings * BYTES_A_RECORDING, shutil.disk_usage(tempfile.gettempdir()).free
    if free < need:
        raise TrialError(
            f"this takes {need >> 20} MiB of {free >> 20} MiB: set TMPDIR to a larger disk, or --recordings"
        )
    columns = (
        TextColumn("{task.description:28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with temporary(SETTINGS) as server, Progress(*columns, console=console) as bar:
        for name in ("large", "empty"):
            server.execute(f"CREATE DATABASE {name}")
        large, empty = (Catalogue(server.url(name)) for name in ("large", "empty"))
        began = time.monotonic()
        _set_autovacuum(server, "off")  # it would read again and again what is still being copied
        places = fill(server, recordings, _ticker(bar, "copying recordings", recordings))
        _set_autovacuum(server, "on")
        loaded = time.monotonic() - began
        tidy = bar.add_task("vacuum, analyze, checkpoint", total=3)
        for statement in ("VACUUM", "ANALYZE", "CHECKPOINT"):
            server.execute(statement, "large")
            bar.advance(tidy)
        size = int(str(server.execute("SELECT pg_database_size('large')")[0][0]))
        times = ask(large, places, asks, bar)
        costs = take_in({"large": large, "empty": empty}, bar)
        counts = large.counts()
        for catalogue in (large, empty):
            catalogue.close()
    lines = [
        Line("recordings", f"{recordings:,}; {counts.kept:,} kept, {counts.refused:,} refused, {counts.open:,} open"),
        Line("  in the database", f"{size / 1e9:.1f} GB; copied in {loaded:.0f} s"),
        *(_query(name, each) for name, each in times.items()),
        *_compare(costs),
    ]
    return lines, {"recordings": recordings, "settings": SETTINGS, "query_ms": times, "block_us": costs}


def _compare(costs: "Costs") -> list[Line]:
    """What a block costs in the large catalogue, beside the same block in the empty one."""
    large, empty = costs["large"], costs["empty"]
    whole, statements = (
        statistics.median(mine / other for mine, other in zip(large[part], empty[part], strict=True))
        for part in ("intake", "statements")
    )
    told = f", in batches of {ROOMS}, each of another room"
    return [
        Line(
            "intake of a block, to an empty catalogue",
            f"{whole:.2f} x",
            f"at most {COST_RATIO_MAX} x",
            whole <= COST_RATIO_MAX,
        ),
        *(
            Line(f"  {name}, all of it", f"{statistics.median(each['intake']):.0f} µs{told}")
            for name, each in costs.items()
        ),
        Line("  of it statements and commits", f"{statements:.2f} x"),
        *(
            Line(f"  {name}, a block", f"{statistics.median(each['statements']):.0f} µs")
            for name, each in costs.items()
        ),
    ]


def _set_autovacuum(server: PostgresqlServer, value: str) -> None:
    server.execute(f"ALTER SYSTEM SET autovacuum = {value}")
    server.execute("SELECT pg_reload_conf()")


def _query(name: str, times_ms: Sequence[float]) -> Line:
    ordered = sorted(times_ms)
    slow = ordered[int(SHARE * (len(ordered) - 1))]
    value = f"{slow:.1f} ms; half of them {statistics.median(ordered):.1f} ms, the worst {ordered[-1]:.1f} ms"
    return Line(name, value, f"95 of 100 below {QUERY_MS_MAX:.0f} ms", slow < QUERY_MS_MAX)


# What is there.


def fill(server: PostgresqlServer, recordings: int, tick: Callable[[int], None]) -> list[Listed]:
    """Copy so many recordings in; some of them."""
    chance = random.Random(1)
    known: list[Listed] = []
    devices = "".join(f"{_device(at)}\t\\\\x{os.urandom(32).hex()}\t{NOW_MS}\n" for at in range(DEVICES))
    with psycopg.connect(server.conninfo("large"), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # foreign keys
        _copy(connection, "devices (name, public_key, enrolled_ms)", devices)
        for first in range(0, recordings, COPY_RECORDINGS):
            numbers = range(first, min(first + COPY_RECORDINGS, recordings))
            made = [_listed(number, recordings, chance) for number in numbers]
            with connection.transaction():
                _copy(connection, _RECORDINGS, "".join(map(_recording_row, made)))
                _copy(connection, "items (recording, type, page, contents)", "".join(map(_item_rows, made)))
            known += chance.sample(made, max(1, len(made) // 100))
            tick(len(made))
        connection.execute(
            "UPDATE tallies SET number = (SELECT count(*) FROM recordings r WHERE r.state = tallies.state) WHERE slot = 0"
        )
    return known


_RECORDINGS = (
    "recordings (id, device, preamble_hash, first_ms, delete_after_ms, state, sequence, made_ms, made_synced, ended, ended_ms, "
    "blocks, keybox, receipt_previous, purged_ms, settled)"
)


def _copy(connection: psycopg.Connection, table: str, rows: str) -> None:
    with connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
        copy.write(rows.encode())


def _device(number: int) -> str:
    return f"room-{number:05}"


def _listed(number: int, recordings: int, chance: random.Random) -> Listed:
    first_ms = NOW_MS - DAYS * DAY_MS + number * DAYS * DAY_MS // recordings
    state, ended = "kept", "stop"
    if number >= recordings - LIVE:
        state, ended = "open", None
    elif chance.randrange(REFUSED_ONE_IN) == 0:
        state, ended = "refused", "refused"
    return Listed(
        recording=os.urandom(16).hex(),
        device=_device(chance.randrange(DEVICES)),
        first_ms=first_ms,
        state=state,
        sequence=number // DEVICES + 1,
        made_ms=first_ms - 1_000,
        ended=ended,
        delete_after_ms=first_ms + RETENTION_DAYS * DAY_MS,
    )


def _recording_row(it: Listed) -> str:
    before = (
        f"{it.recording}\t{it.device}\t\\\\x{os.urandom(32).hex()}\t{it.first_ms}\t{it.delete_after_ms}\t{it.state}"
    )
    before += f"\t{it.sequence}\t{it.made_ms}\tt"
    if it.ended is None:
        return f"{before}\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\tf\n"
    previous, end_ms = os.urandom(32).hex(), it.first_ms + BLOCKS * 1_000
    if it.state == "refused":
        return f"{before}\trefused\t{end_ms}\t0\t\\N\t\\\\x{previous}\t{end_ms}\tt\n"
    return f"{before}\tstop\t{end_ms}\t{BLOCKS}\t{os.urandom(32).hex()}\t\\\\x{previous}\t\\N\tt\n"


def _item_rows(it: Listed) -> str:
    kinds: dict[str, Iterable[tuple[int, int]]] = {
        "open": ((RecordType.PREAMBLE, 1), (RecordType.BLOCK, BLOCKS)),
        "refused": ((RecordType.PREAMBLE, 1), (RecordType.MANIFEST, 1), (Beside.RECEIPT, 1)),
        "kept": (
            (RecordType.PREAMBLE, 1),
            (RecordType.BLOCK, BLOCKS),
            (RecordType.MANIFEST, 1),
            (RecordType.KEYBOX, 1),
            (Beside.RECEIPT, 1),
        ),
    }
    return "".join(
        f"{it.recording}\t{int(kind)}\t0\t\\\\x{os.urandom(32 * many).hex()}\n" for kind, many in kinds[it.state]
    )


# Queries.


def ask(catalogue: Catalogue, places: Sequence[Listed], asks: int, bar: Progress) -> dict[str, list[float]]:
    """Milliseconds of each ask, by query. Each is asked with other values, and in turns."""
    table = RECORDINGS.c

    def rows(query: Any) -> None:
        with catalogue.read() as connection:
            connection.execute(query).all()

    def one(it: Listed) -> None:
        rows(select(RECORDINGS).where(table.id == it.recording))
        with catalogue.write(Keys()) as writing:
            writing.contents([it.recording])

    def due(_: Listed) -> None:
        rows(
            select(table.id)
            .where(table.delete_after_ms < NOW_MS)
            .order_by(table.delete_after_ms, table.id)
            .limit(PORTION_ROWS)
        )

    def unfinished(_: Listed) -> None:
        rows(select(table.id, table.device).where(table.state == "open", ~table.settled).order_by(table.id))

    queries: dict[str, Callable[[Listed], object]] = {
        "list, a device's newest": lambda it: portion(catalogue, it.device, None, PORTION_ROWS),
        "list, a device's, further down": lambda it: portion(catalogue, it.device, it, PORTION_ROWS),
        "list, the newest": lambda _: portion(catalogue, None, None, PORTION_ROWS),
        "list, further down": lambda it: portion(catalogue, None, it, PORTION_ROWS),
        "one recording, and its items": one,
        "what is due for deletion": due,
        "what is unfinished": unfinished,
        "counts": lambda _: catalogue.counts(),
    }
    times: dict[str, list[float]] = {name: [] for name in queries}
    task = bar.add_task("asking", total=asks)
    chance = random.Random(2)
    for _ in range(asks):
        for name, query in queries.items():
            it = chance.choice(places)
            began = time.perf_counter()
            query(it)
            times[name].append((time.perf_counter() - began) * 1_000)
        bar.advance(task)
    return times


# Intake.

Costs = dict[str, dict[str, list[float]]]
"""Microseconds a block, by catalogue, and whether of all of the intake or of its statements; batch by batch."""


class MemoryStore:
    """Holds nothing up, so that what is measured is the catalogue."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    def put(self, objects: Mapping[str, bytes]) -> frozenset[str]:
        return frozenset(name for name, data in objects.items() if self._objects.setdefault(name, data) != data)

    def get(self, name: str) -> bytes:
        return self._objects[name]

    def list(self, prefix: str) -> Iterator[str]:
        return iter(sorted(name for name in self._objects if name.startswith(prefix)))

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self._objects.pop(name, None)


class Stopwatch:
    """The seconds that a catalogue's statements and commits take, from sending them to their answer."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.seconds = 0.0
        dialect = catalogue._database.engine.dialect
        for name in ("do_execute", "do_executemany", "do_commit"):
            setattr(dialect, name, self._timed(getattr(dialect, name)))

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began

        return timed


def take_in(catalogues: Mapping[str, Catalogue], bar: Progress) -> Costs:
    """Microseconds for each block, by catalogue, part and batch. The first batches, which find no plans yet, do not count."""
    task = bar.add_task("making uploads", total=ROOMS)
    recipient = RecipientPrivateKey.generate("x25519").public
    rooms = {f"bench-{at:03}": Ed25519PrivateKey.generate() for at in range(ROOMS)}
    meetings = []
    for room, key in rooms.items():
        made = uploads.meeting(room, key, recipient, 1, BATCHES + WARM_UP_BATCHES, BLOCK_BYTES)
        meetings.append([Message(str(UploadTopic(room, each.recording)), bytes(each)) for each in made])
        bar.advance(task)
    clerks, watches = {}, {}
    for name, catalogue in catalogues.items():
        with catalogue.write() as writing:
            for room, key in rooms.items():
                writing.enrol(Enrolment(room, key.public_key().public_bytes_raw().hex(), NOW_MS))
        clerks[name] = Clerk("archive", Ed25519PrivateKey.generate(), MemoryStore(), catalogue, RETENTION_DAYS)
        watches[name] = Stopwatch(catalogue)
    costs: Costs = {name: {"intake": [], "statements": []} for name in catalogues}
    batches = list(zip(*meetings, strict=True))
    task = bar.add_task("taking blocks in", total=len(batches))
    for at, batch in enumerate(batches):
        for name in list(catalogues) if at % 2 else reversed(list(catalogues)):
            watches[name].seconds, began = 0.0, time.perf_counter()
            clerks[name].process(clerks[name].check(batch), NOW_MS)
            passed = time.perf_counter() - began
            if at > WARM_UP_BATCHES:
                costs[name]["intake"].append(passed / ROOMS * 1e6)
                costs[name]["statements"].append(watches[name].seconds / ROOMS * 1e6)
        bar.advance(task)
    return costs


def _ticker(bar: Progress, name: str, total: int) -> Callable[[int], None]:
    task = bar.add_task(name, total=total)
    return lambda many: bar.advance(task, many)


if __name__ == "__main__":
    command.run(main)

"""Writers beside each other: what two of them want at once, one gets after the other, and nobody waits for ever.

On both databases: of SQLite nothing is asked but that it is right, of PostgreSQL too that it lets go on what can.
"""

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, event, inspect

from recorder import canonical
from recorder.archive import catalogue as catalogue_module
from recorder.archive import naming
from recorder.archive.catalogue import Addition, Catalogue, Counts, Item
from recorder.archive.clerk import Clerk, Message
from recorder.archive.database import Keys
from recorder.archive.folder import FolderStore
from recorder.archive.naming import Enrolment
from recorder.archive.rebuild import rebuild
from recorder.archive.tables import METADATA
from recorder.wire.consent import ConsentReceipt
from recorder.wire.receipt import Receipt
from recorder.wire.upload import Name, Upload
from tests.archive.databases import Database, PostgresqlDatabase
from tests.archive.dump import dump
from tests.rooms import WALL_MS, Recording, Room

SECONDS_MAX = 60.0
"""Deadline for anything that is waited for."""
SECONDS_MIN = 0.2
"""In which what must wait would long be done."""
KEY = Ed25519PrivateKey.generate()
ROOMS = [Room("room-1"), Room("room-2")]
WORKERS = 4


class Worker:
    """A clerk with a catalogue of its own, as each process of the intake has one."""

    def __init__(self, database: Database, store: FolderStore) -> None:
        self.catalogue = Catalogue(database.url)
        self.clerk = Clerk("archive", KEY, store, self.catalogue, 126)

    def send(self, room: Room, *batch: tuple[Recording, Upload]) -> list[Receipt]:
        messages = [Message(f"rec/v1/{room.name}/up/{each.id}", bytes(upload)) for each, upload in batch]
        answers = self.clerk.process(self.clerk.check(messages), WALL_MS)
        return [Receipt.verify(each.payload, KEY.public_key(), room.name) for each in answers]


class Site:
    def __init__(self, folder, database: Database) -> None:
        self.database = database
        self.store = FolderStore.make(folder / "objects")
        self.workers = [Worker(database, self.store) for _ in range(WORKERS)]
        for room in ROOMS:
            enrolment = Enrolment(room.name, room.public_key.public_bytes_raw().hex(), WALL_MS)
            with self.workers[0].catalogue.write(Keys(devices=[room.name])) as writing:
                writing.enrol(enrolment)
            self.store.put({naming.device(room.name): canonical.encode(enrolment)})

    def together(self, *calls: Callable[[], object]) -> list:
        """Each in a thread of its own, at the same moment; what they returned, in their order."""
        start = threading.Barrier(len(calls))

        def call(each):
            start.wait(SECONDS_MAX)
            return each()

        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.result(SECONDS_MAX) for future in [pool.submit(call, each) for each in calls]]

    def assert_sound(self) -> None:
        """Nothing differs from what the objects say."""
        again = Catalogue("sqlite://")
        rebuild(self.store, again, WALL_MS)
        catalogue = self.workers[0].catalogue
        told, expected = dump(catalogue), dump(again)
        for each in (told, expected):  # the gathering is still to come
            each["recordings"] = [row[:15] for row in each["recordings"]]
        assert told == expected
        assert catalogue.counts() == again.counts()
        again.close()


@pytest.fixture
def site(tmp_path, database) -> Iterator[Site]:
    site = Site(tmp_path, database)
    yield site
    for worker in site.workers:
        worker.catalogue.close()


def send_one_by_one(worker: Worker, room: Room, recording: Recording, seed: int) -> set[Name]:
    """The blocks in an order of this seed; what was signed for."""
    blocks = random.Random(seed).sample(recording.blocks, len(recording.blocks))
    uploads = (recording.preamble, *blocks, recording.manifest, recording.keybox)
    signed = [receipt for upload in uploads for receipt in worker.send(room, (recording, upload))]
    have = {upload.name: upload.content for upload in recording.kept}
    return {name for receipt in signed for stored in receipt.stored for name in stored.covered(have)}


def test_clerks_at_once_on_one_recording(site):
    for _ in range(3):
        recording = ROOMS[0].record(40)
        signed = site.together(
            *(partial(send_one_by_one, each, ROOMS[0], recording, seed) for seed, each in enumerate(site.workers))
        )
        assert signed == [{upload.name for upload in recording.kept}] * WORKERS
    assert site.workers[0].catalogue.counts() == Counts(devices=2, kept=3, open=0, refused=0, beside=0)
    site.assert_sound()


def send_at_once(worker: Worker, room: Room, recording: Recording, *uploads: Upload) -> bool:
    """Whether any of it was signed for."""
    answers = worker.send(room, *((recording, upload) for upload in uploads))
    return any(receipt.stored for receipt in answers)


def test_devices_that_race_for_one_recording_id(site):
    for _ in range(5):
        first = ROOMS[0].record(4)
        second = ROOMS[1].record(4, ident=first.id)
        who = zip(site.workers, ROOMS * 2, [first, second] * 2, strict=True)
        won = site.together(*(partial(send_at_once, *each, *each[2].kept) for each in who))
        assert won in ([True, False] * 2, [False, True] * 2)
    assert site.workers[0].catalogue.counts().kept == 5
    site.assert_sound()


def test_batches_of_the_same_recordings_in_any_order(site):
    """They overlap in every way, and each begins where another one ends."""
    recordings = {room.name: [room.record(6) for _ in range(12)] for room in ROOMS}
    for room in ROOMS:
        site.workers[0].send(room, *((each, each.preamble) for each in recordings[room.name]))

    def send(worker: Worker, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(10):
            for room in chance.sample(ROOMS, 2):
                some = chance.sample(recordings[room.name], 8)
                worker.send(room, *((each, chance.choice(each.blocks)) for each in some))

    site.together(*(partial(send, each, seed) for seed, each in enumerate(site.workers)))
    site.assert_sound()


def test_a_refusal_beside_blocks_that_come(site):
    for _ in range(5):
        recording = ROOMS[0].record(12)
        send_at_once(site.workers[0], ROOMS[0], recording, recording.preamble)
        uploads = [(recording.refusal,), *([recording.blocks] * (WORKERS - 1))]
        site.together(
            *(
                partial(send_at_once, worker, ROOMS[0], recording, *each)
                for worker, each in zip(site.workers, uploads, strict=True)
            )
        )
        assert list(site.store.list(naming.blocks(recording.id))) == []
    assert site.workers[0].catalogue.counts().refused == 5
    site.assert_sound()


@pytest.fixture
def waiting() -> Iterator[Callable[[Callable[[], None]], threading.Event]]:
    """Start something in a thread; the event of its end."""
    threads = []

    def start(call: Callable[[], None]) -> threading.Event:
        done = threading.Event()

        def run() -> None:
            call()
            done.set()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return done

    yield start
    for thread in threads:
        thread.join(SECONDS_MAX)


def hold(catalogue: Catalogue, *recordings: str, devices: tuple[str, ...] = ()) -> Callable[[], None]:
    def write() -> None:
        with catalogue.write(Keys(recordings, devices)):
            pass

    return write


def test_who_writes_of_another_recording_does_not_wait(postgresql_server, tmp_path, waiting):
    database = PostgresqlDatabase(postgresql_server)
    site = Site(tmp_path, database)
    first, second, third, fourth = (worker.catalogue for worker in site.workers)
    with first.write(Keys(["a" * 32], ["room-1"])):
        assert waiting(hold(second, "b" * 32, devices=("room-2",))).wait(SECONDS_MAX)
        same = waiting(hold(third, "b" * 32, "a" * 32))
        device = waiting(hold(second, "c" * 32, devices=("room-1",)))
        everything = waiting(partial(write_of_everything, fourth))
        assert not same.wait(SECONDS_MIN)
        assert not device.is_set()
        assert not everything.is_set()
    for each in (same, device, everything):
        assert each.wait(SECONDS_MAX)
    for worker in site.workers:
        worker.catalogue.close()
    database.drop()


def test_who_opens_a_catalogue_waits_for_no_writer(database, waiting):
    """`recorder status`, say, of an intake that hangs within a batch."""
    writer = Catalogue(database.url)

    def look() -> None:
        catalogue = Catalogue(database.url)
        assert catalogue.enrolled() == []
        catalogue.close()

    with writer.write():
        assert waiting(look).wait(SECONDS_MAX)
    writer.close()


def write_of_everything(catalogue: Catalogue) -> None:
    with catalogue.write():
        pass


def test_receipts_of_one_device_that_come_at_once_are_held_against_each_other(site, waiting, caplog):
    room = Room("room-1", ROOMS[0].key, sequence=1_000)
    meetings = [room.record(1) for _ in range(2)]
    for each in meetings:
        site.workers[0].send(room, *((each, upload) for upload in each.kept))

    def add(catalogue: Catalogue, which: int, meanwhile: Callable[[], None]) -> None:
        upload = meetings[which].receipt
        said = canonical.decode(upload.body[64:], ConsentReceipt)
        content = b"\x01" * 32 if which == 0 else upload.content  # the second does not follow this first one
        with catalogue.write(Keys([upload.recording], [room.name])) as writing:
            writing.add({upload.recording: Addition(None, [Item(upload.name, content, said)], WALL_MS)})
            meanwhile()

    def begin_the_other() -> None:
        done.append(waiting(partial(add, site.workers[1].catalogue, 1, lambda: None)))
        assert not done[0].wait(SECONDS_MIN)

    done: list[threading.Event] = []
    add(site.workers[0].catalogue, 0, begin_the_other)
    assert done[0].wait(SECONDS_MAX)
    assert [record.getMessage().partition("number ")[2] for record in caplog.records] == [
        "1002 does not follow the one before"
    ]


@pytest.mark.parametrize("revision", ["base", "0001", "head"])
def test_processes_that_open_it_at_once_migrate_it_once(database, revision):
    engine = create_engine(database.url)
    Catalogue(database.url).close()
    with engine.begin() as connection:
        catalogue_module.command.downgrade(catalogue_module._alembic(connection), revision)
    program = (
        "import sys; from recorder.archive.catalogue import Catalogue; "
        "print(flush=True); input(); Catalogue(sys.argv[1]).close()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, database.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(WORKERS)
    ]
    for process in processes:
        assert process.stdout.readline() == "\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate(timeout=SECONDS_MAX)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * WORKERS, told
    with engine.connect() as connection:
        assert {*inspect(connection).get_table_names()} >= {*METADATA.tables, "alembic_version"}
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == ["0006"]
        assert connection.exec_driver_sql("SELECT count(*) FROM tallies").scalar() == 64
    engine.dispose()


def test_what_a_batch_costs_in_statements_does_not_grow_with_its_recordings(site):
    worker, room = site.workers[0], ROOMS[0]
    statements: list[str] = []
    event.listen(worker.catalogue._database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    costs = []
    for number in (10, 200):
        recordings = [room.record(3) for _ in range(number)]
        costs.append([])
        for upload in (
            lambda each: each.preamble,
            lambda each: each.blocks[0],
            lambda each: each.blocks[1],
            lambda each: each.blocks[1],
            lambda each: each.preamble,
        ):
            statements.clear()
            (answer, *_) = worker.send(room, *((each, upload(each)) for each in recordings))
            assert answer.stored
            costs[-1].append(len(statements))
    assert costs[0] == costs[1]
    assert max(costs[0]) < 20

"""A site in miniature, all of it real: broker, archive, database, object store and device, each of which may fail at any time.

The `Ground` is there for many runs: authority, broker, lines, servers, and nurseries in which archives and devices are born. A
`Site` is of one run: an empty archive, a device that has never recorded, and who keeps all of them running, as systemd would.
It must be in a process that may mount. It is in RAM, where fsync costs nothing: what a power cut leaves is for tests/storage to
try, here processes die.
"""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol, Self

import psycopg

from recorder import canonical
from recorder.archive import naming
from recorder.archive.catalogue import Catalogue
from recorder.archive.database import Keys
from recorder.archive.folder import FolderStore
from recorder.archive.naming import Enrolment
from recorder.archive.s3 import S3Store
from recorder.archive.store import Store
from recorder.device.hold import swap_in_use
from recorder.errors import TrialError, WederhoorError
from recorder.keyfiles import load_device_public, save_recipient_public
from recorder.trial.broker import Broker
from recorder.trial.machines import found_authority
from recorder.trial.postgresql import PostgresqlServer
from tests.archive.ceph import Ceph
from tests.archive.dump import dump
from tests.faults.diary import Diary
from tests.faults.line import Line
from tests.faults.nursery import Child, Nursery
from tests.filesystem import mount_small
from tests.rooms import RECIPIENT

ROOM = "room-1"
DEVICE, ARCHIVE = "tests.faults.device", "tests.faults.archive"
"""What is born in nurseries."""
DISK_MIB = {"device": 4, "archive": 32, "broker": 4}
DATABASE_SETTINGS = {"dynamic_shared_memory_type": "mmap"}
"""Its files are in its folder, and go with it however it ends."""
RESTART_SECONDS = 0.1
"""After a process has ended by itself."""
START_SECONDS_MAX = 30.0
END_SECONDS_MAX = 2.0
LAST_WORDS = 8
"""Lines of each log that are told of a run that is stuck."""
STUCK_SECONDS = 1.0
"""In which a room would have gone on by itself, and an archive have brought together what it has."""


@dataclass(frozen=True)
class Stack:
    """What the archive keeps its things in."""

    catalogue: Literal["sqlite", "postgresql"] = "sqlite"
    objects: Literal["folder", "s3"] = "folder"


class Process(Protocol):
    """A `Popen`, or a nursery's child."""

    pid: int

    def poll(self) -> int | None: ...

    def kill(self) -> None: ...


class Service:
    """A process that is kept running, unless a fault holds it down."""

    def __init__(self, start: Callable[[], Process]) -> None:
        self._start = start
        self.process: Process | None = None
        self._next = 0.0
        self.holds = 0
        """By how many faults it is held down now."""
        self.stops = 0
        """By how many it is stopped: it is alive, and answers nothing."""

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def answers(self) -> bool:
        return self.alive and not self.stops and not self.holds

    def tend(self) -> None:
        """Start it, if it should run and does not."""
        if self.holds or self.alive or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + RESTART_SECONDS
        with contextlib.suppress(TrialError):  # what is left of the one before is in the way still
            self.process = self._start()

    def tree(self) -> list[int]:
        """The process, and those that it has made."""
        return _tree(self.process.pid) if self.process is not None and self.alive else []

    def send(self, number: signal.Signals) -> None:
        for pid in self.tree()[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self._wait(END_SECONDS_MAX)

    def end(self, number: signal.Signals = signal.SIGTERM) -> bool:
        """In order; False if it had to be killed."""
        self.send(number)
        if self._wait(END_SECONDS_MAX):
            return True
        self.kill()
        return False

    def _wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.002)
        return not self.alive


class Ground:
    """What many runs share. A context manager."""

    def __init__(self, folder: Path) -> None:
        """`folder` is an empty one in RAM, which whoever made it removes."""
        self.folder = folder

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._stack = stack
            self._nurseries: dict[tuple[str, str], Nursery] = {}
            self._catalogues = 0
            self._make_keys()
            self.disks = {name: self._disk(name, mib) for name, mib in DISK_MIB.items()}
            self.broker_memory = self.disks["broker"] / "memory"
            self.broker_memory.mkdir()
            self._broker = Broker(self.folder / "broker", self.broker_memory)
            self.broker_port = self._broker.port
            self.broker = Service(self._start_broker)
            stack.callback(self.broker.kill)
            self.lines = {name: stack.enter_context(Line(self.broker_port)) for name in ("device", "archive")}
            self._template = self.folder / "template.sqlite"
            self._enrol_in(f"sqlite:///{self._template}")
            self.broker.tend()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    def nursery(self, module: str, clock: Path | None) -> Nursery:
        """For devices or archives; `clock` is a file that says by how much their wall clock is wrong."""
        key = module, str(clock or "")
        if key not in self._nurseries:
            wrong = {"LD_PRELOAD": str(self._wrong_clock), "WRONG_CLOCK": str(clock)} if clock is not None else {}
            self._nurseries[key] = nursery = Nursery(module, wrong)
            self._stack.callback(nursery.close)
        return self._nurseries[key]

    @cached_property
    def _wrong_clock(self) -> Path:
        return _compiled(self.folder)

    @cached_property
    def postgresql(self) -> PostgresqlServer:
        server = PostgresqlServer(self.folder / "postgresql")
        server.start(DATABASE_SETTINGS)
        self._stack.callback(server.stop)
        server.execute("CREATE DATABASE template_catalogue")
        self._enrol_in(server.url("template_catalogue"))
        return server

    @cached_property
    def ceph(self) -> Ceph:
        folder = self.folder / "ceph"
        folder.mkdir()
        return self._stack.enter_context(Ceph(folder))

    @cached_property
    def database(self) -> Service:
        server = self.postgresql

        def start() -> Process:
            server.start(DATABASE_SETTINGS)
            assert server._process is not None
            return server._process

        service = Service(start)
        service.process = server._process
        return service

    @cached_property
    def store(self) -> Service:
        ceph = self.ceph

        def start() -> Process:
            ceph._start_gateway()
            return ceph._processes["gateway"]

        service = Service(start)
        service.process = ceph._processes["gateway"]
        return service

    def catalogue(self, stack: Stack, folder: Path) -> str:
        """A new one, which knows the room; its URL."""
        if stack.catalogue == "sqlite":
            shutil.copyfile(self._template, folder / "catalogue.sqlite")
            return f"sqlite:///{folder / 'catalogue.sqlite'}"
        self._catalogues += 1
        name = f"catalogue_{self._catalogues}"
        self.postgresql.execute(f"CREATE DATABASE {name} TEMPLATE template_catalogue")
        return self.postgresql.url(name)

    def drop(self, url: str) -> None:
        """Forget a catalogue."""
        if url.startswith("postgresql"):
            self.postgresql.execute(f"DROP DATABASE {_database(url)} WITH (FORCE)")
        else:
            file = Path(url.removeprefix("sqlite:///"))
            for each in file.parent.glob(f"{file.name}*"):
                each.unlink()

    def empty(self, url: str) -> None:
        """The catalogue is lost, all of it."""
        self.drop(url)
        if url.startswith("postgresql"):
            self.postgresql.execute(f"CREATE DATABASE {_database(url)} TEMPLATE template0")

    def _start_broker(self) -> Process:
        self._broker.start()
        assert self._broker._process is not None
        return self._broker._process

    def _make_keys(self) -> None:
        authority = found_authority(self.folder, self.folder / "archive")
        save_recipient_public(self.folder / "reader.pub", RECIPIENT.public)
        public = authority.enrol_room(ROOM, self.folder / "room", [self.folder / "reader.pub"])
        self.room_key = load_device_public(public)
        self.archive_key = load_device_public(self.folder / "room" / "keys" / "archive.pub")
        self.room_keys, self.archive_keys = (self.folder / each / "keys" for each in ("room", "archive"))
        self.enrolment = Enrolment(ROOM, self.room_key.public_bytes_raw().hex(), time.time_ns() // 1_000_000)

    def _disk(self, name: str, mib: int) -> Path:
        folder = self.folder / f"disk-{name}"
        folder.mkdir()
        mount_small(folder, mib)
        return folder

    def _enrol_in(self, url: str) -> None:
        with contextlib.closing(Catalogue(url)) as catalogue, catalogue.write(Keys(devices=[ROOM])) as writing:
            writing.enrol(self.enrolment)


class Room(Service):
    """The device's process, and what it says of itself."""

    def __init__(self, site: "Site", name: str, plan: str, flaw: str) -> None:
        super().__init__(self._bear)
        self._site = site
        self.folder = site.ground.disks["device"] / name
        self.folder.mkdir(mode=0o700)
        (self.folder / "keys").symlink_to(site.ground.room_keys)
        self.points = site.folder / f"{name}.point"
        self.plan = plan.split()
        self.diary = Diary(site.folder / f"{name}.diary")
        self.log = site.folder / f"{name}.log"
        self._hold = site.folder / f"{name}.hold"
        self._settings = site.folder / f"{name}.toml"
        self._settings.write_text(
            ROOM_TOML.format(
                folder=self.folder,
                hold=self._hold,
                disk=str(bool(swap_in_use())).lower(),
                port=site.ground.lines["device"].port,
            )
        )
        self._flaw = flaw
        self._stuck_since: float | None = None

    def _bear(self) -> Child:
        arguments = [self._settings, self.diary.file, " ".join(self.plan), self.points, self._flaw]
        return self._site.ground.nursery(DEVICE, self._site.clocks.get("device")).bear(
            list(map(str, arguments)), self.log
        )

    @property
    def spool(self) -> list[str]:
        """What waits in it, or was set aside."""
        folder = self.folder / "spool"
        return sorted(each.name for each in folder.iterdir() if each.name != "reserve") if folder.exists() else []

    @property
    def held(self) -> bool:
        """Whether its meetings are over."""
        return self.diary.count("meeting") >= len(self.plan)

    @property
    def done(self) -> bool:
        """And the archive has signed for all of it."""
        return self.held and not self.spool

    def look_after(self) -> None:
        """Start a room anew that is in fault, as somebody would who has mended the cause."""
        states = [line.text for line in self.diary.of("state")]
        if not states or states[-1] != "fault" or not self.alive:
            self._stuck_since = None
        elif self._stuck_since is None:
            self._stuck_since = time.monotonic()
        elif time.monotonic() - self._stuck_since > STUCK_SECONDS:
            self._stuck_since = None
            self.end()


class ArchiveService(Service):
    """The archive's process. When its catalogue was lost it is rebuilt first."""

    def __init__(self, site: "Site", flaw: str) -> None:
        super().__init__(self._bear)
        self._site = site
        self.points = site.folder / "archive.point"
        self.log = site.folder / "archive.log"
        self.settings = site.folder / "archive.toml"
        self._flaw = flaw
        self.rebuilding: Path | None = None
        """Where a rebuild that is not done says what it did."""
        self._lost: dict[str, list[tuple[object, ...]]] | None = None

    def lose_catalogue(self) -> None:
        """While it is held down. Raises OSError if the database cannot be reached."""
        site = self._site
        if not site.database_answers:
            raise OSError("the database does not answer")
        try:
            with contextlib.closing(Catalogue(site.catalogue)) as catalogue:
                self._lost = dump(catalogue)
            site.ground.empty(site.catalogue)
        except (WederhoorError, psycopg.Error, sqlite3.Error) as error:
            raise OSError(str(error)) from error
        self.rebuilding = site.folder / "rebuild.log"

    def _bear(self) -> Child:
        nursery = self._site.ground.nursery(ARCHIVE, self._site.clocks.get("archive"))
        command = [str(self.points), self._flaw, "archive", "--config", str(self.settings)]
        if self.rebuilding is not None:
            told = self.rebuilding.read_text() if self.rebuilding.exists() else ""
            if "recordings:" not in told and "is not empty" not in told:
                return nursery.bear([*command, "rebuild"], self.rebuilding)
            self._compare()
        return nursery.bear(command, self.log)

    def _compare(self) -> None:
        if not self._site.database_answers:
            raise TrialError("the database does not answer; later")
        self.rebuilding = None
        with contextlib.closing(Catalogue(self._site.catalogue)) as catalogue:
            found = dump(catalogue)
        if self._lost is not None and not self._site.crashed:
            for rows in (self._lost, found):
                rows["recordings"] = [row[:-1] for row in rows["recordings"]]  # whether blocks lie together
            if found != self._lost:
                self._site.wrong.append("the rebuilt catalogue is not the one that was lost")


class Site:
    """Of one run. A context manager; `folder` is made, and stays."""

    def __init__(
        self, ground: Ground, folder: Path, stack: Stack, plan: str, flaw: str = "", clocks: bool = False
    ) -> None:
        self.ground = ground
        self.folder = folder
        self.stack = stack
        folder.mkdir(parents=True)
        self.wrong: list[str] = []
        """What was found wrong before the end."""
        self.crashed = False
        """Whether something was killed, so that a batch may be half there."""
        self.may_cut = False
        """Whether a disk of the device was full: then a recording may end before its time, and say so."""
        self.clocks = {name: ground.folder / f"{name}.clock" for name in ("device", "archive")} if clocks else {}
        for clock in self.clocks.values():
            set_clock(clock, 0)
        self.archive_folder = ground.disks["archive"] / "archive"
        self.archive_folder.mkdir(mode=0o700)
        (self.archive_folder / "keys").symlink_to(ground.archive_keys)
        self.catalogue = ground.catalogue(stack, self.archive_folder)
        self.store = self._make_store()
        self.store.put({naming.device(ROOM): canonical.encode(ground.enrolment)})
        self.archive = ArchiveService(self, flaw)
        self._write_settings()
        self.room = Room(self, "room", plan, flaw)
        self.twin: Room | None = None
        self._flaw = flaw
        self._unsettled_since: float | None = None

    def service(self, whom: str) -> Service:
        return {
            "broker": lambda: self.ground.broker,
            "database": lambda: self.ground.database,
            "store": lambda: self.ground.store,
            "archive": lambda: self.archive,
            "device": lambda: self.room,
        }[whom]()

    @property
    def services(self) -> Iterator[Service]:
        yield self.ground.broker
        if self.stack.catalogue == "postgresql":
            yield self.ground.database
        if self.stack.objects == "s3":
            yield self.ground.store
        yield self.archive
        yield self.room
        if self.twin is not None:
            yield self.twin

    @property
    def database_answers(self) -> bool:
        return self.stack.catalogue == "sqlite" or self.ground.database.answers

    @property
    def rooms(self) -> list[Room]:
        return [self.room] if self.twin is None else [self.room, self.twin]

    def open(self) -> None:
        """Let the archive listen; from then on the room is there, and anything may fail."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while not (self.archive.log.exists() and "ready" in self.archive.log.read_text()):
            if time.monotonic() > deadline:
                raise TrialError(f"the archive does not start; see {self.archive.log}")
            self.archive.tend()
            time.sleep(0.002)

    def add_twin(self) -> None:
        """Another device, with this one's name and keys."""
        if self.twin is None:
            self.twin = Room(self, "twin", "5:stop", self._flaw)

    def tend(self) -> None:
        for service in self.services:
            service.tend()
        for room in self.rooms:
            room.diary.read()
            room.look_after()

    def is_done(self) -> bool:
        """Whether all was recorded, sent, signed for and settled. Two of one name take turns, and what is stuck starts anew."""
        if not self.room.done:
            return False
        if self.twin is not None and not self.twin.done:
            if self.twin.holds:
                self.room.holds += 1
                self.room.end()
                self.twin.holds = 0
            return False
        if self._settled():
            return True
        now = time.monotonic()
        self._unsettled_since = self._unsettled_since or now
        if now - self._unsettled_since > STUCK_SECONDS:  # what failed to be brought together waits for the next start
            self._unsettled_since = None
            self.archive.end()
        return False

    def end(self) -> None:
        """In order, whatever state they are in; what serves other runs goes on."""
        for service in (*self.rooms, self.archive):
            service.holds += 1
            for pid in service.tree():
                os.kill(pid, signal.SIGCONT)
            service.end()
        for line in self.ground.lines.values():
            line.cut()

    def last_words(self) -> str:
        """Ends of the logs, for where the logs themselves are soon gone."""
        logs = [each.log for each in (*self.rooms, self.archive) if each.log.exists()]
        return "\n".join(
            f"    {log.name}: {line}" for log in logs for line in log.read_text().splitlines()[-LAST_WORDS:]
        )

    def clear(self) -> None:
        """Give back the room that it took on the disks."""
        for disk in ("device", "archive"):
            for each in self.ground.disks[disk].iterdir():
                shutil.rmtree(each) if each.is_dir() else each.unlink()
        self.ground.drop(self.catalogue)

    def _settled(self) -> bool:
        question = "SELECT count(*) FROM recordings WHERE NOT settled"
        if self.archive.rebuilding is not None or not self.database_answers:
            return False
        try:
            if self.stack.catalogue == "sqlite":
                file = f"file:{self.catalogue.removeprefix('sqlite:///')}?mode=ro"
                with contextlib.closing(sqlite3.connect(file, uri=True)) as connection:
                    ((number,),) = connection.execute(question).fetchall()
            else:
                ((number,),) = self.ground.postgresql.execute(question, _database(self.catalogue))
        except (sqlite3.Error, psycopg.Error):
            return False
        return number == 0 and all(service.alive for service in self.services if not service.holds)

    def _make_store(self) -> Store:
        if self.stack.objects == "folder":
            return FolderStore.make(self.archive_folder / "objects")
        self._bucket = self.ground.ceph.bucket()
        return S3Store.make(self._bucket)

    def _write_settings(self) -> None:
        text = ARCHIVE_TOML.format(
            folder=self.archive_folder,
            catalogue=self.catalogue if self.stack.catalogue == "postgresql" else "",
            port=self.ground.lines["archive"].port,
        )
        if self.stack.objects == "s3":
            bucket = self._bucket
            credentials = self.folder / "credentials"
            credentials.write_text(
                f"[default]\naws_access_key_id = {bucket.access_key}\naws_secret_access_key = {bucket.secret_key}\n"
            )
            text += (
                f'objects = "s3://{bucket.name}/{bucket.prefix}"\nobjects_endpoint = "{bucket.endpoint}"\n'
                f'objects_credentials = "{credentials}"\n'
            )
        self.archive.settings.write_text(text)


ROOM_TOML = """\
[room]
name = "room-1"
folder = "{folder}"
hold = "{hold}"
hold_may_be_on_disk = {disk}
window = ""
[microphone]
identity = "pcm:none"
[seal]
pad_bytes = 64
[meeting]
notice_seconds = 0.0
grace_seconds = 0.15
[panel]
pins = "mock"
bounce_seconds = 0.0
double_press_seconds = 0.1
[uplink]
port = {port}
receipt_timeout_seconds = 1.0
retry_first_seconds = 0.05
retry_last_seconds = 0.3
"""
ARCHIVE_TOML = """\
[archive]
folder = "{folder}"
catalogue = "{catalogue}"
port = {port}
"""


def set_clock(file: Path, seconds: int) -> None:
    """Let the wall clock of those who look at this file be wrong by so much."""
    with file.open("r+b" if file.exists() else "xb") as clock:
        clock.write(seconds.to_bytes(8, sys.byteorder, signed=True))


def _compiled(folder: Path) -> Path:
    """The library with the clock that can be wrong."""
    library = folder / "wrong_clock.so"
    source = Path(__file__).with_name("wrong_clock.c")
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def _database(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def _tree(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += _tree(int(child))
    return found

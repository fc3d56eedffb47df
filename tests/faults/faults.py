"""The faults, as values: each is done to a site, lasts for a while, and is over. All pairs of them are the matrix.

How a fault is done is a context manager: within it the fault is there. It raises OSError if it cannot be done at this moment,
and is tried again a little later. One that waits for its own moment gives a function that tells whether that has come.
"""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from recorder.archive.clerk import DOMAIN_GROUP
from recorder.keyfiles import load_device
from recorder.wire import topics
from tests.faults import points
from tests.faults.echo import Echo, leave_session
from tests.faults.points import Point
from tests.faults.site import ROOM, Service, Site, set_clock

Whom = Literal["device", "archive", "broker", "database", "store"]
Over = Callable[[], bool]
How = Callable[[Site, random.Random], AbstractContextManager[Over | None]]
HOUR, DAY = 3_600, 86_400
CLOCKS_WRONG = (HOUR, -HOUR, 400 * DAY, -400 * DAY, 2_000 * DAY)
"""Seconds: some beyond what the certificates are valid for."""
SAVED_SECONDS_MAX = 1.0
PASSAGES = (1, 1, 1, 2, 3, 5, 8, 13)
"""At which of many a process dies: the first of all is a case of its own."""


class Missed(Exception):
    """What was to be done at a point was not: nothing came there."""


class Fault(NamedTuple):
    name: str
    how: How
    lasts: tuple[float, float] = (0.1, 0.6)
    """Seconds, at least and at most."""
    needs: Literal["", "sqlite", "postgresql", "s3"] = ""
    """What the archive must keep its things in, if it matters."""
    clocks: bool = False
    """Whether the processes must have clocks that can be wrong."""
    early: bool = False
    """Whether it is done at the start, for it waits for its moment itself, or has to hear what comes before."""
    of_a_no: bool = False
    """Whether a meeting must be refused for it."""


def killed(whom: Whom) -> How:
    @contextmanager
    def how(site: Site, chance: random.Random) -> Iterator[None]:
        service = site.service(whom)
        service.holds += 1
        site.crashed = True
        service.kill()
        yield
        service.holds -= 1

    return how


def stopped(whom: Whom) -> How:
    @contextmanager
    def how(site: Site, chance: random.Random) -> Iterator[None]:
        service = site.service(whom)
        service.stops += 1
        stopped = service.tree()
        for each in stopped:
            _signal(each, signal.SIGSTOP)
        yield
        service.stops -= 1
        for each in stopped:
            _signal(each, signal.SIGCONT)

    return how


def restarted(whom: Whom, number: signal.Signals = signal.SIGTERM) -> How:
    @contextmanager
    def how(site: Site, chance: random.Random) -> Iterator[None]:
        service = site.service(whom)
        service.holds += 1
        service.send(number)
        yield
        if not service.end(number):
            site.crashed = True
        service.holds -= 1

    return how


def dies(whom: Literal["device", "archive"], name: str, point: Point) -> Fault:
    """At this point, once it comes there."""

    @contextmanager
    def how(site: Site, chance: random.Random) -> Iterator[Over]:
        file = (site.room if whom == "device" else site.archive).points
        site.crashed = True
        points.arm(file, name, chance.choice(PASSAGES) if point.often else 1)
        yield lambda: not file.exists()
        if file.exists():
            file.unlink(missing_ok=True)
            raise Missed

    return Fault(f"{whom} dies: {name}", how, (5.0, 5.0), early=True, of_a_no=point.of_a_no)


@contextmanager
def restored(site: Site, chance: random.Random) -> Iterator[None]:
    """The broker comes back with what it knew then: retained messages, and sessions of a device and a worker that are gone."""
    ground = site.ground
    broker = ground.broker
    _must_answer(broker)
    memory, then = ground.broker_memory / "mosquitto.db", site.folder / "mosquitto.db"
    group = topics.shared_uploads(_group(ground.archive_keys))
    leave_session(ground.archive_keys, ground.broker_port, "intake-of-old", group)
    leave_session(ground.room_keys, ground.broker_port, ROOM, topics.down(ROOM))
    memory.unlink(missing_ok=True)
    broker.send(signal.SIGUSR1)
    deadline = time.monotonic() + SAVED_SECONDS_MAX
    while not memory.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    shutil.copyfile(memory, then)
    yield
    broker.holds += 1
    broker.kill()
    with contextlib.suppress(OSError):  # its disk may be full
        shutil.copyfile(then, memory)
    broker.holds -= 1


def cut(line: str) -> How:
    @contextmanager
    def how(site: Site, chance: random.Random) -> Iterator[None]:
        site.ground.lines[line].cut()
        yield
        site.ground.lines[line].cut()

    return how


def half_open(line: str) -> How:
    @contextmanager
    def how(site: Site, chance: random.Random) -> Iterator[None]:
        site.ground.lines[line].die()
        yield
        site.ground.lines[line].revive()

    return how


def slow(line: str) -> How:
    @contextmanager
    def how(site: Site, chance: random.Random) -> Iterator[None]:
        site.ground.lines[line].bytes_per_second = chance.uniform(20_000, 200_000)
        yield
        site.ground.lines[line].bytes_per_second = 0.0

    return how


@contextmanager
def uploads_again(site: Site, chance: random.Random) -> Iterator[None]:
    """Of a session that is over by then: the device has another one, and hears it all answered."""
    ground = site.ground
    _must_answer(ground.broker)
    echo = Echo(ground.archive_keys, ground.room_keys, ground.broker_port, topics.UPLOADS)
    yield
    ground.lines["device"].cut()
    time.sleep(chance.uniform(0.0, 0.1))
    _repeat(echo, site, chance, 2)


@contextmanager
def receipts_again(site: Site, chance: random.Random) -> Iterator[None]:
    ground = site.ground
    _must_answer(ground.broker)
    echo = Echo(ground.room_keys, ground.archive_keys, ground.broker_port, topics.down(ROOM))
    yield
    _repeat(echo, site, chance, 3)


def full(disk: str) -> How:
    @contextmanager
    def how(site: Site, chance: random.Random) -> Iterator[None]:
        folder = site.ground.disks[disk]
        site.may_cut |= disk == "device"
        free = os.statvfs(folder)
        filler = folder / "filler"
        left = chance.choice((0, 4_096, 16_384))
        try:
            with filler.open("wb") as out:
                os.posix_fallocate(out.fileno(), 0, max(1, free.f_bavail * free.f_frsize - left))
            yield
        finally:
            filler.unlink()

    return how


def jumps(whom: Literal["device", "archive"]) -> How:
    @contextmanager
    def how(site: Site, chance: random.Random) -> Iterator[None]:
        set_clock(site.clocks[whom], chance.choice(CLOCKS_WRONG))
        yield
        set_clock(site.clocks[whom], 0)

    return how


@contextmanager
def two_of_one_name(site: Site, chance: random.Random) -> Iterator[None]:
    site.add_twin()
    yield
    assert site.twin is not None
    site.twin.holds = 1
    site.twin.end()


@contextmanager
def catalogue_lost(site: Site, chance: random.Random) -> Iterator[None]:
    archive = site.archive
    archive.holds += 1
    try:
        if not archive.end():
            site.crashed = True
        archive.lose_catalogue()
    except OSError:
        archive.holds -= 1
        raise
    yield
    archive.holds -= 1


@contextmanager
def torn_on_the_device(site: Site, chance: random.Random) -> Iterator[None]:
    """What a power cut in the middle of a write leaves: half a file without its name, half a line. And another power cut."""
    room = site.room
    room.kill()
    for folder in (room.folder / "spool").glob("[0-9a-f]*"):
        if folder.suffix or not (folder / "preamble").exists():
            continue
        (folder / "block-00000099.tmp").write_bytes(chance.randbytes(1_000))
        if not (folder / "manifest").exists():
            with (folder / "journal").open("ab") as journal:
                journal.write(b'{"ticks":48000,"wall')
    yield
    room.kill()


@contextmanager
def torn_in_the_catalogue(site: Site, chance: random.Random) -> Iterator[None]:
    """The same, in the database's log: a frame that was begun behind the last commit."""
    archive = site.archive
    archive.holds += 1
    site.crashed = True
    archive.kill()
    log = Path(site.catalogue.removeprefix("sqlite:///") + "-wal")
    if log.exists() and log.stat().st_size:
        with log.open("ab") as out:
            out.write(chance.randbytes(2_000))
    yield
    archive.holds -= 1


FAULTS = (
    Fault("device killed", killed("device"), (0.0, 0.4)),
    Fault("device stopped", stopped("device")),
    Fault("device restarted", restarted("device")),
    Fault("broker killed", killed("broker")),
    Fault("broker stopped", stopped("broker")),
    Fault("broker restarted", restarted("broker")),
    Fault("broker restored from an old snapshot", restored),
    Fault("archive killed", killed("archive"), (0.0, 0.4)),
    Fault("archive stopped", stopped("archive")),
    Fault("archive restarted", restarted("archive")),
    Fault("database killed", killed("database"), needs="postgresql"),
    Fault("database stopped", stopped("database"), needs="postgresql"),
    Fault("database restarted", restarted("database", signal.SIGINT), needs="postgresql"),
    Fault("store killed", killed("store"), needs="s3"),
    Fault("store stopped", stopped("store"), needs="s3"),
    Fault("store restarted", restarted("store"), needs="s3"),
    Fault("device cut off", cut("device")),
    Fault("device half open", half_open("device"), (0.3, 0.8)),
    Fault("device slow", slow("device"), (0.5, 1.0)),
    Fault("archive cut off", cut("archive")),
    Fault("archive half open", half_open("archive"), (0.3, 0.8)),
    Fault("archive slow", slow("archive"), (0.5, 1.0)),
    Fault("uploads of an earlier session again, in any order", uploads_again, (0.4, 1.2), early=True),
    Fault("receipts again, in any order", receipts_again, (0.4, 1.2), early=True),
    Fault("device's disk full", full("device")),
    Fault("archive's disk full", full("archive")),
    Fault("broker's disk full", full("broker"), (0.3, 1.2)),
    Fault("device's clock jumps", jumps("device"), (0.2, 0.8), clocks=True),
    Fault("archive's clock jumps", jumps("archive"), (0.2, 0.8), clocks=True),
    Fault("two devices with one identity", two_of_one_name, (0.4, 0.8)),
    Fault("catalogue lost", catalogue_lost, (0.0, 0.1)),
    Fault("torn write on the device", torn_on_the_device, (0.2, 0.6)),
    Fault("torn write in the catalogue", torn_in_the_catalogue, (0.0, 0.2), needs="sqlite"),
    *(dies("device", *each) for each in points.DEVICE.items()),
    *(dies("archive", *each) for each in points.ARCHIVE.items()),
)
BY_NAME = {fault.name: fault for fault in FAULTS}


def _group(keys: Path) -> str:
    """Of the archive's workers, which is their secret."""
    private = load_device(keys / "receipt.key").private_bytes_raw()
    return f"intake-{hashlib.sha256(DOMAIN_GROUP + private).hexdigest()[:32]}"


def _must_answer(broker: Service) -> None:
    """Or who connects to it would only wait."""
    if not broker.answers:
        raise OSError("the broker does not answer")


def _repeat(echo: Echo, site: Site, chance: random.Random, times: int) -> None:
    if not site.ground.broker.answers:
        echo.close()
        raise Missed
    echo.repeat(chance, times)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)

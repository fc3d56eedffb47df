"""The whole at one look: what the rooms say of themselves now, how the archive is, and what needs a person.

`gather` asks; `judge` is pure. A look is for who may read the archive's keys. It says more than the metrics, which are kept
and shared, but of a meeting no more than that a room is in use: who said no in it is no operator's business.
"""

import time
import urllib.request
from collections.abc import Collection, Mapping

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from recorder import tls
from recorder.archive.listen import listen
from recorder.archive.rooms import FAULTS, OTHER_FAULT, SILENT_SECONDS
from recorder.config import Config
from recorder.errors import WireError
from recorder.meeting.table import State
from recorder.wire import status
from recorder.wire.consent import DAY_MS
from recorder.wire.status import Status

LISTEN_SECONDS_MAX = 15.0
QUIET_SECONDS = 1.0
"""After the last retained status, for one that is still on the road."""
ASK_SECONDS_MAX = 5.0
SPOOL_RATIO_MAX = 0.8
DISK_RATIO_MAX = 0.8
STALLED_SECONDS_MAX = 60
USE = {State.IDLE.value: "free", State.FAULT.value: "fault"}
"""Of a state; every other one is "in_use"."""


class Trouble(msgspec.Struct, frozen=True):
    """Something that needs a person."""

    room: str
    """Empty: the archive itself."""
    what: str
    """One of `recorder status --help`'s words, or the name of a fault (docs/room.md)."""
    told: str = ""
    """What was said of it, where something was."""


class Room(msgspec.Struct, frozen=True):
    """One enrolled room."""

    name: str
    seen: str
    """"online", "silent" (connected, and says nothing), "gone", "never", or "unknown": the broker could not be asked."""
    use: str = ""
    """"free", "in_use" or "fault"; empty if it is not known, as all that follows."""
    faults: tuple[str, ...] = ()
    spool_bytes: int | None = None
    spool_capacity_bytes: int | None = None
    backlog: int | None = None
    caught_up: int | None = None
    said_ms: int | None = None
    certificate_ends_ms: int | None = None
    version: str = ""


class Intake(msgspec.Struct, frozen=True):
    """The intake, by its own figures."""

    answers: bool
    subscribed: bool = False
    stalled_seconds: int = 0
    rejecting: tuple[str, ...] = ()
    """Verdicts of this hour or the last."""
    disk_used_ratio: float = 0.0


class Overview(msgspec.Struct, frozen=True):
    """The look."""

    made_ms: int
    catalogue: str
    """Why it cannot be read, so that nobody knows who is enrolled; empty if it can."""
    broker: str
    """Why it cannot be reached; empty if it can."""
    archive_certificate_ends_ms: int
    broker_certificate_ends_ms: int | None
    """None: it was not seen."""
    intake: Intake | None
    """None: it serves no figures (metrics.intake_port)."""
    rooms: tuple[Room, ...]
    """The enrolled ones; without the catalogue all that the broker knows."""
    troubles: tuple[Trouble, ...]


def gather(settings: Config, identity: tls.Identity, enrolled: Collection[str] | None, catalogue: str = "") -> Overview:
    """Ask the broker and the intake. `enrolled` are the catalogue's rooms; None if it cannot be read: `catalogue` says why."""
    said: dict[str, Status] = {}
    subscribed = False
    broker_ends_ms: int | None = None
    heard = time.monotonic()
    over = heard + LISTEN_SECONDS_MAX

    def on_subscribed(broker_certificate_ends: float) -> None:
        nonlocal subscribed, heard, broker_ends_ms
        subscribed, heard = True, time.monotonic()
        broker_ends_ms = round(broker_certificate_ends) * 1_000

    def hear(topic: str, payload: bytes) -> None:
        nonlocal heard
        try:
            one = status.parse(topic, payload)
        except WireError:
            return
        if enrolled is None or one.room in enrolled:
            heard = time.monotonic()
            said[one.room] = one

    def going() -> bool:
        now = time.monotonic()
        quiet = (enrolled is not None and len(said) == len(enrolled)) or now - heard > QUIET_SECONDS
        return now < over and not (subscribed and quiet)

    broker = listen(settings.archive, identity, subscribed=on_subscribed, hear=hear, going=going)
    if not broker and not subscribed:
        broker = "it answers, and does not let the archive listen"
    metrics = settings.metrics
    intake = _ask(metrics.host, metrics.intake_port) if metrics.intake_port else None
    archive_ends_ms = round(identity.ends.timestamp()) * 1_000
    rooms = said if enrolled is None else enrolled
    now_ms = time.time_ns() // 1_000_000
    return judge(now_ms, archive_ends_ms, broker_ends_ms, broker, intake, rooms, said, catalogue)


def judge(
    now_ms: int,
    archive_certificate_ends_ms: int,
    broker_certificate_ends_ms: int | None,
    broker: str,
    intake: Intake | None,
    enrolled: Collection[str],
    said: Mapping[str, Status],
    catalogue: str = "",
) -> Overview:
    """What needs a person, of what was found."""
    unheard = "unknown" if broker else "never"
    rooms = tuple(_room(name, said.get(name), now_ms, unheard) for name in sorted(enrolled))
    troubles = []
    if catalogue:
        troubles.append(Trouble("", "catalogue", catalogue))
    if broker:
        troubles.append(Trouble("", "broker", broker))
    if archive_certificate_ends_ms - now_ms <= tls.WARNING_DAYS * DAY_MS:
        troubles.append(Trouble("", "certificate"))
    if broker_certificate_ends_ms is not None and broker_certificate_ends_ms - now_ms <= tls.WARNING_DAYS * DAY_MS:
        troubles.append(Trouble("", "broker_certificate"))
    if intake is not None:
        troubles += _of_intake(intake)
    if not rooms and not catalogue:
        troubles.append(Trouble("", "no_room"))
    for room in rooms:
        troubles += _of_room(room, said.get(room.name), now_ms)
    ends = (archive_certificate_ends_ms, broker_certificate_ends_ms)
    return Overview(now_ms, catalogue, broker, *ends, intake, rooms, tuple(troubles))


def _room(name: str, said: Status | None, now_ms: int, unheard: str) -> Room:
    if said is None:
        return Room(name, unheard)
    # A clock that is not set tells nothing; that is a fault of its own.
    silent = said.clock_synced and now_ms - said.said_ms > SILENT_SECONDS * 1_000
    seen = "gone" if not said.online else "silent" if silent else "online"
    if not said.version:
        return Room(name, seen)  # a last will
    return Room(
        name,
        seen,
        USE.get(said.state, "in_use"),
        said.faults,
        said.spool_bytes,
        said.spool_capacity_bytes,
        said.backlog,
        said.caught_up,
        said.said_ms,
        said.certificate_ends_ms,
        said.version,
    )


def _of_intake(intake: Intake) -> list[Trouble]:
    if not intake.answers:
        return [Trouble("", "intake_down")]
    found = [] if intake.subscribed else [Trouble("", "intake_not_subscribed")]
    if intake.stalled_seconds >= STALLED_SECONDS_MAX:
        found.append(Trouble("", "intake_stalled"))
    found += [Trouble("", "rejecting", verdict) for verdict in intake.rejecting]
    if intake.disk_used_ratio >= DISK_RATIO_MAX:
        found.append(Trouble("", "disk", f"{intake.disk_used_ratio:.0%}"))
    return found


def _of_room(room: Room, said: Status | None, now_ms: int) -> list[Trouble]:
    found = [] if room.seen in ("online", "unknown") else [Trouble(room.name, room.seen)]
    found += [
        Trouble(room.name, fault) if fault in FAULTS else Trouble(room.name, OTHER_FAULT, fault)
        for fault in room.faults
    ]
    if said is not None and said.complaint:
        found.append(Trouble(room.name, "rejected", said.complaint))
    if room.spool_capacity_bytes and (room.spool_bytes or 0) >= SPOOL_RATIO_MAX * room.spool_capacity_bytes:
        found.append(Trouble(room.name, "spool"))
    if room.certificate_ends_ms and room.certificate_ends_ms - now_ms <= tls.WARNING_DAYS * DAY_MS:
        found.append(Trouble(room.name, "certificate"))
    return found


def _ask(host: str, port: int) -> Intake:
    """The intake's figures, from where it serves them."""
    address = f"[{host}]" if ":" in host else host
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/metrics", timeout=ASK_SECONDS_MAX) as answer:
            text = answer.read().decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    except (OSError, ValueError):  # ValueError: what answers there is not the intake
        return Intake(answers=False)
    figures = {sample.name: sample.value for sample in samples}
    return Intake(
        answers="wederhoor_intake_subscribed" in figures,
        subscribed=bool(figures.get("wederhoor_intake_subscribed")),
        stalled_seconds=int(figures.get("wederhoor_intake_stalled_seconds", 0)),
        rejecting=tuple(
            sample.labels["verdict"]
            for sample in samples
            if sample.name == "wederhoor_intake_rejecting" and sample.value
        ),
        disk_used_ratio=figures.get("wederhoor_archive_disk_used_ratio", 0.0),
    )

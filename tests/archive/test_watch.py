"""`recorder archive watch` as a process at a real broker: whom it tells of, and what it does not let in."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from prometheus_client.parser import text_string_to_metric_families

from recorder.archive import watch as watch_module
from recorder.archive.catalogue import Catalogue
from recorder.config import load
from recorder.fleet.authority import Authority
from recorder.tls import Identity
from recorder.wire.status import STATUS_BYTES_MAX, Status
from tests.archive.site import SECONDS_MAX, Site, tls

WELL = Status(
    "room-1",
    online=True,
    version="1",
    state="idle",
    spool_capacity_bytes=1_073_741_824,
    certificate_ends_ms=1_900_000_000_000,
    started_ms=1_700_000_000_000,
    clock_synced=True,
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Watching:
    """A site with a watch; `figures` are its scrape, by name and the labels' values."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder)
        self.port = free_port()
        self.site.config.write_text(self.site.config.read_text() + f"[metrics]\nwatch_port = {self.port}\n")
        self.process: subprocess.Popen[str] | None = None
        self.log = folder / "watch.log"

    def start(self, *, ready: bool = True) -> None:
        command = [sys.executable, "-m", "recorder", "archive", "--config", str(self.site.config), "watch"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        if ready:
            assert self.process.stdout is not None
            assert self.process.stdout.readline() == "ready\n", self.log.read_text()

    def end(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=SECONDS_MAX)
        return self.process.returncode

    @property
    def figures(self) -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=SECONDS_MAX) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        return {
            " ".join(
                [sample.name.removeprefix("wederhoor_"), *(sample.labels[key] for key in sorted(sample.labels))]
            ): sample.value
            for family in families
            for sample in family.samples
        }

    def until(self, seen: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        deadline = time.monotonic() + SECONDS_MAX
        while not seen(figures := self.figures):
            assert time.monotonic() < deadline, figures
            time.sleep(0.02)
        return figures


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    watching = Watching(tmp_path)
    watching.site.broker.start()
    yield watching
    if watching.process is not None and watching.process.poll() is None:
        watching.process.kill()
        watching.process.communicate()
    watching.site.close()


def test_what_rooms_said_before_and_say_now_is_told(watching: Watching) -> None:
    site = watching.site
    site.say("room-1", msgspec.json.encode(msgspec.structs.replace(WELL, faults=("clock",))))
    watching.start()
    assert watching.until(lambda it: it["room_heard room-1"] == 1) == {
        "watch_subscribed": 1,
        "watch_ignoring stranger": 0,
        "watch_ignoring unreadable": 0,
        "room_heard room-1": 1,
        "room_heard room-2": 0,
        "room_fault clock room-1": 1,
        "room_rejected room-1": 0,
        "room_rejected room-2": 0,
        "room_behind room-1": 0,
        "room_behind room-2": 0,
        "room_spool_used_ratio room-1": 0,
        "room_certificate_end_timestamp_seconds room-1": 1_900_000_000,
        "room_start_timestamp_seconds room-1": 1_700_000_000,
    }
    site.say("room-2", msgspec.json.encode(msgspec.structs.replace(WELL, room="room-2")))
    watching.until(lambda it: it["room_heard room-2"] == 1)
    assert watching.end() == 0


def test_a_room_that_is_cut_off_is_told_by_its_last_will(watching: Watching) -> None:
    site = watching.site
    watching.start()
    room = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False)
    room.tls_set_context(tls(site.folder / "room-1" / "keys"))
    room.will_set("rec/v1/room-1/status", msgspec.json.encode(Status("room-1", online=False)), 1, retain=True)
    room.connect("localhost", site.broker.port)
    room.loop_start()
    room.publish("rec/v1/room-1/status", msgspec.json.encode(WELL), 1, retain=True)
    watching.until(lambda it: it["room_heard room-1"] == 1)
    plug = room.socket()
    assert isinstance(plug, socket.socket)
    socket.socket.shutdown(plug, socket.SHUT_RDWR)
    room.loop_stop()
    watching.until(lambda it: it["room_heard room-1"] == 0)


def test_who_is_not_enrolled_and_what_is_no_status_takes_no_place(watching: Watching) -> None:
    site = watching.site
    for name in ("stranger", "other"):
        site.authority.enrol_room(name, site.folder / name, [site.folder / "reader.pub"])
    watching.start()
    site.say("stranger", msgspec.json.encode(msgspec.structs.replace(WELL, room="stranger")))
    site.say("room-2", b"{" * 100)
    figures = watching.until(lambda it: it["watch_ignoring stranger"] == it["watch_ignoring unreadable"] == 1)
    assert not [name for name in figures if "stranger" in name.split()[1:] and not name.startswith("watch_ignoring")]
    assert figures["room_heard room-2"] == 0
    for name in ("stranger", "other"):
        site.say(name, msgspec.json.encode(msgspec.structs.replace(WELL, room=name)))
    # One that is too large is not even sent, and costs nobody the connection.
    huge = msgspec.json.encode(msgspec.structs.replace(WELL, fault="x" * (2 * STATUS_BYTES_MAX)))
    site.say("room-1", huge)
    site.say("room-2", msgspec.json.encode(msgspec.structs.replace(WELL, room="room-2")))
    figures = watching.until(lambda it: it["room_heard room-2"] == 1)
    assert (figures["watch_subscribed"], figures["room_heard room-1"]) == (1, 0)
    log = watching.log.read_text()
    assert log.count("connected to") == 1
    told = [line.partition("ignored: ")[2] for line in log.splitlines() if "ignored: " in line]
    assert told == ["stranger is not enrolled", "what room-2 says of itself is no status", "other is not enrolled"]


def test_the_log_is_told_of_each_once_and_not_of_any_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watch_module, "IGNORED_MAX", 2)
    Authority.create(tmp_path / "authority").enrol_archive(tmp_path)
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    watch = watch_module.Watch(load().archive, Identity(tmp_path / "keys"), catalogue, lambda: None)
    for name in ("b", "b", "a", "b", "c", "a", "c"):
        watch._hear(f"rec/v1/{name}/status", msgspec.json.encode(msgspec.structs.replace(WELL, room=name)))
    of_it = [record.getMessage() for record in caplog.records if record.name == watch_module.__name__]
    assert of_it == [
        "ignored: b is not enrolled",
        "ignored: a is not enrolled",
    ]
    catalogue.close()


def test_a_broker_that_is_away_is_told_and_waited_for(watching: Watching) -> None:
    site = watching.site
    site.broker.stop()
    watching.start(ready=False)
    deadline = time.monotonic() + SECONDS_MAX
    while "not connected to localhost" not in (watching.log.read_text() if watching.log.exists() else ""):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert watching.figures["watch_subscribed"] == 0
    site.broker.start()
    watching.until(lambda it: it["watch_subscribed"] == 1)
    site.broker.kill()
    watching.until(lambda it: it["watch_subscribed"] == 0)
    assert watching.end() == 0


def test_a_port_that_is_taken_is_told_and_ends_it(watching: Watching) -> None:
    with socket.create_server(("127.0.0.1", watching.port)):
        watching.start(ready=False)
        assert watching.process is not None
        watching.process.communicate(timeout=SECONDS_MAX)
    assert watching.process.returncode == 2
    told = f"recorder archive: metrics cannot be served at 127.0.0.1:{watching.port}: Address already in use\n"
    assert watching.log.read_text().endswith(told)


def test_a_folder_without_keys_is_told_and_left_as_it_is(watching: Watching) -> None:
    empty = watching.site.folder / "empty"
    empty.mkdir()
    watching.site.config.write_text(f'[archive]\nfolder = "{empty}"\n')
    watching.start(ready=False)
    assert watching.process is not None
    watching.process.communicate(timeout=SECONDS_MAX)
    assert watching.process.returncode == 2
    assert "ca.pem, tls.pem and tls.key cannot be used" in watching.log.read_text()
    assert list(empty.iterdir()) == []

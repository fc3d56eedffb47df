"""The uplink on a real broker, with real certificates."""

import contextlib
import queue
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from paho.mqtt.client import Client, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from recorder import config
from recorder.device import uplink as module
from recorder.device.uplink import Connected, Heard, Lost, Message, Uplink
from recorder.fleet.authority import CERTIFICATE_DAYS
from recorder.keyfiles import save_recipient_public
from recorder.trial.broker import Broker
from recorder.trial.machines import found_authority, room_settings, toml
from recorder.wire.status import Status
from tests.archive.site import tls
from tests.rooms import RECIPIENT
from tests.rumqttd import Rumqttd

ROOM = "room-1"
RECORDING = "00" * 16
UPLOAD = f"rec/v1/{ROOM}/up/{RECORDING}"
SECONDS_MAX = 20.0
NEVER_SECONDS = 600.0


class Road:
    """A broker, the archive's ear and voice on it, and one room's uplink."""

    def __init__(self, folder: Path, enrolled: datetime | None = None, kind: type[Broker] = Broker) -> None:
        authority = found_authority(folder, folder / "archive")
        save_recipient_public(folder / "reader.pub", RECIPIENT.public)
        authority.enrol_room(ROOM, folder / ROOM, [folder / "reader.pub"], enrolled)
        self.broker = kind(folder / "broker")
        self.heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        """What reached the archive."""
        self._events: list[Heard] = []
        self._archive_keys = folder / "archive" / "keys"
        self.uplink = Uplink(
            ROOM,
            config.Uplink("localhost", self.broker.port, 8, 30.0, 0.05, 0.1),
            folder / ROOM / "keys",
            lambda: None,
        )

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.broker)
            self.archive = self._listen(self._archive_keys)
            stack.callback(self._leave)
            self._running = stack.pop_all()
        return self

    def __exit__(self, *raised: object) -> None:
        self._running.close()

    def _leave(self) -> None:
        self.uplink.close(Status(ROOM, online=False))
        self.archive.disconnect()
        self.archive.loop_stop()

    def await_event(self, kind: type[Heard]) -> Heard:
        """The next event of that kind; ours to take out of the uplink, as the daemon's loop would."""
        deadline = time.monotonic() + SECONDS_MAX
        while not (found := [event for event in self._events if isinstance(event, kind)]):
            assert time.monotonic() < deadline, f"no {kind.__name__}; there was {self._events}"
            self._events += self.uplink.hear(time.monotonic())
            time.sleep(0.01)
        self._events.remove(found[0])
        return found[0]

    def _listen(self, keys: Path) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False)
        client.tls_set_context(tls(keys))
        ready: queue.SimpleQueue[None] = queue.SimpleQueue()
        client.on_connect = lambda client, *_: client.subscribe([("rec/v1/+/up/+", 1), ("rec/v1/+/status", 1)])
        client.on_subscribe = lambda *_: ready.put(None)
        client.on_message = lambda _client, _data, message: self.heard.put((message.topic, bytes(message.payload)))
        client.connect("localhost", self.broker.port)
        client.loop_start()
        ready.get(timeout=SECONDS_MAX)
        return client


@pytest.fixture(params=[Broker, Rumqttd])
def road(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Road]:
    with Road(tmp_path, kind=request.param) as road:
        yield road


def test_what_is_published_leaves_at_once_though_nothing_arrives(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network's thread sleeps: it must be woken for each, not find it at its next look.

    Each of the many waits for the one before, so that even a look every second would be too late for the last.
    """
    monkeypatch.setattr(module, "LOOK_SECONDS", NEVER_SECONDS)
    road.await_event(Connected)
    deadline = time.monotonic() + SECONDS_MAX
    for number in range(10 * int(SECONDS_MAX)):
        road.uplink.publish(RECORDING, b"%d" % number)
        assert road.heard.get(timeout=deadline - time.monotonic()) == (UPLOAD, b"%d" % number)
    road.uplink.say(Status(ROOM, online=True))
    assert road.heard.get(timeout=SECONDS_MAX)[0] == f"rec/v1/{ROOM}/status"


def test_it_hears_its_own_receipts(road: Road) -> None:
    road.await_event(Connected)
    road.archive.publish("rec/v1/room-2/down", b"another's", qos=1)
    road.archive.publish(f"rec/v1/{ROOM}/down", b"its own", qos=1)
    assert road.await_event(Message) == Message(b"its own")


def test_given_up_it_connects_anew_and_says_that_it_was_gone(road: Road) -> None:
    road.await_event(Connected)
    assert road.uplink.connected
    road.uplink.drop("the test says so", time.monotonic())
    assert (road.uplink.connected, road.uplink.trouble) == (False, "the test says so")
    assert road.uplink.next_attempt() is not None
    road.await_event(Connected)
    assert (road.uplink.connected, road.uplink.trouble) == (True, "")
    assert road.heard.get(timeout=SECONDS_MAX)[0] == f"rec/v1/{ROOM}/status", "the broker told its last will"
    road.uplink.publish(RECORDING, b"after")
    assert road.heard.get(timeout=SECONDS_MAX) == (UPLOAD, b"after")


def test_another_device_with_the_same_certificate_is_told(road: Road, caplog: pytest.LogCaptureFixture) -> None:
    """By a broker that says so; Mosquitto 2.0.11 only closes the connection."""
    road.await_event(Connected)
    client = road.uplink._client
    assert client is not None and client.on_disconnect is not None
    taken_over = ReasonCode(PacketTypes.DISCONNECT, "Session taken over")
    client.on_disconnect(client, None, DisconnectFlags(is_disconnect_packet_from_server=True), taken_over, None)
    road.await_event(Lost)
    assert "no connection to the broker: another device came with this room's certificate" in caplog.text
    road.await_event(Connected)


def test_whatever_ends_the_thread_is_told(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packet that paho cannot parse, say: nobody would wait for a thread that ended in silence."""
    road.await_event(Connected)
    client = road.uplink._client
    monkeypatch.setattr(client, "loop", lambda *_: (_ for _ in ()).throw(ZeroDivisionError("a defect")))
    road.uplink.publish(RECORDING, b"wakes it")
    assert "a defect" in road.await_event(Lost).reason  # type: ignore[union-attr]
    road.await_event(Connected)


def test_a_broker_that_accepts_and_says_nothing_more_is_given_up(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ACCEPT_SECONDS_MAX", 0.2)
    monkeypatch.setattr(Client, "subscribe", lambda *_: None)
    deadline = time.monotonic() + SECONDS_MAX
    while "does not accept" not in road.uplink.trouble:
        assert time.monotonic() < deadline
        road.uplink.hear(time.monotonic())
        time.sleep(0.01)
    monkeypatch.undo()
    road.await_event(Connected)


def test_a_certificate_that_ends_soon_is_told_while_all_goes_well(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Road(tmp_path, datetime.now(UTC) - timedelta(days=CERTIFICATE_DAYS - 20)) as road:
        road.await_event(Connected)
        told = f"the certificate {tmp_path / ROOM / 'keys' / 'tls.pem'} ends on "
        assert road.uplink.trouble.startswith(told)
        assert caplog.text.count(told) == 1


def test_a_certificate_that_has_ended_is_told_with_its_day(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ended = datetime.now(UTC) - timedelta(days=1)
    with Road(tmp_path, ended - timedelta(days=CERTIFICATE_DAYS)) as road:
        road.await_event(Lost)
        file = tmp_path / ROOM / "keys" / "tls.pem"
        assert road.uplink.trouble.startswith(f"the certificate {file} ended on {ended:%Y-%m-%d}; the authority must")
        road.await_event(Lost)
        assert caplog.text.count(" ended on ") == 1


def test_a_room_with_the_certificate_of_another_does_not_start(tmp_path: Path, ram: Path) -> None:
    """Its broker would acknowledge and drop all that it says: it would wait for the archive's receipts for ever."""
    Road(tmp_path)
    file = tmp_path / "room.toml"
    file.write_text(toml(room_settings("room-2", tmp_path / ROOM, ram)))
    command = [sys.executable, "-m", "recorder", "room", "--config", str(file)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    told = f"{tmp_path / ROOM / 'keys' / 'tls.pem'}: the certificate is for '{ROOM}', and room.name is 'room-2'; set "
    assert told in done.stderr


def test_a_flood_does_not_fill_the_memory(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARD_MAX", 3)
    road.await_event(Connected)
    for number in range(50):
        road.archive.publish(f"rec/v1/{ROOM}/down", b"%d" % number, qos=1).wait_for_publish(SECONDS_MAX)
    deadline = time.monotonic() + SECONDS_MAX
    while len(road.uplink._heard) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(road.uplink._heard) == 3
    road.await_event(Message)


def test_a_broker_that_dies_is_noticed(road: Road) -> None:
    road.await_event(Connected)
    road.broker.kill()
    road.await_event(Lost)
    assert not road.uplink.connected and road.uplink.trouble
    road.broker.start()
    road.await_event(Connected)

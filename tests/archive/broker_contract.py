"""What the wire asks of a broker: docs/wire.md, "What is asked of a broker", has the same statements in the same order.

Every party here is a plain MQTT client, so that nothing of the product is judged along with the broker.
"""

import contextlib
import queue
import socket
import ssl
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple, Self

import pytest
from paho.mqtt.client import Client, MQTTMessage, topic_matches_sub
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from recorder.archive.road import refusal
from recorder.fleet.authority import Authority
from recorder.wire import topics
from recorder.wire.upload import PAYLOAD_BYTES_MAX

ROOMS = ("room-1", "room-2")
SECONDS_MAX = 20.0
"""For what should come."""
QUIET_SECONDS = 0.5
"""Without anything, after which nothing more is expected."""
WAITING = 2_000
"""Uploads that a broker holds for a worker that does not read: some 250 rooms' windows."""
UPLOAD_BYTES = 5_300
CONNECT = b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03abc"
CONNACK = b"\x20"


class Place(NamedTuple):
    """Where a broker is, and the keys of those who may come: `keys/archive`, `keys/room-1` and `keys/room-2`."""

    host: str
    port: int
    keys: Path

    def keys_of(self, party: str) -> Path:
        return self.keys / party / "keys"


def context_of(keys: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(keys / "ca.pem"))
    context.load_cert_chain(keys / "tls.pem", keys / "tls.key")
    return context


class Party:
    """One that is connected, and notes what it hears. A context manager; closed at the end, or `cut` before."""

    def __init__(self, place: Place, name: str, *, ident: str = "", will: tuple[str, bytes] | None = None) -> None:
        self.heard: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
        self._client = Client(
            CallbackAPIVersion.VERSION2, ident, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False
        )
        self._client.tls_set_context(context_of(place.keys_of(name)))
        self._client.max_inflight_messages_set(WAITING)
        if will is not None:
            self._client.will_set(*will, qos=1, retain=True)
        told: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._granted: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.gone: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._client.on_connect = lambda _c, _d, _f, reason, properties: told.put(refusal(reason, properties))
        self._client.on_subscribe = lambda _c, _d, _m, reasons, _p: self._granted.put(reasons[0].value)
        self._client.on_publish = lambda _c, _d, _m, reason, _p: self._answers.put(reason.value)
        self._client.on_message = lambda _c, _d, message: self.heard.put(message)
        self._client.on_disconnect = lambda _c, _d, _f, reason, _p: (told.put(str(reason)), self.gone.put(str(reason)))
        self._client.connect(place.host, place.port)
        self._client.loop_start()
        self.refused = told.get(timeout=SECONDS_MAX)
        assert self.refused == "", f"{name}: {self.refused}"

    def subscribe(self, topic: str, qos: int = 1) -> int:
        """The broker's answer: the QoS that it grants, 128 or more if none."""
        self._client.subscribe(topic, qos)
        return self._granted.get(timeout=SECONDS_MAX)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """The broker's answer; 128 or more if it does not take it."""
        self.send(topic, payload, retain=retain)
        return self._answers.get(timeout=SECONDS_MAX)

    def send(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Without waiting for the answer."""
        self._client.publish(topic, payload, qos=qos, retain=retain)

    def hear(self, seconds: float = SECONDS_MAX) -> MQTTMessage | None:
        """What comes next; None if nothing does in time."""
        with contextlib.suppress(queue.Empty):
            return self.heard.get(timeout=seconds)
        return None

    def hear_all(self, number: int) -> list[bytes]:
        """So many payloads, and whatever comes beyond them."""
        heard = []
        while message := self.hear(SECONDS_MAX if len(heard) < number else QUIET_SECONDS):
            heard.append(bytes(message.payload))
        return heard

    def cut(self) -> None:
        """As a crash would: without a word of MQTT."""
        sock = self._client.socket()
        assert isinstance(sock, socket.socket)
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self.gone.get(timeout=SECONDS_MAX)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        del self._client  # not left to the collector of cycles, which may take its sockets before it can close them


def uploads_to(test: str, room: str = ROOMS[0]) -> str:
    """A topic of this test's alone: RECORDING is 32 hexadecimal digits."""
    return str(topics.UploadTopic(room, test.encode().hex()[-32:].rjust(32, "0")))


class RoadContract:
    """Nothing is lost and nobody waits, on a broker that does this. A test class that inherits it has a fixture `place`."""

    @pytest.fixture
    def topic(self, request: pytest.FixtureRequest) -> str:
        return uploads_to(request.node.originalname)

    @pytest.fixture
    def workers(self, place: Place, request: pytest.FixtureRequest):
        """Two intakes, as far as the broker knows."""
        with Party(place, topics.ARCHIVE_USER) as first, Party(place, topics.ARCHIVE_USER) as second:
            for each in (first, second):
                assert each.subscribe(topics.shared_uploads(request.node.originalname)) == 1
            yield first, second

    @pytest.fixture
    def room(self, place: Place):
        with Party(place, ROOMS[0]) as room:
            yield room

    def test_it_speaks_mqtt_5_and_offers_what_is_asked(self, place):
        for name in (topics.ARCHIVE_USER, *ROOMS):
            with Party(place, name) as party:
                assert party.refused == ""

    def test_each_upload_goes_to_one_worker_and_each_worker_has_some(self, place, workers, room, topic):
        sent = [b"%d" % number for number in range(200)]
        for payload in sent:
            room.send(topic, payload)
        heard: list[list[bytes]] = [[], []]
        while sum(map(len, heard)) < len(sent):
            before = sum(map(len, heard))
            for worker, own in zip(workers, heard, strict=True):
                while message := worker.hear(QUIET_SECONDS):
                    assert (message.topic, message.qos, message.retain) == (topic, 1, False)
                    own.append(bytes(message.payload))
            assert sum(map(len, heard)) > before, "some came to no worker"
        assert Counter(heard[0] + heard[1]) == Counter(sent)
        assert min(map(len, heard)) > len(sent) / 10

    def test_a_worker_that_was_cut_off_gets_no_more(self, place, workers, room, topic):
        gone, left = workers
        gone.cut()
        time.sleep(QUIET_SECONDS)  # for the broker to see it
        sent = [b"%d" % number for number in range(100)]
        for payload in sent:
            room.send(topic, payload)
        assert Counter(left.hear_all(len(sent))) == Counter(sent)

    def test_uploads_wait_for_a_worker_that_is_slow(self, place, room, topic, request):
        reading = threading.Event()
        with Party(place, topics.ARCHIVE_USER) as worker:
            worker._client.on_message = lambda _c, _d, message: (reading.wait(SECONDS_MAX), worker.heard.put(message))
            assert worker.subscribe(topics.shared_uploads(request.node.originalname)) == 1
            sent = [b"%d" % number + bytes(UPLOAD_BYTES) for number in range(WAITING)]
            for payload in sent:
                room.send(topic, payload)
            time.sleep(QUIET_SECONDS)
            reading.set()
            assert Counter(worker.hear_all(len(sent))) == Counter(sent)

    def test_the_largest_upload_arrives_whole(self, place, room, topic):
        payload = bytes(range(256)) * (PAYLOAD_BYTES_MAX // 256)
        payload += bytes(PAYLOAD_BYTES_MAX - len(payload))
        with Party(place, topics.ARCHIVE_USER) as worker:
            assert worker.subscribe(topics.shared_uploads("largest")) == 1
            assert room.publish(topic, payload) < 128
            while (message := worker.hear()) and message.topic != topic:
                pass  # what an earlier test sent may be on its way still
        assert message is not None and len(message.payload) == len(payload)
        assert bytes(message.payload) == payload

    def test_a_receipt_reaches_the_device_that_it_is_for(self, place, room):
        with Party(place, ROOMS[1]) as other, Party(place, topics.ARCHIVE_USER) as archive:
            assert room.subscribe(topics.down(ROOMS[0])) == 1
            assert other.subscribe(topics.down(ROOMS[1])) == 1
            for number in range(10):
                archive.send(topics.down(ROOMS[0]), b"%d" % number, qos=0)
            assert sorted(room.hear_all(10)) == [b"%d" % number for number in range(10)]
            assert other.hear(QUIET_SECONDS) is None

    def test_a_status_is_kept_for_whoever_comes_later(self, place, room):
        for said in (b"first", b"second"):
            assert room.publish(topics.status(ROOMS[0]), said, retain=True) < 128
        with Party(place, topics.ARCHIVE_USER) as watch:
            assert watch.subscribe(topics.STATUSES, 0) == 0
            message = watch.hear()
            assert message is not None
            assert (message.topic, message.payload, message.retain) == (topics.status(ROOMS[0]), b"second", True)
            assert room.publish(topics.status(ROOMS[0]), b"third", retain=True) < 128
            message = watch.hear()
            assert message is not None and message.payload == b"third"

    def test_the_last_will_is_told_and_kept_too(self, place):
        with Party(place, topics.ARCHIVE_USER) as watch:
            watch.subscribe(topics.status(ROOMS[1]), 0)
            with Party(place, ROOMS[1], will=(topics.status(ROOMS[1]), b"cut off")) as room:
                assert room.publish(topics.status(ROOMS[1]), b"here", retain=True) < 128
                room.cut()
            heard = [watch.hear(), watch.hear()]
            assert [each and each.payload for each in heard if each and not each.retain][-1:] == [b"cut off"]
        with Party(place, topics.ARCHIVE_USER) as later:
            later.subscribe(topics.status(ROOMS[1]), 0)
            message = later.hear()
            assert message is not None and (message.payload, message.retain) == (b"cut off", True)

    def test_a_device_that_comes_again_takes_the_place_of_its_old_connection(self, place):
        with Party(place, ROOMS[0], ident=ROOMS[0]) as old, Party(place, ROOMS[0], ident=ROOMS[0]) as new:
            old.gone.get(timeout=SECONDS_MAX)
            assert new.subscribe(topics.down(ROOMS[0])) == 1
            with Party(place, topics.ARCHIVE_USER) as archive:
                assert archive.publish(topics.down(ROOMS[0]), b"for you") < 128
            message = new.hear()
            assert message is not None and message.payload == b"for you"


class GateContract:
    """Nobody hears or says what is not for them, on a broker that does this."""

    def keeps_out(self, place: Place, context: ssl.SSLContext) -> bool:
        """Whether a connection under `context` gets no answer to CONNECT, where a party's own does."""
        assert self._answers(place, context_of(place.keys_of(ROOMS[0])))
        return not self._answers(place, context)

    def _answers(self, place: Place, context: ssl.SSLContext) -> bool:
        try:
            with (
                socket.create_connection((place.host, place.port), timeout=SECONDS_MAX) as plain,
                context.wrap_socket(plain, server_hostname=place.host) as sock,
            ):
                sock.sendall(CONNECT)
                return sock.recv(1) == CONNACK
        except (ssl.SSLError, ConnectionError):
            return False

    def test_nobody_comes_in_without_a_certificate(self, place):
        assert self.keeps_out(place, ssl.create_default_context(cafile=str(place.keys_of(ROOMS[0]) / "ca.pem")))

    def test_nor_with_one_of_another_authority(self, place, tmp_path):
        Authority.create(tmp_path / "authority").enrol_archive(tmp_path / "archive")
        context = ssl.create_default_context(cafile=str(place.keys_of(ROOMS[0]) / "ca.pem"))
        context.load_cert_chain(tmp_path / "archive/keys/tls.pem", tmp_path / "archive/keys/tls.key")
        assert self.keeps_out(place, context)

    def test_nor_by_tls_before_1_3(self, place):
        context = context_of(place.keys_of(ROOMS[0]))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        assert self.keeps_out(place, context)

    @pytest.mark.parametrize(
        ("topic", "owner"),
        [
            (uploads_to("gate", ROOMS[1]), ROOMS[1]),
            (topics.status(ROOMS[1]), ROOMS[1]),
            (topics.down(ROOMS[0]), topics.ARCHIVE_USER),
            (topics.down(ROOMS[1]), topics.ARCHIVE_USER),
        ],
    )
    def test_a_device_says_nothing_on_a_topic_that_is_not_its_own(self, place, topic, owner):
        """What comes after it shows that it would have been heard."""
        hears = {
            topics.ARCHIVE_USER: [topics.UPLOADS, topics.STATUSES],
            **{room: [topics.down(room)] for room in ROOMS},
        }
        with contextlib.ExitStack() as stack:
            parties = {name: stack.enter_context(Party(place, name)) for name in hears}
            for name, filters in hears.items():
                for each in filters:
                    parties[name].subscribe(each)
            forged = stack.enter_context(Party(place, ROOMS[0]))
            forged.publish(topic, b"forged")
            assert parties[owner].publish(topic, b"true") < 128
            (listener,) = (
                party for name, party in parties.items() if any(topic_matches_sub(each, topic) for each in hears[name])
            )
            message = listener.hear()
            while message is not None and message.retain:  # of a status that was said before
                message = listener.hear()
            assert message is not None and message.payload == b"true"

    @pytest.mark.parametrize(
        "topic",
        ["#", topics.UPLOADS, topics.STATUSES, "rec/v1/+/down", topics.down(ROOMS[0]), topics.shared_uploads("gate")],
    )
    def test_a_device_hears_nothing_that_is_not_for_it(self, place, topic):
        """What arrives counts: some brokers grant every subscription, and filter then."""
        with (
            Party(place, ROOMS[1]) as spy,
            Party(place, ROOMS[0]) as room,
            Party(place, topics.ARCHIVE_USER) as archive,
        ):
            spy.subscribe(topics.down(ROOMS[1]))
            spy.subscribe(topic)
            for number in range(4):
                room.publish(uploads_to("gate"), b"%d" % number)
                room.publish(topics.status(ROOMS[0]), b"%d" % number, retain=True)
                archive.publish(topics.down(ROOMS[0]), b"%d" % number)
            archive.publish(topics.down(ROOMS[1]), b"the last")
            while (message := spy.hear()) and message.payload != b"the last":
                assert message.topic == topics.down(ROOMS[1])
            assert message is not None, "it does not hear what is for it, so this shows nothing"

"""The uplink: sealed bytes to the broker, signed receipts back.

A shell round paho that does what the machine in `wire/sender.py` says. What follows from how brokers and paho behave
(docs/adr/0005-mqtt-as-a-road.md):

- a new client for each connection, clean start, reconnecting by ourselves: nothing is replayed from a client's memory;
- never more than the window queued in the client, whose queue is RAM without a bound;
- the watchdog is the archive's receipt, not the client's opinion of its connection.

The network's thread only queues what it heard and wakes the daemon's loop. Everything else happens in `step`, in the loop.
"""

import collections
import contextlib
import logging
import random
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from recorder import config, tls
from recorder.errors import UplinkError
from recorder.wire import topics
from recorder.wire.receipt import RECEIPT_BYTES_MAX
from recorder.wire.sender import RECEIVE_MAXIMUM
from recorder.wire.status import Status

CONNECT_SECONDS_MAX = 30.0
"""Mutual TLS takes its time on a Pi; paho's default of 5 s is short."""
ACCEPT_SECONDS_MAX = 60.0
"""From the first packet to the subscription: whoever is silent for so long is no broker of ours."""
KEEPALIVE_SECONDS = 30
HEARD_MAX = 256
"""Messages that wait for the loop. What comes beyond is dropped: a receipt may be lost without harm, memory may not."""
LOOK_SECONDS = 5.0
"""How often the client gets to look at its keepalive when nothing moves."""
PACKET_BYTES_MAX = RECEIPT_BYTES_MAX + 1_024
"""Of what may come: a receipt and its topic."""
QOS = 1
GONE = ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message")
TAKEN_OVER = 0x8E
"""Reason code (MQTT 5, section 3.14.2.1). The broker knows a client by its identifier, which is the room's name; and whoever
may use that name has a certificate for it."""
STATUSES_MAX = 1
"""On the road beside the uploads: there is one topic of them, and it is written seldom."""
logger = logging.getLogger(__name__)


class Connected(NamedTuple):
    """The broker accepted us and we are subscribed to our receipts."""

    most: int
    """Uploads that it takes without its acknowledgement."""


class Lost(NamedTuple):
    """The connection ended, or could not be made."""

    reason: str


class Message(NamedTuple):
    """Something arrived on our own topic."""

    payload: bytes


Heard = Connected | Lost | Message


def _ended(reason: ReasonCode) -> str:
    if reason.value == TAKEN_OVER:
        return "another device came with this room's certificate: no two may have it; have the authority make another"
    return f"the connection ended: {reason}"


class Uplink:
    """One connection at a time to the broker, made anew whenever it is lost.

    Raises UplinkError at construction if the certificate cannot be used, or is not this room's.
    """

    def __init__(self, room: str, settings: config.Uplink, keys: Path, wake: Callable[[], None]) -> None:
        self._room = room
        self._settings = settings
        self._wake = wake
        self._identity = tls.Identity(keys)
        if self._identity.name != room:  # the broker would drop all that this room says, and say that it took it
            raise UplinkError(
                f"{keys / 'tls.pem'}: the certificate is for {self._identity.name!r}, and room.name is {room!r}; set room.name"
                f" to {self._identity.name!r}, or let the authority make keys for {room!r}: recorder authority room"
            )
        self._client: mqtt.Client | None = None
        self._heard: collections.deque[tuple[mqtt.Client, Heard]] = collections.deque()
        self._attempts = 0
        self._next_attempt = 0.0
        self._deadline = 0.0
        """For the connection that is being made."""
        self._ending = ""
        self._lost = ""
        """Why there is no connection; empty while there is one."""
        self.connected = False

    @property
    def certificate_ends(self) -> datetime:
        """When the room's certificate does."""
        return self._identity.ends

    @property
    def trouble(self) -> str:
        """What is wrong with the road, in plain words: that the room's certificate ends, why there is no connection."""
        return "; ".join(each for each in (self._ending, self._lost) if each)

    def hear(self, now: float) -> list[Heard]:
        """What happened on the road since last time; connects when it is time to. `now` is monotonic, in seconds."""
        self._look_at_certificate()
        heard = []
        while self._heard:
            client, event = self._heard.popleft()
            if client is not self._client:
                continue  # of a connection that we gave up
            if isinstance(event, Lost):
                self._give_up(event.reason, now)
            elif isinstance(event, Connected):
                logger.info("connected to the broker")
                self.connected, self._lost, self._attempts = True, "", 0
            heard.append(event)
        if self._client is not None and not self.connected and now >= self._deadline:
            self._give_up("the broker answers, and does not accept this room", now)
        if self._client is None and now >= self._next_attempt:
            self._connect(now)
        return heard

    def publish(self, recording: str, payload: bytes) -> None:
        """Put one upload on the road. Without a connection it is lost, and the sender will send it again."""
        if self._client is not None:
            self._client.publish(str(topics.UploadTopic(self._room, recording)), payload, QOS)

    def say(self, status: Status) -> None:
        """Replace the retained status."""
        if self._client is not None and self.connected:
            self._client.publish(topics.status(self._room), msgspec.json.encode(status), QOS, retain=True)

    def drop(self, reason: str, now: float) -> None:
        """Give the connection up, to make a new one later."""
        self._give_up(reason, now)

    def close(self, last: Status) -> None:
        """Say the last status and leave."""
        self.say(last)
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()

    def next_attempt(self) -> float | None:
        """When `hear` should be called at the latest, monotonic seconds; None while a connection stands."""
        if self.connected:
            return None
        return self._next_attempt if self._client is None else self._deadline

    def _give_up(self, reason: str, now: float) -> None:
        client, self._client = self._client, None
        if reason != self._lost:  # once, not with every attempt
            logger.warning("no connection to the broker: %s", reason)
        self.connected, self._lost = False, reason
        wait = min(self._settings.retry_last_seconds, self._settings.retry_first_seconds * 2.0**self._attempts)
        self._next_attempt = now + wait * random.uniform(0.5, 1.0)  # noqa: S311 jitter, not a secret
        self._attempts = min(self._attempts + 1, 16)
        if client is not None:
            client.disconnect(GONE)  # it may arrive, or the broken connection before it: either way the will is told
            # A half-open connection would keep the client's thread until its keep-alive runs out.
            open_socket = client.socket()
            if isinstance(open_socket, socket.socket):
                with contextlib.suppress(OSError):
                    # The kernel's half alone: the network's thread may be inside of the TLS one at this moment.
                    socket.socket.shutdown(open_socket, socket.SHUT_RDWR)

    def _look_at_certificate(self) -> None:
        before, self._ending = self._ending, self._identity.ending(datetime.now(UTC))
        if self._ending and self._ending != before:
            logger.warning("%s", self._ending)

    def _connect(self, now: float) -> None:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, self._room, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False
        )
        client.connect_timeout = CONNECT_SECONDS_MAX
        client.tls_set_context(self._identity.context)
        client.max_inflight_messages_set(self._settings.window)
        client.will_set(
            topics.status(self._room), msgspec.json.encode(Status(self._room, online=False)), QOS, retain=True
        )

        def tell(event: Heard) -> None:
            if isinstance(event, Message) and len(self._heard) >= HEARD_MAX:
                return
            self._heard.append((client, event))
            self._wake()

        most = RECEIVE_MAXIMUM

        def on_connect(_: mqtt.Client, __: object, ___: object, reason: object, properties: object) -> None:
            nonlocal most
            most = getattr(properties, "ReceiveMaximum", most)
            if getattr(reason, "is_failure", False):
                tell(Lost(f"the broker refused this room: {reason}"))
            else:
                client.subscribe(topics.down(self._room), QOS)

        def on_subscribe(_: mqtt.Client, __: object, ___: int, reasons: Any, ____: object) -> None:
            failed = [reason for reason in reasons if getattr(reason, "is_failure", False)]
            tell(
                Lost(f"the broker gives this room no receipts: {failed[0]}")
                if failed
                else Connected(max(1, most - STATUSES_MAX))
            )

        # Whoever publishes only queues: without this paho writes to the TLS socket in the caller's thread while ours
        # reads from it, which OpenSSL does not bear. What wakes ours to write is a pair of sockets that `loop` has and
        # `loop_forever`, outside of paho's own thread, has not: with that, what is queued would wait for its next look.
        client.on_socket_register_write = lambda *_: None
        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_message = lambda _, __, message: tell(Message(bytes(message.payload)))
        client.on_disconnect = lambda _, __, ___, reason, ____: tell(Lost(_ended(reason)))

        def attend() -> None:
            try:
                client.connect(
                    self._settings.host, self._settings.port, KEEPALIVE_SECONDS, clean_start=True, properties=limits
                )
                while client.loop(LOOK_SECONDS) is mqtt.MQTT_ERR_SUCCESS:
                    pass
                tell(Lost("the connection ended"))
            except ssl.SSLCertVerificationError as error:
                tell(Lost(tls.distrust(error)))
            except Exception as error:  # noqa: BLE001 (whatever it is: a thread that ended in silence would never be missed)
                tell(Lost(f"{self._settings.host}:{self._settings.port} does not answer as a broker: {error}"))
            finally:
                # Which know the client as it knows them: without, its sockets go when nobody has it any more.
                client.on_connect = client.on_subscribe = client.on_message = client.on_disconnect = None

        limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        limits.MaximumPacketSize = PACKET_BYTES_MAX
        self._client, self._deadline = client, now + ACCEPT_SECONDS_MAX
        threading.Thread(target=attend, name="uplink", daemon=True).start()

"""The intake: from the broker to the clerk and back.

Three threads, and a queue from each to the next. The network thread owns the MQTT client and is the only one to touch it:
it reads messages into the inbox, sends receipts, and acknowledges. The checker takes from the inbox and checks signatures;
the keeper gives what was checked to the clerk, in batches. So a slow disk never blocks the network, nor those who check, and
nothing is ever published within a callback.

The inbox holds `queue_items` messages and INBOX_BYTES_MAX of payloads at the most, counted until they are done. When it is
full, not one packet more is read, and the broker and the devices wait. The broker is told that by Receive Maximum and does
not keep to it: Mosquitto only until the first acknowledgement, of which each releases as many again, and rumqttd not at all.
That holds nothing up, for room is made by the keeper, who needs nothing from the network.

Receipts go by QoS 0. By QoS 1 the MQTT library lets only so many leave before the broker has acknowledged them, and these
acknowledgements come in order, behind every upload that the broker has in line: receipts of what was stored long since waited
for uploads that could not be stored yet. It would also read as many packets at once as receipts are on the road; so it reads
one. Nor is anything read while the library has something that the broker does not take yet: so what waits unsent is the
receipts for one inbox at the most. A broker that reads only when it is read from is then a connection on which nothing moves,
and is given up by its keepalive.

A message is acknowledged to the broker only when it is durable; but what makes the protocol whole is the device, which sends
again until it has the archive's receipt.
"""

import logging
import queue
import random
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from paho.mqtt.client import Client, MQTTMessage

from recorder import tls
from recorder.archive.clerk import Clerk, Message
from recorder.archive.figures import Figures
from recorder.archive.road import PACKET_BYTES_MAX, broker_certificate_ends, connect, make, refusal
from recorder.config import Archive
from recorder.wire.judge import Checked
from recorder.wire.topics import shared_uploads

LOG = logging.getLogger(__name__)
T = TypeVar("T")

INBOX_BYTES_MAX = 268_435_456
"""Of payloads in the inbox, whatever their number: a manifest may have 4 MiB. What is larger the broker does not hand over."""
PORTION_ITEMS_MAX = 64
"""Checked at once: one question after keys, and no longer than the keeper's wait for more."""
READS_MAX = 64
"""Packets, until everything else is looked after."""
TICK_SECONDS = 1.0
"""How often the client gets to look at its keepalive."""
RETRY_FIRST_SECONDS = 0.2
RETRY_LAST_SECONDS = 5.0
"""One archive is no crowd, and while it stays away from a broker that is back every room waits."""
FAREWELL_SECONDS_MAX = 5.0
"""For the last receipts to leave when the intake is told to end."""
SUBSCRIPTION_FAILED = 128
"""Reason codes from here on are failures (MQTT 5, section 2.4)."""


class _Arrived(NamedTuple):
    message: Message
    mid: int
    client: Client


class _Done(NamedTuple):
    arrived: list[_Arrived]
    receipts: list[Message]


class Intake:
    """Serves until `stop` is called. Raises UplinkError, StoreError or CatalogueError where waiting does not help.

    `ready` is called once, when it listens for the first time; `figures` is told what it does.
    """

    def __init__(self, config: Archive, clerk: Clerk, ready: Callable[[], None], figures: Figures) -> None:
        self._config = config
        self._clerk = clerk
        self._figures = figures
        self._ready: Callable[[], None] | None = ready
        self._identity = tls.Identity(Path(config.folder) / "keys")
        self._ending = ""
        self._inbox: queue.SimpleQueue[_Arrived | None] = queue.SimpleQueue()
        self._checked: queue.SimpleQueue[tuple[_Arrived, Checked | None] | None] = queue.SimpleQueue()
        self._inbox_bytes = 0
        """Of messages that arrived and are not done, in whichever queue; the network thread's."""
        self._inbox_items = 0
        self._outbox: queue.SimpleQueue[_Done | BaseException] = queue.SimpleQueue()
        self._wake, self._waker = socket.socketpair()
        for end in (self._wake, self._waker):
            end.setblocking(False)
        self._stopping = False
        self._connected = False
        self._subscribed = False
        self._flaw = ""

    def stop(self) -> None:
        """End in order: finish what arrived, send its receipts. May be called from a signal handler."""
        self._stopping = True
        self._rouse()

    def run(self) -> None:
        """Serve until told to stop."""
        workers = [
            threading.Thread(target=self._work, args=(each,), name=each.__name__, daemon=True)
            for each in (self._check, self._keep)
        ]
        for worker in workers:
            worker.start()
        wait, told = RETRY_FIRST_SECONDS, ""
        try:
            while not self._stopping:
                client = self._connect()
                if client is not None:
                    self._serve(client)
                    if self._subscribed:
                        wait, told = RETRY_FIRST_SECONDS, ""
                if not self._stopping:
                    if self._flaw != told:  # once, not with every attempt
                        LOG.warning("not connected to %s:%d: %s", self._config.host, self._config.port, self._flaw)
                    told = self._flaw
                    self._sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                    wait = min(wait * 2, RETRY_LAST_SECONDS)
        finally:
            self._inbox.put(None)
            for worker in workers:
                worker.join()
            self._wake.close()
            self._waker.close()
        while not self._outbox.empty():
            done = self._outbox.get()
            if isinstance(done, BaseException):
                raise done

    # The network thread.

    def _connect(self) -> Client | None:
        """A new client, connecting; None if the broker cannot be reached. The old one is never used again."""
        self._connected = self._subscribed = False
        self._figures.subscribed(False)
        self._flaw = "the broker closed the connection"
        self._look_at_certificate()
        client = make("intake", self._identity, manual_ack=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        flaw = connect(
            client,
            self._config,
            ReceiveMaximum=min(self._config.queue_items, 65_535),
            MaximumPacketSize=PACKET_BYTES_MAX,
        )
        if flaw:
            self._flaw = flaw
            return None
        self._connected = True
        return client

    def _serve(self, client: Client) -> None:
        """Move messages until the connection is lost, or all is done after `stop`."""
        asked_to_end = False
        deadline = float("inf")
        while self._connected:
            if self._stopping and not asked_to_end:
                asked_to_end = True
                deadline = time.monotonic() + FAREWELL_SECONDS_MAX
            if asked_to_end and (self._inbox_items == 0 or time.monotonic() > deadline):
                break
            self._move(client)
            self._figures.waits(self._inbox_items, self._inbox_bytes)
            self._send(client)
            self._look_at_certificate()
        client.disconnect()
        deadline = time.monotonic() + FAREWELL_SECONDS_MAX  # a broker that hangs reads nothing any more
        while self._connected and client.want_write() and time.monotonic() < deadline:
            self._move(client)

    def _look_at_certificate(self) -> None:
        before, self._ending = self._ending, self._identity.ending(datetime.now(UTC))
        if self._ending and self._ending != before:
            LOG.warning("%s", self._ending)

    @property
    def _full(self) -> bool:
        """There is no room for another message, whatever its size."""
        return self._inbox_items >= self._config.queue_items or self._inbox_bytes > INBOX_BYTES_MAX - PACKET_BYTES_MAX

    def _move(self, client: Client) -> None:
        """Wait for something to do, and let the client write; or read, if it has nothing to write and there is room."""
        sock = client.socket()
        if not isinstance(sock, ssl.SSLSocket):  # the client has none any more
            self._connected = False
            return
        writing = client.want_write()
        reading = not writing and not self._full
        wanted = (selectors.EVENT_READ if reading else 0) | (selectors.EVENT_WRITE if writing else 0)
        buffered = reading and sock.pending() > 0
        with selectors.PollSelector() as selector:  # lives in this process alone, so it costs nothing to make it anew
            selector.register(self._wake, selectors.EVENT_READ)
            if wanted:
                selector.register(sock, wanted)
            events = {key.fileobj: mask for key, mask in selector.select(0 if buffered else TICK_SECONDS)}
        if self._wake in events:
            self._wake.recv(4_096)
        ours = events.get(sock, 0)
        if reading and (ours & selectors.EVENT_READ or buffered):
            self._read(client)
        if ours & selectors.EVENT_WRITE:
            client.loop_write()
        client.loop_misc()

    def _read(self, client: Client) -> None:
        """Read what is there; not for ever, for receipts wait to be sent."""
        for _ in range(READS_MAX):
            items = self._inbox_items
            client.loop_read()
            if self._inbox_items == items or self._full:
                break

    def _send(self, client: Client) -> None:
        """Hand to the client what the keeper finished."""
        while not self._outbox.empty():
            done = self._outbox.get()
            if isinstance(done, BaseException):
                raise done
            for receipt in done.receipts:
                client.publish(receipt.topic, receipt.payload, qos=0)
            for arrived in done.arrived:
                self._inbox_items -= 1
                self._inbox_bytes -= len(arrived.message.payload)
                if arrived.client is client:
                    client.ack(arrived.mid, 1)

    def _sleep(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            deadline = time.monotonic() + seconds
            while not self._stopping and (left := deadline - time.monotonic()) > 0:
                if selector.select(left):
                    self._wake.recv(4_096)

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        if flaw := refusal(reason, properties):
            self._flaw = flaw
            self._connected = False
            return
        client.subscribe(shared_uploads(self._clerk.group), qos=1)

    def _on_subscribe(self, client: Client, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        if any(reason.value >= SUBSCRIPTION_FAILED for reason in reasons):
            self._flaw = f"the broker refused the subscription: {reasons[0]}"
            self._connected = False
            return
        self._subscribed = True
        self._figures.subscribed(True)
        self._figures.believes_broker(until=broker_certificate_ends(client))
        LOG.info("connected to %s:%d", self._config.host, self._config.port)
        if self._ready is not None:  # whoever waited for it need not be there when the broker comes back
            ready, self._ready = self._ready, None
            ready()

    def _on_message(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        if self._stopping:
            return  # neither kept nor acknowledged: its device sends it again
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no device's; the clerk counts it
        self._inbox_items += 1
        self._inbox_bytes += len(message.payload)
        self._inbox.put(_Arrived(Message(topic, bytes(message.payload)), message.mid, client))

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if self._connected:  # else it was given up for a reason that is told
            self._flaw = f"the connection was lost: {reason}"
            self._connected = False

    # The checker and the clerk. While one batch waits for the disk, the signatures of the next are checked.

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which ends the process with it
            self._outbox.put(error)
            self._rouse()

    def _check(self) -> None:
        try:
            while (portion := _portion(self._inbox, PORTION_ITEMS_MAX)) is not None:
                checked = self._clerk.check([arrived.message for arrived in portion])
                for each in zip(portion, checked, strict=True):
                    self._checked.put(each)
        finally:
            self._checked.put(None)

    def _keep(self) -> None:
        more = True
        while (
            batch := _portion(self._checked, self._config.batch_items, self._config.batch_seconds, patient=not more)
        ) is not None:
            if batch:
                self._figures.began()
                receipts = self._clerk.process([checked for _, checked in batch], time.time_ns() // 1_000_000)
                self._figures.done(len(receipts))
                self._outbox.put(_Done([arrived for arrived, _ in batch], receipts))
                self._rouse()
            more = not self._checked.empty() or self._clerk.gather()  # when there is nothing else to do

    def _rouse(self) -> None:
        try:
            self._waker.send(b"\0")
        except (BlockingIOError, OSError):
            return  # awake already, or gone


def _portion(
    from_: "queue.SimpleQueue[T | None]", items_max: int, seconds: float = 0.0, *, patient: bool = True
) -> list[T] | None:
    """What comes until there are so many, or the first has waited so long; None once there will be no more.

    None of them if not `patient`, and nothing is there.
    """
    try:
        first = from_.get(block=patient)
    except queue.Empty:
        return []
    if first is None:
        return None
    portion = [first]
    deadline = time.monotonic() + seconds
    while len(portion) < items_max:
        try:
            each = from_.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if each is None:
            from_.put(None)  # for the next turn
            break
        portion.append(each)
    return portion

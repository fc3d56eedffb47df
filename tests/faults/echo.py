"""Clients beside device and archive, with their certificates: they say again what was said, and leave sessions behind."""

import contextlib
import random
import threading
import time
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.archive.site import tls

SECONDS_MAX = 5.0
HEARD_SECONDS = 0.3
"""For those who hear it again to do with it what they do."""
KEPT_SECONDS = 3
"""A session of somebody who has left."""


def connect(keys: Path, port: int, name: str, *, kept: bool = False) -> Client:
    """A client of that name; `kept`: the broker keeps its session when it leaves. OSError if there is no broker."""
    client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False)
    client.tls_set_context(tls(keys))
    client.connect_timeout = SECONDS_MAX
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = KEPT_SECONDS if kept else 0
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect("localhost", port, clean_start=not kept, properties=properties)
    client.loop_start()
    if not connected.wait(SECONDS_MAX):
        client.loop_stop()
        raise OSError("the broker does not answer")
    return client


def leave(client: Client) -> None:
    client.disconnect()
    client.loop_stop()


def leave_session(keys: Path, port: int, name: str, topic: str) -> None:
    """A subscription of somebody who is not there, for which the broker keeps what comes."""
    client = connect(keys, port, name, kept=True)
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    client.subscribe(topic, qos=1)
    subscribed.wait(SECONDS_MAX)
    leave(client)


class Echo:
    """Hears `topic` with the keys of whom it is for, and says it again with those of whoever may."""

    def __init__(self, hears: Path, says: Path, port: int, topic: str) -> None:
        self._says, self._port = says, port
        self._heard: list[tuple[str, bytes]] = []
        self._listener = connect(hears, port, f"echo-{random.randbytes(4).hex()}")
        self._listener.on_message = self._hear
        self._listener.subscribe(topic, qos=1)

    def repeat(self, chance: random.Random, times: int) -> None:
        """Everything so often, in any order; and end."""
        self.close()
        messages = self._heard * times
        chance.shuffle(messages)
        with contextlib.suppress(OSError):
            speaker = connect(self._says, self._port, f"echo-{random.randbytes(4).hex()}")
            last = None
            for topic, payload in messages:
                last = speaker.publish(topic, payload, qos=1)
            deadline = time.monotonic() + SECONDS_MAX
            while last is not None and speaker.is_connected() and time.monotonic() < deadline:
                if last.is_published():
                    break
                time.sleep(0.01)
            leave(speaker)
        time.sleep(HEARD_SECONDS)

    def close(self) -> None:
        """Hear no more."""
        leave(self._listener)

    def _hear(self, client: Client, data: object, message: MQTTMessage) -> None:
        self._heard.append((message.topic, message.payload))

"""What the rooms say of themselves, from the broker: one connection, until it is lost or enough was heard.

QoS 0: a broker hands a new subscriber every room's retained status at once, however many there are, and what is lost is said
again within the minute. Nothing is ever sent.
"""

from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode

from recorder import tls
from recorder.archive.road import broker_certificate_ends, connect, make, refusal
from recorder.config import Archive
from recorder.wire.status import STATUS_BYTES_MAX
from recorder.wire.topics import STATUSES

TURN_SECONDS = 0.2
TOPIC_BYTES_MAX = 256
"""And whatever else is in a packet beside its payload."""


def listen(
    config: Archive,
    identity: tls.Identity,
    *,
    subscribed: Callable[[float], None],
    hear: Callable[[str, bytes], None],
    going: Callable[[], bool],
) -> str:
    """Connect, call `subscribed`, and `hear` with topic and payload of each status, for as long as `going` says so.

    `subscribed` is told when the certificate ends that the broker showed, Unix seconds. Returns why there is no
    connection, in plain words; empty if `going` ended it. Asks `going` some times a second.
    """
    flaw = "the broker closed the connection"

    def on_connect(client: Client, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        nonlocal flaw
        if refused := refusal(reason, properties):
            flaw = refused
            client.disconnect()
        else:
            client.subscribe(STATUSES, qos=0)

    def on_subscribe(client: Client, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        nonlocal flaw
        if reasons[0].is_failure:
            flaw = f"the broker refused the subscription: {reasons[0]}"
            client.disconnect()
        else:
            subscribed(broker_certificate_ends(client))

    def on_message(_client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no room's
        hear(topic, bytes(message.payload))

    client = make("watch", identity)
    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    unreached = connect(client, config, MaximumPacketSize=STATUS_BYTES_MAX + TOPIC_BYTES_MAX)
    if unreached:
        return unreached
    while client.loop(TURN_SECONDS) is MQTTErrorCode.MQTT_ERR_SUCCESS:
        if not going():
            client.disconnect()
            client.loop(TURN_SECONDS)
            return ""
    return flaw

"""What the rooms say of themselves, from the broker: one connection, until it is lost or enough was heard.

QoS 0: a broker hands a new subscriber every room's retained status at once, however many there are, and what is lost is said
again within the minute. Nothing is ever sent.
"""

import secrets
import ssl
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from recorder import tls
from recorder.config import Archive
from recorder.wire.status import STATUS_BYTES_MAX
from recorder.wire.topics import STATUSES

CONNECT_SECONDS_MAX = 15.0
KEEPALIVE_SECONDS = 30
TURN_SECONDS = 0.2
TOPIC_BYTES_MAX = 256
"""And whatever else is in a packet beside its payload."""


def listen(
    config: Archive,
    identity: tls.Identity,
    *,
    subscribed: Callable[[], None],
    hear: Callable[[str, bytes], None],
    going: Callable[[], bool],
) -> str:
    """Connect, call `subscribed`, and `hear` with topic and payload of each status, for as long as `going` says so.

    Returns why there is no connection, in plain words; empty if `going` ended it. Asks `going` some times a second.
    """
    flaw = "the broker closed the connection"

    def on_connect(client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        nonlocal flaw
        if reason.is_failure:
            flaw = f"the broker refused the archive: {reason}"
        else:
            client.subscribe(STATUSES, qos=0)

    def on_subscribe(client: Client, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        nonlocal flaw
        if reasons[0].is_failure:
            flaw = f"the broker refused the subscription: {reasons[0]}"
            client.disconnect()
        else:
            subscribed()

    def on_message(_client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # no room's
        hear(topic, bytes(message.payload))

    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"watch-{secrets.token_hex(8)}",
        protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=False,
    )
    client.connect_timeout = CONNECT_SECONDS_MAX
    client.tls_set_context(identity.context)
    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    limits.MaximumPacketSize = STATUS_BYTES_MAX + TOPIC_BYTES_MAX
    try:
        client.connect(config.host, config.port, KEEPALIVE_SECONDS, clean_start=True, properties=limits)
        while client.loop(TURN_SECONDS) is MQTTErrorCode.MQTT_ERR_SUCCESS:
            if not going():
                client.disconnect()
                client.loop(TURN_SECONDS)
                return ""
    except ssl.SSLCertVerificationError as error:
        return tls.distrust(error)
    except (OSError, ValueError) as error:  # ValueError: what the settings name can be no host
        return str(error)
    return flaw

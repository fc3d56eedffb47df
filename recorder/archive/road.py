"""The archive's way to the broker: how its processes connect, and why they could not.

What a broker can do it says in its CONNACK (MQTT 5, section 3.2.2.3), and what it leaves unsaid there it can do. Some promise
more than they keep: docs/wire.md has all that is asked of one, and a suite that tries it.
"""

import secrets
import ssl

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from recorder import tls
from recorder.config import Archive
from recorder.wire.upload import PAYLOAD_BYTES_MAX

CONNECT_SECONDS_MAX = 15.0
KEEPALIVE_SECONDS = 30
PACKET_BYTES_MAX = PAYLOAD_BYTES_MAX + 512
"""Of the largest upload: its topic, and what else a packet has before its payload."""
UNSUPPORTED_PROTOCOL = 132
"""Reason code, section 3.2.2.2."""

_ASKED = {
    "SharedSubscriptionAvailable": (1, "shared subscriptions"),
    "WildcardSubscriptionAvailable": (1, "subscriptions with wildcards"),
    "RetainAvailable": (1, "retained messages"),
    "MaximumQoS": (1, "QoS 1"),
    "MaximumPacketSize": (PACKET_BYTES_MAX, f"packets of {PACKET_BYTES_MAX:,} bytes"),
}
"""Property to the least that it may say, and what that is in words."""


def make(what: str, identity: tls.Identity, *, manual_ack: bool = False) -> Client:
    """A new client, called by `what` it is; it connects once, and never by itself."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"{what}-{secrets.token_hex(8)}",
        protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=False,
        manual_ack=manual_ack,
    )
    client.connect_timeout = CONNECT_SECONDS_MAX
    client.tls_set_context(identity.context)
    return client


def connect(client: Client, config: Archive, **limits: int) -> str:
    """Connect to the broker that the settings name, and tell it these limits (MQTT 5, section 3.1.2.11).

    Returns why it cannot be reached, in plain words; empty if it can: `on_connect` hears what the broker says.
    """
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    for name, value in limits.items():
        setattr(properties, name, value)
    try:
        client.connect(config.host, config.port, KEEPALIVE_SECONDS, clean_start=True, properties=properties)
    except ssl.SSLCertVerificationError as error:
        return tls.distrust(error)
    except OSError as error:
        return error.strerror or str(error)  # without a number that says nothing to people
    except ValueError as error:  # what the settings name can be no host
        return str(error)
    return ""


def broker_certificate_ends(client: Client) -> float:
    """When the certificate ends that the connected broker showed, Unix seconds. After that day nobody believes the broker."""
    sock = client.socket()
    shown = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None
    return ssl.cert_time_to_seconds(str(shown["notAfter"])) if shown else 0.0


def refusal(reason: ReasonCode, properties: Properties | None) -> str:
    """Why there is no connection to work with, in plain words; empty if there is."""
    if reason.value == UNSUPPORTED_PROTOCOL:
        return "the broker does not speak MQTT 5: it must be replaced by one that does (docs/wire.md)"
    if reason.is_failure:
        return f"the broker refused the archive: {reason}"
    said = {} if properties is None else properties.json()  # type: ignore[no-untyped-call]
    lacks = [words for name, (least, words) in _ASKED.items() if said.get(name, least) < least]
    if lacks:
        return f"the broker does not offer {', '.join(lacks)}: its settings must allow that (docs/wire.md)"
    return ""

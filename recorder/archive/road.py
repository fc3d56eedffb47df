"""The archive's way to the broker: how its processes connect, and why they could not."""

import secrets
import ssl

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from recorder import tls
from recorder.config import Archive

CONNECT_SECONDS_MAX = 15.0
KEEPALIVE_SECONDS = 30


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
    except (OSError, ValueError) as error:  # ValueError: what the settings name can be no host
        return str(error)
    return ""

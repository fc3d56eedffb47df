"""What the archive asks of a broker when it connects: CONNACK says what it can do (MQTT 5, section 3.2.2.3).

What a broker leaves unsaid there, it can do. Some promise more than they keep: docs/wire.md has the whole list, and a suite
that tries a broker.
"""

from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from recorder.wire.upload import PAYLOAD_BYTES_MAX

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

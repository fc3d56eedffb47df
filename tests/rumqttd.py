"""A real rumqttd: another broker than Mosquitto, by others, to see what of the archive leans on Mosquitto's ways.

It comes in a Python package (docs/adr/0018-another-broker.md). It has no ACL: whoever has a certificate of the authority
may say and hear everything. So it is a road that loses nothing, and no gate: not for a real archive.
"""

import sys

from recorder.trial import broker
from recorder.wire.upload import PAYLOAD_BYTES_MAX

CONFIGURATION = """\
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
shared_subscriptions_strategy = "roundrobin"
[v5.1]
name = "v5-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.tls]
capath = "{folder}/keys/ca.pem"
certpath = "{folder}/keys/tls.pem"
keypath = "{folder}/keys/tls.key"
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {size}
max_inflight_count = {inflight}
dynamic_filters = true
"""
ENVELOPE_BYTES = 1_024
"""Of a packet, beside its payload."""


class Rumqttd(broker.Broker):
    """A rumqttd in `folder`, whose `keys/` the authority has written."""

    def _command(self) -> list[str]:
        file = self._folder / "rumqttd.toml"
        file.write_text(
            CONFIGURATION.format(
                folder=self._folder,
                port=self.port,
                size=PAYLOAD_BYTES_MAX + ENVELOPE_BYTES,
                inflight=broker.INFLIGHT_MESSAGES_MAX,
            ),
            encoding="utf-8",
        )
        return [sys.executable, "-m", "iotcore", "--config", str(file), "--log-level", "CRITICAL"]

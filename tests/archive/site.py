"""A whole site on loopback: authority, a real Mosquitto, the archive as a process, and devices that speak to it."""

import queue
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from recorder.archive import export, naming
from recorder.archive.folder import FolderStore
from recorder.errors import WireError
from recorder.keyfiles import load_device, load_device_public, save_recipient_public
from recorder.trial.broker import Broker
from recorder.trial.machines import found_authority
from recorder.wire import topics
from recorder.wire.receipt import Purged, Receipt, Rejected
from recorder.wire.upload import Name, Upload
from tests.rooms import RECIPIENT, Recording, Room

SECONDS_MAX = 30.0
"""Deadline for anything that is waited for."""


class Site:
    """`catalogue` as in the settings."""

    def __init__(
        self,
        folder: Path,
        rooms: Iterable[str] = ("room-1", "room-2"),
        catalogue: str = "",
        broker: type[Broker] = Broker,
    ) -> None:
        self.folder = folder
        self.authority = found_authority(folder, folder / "archive")
        self.broker = broker(folder / "broker")
        save_recipient_public(folder / "reader.pub", RECIPIENT.public)
        self.config = folder / "archive.toml"
        self.config.write_text(
            f'[archive]\nfolder = "{folder / "archive"}"\ncatalogue = "{catalogue}"\n'
            f'host = "localhost"\nport = {self.broker.port}\n'
        )
        self.rooms: dict[str, Room] = {}
        for name in rooms:
            public = self.authority.enrol_room(name, folder / name, [folder / "reader.pub"])
            self.rooms[name] = Room(name, load_device(folder / name / "keys" / "signing.key"))
            self.command("enrol", name, str(public))
        self.archive: subprocess.Popen[str] | None = None
        self.helpers: list[subprocess.Popen[str]] = []

    def recorder(self) -> list[str]:
        """The command that an archive's command begins with."""
        return [sys.executable, "-m", "recorder"]

    def command(self, *args: str) -> str:
        command = [*self.recorder(), "archive", "--config", str(self.config), *args]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS_MAX).stdout

    def start_archive(self) -> None:
        """Start the archive; returns when it has subscribed."""
        self.archive = self.serve()

    def start_helper(self) -> subprocess.Popen[str]:
        """Start another intake of the same archive; returns when it has subscribed."""
        self.helpers.append(self.serve())
        return self.helpers[-1]

    def serve(self) -> subprocess.Popen[str]:
        """A new intake, which has subscribed."""
        command = [*self.recorder(), "archive", "--config", str(self.config)]
        with (self.folder / "archive.log").open("a") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", self.log
        return process

    def say(self, name: str, payload: bytes, topic: str = "") -> None:
        """Have the room `name` say this of itself, retained as its status."""
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False)
        client.tls_set_context(tls(self.folder / name / "keys"))
        client.connect("localhost", self.broker.port)
        client.loop_start()
        client.publish(topic or topics.status(name), payload, qos=1, retain=True).wait_for_publish(SECONDS_MAX)
        client.disconnect()
        client.loop_stop()

    def end_archive(self, number: signal.Signals) -> int:
        assert self.archive is not None
        self.archive.send_signal(number)
        code = self.archive.wait(SECONDS_MAX)
        assert self.archive.stdout is not None
        self.archive.stdout.close()
        self.archive = None
        return code

    @property
    def log(self) -> str:
        return (self.folder / "archive.log").read_text()

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.folder / "archive" / "objects")

    def names(self, recording: Recording) -> list[Name]:
        """Of the items that the store has."""
        return sorted(name for found in self.store.list(f"{recording.id}/") for name in naming.parse_items(found))

    def records(self, recording: Recording) -> dict[Name, bytes]:
        """The items that the store has."""
        return {item.name: record for item, record in export.read(self.store, recording.id)}

    def others(self, recording: Recording) -> set[str]:
        """The objects that hold no items."""
        found = [each for each in self.store.list(f"{recording.id}/") if not naming.parse_items(each)]
        return {each.partition("/")[2] for each in found}

    def close(self) -> None:
        if self.archive is not None:
            self.end_archive(signal.SIGKILL)
        for helper in self.helpers:
            helper.kill()
            helper.communicate(timeout=SECONDS_MAX)
        self.broker.stop()


def tls(keys: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(keys / "ca.pem"))
    context.load_cert_chain(keys / "tls.pem", keys / "tls.key")
    return context


class Device:
    """A device on the wire: sends again until everything is receipted, as docs/wire.md has it."""

    def __init__(self, site: Site, name: str, keys: Path | None = None) -> None:
        self.room = site.rooms.get(name)
        self._site, self._name = site, name
        self._keys = keys or site.folder / name / "keys"
        self._archive = load_device_public(site.folder / "room-1" / "keys" / "archive.pub")
        self.receipts: queue.SimpleQueue[Receipt] = queue.SimpleQueue()
        self.strange: list[bytes] = []
        self.contents: dict[Name, bytes] = {}
        self.stored: set[Name] = set()
        self.purged: list[Purged] = []
        self.rejected: list[Rejected] = []
        self._client: Client | None = None

    def connect(self, topic: str | None = None) -> bool:
        """Connect and subscribe to its receipts; False if the broker does not let it in."""
        self.close()
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False)
        client.tls_set_context(tls(self._keys))
        outcome: queue.SimpleQueue[bool] = queue.SimpleQueue()
        client.on_connect = lambda client, *_: client.subscribe(topic or f"rec/v1/{self._name}/down", qos=1)
        client.on_subscribe = lambda *_: outcome.put(True)
        client.on_disconnect = lambda *_: outcome.put(False)
        client.on_message = self._hear
        try:
            client.connect("localhost", self._site.broker.port)
        except OSError:
            return False
        client.loop_start()
        self._client = client
        if not outcome.get(timeout=SECONDS_MAX):
            self.close()
            return False
        return True

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> int:
        """Publish, and return the broker's reason code; 0 is success."""
        assert self._client is not None
        codes: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._client.on_publish = lambda _client, _data, _mid, reason, _properties: codes.put(reason.value)
        self._client.publish(topic, payload, qos=1)
        code = codes.get(timeout=SECONDS_MAX)
        self._client.on_publish = None
        return code

    def send(self, *uploads: Upload) -> None:
        """On the road, once; does nothing without a connection."""
        for upload in uploads:
            self.contents[upload.name] = upload.content
            if self._client is not None:
                self._client.publish(f"rec/v1/{self._name}/up/{upload.recording}", bytes(upload), qos=1)

    def _hear(self, _client: Client, _data: object, message: object) -> None:
        payload: bytes = message.payload  # type: ignore[attr-defined]
        try:
            self.receipts.put(Receipt.verify(payload, self._archive, self._name))
        except WireError:
            self.strange.append(payload)

    def listen(self, seconds: float) -> bool:
        """Take in the next receipt; False if none came in time."""
        try:
            receipt = self.receipts.get(timeout=seconds)
        except queue.Empty:
            return False
        for stored in receipt.stored:
            self.stored |= set(stored.covered(self.contents))
        self.purged += receipt.purged
        self.rejected += receipt.rejected
        return True

    def deliver(self, *uploads: Upload) -> None:
        """Send, and send again over new connections, until the archive signed for everything."""
        deadline = time.monotonic() + SECONDS_MAX
        self.contents |= {upload.name: upload.content for upload in uploads}
        while missing := [upload for upload in uploads if upload.name not in self.stored]:
            assert time.monotonic() < deadline, f"{len(missing)} of {len(uploads)} were never receipted"
            connected = self._client is not None and self._client.is_connected()
            if not connected and not self.connect():
                time.sleep(0.05)
                continue
            self.send(*missing)
            while any(upload.name not in self.stored for upload in missing) and self.listen(1.0):
                pass

    def wait(self, condition) -> None:
        """Until the receipts say so."""
        deadline = time.monotonic() + SECONDS_MAX
        while not condition(self):
            assert time.monotonic() < deadline, "the archive's word did not come"
            self.listen(0.5)

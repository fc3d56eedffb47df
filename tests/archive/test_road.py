"""Why the archive does not come to its broker: in its log, in plain words, with what to do."""

import contextlib
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recorder.archive.catalogue import Catalogue
from recorder.archive.folder import FolderStore
from recorder.archive.road import PACKET_BYTES_MAX
from recorder.fleet.authority import CERTIFICATE_DAYS, Authority
from recorder.trial.broker import Broker
from tests.archive.test_watch import free_port

SECONDS_MAX = 30.0
ENDED = datetime.now(UTC) - timedelta(days=1)


def ended(folder: Path) -> None:
    """The archive's own certificate."""
    authority = Authority.create(folder / "authority")
    authority.enrol_archive(folder / "archive", ENDED - timedelta(days=CERTIFICATE_DAYS))
    authority.enrol_broker(folder / "broker" / "keys")


def enrolled(folder: Path) -> None:
    """Nothing is wrong with the certificates."""
    authority = Authority.create(folder / "authority")
    authority.enrol_archive(folder / "archive")
    authority.enrol_broker(folder / "broker" / "keys")


def foreign(folder: Path) -> None:
    """The broker is another authority's."""
    Authority.create(folder / "authority").enrol_archive(folder / "archive")
    Authority.create(folder / "others").enrol_broker(folder / "broker" / "keys")


@pytest.mark.parametrize(
    ("made", "host", "says"),
    [
        (ended, "localhost", f"/archive/keys/tls.pem ended on {ENDED:%Y-%m-%d}; the authority must make a new one"),
        (foreign, "localhost", "the broker's certificate is not of our authority, or has ended"),
        (foreign, "a..b", "not connected to a..b:"),
    ],
)
def test_why_there_is_no_connection(tmp_path: Path, made: Callable[[Path], None], host: str, says: str) -> None:
    made(tmp_path)
    with Broker(tmp_path / "broker") as broker:
        assert_told(tmp_path, host, broker.port, says)


class Limited(Broker):
    """A Mosquitto with one setting more."""

    setting: str

    def _command(self) -> list[str]:
        command = super()._command()
        with (self._folder / "mosquitto.conf").open("a", encoding="utf-8") as file:
            file.write(f"{self.setting}\n")
        return command


@pytest.mark.parametrize(
    ("setting", "lacks", "action"),
    [
        ("max_packet_size 100000", f"packets of {PACKET_BYTES_MAX:,} bytes", ""),
        ("max_qos 0", "QoS 1", ""),
        ("retain_available false", "retained messages", ""),
        ("retain_available false", "retained messages", "watch"),
    ],
)
def test_what_a_broker_is_set_not_to_do_is_told(tmp_path: Path, setting: str, lacks: str, action: str) -> None:
    enrolled(tmp_path)
    broker = Limited(tmp_path / "broker")
    broker.setting = setting
    with broker:
        says = f"the broker does not offer {lacks}: its settings must allow that"
        assert_told(tmp_path, "localhost", broker.port, says, action)


@pytest.mark.parametrize(
    ("connack", "says"),
    [
        # A success without shared subscriptions; "unsupported protocol version" as MQTT 5 and as 3.1.1 have it.
        ("20 05 00 00 02 2a 00", "the broker does not offer shared subscriptions: its settings must allow that"),
        ("20 03 00 84 00", "the broker does not speak MQTT 5: it must be replaced by one that does"),
        ("20 02 00 01", "the broker does not speak MQTT 5: it must be replaced by one that does"),
    ],
)
def test_so_is_what_no_broker_of_ours_can_be_set_to(tmp_path: Path, connack: str, says: str) -> None:
    """Its CONNACK alone is not real."""
    enrolled(tmp_path)
    keys = tmp_path / "broker" / "keys"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=keys / "ca.pem")
    context.load_cert_chain(keys / "tls.pem", keys / "tls.key")

    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(self.request, server_side=True) as sock:
                sock.recv(4_096)
                sock.sendall(bytes.fromhex(connack))
                sock.recv(4_096)  # until the archive goes

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            assert_told(tmp_path, "localhost", server.server_address[1], says)
        finally:
            server.shutdown()


def assert_told(folder: Path, host: str, port: int, says: str, action: str = "") -> None:
    """The archive there says so, once, and goes on trying."""
    settings, log = folder / "archive.toml", folder / "log"
    settings.write_text(
        f'[archive]\nfolder = "{folder / "archive"}"\nhost = "{host}"\nport = {port}\n[metrics]\nwatch_port = {free_port()}\n'
    )
    FolderStore.make(folder / "archive" / "objects")
    Catalogue(f"sqlite:///{folder / 'archive' / 'catalogue.sqlite'}").close()
    with log.open("wb") as out:
        command = [sys.executable, "-m", "recorder", "archive", "--config", settings, *action.split()]
        archive = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=out)
    try:
        deadline = time.monotonic() + SECONDS_MAX
        while says not in log.read_text() or "not connected" not in log.read_text():
            assert time.monotonic() < deadline and archive.poll() is None, log.read_text()
            time.sleep(0.05)
        archive.terminate()
        assert archive.wait(SECONDS_MAX) == 0
    finally:
        archive.kill()
        archive.wait()
    assert log.read_text().count(says) == 1, "once, not with every attempt"
    assert "Traceback" not in log.read_text()

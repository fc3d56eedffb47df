"""Why the archive does not come to its broker: in its log, in plain words, with what to do."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recorder.fleet.authority import CERTIFICATE_DAYS, Authority
from recorder.trial.broker import Broker

SECONDS_MAX = 30.0
ENDED = datetime.now(UTC) - timedelta(days=1)


def ended(folder: Path) -> None:
    """The archive's own certificate."""
    authority = Authority.create(folder / "authority")
    authority.enrol_archive(folder / "archive", ENDED - timedelta(days=CERTIFICATE_DAYS))
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
        settings, log = tmp_path / "archive.toml", tmp_path / "log"
        settings.write_text(f'[archive]\nfolder = "{tmp_path / "archive"}"\nhost = "{host}"\nport = {broker.port}\n')
        with log.open("wb") as out:
            command = [sys.executable, "-m", "recorder", "archive", "--config", settings]
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

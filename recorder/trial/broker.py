"""A real Mosquitto on this machine: the broker that the product is tried and tested with.

It is configured as docs/wire.md asks of any broker: TLS 1.3 with certificates on both sides, the certificate's common
name is the user, the ACL holds a device to its own topics, and nothing need be kept: what the archive has not signed for
is the device's.
"""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from recorder.errors import TrialError
from recorder.trial import children
from recorder.wire.topics import ARCHIVE_USER, STATUSES, UPLOADS
from recorder.wire.upload import PAYLOAD_BYTES_MAX

START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 10.0
QUEUED_MESSAGES_MAX = 100_000
"""Explicit and large: by default it drops what it acknowledged beyond 1,000, and 0 drops in some versions (#2879)."""
QUEUED_BYTES_MAX = 268_435_456
"""And so many bytes of them: a bound on its memory where an intake is slow. What is dropped its room sends again."""
INFLIGHT_MESSAGES_MAX = 1_000
"""On the road to one worker of the intake without its acknowledgement; the default of 20 would cap a batch at 20."""

CONFIGURATION = """\
# Started as root it would become another user, who cannot read the keys; started by anyone else it ignores this.
user root
{persistence}
log_dest file {folder}/mosquitto.log
log_type error
log_type warning
log_type notice
per_listener_settings false
allow_anonymous false
acl_file {folder}/acl
max_queued_messages {queued}
max_queued_bytes {queued_bytes}
max_inflight_messages {inflight}
message_size_limit {size}
listener {port} 127.0.0.1
tls_version tlsv1.3
cafile {folder}/keys/ca.pem
certfile {folder}/keys/tls.pem
keyfile {folder}/keys/tls.key
require_certificate true
use_identity_as_username true
"""

KEEPS_NOTHING = "persistence false"
KEEPS = "persistence true\npersistence_location {kept}/\nautosave_interval 1"
"""In seconds."""

ACL = f"""\
# A device writes its own uploads and status, and reads its own receipts. %u is its certificate's common name.
pattern write rec/v1/%u/up/+
pattern write rec/v1/%u/status
pattern read rec/v1/%u/down

user {ARCHIVE_USER}
topic read {UPLOADS}
topic read {STATUSES}
topic write rec/v1/+/down
"""


class Broker:
    """A Mosquitto in `folder`, whose `keys/` the authority has written. A context manager.

    May be started again after it ended; `port` stays the same. In the folder `kept` it keeps sessions and retained messages
    over its end; without one it forgets them. Raises TrialError if Mosquitto is missing or fails.
    """

    host = "localhost"

    def __init__(self, folder: Path, kept: Path | None = None) -> None:
        self._folder = folder.absolute()
        self._kept = kept
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    @property
    def log(self) -> str:
        """What Mosquitto wrote so far."""
        file = self._folder / "mosquitto.log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        if self._process is None:
            raise TrialError("the broker does not run")
        return self._process.pid

    def start(self) -> None:
        """Start, and return when it takes connections."""
        self._process = children.start(self._command(), output=subprocess.DEVNULL, errors=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not _answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise TrialError(f"the broker did not start; its log says: {self.log.strip() or 'nothing'}")
            time.sleep(0.02)

    def _command(self) -> list[str]:
        """Write its settings; what starts it with them."""
        # Debian keeps it in /usr/sbin, which is not on everyone's PATH.
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise TrialError("mosquitto is not installed: apt install mosquitto")
        configuration = CONFIGURATION.format(
            folder=self._folder,
            port=self.port,
            persistence=KEEPS_NOTHING if self._kept is None else KEEPS.format(kept=self._kept),
            queued=QUEUED_MESSAGES_MAX,
            queued_bytes=QUEUED_BYTES_MAX,
            inflight=INFLIGHT_MESSAGES_MAX,
            size=PAYLOAD_BYTES_MAX,
        )
        (self._folder / "mosquitto.conf").write_text(configuration, encoding="utf-8")
        (self._folder / "acl").write_text(ACL, encoding="utf-8")
        return [program, "-c", str(self._folder / "mosquitto.conf")]

    def stop(self) -> None:
        """Let it end in order; does nothing if it does not run."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(kill=True)

    def _end(self, *, kill: bool) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        (process.kill if kill else process.terminate)()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

"""The machines of a bench: authority, broker, archive and the keys of many rooms, all real, on loopback.

Keys and what else is written once are in RAM; the archive's folder is on the disk.
"""

import contextlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from recorder import config
from recorder.archive.catalogue import Catalogue
from recorder.archive.naming import Enrolment
from recorder.errors import TrialError
from recorder.fleet.authority import Authority
from recorder.keyfiles import load_device_public, save_recipient_public
from recorder.sealed.keys import RecipientPrivateKey
from recorder.trial.broker import Broker
from recorder.trial.machines import RAM

STOP_SECONDS_MAX = 60.0


class Site:
    """A context manager: the broker runs inside it, and the archive when asked."""

    def __init__(self) -> None:
        _allow_many_files()
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self.folder = Path(tempfile.mkdtemp(prefix="bench-", dir=RAM))
            stack.callback(shutil.rmtree, self.folder)
            self.archive = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=Path.home())))
            self._authority = Authority.create(self.folder / "authority")
            self._authority.enrol_archive(self.archive)
            self._authority.enrol_broker(self.folder / "broker" / "keys")
            self.recipient = RecipientPrivateKey.generate("x25519").public
            save_recipient_public(self.folder / "reader.pub", self.recipient)
            self.broker = stack.enter_context(Broker(self.folder / "broker"))
            self.config = self.folder / "archive.toml"
            road = f'host = "localhost"\nport = {self.broker.port}\n'
            self.config.write_text(f'[archive]\nfolder = "{self.archive}"\n{road}')
            self._catalogue = f"sqlite:///{self.archive / 'catalogue.sqlite'}"
            Catalogue(self._catalogue).close()
            self._running = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    @contextlib.contextmanager
    def intakes(self, count: int = 1) -> Iterator[list[int]]:
        """Run the archive by so many intakes; their processes."""
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(_intake(self.config)) for _ in range(count)]

    def enrol(self, names: Iterable[str]) -> None:
        """Make rooms, each with its keys below its own name, and let the archive know them."""
        made = []
        for name in names:
            public = self._authority.enrol_room(name, self.folder / name, [self.folder / "reader.pub"])
            key = load_device_public(public).public_bytes_raw().hex()
            made.append(Enrolment(name, key, time.time_ns() // 1_000_000))
        catalogue = Catalogue(self._catalogue)
        with catalogue.write() as writing:
            for each in made:
                writing.enrol(each)
        catalogue.close()

    def room(self, name: str, port: int | None = None, **uplink: object) -> Path:
        """The settings of a room without buttons and microphone; `port` is where it finds the broker."""
        folder = self.folder / name
        own = "".join(f"{key} = {value}\n" for key, value in uplink.items())
        file = self.folder / f"{name}.toml"
        file.write_text(
            f'[room]\nname = "{name}"\nfolder = "{folder}"\nhold = "{folder / "hold"}"\n'
            f'hold_may_be_on_disk = true\nwindow = ""\n[panel]\npins = "mock"\n'
            f'[uplink]\nhost = "localhost"\nport = {port or self.broker.port}\n{own}'
        )
        config.load(file)
        return file


@contextlib.contextmanager
def _intake(file: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "recorder", "archive", "--config", file]
    with (file.parent / "archive.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            raise TrialError("the intake did not start")
        yield process.pid
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS_MAX)
        process.kill()
        process.communicate()


def _allow_many_files() -> None:
    """Each room is a socket here, and one at the broker, which inherits what may be open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

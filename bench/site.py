"""The machines of a bench: authority, broker, archive and the keys of many rooms, all real, on loopback.

Keys and what else is written once are in RAM; the archive's folder is on the disk.
"""

import contextlib
import resource
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from recorder import config
from recorder.archive.catalogue import Catalogue
from recorder.archive.enrolled import enrol
from recorder.archive.folder import FolderStore
from recorder.archive.naming import Enrolment
from recorder.keyfiles import load_device_public, save_recipient_public
from recorder.sealed.keys import RecipientPrivateKey
from recorder.trial.broker import Broker
from recorder.trial.intake import IntakeProcess
from recorder.trial.machines import RAM, found_authority, room_settings, toml


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
            self._authority = found_authority(self.folder, self.archive)
            save_recipient_public(self.folder / "reader.pub", RecipientPrivateKey.generate("x25519").public)
            self.broker = stack.enter_context(Broker(self.folder / "broker"))
            self.config = self.folder / "archive.toml"
            road = {"host": self.broker.host, "port": self.broker.port}
            self.config.write_text(toml({"archive": {"folder": str(self.archive), **road}}))
            self._catalogue = f"sqlite:///{self.archive / 'catalogue.sqlite'}"
            Catalogue(self._catalogue).close()
            FolderStore.make(self.archive / "objects")
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
            log = self.folder / "archive.log"
            yield [stack.enter_context(IntakeProcess(self.config, log)).process.pid for _ in range(count)]

    def enrol(self, names: Iterable[str]) -> None:
        """Make rooms, each with its keys below its own name, and let the archive know them."""
        made = []
        for name in names:
            public = self._authority.enrol_room(name, self.folder / name, [self.folder / "reader.pub"])
            key = load_device_public(public).public_bytes_raw().hex()
            made.append(Enrolment(name, key, time.time_ns() // 1_000_000))
        with contextlib.closing(Catalogue(self._catalogue)) as catalogue:
            enrol(FolderStore(self.archive / "objects"), catalogue, made)

    def room(self, name: str, port: int | None = None, **uplink: object) -> Path:
        """The settings of a room without buttons and microphone; `port` is where it finds the broker."""
        folder = self.folder / name
        road = {"host": self.broker.host, "port": port or self.broker.port, **uplink}
        file = self.folder / f"{name}.toml"
        file.write_text(toml(room_settings(name, folder, folder) | {"uplink": road}))
        config.load(file)
        return file


def _allow_many_files() -> None:
    """Each room is a socket here, and one at the broker, which inherits what may be open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

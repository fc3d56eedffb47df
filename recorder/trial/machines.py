"""The machines of a trial, all real, all on loopback: authority, broker, archive, and the room's process.

Everything lies below one folder, but for the hold, which must be in RAM:

    authority/ broker/ archive/ room/     as recorder/fleet/authority.py describes
    reader/                               whoever may listen: a key, and its passphrase beside it because it is a trial
    archive.toml room.toml *.log
"""

import contextlib
import json
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from recorder import config, keyfiles
from recorder.device.hold import swap_in_use
from recorder.errors import TrialError
from recorder.fleet.authority import Authority
from recorder.sealed.keys import RecipientPrivateKey
from recorder.trial.broker import Broker
from recorder.trial.intake import IntakeProcess, archive_command
from recorder.trial.room import RoomProcess

ROOM = "room-1"
RAM = Path("/dev/shm")  # noqa: S108 the RAM file system of every Linux; the folder in it is made for its owner alone

Settings = Mapping[str, Mapping[str, Any]]


class Machines:
    """A context manager: broker and archive run inside it; the room when asked. `settings` overlay the defaults."""

    def __init__(self, folder: Path, settings: Settings, environment: Mapping[str, str]) -> None:
        self.folder = folder.absolute()
        self._overlay = settings
        self._environment = environment
        self._running = contextlib.ExitStack()
        self._intake: IntakeProcess | None = None
        self._room: RoomProcess | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._enrol()
            self._hold = Path(tempfile.mkdtemp(prefix="wederhoor-", dir=RAM))
            stack.callback(shutil.rmtree, self._hold)
            self.broker = Broker(self.folder / "broker")
            self._write_settings()
            stack.enter_context(self.broker)
            self._enrol_at_archive()
            self.start_archive()
            stack.callback(self.stop_archive)
            stack.callback(self.stop_room)
            self._running = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    @property
    def device_key(self) -> Path:
        """The room's public key, with which anyone verifies its recordings."""
        return self.folder / "authority" / "issued" / f"{ROOM}.pub"

    @property
    def reader_key(self) -> Path:
        """The private key that opens recordings."""
        return self.folder / "reader" / "reader.key"

    @property
    def passphrase_file(self) -> Path:
        """The passphrase of `reader_key`."""
        return self.folder / "reader" / "passphrase"

    @property
    def archive_folder(self) -> Path:
        """Where the archive keeps its objects and its catalogue."""
        return self.folder / "archive"

    @property
    def archive_config(self) -> Path:
        """The archive's settings."""
        return self.folder / "archive.toml"

    @property
    def room_folder(self) -> Path:
        """Where the room keeps its spool."""
        return self.folder / "room"

    def start_archive(self) -> None:
        """Start the intake, and return when it listens."""
        self._intake = IntakeProcess(self.archive_config, self.folder / "archive.log")

    def stop_archive(self, *, kill: bool = False) -> None:
        """End the intake in order, or as a crash would; nothing if it does not run."""
        if self._intake is not None:
            intake, self._intake = self._intake, None
            intake.stop(kill=kill)

    def start_room(self) -> RoomProcess:
        """Start the room; it is stopped with the other machines if not before."""
        self._room = RoomProcess(self.folder / "room.toml", self._environment, self.folder / "room.log")
        return self._room

    def stop_room(self) -> None:
        """Let the room end in order; nothing if it does not run."""
        if self._room is not None and self._room.process.poll() is None:
            self._room.stop()

    def _enrol_at_archive(self) -> None:
        command = archive_command(self.archive_config, "enrol", ROOM, str(self.device_key))
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise TrialError(f"recorder archive enrol {ROOM}: {done.stderr.strip()}")

    def _enrol(self) -> None:
        authority = found_authority(self.folder, self.archive_folder)
        reader = self.folder / "reader"
        reader.mkdir(mode=0o700)
        passphrase = secrets.token_urlsafe(24)
        self.passphrase_file.touch(mode=0o600)
        self.passphrase_file.write_text(passphrase)
        key = RecipientPrivateKey.generate("mlkem768-x25519")
        keyfiles.save_recipient(self.reader_key, key, passphrase.encode())
        keyfiles.save_recipient_public(reader / "reader.pub", key.public)
        authority.enrol_room(ROOM, self.room_folder, [reader / "reader.pub"])

    def _write_settings(self) -> None:
        road = {"host": self.broker.host, "port": self.broker.port}
        own = room_settings(ROOM, self.room_folder, self._hold) | {
            "uplink": road,
            "archive": {"folder": str(self.archive_folder), **road},
        }
        text = toml(config.overlay(dict(self._overlay), own))
        for name in ("archive.toml", "room.toml"):
            (self.folder / name).write_text(text, encoding="utf-8")
        self.settings = config.load(self.folder / "room.toml")


def found_authority(folder: Path, archive: Path) -> Authority:
    """An authority below `folder`, from which the broker there and the archive in its folder have their keys."""
    authority = Authority.create(folder / "authority")
    authority.enrol_broker(folder / "broker" / "keys")
    authority.enrol_archive(archive)
    return authority


def room_settings(name: str, folder: Path, hold: Path) -> dict[str, dict[str, Any]]:
    """A room on this machine, without pins; `hold` is a folder in RAM."""
    return {
        "room": {
            "name": name,
            "folder": str(folder),
            "hold": str(hold / "hold"),
            "hold_may_be_on_disk": bool(swap_in_use()),
            "window": str(hold / "window"),
        },
        "panel": {"pins": "mock"},
    }


def toml(settings: Settings) -> str:
    """Sections of scalars and lists; JSON writes these as TOML does, as long as it escapes no character in two halves."""
    return "\n".join(
        f"[{section}]\n"
        + "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
        for section, values in settings.items()
    )

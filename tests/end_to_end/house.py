"""A house for the tests: the machines of a trial, and eyes and hands that the product does not have.

`House` is the product's own trial, with faults: its broker and archive can be killed, its room's capture process found,
its hold read. `Watched` keeps every line that the room says, each change of its lamp too, which it holds to the tap.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from recorder import config, keyfiles
from recorder.archive import naming
from recorder.archive.export import export
from recorder.archive.reading_room import listen
from recorder.archive.rebuild import read_items
from recorder.archive.stores import open_store
from recorder.errors import StoreError
from recorder.sealed.verify import Report as Verified
from recorder.sealed.verify import verify
from recorder.trial.machines import Machines
from recorder.trial.room import RoomProcess
from recorder.trial.soundstage import MICROPHONE, Playing, SoundStage
from recorder.wire.consent import ConsentReceipt, check_receipt
from recorder.wire.records import parse_record
from recorder.wire.status import Happening, Report

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 40.0
"""For anything that should take a second; only a failing test waits so long."""
TURN_SECONDS = 0.02
LOOKS_MAX = 10
FOLLOW_MS_MAX = 500.0
"""For the tap, after a lamp that burns out."""
SETTINGS: dict[str, Any] = {
    "microphone": MICROPHONE,
    "meeting": {"notice_seconds": 0.2, "grace_seconds": 0.6, "lift_seconds": 1.0},
    "uplink": {"retry_first_seconds": 0.2, "retry_last_seconds": 0.5, "receipt_timeout_seconds": 3.0},
}


def until(what: str, seen: Callable[[], Any], seconds_max: float = SECONDS_MAX) -> Any:
    """What `seen()` gives as soon as that is true; fails naming `what` if it never is."""
    deadline = time.monotonic() + seconds_max
    while not (found := seen()):
        assert time.monotonic() < deadline, f"after {seconds_max:.0f} s still no {what}"
        time.sleep(TURN_SECONDS)
    return found


def recorder(*arguments: object, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The one command, as a user starts it."""
    return subprocess.run(
        [sys.executable, "-m", "recorder", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT,
        env=os.environ | (environment or {}),
    )


def alive(pid: int) -> bool:
    """Whether that process runs; a zombie hears nothing any more."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


class Watched(RoomProcess):
    """A room whose every line is kept."""

    def __init__(self, *arguments: Any) -> None:
        self.lines: list[Report | Happening] = []
        self._latest: Report | None = None
        super().__init__(*arguments)

    @property  # type: ignore[override]
    def report(self) -> Report | None:
        return self._latest

    @report.setter
    def report(self, report: Report | None) -> None:
        self._latest = report
        if report is not None:
            self.lines.append(report)

    @property
    def latest(self) -> Report:
        """The last report; there must be one."""
        assert self._latest is not None
        return self._latest

    @property
    def reports(self) -> list[Report]:
        return [line for line in self.lines if isinstance(line, Report)]

    def await_state(self, *states: str) -> None:
        self.wait_for(" or ".join(states), lambda _: self.state in states, SECONDS_MAX)

    def await_happening(self, name: str, count: int = 1) -> Happening:
        """The last of the first `count` that happened under this name."""
        self.wait_for(f"{count} × {name}", lambda _: len(self.happened(name)) >= count, SECONDS_MAX)
        return self.happened(name)[count - 1]

    def dark_while_open(self) -> list[Happening]:
        """What happened with the tap open and the lamp dark. Must be empty."""
        return dark_while_open(self.happenings)


def dark_while_open(happenings: Sequence[Happening]) -> list[Happening]:
    """Of what one room told: a tap that opened in the dark, and each time that its lamp went dark before it was shut.

    A lamp that burns out is dark first; then the tap must follow at once.
    """
    found: list[Happening] = []
    lit = opened = False
    burnt_out: Happening | None = None
    for each in sorted(happenings, key=lambda it: it.monotonic_ms):
        match each.name:
            case "lit" | "dark":
                lit = each.name == "lit"
                if opened and not lit and not each.detail:
                    found.append(each)
                elif opened and not lit:
                    burnt_out = each
            case "opened":
                opened = True
                if not lit:
                    found.append(each)
            case "shut" | "killed" | "closed":
                if burnt_out is not None and each.monotonic_ms - burnt_out.monotonic_ms > FOLLOW_MS_MAX:
                    found.append(burnt_out)
                opened, burnt_out = False, None
    return [*found, burnt_out] if burnt_out is not None else found


class House(Machines):
    """Machines with a soundstage, and what a test must know of them. A context manager."""

    def __init__(self, folder: Path, stage: SoundStage, speech: Path, changes: dict[str, Any] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, config.overlay(SETTINGS, changes or {}), stage.environment)
        self.stage = stage
        self._speech = speech
        self._playing: Playing | None = None
        self.rooms: list[Watched] = []

    def __exit__(self, *raised: Any) -> None:
        if self._playing is not None:
            self._playing.stop()
        super().__exit__(*raised)
        for room in self.rooms:
            if room.process.stdin is not None and not room.process.stdin.closed:
                room.kill()  # it ended by itself: its pipes are open
        for room in self.rooms:
            assert not room.dark_while_open()

    @property
    def room(self) -> Watched:
        """The one that runs now, or ran last."""
        return self.rooms[-1]

    def start_room(self, *, connected: bool = True) -> Watched:
        room = Watched(self.folder / "room.toml", self._environment, self.folder / "room.log")
        self._room = room
        self.rooms.append(room)
        room.wait_for("first report", lambda it: it.report is not None, SECONDS_MAX)
        if connected:
            room.wait_for("connection", lambda it: it.report is not None and it.report.connected, SECONDS_MAX)
        return room

    # Hands

    def begin(self, blocks: int = 2) -> str:
        """Speak and press start, until so many blocks are sealed; the recording's id."""
        begun = len(self.room.happened("begun"))
        opened = len(self.room.happened("opened"))
        if self._playing is not None:
            self._playing.stop()
        self._playing = self.stage.play(self._speech)
        self.room.press("start")
        self.room.await_happening("opened", opened + 1)
        recording = self.room.happened("begun")[begun].recording
        self.await_sealed(recording, blocks)
        return recording

    def await_sealed(self, recording: str, blocks: int) -> None:
        self.room.wait_for(f"{blocks} blocks", lambda it: len(it.happened("sealed", recording)) >= blocks, SECONDS_MAX)

    def end(self) -> None:
        self.room.press("stop")
        self.room.await_state("grace", "idle")

    def await_signed(self, recording: str) -> None:
        self.room.wait_for("the archive's signature", lambda it: it.happened("signed", recording), SECONDS_MAX)

    def change(self, section: str, key: str, value: object) -> None:
        """Change a setting in room.toml and archive.toml, for what is started from now on."""
        for name in ("room.toml", "archive.toml"):
            file = self.folder / name
            text, count = re.subn(rf"(?ms)^(\[{section}\][^\[]*?^{key} = )[^\n]*$", rf"\g<1>{value}", file.read_text())
            assert count == 1
            file.write_text(text)

    # Eyes

    def capture_pid(self) -> int | None:
        """The capture process of the room, if there is one."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.room.process.pid), "-f", "recorder.device.capture"],
            capture_output=True,
            text=True,
            check=False,
        )
        return int(found.stdout.split()[0]) if found.stdout.strip() else None

    @property
    def archive_pid(self) -> int:
        assert self._intake is not None
        return self._intake.process.pid

    @property
    def hold_file(self) -> Path:
        return Path(self.settings.room.hold)

    @property
    def hold_key(self) -> bytes:
        """The key's 32 bytes in the hold's slot, as whoever seizes the room would read them."""
        return self.hold_file.read_bytes()[32:]

    def spool(self, recording: str) -> set[str]:
        """The names of a recording's files on the device."""
        folder = self.room_folder / "spool" / recording
        return {file.name for file in folder.iterdir()} if folder.exists() else set()

    def spooled_blocks(self, recording: str) -> dict[str, bytes]:
        folder = self.room_folder / "spool" / recording
        return {file.name: file.read_bytes() for file in folder.glob("block-????????")}

    def until_forgotten(self, recording: str) -> None:
        """Until nothing of a recording is left in the spool: what was signed for is told first, and removed then."""
        until(f"spool without {recording}", lambda: not self.spool(recording))

    def archived(self, recording: str) -> dict[str, bytes]:
        """A recording's objects at the archive, by name."""
        folder = self.archive_folder / "objects" / recording
        return {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    def archived_blocks(self, recording: str) -> dict[str, bytes]:
        """The archive's records of its blocks, by the names that they have on the card."""
        store = open_store(self.settings.archive)
        for _ in range(LOOKS_MAX):
            with contextlib.suppress(StoreError):  # they were just brought together
                runs = (read_items(store, found) for found in store.list(naming.blocks(recording)))
                return {f"block-{item.name.index:08}": record for run in runs for item, record in run}
        raise AssertionError("the archive's objects change all the time")

    def sealed(self, recording: str) -> bytes:
        """The recording as the archive exports it."""
        return b"".join(export(open_store(self.settings.archive), recording))

    def receipt(self, recording: str) -> ConsentReceipt:
        """The consent receipt that the archive has, checked."""
        _, body = parse_record(self.archived(recording)["receipt"])
        return check_receipt(keyfiles.load_device_public(self.device_key), body)

    def verified(self, recording: str) -> Verified:
        return verify(BytesIO(self.sealed(recording)), [keyfiles.load_device_public(self.device_key)])

    def opened(self, recording: str) -> Path:
        """The recording as the reading room opens it: an .opus file outside of the machines' folder."""
        sealed = self.folder.parent / f"{recording}.sealed"
        sealed.write_bytes(self.sealed(recording))
        out = sealed.with_suffix(".opus")
        key = keyfiles.load_recipient(self.reader_key, self.passphrase_file.read_bytes())
        listen(sealed, [keyfiles.load_device_public(self.device_key)], key, out)
        return out

    def log(self) -> str:
        return (self.folder / "room.log").read_text(errors="replace")

    def archive_log(self) -> str:
        return (self.folder / "archive.log").read_text(errors="replace")

    def await_silence(self) -> None:
        """Until the sound server, which is nobody's friend, has no listener."""
        until("end of all capture", lambda: self.stage.listeners() == 0, 5.0)


def end_process(process: subprocess.Popen[Any]) -> None:
    """SIGKILL one process of ours."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()

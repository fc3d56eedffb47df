"""An archive with recordings in it, as its rooms would have sent them."""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder.archive.catalogue import Catalogue, url
from recorder.archive.clerk import Clerk, Message
from recorder.archive.enrolled import enrol
from recorder.archive.folder import FolderStore
from recorder.archive.naming import Enrolment
from recorder.audio import Gap, GapCause, OpusBlock
from recorder.config import Config, load
from recorder.sealed.layout import Event
from tests.archive.test_reading_room import encode
from tests.rooms import Recording, Room

DAY_MS = 86_400_000
SECOND_TICKS = 48_000
GAP_TICKS = 5 * SECOND_TICKS


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Talking(Room):
    """A room whose packets are a tone's."""

    gap_after: int | None = None
    """Behind so many blocks of a recording its microphone is unplugged, for five seconds."""

    def items(self, blocks: int) -> Iterator[OpusBlock | Gap]:
        position = 0
        for index in range(blocks):
            if index == self.gap_after:
                yield Gap(position, GAP_TICKS, GapCause.UNPLUGGED, self.moment(index))
                position += GAP_TICKS
                continue
            flush = index + 1 == self.gap_after
            packets = encode(50 * index, 50, flush=flush)
            yield OpusBlock(position, SECOND_TICKS, packets, flush, self.moment(index))
            position += SECOND_TICKS


@dataclass
class Archive:
    """A new archive in `folder`, with the rooms room-1 and room-2."""

    folder: Path
    rooms: dict[str, Talking] = field(default_factory=lambda: {name: Talking(name) for name in ("room-1", "room-2")})

    def __post_init__(self) -> None:
        (self.folder / "keys").mkdir(parents=True)
        self.config_file = self.folder / "archive.toml"
        self.config_file.write_text(f'[archive]\nfolder = "{self.folder}"\n')
        self.store = FolderStore.make(self.folder / "objects")
        self.catalogue = Catalogue(url(self.config.archive))
        for room in self.rooms.values():
            self._enrol(room)
        self.clerk = Clerk("archive", Ed25519PrivateKey.generate(), self.store, self.catalogue, 126)

    @property
    def config(self) -> Config:
        return load(self.config_file)

    def add_room(self) -> str:
        """A new one, for a test that shares this archive with others; its name."""
        name = f"room-{len(self.rooms) + 1}"
        self.rooms[name] = Talking(name)
        self._enrol(self.rooms[name])
        return name

    def _enrol(self, room: Room) -> None:
        key = room.public_key.public_bytes_raw().hex()
        enrol(self.store, self.catalogue, [Enrolment(room.name, key, now_ms())])

    def record(
        self,
        room: str = "room-1",
        *,
        blocks: int = 4,
        days_ago: float = 0,
        receipt: bool = True,
        said: Sequence[tuple[float, str]] = (),
        gap_after: int | None = None,
    ) -> Recording:
        """A meeting of `blocks` seconds that was kept, and came so many days ago.

        `said` are the events of its manifest, at so many seconds; `gap_after` as in `Talking`.
        """
        device = self.rooms[room]
        came_ms = now_ms() - int(days_ago * DAY_MS)
        device.wall_ms = came_ms - 1_000 * blocks
        device.gap_after = gap_after
        events = [Event(int(at * SECOND_TICKS), device.wall_ms + int(at * 1_000), name) for at, name in said]
        recording = device.record(blocks, events=events)
        uploads = [*recording.kept, *([recording.receipt] if receipt else [])]
        self.take(recording, uploads, came_ms)
        return recording

    def refuse(self, room: str = "room-1") -> Recording:
        """A meeting that was refused."""
        device = self.rooms[room]
        device.wall_ms = now_ms() - 2_000
        recording = device.record(2)
        self.take(recording, [recording.preamble, recording.refusal, recording.refusal_receipt], now_ms())
        return recording

    def take(self, recording: Recording, uploads: Collection[object], came_ms: int) -> None:
        messages = [Message(str(recording.topic), bytes(each)) for each in uploads]  # type: ignore[call-overload]
        self.clerk.process(self.clerk.check(messages), came_ms)

"""What three meetings sent to a real archive that was traced, and what of it the archive had signed for when.

One is kept, one is refused after some of it had come, and of one there are conflicting contents. The archive is a process of
its own under strace, the broker a real one, and the device on the wire sends again until it has its answer.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recorder.sealed.layout import RecordType
from recorder.wire.upload import Upload
from tests.archive.site import SECONDS_MAX, Device, Site
from tests.storage import traced_archive
from tests.storage.disk import Aftermath, Disk
from tests.storage.trace import Player, parse, strace

ROOM = "room-1"


@dataclass(frozen=True)
class Meeting:
    """What its device sends of one meeting, in an order in which it may."""

    id: str
    refused: bool
    uploads: tuple[Upload, ...]
    conflicts: tuple[Upload, ...]
    """What else was sent under names of these."""

    @property
    def erased(self) -> tuple[Upload, ...]:
        """Nothing may be left of these once it is purged."""
        everything = (*self.uploads, *self.conflicts) if self.refused else ()
        return tuple(upload for upload in everything if upload.type is RecordType.BLOCK)


class Told:
    """The device's side: what it has heard of what it sent."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._preambles: dict[str, Upload] = {}
        """By recording."""

    def tell(self, *uploads: Upload) -> None:
        """Send until each has an answer: stored, rejected, or purged.

        Where none came, it begins with the preamble, as a room does: what the answer says is there is not sent again.
        """
        device = self._device
        device.stored -= {upload.name for upload in uploads}
        device.rejected.clear()
        device.purged.clear()
        for upload in uploads:
            if upload.type is RecordType.PREAMBLE:
                self._preambles.setdefault(upload.recording, upload)
        silent = False
        deadline = time.monotonic() + SECONDS_MAX
        while waiting := [upload for upload in uploads if not self._answered(upload)]:
            assert time.monotonic() < deadline, f"{len(waiting)} of {len(uploads)} were never answered"
            if (device._client is None or not device._client.is_connected()) and not device.connect():
                time.sleep(0.05)
                continue
            first = (self._preambles[waiting[0].recording],) if silent else waiting
            silent = not self._ask(*first)

    def _ask(self, *uploads: Upload) -> bool:
        """Send these once; False if not each has an answer after a while."""
        self._device.send(*uploads)
        while any(not self._answered(upload) for upload in uploads):
            if not self._device.listen(0.5):
                return False
        return True

    def _answered(self, upload: Upload) -> bool:
        device = self._device
        stored = upload.name in device.stored and device.contents[upload.name] == upload.content
        rejected = any(each.content == upload.content.hex() for each in device.rejected)
        purged = upload.type is RecordType.BLOCK and any(each.recording == upload.recording for each in device.purged)
        return stored or rejected or purged


class TracedSite(Site):
    """A site whose archive has the flaw of that name, and is once killed as `kill` says, in words of strace's `inject`."""

    def __init__(self, folder: Path, flaw: str = "none", kill: str = "") -> None:
        self._flaw, self._kill = flaw, kill
        self.marks = folder / "marks"
        self.traces: list[Path] = []
        self.meetings: tuple[Meeting, ...] = ()
        (folder / "archive").mkdir(parents=True)
        super().__init__(folder, [ROOM])
        self.kills = 0
        self._ending = False
        self._keeper = threading.Thread(target=self._keep_running)

    def recorder(self) -> list[str]:
        if not self.traces:
            self.disk = Disk.of(self.folder / "archive")
        self.traces.append(self.folder / f"trace-{len(self.traces)}")
        options = []
        if len(self.traces) > 1 and self._kill:  # the first enrols the room
            options, self._kill = ["-e", f"inject={self._kill}"], ""
        program = [sys.executable, "-m", traced_archive.__name__, str(self.marks), self._flaw]
        return [*strace(self.traces[-1], *options), *program]

    def serve(self) -> subprocess.Popen[str]:
        try:
            return super().serve()
        except AssertionError:  # it was killed before it was ready
            self.kills += 1
            return super().serve()

    def start_archive(self) -> None:
        super().start_archive()
        self._keeper.start()

    def end(self) -> None:
        """Let everything end in order; returns when the traces are whole."""
        self._ending = True
        self._keeper.join()
        assert self.archive is not None
        self.archive.send_signal(signal.SIGTERM)
        assert self._ended(self.archive) == 0, self.log
        self.archive = None
        self.close()

    def _keep_running(self) -> None:
        """Start it anew when it was killed, as systemd would."""
        while not self._ending:
            assert self.archive is not None
            if self.archive.poll() is None:
                time.sleep(0.01)
            else:
                assert self._ended(self.archive) == -signal.SIGKILL, self.log
                self.kills += 1
                super().start_archive()

    def _ended(self, archive: subprocess.Popen[str]) -> int:
        """Its exit code, once strace has ended as well, which has its output open too."""
        assert archive.stdout is not None
        archive.stdout.read()
        archive.stdout.close()
        return archive.wait(SECONDS_MAX)


def play(site: TracedSite) -> None:
    """Have the site's device tell the story of its `meetings`; ends the site."""
    site.broker.start()
    site.start_archive()
    device = Device(site, ROOM)
    told = Told(device)
    room = site.rooms[ROOM]
    try:
        kept, refused, doubled = room.record(5), room.record(4), room.record(3)
        other = {each.id: room.record(4, ident=each.id) for each in (refused, doubled)}
        told.tell(kept.preamble, *kept.blocks[:2])
        told.tell(refused.preamble, *refused.blocks[:2])
        told.tell(kept.blocks[2])
        told.tell(other[refused.id].preamble, other[refused.id].blocks[1])
        told.tell(refused.blocks[2])
        told.tell(doubled.preamble, *doubled.blocks)
        told.tell(other[doubled.id].preamble, other[doubled.id].blocks[0])
        told.tell(refused.refusal)
        told.tell(*kept.blocks[3:], kept.manifest)
        told.tell(refused.refusal_receipt)
        told.tell(kept.keybox, kept.receipt)
        told.tell(refused.blocks[3])
        told.tell(doubled.manifest)
        told.tell(doubled.keybox, doubled.receipt)
    finally:
        device.close()
        site.end()
    no = (refused.preamble, *refused.blocks, refused.refusal, refused.refusal_receipt)
    beside = {ident: (each.preamble, each.blocks[at]) for (ident, each), at in zip(other.items(), (1, 0), strict=True)}
    site.meetings = (
        Meeting(kept.id, False, (*kept.kept, kept.receipt), ()),
        Meeting(refused.id, True, no, beside[refused.id]),
        Meeting(doubled.id, False, (*doubled.kept, doubled.receipt), beside[doubled.id]),
    )


@dataclass(frozen=True)
class Crash:
    """One that may have been: what it leaves, and the receipts that had been sent."""

    when: str
    aftermath: Aftermath
    receipts: tuple[bytes, ...]


def crashes(site: TracedSite) -> Iterator[Crash]:
    """Of everything that the site's archive did from when it first served: before each call, what `Disk` says of it.

    Between two syncs the changes that are on the way only grow in number, so in all their combinations they are tried before
    the second alone, and before each receipt.
    """
    player = Player(site.disk, site.folder / "archive", site.marks)
    receipts: tuple[bytes, ...] = ()
    for number, trace in enumerate(site.traces):
        before = f"of process {number}"
        for told, receipt in player.play(parse(trace.read_text())):
            if number > 0:
                every = receipt is not None or "sync" in told
                for aftermath in (*site.disk.torn(), site.disk.killed(), *(site.disk.aftermaths() if every else ())):
                    yield Crash(f"{before}, before {told}", aftermath, receipts)
            if receipt is not None:
                receipts = (*receipts, receipt)
    for aftermath in site.disk.aftermaths():
        yield Crash("at the end", aftermath, receipts)

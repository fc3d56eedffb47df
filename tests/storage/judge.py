"""What an archive must still be able to do and say, whatever a crash left of it: judged with the code that runs it.

By what it shows to others alone: the receipts that it gives, what it exports, and the bytes that lie on its disk.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from recorder.archive import export
from recorder.archive.catalogue import Catalogue, Counts, Lacking
from recorder.archive.clerk import Clerk, Message
from recorder.archive.folder import FolderStore
from recorder.archive.rebuild import rebuild
from recorder.errors import StoreError, WederhoorError
from recorder.keyfiles import load_device
from recorder.wire.judge import LEFT_BY_A_REFUSAL
from recorder.wire.receipt import Receipt
from recorder.wire.upload import Name, Upload
from tests.device.crashes import lay
from tests.storage.disk import Files
from tests.storage.story import ROOM, Meeting

NOW_MS = 1_800_000_000_000
DAYS = 126
PIECE_BYTES = 32


@dataclass(frozen=True)
class Answer:
    """What the receipts for one message say."""

    stored: frozenset[Name]
    purged: frozenset[str]


@dataclass(frozen=True)
class Outcome:
    """All that an archive shows. Two that took in the same are equal, whenever that was and in whatever batches."""

    counts: Counts
    lacking: tuple[Lacking, ...]
    unpurged: tuple[str, ...]
    answers: tuple[Answer, ...]
    """To the preamble of each meeting: what there is of it."""
    recordings: tuple[bytes, ...]
    receipts: tuple[bytes, ...]


class Archive:
    """Opened as `recorder archive` does it, in a folder."""

    def __init__(self, folder: Path, meetings: Iterable[Meeting]) -> None:
        self.folder = folder
        self._meetings = tuple(meetings)
        self.store = FolderStore.make(folder / "objects")
        self.catalogue = Catalogue(f"sqlite:///{folder / 'catalogue.sqlite'}")
        self._key = load_device(folder / "keys" / "receipt.key")
        self._clerk = self._a_clerk(self.catalogue)
        self._clerk.resume(NOW_MS)

    def send(self, *uploads: Upload, clerk: Clerk | None = None) -> Answer:
        batch = [Message(f"rec/v1/{ROOM}/up/{upload.recording}", bytes(upload)) for upload in uploads]
        clerk = clerk or self._clerk
        answers = clerk.process(clerk.check(batch), NOW_MS)
        return answer((message.payload for message in answers), self._key.public_key(), self._meetings)

    def send_everything(self) -> None:
        """As a device would that had forgotten nothing, and heard nothing."""
        for meeting in self._meetings:
            for upload in (*meeting.uploads, *meeting.conflicts):
                self.send(upload)
        while self._clerk.gather():
            pass

    def outcome(self) -> Outcome:
        return self._outcome(self.catalogue, self._clerk)

    def rebuilt(self) -> Outcome:
        """What another catalogue would make of the objects."""
        with closing(Catalogue("sqlite://")) as catalogue:
            rebuild(self.store, catalogue, NOW_MS)
            return self._outcome(catalogue, self._a_clerk(catalogue))

    def _outcome(self, catalogue: Catalogue, clerk: Clerk) -> Outcome:
        answers = tuple(self.send(meeting.uploads[0], clerk=clerk) for meeting in self._meetings)
        with catalogue.write() as writing:
            told = writing.counts(), tuple(writing.lacking()), tuple(writing.unpurged())
        recordings = tuple(b"".join(export.export(self.store, meeting.id)) for meeting in self._meetings)
        return Outcome(*told, answers, recordings, tuple(self._receipt(meeting) for meeting in self._meetings))

    def objects(self) -> list[bytes]:
        return [self.store.get(name) for name in self.store.list("")]

    def _receipt(self, meeting: Meeting) -> bytes:
        try:
            return export.receipt(self.store, meeting.id)
        except StoreError:
            return b""

    def _a_clerk(self, catalogue: Catalogue) -> Clerk:
        return Clerk("archive", self._key, self.store, catalogue, DAYS)


def answer(receipts: Iterable[bytes], public_key, meetings: Iterable[Meeting]) -> Answer:
    """What these receipts say of the meetings."""
    contents = {upload.name: upload.content for meeting in meetings for upload in meeting.uploads}
    said = [Receipt.verify(payload, public_key, ROOM) for payload in receipts]
    stored = {name for receipt in said for each in receipt.stored for name in each.covered(contents)}
    return Answer(frozenset(stored), frozenset(each.recording for receipt in said for each in receipt.purged))


class Judge:
    """Of the aftermaths of one archive, each laid into `folder`. `before` is what there was before the meetings."""

    def __init__(self, folder: Path, before: Files, meetings: tuple[Meeting, ...]) -> None:
        self._folder = folder
        self._meetings = meetings
        lay(folder, before.items())
        archive = Archive(folder, meetings)
        self._public_key = archive._key.public_key()
        archive.send_everything()
        self._undisturbed = archive.outcome()
        archive.catalogue.close()
        assert not list(self._leaks(self._on_disk(), {meeting.id for meeting in meetings if meeting.refused}))

    def judge(self, files: Files, receipts: Iterable[bytes]) -> list[str]:
        """What is wrong, in words; the receipts had been sent."""
        signed = answer(receipts, self._public_key, self._meetings)
        wrong = [f"after `purged`: {leak}" for leak in self._leaks(files, signed.purged)]
        lay(self._folder, files.items())
        try:
            archive = Archive(self._folder, self._meetings)
        except (WederhoorError, OSError) as error:
            return [*wrong, f"it does not open: {error}"]
        with closing(archive.catalogue):
            try:
                wrong += self._missing(archive, signed)
                wrong += self._differing(archive)
            except (WederhoorError, OSError) as error:
                wrong.append(f"it fails: {error!r}")
        refused = {meeting.id for meeting in self._meetings if meeting.refused}
        return wrong + [f"in the end: {leak}" for leak in self._leaks(self._on_disk(), refused)]

    def _missing(self, archive: Archive, signed: Answer) -> Iterator[str]:
        """Of what was signed for, what the catalogue does not tell of, or the store does not give."""
        objects = archive.objects()
        for meeting in self._meetings:
            due = {upload for upload in meeting.uploads if upload.name in signed.stored}
            if not due:
                continue
            told = archive.send(meeting.uploads[0])
            if meeting.id in told.purged:
                due = {upload for upload in due if upload.type in LEFT_BY_A_REFUSAL}
            elif meeting.id in signed.purged:
                yield "the catalogue does not know a refusal that `purged` was sent for"
            for upload in due:
                what = f"{upload.type.name.lower()} {upload.name.index}, which was signed for"
                if upload.name not in told.stored and meeting.id not in told.purged:
                    yield f"the catalogue does not know {what}"
                if not any(upload.record in data for data in objects):
                    yield f"the store does not have {what}"

    def _differing(self, archive: Archive) -> Iterator[str]:
        """From an archive that nothing disturbed, once all was sent again."""
        archive.send_everything()
        outcome = archive.outcome()
        if outcome != self._undisturbed:
            yield f"sent again, it is not what it would have been: {outcome}"
        if archive.rebuilt() != outcome:
            yield "the catalogue is not what the objects make"
        objects = archive.objects()
        for meeting in self._meetings:
            for upload in (*meeting.uploads, *meeting.conflicts):
                number = sum(data.count(upload.body) for data in objects)
                if number != (upload not in meeting.erased):
                    yield f"{upload.type.name.lower()} {upload.name.index} is in the store {number} times"

    def _leaks(self, files: Files, purged: Iterable[str]) -> Iterator[str]:
        """What lies there of the blocks of these meetings."""
        for meeting in self._meetings:
            if meeting.id not in purged:
                continue
            pieces = {
                piece
                for upload in meeting.erased
                for piece in (upload.content, upload.body[:PIECE_BYTES], upload.body[-PIECE_BYTES:])
            }
            for path, data in files.items():
                if data is not None and any(piece in data for piece in pieces):
                    yield f"{path} has something of a refused block"
                if data is None and meeting.id in path and not any(each.startswith(f"{path}/") for each in files):
                    yield f"a folder of a refused recording is left: {path.replace(meeting.id, '…')}"

    def _on_disk(self) -> Files:
        found = sorted(self._folder.rglob("*"))
        return {
            path.relative_to(self._folder).as_posix(): None if path.is_dir() else path.read_bytes() for path in found
        }

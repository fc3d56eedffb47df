"""Other keys for what is here: the new ones open it, the old one nothing, and nothing is lost on the way."""

import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder.archive.catalogue import Catalogue
from recorder.archive.clerk import Clerk, Message
from recorder.archive.enrolled import enrol
from recorder.archive.export import export
from recorder.archive.folder import FolderStore
from recorder.archive.hearing import Hearing
from recorder.archive.naming import Enrolment
from recorder.archive.rebuild import keybox_objects, rebuild
from recorder.archive.rewrap import Rotation, rewrap
from recorder.errors import SealedError, StoreError
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.verify import KeyboxState, State, verify
from tests.archive.test_hearing import Talking
from tests.rooms import RECIPIENT, WALL_MS, Recording

NEW = RecipientPrivateKey.generate("x25519")
ESCROW = RecipientPrivateKey.generate("mlkem768-x25519")


class Archive:
    def __init__(self, folder: Path) -> None:
        self.folder, self.room = folder, Talking()
        self.catalogue = Catalogue(f"sqlite:///{folder / 'catalogue.sqlite'}")
        self.store = FolderStore.make(folder / "objects")
        key = self.room.public_key.public_bytes_raw().hex()
        enrol(self.store, self.catalogue, [Enrolment(self.room.name, key, WALL_MS)])
        self.clerk = Clerk("archive", Ed25519PrivateKey.generate(), self.store, self.catalogue, 126)

    def keep(self, *, keybox: bool = True) -> Recording:
        recording = self.room.record(4)
        uploads = [*recording.kept, recording.receipt] if keybox else [*recording.kept[:-1], recording.receipt]
        messages = [Message(str(recording.topic), bytes(each)) for each in uploads]
        self.clerk.process(self.clerk.check(messages), WALL_MS)
        return recording

    def heard(self, recording: Recording, key: RecipientPrivateKey) -> bytes:
        hearing = Hearing(self.store, recording.id, self.room.public_key, key)
        return b"".join(hearing.read(0, hearing.size))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = Archive(tmp_path)
    yield made
    made.catalogue.close()


def test_the_new_keys_open_it_and_the_old_one_nothing(archive: Archive) -> None:
    recording = archive.keep()
    before = archive.heard(recording, RECIPIENT)
    assert rewrap(archive.store, archive.catalogue, recording.id, Rotation(RECIPIENT, NEW, [ESCROW.public]))
    assert archive.heard(recording, NEW) == before
    assert archive.heard(recording, ESCROW) == before
    with pytest.raises(SealedError, match="not sealed for this key"):
        archive.heard(recording, RECIPIENT)
    report = verify(io.BytesIO(b"".join(export(archive.store, recording.id))), [archive.room.public_key])
    assert (report.state, report.keybox) == (State.WHOLE, KeyboxState.ABSENT)
    assert not rewrap(archive.store, archive.catalogue, recording.id, Rotation(RECIPIENT, NEW, [ESCROW.public]))
    # Who was put by opens it, and takes over.
    assert rewrap(archive.store, archive.catalogue, recording.id, Rotation(ESCROW, RECIPIENT))
    assert archive.heard(recording, RECIPIENT) == before
    assert len(keybox_objects(archive.store, recording.id)) == 1
    with pytest.raises(SealedError, match="not sealed for this key"):
        archive.heard(recording, NEW)


def test_nothing_of_the_room_s_keybox_is_left_on_the_disk(archive: Archive) -> None:
    recording = archive.keep()
    body = recording.keybox.body
    assert any(body in each.read_bytes() for each in archive.folder.rglob("*") if each.is_file())
    rewrap(archive.store, archive.catalogue, recording.id, Rotation(RECIPIENT, NEW))
    assert not any(body in each.read_bytes() for each in archive.folder.rglob("*") if each.is_file())


def test_a_wrong_key_leaves_it_as_it_was(archive: Archive) -> None:
    recording = archive.keep()
    with pytest.raises(SealedError, match="not sealed for this key"):
        rewrap(archive.store, archive.catalogue, recording.id, Rotation(ESCROW, NEW))
    assert archive.heard(recording, RECIPIENT)


def test_what_is_not_kept_is_left_alone(archive: Archive) -> None:
    recording = archive.keep(keybox=False)
    assert not rewrap(archive.store, archive.catalogue, recording.id, Rotation(RECIPIENT, NEW))
    assert not rewrap(archive.store, archive.catalogue, "0" * 32, Rotation(RECIPIENT, NEW))


def test_a_rebuilt_catalogue_knows_it_as_kept_and_a_device_that_sends_again_is_told_so(archive: Archive) -> None:
    recording = archive.keep()
    rewrap(archive.store, archive.catalogue, recording.id, Rotation(RECIPIENT, NEW))
    again = Catalogue(f"sqlite:///{archive.folder / 'again.sqlite'}")
    counts, lacking = rebuild(archive.store, again, WALL_MS)
    assert (counts.kept, counts.open, lacking) == (1, 0, [])
    clerk = Clerk("archive", Ed25519PrivateKey.generate(), archive.store, again, 126)
    clerk.process(clerk.check([Message(str(recording.topic), bytes(each)) for each in recording.kept]), WALL_MS)
    assert clerk.verdicts["duplicate"] == len(recording.kept)
    assert len(keybox_objects(archive.store, recording.id)) == 1
    with pytest.raises(SealedError, match="not sealed for this key"):
        archive.heard(recording, RECIPIENT)
    again.close()


class Failing:
    """A store that fails at its nth call."""

    def __init__(self, store: FolderStore, left: int) -> None:
        self.store, self.left = store, left

    def _call(self) -> FolderStore:
        self.left -= 1
        if self.left < 0:
            raise StoreError("the disk is gone")
        return self.store

    def put(self, objects: Mapping[str, bytes]) -> frozenset[str]:
        return self._call().put(objects)

    def get(self, name: str) -> bytes:
        return self._call().get(name)

    def list(self, prefix: str) -> Iterator[str]:
        return self._call().list(prefix)

    def delete(self, names: Iterable[str]) -> None:
        self._call().delete(names)

    def settle(self, prefix: str) -> None:
        self._call().settle(prefix)


def test_wherever_it_is_cut_off_somebody_opens_it_and_the_next_run_finishes(archive: Archive) -> None:
    recording, failed = archive.keep(), 0
    while True:
        try:
            rewrap(Failing(archive.store, failed), archive.catalogue, recording.id, Rotation(RECIPIENT, NEW))
        except StoreError:
            failed += 1
            opened = []
            for key in (RECIPIENT, NEW):
                try:
                    opened.append(archive.heard(recording, key))
                except SealedError:
                    continue
            assert len(opened) == 1
        else:
            break
    assert failed > 4
    assert keybox_objects(archive.store, recording.id) == [f"{recording.id}/rewrapped/00000001"]
    assert archive.heard(recording, NEW)

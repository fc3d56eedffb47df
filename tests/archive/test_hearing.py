"""A recording that is heard at the archive: what comes out, what is unsealed for it, and what never is."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder.archive.catalogue import Catalogue
from recorder.archive.clerk import Clerk, Message
from recorder.archive.enrolled import enrol
from recorder.archive.folder import FolderStore
from recorder.archive.hearing import Hearing
from recorder.archive.naming import Enrolment
from recorder.archive.reading_room import listen
from recorder.archive.records import Records
from recorder.audio import OpusBlock
from recorder.errors import SealedError, StoreError
from recorder.sealed.keys import RecipientPrivateKey
from tests.archive.test_playable import decoded
from tests.archive.test_reading_room import encode
from tests.rooms import RECIPIENT, WALL_MS, Recording, Room


class Talking(Room):
    """A room whose packets are a tone's."""

    def packets(self, index: int) -> tuple[bytes, ...]:
        return encode(50 * index, 50, flush=False)


@dataclass
class Watched:
    """A store that tells what was read of it."""

    store: FolderStore
    got: list[str] = field(default_factory=list)

    def get(self, name: str) -> bytes:
        self.got.append(name)
        return self.store.get(name)

    def list(self, prefix: str) -> Iterator[str]:
        return self.store.list(prefix)


@pytest.fixture(scope="module")
def room() -> Talking:
    return Talking()


@pytest.fixture
def clerk(tmp_path: Path, room: Talking) -> Clerk:
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
    store = FolderStore.make(tmp_path / "objects")
    key = room.public_key.public_bytes_raw().hex()
    enrol(store, catalogue, [Enrolment(room.name, key, WALL_MS)])
    return Clerk("archive", Ed25519PrivateKey.generate(), store, catalogue, 126)


@pytest.fixture
def store(tmp_path: Path, clerk: Clerk) -> Watched:
    return Watched(FolderStore(tmp_path / "objects"))


def keep(clerk: Clerk, recording: Recording, batch: int = 3) -> None:
    """In batches, so that its blocks lie in many objects."""
    uploads = [*recording.kept, recording.receipt]
    for at in range(0, len(uploads), batch):
        messages = [Message(str(recording.topic), bytes(each)) for each in uploads[at : at + batch]]
        clerk.process(clerk.check(messages), WALL_MS)


def hear(store: Watched, recording: Recording, room: Room) -> Hearing:
    return Hearing(store, recording.id, room.public_key, RECIPIENT)


def test_it_is_what_the_reading_room_writes(store: Watched, clerk: Clerk, room: Talking, tmp_path: Path) -> None:
    recording = room.record(8)
    keep(clerk, recording)
    hearing = hear(store, recording, room)
    data = b"".join(hearing.read(0, hearing.size))
    assert len(data) == hearing.size
    (tmp_path / "a.sealed").write_bytes(b"".join(each.record for each in recording.kept))
    listen(tmp_path / "a.sealed", [room.public_key], RECIPIENT, tmp_path / "b.opus")
    assert decoded(data, tmp_path) == decoded((tmp_path / "b.opus").read_bytes(), tmp_path)
    assert b"DEVICE=room-1" in data


def test_no_more_is_unsealed_and_read_than_the_range_needs(
    store: Watched, clerk: Clerk, room: Talking, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = room.record(9)
    keep(clerk, recording)
    hearing = hear(store, recording, room)
    opened: list[int] = []
    unseal = hearing._unseal

    def noted(index: int) -> OpusBlock:
        opened.append(index)
        return unseal(index)

    monkeypatch.setattr(hearing, "_unseal", noted)
    store.got.clear()
    begins = [each.at for each in hearing._playable._stretches]
    assert len(b"".join(hearing.read(begins[4], begins[5]))) == begins[5] - begins[4]
    assert opened == [4]
    assert len(store.got) == 1
    assert b"".join(hearing.read(0, 10)) == b"OggS\0\2\0\0\0\0"
    assert opened == [4]


def test_its_blocks_are_given_one_by_one_and_unsealed_only_then(store: Watched, clerk: Clerk, room: Talking) -> None:
    recording = room.record(9)
    keep(clerk, recording)
    hearing = hear(store, recording, room)
    assert [(each.index, each.position, each.end) for each in hearing.headers] == [
        (at, at * 48_000, (at + 1) * 48_000) for at in range(9)
    ]
    store.got.clear()
    block = hearing.block(4)
    assert isinstance(block, OpusBlock)
    assert (block.position, block.packets) == (192_000, room.packets(4))
    assert len(store.got) == 1
    items = hearing.items()
    assert next(items) == hearing.block(0)
    assert [item.position for item in items] == [at * 48_000 for at in range(1, 9)]


def test_it_goes_on_while_the_blocks_are_brought_together(store: Watched, clerk: Clerk, room: Talking) -> None:
    recording = room.record(9)
    keep(clerk, recording)
    hearing = hear(store, recording, room)
    begins = [*(each.at for each in hearing._playable._stretches), hearing.size]
    before = [b"".join(hearing.read(begins[at], begins[at + 1])) for at in range(5)]
    while clerk.gather():
        pass
    assert len(list(store.list(f"{recording.id}/blocks/"))) == 1
    assert [b"".join(hearing.read(begins[at], begins[at + 1])) for at in range(9)][:5] == before


def test_what_was_deleted_is_told(store: Watched, clerk: Clerk, room: Talking) -> None:
    recording = room.record(9)
    keep(clerk, recording)
    hearing = hear(store, recording, room)
    store.store.delete(list(store.list(f"{recording.id}/blocks/")))
    with pytest.raises(StoreError, match="has block 8 of recording"):
        b"".join(hearing.read(hearing.size - 100, hearing.size))


def test_salvage_gives_what_stands_before_the_flaw_and_says_so(store: Watched, clerk: Clerk, room: Talking) -> None:
    recording = room.record(5)
    keep(clerk, recording, batch=1)
    whole = hear(store, recording, room)
    begins = [each.at for each in whole._playable._stretches]
    before = b"".join(whole.read(begins[0], begins[2]))
    store.store.delete([f"{recording.id}/blocks/00000002-00000002"])
    with pytest.raises(SealedError, match="not whole: block 3 stands where another one should"):
        hear(store, recording, room)
    hearing = Hearing(store, recording.id, room.public_key, RECIPIENT, salvage=True)
    assert (hearing.report.state, hearing.report.blocks) == ("cut", 2)
    data = b"".join(hearing.read(0, hearing.size))
    assert before in data
    assert b"STATE=cut: block 3 stands where another one should" in data


def test_a_block_that_lies_under_another_name_is_told(store: Watched, clerk: Clerk, room: Talking) -> None:
    recording = room.record(4)
    keep(clerk, recording, batch=1)
    folder = f"{recording.id}/blocks/"
    store.store.delete([f"{folder}{at:08}-{at:08}" for at in (2, 3)])
    store.store.put({f"{folder}00000003-00000003": recording.blocks[2].record})
    hearing = Hearing(store, recording.id, room.public_key, RECIPIENT, salvage=True)
    assert hearing.report.blocks == 3
    with pytest.raises(StoreError, match="has block 2 of recording"):
        b"".join(hearing.read(0, hearing.size))


def test_a_recording_in_the_place_of_another_one_is_not_heard(store: Watched, clerk: Clerk, room: Talking) -> None:
    """Who may hear the one must not hear the other, whoever moves objects about."""
    recording, other = room.record(3), room.record(3)
    for each in (recording, other):
        keep(clerk, each)
    for name in list(store.list(f"{recording.id}/")):
        store.store.delete([name])
    store.store.put({name.replace(other.id, recording.id): store.get(name) for name in store.list(f"{other.id}/")})
    for salvage in (False, True):
        with pytest.raises(SealedError, match=f"as recording {recording.id} is recording {other.id}"):
            Hearing(store, recording.id, room.public_key, RECIPIENT, salvage=salvage)


def test_what_was_changed_since_it_was_verified_is_not_heard(
    store: Watched, clerk: Clerk, room: Talking, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, other = room.record(3), room.record(3)
    keep(clerk, recording)
    hearing = hear(store, recording, room)
    monkeypatch.setattr(hearing, "_body", lambda index: other.blocks[index].body)
    with pytest.raises(SealedError, match="changed while it was read"):
        b"".join(hearing.read(0, hearing.size))


def test_after_the_end_nothing_is_read(store: Watched, clerk: Clerk, room: Talking) -> None:
    recording = room.record(3)
    keep(clerk, recording)
    hearing = hear(store, recording, room)
    hearing.close()
    with pytest.raises(SealedError, match="does not open"):
        b"".join(hearing.read(0, hearing.size))


def test_who_may_not_hear_is_told_why(store: Watched, clerk: Clerk, room: Talking) -> None:
    recording, refused, going = room.record(3), room.record(3), room.record(3)
    keep(clerk, recording)
    for said, uploads in ((refused, [refused.preamble, refused.refusal]), (going, going.kept[:3])):
        clerk.process(clerk.check([Message(str(said.topic), bytes(each)) for each in uploads]), WALL_MS)
    with pytest.raises(SealedError, match="was refused"):
        hear(store, refused, room)
    with pytest.raises(SealedError, match="not whole: it has no end"):
        hear(store, going, room)
    with pytest.raises(SealedError, match="there is no keybox in it"):
        Hearing(store, going.id, room.public_key, RECIPIENT, salvage=True)
    with pytest.raises(SealedError, match="not sealed for this key"):
        Hearing(store, recording.id, room.public_key, RecipientPrivateKey.generate("x25519"))
    with pytest.raises(SealedError, match="signature"):
        Hearing(store, recording.id, Ed25519PrivateKey.generate().public_key(), RECIPIENT)
    with pytest.raises(StoreError, match="has no recording"):
        Hearing(store, "ab" * 16, room.public_key, RECIPIENT)


def test_the_stream_of_records_reads_as_a_file_does() -> None:
    parts = [b"", b"one", b"", b"two", b"three"]
    stream = io.BufferedReader(Records(lambda: iter(parts)), buffer_size=4)
    for _ in range(2):
        assert (stream.read(2), stream.read(3), stream.read()) == (b"on", b"etw", b"othree")
        stream.seek(0)
    with pytest.raises(io.UnsupportedOperation):
        Records(lambda: iter(parts)).seek(3)

"""What the reading room makes is sealed as a recording is: `recorder verify` judges it, and it is heard from its store."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import keyfiles
from recorder.archive import naming
from recorder.archive.catalogue import Catalogue
from recorder.archive.copying import Track, fragment, masked, ogg_file, original
from recorder.archive.derived import DEVICE, keep, sealed
from recorder.archive.enrolled import enrol
from recorder.archive.export import export
from recorder.archive.folder import FolderStore
from recorder.archive.hearing import Hearing
from recorder.archive.masking import Range
from recorder.archive.naming import Enrolment
from recorder.archive.rebuild import adopt, rebuild
from recorder.archive.voice import Alteration
from recorder.audio import GapCause, Moment
from recorder.cli import main
from recorder.config import load
from recorder.errors import SealedError, StoreError
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.verify import State, verify
from tests.archive.heard import OPUS, hear, power, room, tone
from tests.archive.test_playable import decoded

KEY = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
RECIPIENT = RecipientPrivateKey.generate("x25519")
NOW = Moment(1_800_000_000_000, 5_000, True)
PIECES = [tone(440, 1.5), tone(3_100, 1.0), tone(440, 1.5), (48_120, GapCause.PAUSE), tone(440, 1.0)]
MASKS = [Range(1_500, 2_500)]


@pytest.fixture
def hearing(tmp_path: Path) -> Hearing:
    (tmp_path / "archive").mkdir()
    return hear(tmp_path / "archive", room(PIECES))


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore.make(tmp_path / "derived")


def records(track: Track) -> list[bytes]:
    return list(
        sealed(
            track,
            signing_key=KEY,
            recipients=[RECIPIENT.public],
            moment=NOW,
            boot=bytes(16),
            settings=load().seal,
            random=os.urandom,
        )
    )


def again(store: FolderStore, recording: str) -> Hearing:
    return Hearing(store, recording, KEY.public_key(), RECIPIENT)


def test_a_masked_copy_is_heard_from_its_store(hearing: Hearing, store: FolderStore, tmp_path: Path) -> None:
    recording = keep(store, records(masked(hearing, MASKS, OPUS)), NOW.wall_ms, 126)
    kept = again(store, recording)
    assert (kept.report.state, kept.report.preamble.device, kept.report.preamble.sequence) == (State.WHOLE, DEVICE, 1)
    assert [(gap.position, gap.length, gap.cause) for gap in kept.report.gaps] == [(192_000, 48_120, GapCause.PAUSE)]
    heard = decoded(b"".join(kept.read(0, kept.size)), tmp_path)
    assert heard == decoded(b"".join(ogg_file(masked(hearing, MASKS, OPUS), 7)), tmp_path)
    assert len(heard) // 2 == kept.report.ticks == hearing.report.ticks


def test_the_command_verifies_it(
    hearing: Hearing, store: FolderStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = keep(store, records(masked(hearing, MASKS, OPUS)), NOW.wall_ms, 126)
    (tmp_path / "a.sealed").write_bytes(b"".join(export(store, recording)))
    keyfiles.save_device_public(tmp_path / f"{DEVICE}.device.pub", KEY.public_key())
    assert main(["verify", str(tmp_path / "a.sealed")]) == 0
    assert "whole" in capsys.readouterr().out.lower()


def test_a_fragment_tells_the_time_of_its_making_and_nothing_of_the_recording(
    hearing: Hearing, store: FolderStore, tmp_path: Path
) -> None:
    track = fragment(hearing, Range(1_000, 4_500), MASKS, Alteration(1.2, 0.8), OPUS)
    made = records(track)
    report = verify(io.BytesIO(b"".join(made)), [KEY.public_key()])
    assert report.state is State.WHOLE
    assert report.first == NOW
    assert report.last is not None and report.manifest is not None
    assert NOW.wall_ms <= report.last.wall_ms <= report.manifest.wall_ms <= NOW.wall_ms + 3_500
    told = hearing.report.preamble
    assert told.recording.encode() not in b"".join(made)
    assert told.device.encode() not in b"".join(made)
    kept = again(store, keep(store, made, NOW.wall_ms, 180))
    pcm = np.frombuffer(decoded(b"".join(kept.read(0, kept.size)), tmp_path), "<i2")
    assert power(pcm[4_800:19_200], 440 * 1.2, 48_000) > 10 * power(pcm[4_800:19_200], 440, 48_000)


def test_what_is_stored_is_ciphertext(hearing: Hearing, store: FolderStore) -> None:
    items = list(masked(hearing, MASKS, OPUS).items)
    recording = keep(store, records(Track(48_000, 312, iter(items), [])), NOW.wall_ms, 126)
    stored = b"".join(store.get(name) for name in store.list(f"{recording}/"))
    packets = [packet for item in items for packet in getattr(item, "packets", ()) if len(packet) > 8]
    assert packets
    assert not [packet for packet in packets if packet in stored]
    with pytest.raises(SealedError, match="not sealed for this key"):
        Hearing(store, recording, KEY.public_key(), RecipientPrivateKey.generate("x25519"))


def test_each_has_a_key_of_its_own(hearing: Hearing, store: FolderStore) -> None:
    one, other = (records(original(hearing)) for _ in range(2))
    assert one[0] != other[0]
    assert one[1][200:] != other[1][200:]


def test_one_that_was_not_finished_is_never_heard(hearing: Hearing, store: FolderStore) -> None:
    made = records(original(hearing))
    recording = keep(store, made[:-1], NOW.wall_ms, 126)
    with pytest.raises(SealedError, match="there is no keybox in it"):
        again(store, recording)


def test_a_long_one_lies_in_stretches(store: FolderStore) -> None:
    track = Track(48_000, 312, iter(room([np.zeros(48_000 * 300, "<i2")])), [])
    recording = keep(store, records(track), NOW.wall_ms, 126)
    assert list(store.list(naming.blocks(recording))) == [
        f"{recording}/blocks/00000000-00000255",
        f"{recording}/blocks/00000256-00000300",
    ]
    assert again(store, recording).report.ticks == 48_000 * 300


def test_a_catalogue_that_is_rebuilt_knows_it(hearing: Hearing, store: FolderStore, tmp_path: Path) -> None:
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'a.sqlite'}")
    enrol(store, catalogue, [Enrolment(DEVICE, KEY.public_key().public_bytes_raw().hex(), NOW.wall_ms)])
    recording = keep(store, records(original(hearing)), NOW.wall_ms, 180)
    with catalogue.write() as writing:
        adopt(store, writing, recording, 0)
        assert writing.counts().kept == 1
    counts, lacking = rebuild(store, Catalogue(f"sqlite:///{tmp_path / 'b.sqlite'}"), 0)
    assert (counts.kept, lacking) == (1, [])


def test_nothing_is_not_sealed(store: FolderStore) -> None:
    with pytest.raises(ValueError, match="nothing to seal"):
        records(Track(48_000, 312, iter([]), []))
    assert list(store.list("")) == []


def test_one_recording_never_takes_the_place_of_another(hearing: Hearing, store: FolderStore) -> None:
    made = records(original(hearing))
    recording = keep(store, made, NOW.wall_ms, 126)
    assert keep(store, made, NOW.wall_ms, 126) == recording
    with pytest.raises(StoreError, match="already with other bytes"):
        keep(store, made, NOW.wall_ms + 1, 126)

"""`recorder archive` with an action, as a person at a terminal meets it."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import keyfiles
from recorder.archive import naming
from recorder.archive.catalogue import Catalogue
from recorder.archive.clerk import Clerk, Message
from recorder.archive.code import code
from recorder.archive.deletion import Deleter
from recorder.archive.deletions import Deletions
from recorder.archive.folder import FolderStore
from recorder.archive.retention import Cause
from recorder.archive.rewrap import Rotation, rewrap
from recorder.cli import main
from recorder.sealed.keys import RecipientPrivateKey
from tests.archive.test_hearing import Talking
from tests.rooms import RECIPIENT, WALL_MS, Recording, Room


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the configuration of an archive that is there, and of one whose folder was mistyped."""
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive.toml").write_text(f'[archive]\nfolder = "{tmp_path / "archive"}"\n')
    (tmp_path / "mistyped.toml").write_text(f'[archive]\nfolder = "{tmp_path / "archief"}"\n')
    return tmp_path


@pytest.fixture
def recording(site: Path) -> Recording:
    """One that the archive has."""
    room = Talking("room-1")
    keyfiles.save_device_public(site / "room-1.pub", room.public_key)
    assert archive(site, "enrol", "room-1", site / "room-1.pub") == 0
    recording = room.record(3)
    catalogue = Catalogue(f"sqlite:///{site / 'archive' / 'catalogue.sqlite'}")
    store = FolderStore(site / "archive" / "objects")
    clerk = Clerk("archive", Ed25519PrivateKey.generate(), store, catalogue, 126)
    uploads = (*recording.kept, recording.receipt)
    clerk.process(clerk.check([Message(str(recording.topic), bytes(upload)) for upload in uploads]), WALL_MS)
    catalogue.close()
    return recording


def archive(site: Path, *arguments: str | Path, config: str = "archive.toml") -> int:
    return main(["archive", "--config", str(site / config), *map(str, arguments)])


def test_a_recording_comes_out(site: Path, recording: Recording, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert archive(site, "export", recording.id, "-o", site / "out.sealed") == 0
    out = site / "out.sealed"
    assert f"{out}: as it is stored; `recorder verify {out} --device-key ROOM.pub` says" in capsys.readouterr().out
    assert (site / "out.sealed").read_bytes() == b"".join(upload.record for upload in recording.kept)


def test_a_name_that_is_no_devices_is_told_before_its_key_is_read(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert archive(site, "enrol", "Room_7", site / "nowhere.pub") == 2
    told = "'Room_7' is no device's name: 1 to 64 of a-z, 0-9 and '-', as in its certificate"
    assert capsys.readouterr().err == f"recorder archive: {told}\n"


def test_its_consent_receipt_comes_out_and_verifies(
    site: Path, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    assert archive(site, "receipt", recording.id, "-o", site / "out.receipt") == 0
    assert (site / "out.receipt").read_bytes() == recording.receipt.record
    assert f"the client's code: {code(recording.receipt.body)}\n" in capsys.readouterr().out
    assert main(["verify", str(site / "out.receipt"), "--device-key", str(site / "room-1.pub")]) == 0
    assert "Gemeente Voorbeeld" in capsys.readouterr().out
    assert archive(site, "receipt", recording.id, "-o", site / "out.receipt") == 2
    assert "is there already" in capsys.readouterr().err


def test_the_certificate_of_a_deleted_one_comes_out_and_verifies(
    site: Path, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    out = site / "out.deleted"
    assert archive(site, "certificate", recording.id, "-o", out) == 2
    assert f"the archive has no certificate that recording {recording.id} was deleted" in capsys.readouterr().err
    key = Ed25519PrivateKey.generate()
    keyfiles.save_device_public(site / "archive.pub", key.public_key())
    keyfiles.save_device_public(site / "other.pub", Ed25519PrivateKey.generate().public_key())
    catalogue = Catalogue(f"sqlite:///{site / 'archive' / 'catalogue.sqlite'}")
    store = FolderStore(site / "archive" / "objects")
    deletions = Deletions(site / "archive" / "deletions")
    Deleter("archive", key, store, catalogue, deletions, lambda: WALL_MS).delete(recording.id, Cause.UNLINKED)
    catalogue.close()
    assert archive(site, "certificate", recording.id, "-o", out) == 0
    assert f"`recorder verify {out} --archive-key archive.pub` says what it tells" in capsys.readouterr().out
    assert main(["verify", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("DELETED: this archive certifies that it has the recording no more")
    for words in (
        f"recording:  {recording.id}\n",
        "why:        nobody had named the case that it belongs to\n",
        "key:        destroyed, at the latest on 2023-11-14 22:13:20 UTC\n",
        "in room:    the archive had signed for all of it, by which the room forgets it\n",
        f", from {site / 'archive.pub'}\n",
    ):
        assert words in said
    assert main(["verify", str(out), "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out)["deletion"]["cause"] == "unlinked"
    assert main(["verify", str(out), "--archive-key", str(site / "other.pub")]) == 2
    assert "not a certificate of the archive whose key is" in capsys.readouterr().err
    out.write_bytes(out.read_bytes()[:-1])
    assert main(["verify", str(out)]) == 2
    assert archive(site, "export", recording.id, "-o", site / "out.sealed") == 2
    assert "was deleted at the archive (unlinked); nobody can open it any more" in capsys.readouterr().err
    assert archive(site, "receipt", recording.id, "-o", site / "out.receipt") == 0


def test_of_a_recording_without_one_it_is_said(
    site: Path, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "archive" / "objects" / naming.items([recording.receipt.name])).unlink()
    assert archive(site, "receipt", recording.id, "-o", site / "out.receipt") == 2
    assert "the archive has no consent receipt of recording" in capsys.readouterr().err
    assert archive(site, "receipt", "../etc", "-o", site / "out.receipt") == 2
    assert "no recording's id" in capsys.readouterr().err
    assert not (site / "out.receipt").exists()


def test_a_store_that_fails_is_named_and_leaves_no_half_file(
    site: Path, recording: Recording, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = naming.items([block.name for block in recording.blocks])
    real = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if str(path).endswith(name):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    capsys.readouterr()
    for _ in range(2):
        assert archive(site, "export", recording.id, "-o", site / "out.sealed") == 2
        said = f"recorder archive: {site / 'archive' / 'objects'}: {name} cannot be read: Input/output error\n"
        assert capsys.readouterr().err == said
        assert not (site / "out.sealed").exists()


def test_a_file_that_is_there_stays(site: Path, recording: Recording, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "out.sealed").write_bytes(b"somebody's")
    assert archive(site, "export", recording.id, "-o", site / "out.sealed") == 2
    assert capsys.readouterr().err == f"recorder archive: {site / 'out.sealed'}: is there already; give another name\n"
    assert (site / "out.sealed").read_bytes() == b"somebody's"


def test_a_mistyped_folder_is_told_and_not_made(
    site: Path, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ["export", recording.id, "-o", site / "out.sealed"],
        ["rebuild"],
        ["enrol", "room-1", site / "room-1.pub"],
        [],
    ):
        capsys.readouterr()
        assert archive(site, *words, config="mistyped.toml") == 2
        assert str(site / "archief") in capsys.readouterr().err
        assert not (site / "archief").exists()
        assert not (site / "out.sealed").exists()


@pytest.fixture
def objects(site: Path, recording: Recording) -> Path:
    """Where the store was, with a recording; it is away. And there is a key to be enrolled."""
    objects = site / "archive" / "objects"
    objects.rename(site / "away")
    keyfiles.save_device_public(site / "room-2.pub", Room("room-2").public_key)
    return objects


def refusals(site: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """What serving says, and then enrolling, each of which is refused."""
    for words in ([], ["enrol", "room-2", site / "room-2.pub"]):
        capsys.readouterr()
        assert archive(site, *words) == 2
        yield capsys.readouterr().err


def test_a_store_that_is_away_is_told_and_not_made(
    site: Path, objects: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As when its disk is not mounted: what was kept in another one meanwhile would be hidden later."""
    for told in refusals(site, capsys):
        assert f"{objects}: there is no object store; check archive.folder, and that its disk is mounted" in told
        assert not objects.exists()


def test_a_store_of_another_catalogue_is_not_served(
    site: Path, objects: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty folder where its disk belongs; or the disk of another archive."""
    for there in ({}, {naming.device("room-3"): b"{}"}):
        FolderStore.make(objects).put(there)
        for told in refusals(site, capsys):
            assert "not the one that belongs to this catalogue: it lacks devices/room-1. Is the right disk" in told
        assert list(FolderStore(objects).list("")) == list(there)


def test_a_catalogue_that_is_lost_is_told_and_not_made(
    site: Path, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    """Recordings and receipts come out all the same: they need none."""
    catalogue = site / "archive" / "catalogue.sqlite"
    catalogue.unlink()
    for words in (["list"], []):
        capsys.readouterr()
        assert archive(site, *words) == 2
        told = capsys.readouterr().err
        assert f"{catalogue}: there is no catalogue; check archive.folder and archive.catalogue." in told
        assert "rebuilt: recorder archive --config FILE rebuild" in told
    assert archive(site, "export", recording.id, "-o", site / "out.sealed") == 0
    assert archive(site, "receipt", recording.id, "-o", site / "out.receipt") == 0
    assert not catalogue.exists()


def test_an_empty_catalogue_of_a_store_that_is_not_is_not_served(
    site: Path, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor does a device enrolled in it make it look right."""
    (site / "archive" / "catalogue.sqlite").unlink()
    keyfiles.save_device_public(site / "room-2.pub", Room("room-2").public_key)
    for words in (["enrol", "room-2", site / "room-2.pub"], []):
        capsys.readouterr()
        assert archive(site, *words) == 2
        assert "if it was lost, rebuild it: recorder archive --config FILE rebuild" in capsys.readouterr().err
    assert archive(site, "list") == 2
    assert "no device is enrolled; if one was, the catalogue was lost." in capsys.readouterr().err
    assert not (site / "archive" / "objects" / "devices" / "room-2").exists()
    assert archive(site, "rebuild") == 0
    capsys.readouterr()
    assert archive(site, "list") == 0
    assert recording.id in capsys.readouterr().out


def test_a_list_tells_the_newest_first(site: Path, recording: Recording, capsys: pytest.CaptureFixture[str]) -> None:
    room = Room("room-2")
    keyfiles.save_device_public(site / "room-2.pub", room.public_key)
    assert archive(site, "enrol", "room-2", site / "room-2.pub") == 0
    other, refused = room.record(2), room.record(2)
    catalogue = Catalogue(f"sqlite:///{site / 'archive' / 'catalogue.sqlite'}")
    clerk = Clerk("archive", Ed25519PrivateKey.generate(), FolderStore(site / "archive" / "objects"), catalogue, 126)
    for minutes, (each, *uploads) in enumerate(
        ((other, other.preamble), (refused, refused.preamble, refused.refusal)), 1
    ):
        messages = [Message(str(each.topic), bytes(upload)) for upload in uploads]
        clerk.process(clerk.check(messages), WALL_MS + minutes * 60_000)
    catalogue.close()
    capsys.readouterr()
    assert archive(site, "list", "--json") == 0
    told = [msgspec.json.decode(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["recording"] for each in told] == [refused.id, other.id, recording.id]
    assert told[1] == {
        "recording": other.id,
        "device": "room-2",
        "first_ms": WALL_MS + 60_000,
        "state": "open",
        "sequence": 1,
        "made_ms": WALL_MS,
        "ended": None,
        "delete_after_ms": WALL_MS + 126 * 86_400_000,
    }
    assert archive(site, "list", "--device", "room-2", "--limit", "1", "--json") == 0
    assert [msgspec.json.decode(line)["recording"] for line in capsys.readouterr().out.splitlines()] == [refused.id]
    assert archive(site, "list", "--device", "room-3") == 2
    assert "'room-3' is not enrolled; those that are: room-1, room-2\n" in capsys.readouterr().err
    assert archive(site, "list") == 0
    out = capsys.readouterr().out
    assert "of 1 kept, 1 open, 1 refused, 0 deleted" in out
    assert out.index(refused.id) < out.index(other.id) < out.index(recording.id)
    assert "room-1" in out
    assert "stop" in out


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_that_is_none_is_refused(site: Path, limit: str) -> None:
    with pytest.raises(SystemExit):
        archive(site, "list", "--limit", limit)


def test_rebuild_says_what_there_is(site: Path, recording: Recording, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert archive(site, "rebuild") == 2
    assert "the catalogue is not empty" in capsys.readouterr().err
    (site / "archive" / "catalogue.sqlite").unlink()
    objects = site / "archive" / "objects"
    (objects / naming.items([block.name for block in recording.blocks])).unlink()
    FolderStore(objects).put({naming.items([each.name]): each.record for each in recording.blocks[::2]})
    assert archive(site, "rebuild") == 0
    assert capsys.readouterr().out == (
        "devices: 1; records in conflict: 0\nrecordings: 0 kept, 1 open, 0 refused, 0 deleted\n"
        f"{recording.id}: 2 of 3 blocks are here\n"
    )


def test_other_keys_open_what_is_here(site: Path, recording: Recording, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "passphrase").write_text("six words or more are enough\n")
    new = RecipientPrivateKey.generate("x25519")
    for name, key in (("old", RECIPIENT), ("new", new)):
        keyfiles.save_recipient(site / f"{name}.key", key, b"six words or more are enough")
    keyfiles.save_recipient_public(site / "vault.pub", RecipientPrivateKey.generate("mlkem768-x25519").public)
    keys = [f"--{name}{part}" for name in ("old", "new") for part in ("", "-passphrase-file")]
    files = [site / "old.key", site / "passphrase", site / "new.key", site / "passphrase"]
    told = [each for pair in zip(keys, files, strict=True) for each in pair]
    words = ["archive", "--config", str(site / "archive.toml"), "rewrap", *map(str, told)]
    for option in ("--old-passphrase-file", "--new-passphrase-file"):
        at = words.index(option)
        command = [sys.executable, "-m", "recorder", *words[:at], *words[at + 2 :]]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, start_new_session=True
        )
        assert done.returncode == 2
        assert done.stderr.endswith(f"there is no terminal to ask for the passphrase; use {option}\n")
    capsys.readouterr()
    before = opened(site, recording, "old")
    assert archive(site, "rewrap", *told, "--escrow", site / "vault.pub") == 0
    said = capsys.readouterr().out
    assert "1 recording has other keys now, 0 had them already, 0 could not be done" in said
    assert "restart the reading room" in said
    assert archive(site, "rewrap", *told, "--escrow", site / "vault.pub") == 0
    assert "0 recordings have other keys now, 1 had them already" in capsys.readouterr().out
    assert archive(site, "rewrap", *told) == 2  # the old key opens it no more
    out = capsys.readouterr()
    assert "keep the old key" in out.out
    assert f"{recording.id}: the recording is not sealed for this key" in out.err.replace("\n", " ")
    keyed = site / "new.sealed.keybox"
    assert opened(site, recording, "new") == before
    said = capsys.readouterr().out
    assert f"{keyed}: its keys were changed at the archive" in said
    assert archive(site, "export", recording.id, "-o", site / "new.sealed") == 2  # is there already
    assert main(["verify", str(site / "new.sealed"), "--device-key", str(site / "room-1.pub")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("WHOLE")
    assert "keybox:     beside it, in a file of its own: the archive gave the recording other keys" in said
    assert f", in {keyed}, which the archive made. Keep both files together" in said
    assert "cut short" not in said
    assert main(["verify", str(keyed)]) == 2
    said = capsys.readouterr().err
    assert "is not a recording, but the keys of one, which the archive has changed (`rewrap`)" in said
    assert f"verify that: recorder verify {site / 'new.sealed'}" in said
    assert open_by(site, "new", "old") == 2
    assert "not sealed for this key" in capsys.readouterr().err
    keyed.write_bytes(keyed.read_bytes()[:-1])
    assert open_by(site, "new", "new") == 2
    assert f"{keyed}: not a keybox, or it was damaged" in capsys.readouterr().err
    assert main(["verify", str(site / "new.sealed"), "--device-key", str(site / "room-1.pub")]) == 2
    assert f"{keyed}: not a keybox, or it was damaged" in capsys.readouterr().err
    keyed.unlink()
    assert main(["verify", str(site / "new.sealed"), "--device-key", str(site / "room-1.pub")]) == 0
    assert f"these are a file of their own, {keyed}; put it beside this one, or export the recording again" in (
        capsys.readouterr().out
    )
    assert open_by(site, "new", "new") == 2
    assert "these are a file of their own, of this one's name and .keybox" in capsys.readouterr().err


def test_an_export_whose_keys_cannot_be_written_leaves_nothing(
    site: Path, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue = Catalogue(f"sqlite:///{site / 'archive' / 'catalogue.sqlite'}")
    store = FolderStore(site / "archive" / "objects")
    assert rewrap(store, catalogue, recording.id, Rotation(RECIPIENT, RecipientPrivateKey.generate("x25519")))
    catalogue.close()
    (site / "out.sealed.keybox").write_bytes(b"of another recording")
    assert archive(site, "export", recording.id, "-o", site / "out.sealed") == 2
    assert f"{site / 'out.sealed.keybox'}: is there already" in capsys.readouterr().err
    assert not (site / "out.sealed").exists()


def opened(site: Path, recording: Recording, key: str) -> bytes:
    """What `recorder open` makes of what `recorder archive export` wrote."""
    assert archive(site, "export", recording.id, "-o", site / f"{key}.sealed") == 0
    assert open_by(site, key, key) == 0
    return (site / f"{key}.opus").read_bytes()


def open_by(site: Path, name: str, key: str) -> int:
    sealed, keys = site / f"{name}.sealed", ["--device-key", site / "room-1.pub", "--key", site / f"{key}.key"]
    told = [sealed, *keys, "--passphrase-file", site / "passphrase", "-o", site / f"{name}.opus", "--force"]
    return main(["open", *map(str, told)])

"""Which store the settings name, and the command on a bucket of S3."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import keyfiles
from recorder.archive import naming
from recorder.archive.catalogue import Catalogue
from recorder.archive.clerk import Clerk, Message
from recorder.archive.folder import FolderStore
from recorder.archive.s3 import S3Store
from recorder.archive.stores import open_store
from recorder.cli import main
from recorder.config import Archive, load
from recorder.errors import StoreError
from tests.archive.ceph import Ceph
from tests.rooms import WALL_MS, Room

KEYS = "[default]\naws_access_key_id = AB12\naws_secret_access_key = c/d+e=%f\n"


def settings(folder: Path, **given: str) -> Path:
    file = folder / "archive.toml"
    lines = [f'{key} = "{value}"' for key, value in {"folder": str(folder / "archive"), **given}.items()]
    file.write_text("\n".join(["[archive]", *lines]))
    return file


def on_s3(folder: Path, **given: str) -> Archive:
    (folder / "keys").write_text(KEYS)
    named = {
        "objects": "s3://archive/objects",
        "objects_endpoint": "http://127.0.0.1:9",
        "objects_credentials": str(folder / "keys"),
    }
    return load(settings(folder, **(named | given))).archive


def test_a_folder_below_the_archives(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    config = load(settings(tmp_path)).archive
    with pytest.raises(StoreError, match="no object store"):
        open_store(config)
    open_store(config, "make").put({"devices/room-1": b"one"})
    store = open_store(config)
    assert isinstance(store, FolderStore)
    assert (tmp_path / "archive" / "objects" / "devices" / "room-1").read_bytes() == b"one"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "keys: cannot be read: No such file or directory; check archive.objects_credentials"),
        ("", r"below \[default\]"),
        ("aws_access_key_id = a", r"below \[default\]"),
        ("[default]\naws_access_key_id = a\n", r"below \[default\]"),
        ("[default]\naws_access_key_id = a\naws_secret_access_key =\n", "are empty"),
        ("[default]\naws_access_key_id = a\naws_secret_access_key = b c\n", "other characters"),
        ("[default]\naws_access_key_id = a\naws_secret_access_key = b\n  c\n", "other characters"),
    ],
)
def test_a_file_without_keys_is_told_and_what_is_in_it_is_not(tmp_path: Path, text: str | None, says: str) -> None:
    config = on_s3(tmp_path)
    (tmp_path / "keys").unlink()
    if text is not None:
        (tmp_path / "keys").write_text(text)
    with pytest.raises(StoreError, match=says):
        open_store(config)


def test_a_secret_key_is_in_no_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"does not answer") as caught:
        open_store(on_s3(tmp_path))
    error: BaseException | None = caught.value
    while error is not None:
        assert "c/d+e" not in repr(error)
        error = error.__cause__


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "ca.pem: cannot be read: No such file or directory; check archive.objects_ca"),
        ("junk", r"holds no certificate \(PEM\); check archive.objects_ca"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "archive.objects_ca are damaged"),
    ],
)
def test_a_file_without_certificates_is_told(tmp_path: Path, text: str | None, says: str) -> None:
    config = on_s3(tmp_path, objects_ca=str(tmp_path / "ca.pem"))
    if text is not None:
        (tmp_path / "ca.pem").write_text(text)
    with pytest.raises(StoreError, match=says):
        open_store(config)


def test_the_command_on_a_bucket(ceph: Ceph, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Enrolled, stored, exported, its receipt told, and the catalogue made anew: over TLS, and nothing in the folder."""
    bucket = ceph.bucket()
    assert bucket.secret_key not in repr(bucket)
    (tmp_path / "keys").write_text(
        f"[default]\naws_access_key_id = {bucket.access_key}\naws_secret_access_key = {bucket.secret_key}\n"
    )
    (tmp_path / "archive").mkdir()
    config = settings(
        tmp_path,
        objects=f"s3://{bucket.name}/{bucket.prefix}",
        objects_endpoint=ceph.tls_endpoint,
        objects_credentials=str(tmp_path / "keys"),
        objects_ca=str(ceph.ca),
    )

    def archive(*words: str | Path) -> int:
        return main(["archive", "--config", str(config), *map(str, words)])

    room = Room("room-1")
    keyfiles.save_device_public(tmp_path / "room-1.pub", room.public_key)
    for words in (["rebuild"], []):
        assert archive(*words) == 2
        assert f"s3://{bucket.name}/{bucket.prefix}: there is no object store" in capsys.readouterr().err
    assert archive("enrol", "room-1", tmp_path / "room-1.pub") == 0
    recording = room.record(3)
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'archive' / 'catalogue.sqlite'}")
    store = open_store(load(config).archive)
    assert isinstance(store, S3Store)
    clerk = Clerk("archive", Ed25519PrivateKey.generate(), store, catalogue, 126)
    uploads = (*recording.kept, recording.receipt)
    clerk.process(clerk.check([Message(str(recording.topic), bytes(upload)) for upload in uploads]), WALL_MS)
    catalogue.close()
    assert archive("export", recording.id, "-o", tmp_path / "out.sealed") == 0
    assert (tmp_path / "out.sealed").read_bytes() == b"".join(upload.record for upload in recording.kept)
    assert archive("receipt", recording.id, "-o", tmp_path / "out.receipt") == 0
    assert (tmp_path / "out.receipt").read_bytes() == recording.receipt.record
    away = store.get(naming.device("room-1"))
    store.delete([naming.device("room-1")])
    assert archive() == 2
    assert "not the one that belongs to this catalogue: it lacks devices/room-1" in capsys.readouterr().err
    store.put({naming.device("room-1"): away})
    (tmp_path / "archive" / "catalogue.sqlite").unlink()
    store.delete([naming.items([block.name for block in recording.blocks])])
    store.put({naming.items([block.name]): block.record for block in recording.blocks[::2]})
    capsys.readouterr()
    assert archive("rebuild") == 0
    assert f"{recording.id}: 2 of 3 blocks are here" in capsys.readouterr().out
    assert not (tmp_path / "archive" / "objects").exists()

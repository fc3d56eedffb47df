"""Key files: they come back as they went, and say in plain words when they do not."""

import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import keyfiles
from recorder.errors import KeyFileError
from recorder.sealed.keys import Kem, RecipientPrivateKey

PASSPHRASE = b"six words are long enough here"
DEVICE = Ed25519PrivateKey.generate()


@pytest.fixture(params=["x25519", "mlkem768-x25519"])
def recipient(request: pytest.FixtureRequest) -> RecipientPrivateKey:
    kem: Kem = request.param
    return RecipientPrivateKey.generate(kem)


def test_a_recipient_comes_back(recipient: RecipientPrivateKey, tmp_path: Path) -> None:
    private, public = tmp_path / "a.key", tmp_path / "a.pub"
    keyfiles.save_recipient(private, recipient, PASSPHRASE)
    keyfiles.save_recipient_public(public, recipient.public)
    back = keyfiles.load_recipient(private, PASSPHRASE)
    assert back.public.key_id == keyfiles.load_recipient_public(public).key_id == recipient.public.key_id
    assert back.public.kem == recipient.public.kem
    assert back.open(keyfiles.load_recipient_public(public).seal(bytearray(b"secret"), b"info"), b"info") == b"secret"
    for file in (private, public):
        assert file.stat().st_mode & 0o777 == 0o600
    assert b"BEGIN PRIVATE KEY" not in private.read_bytes()


def test_a_device_comes_back(tmp_path: Path) -> None:
    keyfiles.save_device(tmp_path / "a.key", DEVICE)
    keyfiles.save_device_public(tmp_path / "a.pub", DEVICE.public_key())
    assert keyfiles.load_device(tmp_path / "a.key").sign(b"x") == DEVICE.sign(b"x")
    assert keyfiles.load_device_public(tmp_path / "a.pub") == DEVICE.public_key()
    assert (tmp_path / "a.key").stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_overwritten(recipient: RecipientPrivateKey, tmp_path: Path) -> None:
    file = tmp_path / "a.key"
    keyfiles.save_recipient(file, recipient, PASSPHRASE)
    before = file.read_bytes()
    for save in (
        lambda: keyfiles.save_recipient(file, recipient, PASSPHRASE),
        lambda: keyfiles.save_recipient_public(file, recipient.public),
        lambda: keyfiles.save_device(file, DEVICE),
    ):
        with pytest.raises(KeyFileError, match="exists already"):
            save()
    assert file.read_bytes() == before


def test_what_was_written_stays_after_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file, its name, and the names of the folders above it: each is synced, and the file before its name."""
    synced: list[str] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    folder = tmp_path / "a" / "b"
    keyfiles.make_folder(folder)
    assert synced == [str(tmp_path), str(tmp_path / "a")]
    assert [each.stat().st_mode & 0o777 for each in (folder, folder.parent)] == [0o700, 0o700]
    keyfiles.make_folder(folder)
    synced.clear()
    keyfiles.write_new(folder / "key", b"secret")
    assert synced == [str(folder / "key"), str(folder)]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300)):
        with pytest.raises(KeyFileError, match="cannot be made"):
            keyfiles.make_folder(folder)


def test_a_wrong_passphrase_is_told_apart(recipient: RecipientPrivateKey, tmp_path: Path) -> None:
    keyfiles.save_recipient(tmp_path / "a.key", recipient, PASSPHRASE)
    with pytest.raises(KeyFileError, match="passphrase is wrong"):
        keyfiles.load_recipient(tmp_path / "a.key", b"another one entirely")


def test_no_wrong_passphrase_is_told_as_damage_alone(tmp_path: Path) -> None:
    """One of 256 decrypts to something that ends as a key might."""
    file = tmp_path / "a.key"
    keyfiles.save_recipient(file, RecipientPrivateKey.generate("x25519"), PASSPHRASE)
    told = set()
    for number in range(2_000):
        with pytest.raises(KeyFileError) as raised:
            keyfiles.load_recipient(file, b"wrong %d" % number)
        told.add(str(raised.value).removeprefix(f"{file}: "))
    assert told <= {"the passphrase is wrong", "the passphrase is wrong, or the file is damaged"}


def test_a_short_passphrase_is_not_taken(recipient: RecipientPrivateKey, tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="at least 12"):
        keyfiles.save_recipient(tmp_path / "a.key", recipient, b"short")
    assert list(tmp_path.iterdir()) == []


def test_files_of_another_kind_are_refused(recipient: RecipientPrivateKey, tmp_path: Path) -> None:
    names = ["recipient", "recipient.pub", "device", "device.pub", "empty", "noise", "long"]
    file = {name: tmp_path / name for name in names}
    keyfiles.save_recipient(file["recipient"], recipient, PASSPHRASE)
    keyfiles.save_recipient_public(file["recipient.pub"], recipient.public)
    keyfiles.save_device(file["device"], DEVICE)
    keyfiles.save_device_public(file["device.pub"], DEVICE.public_key())
    file["empty"].write_bytes(b"")
    file["noise"].write_bytes(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    file["long"].write_bytes(bytes(20_000))
    file["missing"] = tmp_path / "missing"
    loads = {
        "recipient": lambda path: keyfiles.load_recipient(path, PASSPHRASE),
        "recipient.pub": keyfiles.load_recipient_public,
        "device": keyfiles.load_device,
        "device.pub": keyfiles.load_device_public,
    }
    for own, load in loads.items():
        load(file[own])
        for name, path in file.items():
            if name != own:
                with pytest.raises(KeyFileError, match=name):
                    load(path)


def test_openssl_reads_a_classical_key(tmp_path: Path) -> None:
    key = RecipientPrivateKey.generate("x25519")
    keyfiles.save_recipient(tmp_path / "a.key", key, PASSPHRASE)
    told = subprocess.run(
        ["openssl", "pkey", "-in", tmp_path / "a.key", "-passin", "stdin", "-pubout"],
        input=PASSPHRASE + b"\n",
        capture_output=True,
        check=True,
    )
    keyfiles.save_recipient_public(tmp_path / "a.pub", key.public)
    assert told.stdout == (tmp_path / "a.pub").read_bytes()
    stronger = tmp_path / "b.key"
    subprocess.run(
        [
            *("openssl", "pkcs8", "-topk8", "-scrypt", "-in", tmp_path / "a.key", "-out", stronger),
            *("-passin", "pass:" + PASSPHRASE.decode(), "-passout", "pass:" + PASSPHRASE.decode()),
        ],
        capture_output=True,
        check=True,
    )
    assert keyfiles.load_recipient(stronger, PASSPHRASE).public.key_id == key.public.key_id

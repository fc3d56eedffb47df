"""Key files: how the keys of `sealed/keys.py` are kept.

A recipient's file holds one PEM block (RFC 7468) for each part of its key, ML-KEM-768 first: SubjectPublicKeyInfo for the
public one, PKCS#8 encrypted under a passphrase (RFC 5958, PBES2) for the private one. So any OpenSSL from 3.5 can read,
check and re-encrypt them. A device's signing key is in the same two forms but without a passphrase: it must start unattended.

Where an archive has given a recording other keys, its keybox for them is a file beside the recording's: one record, as it would
stand at the recording's end.

Files are created with mode 0600 and keys never overwritten: a key that is gone takes every recording with it.
"""

import os
import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from recorder.errors import KeyFileError, SealedError
from recorder.sealed.keys import RecipientPrivateKey, RecipientPublicKey
from recorder.sealed.layout import BODY_BYTES_MAX, RECIPIENTS_MAX, Keybox, RecordType, parse_record

KEY_FILE_BYTES_MAX = 16_384
KEYBOX_FILE_BYTES_MAX = 5 + BODY_BYTES_MAX[RecordType.KEYBOX]
PASSPHRASE_BYTES_MIN = 12
"""OpenSSL stretches a PKCS#8 passphrase little (PBKDF2, 2,048 rounds): its length has to do the work."""

_PrivatePart = Ed25519PrivateKey | MLKEM768PrivateKey | X25519PrivateKey
_PublicPart = Ed25519PublicKey | MLKEM768PublicKey | X25519PublicKey


def save_recipient(file: Path, key: RecipientPrivateKey, passphrase: bytes) -> None:
    """Write a private key, encrypted under `passphrase`; KeyFileError if the file exists or the passphrase is short."""
    if len(passphrase) < PASSPHRASE_BYTES_MIN:
        raise KeyFileError(
            f"{file}: the passphrase must have at least {PASSPHRASE_BYTES_MIN} characters; use six words"
        )
    encryption = BestAvailableEncryption(passphrase)
    parts: list[_PrivatePart] = [key.x25519] if key.mlkem is None else [key.mlkem, key.x25519]
    write_new(file, b"".join(_private_pem(part, encryption) for part in parts))


def save_recipient_public(file: Path, key: RecipientPublicKey) -> None:
    parts: list[_PublicPart] = [key.x25519] if key.mlkem is None else [key.mlkem, key.x25519]
    write_new(file, b"".join(_public_pem(part) for part in parts))


def save_device(file: Path, key: Ed25519PrivateKey) -> None:
    """Write a device's signing key, without a passphrase: the file's mode and the card are all that guards it."""
    write_new(file, _private_pem(key, NoEncryption()))


def save_device_public(file: Path, key: Ed25519PublicKey) -> None:
    write_new(file, _public_pem(key))


def check_recipient(file: Path) -> None:
    """KeyFileError if no passphrase could make a recipient's private key of what is in `file`: before one is asked for."""
    _pem_blocks(file, "ENCRYPTED PRIVATE KEY")


def load_recipient(file: Path, passphrase: bytes) -> RecipientPrivateKey:
    """The private key in `file`; KeyFileError if it is not one or the passphrase is wrong."""
    match [_load_private(file, pem, passphrase) for pem in _pem_blocks(file, "ENCRYPTED PRIVATE KEY")]:
        case [X25519PrivateKey() as x25519]:
            return RecipientPrivateKey(x25519)
        case [MLKEM768PrivateKey() as mlkem, X25519PrivateKey() as x25519]:
            return RecipientPrivateKey(x25519, mlkem)
    raise KeyFileError(f"{file}: holds another kind of key than a recipient's private key")


def load_recipient_public(file: Path) -> RecipientPublicKey:
    match [_load_public(file, pem) for pem in _pem_blocks(file, "PUBLIC KEY")]:
        case [X25519PublicKey() as x25519]:
            return RecipientPublicKey(x25519)
        case [MLKEM768PublicKey() as mlkem, X25519PublicKey() as x25519]:
            return RecipientPublicKey(x25519, mlkem)
    raise KeyFileError(f"{file}: holds another kind of key than a recipient's public key")


def load_recipients(folder: Path) -> list[RecipientPublicKey]:
    """Every `*.pub` in the folder: whoever shall be able to open a recording. KeyFileError if there is none."""
    files = sorted(folder.glob("*.pub"))
    if not files:
        raise KeyFileError(f"{folder}: holds no recipient's public key (*.pub), so that nobody could open a recording")
    recipients = [load_recipient_public(file) for file in files]
    if len(recipients) > RECIPIENTS_MAX:
        raise KeyFileError(
            f"{folder}: holds {len(recipients)} recipients' keys; a recording is for {RECIPIENTS_MAX} at most"
        )
    if len({each.kem for each in recipients}) > 1:
        raise KeyFileError(f"{folder}: holds recipients' keys of different kinds; a recording needs one kind for all")
    return recipients


def load_device(file: Path) -> Ed25519PrivateKey:
    match [_load_private(file, pem, None) for pem in _pem_blocks(file, "PRIVATE KEY")]:
        case [Ed25519PrivateKey() as key]:
            return key
    raise KeyFileError(f"{file}: holds another kind of key than a device's signing key")


def load_device_public(file: Path) -> Ed25519PublicKey:
    match [_load_public(file, pem) for pem in _pem_blocks(file, "PUBLIC KEY")]:
        case [Ed25519PublicKey() as key]:
            return key
    raise KeyFileError(f"{file}: holds another kind of key than a device's public key")


def keybox_beside(file: Path) -> Path:
    """Where the keybox for other keys than the room's lies, of the sealed recording in `file`."""
    return file.with_name(f"{file.name}.keybox")


def load_keybox_beside(file: Path) -> bytes | None:
    """The body of that keybox; None if there is none. KeyFileError if it is none, or cannot be read."""
    beside = keybox_beside(file)
    try:
        with beside.open("rb") as source:
            data = source.read(KEYBOX_FILE_BYTES_MAX + 1)
        kind, body = parse_record(data)
        Keybox.parse(body)
    except FileNotFoundError:
        return None
    except SealedError as error:
        raise KeyFileError(f"{beside}: not a keybox, or it was damaged: {error}; export the recording again") from error
    except OSError as error:
        raise KeyFileError(f"{beside}: cannot be read: {error.strerror}") from error
    if kind is not RecordType.KEYBOX:
        raise KeyFileError(f"{beside}: not a keybox, but a {kind.name.lower()}; export the recording again")
    return body


def _private_pem(key: _PrivatePart, encryption: KeySerializationEncryption) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _public_pem(key: _PublicPart) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def write_new(file: Path, data: bytes) -> None:
    """Write `data` to a file that did not exist, for its owner alone; durable when this returns."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeyFileError(f"{file}: exists already, and a key is never overwritten; choose another name") from error
    except OSError as error:
        raise KeyFileError(f"{file}: cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        _sync_folder(file.parent)
    except OSError as error:
        file.unlink(missing_ok=True)
        raise KeyFileError(f"{file}: cannot be written: {error.strerror}") from error


def replace(file: Path, data: bytes) -> None:
    """Put `data` in the place of what `file` holds, whole or not at all; durable when this returns. Never for a key."""
    new = file.with_name(f"{file.name}.new")
    try:
        new.unlink(missing_ok=True)  # of one that was cut short
        write_new(new, data)
        new.rename(file)
        _sync_folder(file.parent)
    except OSError as error:
        raise KeyFileError(f"{file}: cannot be written: {error.strerror}") from error


def make_folder(folder: Path) -> None:
    """A folder for keys, and those above it that are missing, for their owner alone; durable when this returns."""
    try:
        if not folder.is_dir():
            make_folder(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)  # another program may make it at this moment
            _sync_folder(folder.parent)
    except OSError as error:
        raise KeyFileError(f"{folder}: cannot be made: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _pem_blocks(file: Path, label: str) -> list[bytes]:
    """The PEM blocks in `file`, all of which must carry `label`."""
    try:
        with file.open("rb") as source:
            data = source.read(KEY_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise KeyFileError(f"{file}: cannot be read: {error.strerror}") from error
    if len(data) > KEY_FILE_BYTES_MAX:
        raise KeyFileError(f"{file}: is too long to be a key file")
    labels = re.findall(rb"-----BEGIN ([A-Z ]+)-----", data)
    if not labels:
        raise KeyFileError(f"{file}: is not a key file (PEM)")
    for found in labels:
        if found != label.encode():
            held, needed = (f"{'an' if each[0] in 'AEIOU' else 'a'} {each.lower()}" for each in (found.decode(), label))
            raise KeyFileError(f"{file}: holds {held}; {needed} is needed here")
    return re.findall(rb"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----\n?", data, re.DOTALL)


def _load_private(file: Path, pem: bytes, passphrase: bytes | None) -> object:
    try:
        return load_pem_private_key(pem, passphrase)
    except ValueError as error:
        if passphrase is None:
            raise KeyFileError(f"{file}: is damaged") from error
        if "password" in str(error):
            raise KeyFileError(f"{file}: the passphrase is wrong") from error
        # PBES2 has no checksum: under one wrong passphrase of 256 what comes out ends as a key might, and is none.
        raise KeyFileError(f"{file}: the passphrase is wrong, or the file is damaged") from error
    except (TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{file}: is damaged, or of a kind not known here") from error


def _load_public(file: Path, pem: bytes) -> object:
    try:
        return load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{file}: is damaged, or of a kind not known here") from error

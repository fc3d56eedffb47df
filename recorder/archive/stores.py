"""The store that the settings name: a folder, or a bucket of an S3 server."""

import configparser
import re
from pathlib import Path
from typing import Literal

from recorder.archive.bucket import Bucket
from recorder.archive.folder import FolderStore
from recorder.archive.s3 import S3Store
from recorder.archive.store import Store
from recorder.config import Archive
from recorder.errors import StoreError

FILE_BYTES_MAX = 1_048_576
"""Of a file with keys or certificates."""


FRAGMENTS = "fragments"
"""The part of what the settings name that has the fragments for training: no recordings, and in no catalogue."""


def open_store(config: Archive, purpose: Literal["read", "write", "make"] = "read", part: str = "") -> Store:
    """The archive's object store, which must be there, unless it is to be made; that, too, is to write. Raises StoreError.

    `part` is a store of its own beside it.
    """
    if not config.objects:
        folder = Path(config.folder) / (part or "objects")
        return FolderStore.make(folder) if purpose == "make" else FolderStore(folder)
    bucket = _bucket(config, part)
    match purpose:
        case "read":
            return S3Store(bucket)
        case "write":
            return S3Store.to_write(bucket)
        case "make":
            return S3Store.make(bucket)


def _bucket(config: Archive, part: str) -> Bucket:
    name, _, prefix = config.objects.removeprefix("s3://").partition("/")
    access_key, secret_key = _credentials(Path(config.objects_credentials))
    return Bucket(
        endpoint=config.objects_endpoint,
        region=config.objects_region,
        name=name,
        prefix="/".join(each for each in (prefix, part) if each),
        access_key=access_key,
        secret_key=secret_key,
        ca=_certificates(Path(config.objects_ca)) if config.objects_ca else None,
    )


def _credentials(file: Path) -> tuple[str, str]:
    """Access key and secret key, from a file in the form of AWS's tools."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(_read(file, "archive.objects_credentials").decode())
        found = parser["default"]["aws_access_key_id"], parser["default"]["aws_secret_access_key"]
    except (configparser.Error, KeyError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{file}: archive.objects_credentials must name a file with aws_access_key_id and aws_secret_access_key "
            "below [default]"
        ) from error
    if not all(re.fullmatch("[!-~]+", each) for each in found):
        raise StoreError(f"{file}: the keys below [default] are empty or have other characters than ASCII's")
    return found


def _certificates(file: Path) -> bytes:
    data = _read(file, "archive.objects_ca")
    if b"-----BEGIN CERTIFICATE-----" not in data:
        raise StoreError(f"{file}: holds no certificate (PEM); check archive.objects_ca")
    return data


def _read(file: Path, setting: str) -> bytes:
    try:
        with file.open("rb") as source:
            return source.read(FILE_BYTES_MAX)
    except OSError as error:
        raise StoreError(f"{file}: cannot be read: {error.strerror}; check {setting}") from error

"""Checkpoints that are to leave the house: each a file of one line, beside the key by which anybody checks them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from recorder.archive import audit_file
from recorder.archive.web.trail import chain
from recorder.keyfiles import make_folder, replace, save_device_public


def folder() -> Path:
    """In the archive's folder, with what may leave it and nothing else."""
    return Path(settings.CONFIG.archive.folder) / "published"


def key_file() -> Path:
    return folder() / "archive.pub"


def publish(key: Ed25519PrivateKey, name: str, now_ms: int) -> Path:
    """Sign how far the trail goes, in the database and in a file named by its line, which is returned.

    KeyFileError if the file cannot be written; then the database has it all the same, and the pages show it.
    """
    made = chain.sign(key, name, now_ms)
    make_folder(folder())
    file = folder() / f"{made.number}.checkpoint"
    with _alone():
        if not key_file().exists():
            save_device_public(key_file(), key.public_key())
        replace(file, audit_file.publish(bytes(made.body)).encode() + b"\n")
    return file


@contextmanager
def _alone() -> Iterator[None]:
    """Two nightly runs at once sign the same line, and write the same file."""
    handle = os.open(folder(), os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

"""A passphrase: from a file's first line, or asked at the terminal."""

import getpass
from pathlib import Path

from recorder.errors import KeyFileError

PASSPHRASE_BYTES_MAX = 4_096


def ask(file: Path | None, *, twice: bool = False) -> bytes:
    """The passphrase; `twice` where a slip of the finger would make a key that nobody can open."""
    if file is not None:
        try:
            with file.open("rb") as source:
                return source.readline(PASSPHRASE_BYTES_MAX).rstrip(b"\r\n")
        except OSError as error:
            raise KeyFileError(f"{file}: cannot be read: {error.strerror}") from error
    passphrase = getpass.getpass("Passphrase of the private key: ")
    if twice and getpass.getpass("The same again: ") != passphrase:
        raise KeyFileError("the two passphrases differ; nothing was written")
    return passphrase.encode()

"""A passphrase: from a file's first line, or asked at the terminal."""

import getpass
import warnings
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
    passphrase = _from_terminal("Passphrase of the private key: ")
    if twice and _from_terminal("The same again: ") != passphrase:
        raise KeyFileError("the two passphrases differ; nothing was written")
    return passphrase.encode()


def _from_terminal(prompt: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)  # it would read, and show, whatever comes instead
        try:
            return getpass.getpass(prompt)
        except (getpass.GetPassWarning, EOFError) as error:
            raise KeyFileError("there is no terminal to ask for the passphrase; use --passphrase-file") from error

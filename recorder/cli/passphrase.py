"""A passphrase, and the key that it opens: from a file's first line, or asked at the terminal."""

import getpass
import warnings
from pathlib import Path

from recorder.errors import KeyFileError
from recorder.keyfiles import check_recipient, load_recipient
from recorder.sealed.keys import RecipientPrivateKey

PASSPHRASE_BYTES_MAX = 1_023
"""OpenSSL encrypts a key with no longer one."""
OPTION = "--passphrase-file"


def load(key: Path, file: Path | None, option: str = OPTION) -> RecipientPrivateKey:
    """The private key in `key`, of which something is asked only if it can be one. `option` names the passphrase's `file`."""
    check_recipient(key)
    return load_recipient(key, ask(file, option, of=str(key)))


def ask(file: Path | None, option: str = OPTION, *, of: str = "the private key", twice: bool = False) -> bytes:
    """The passphrase `of` a key; `twice` where a slip of the finger would make one that nobody can open."""
    passphrase = _from_terminal(option, of, twice=twice) if file is None else _from_file(file)
    if len(passphrase) > PASSPHRASE_BYTES_MAX:
        raise KeyFileError(f"the passphrase has more than {PASSPHRASE_BYTES_MAX} bytes; use six words")
    return passphrase


def _from_file(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            return source.readline(PASSPHRASE_BYTES_MAX + len(b"\r\n") + 1).rstrip(b"\r\n")
    except OSError as error:
        raise KeyFileError(f"{file}: cannot be read: {error.strerror}") from error


def _from_terminal(option: str, of: str, *, twice: bool) -> bytes:
    passphrase = _type(f"Passphrase of {of}: ", option)
    if twice and _type("The same again: ", option) != passphrase:
        raise KeyFileError("the two passphrases differ; nothing was written")
    return passphrase.encode()


def _type(prompt: str, option: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)  # it would read, and show, whatever comes instead
        try:
            return getpass.getpass(prompt)
        except (getpass.GetPassWarning, EOFError) as error:
            raise KeyFileError(f"there is no terminal to ask for the passphrase; use {option}") from error

"""The spoken announcement: heard before a recording begins, in short sentences (B1; N3, N5)."""

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Literal, get_args

from recorder.errors import NoticeError

Language = Literal["nl", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
WORDS_A_MINUTE = 150
"""espeak-ng's own 175 are too many for who hears this for the first time."""
_TEXTS: dict[Language, str] = {
    "nl": (
        "Goedendag. Dit gesprek wordt zo opgenomen. "
        "De opname laat zien wat er is gezegd, aan u en aan ons. "
        "Wilt u dat niet? Druk dan op de grote knop. "
        "Dat mag altijd, ook straks. Dan wordt alles gewist. "
        "Nee zeggen heeft geen gevolgen voor u. "
        "U mag zelf ook opnemen."
    ),
    "en": (
        "Good day. This conversation will be recorded in a moment. "
        "The recording shows what was said, to you and to us. "
        "You do not want that? Then press the large button. "
        "You may do so at any time, also later. Then everything is erased. "
        "Saying no has no consequences for you. "
        "You may record it yourself, too."
    ),
}


def text(language: Language) -> str:
    """What is said."""
    return _TEXTS[language]


def text_sha256(language: Language) -> str:
    """The text's SHA-256, 64 hexadecimal digits: which version of it a client heard."""
    return hashlib.sha256(text(language).encode()).hexdigest()


def synthesise(language: Language, file: Path) -> None:
    """Let espeak-ng speak it into a WAV file; a NoticeError says what is missing or in the way."""
    if shutil.which("espeak-ng") is None:
        raise NoticeError("espeak-ng is missing; on Debian: apt install espeak-ng")
    if file.exists():
        raise NoticeError(f"{file}: exists already; choose another name, or remove it")
    command = ["espeak-ng", "-v", language, "-s", str(WORDS_A_MINUTE), "-w", str(file), text(language)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not file.exists():
        raise NoticeError(f"{file}: espeak-ng could not speak into it: {done.stderr.strip() or 'no reason given'}")

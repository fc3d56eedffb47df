"""The spoken announcement: heard before a recording begins, in short sentences (B1; N3, N5)."""

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
        "Goedendag. {what} "
        "De opname laat zien wat er is gezegd, aan u en aan ons. "
        "Wilt u dat niet? Druk dan op de grote knop. "
        "{until} Zegt u nee, dan wordt alles gewist. "
        "Nee zeggen heeft geen gevolgen voor u. "
        "U mag zelf ook opnemen."
    ),
    "en": (
        "Good day. {what} "
        "The recording shows what was said, to you and to us. "
        "You do not want that? Then press the large button. "
        "{until} If you say no, everything is erased. "
        "Saying no has no consequences for you. "
        "You may record it yourself, too."
    ),
}
_WHAT: dict[Language, tuple[str, str]] = {
    "nl": ("Dit gesprek wordt zo opgenomen.", "Wij vragen zo of dit gesprek mag worden opgenomen."),
    "en": (
        "This conversation will be recorded in a moment.",
        "In a moment we ask whether this conversation may be recorded.",
    ),
}
"""Where nobody is asked, and where everybody is."""
_UNTIL: dict[Language, tuple[str, str, str]] = {
    "nl": (
        "Dat mag zolang de opname loopt.",
        "Dat mag tot 1 minuut na afloop.",
        "Dat mag tot {minutes} minuten na afloop.",
    ),
    "en": (
        "You may do so for as long as it is recorded.",
        "You may do so until 1 minute after the end.",
        "You may do so until {minutes} minutes after the end.",
    ),
}
"""By the whole minutes of the grace period: none, one, more."""


def text(language: Language, grace_seconds: float, *, asked: bool) -> str:
    """What is said in a room of this grace period; `asked` where everyone is. It promises no second more than there is."""
    minutes = int(grace_seconds // 60)
    until = _UNTIL[language][min(minutes, 2)].format(minutes=minutes)
    return _TEXTS[language].format(what=_WHAT[language][asked], until=until)


def synthesise(said: str, language: Language, file: Path) -> None:
    """Let espeak-ng speak it into a WAV file; a NoticeError says what is missing or in the way."""
    if shutil.which("espeak-ng") is None:
        raise NoticeError("espeak-ng is missing; on Debian: apt install espeak-ng")
    if file.exists():
        raise NoticeError(f"{file}: exists already; choose another name, or remove it")
    command = ["espeak-ng", "-v", language, "-s", str(WORDS_A_MINUTE), "-w", str(file), said]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not file.exists():
        raise NoticeError(f"{file}: espeak-ng could not speak into it: {done.stderr.strip() or 'no reason given'}")

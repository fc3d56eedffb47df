"""Which sound card is which, by what it is and not by its number: numbers change with every plug and kernel.

Read from sysfs (Documentation/sound/designs in the kernel): `/sys/class/sound/cardN/id`, the USB device above
`cardN/device`, and `pcmCNDMc` for each PCM that can capture.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from recorder.errors import MicrophoneError, SpeakerError

SYSFS = Path("/sys/class/sound")


@dataclass(frozen=True, slots=True)
class Card:
    """A sound card that can capture, or one that can play."""

    number: int
    """What the kernel calls it at the moment."""
    pcm: int
    """Its first PCM that can."""
    name: str
    """ALSA's id of the card."""
    usb: str | None
    """`VENDOR:PRODUCT` as lsusb shows them, if it is on USB."""
    serial: str | None

    @property
    def address(self) -> str:
        """How ALSA opens it at the moment, e.g. `hw:1,0`."""
        return f"hw:{self.number},{self.pcm}"

    @property
    def identity(self) -> str:
        """The identity for `microphone.identity`, as narrow as the card allows."""
        if self.usb is None:
            return f"alsa:{self.name}"
        return f"usb:{self.usb}" + (f":{self.serial}" if self.serial else "")

    def answers_to(self, identity: str) -> bool:
        """Whether `identity` (`usb:…` or `alsa:…`) names this card."""
        kind, _, rest = identity.partition(":")
        if kind == "alsa":
            return rest == self.name
        vendor, product, *serial = rest.split(":", 2)
        return self.usb == f"{vendor}:{product}" and serial in ([], [self.serial])


def capture_cards(sysfs: Path = SYSFS) -> list[Card]:
    """Every card that can capture, by number."""
    return _cards(sysfs, "c")


def playback_cards(sysfs: Path = SYSFS) -> list[Card]:
    """Every card that can play, by number."""
    return _cards(sysfs, "p")


def _cards(sysfs: Path, way: Literal["c", "p"]) -> list[Card]:
    pcms: dict[int, int] = {}
    for entry in sorted(sysfs.glob(f"pcmC*D*{way}")):
        found = re.fullmatch(rf"pcmC(\d+)D(\d+){way}", entry.name)
        if found:
            number, pcm = int(found[1]), int(found[2])
            pcms[number] = min(pcm, pcms.get(number, pcm))
    return [_card(sysfs, number, pcm) for number, pcm in sorted(pcms.items())]


def find(identity: str, sysfs: Path = SYSFS) -> Card:
    """The one card that can capture and that `identity` names; a MicrophoneError if none or several do."""
    found, flaw = _only(identity, capture_cards(sysfs), "microphone")
    if found is None:
        raise MicrophoneError(flaw)
    return found


def find_speaker(identity: str, sysfs: Path = SYSFS) -> Card:
    """The one card that can play and that `identity` names; a SpeakerError if none or several do."""
    found, flaw = _only(identity, playback_cards(sysfs), "speaker")
    if found is None:
        raise SpeakerError(flaw)
    return found


def _only(identity: str, cards: list[Card], what: str) -> tuple[Card | None, str]:
    """The card that `identity` names, or why there is none."""
    matches = [card for card in cards if card.answers_to(identity)]
    present = ", ".join(card.identity for card in cards) or "none at all"
    if len(matches) == 1:
        return matches[0], ""
    if matches:
        return None, f"{len(matches)} {what}s answer to {identity}; name one exactly. Present: {present}"
    return None, f"the {what} {identity} is not there. Check its plug. Present: {present}"


def _card(sysfs: Path, number: int, pcm: int) -> Card:
    folder = sysfs / f"card{number}"
    device = (folder / "device").resolve()  # a USB card's device is an interface; its parent is the thing with a plug
    usb = device.parent
    vendor, product = _read(usb / "idVendor"), _read(usb / "idProduct")
    return Card(
        number=number,
        pcm=pcm,
        name=_read(folder / "id") or str(number),
        usb=f"{vendor}:{product}" if vendor and product else None,
        serial=_read(usb / "serial"),
    )


def _read(file: Path) -> str | None:
    """A line of sysfs; None where there is none, or where it went with its plug just now."""
    try:
        return file.read_text().strip() or None
    except OSError:
        return None

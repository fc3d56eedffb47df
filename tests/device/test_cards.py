"""Cards are known by what they are, in made-up sysfs trees like those of real kernels."""

from pathlib import Path

import pytest

from recorder.device import cards
from recorder.errors import MicrophoneError


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    folder = tmp_path / "class" / "sound"
    folder.mkdir(parents=True)
    return folder


def plug(sysfs: Path, number: int, name: str, usb: tuple[str, str, str | None] | None = None, capture: bool = True):
    """One card as the kernel shows it: links into a tree of devices."""
    bus = sysfs.parent.parent / "devices" / f"port{number}"
    interface = bus / f"{number}-1:1.0"
    interface.mkdir(parents=True)
    if usb:
        vendor, product, serial = usb
        (bus / "idVendor").write_text(vendor + "\n")
        (bus / "idProduct").write_text(product + "\n")
        if serial:
            (bus / "serial").write_text(serial + "\n")
    card = sysfs / f"card{number}"
    card.mkdir()
    (card / "id").write_text(name + "\n")
    (card / "device").symlink_to(interface)
    for pcm in ("D0p", "D1c", "D0c") if capture else ("D0p",):
        (sysfs / f"pcmC{number}{pcm}").mkdir()


RESPEAKER = ("2886", "0018", None)


def test_a_usb_microphone_is_found_whatever_its_number(sysfs):
    plug(sysfs, 0, "vc4hdmi", capture=False)
    plug(sysfs, 3, "ArrayUAC10", RESPEAKER)
    assert cards.find("usb:2886:0018", sysfs).address == "hw:3,0"
    assert cards.find("alsa:ArrayUAC10", sysfs).number == 3


def test_a_serial_number_tells_twins_apart(sysfs):
    plug(sysfs, 1, "Mic", ("0d8c", "0014", "A:1"))
    plug(sysfs, 2, "Mic_1", ("0d8c", "0014", "A:2"))
    assert cards.find("usb:0d8c:0014:A:2", sysfs).number == 2
    with pytest.raises(MicrophoneError, match=r"2 microphones answer.*usb:0d8c:0014:A:1"):
        cards.find("usb:0d8c:0014", sysfs)


def test_a_missing_microphone_is_told_with_what_is_there(sysfs):
    plug(sysfs, 1, "Webcam", ("046d", "0825", None))
    with pytest.raises(MicrophoneError, match=r"usb:2886:0018 is not there.*Present: usb:046d:0825"):
        cards.find("usb:2886:0018", sysfs)


def test_a_card_that_cannot_capture_is_no_microphone(sysfs):
    plug(sysfs, 0, "Headphones", capture=False)
    with pytest.raises(MicrophoneError, match="none at all"):
        cards.find("alsa:Headphones", sysfs)


def test_cards_come_by_number_and_each_is_found_by_its_identity(sysfs):
    plug(sysfs, 0, "Headphones", capture=False)
    plug(sysfs, 2, "PCH")
    plug(sysfs, 10, "ArrayUAC10", RESPEAKER)
    assert [card.identity for card in cards.capture_cards(sysfs)] == ["alsa:PCH", "usb:2886:0018"]
    for card in cards.capture_cards(sysfs):
        assert cards.find(card.identity, sysfs) == card


def test_a_machine_without_sound_has_no_cards(tmp_path):
    assert cards.capture_cards(tmp_path / "nowhere") == []

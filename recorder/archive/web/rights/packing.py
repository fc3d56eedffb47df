"""Files for who was heard, in one ZIP file that is made as it is read; and those that show what the buttons said."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from recorder.archive.web.times import day, minute
from recorder.archive.web.words import CONSENT
from recorder.wire.consent import ConsentReceipt

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BOM = "\ufeff"
"""So that every editor reads the letters with accents right."""


@dataclass(frozen=True, slots=True)
class File:
    """One file."""

    name: str
    what: str
    """In words, for the letter."""
    pieces: Iterable[bytes]
    bytes_max: int = 0
    """Of what is no text and not worth packing; 0 for what is."""


def receipt_file(device: str, signed: bytes) -> File:
    """A consent receipt's record, as the store has it."""
    return File(f"{device}.receipt", _("what the buttons said, signed by the room"), [signed])


def consent_file(lines: Iterable[str]) -> File:
    """What `consent` tells, and what stands with it."""
    return text(pgettext("file", "consent"), _("what the buttons said, in words"), lines)


def key_file(device: str, key: Ed25519PublicKey) -> File:
    """The room's."""
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return File(f"{device}.device.pub", _("the key of the room, to check it"), [pem])


def how_to_check(device: str, names: Sequence[str]) -> Iterator[str]:
    """For these files and the room's key beside them."""
    yield _("To check it yourself, with the program that is free at the makers of Wederhoor:")
    for name in names:
        yield f"  recorder verify {name} --device-key {device}.device.pub"


def consent(receipt: ConsentReceipt) -> Iterator[str]:
    """What a receipt says, in words."""
    yield _("When the meeting ended: %(when)s") % {"when": minute(receipt.wall_ms)}
    for each in receipt.pii_processing.purposes:
        what = _("As evidence") if each.purpose == "evidence" else _("For training")
        yield f"{what}: {CONSENT[each.event.event_state]}"
    if receipt.present is not None:
        yield _("How many people said yes, and that is everyone who was counted: %(n)d") % {"n": receipt.answers.yes}
    elif receipt.answers.yes:
        yield _("How many times the button for yes was pressed: %(n)d") % {"n": receipt.answers.yes}
    else:
        yield _("In this room nobody was asked one by one.")
    if receipt.complete is False:
        yield _("Not all of the meeting was recorded.")
    if receipt.delete_after is not None:
        yield _("To be deleted on: %(day)s, unless something changes that") % {"day": day(receipt.delete_after)}


def text(name: str, what: str, lines: Iterable[str]) -> File:
    """A file of these lines."""
    return File(f"{name}.txt", what, [(_BOM + "\r\n".join(lines) + "\r\n").encode()])


def pack(files: Iterable[File]) -> Iterator[bytes]:
    """The ZIP file, in pieces."""
    out = _Out()
    at = datetime.now(UTC).timetuple()[:6]
    with zipfile.ZipFile(out, "w") as made:
        for each in files:
            info = zipfile.ZipInfo(each.name, at)
            info.compress_type = zipfile.ZIP_STORED if each.bytes_max else zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            with made.open(info, "w", force_zip64=each.bytes_max > zipfile.ZIP64_LIMIT) as file:
                for piece in each.pieces:
                    file.write(piece)
                    yield out.take()
            yield out.take()
    yield out.take()


class _Out(io.RawIOBase):
    """What the ZIP file is written to: it cannot go back, and what was taken is not there any more."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer") -> int:
        self._written += data
        return memoryview(data).nbytes

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken

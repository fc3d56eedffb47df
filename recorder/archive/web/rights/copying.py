"""The copy that is handed over: one ZIP file, made as it is read (S2). Only the reading room can: it has the key.

    letter           what this is, how to play it, what is masked and why
    recording        as Ogg Opus, the room's own packets unless something is masked, and as WAV for what plays no Opus
    consent receipt  as its file, and in words; in words alone for a third party: who has the file can reckon the client's code
    who listened     role, purpose and day of each, and to whom copies went; no names of staff
    statements       that stand with the recording
    check            what verifying it gives, and how to do it oneself
    sealed           the recording as the room signed it, with the room's public key; not of a copy with masks, for it has
                     what these mask, if only in cipher

Memory is bounded by a block of audio, and by what is text.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from recorder.archive import copying, export
from recorder.archive.hearing import Hearing
from recorder.archive.masking import Range
from recorder.archive.web.archive import archive
from recorder.archive.web.meetings.models import Statement
from recorder.archive.web.meetings.seen import Seen
from recorder.archive.web.meetings.verified import Verified, verified
from recorder.archive.web.meetings.words import MOMENTS
from recorder.archive.web.rights import letters
from recorder.archive.web.rights.models import CopyPermit, Mask
from recorder.archive.web.times import day, duration, minute
from recorder.archive.web.trail.reading import listeners
from recorder.archive.web.words import CONSENT
from recorder.audio import TICKS_PER_SECOND
from recorder.config import Config

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BOM = "\ufeff"
"""So that every editor reads the letters with accents right."""


@dataclass(frozen=True, slots=True)
class _File:
    """One file of the copy."""

    name: str
    what: str
    """In words, for the letter."""
    pieces: Iterable[bytes]
    bytes_max: int = 0
    """Of what is no text and not worth packing; 0 for what is."""


def masks(permit: CopyPermit) -> list[Mask]:
    """What this copy does not let hear, in order."""
    of = permit.request or permit.disclosure
    return [] if of is None else list(of.masks.order_by("start_ms", "pk"))


def copy(
    permit: CopyPermit,
    masked: Sequence[Mask],
    seen: Seen,
    hearing: Hearing,
    key: Ed25519PublicKey,
    config: Config,
) -> Iterator[bytes]:
    """The ZIP file, in pieces; `masked` it does not let hear. All that is asked of the database is asked before the first.

    SealedError or StoreError, also between pieces, where a block cannot be opened: then the file is not whole.
    """
    with override(permit.language):
        files = list(_files(permit, masked, seen, hearing, key, config))
    return _zip(files)


def _files(
    permit: CopyPermit,
    masked: Sequence[Mask],
    seen: Seen,
    hearing: Hearing,
    key: Ed25519PublicKey,
    config: Config,
) -> Iterator[_File]:
    ranges = [Range(each.start_ms, each.stop_ms) for each in masked]
    found = [*_audio(hearing, ranges, config), *_words(permit, seen)]
    if not masked:
        found += _sealed(seen, key, _bytes_max(hearing))
    told = [f"{each.name}: {each.what}" for each in found]
    when = minute(seen.row.made_ms or seen.row.first_ms)
    letter = letters.cover(permit, masked, told, when, letters.sender(config))
    yield _File(pgettext("file", "letter") + ".pdf", "", [letter])
    yield from found


def _audio(hearing: Hearing, ranges: Sequence[Range], config: Config) -> Iterator[_File]:
    name = pgettext("file", "recording")
    bytes_max = _bytes_max(hearing)
    track = copying.masked(hearing, ranges, config.opus) if ranges else copying.original(hearing)
    pieces = copying.ogg_file(track, int(hearing.report.preamble.recording[:8], 16))
    yield _File(f"{name}.opus", _("the sound (Ogg Opus)"), pieces, bytes_max)
    yield _File(f"{name}.wav", _("the same sound (WAV)"), copying.wav_file(hearing, ranges), bytes_max)


def _bytes_max(hearing: Hearing) -> int:
    """Of the WAV file, which is the largest."""
    return 2 * hearing.report.ticks * copying.WAV_RATE // TICKS_PER_SECOND + 1_024


def _words(permit: CopyPermit, seen: Seen) -> Iterator[_File]:
    judged = verified(archive().store, archive().catalogue, seen.row)
    if judged.receipt is not None:
        if permit.disclosure is None:
            signed = export.receipt(archive().store, seen.recording)
            yield _File(f"{seen.row.device}.receipt", _("what the buttons said, signed by the room"), [signed])
        yield _text(pgettext("file", "consent"), _("what the buttons said, in words"), _consent(judged))
    yield _text(pgettext("file", "who-listened"), _("who listened, and to whom copies went"), _listened(permit, seen))
    statements = Statement.objects.filter(recording=seen.recording).order_by("at_ms")
    if statements:
        told = [f"{minute(each.at_ms)}\n{each.text}\n" for each in statements]
        yield _text(pgettext("file", "statements"), _("statements that stand with the recording"), told)
    yield _text(
        pgettext("file", "check"),
        _("whether the recording is whole, and how you check that"),
        _check(permit, judged, seen),
    )


def _sealed(seen: Seen, key: Ed25519PublicKey, bytes_max: int) -> Iterator[_File]:
    name, pem = seen.row.device, key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    sealed = export.export(archive().store, seen.recording)
    what = _("the recording as the room signed it, to check it")
    yield _File(f"{pgettext('file', 'recording')}.sealed", what, sealed, bytes_max)
    yield _File(f"{name}.device.pub", _("the key of the room, to check it"), [pem])


def _consent(judged: Verified) -> Iterator[str]:
    receipt = judged.receipt
    assert receipt is not None
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


def _listened(permit: CopyPermit, seen: Seen) -> Iterator[str]:
    yield _("Who listened")
    heard = listeners(seen.recording)
    for each in heard:
        purpose = _("for %(purpose)s") % {"purpose": each.purpose_word}
        yield f"- {minute(each.wall_ms)}: {each.role_word}, {purpose}"
    if not heard:
        yield "- " + _("Nobody yet.")
    yield ""
    yield _("Copies before this one")
    before = CopyPermit.objects.filter(recording=seen.recording, opened_ms__isnull=False).exclude(pk=permit.pk)
    copies = list(before.select_related("disclosure").order_by("opened_ms"))
    for permit_ in copies:
        to = permit_.disclosure.to if permit_.disclosure else _("somebody who was heard")
        yield f"- {minute(permit_.opened_ms or 0)}: {to}"
    if not copies:
        yield "- " + _("None.")


def _check(permit: CopyPermit, judged: Verified, seen: Seen) -> Iterator[str]:
    report = judged.report
    if judged.whole:
        yield _("Verified. The recording is whole and in order, and signed by the room. Nothing was changed or cut.")
    else:
        yield _("This recording cannot be believed as it is.")
        yield _("It is not as the room made it, or a part is missing. Please ask us about it.")
        yield _("For specialists, in English: %(flaw)s") % {"flaw": judged.flaw}
    if report is not None:
        yield _("Length: %(length)s") % {"length": duration(report.ticks / TICKS_PER_SECOND)}
        for gap in report.gaps:
            yield f"- {duration(gap.position / TICKS_PER_SECOND)}: {MOMENTS[gap.cause.value]}"
        yield _("Fingerprint of its beginning: %(hash)s") % {"hash": report.preamble_hash.hex()}
    yield ""
    yield _("To check it yourself, with the program that is free at the makers of Wederhoor:")
    name = pgettext("file", "recording")
    yield f"  recorder verify {name}.sealed --device-key {seen.row.device}.device.pub"
    if permit.disclosure is None:
        yield f"  recorder verify {seen.row.device}.receipt --device-key {seen.row.device}.device.pub"
    yield _("Is a part masked? Then the sealed file and the key are not with it. Ask us to check it together with you.")


def _text(name: str, what: str, lines: Iterable[str]) -> _File:
    return _File(f"{name}.txt", what, [(_BOM + "\r\n".join(lines) + "\r\n").encode()])


def _zip(files: Iterable[_File]) -> Iterator[bytes]:
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

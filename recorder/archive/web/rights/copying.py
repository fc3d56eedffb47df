"""The copy that is handed over: one ZIP file, made as it is read (S2). Only the reading room can: it has the key.

    letter           what this is, how to play it, what is masked and why
    recording        as Ogg Opus, the room's own packets unless something is masked, and as WAV for what plays no Opus
    consent receipt  as its file, and in words; in words alone for a third party: who has the file can reckon the client's code
    who listened     role, purpose and day of each, and to whom copies went; no names of staff
    statements       that stand with the recording
    check            what verifying it gives, and how to do it oneself
    sealed           the recording as the room signed it; not of a copy with masks: it has what these mask, if only in cipher
    key              the room's public one, where there is something to check by it

Memory is bounded by a block of audio, and by what is text.
"""

from collections.abc import Iterable, Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
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
from recorder.archive.web.rights.packing import (
    File,
    consent,
    consent_file,
    how_to_check,
    key_file,
    pack,
    receipt_file,
    text,
)
from recorder.archive.web.times import duration, minute
from recorder.archive.web.trail.reading import listeners
from recorder.audio import TICKS_PER_SECOND
from recorder.config import Config


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
    return pack(files)


def _files(
    permit: CopyPermit,
    masked: Sequence[Mask],
    seen: Seen,
    hearing: Hearing,
    key: Ed25519PublicKey,
    config: Config,
) -> Iterator[File]:
    ranges = [Range(each.start_ms, each.stop_ms) for each in masked]
    judged = verified(archive().store, archive().catalogue, seen.row)
    checkable = []
    if not masked:
        what = _("the recording as the room signed it, to check it")
        pieces = export.export(archive().store, seen.recording)
        checkable.append(File(f"{pgettext('file', 'recording')}.sealed", what, pieces, _bytes_max(hearing)))
    if judged.receipt is not None and permit.disclosure is None:
        checkable.append(receipt_file(seen.row.device, export.receipt(archive().store, seen.recording)))
    check = _check(judged, seen, [each.name for each in checkable], masked=bool(masked))
    found = [*_audio(hearing, ranges, config), *_words(permit, judged, seen, check), *checkable]
    if checkable:
        found.append(key_file(seen.row.device, key))
    told = [f"{each.name}: {each.what}" for each in found]
    when = minute(seen.row.made_ms or seen.row.first_ms)
    letter = letters.cover(permit, masked, told, when, letters.sender(config))
    yield File(pgettext("file", "letter") + ".pdf", "", [letter])
    yield from found


def _audio(hearing: Hearing, ranges: Sequence[Range], config: Config) -> Iterator[File]:
    name = pgettext("file", "recording")
    bytes_max = _bytes_max(hearing)
    track = copying.masked(hearing, ranges, config.opus) if ranges else copying.original(hearing)
    pieces = copying.ogg_file(track, int(hearing.report.preamble.recording[:8], 16))
    yield File(f"{name}.opus", _("the sound (Ogg Opus)"), pieces, bytes_max)
    yield File(f"{name}.wav", _("the same sound (WAV)"), copying.wav_file(hearing, ranges), bytes_max)


def _bytes_max(hearing: Hearing) -> int:
    """Of the WAV file, which is the largest."""
    return 2 * hearing.report.ticks * copying.WAV_RATE // TICKS_PER_SECOND + 1_024


def _words(permit: CopyPermit, judged: Verified, seen: Seen, check: Iterable[str]) -> Iterator[File]:
    if judged.receipt is not None:
        yield consent_file(consent(judged.receipt))
    yield text(pgettext("file", "who-listened"), _("who listened, and to whom copies went"), _listened(permit, seen))
    statements = Statement.objects.filter(recording=seen.recording).order_by("at_ms")
    if statements:
        told = [f"{minute(each.at_ms)}\n{each.text}\n" for each in statements]
        yield text(pgettext("file", "statements"), _("statements that stand with the recording"), told)
    yield text(pgettext("file", "check"), _("whether the recording is whole, and how you check that"), check)


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


def _check(judged: Verified, seen: Seen, names: Sequence[str], *, masked: bool) -> Iterator[str]:
    """What verifying gave, and how to do it with these files of the copy."""
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
    if names:
        yield ""
        yield from how_to_check(seen.row.device, names)
    if masked:
        yield ""
        yield _("A part of this copy is masked. So the recording as the room signed it is not with it.")
        yield _("Do you want to check the recording, too? Ask us: we do it together with you.")

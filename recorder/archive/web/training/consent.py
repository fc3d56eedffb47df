"""May a recording be used for training? Only what its client agreed to by a choice of its own (R4), and not too early (D7)."""

from recorder.archive.due import facts
from recorder.archive.retention import days_end_ms
from recorder.archive.web.archive import terms
from recorder.archive.web.clock import now_ms
from recorder.archive.web.meetings.seen import Seen
from recorder.archive.web.training.models import TrainingConsent


def consent_of(recording: str) -> TrainingConsent | None:
    """By which it may be used for training; None if the client did not agree, or took it back."""
    return TrainingConsent.objects.filter(recording=recording, withdrawn_ms=None).first()


def begins_ms(seen: Seen) -> int | None:
    """From when on fragments may be cut from it, if the client's days are not over yet (D7)."""
    from_ms = days_end_ms(facts(seen.row, seen.people), terms())
    return from_ms if now_ms() < from_ms else None


def why_not(seen: Seen) -> str | None:
    """Why it may not be used for training, as a word of `listening.words.WHY_NOT`; None if it may."""
    if seen.fate.locked:
        return "locked"
    if seen.restricted:
        return "restricted"
    if consent_of(seen.recording) is None:
        return "no_training_consent"
    if begins_ms(seen) is not None:
        return "too_early"
    return None

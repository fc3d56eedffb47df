"""The terms that a room's receipts tell: its settings, and the text that it announces a recording with."""

from recorder.config import Config
from recorder.notices import spoken
from recorder.wire.consent import Terms


def terms(settings: Config) -> Terms:
    """What those present are offered in a room of these settings."""
    consent = settings.consent
    return Terms(
        controller=consent.controller,
        address=consent.address,
        contact=consent.contact,
        storage=consent.storage,
        evidence_basis=consent.evidence_basis,
        training_basis=consent.training_basis,
        evidence_days=consent.evidence_days,
        training_days=consent.training_days,
        language=consent.language,
        notice_sha256=spoken.text_sha256(
            spoken.text(consent.language, settings.meeting.grace_seconds, asked=settings.meeting.ask_everyone)
        ),
        everyone_asked=settings.meeting.ask_everyone,
    )

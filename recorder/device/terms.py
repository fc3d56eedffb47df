"""The terms that a room's receipts tell: those of its settings."""

from recorder import config
from recorder.errors import ConfigError
from recorder.wire.consent import Terms

NOTICE_SECONDS_MIN = 3.0
"""For a client to hear that it begins, and to reach the button."""


def terms(settings: config.Config) -> Terms:
    """What those present are offered in a room of these settings. ConfigError if a real room does not say who offers it."""
    consent = settings.consent
    if settings.panel.pins == "lgpio" and settings.meeting.notice_seconds < NOTICE_SECONDS_MIN:
        raise ConfigError(
            f"meeting.notice_seconds is {settings.meeting.notice_seconds:g}: the receipt would say that the recording was "
            f"announced, and nobody can say no in that time; give at least {NOTICE_SECONDS_MIN:g}"
        )
    if settings.panel.pins == "lgpio" and consent.controller == config.load().consent.controller:
        raise ConfigError(
            f'consent.controller is still "{consent.controller}", and would stand in every receipt: name the municipality '
            "that answers for the recordings"
        )
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
        everyone_asked=settings.meeting.ask_everyone,
    )

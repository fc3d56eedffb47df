"""The terms that a room's receipts tell: those of its settings."""

from recorder import config
from recorder.errors import ConfigError
from recorder.wire.consent import Terms


def terms(settings: config.Config) -> Terms:
    """What those present are offered in a room of these settings. ConfigError if a real room does not say who offers it."""
    consent = settings.consent
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

"""What people read of what is decided."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from recorder.archive.access import Purpose, Role
from recorder.archive.web.policy.decided import Basis
from recorder.archive.web.policy.models import State
from recorder.archive.web.words import PURPOSES, ROLES

BASES: Mapping[Basis, Promise] = {
    Basis.CONSENT: _("consent"),
    Basis.CONTRACT: _("a contract"),
    Basis.LEGAL_OBLIGATION: _("a legal obligation"),
    Basis.VITAL_INTERESTS: _("vital interests"),
    Basis.PUBLIC_TASK: _("a task in the public interest"),
    Basis.LEGITIMATE_INTERESTS: _("legitimate interests"),
}
STATES: Mapping[str, Promise] = {
    State.PROPOSED: _("proposed"),
    State.LIVE: _("counts now"),
    State.PAST: _("counted before"),
    State.DROPPED: _("never counted"),
}
LABELS: Mapping[str, Promise] = {
    "evidence_days": _("Evidence: days from the conversation"),
    "after_decision_days": _("Days after a decision"),
    "ceiling_days": _("Ceiling: days from the conversation, whatever was decided"),
    "unlinked_days": _("Days without a case number"),
    "reminder_days": _("Days until the reminder to name the case"),
    "no_receipt_hours": _("Hours without a valid consent receipt"),
    "client_days": _("Days in which a client may have it erased"),
    "fragment_days": _("Days for training fragments"),
    **{f"basis_{each}": PURPOSES[each] for each in Purpose},
    "necessity": _("Why it is necessary, and in proportion"),
    "address": _("Postal address of the organisation"),
    "contact": _("Whom a client asks"),
    "privacy_officer": _("Privacy officer: name or office, and address"),
    "hosting": _("Where the recordings are, and who hosts them"),
    "transfers": _("Transfers to countries outside the EU"),
    "processors": _("Processors, and the agreements with them"),
    "key_custody": _("Who keeps the keys that open recordings"),
    **{f"role_{each}": ROLES[each] for each in Role},
    "dpia_on": _("The DPIA was finished"),
    "advice_on": _("The privacy officer gave advice"),
    "works_council_on": _("The works council agreed"),
    "decision_on": _("The mayor and aldermen decided"),
    "processors_on": _("The last processor agreement was signed"),
    "website_on": _("The notice stands on the website"),
    "form_on": _("The notice stands on the form"),
    "letter_on": _("The letter was sent to existing clients"),
    "intake_days": _("The intake gives another term of evidence: archive.retention_days in its configuration"),
}
_ARTICLE = _("Article 6(1) of the AVG. An authority's task is (e); (f) is not for its tasks.")
HELPS: Mapping[str, Promise] = {
    "evidence_days": _(
        "Counts for new recordings. Set archive.retention_days and the rooms' consent.evidence_days to the same."
    ),
    "after_decision_days": _("Somebody may object for six weeks: at least 42."),
    "ceiling_days": _("Never less than what clients were told."),
    "client_days": _("The notices promise a fortnight: at least 14."),
    "processors": _("One on each line. If there are none, say so."),
    "transfers": _("If there are none, say so."),
    "key_custody": _("Who has the private keys and their passphrases, where, and who has the spare ones."),
    "processors_on": _("Or the day on which it was found that none is needed."),
    **dict.fromkeys((f"basis_{each}" for each in Purpose), _ARTICLE),
    "basis_decision": format_lazy("{} {}", _ARTICLE, _("Set the rooms' consent.evidence_basis to the same.")),
    "basis_training": format_lazy("{} {}", _ARTICLE, _("Set the rooms' consent.training_basis to the same.")),
    **{f"role_{each}": _("Who may have this role. What it may do is fixed.") for each in Role},
}
WRONG: Mapping[str, Promise] = {
    "reminder_days": _("The reminder must come before the recording goes."),
    "ceiling_days": _("No less than the term of evidence, now or in any earlier version: clients were told of it."),
}
"""Why a value does not fit, by the field that `PolicyError` names."""
GROUPS: tuple[tuple[Promise, tuple[str, ...]], ...] = (
    (
        _("How long"),
        (
            "evidence_days",
            "after_decision_days",
            "ceiling_days",
            "unlinked_days",
            "reminder_days",
            "no_receipt_hours",
            "client_days",
            "fragment_days",
        ),
    ),
    (_("Legal basis of each purpose"), tuple(f"basis_{each}" for each in Purpose)),
    (
        _("Who answers, and where it is"),
        ("address", "contact", "privacy_officer", "hosting", "transfers", "processors", "key_custody", "necessity"),
    ),
    (_("Who may have which role"), tuple(f"role_{each}" for each in Role)),
    (
        _("What was agreed and told, and when"),
        (
            "dpia_on",
            "advice_on",
            "works_council_on",
            "decision_on",
            "processors_on",
            "website_on",
            "form_on",
            "letter_on",
        ),
    ),
)

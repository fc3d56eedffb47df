r"""The consent receipt: what a meeting's buttons said, and what for, by the field names of ISO/IEC TS 27560 (docs/receipt.md).

    body = signature[64] ‖ text        signature = Sign(device, "wederhoor/1 consent receipt\0" ‖ text)

Rules:

1. One for each recording that a device ends, refused ones included, and each names the one before it: none can be taken away.
2. It is a function of the recording's preamble and manifest, of the terms that were offered, of the announcement that was
   heard, and of the receipt before it. So a room that was cut off between manifest and receipt writes the one that it would
   have written.
3. Of a refusal it tells that it was, and when. Nothing of what was recorded until then.
4. Nobody is named in it. Two buttons tell how many answered, and not who.
5. Silence is not consent: where nobody was asked, the state is that the notice was given. Training is off unless chosen (R4),
   and a room has no button for it.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from recorder import canonical
from recorder.canonical import INTEGER_MAX, DeviceName, Hex16, Hex32, Natural
from recorder.errors import SignedTextError, WireError
from recorder.sealed.layout import Manifest, Preamble, hash_body

DOMAIN_RECEIPT = b"wederhoor/1 consent receipt\0"
DAY_MS = 86_400_000
CONTROLLER: Final = "controller"
"""The one party's id: of who answers for the recordings."""

Plain = Annotated[str, Meta(pattern=r"^[ !#-\[\]-~]{1,200}$")]
Duration = Annotated[str, Meta(pattern="^P[1-9][0-9]{0,3}D$")]
"""Days, as ISO 8601 writes a duration."""
Basis = Literal["consent", "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interests"]
"""AVG, article 6, paragraph 1, (a) to (f)."""
Language = Literal["nl", "en"]
EventState = Literal["not_asked", "notice_given", "given", "refused", "withdrawn", "expired"]
Outcome = Literal["kept", "lost", "refused"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What those present were offered: the same for every meeting of a room, until its settings change."""

    controller: str
    address: str
    contact: str
    storage: str
    evidence_basis: Basis
    training_basis: Basis
    evidence_days: int
    training_days: int
    language: Language
    everyone_asked: bool
    """Whether the room asks each of those present for a yes."""


class PiiInformation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pii_type: Literal["voice"]


class ConsentEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was said about one purpose. `event_time` is Unix time."""

    event_time: Natural | None
    event_type: Literal["expressed", "informed"] | None
    """By a button; by the notice alone; null if neither."""
    event_state: EventState
    entity_id: None
    validity_duration: Duration | None

    def __post_init__(self) -> None:
        if (self.event_state == "not_asked") != (self.event_time is None):
            raise ValueError("an event has a time, and no event has none")


class Purpose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One purpose: each is a choice of its own."""

    purpose: Literal["evidence", "training"]
    lawful_basis: Basis
    pii_information: tuple[PiiInformation]
    pii_controllers: tuple[Literal["controller"]]
    collection_method: Plain
    processing_method: Plain
    storage_locations: tuple[Plain]
    retention_period: Duration
    jurisdiction: Literal["NL"]
    recipient_third_parties: tuple[()]
    withdrawal_method: Plain
    event: ConsentEvent


class PiiProcessing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    privacy_notice: Hex32 | None
    """SHA-256 of the announcement, as a WAV file, that was played to its end; None if none was."""
    language: Language
    purposes: tuple[Purpose, Purpose]

    def __post_init__(self) -> None:
        evidence, training = self.purposes
        if (evidence.purpose, training.purpose) != ("evidence", "training"):
            raise ValueError("the purposes are evidence and training, in this order")
        if training.event.event_state != "not_asked":
            raise ValueError("a room cannot ask for training")


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    party_id: Literal["controller"]
    party_name: Plain
    party_address: Plain
    party_contact: Plain
    party_role: Literal["controller"]
    party_type: Literal["public_authority"]


class Answers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often each button was pressed for an answer."""

    yes: Natural
    no: Literal[0, 1]


class ConsentReceipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a receipt. All times are Unix time in milliseconds, by the device's clock."""

    schema_version: Literal["wederhoor-consent-1"]
    record_id: Plain
    receipt_id: Plain
    pii_principal_id: None
    pii_processing: PiiProcessing
    party_identification: tuple[Party]
    channel: Literal["in_person"]
    device: DeviceName
    sequence: Annotated[int, Meta(ge=1, le=INTEGER_MAX)]
    recording: Hex16 | None
    manifest: Hex32
    """H of the body of the manifest that ended the recording."""
    outcome: Outcome
    complete: bool | None
    """Whether all of the meeting was recorded: no gap, and no fault or power cut that ended it. None unless it was kept."""
    announced: bool | None
    """Whether a notice was given: without one nothing was recorded. None if the room lost what it had noted."""
    answers: Answers
    present: Natural | None
    """How many were counted; None where nobody was asked, and of a refusal, whose no may be that of one who was counted."""
    wall_ms: Natural
    synced: bool
    grace_until: Natural | None
    """When it was decided to release the key. None where it was not, and where a crash came before that was noted."""
    delete_after: Natural | None
    previous: Hex32
    """H of the body of the device's receipt before this one; zeros for the first."""

    def __post_init__(self) -> None:
        if not (self.record_id == self.receipt_id == f"{self.device}/{self.sequence}"):
            raise ValueError("the ids are not those of the device and its sequence number")
        refused = self.outcome == "refused"
        if {refused} != {
            self.recording is None,
            self.delete_after is None,
            self.answers.no == 1,
            self.state == "refused",
        }:
            raise ValueError("it tells of a refusal in one place, and not in another")
        if refused and self.present is not None:
            raise ValueError("who said no may have been counted before")
        if self.outcome != "kept" and self.grace_until is not None:
            raise ValueError("a grace period has an end only where a key was released")
        if (self.outcome == "kept") != (self.complete is not None):
            raise ValueError("what was kept is complete or not, and nothing else is")

    @property
    def state(self) -> EventState:
        """Of the purpose that a meeting is recorded for."""
        return self.pii_processing.purposes[0].event.event_state


def issue(
    key: Ed25519PrivateKey, preamble: Preamble, manifest_body: bytes, terms: Terms, previous: bytes, heard: str = ""
) -> bytes:
    """The body of the receipt for the recording of this preamble, which the manifest with this body has ended.

    `previous` is H of the body of the device's receipt before it; 32 zero bytes for the first. `heard` is the SHA-256 of the
    announcement, of whose end the manifest tells by an event `notice_spoken`.
    """
    manifest = canonical.decode(manifest_body[canonical.SIGNATURE_BYTES :], Manifest)
    record_id = f"{preamble.device}/{preamble.sequence}"
    refused, kept = manifest.ended == "refused", manifest.keybox is not None
    receipt = ConsentReceipt(
        schema_version="wederhoor-consent-1",
        record_id=record_id,
        receipt_id=record_id,
        pii_principal_id=None,
        pii_processing=PiiProcessing(
            privacy_notice=heard if heard and _times("notice_spoken", manifest) else None,
            language=terms.language,
            purposes=(
                _purpose("evidence", terms.evidence_basis, terms.evidence_days, terms, _said(manifest, terms)),
                _purpose("training", terms.training_basis, terms.training_days, terms, _NOT_ASKED),
            ),
        ),
        party_identification=(
            Party(CONTROLLER, terms.controller, terms.address, terms.contact, CONTROLLER, "public_authority"),
        ),
        channel="in_person",
        device=preamble.device,
        sequence=preamble.sequence,
        recording=None if refused else preamble.recording,
        manifest=hash_body(manifest_body).hex(),
        outcome="refused" if refused else "kept" if kept else "lost",
        complete=manifest.ended in ("stop", "limit") and not manifest.gaps if kept else None,
        announced=_times("notice_given", manifest) > 0 if manifest.events else None,
        answers=Answers(_times("yes", manifest), 1 if refused else 0),
        present=_times("yes", manifest) if terms.everyone_asked and not refused else None,
        wall_ms=manifest.wall_ms,
        synced=manifest.synced,
        grace_until=_last("grace_over", manifest) if kept else None,
        delete_after=None if refused else min(preamble.wall_ms + terms.evidence_days * DAY_MS, INTEGER_MAX),
        previous=previous.hex(),
    )
    return canonical.signed(DOMAIN_RECEIPT, key, canonical.encode(receipt))


def check_receipt(public_key: Ed25519PublicKey, body: bytes) -> ConsentReceipt:
    """The receipt in `body`; WireError if it is not this device's, or malformed."""
    try:
        return canonical.decode(canonical.open_signed(DOMAIN_RECEIPT, public_key, body), ConsentReceipt)
    except SignedTextError as error:
        raise WireError(f"the consent receipt: {error}") from error


_NOT_ASKED = ConsentEvent(None, None, "not_asked", None, None)


def _said(manifest: Manifest, terms: Terms) -> ConsentEvent:
    """What the buttons said of being recorded. The last event of a kind counts."""
    times = {event.name: event.wall_ms for event in manifest.events}
    valid = f"P{terms.evidence_days}D"
    if manifest.ended == "refused":
        return ConsentEvent(times.get("refused", manifest.wall_ms), "expressed", "refused", None, None)
    if "yes" in times:
        return ConsentEvent(times["yes"], "expressed", "given", None, valid)
    if terms.everyone_asked and "no_answer" in times:
        return ConsentEvent(times["no_answer"], None, "expired", None, None)
    if "notice_given" in times:
        return ConsentEvent(times["notice_given"], "informed", "notice_given", None, valid)
    return _NOT_ASKED


def _purpose(
    purpose: Literal["evidence", "training"], basis: Basis, days: int, terms: Terms, event: ConsentEvent
) -> Purpose:
    return Purpose(
        purpose=purpose,
        lawful_basis=basis,
        pii_information=(PiiInformation("voice"),),
        pii_controllers=(CONTROLLER,),
        collection_method="microphone in the interview room",
        processing_method="encrypted in the room, kept at the archive, played to those who may listen",
        storage_locations=(terms.storage,),
        retention_period=f"P{days}D",
        jurisdiction="NL",
        recipient_third_parties=(),
        withdrawal_method="the refuse button until grace_until; after that party_contact",
        event=event,
    )


def _last(name: str, manifest: Manifest) -> int | None:
    """When it last happened."""
    return next((event.wall_ms for event in reversed(manifest.events) if event.name == name), None)


def _times(name: str, manifest: Manifest) -> int:
    return sum(event.name == name for event in manifest.events)

"""A consent receipt in plain words, Dutch or English as the announcement was: for whoever was there (N5)."""

from datetime import UTC, datetime
from pathlib import Path

from recorder.audio import CALENDAR_END_MS
from recorder.wire.consent import ConsentReceipt, Language, Purpose

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "authentic": "AUTHENTIC: this receipt is from that room, and nothing in it was altered",
        "outcome": "outcome",
        "kept": "the meeting was recorded, and the recording was kept",
        "kept in part": "a part of the meeting was recorded, and that was kept; the rest is missing by a fault or a gap",
        "lost": "there is no recording that anybody can listen to",
        "refused outcome": "somebody said no; no sound was kept, and none can be recovered",
        "refused nothing": "somebody said no; there was no recording",
        "receipt": "receipt",
        "code": "your code",
        "recording": "recording",
        "none": "none",
        "made": "ended",
        "present": "people",
        "counted": "{present} counted; yes was pressed {yes} times, no {no} times",
        "not counted": "not counted: in this room nobody is asked one by one",
        "refused present": "not counted; yes was pressed {yes} times, no {no} times",
        "evidence": "evidence",
        "training": "training",
        "not_asked": "not asked",
        "notice_given": "it was announced that this is recorded, and nobody said no",
        "given": "yes",
        "refused": "no",
        "withdrawn": "withdrawn",
        "expired": "asked, and nobody answered",
        "when": ", on {when}",
        "basis": "; lawful basis: {basis}",
        "days": "; kept for {days} days at most",
        "consent": "consent",
        "contract": "a contract",
        "legal_obligation": "a legal obligation",
        "vital_interests": "vital interests",
        "public_task": "a public task",
        "legitimate_interests": "legitimate interests",
        "grace_until": "no until",
        "delete_after": "erase on",
        "who": "who keeps it",
        "contact": "questions",
        "storage": "kept in",
        "notice": "announcement",
        "no notice": "the room played none to its end",
        "device_key": "device key",
        "previous": "previous",
        "synced": "",
        "unsynced": " (clock not synchronised)",
    },
    "nl": {
        "authentic": "ECHT: dit bewijs komt uit die kamer, en er is niets aan veranderd",
        "outcome": "uitkomst",
        "kept": "het gesprek is opgenomen, en de opname is bewaard",
        "kept in part": "een deel van het gesprek is opgenomen, en dat is bewaard; de rest ontbreekt door een storing",
        "lost": "er is geen opname die iemand kan beluisteren",
        "refused outcome": "iemand zei nee; er is geen geluid bewaard, en het is niet terug te halen",
        "refused nothing": "iemand zei nee; er was geen opname",
        "receipt": "bewijs",
        "code": "uw code",
        "recording": "opname",
        "none": "geen",
        "made": "geëindigd",
        "present": "mensen",
        "counted": "{present} geteld; {yes} keer op ja gedrukt, {no} keer op nee",
        "not counted": "niet geteld: in deze kamer wordt het niet aan ieder apart gevraagd",
        "refused present": "niet geteld; {yes} keer op ja gedrukt, {no} keer op nee",
        "evidence": "bewijs van wat er is gezegd",
        "training": "training",
        "not_asked": "niet gevraagd",
        "notice_given": "er is aangekondigd dat dit wordt opgenomen, en niemand zei nee",
        "given": "ja",
        "refused": "nee",
        "withdrawn": "ingetrokken",
        "expired": "gevraagd, en niemand gaf antwoord",
        "when": ", op {when}",
        "basis": "; grondslag: {basis}",
        "days": "; hooguit {days} dagen bewaard",
        "consent": "toestemming",
        "contract": "een overeenkomst",
        "legal_obligation": "een wettelijke plicht",
        "vital_interests": "een vitaal belang",
        "public_task": "een publieke taak",
        "legitimate_interests": "een gerechtvaardigd belang",
        "grace_until": "nee kon tot",
        "delete_after": "wissen op",
        "who": "wie bewaart",
        "contact": "vragen",
        "storage": "bewaard in",
        "notice": "gesproken uitleg",
        "no notice": "de kamer heeft er geen helemaal afgespeeld",
        "device_key": "sleutel",
        "previous": "vorige",
        "synced": "",
        "unsynced": " (de klok liep niet gelijk)",
    },
}
_LEFT_OPEN: dict[Language, dict[str, str]] = {
    "en": {},
    "nl": {"not named": "niet genoemd", "not given": "niet opgegeven", "the Netherlands": "Nederland"},
}
"""What a room's settings say by themselves, in English; what somebody wrote there stays as it is."""
FINGERPRINT_DIGITS = 32
"""So much of a device key's SHA-256, or another hash, in hexadecimal, a person compares: 16 bytes."""


def describe(receipt: ConsentReceipt, code: str, device_key: str, key_file: Path) -> str:
    """The receipt in plain words, and the client's code. It says which device key, in `key_file`, it rests on."""
    words, left_open = (each[receipt.pii_processing.language] for each in (_WORDS, _LEFT_OPEN))
    answers, (party,) = receipt.answers, receipt.party_identification
    refused = receipt.outcome == "refused"
    outcome: str = "kept in part" if receipt.complete is False else receipt.outcome
    if refused:
        outcome = "refused nothing" if receipt.announced is False else "refused outcome"
    counting = "refused present" if refused else "not counted" if receipt.present is None else "counted"
    evidence, training = receipt.pii_processing.purposes
    notice = receipt.pii_processing.privacy_notice
    lines = [
        ("outcome", words[outcome]),
        ("receipt", receipt.record_id),
        ("code", code),
        ("recording", receipt.recording or words["none"]),
        ("made", utc(receipt.wall_ms) + words["synced" if receipt.synced else "unsynced"]),
        ("present", words[counting].format(present=receipt.present, yes=answers.yes, no=answers.no)),
        ("evidence", _said(evidence, words, kept=receipt.outcome == "kept")),
        ("training", _said(training, words, kept=receipt.outcome == "kept")),
        ("grace_until", None if receipt.grace_until is None else utc(receipt.grace_until)),
        ("delete_after", utc(receipt.delete_after) if receipt.delete_after and receipt.outcome == "kept" else None),
        ("who", ", ".join(left_open.get(each, each) for each in (party.party_name, party.party_address))),
        ("contact", left_open.get(party.party_contact, party.party_contact)),
        ("storage", left_open.get(evidence.storage_locations[0], evidence.storage_locations[0])),
        ("notice", words["no notice"] if notice is None else notice[:FINGERPRINT_DIGITS]),
        ("device_key", f"{device_key[:FINGERPRINT_DIGITS]}, {key_file}"),
        ("previous", receipt.previous[:FINGERPRINT_DIGITS]),
    ]
    width = max(len(words[key]) for key, told in lines if told is not None) + 2
    return "\n".join(
        [words["authentic"], *(f"{words[key] + ':':{width}}{told}" for key, told in lines if told is not None), ""]
    )


def _said(purpose: Purpose, words: dict[str, str], *, kept: bool) -> str:
    event = purpose.event
    told = words[event.event_state]
    if event.event_time is not None:
        told += words["when"].format(when=utc(event.event_time))
    if event.validity_duration is not None:
        told += words["basis"].format(basis=words[purpose.lawful_basis])
        told += words["days"].format(days=purpose.retention_period[1:-1]) if kept else ""
    return told


def utc(wall_ms: int) -> str:
    if wall_ms >= CALENDAR_END_MS:
        return "> 9999"
    return datetime.fromtimestamp(wall_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

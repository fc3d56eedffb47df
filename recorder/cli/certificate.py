"""The certificate of a deletion in plain words."""

from pathlib import Path

from recorder.archive.certificate import Certificate
from recorder.archive.retention import Cause
from recorder.cli.consent import FINGERPRINT_DIGITS, utc

CAUSES = {
    Cause.TERM: "its time was over",
    Cause.DECISION: "its time after the decision was over",
    Cause.CEILING: "it had been kept for as long as any recording may be",
    Cause.UNLINKED: "nobody had named the case that it belongs to",
    Cause.NO_RECEIPT: "no valid consent receipt had come",
    Cause.CLIENT: "the client asked to have it erased",
}
DEVICE = {
    "signed_for": "the archive had signed for all of it, by which the room forgets it",
    "may_hold": "something of it had never come to the archive; what the room was not signed for it keeps until somebody looks",
}


def describe(certificate: Certificate, archive_key: str, key_file: Path) -> str:
    """The certificate in plain words. It rests on the archive's key in `key_file`, so it says which one that was."""
    deletion = certificate.deletion
    destroyed = f"destroyed, at the latest on {utc(certificate.key_destroyed_ms)}"
    if deletion.keybox is None:
        destroyed = "none had ever come to the archive: nobody could open it there"
    lines = [
        "DELETED: this archive certifies that it has the recording no more, and that nothing in the certificate was altered",
        f"recording:  {deletion.recording}",
        f"archive:    {certificate.archive}",
        f"why:        {CAUSES[deletion.cause]}",
        f"decided:    {utc(deletion.decided_ms)}",
        f"key:        {destroyed}",
        f"audio:      gone, at the latest on {utc(certificate.blocks_gone_ms)}",
        f"in room:    {DEVICE[certificate.device]}",
        "on the way: the broker keeps nothing",
        "backups:    those from before have it until they are overwritten; if one is restored, it is deleted again at once",
        f"manifest:   {deletion.manifest or 'none had come'}",
        f"key file:   {archive_key[:FINGERPRINT_DIGITS]}, from {key_file}",
    ]
    return "\n".join(lines) + "\n"

"""`recorder verify`: is a recording whole, a receipt or a certificate authentic? Needs no key that opens anything."""

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recorder.archive.certificate import CERTIFICATE_BYTES_MAX, MAGIC, Certificate
from recorder.archive.code import code
from recorder.audio import TICKS_PER_SECOND, Moment
from recorder.canonical import encode
from recorder.cli import certificate, consent
from recorder.cli.consent import FINGERPRINT_DIGITS
from recorder.errors import KeyFileError, SealedError, SignedTextError, WederhoorError, WireError
from recorder.keyfiles import keybox_beside, load_device_public, load_keybox_beside
from recorder.sealed.keys import device_key_hash
from recorder.sealed.layout import Keybox, Manifest, RecordType, split
from recorder.sealed.verify import KeyboxState, Report, State, verify
from recorder.wire.consent import check_receipt
from recorder.wire.records import RECEIPT_BODY_BYTES_MAX, Beside, parse_record

MEANING = {
    State.WHOLE: "all that was recorded is here, nothing was altered",
    State.REFUSED: "the meeting was refused; no audio is in it, and none can be recovered",
    State.OPEN: "authentic as far as it goes, but it has no end: a running meeting, or one that was cut short",
    State.CUT: "something is missing, altered, out of order or of another recording",
}
NOT_ALL = "not all of the meeting was recorded: see the gaps, and how it ended"
"""That goes with State.WHOLE, which tells of what was sealed."""
REFUSED_NOTHING = "somebody said no; there was no recording"
"""Nothing is recorded before the notice is over, and that is noted: a no alone came before it."""
KEYBOX = {
    KeyboxState.PRESENT: "here: whoever holds a private key of a recipient can listen",
    KeyboxState.ABSENT: "not here: the file is cut short, for the keybox is its end; or it is not yet released, withheld, or "
    "destroyed with the recording's deletion; or the archive has given the recording other keys (`rewrap`): these are a file "
    "of their own, {beside}; put it beside this one, or export the recording again",
    KeyboxState.NONE: "none was ever released: nobody can listen",
}
MOVED = "beside it, in a file of its own: the archive gave the recording other keys, and this is how it exports it then"
OTHER_KEYBOX = (
    "for {keys}, in {beside}, which the archive made. Keep both files together: `recorder open` takes this one by itself. The "
    "room has signed nothing of it, and what is said here does not rest on it: whose keys they are is not proven. Whoever "
    "opens with one of them sees whether it is the key that the room committed to"
)
RECORD_BYTES_MAX = 5 + RECEIPT_BODY_BYTES_MAX
"""Of a consent receipt, which is read whole."""


EVENTS = {
    "yes": "somebody present said yes",
    "notice_given": "the recording was announced by the light, and by a tone where there is a speaker",
    "notice_spoken": "the spoken announcement was played to its end",
    "recording": "recording began",
    "mark": "the caseworker marked this moment",
    "prompt": "the room asked whether anybody was there",
    "answer": "somebody answered",
    "microphone_gone": "the microphone was gone",
    "microphone_back": "the microphone was back",
    "stop": "the caseworker ended it",
    "client_stop": "the client ended it, and kept what was said",
    "limit": "it had lasted as long as a recording may",
    "no_answer": "nobody answered",
    "grace_over": "nobody had said no, and it was decided to release the key",
    "fault": "a fault ended it",
    "refused": "the client said no",
    "missed": "it could not be recorded",
    "lifted": "an earlier no was taken back with the button, before this meeting",
    "lapsed": "an earlier no had stood for as long as a meeting lasts, and ended by itself",
}
"""What the room means by the names that it gives to events."""
ENDED = {
    "stop": "somebody ended it",
    "limit": EVENTS["limit"],
    "fault": EVENTS["fault"],
    "power_loss": "the power was cut, or the room's program ended",
    "refused": EVENTS["refused"],
}


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "verify",
        help="check a sealed recording without listening, a consent receipt, or the certificate of a deletion",
        description="Check that a sealed recording is whole, in order and from that room; or that a consent receipt, or the "
        "certificate that a recording was deleted, is authentic, and say in plain words what it tells.",
        epilog="example: recorder verify 5f0c.sealed --device-key room-1.device.pub\n"
        "exit code: 0 whole, refused or authentic, 1 open or cut, 2 it cannot be judged",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="the sealed recording, the receipt or the certificate")
    add_device_keys(parser)
    parser.add_argument(
        "--archive-key",
        type=Path,
        metavar="PUB",
        help="public key of the archive that signed the certificate (default: archive.pub beside FILE)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the report; SealedError and KeyFileError (exit code 2) are the caller's to print."""
    try:
        with args.file.open("rb") as stream:
            if not stream.seekable():
                raise SealedError(f"{args.file}: is a pipe, and a recording is read more than once; give a file")
            if _begins_with(stream, MAGIC):
                return _tell_certificate(stream.read(CERTIFICATE_BYTES_MAX + 1), args)
            receipt = _begins_with(stream, bytes([Beside.RECEIPT]))
            if not receipt:
                _must_begin_as_one(stream, args.file)
            device_keys = load_device_keys(args.device_key, args.file)
            if receipt:
                return _tell_receipt(stream.read(RECORD_BYTES_MAX + 1), args.file, device_keys, as_json=args.json)
            report = _judge(stream, args.file, device_keys)
            other = load_keybox_beside(args.file)
    except OSError as error:
        raise SealedError(f"{args.file}: cannot be read: {error.strerror}") from error
    if args.json:
        told = msgspec.to_builtins(report, builtin_types=(bytes,))  # or it makes base64 of them
        sys.stdout.write(json.dumps(told, default=bytes.hex) + "\n")
    else:
        signer = report.preamble.device_key
        key_file = next(file for file, key in device_keys.items() if device_key_hash(key).hex() == signer)
        sys.stdout.write(describe(report, key_file, keybox_beside(args.file), other))
    return 0 if report.state in (State.WHOLE, State.REFUSED) else 1


def _begins_with(stream: BinaryIO, first: bytes) -> bool:
    found = stream.read(len(first))
    stream.seek(0)
    return found == first


def _tell_certificate(data: bytes, args: argparse.Namespace) -> int:
    key_file = args.archive_key or args.file.with_name("archive.pub")
    key = load_device_public(key_file)
    try:
        told = Certificate.verify(data, key)
    except SignedTextError as error:
        raise SignedTextError(
            f"{args.file}: not a certificate of the archive whose key is {key_file}: {error}"
        ) from error
    signer = device_key_hash(key).hex()
    sys.stdout.write(encode(told).decode() + "\n" if args.json else certificate.describe(told, signer, key_file))
    return 0


def _tell_receipt(record: bytes, file: Path, device_keys: Mapping[Path, Ed25519PublicKey], *, as_json: bool) -> int:
    flaw: WederhoorError | None = None
    for key_file, key in device_keys.items():
        try:
            body = parse_record(record)[1]
            receipt = check_receipt(key, body)
        except (SealedError, WireError) as error:
            flaw = error
            continue
        signer = device_key_hash(key).hex()
        told = encode(receipt).decode() + "\n" if as_json else consent.describe(receipt, code(body), signer, key_file)
        sys.stdout.write(told)
        return 0
    raise WireError(f"{file}: not a consent receipt of a device whose key was given: {flaw}")


def _must_begin_as_one(stream: BinaryIO, file: Path) -> None:
    """What is no recording at all is told before any key is asked for."""
    try:
        kind, _ = next(split(stream), (None, b""))
    except SealedError as error:
        raise SealedError(f"{file}: is not a sealed recording, or not even its first record is whole") from error
    if kind is RecordType.KEYBOX and keybox_beside(file.with_suffix("")) == file:
        raise SealedError(
            f"{file}: is not a recording, but the keys of one, which the archive has changed (`rewrap`). They lie beside the "
            f"recording and say nothing without it; verify that: recorder verify {shlex.quote(str(file.with_suffix('')))}"
        )
    if kind is not RecordType.PREAMBLE:
        raise SealedError(
            f"{file}: is {'empty' if kind is None else 'not a sealed recording: it does not begin as one'}"
        )
    stream.seek(0)


def _judge(stream: BinaryIO, file: Path, device_keys: Mapping[Path, Ed25519PublicKey]) -> Report:
    try:
        return verify(stream, list(device_keys.values()))
    except SealedError as error:
        raise SealedError(f"{file}: not a sealed recording of a device whose key was given: {error}") from error


def add_device_keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device-key",
        type=Path,
        action="append",
        metavar="PUB",
        help="public key of the device that made it; may be given again (default: every *.device.pub beside FILE)",
    )


def load_device_keys(given: Sequence[Path] | None, file: Path) -> dict[Path, Ed25519PublicKey]:
    """The keys in the files `given`, or in those beside `file`; each by its file."""
    key_files = given or sorted(file.parent.glob("*.device.pub"))
    if not key_files:
        raise KeyFileError(f"no *.device.pub beside {file}: give the device's public key with --device-key")
    return {key_file: load_device_public(key_file) for key_file in key_files}


def describe(report: Report, key_file: Path, beside: Path, other: bytes | None) -> str:
    """The report in plain words. It rests on the device key in `key_file`, so it says which one that was.

    `beside` is where a keybox for other keys would be, `other` the body of the one that is there: it says what that proves.
    """
    preamble = report.preamble
    lines = [
        f"{report.state.upper()}: {REFUSED_NOTHING if _refused_nothing(report) else MEANING[report.state]}",
        *([f"but:        {NOT_ALL}"] if lacks(report) else []),
        *([f"flaw:       {report.flaw}"] if report.flaw else []),
        f"recording:  {preamble.recording}, number {preamble.sequence} of device {preamble.device}",
        f"device key: {preamble.device_key[:FINGERPRINT_DIGITS]}, from {key_file}",
        f"previous:   {preamble.previous}",
        f"begun:      {_utc(preamble.made)}",
        f"audio:      {report.blocks} blocks, {span(report.ticks)}",
    ]
    lines += [f"gap:        {span(gap.length)} at {span(gap.position)}: {gap.cause}" for gap in report.gaps]
    lines += [
        f"clock:      set by {step.milliseconds / 1000:+.1f} s before block {step.index}" for step in report.clock_steps
    ]
    if report.manifest is not None:
        lines += [
            f"event:      {span(event.ticks)}: {event.name}{f', {words}' if (words := EVENTS.get(event.name)) else ''}"
            for event in report.events
        ]
        lines.append(f"ended:      {_how_it_ended(report.manifest)}, {_utc(report.manifest.made)}")
    lines.append(f"keybox:     {_where_the_keybox_is(report, beside, other)}")
    if other is not None:
        keys = ", ".join(key_id.hex()[:FINGERPRINT_DIGITS] for key_id, _ in Keybox.parse(other).entries)
        lines.append(f"other keys: {OTHER_KEYBOX.format(keys=keys, beside=beside)}")
    return "\n".join(lines) + "\n"


def _where_the_keybox_is(report: Report, beside: Path, other: bytes | None) -> str:
    if report.keybox is not KeyboxState.ABSENT:
        return KEYBOX[report.keybox]
    if report.state is State.CUT:
        return "none that can be relied on, because of the flaw"
    return KEYBOX[KeyboxState.ABSENT].format(beside=beside) if other is None else MOVED


def lacks(report: Report) -> bool:
    """Whether it is sound, and yet not all of the meeting."""
    cut_short = report.manifest is not None and report.manifest.ended in ("fault", "power_loss")
    return report.state is State.WHOLE and bool(report.gaps or cut_short)


def _refused_nothing(report: Report) -> bool:
    return report.state is State.REFUSED and [event.name for event in report.events] == ["refused"]


def _how_it_ended(manifest: Manifest) -> str:
    """In words; that a limit was the end of patience is told by the events alone."""
    if manifest.ended == "limit" and any(event.name == "no_answer" for event in manifest.events):
        return EVENTS["no_answer"]
    return ENDED[manifest.ended]


def span(ticks: int) -> str:
    """A length of audio in words."""
    minutes, rest = divmod(ticks, 60 * TICKS_PER_SECOND)
    return f"{minutes} min {rest / TICKS_PER_SECOND:.2f} s" if minutes else f"{rest / TICKS_PER_SECOND:.2f} s"


def _utc(moment: Moment) -> str:
    trust = "clock synchronised" if moment.synced else "clock not synchronised"
    told = "after the year 9999" if moment.utc is None else moment.utc.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{told} ({trust})"

"""`recorder archive audit`: check the trail of what people did, sign how far it goes, take it out."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.config import Config

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from recorder.archive.audit import Checkpoint


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this action and its own ones."""
    audit = actions.add_parser(
        "audit",
        help="check the audit trail, sign how far it goes, or take it out",
        description="The trail of what people did with recordings: each line is bound to all before it.",
        epilog="example: recorder archive --config archive.toml audit check",
    )
    acts = audit.add_subparsers(metavar="ACT", required=True)
    check = acts.add_parser(
        "check",
        help="check every line",
        description="Check every line of the database, or of a file that `export` or the page wrote, against each other and "
        "against checkpoints. Who changed the whole trail with care is seen by a checkpoint that left the house before.",
        epilog="example: recorder archive audit check trail.jsonl --key archive.pub --checkpoint 1200.checkpoint",
    )
    check.add_argument("file", type=Path, nargs="?", metavar="FILE", help="the trail in a file (default: the database)")
    check.add_argument(
        "--checkpoint",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="one that was published; more than once",
    )
    check.add_argument(
        "--key", type=Path, metavar="FILE", help="the archive's public key (default: of keys/receipt.key in its folder)"
    )
    check.set_defaults(action="audit", act="check")
    sign = acts.add_parser(
        "checkpoint",
        help="sign how far the trail goes",
        description="Sign how far the trail goes now, with keys/receipt.key: it is in the database, on the page, and in a "
        "file in published/ to be published. `recorder archive forget` does it each night; this is for another moment.",
        epilog="example: recorder archive --config archive.toml audit checkpoint",
    )
    sign.set_defaults(action="audit", act="checkpoint")
    out = acts.add_parser(
        "export",
        help="write the trail to a file",
        description="Write all of the trail to a new file, as JSON Lines, so that others can check it. It has people's words.",
        epilog="example: recorder archive --config archive.toml audit export -o trail.jsonl",
    )
    out.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")
    out.set_defaults(action="audit", act="export")


def run(args: argparse.Namespace, config: Config) -> None:
    """Carry out one of these."""
    if args.act == "check" and args.file is not None:
        _check_file(args, config)
        return
    from recorder.archive.web import serving

    serving.set_up(args.config)
    match args.act:
        case "check":
            _check(args, config)
        case "checkpoint":
            _checkpoint(config)
        case _:
            _export(args, config)


def _check(args: argparse.Namespace, config: Config) -> None:
    from recorder.archive.web.trail.chain import check, own_checkpoints

    key = _key(args.key, config)
    checkpoints = [*own_checkpoints(key), *_checkpoints(args.checkpoint, key)]
    before, last = check(checkpoints, _now_ms())
    _say(before.number, last.number, len(checkpoints))


def _check_file(args: argparse.Namespace, config: Config) -> None:
    from recorder.archive.audit import KEPT_DAYS, check_all
    from recorder.archive.audit_file import read
    from recorder.errors import AuditError
    from recorder.wire.consent import DAY_MS

    # Without a checkpoint there is nothing to be checked by a key; one that is named is one all the same.
    checkpoints = _checkpoints(args.checkpoint, _key(args.key, config)) if args.checkpoint or args.key else []
    try:
        with args.file.open("rb") as file:
            before, lines = read(file)
            last = check_all(lines, before, checkpoints, kept_from_ms=_now_ms() - KEPT_DAYS * DAY_MS)
    except OSError as error:
        raise AuditError(f"{args.file}: cannot be read: {error.strerror}") from error
    except AuditError as error:
        raise AuditError(f"{args.file}: {error}") from error
    _say(before.number, last.number, len(checkpoints))


def _checkpoint(config: Config) -> None:
    from recorder.archive.web.trail.publishing import publish
    from recorder.keyfiles import load_device

    file = publish(load_device(Path(config.archive.folder) / "keys" / "receipt.key"), config.archive.name, _now_ms())
    print(f"{file}: tells of {file.stem} lines; publish it where nobody of yours can take it back")


def _export(args: argparse.Namespace, config: Config) -> None:
    from recorder.archive.audit_file import write
    from recorder.archive.web.trail.chain import beginning, kept, walk
    from recorder.errors import AuditError

    before = beginning()
    lines = ((each.number, kept(each)) for each in walk(before.number))
    try:
        with args.output.open("xb") as out:
            out.writelines(write(config.archive.name, before, lines))
    except OSError as error:
        raise AuditError(f"{args.output}: cannot be written: {error.strerror}") from error
    print(f"{args.output}: `recorder archive audit check` says whether it is as it was written")


def _key(file: Path | None, config: Config) -> "Ed25519PublicKey":
    from recorder.keyfiles import load_device, load_device_public

    if file is not None:
        return load_device_public(file)
    return load_device(Path(config.archive.folder) / "keys" / "receipt.key").public_key()


def _checkpoints(files: list[Path], key: "Ed25519PublicKey") -> "list[Checkpoint]":
    from recorder.archive.audit import open_checkpoint
    from recorder.archive.audit_file import CHECKPOINT_CHARACTERS_MAX, published
    from recorder.errors import AuditError

    found = []
    for file in files:
        try:
            with file.open(encoding="ascii") as source:
                found.append(open_checkpoint(key, published(source.read(CHECKPOINT_CHARACTERS_MAX + 1))))
        except (OSError, UnicodeDecodeError) as error:
            raise AuditError(f"{file}: cannot be read: {error}") from error
        except AuditError as error:
            raise AuditError(f"{file}: {error}") from error
    return found


def _say(before: int, last: int, checkpoints: int) -> None:
    agree = f"and agree with {checkpoints} checkpoint{'s' if checkpoints != 1 else ''}"
    told = f"lines {before + 1} to {last} are as they were written" if last > before else "there is no line"
    print(f"{told}, {agree}")
    if not checkpoints:
        print("without a published checkpoint nobody can tell whether all of it was written anew", file=sys.stderr)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

"""`recorder open`: a sealed recording into an ordinary `.opus` file, with a recipient's private key."""

import argparse
import sys
from pathlib import Path

from recorder.cli import passphrase
from recorder.cli.verify import add_device_keys, lacks, load_device_keys, span
from recorder.errors import StoreError
from recorder.sealed.verify import State


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "open",
        help="open a sealed recording into an .opus file",
        description="Verify a sealed recording and open it into an ordinary .opus file, not encoded again.\n"
        "If the archive has given it other keys, FILE.keybox beside it counts, as `recorder archive export` wrote it.",
        epilog="example: recorder open 5f0c.sealed --device-key room-1.device.pub --key reader.key -o 5f0c.opus\n"
        "exit code: 0 opened, 1 salvaged in part, 2 it cannot be opened",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="the sealed recording")
    add_device_keys(parser)
    parser.add_argument("--key", type=Path, required=True, metavar="PRIVATE", help="a recipient's private key")
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="its first line opens the key; else asked")
    parser.add_argument(
        "--salvage",
        action="store_true",
        help="keep what stands before a flaw; the file says so. One whose end is missing has no key, and is past salvage",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.opus", help="the file to write")
    parser.add_argument("--force", action="store_true", help="replace the file if it is there")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Open the file; errors (exit code 2) are the caller's to print."""
    from recorder.archive.reading_room import listen

    try:
        there = args.output.exists()
    except OSError as error:  # a folder that may not be entered, a name that is too long
        raise StoreError(f"{args.output}: cannot be looked at: {error.strerror}") from error
    if there and not args.force:
        raise StoreError(f"{args.output}: is there already; give another name, or --force to replace it")
    device_keys = list(load_device_keys(args.device_key, args.file).values())
    recipient = passphrase.load(args.key, args.passphrase_file)
    report = listen(args.file, device_keys, recipient, args.output, salvage=args.salvage)
    if report.state is State.WHOLE:
        but = (
            "; but not all of the meeting was recorded: `recorder verify` says what is missing" if lacks(report) else ""
        )
        sys.stderr.write(f"{args.output}: {span(report.ticks)}, whole{but}\n")
        return 0
    sys.stderr.write(f"{args.output}: salvaged in part; {report.flaw or 'the recording has no end'}\n")
    return 1

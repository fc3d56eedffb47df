"""`recorder announcement`: the spoken announcement as a WAV file."""

import argparse
import sys
from pathlib import Path


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "announcement",
        help="speak the announcement of a recording into a WAV file",
        description="Let a synthesised voice speak what a client hears before a recording begins. A voice of your own is "
        "better: read the text aloud and keep it as a WAV file; without -o the text is shown.",
        epilog="example: recorder announcement --language nl -o /etc/wederhoor/announcement.wav",
    )
    parser.add_argument("--language", choices=("nl", "en"), default="nl", help="(default: %(default)s)")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="the WAV file; for speaker.announcement")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Speak it, or show it."""
    from recorder.notices import spoken

    if args.out is None:
        print(spoken.text(args.language))
        return 0
    spoken.synthesise(args.language, args.out)
    print(f"{args.out}: spoken; name it as speaker.announcement in the room's settings", file=sys.stderr)
    return 0

"""The one command; thin: parse, call a shell, print.

What a subcommand needs is imported when it runs: a Pi has no database, an archive no microphone.
"""

import argparse
import sys
from collections.abc import Sequence

from recorder import __version__
from recorder.cli import announcement, archive, authority, open, panel, room, run, status, verify  # noqa: A004 `recorder open` is the command's name
from recorder.errors import WederhoorError

EXIT_BAD_INPUT = 2
LOCKS = {"run": "dev", "room": "device", "panel": "device", "archive": "archive", "status": "archive"}
"""The lock file in provisioning/lock/ that has what a command needs beside the package's own dependencies."""
COMMANDS = (run, room, panel, announcement, archive, status, authority, verify, open)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="recorder", description="Record an interview so that both sides can believe it.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"wederhoor {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for command in COMMANDS:
        command.add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 2 for what its user can mend."""
    args = parser().parse_args(argv)
    try:
        code: int = args.run(args)
    except WederhoorError as error:
        print(f"recorder {args.command}: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        if args.command not in LOCKS or library == "recorder":
            raise  # a defect of ours
        lock = f"provisioning/lock/{LOCKS[args.command]}.txt"
        print(
            f"recorder {args.command}: the library {library} is missing; in a clone: pip install --require-hashes -r {lock}",
            file=sys.stderr,
        )
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return 128 + 2
    return code

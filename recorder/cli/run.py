"""`recorder run`: a whole meeting on this machine, with every real part."""

import argparse
from pathlib import Path


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "run",
        help="try it: broker, archive and one room on this machine",
        description="Start a broker, an archive and one room on loopback, and show the room's panel. Without a "
        "microphone, or with --source, speech is played into a virtual one.",
        epilog='example: recorder run --source speech.wav --script "start,wait:20,stop" --out meeting',
    )
    parser.add_argument("--source", type=Path, metavar="WAV", help="play this file into a virtual microphone")
    parser.add_argument(
        "--script",
        metavar="STEPS",
        help="press without a person: start, stop, refuse, mark, wait:SECONDS; end, where "
        "panel.end_button names a pin; yes, where meeting.ask_everyone is true",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where the recording goes (default: recordings/TIME)"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the room's settings that differ (TOML)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the trial."""
    from recorder.trial.session import run as run_session

    return run_session(source=args.source, script=args.script, out=args.out, config_file=args.config)
